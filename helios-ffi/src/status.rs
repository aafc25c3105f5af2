//! What a call answers.

use std::ffi::CStr;

use helios_core::ErrorKind;

/// What a call answers: 0 for success, else what sort of thing went wrong.
///
/// A number is never given another meaning. Later versions may add numbers: treat one you do not know as
/// `HELIOS_STATUS_UNEXPECTED`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum HeliosStatus {
    /// It worked.
    Ok = 0,
    /// A setting is missing, unknown or contradicts another.
    ConfigInvalid = 1,
    /// An argument is malformed: a name, a schema, a position, an option.
    InvalidInput = 2,
    /// ClickHouse refused the SQL text.
    InvalidQuery = 3,
    /// No credentials, or credentials that were not accepted.
    Unauthenticated = 4,
    /// The credentials are good, the permission is missing.
    PermissionDenied = 5,
    /// A stream, table, database or function that does not exist.
    NotFound = 6,
    /// Something of that name exists already.
    AlreadyExists = 7,
    /// What exists differs from what was asked for, or another operation is under way.
    Conflict = 8,
    /// A limit was passed: size, rows, memory, quota.
    LimitExceeded = 9,
    /// It took longer than allowed. Whether it took effect is unknown.
    Timeout = 10,
    /// The other side cannot be reached or is not ready. Also: this process is a fork (see above).
    Unavailable = 11,
    /// The embedded engine cannot be opened.
    EngineUnavailable = 12,
    /// The query or the call was cancelled.
    Cancelled = 13,
    /// None of the above: a defect in Helios or an answer nobody expected.
    Unexpected = 14,
    /// A pointer that must not be NULL is NULL.
    NullArgument = 100,
    /// A text is not UTF-8.
    InvalidUtf8 = 101,
    /// A defect in Helios: it panicked. The handles of the call may be freed; do not use them otherwise.
    Panic = 102,
    /// A handle that was freed, or is one of another type, or is none.
    InvalidHandle = 103,
}

impl HeliosStatus {
    /// The stable name, the same on every face: `"not_found"`.
    pub(crate) const fn name(self) -> &'static CStr {
        match self {
            Self::Ok => c"ok",
            Self::ConfigInvalid => c"config_invalid",
            Self::InvalidInput => c"invalid_input",
            Self::InvalidQuery => c"invalid_query",
            Self::Unauthenticated => c"unauthenticated",
            Self::PermissionDenied => c"permission_denied",
            Self::NotFound => c"not_found",
            Self::AlreadyExists => c"already_exists",
            Self::Conflict => c"conflict",
            Self::LimitExceeded => c"limit_exceeded",
            Self::Timeout => c"timeout",
            Self::Unavailable => c"unavailable",
            Self::EngineUnavailable => c"engine_unavailable",
            Self::Cancelled => c"cancelled",
            Self::Unexpected => c"unexpected",
            Self::NullArgument => c"null_argument",
            Self::InvalidUtf8 => c"invalid_utf8",
            Self::Panic => c"panic",
            Self::InvalidHandle => c"invalid_handle",
        }
    }
}

impl From<ErrorKind> for HeliosStatus {
    fn from(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::ConfigInvalid => Self::ConfigInvalid,
            ErrorKind::InvalidInput => Self::InvalidInput,
            ErrorKind::InvalidQuery => Self::InvalidQuery,
            ErrorKind::Unauthenticated => Self::Unauthenticated,
            ErrorKind::PermissionDenied => Self::PermissionDenied,
            ErrorKind::NotFound => Self::NotFound,
            ErrorKind::AlreadyExists => Self::AlreadyExists,
            ErrorKind::Conflict => Self::Conflict,
            ErrorKind::LimitExceeded => Self::LimitExceeded,
            ErrorKind::Timeout => Self::Timeout,
            ErrorKind::Unavailable => Self::Unavailable,
            ErrorKind::EngineUnavailable => Self::EngineUnavailable,
            ErrorKind::Cancelled => Self::Cancelled,
            // A kind that core has and this table has not fails the test below.
            _ => Self::Unexpected,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_own_number_and_keeps_its_name() {
        for (kind, number) in ErrorKind::ALL.into_iter().zip(1..) {
            let status = HeliosStatus::from(kind);
            assert_eq!(status as u32, number, "{kind}");
            assert_eq!(status.name().to_str().unwrap(), kind.as_str());
        }
    }
}
