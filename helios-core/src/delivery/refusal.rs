//! What an insert that failed means: decided by ClickHouse's number, never by its words.

use crate::Error;

/// What to do after an insert has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The same insert, with the same token: it may have taken effect.
    Again,
    /// Nothing was written, and never will be of these rows: they are to be parted.
    Refused(Refusal),
    /// Neither helps.
    Failed,
}

/// Why a block is refused for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// Because of some of its rows.
    Rows,
    /// Because of its columns: the table has changed.
    Columns,
    /// It makes too many parts, or the table has too many.
    Parts,
}

/// Numbers of errors that are raised before anything is written.
///
/// Each could also come from a materialized view, after the table has the rows: where there is one, that has to be
/// found out first.
const TABLE: &[(u32, Refusal)] = &[
    (6, Refusal::Rows),     // CANNOT_PARSE_TEXT
    (16, Refusal::Columns), // NO_SUCH_COLUMN_IN_TABLE
    (20, Refusal::Columns), // NUMBER_OF_COLUMNS_DOESNT_MATCH
    (25, Refusal::Rows),    // CANNOT_PARSE_ESCAPE_SEQUENCE
    (26, Refusal::Rows),    // CANNOT_PARSE_QUOTED_STRING
    (27, Refusal::Rows),    // CANNOT_PARSE_INPUT_ASSERTION_FAILED
    (38, Refusal::Rows),    // CANNOT_PARSE_DATE
    (41, Refusal::Rows),    // CANNOT_PARSE_DATETIME
    (47, Refusal::Columns), // UNKNOWN_IDENTIFIER
    (53, Refusal::Columns), // TYPE_MISMATCH
    (69, Refusal::Rows),    // ARGUMENT_OUT_OF_BOUND
    (70, Refusal::Rows),    // CANNOT_CONVERT_TYPE
    (72, Refusal::Rows),    // CANNOT_PARSE_NUMBER
    (117, Refusal::Rows),   // INCORRECT_DATA
    (128, Refusal::Rows),   // TOO_LARGE_ARRAY_SIZE
    (131, Refusal::Rows),   // TOO_LARGE_STRING_SIZE
    (153, Refusal::Rows),   // ILLEGAL_DIVISION
    (190, Refusal::Rows),   // SIZES_OF_ARRAYS_DONT_MATCH
    (252, Refusal::Parts),  // TOO_MANY_PARTS
    (321, Refusal::Rows),   // VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE
    (349, Refusal::Rows),   // CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN
    (395, Refusal::Rows),   // FUNCTION_THROW_IF_VALUE_IS_NON_ZERO
    (407, Refusal::Rows),   // DECIMAL_OVERFLOW
    (469, Refusal::Rows),   // VIOLATED_CONSTRAINT
    (691, Refusal::Rows),   // UNKNOWN_ELEMENT_OF_ENUM
];

/// TIMEOUT_EXCEEDED: a query that took too long will do so again, but what became of an insert is unknown.
const TIMEOUT_EXCEEDED: u32 = 159;

pub(super) fn verdict(error: &Error) -> Verdict {
    let code = error.server_code();
    if let Some((_, refusal)) = TABLE.iter().find(|(number, _)| code == Some(*number)) {
        return Verdict::Refused(*refusal);
    }
    if error.is_retryable() || code == Some(TIMEOUT_EXCEEDED) { Verdict::Again } else { Verdict::Failed }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ErrorCode, ErrorKind};

    fn error(code: Option<u32>, retryable: bool) -> Error {
        let error = Error::new(ErrorKind::Unexpected, "x").retryable(retryable);
        match code {
            Some(code) => error.with_code(ErrorCode::ClickHouse { code, name: None }),
            None => error,
        }
    }

    #[test]
    fn the_table_is_sorted_and_has_each_number_once() {
        assert!(TABLE.is_sorted_by(|a, b| a.0 < b.0));
    }

    #[test]
    fn a_refusal_is_known_by_its_number_and_another_attempt_by_its_kind() {
        for (code, retryable, expected) in [
            (Some(469), false, Verdict::Refused(Refusal::Rows)),
            (Some(16), false, Verdict::Refused(Refusal::Columns)),
            (Some(252), true, Verdict::Refused(Refusal::Parts)),
            (Some(241), true, Verdict::Again),
            (Some(159), false, Verdict::Again),
            (None, true, Verdict::Again),
            (None, false, Verdict::Failed),
            (Some(60), false, Verdict::Failed),
            (Some(497), false, Verdict::Failed),
        ] {
            assert_eq!(verdict(&error(code, retryable)), expected, "{code:?}");
        }
    }
}
