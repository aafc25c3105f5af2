//! ClickHouse's exceptions: their code, their text, and the HTTP status that goes with them.

use http::StatusCode;

/// An error as ClickHouse reports it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Exception {
    pub(crate) code: u32,
    /// `Code: N. DB::Exception: … (NAME)`.
    pub(crate) text: String,
}

/// The codes that the service itself answers with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    BadArguments,
    ChecksumDoesntMatch,
    NotImplemented,
    SyntaxError,
    UnknownFormat,
    UnknownSetting,
    UnknownCompressionMethod,
    TimeoutExceeded,
    Readonly,
    RequiredPassword,
    NetworkError,
    QueryWithSameIdIsAlreadyRunning,
    Aborted,
    QueryIsTooLarge,
    CannotDecompress,
    SupportIsDisabled,
    IntoOutfileNotAllowed,
    QueryWasCancelled,
    CannotScheduleTask,
    AccessDenied,
    AuthenticationFailed,
    UnknownException,
}

impl Code {
    fn number_and_name(self) -> (u32, &'static str) {
        match self {
            Self::BadArguments => (36, "BAD_ARGUMENTS"),
            Self::ChecksumDoesntMatch => (40, "CHECKSUM_DOESNT_MATCH"),
            Self::NotImplemented => (48, "NOT_IMPLEMENTED"),
            Self::SyntaxError => (62, "SYNTAX_ERROR"),
            Self::UnknownFormat => (73, "UNKNOWN_FORMAT"),
            Self::UnknownSetting => (115, "UNKNOWN_SETTING"),
            Self::UnknownCompressionMethod => (89, "UNKNOWN_COMPRESSION_METHOD"),
            Self::TimeoutExceeded => (159, "TIMEOUT_EXCEEDED"),
            Self::Readonly => (164, "READONLY"),
            Self::RequiredPassword => (194, "REQUIRED_PASSWORD"),
            Self::NetworkError => (210, "NETWORK_ERROR"),
            Self::QueryWithSameIdIsAlreadyRunning => (216, "QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING"),
            Self::Aborted => (236, "ABORTED"),
            Self::QueryIsTooLarge => (229, "QUERY_IS_TOO_LARGE"),
            Self::CannotDecompress => (271, "CANNOT_DECOMPRESS"),
            Self::SupportIsDisabled => (344, "SUPPORT_IS_DISABLED"),
            Self::IntoOutfileNotAllowed => (358, "INTO_OUTFILE_NOT_ALLOWED"),
            Self::QueryWasCancelled => (394, "QUERY_WAS_CANCELLED"),
            Self::CannotScheduleTask => (439, "CANNOT_SCHEDULE_TASK"),
            Self::AccessDenied => (497, "ACCESS_DENIED"),
            Self::AuthenticationFailed => (516, "AUTHENTICATION_FAILED"),
            Self::UnknownException => (1002, "UNKNOWN_EXCEPTION"),
        }
    }
}

impl Exception {
    /// An exception of the service's own.
    pub(crate) fn new(code: Code, message: impl AsRef<str>) -> Self {
        let (code, name) = code.number_and_name();
        Self { code, text: format!("Code: {code}. DB::Exception: {}. ({name})", message.as_ref()) }
    }

    /// What the engine said. A message without a code gets ClickHouse's code for unknown ones.
    pub(crate) fn from_engine(text: String) -> Self {
        let code = text.strip_prefix("Code: ").and_then(|rest| rest.split_once('.')?.0.parse().ok());
        match code {
            Some(code) => Self { code, text },
            None => Self::new(Code::UnknownException, text),
        }
    }

    /// The status that a ClickHouse server answers with, after `exceptionCodeToHTTPStatus.cpp`.
    pub(crate) fn status(&self) -> StatusCode {
        match self.code {
            194 => StatusCode::UNAUTHORIZED,
            192 | 193 | 497 | 512 | 516 => StatusCode::FORBIDDEN,
            6 | 8 | 15 | 25 | 26 | 27 | 36 | 37 | 38 | 41 | 44 | 53 | 62 | 72 | 117 | 123 | 167 | 168
            | 223 | 321 | 376 | 427 | 441 | 675 | 676 => StatusCode::BAD_REQUEST,
            46 | 47 | 50 | 56 | 60 | 63 | 73 | 78 | 81 | 115 | 152 | 336 | 511 => StatusCode::NOT_FOUND,
            159 => StatusCode::REQUEST_TIMEOUT,
            381 => StatusCode::LENGTH_REQUIRED,
            229 => StatusCode::PAYLOAD_TOO_LARGE,
            779 => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            48 => StatusCode::NOT_IMPLEMENTED,
            76 | 209 | 439 => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_is_read_from_the_engines_text() {
        let exception = Exception::from_engine("Code: 60. DB::Exception: Table x does not exist.".into());
        assert_eq!((exception.code, exception.status()), (60, StatusCode::NOT_FOUND));
    }

    #[test]
    fn a_text_without_a_code_gets_the_code_for_unknown_ones() {
        let exception = Exception::from_engine("Code: x. broken".into());
        assert_eq!(exception.code, 1002);
        assert_eq!(exception.text, "Code: 1002. DB::Exception: Code: x. broken. (UNKNOWN_EXCEPTION)");
    }
}
