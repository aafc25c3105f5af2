//! What a failed insert means. ClickHouse's error number can only show that no row is at fault; for any other number the
//! rows are tried.

use crate::{Error, ErrorKind};

/// What to do after an insert has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The same insert, with the same token: it may have taken effect.
    Again,
    /// The table has other columns than the rows: it has changed.
    Columns,
    /// Too many parts: the rows make too many, or the table has too many.
    Parts,
    /// Some rows, an expression of the table, or a view may be at fault: try the rows.
    Try,
    /// None of these helps, and no row is at fault.
    Failed,
}

/// TIMEOUT_EXCEEDED: a query that took too long will do so again, but what became of an insert is unknown.
const TIMEOUT_EXCEEDED: u32 = 159;
/// NOT_ENOUGH_SPACE.
const NOT_ENOUGH_SPACE: u32 = 243;
/// TOO_MANY_PARTS.
const TOO_MANY_PARTS: u32 = 252;
/// VIOLATED_CONSTRAINT: the only number that is a row's fault even if all rows fail.
pub(super) const VIOLATED_CONSTRAINT: u32 = 469;

/// NO_SUCH_COLUMN_IN_TABLE, NUMBER_OF_COLUMNS_DOESNT_MATCH, UNKNOWN_IDENTIFIER, TYPE_MISMATCH
const COLUMNS: [u32; 4] = [16, 20, 47, 53];

/// Kinds of error that no row causes, whatever their number.
const NOT_A_ROW: [ErrorKind; 5] = [
    ErrorKind::NotFound,
    ErrorKind::PermissionDenied,
    ErrorKind::Unauthenticated,
    ErrorKind::EngineUnavailable,
    ErrorKind::ConfigInvalid,
];

/// Numbers that no row causes, although a row may cause others of the same kind.
const NOT_A_ROW_CODES: [u32; 7] = [
    62,  // SYNTAX_ERROR
    48,  // NOT_IMPLEMENTED
    115, // UNKNOWN_SETTING
    201, // QUOTA_EXCEEDED
    218, // TABLE_IS_DROPPED
    394, // QUERY_WAS_CANCELLED
    733, // TABLE_IS_BEING_RESTARTED
];

pub(super) fn verdict(error: &Error) -> Verdict {
    match error.server_code() {
        Some(TOO_MANY_PARTS) => Verdict::Parts,
        Some(TIMEOUT_EXCEEDED) => Verdict::Again,
        Some(code) if COLUMNS.contains(&code) => Verdict::Columns,
        // A query may be asked again; what delivers does not wait for a disk.
        Some(NOT_ENOUGH_SPACE) => Verdict::Failed,
        _ if error.is_retryable() => Verdict::Again,
        Some(code) if !NOT_A_ROW_CODES.contains(&code) && !NOT_A_ROW.contains(&error.kind()) => Verdict::Try,
        _ => Verdict::Failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::warehouse::from_exception;

    #[test]
    fn only_what_is_surely_not_a_row_is_known_by_its_number() {
        for (code, expected) in [
            (469, Verdict::Try),
            (32, Verdict::Try),
            (6, Verdict::Try),
            (376, Verdict::Try),
            (675, Verdict::Try),
            (44, Verdict::Try),
            (135, Verdict::Try),
            (4711, Verdict::Try),
            (16, Verdict::Columns),
            (53, Verdict::Columns),
            (252, Verdict::Parts),
            (241, Verdict::Again),
            (159, Verdict::Again),
            (210, Verdict::Again),
            (242, Verdict::Again),
            (60, Verdict::Failed),
            (81, Verdict::Failed),
            (243, Verdict::Failed),
            (497, Verdict::Failed),
            (516, Verdict::Failed),
        ] {
            let error = from_exception(&format!("Code: {code}. DB::Exception: x. (NAME) (version 26.7.2.1)"));
            assert_eq!(verdict(&error), expected, "{code}");
        }
        let error = Error::new(ErrorKind::Unexpected, "no answer");
        assert_eq!(verdict(&error.retryable(true)), Verdict::Again);
        assert_eq!(verdict(&Error::new(ErrorKind::Unexpected, "no ClickHouse")), Verdict::Failed);
    }
}
