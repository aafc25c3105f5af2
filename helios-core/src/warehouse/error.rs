//! ClickHouse's errors as ours: decided by its number, never by its words.

#[cfg(feature = "engine-process")]
use helios_embedded::{StopReason, process::EngineEnded};

use super::QueryId;
use crate::{Error, ErrorCode, ErrorKind, SqlPosition};

/// Number, what kind it is to us, and whether the same request may succeed later.
///
/// Numbers and names: ClickHouse `src/Common/ErrorCodes.cpp`. Which ones are worth another try follows the list of the
/// ClickHouse Kafka Connect sink (`Utils.java`), less 159, after which the outcome of an insert is unknown but that of
/// the same read is the same. ClickHouse has some 600 numbers, and new ones in each release. Nearly all are about the statement: so
/// a number that is not listed is [`ErrorKind::InvalidQuery`], and what is ClickHouse's own trouble is listed.
const TABLE: &[(u32, ErrorKind, bool)] = &[
    (3, ErrorKind::Unavailable, true),         // UNEXPECTED_END_OF_FILE
    (40, ErrorKind::Unexpected, false),        // CHECKSUM_DOESNT_MATCH
    (49, ErrorKind::Unexpected, false),        // LOGICAL_ERROR
    (57, ErrorKind::AlreadyExists, false),     // TABLE_ALREADY_EXISTS
    (60, ErrorKind::NotFound, false),          // UNKNOWN_TABLE
    (74, ErrorKind::Unexpected, false),        // CANNOT_READ_FROM_FILE_DESCRIPTOR
    (75, ErrorKind::Unexpected, false),        // CANNOT_WRITE_TO_FILE_DESCRIPTOR
    (81, ErrorKind::NotFound, false),          // UNKNOWN_DATABASE
    (82, ErrorKind::AlreadyExists, false),     // DATABASE_ALREADY_EXISTS
    (95, ErrorKind::Unavailable, true),        // CANNOT_READ_FROM_SOCKET
    (96, ErrorKind::Unavailable, true),        // CANNOT_WRITE_TO_SOCKET
    (107, ErrorKind::NotFound, false),         // FILE_DOESNT_EXIST
    (128, ErrorKind::LimitExceeded, false),    // TOO_LARGE_ARRAY_SIZE
    (131, ErrorKind::LimitExceeded, false),    // TOO_LARGE_STRING_SIZE
    (158, ErrorKind::LimitExceeded, false),    // TOO_MANY_ROWS
    (159, ErrorKind::Timeout, false),          // TIMEOUT_EXCEEDED
    (161, ErrorKind::LimitExceeded, false),    // TOO_MANY_COLUMNS
    (162, ErrorKind::LimitExceeded, false),    // TOO_DEEP_SUBQUERIES
    (164, ErrorKind::PermissionDenied, false), // READONLY
    (165, ErrorKind::LimitExceeded, false),    // TOO_MANY_TEMPORARY_COLUMNS
    (166, ErrorKind::LimitExceeded, false),    // TOO_MANY_TEMPORARY_NON_CONST_COLUMNS
    (167, ErrorKind::LimitExceeded, false),    // TOO_DEEP_AST
    (168, ErrorKind::LimitExceeded, false),    // TOO_BIG_AST
    (173, ErrorKind::LimitExceeded, true),     // CANNOT_ALLOCATE_MEMORY
    (191, ErrorKind::LimitExceeded, false),    // SET_SIZE_LIMIT_EXCEEDED
    (192, ErrorKind::Unauthenticated, false),  // UNKNOWN_USER
    (193, ErrorKind::Unauthenticated, false),  // WRONG_PASSWORD
    (194, ErrorKind::Unauthenticated, false),  // REQUIRED_PASSWORD
    (201, ErrorKind::LimitExceeded, false),    // QUOTA_EXCEEDED
    (202, ErrorKind::LimitExceeded, true),     // TOO_MANY_SIMULTANEOUS_QUERIES
    (203, ErrorKind::Unavailable, true),       // NO_FREE_CONNECTION
    (209, ErrorKind::Timeout, true),           // SOCKET_TIMEOUT
    (210, ErrorKind::Unavailable, true),       // NETWORK_ERROR
    (216, ErrorKind::Conflict, true),          // QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING
    (218, ErrorKind::NotFound, false),         // TABLE_IS_DROPPED
    (225, ErrorKind::Unavailable, true),       // NO_ZOOKEEPER
    (226, ErrorKind::Unexpected, false),       // NO_FILE_IN_DATA_PART
    (228, ErrorKind::Unexpected, false),       // BAD_SIZE_OF_FILE_IN_DATA_PART
    (229, ErrorKind::LimitExceeded, false),    // QUERY_IS_TOO_LARGE
    (230, ErrorKind::Unexpected, false),       // NOT_FOUND_EXPECTED_DATA_PART
    (236, ErrorKind::Unavailable, true),       // ABORTED
    (241, ErrorKind::LimitExceeded, true),     // MEMORY_LIMIT_EXCEEDED
    (242, ErrorKind::Unavailable, true),       // TABLE_IS_READ_ONLY
    (243, ErrorKind::Unavailable, true),       // NOT_ENOUGH_SPACE
    (246, ErrorKind::Unexpected, false),       // CORRUPTED_DATA
    (252, ErrorKind::LimitExceeded, true),     // TOO_MANY_PARTS
    (279, ErrorKind::Unavailable, true),       // ALL_CONNECTION_TRIES_FAILED
    (285, ErrorKind::Unavailable, true),       // TOO_FEW_LIVE_REPLICAS
    (290, ErrorKind::LimitExceeded, false),    // LIMIT_EXCEEDED
    (291, ErrorKind::PermissionDenied, false), // DATABASE_ACCESS_DENIED
    (306, ErrorKind::LimitExceeded, false),    // TOO_DEEP_RECURSION
    (307, ErrorKind::LimitExceeded, false),    // TOO_MANY_BYTES
    (319, ErrorKind::Unavailable, true),       // UNKNOWN_STATUS_OF_INSERT
    (384, ErrorKind::Unavailable, true),       // PART_IS_TEMPORARILY_LOCKED
    (394, ErrorKind::Cancelled, false),        // QUERY_WAS_CANCELLED
    (396, ErrorKind::LimitExceeded, false),    // TOO_MANY_ROWS_OR_BYTES
    (425, ErrorKind::Unavailable, true),       // SYSTEM_ERROR
    (439, ErrorKind::Unavailable, true),       // CANNOT_SCHEDULE_TASK
    (446, ErrorKind::PermissionDenied, false), // FUNCTION_NOT_ALLOWED
    (452, ErrorKind::PermissionDenied, false), // SETTING_CONSTRAINT_VIOLATION
    (473, ErrorKind::Conflict, true),          // DEADLOCK_AVOIDED
    (497, ErrorKind::PermissionDenied, false), // ACCESS_DENIED
    (516, ErrorKind::Unauthenticated, false),  // AUTHENTICATION_FAILED
    (565, ErrorKind::LimitExceeded, false),    // TOO_MANY_PARTITIONS
    (701, ErrorKind::NotFound, false),         // CLUSTER_DOESNT_EXIST
    (735, ErrorKind::Cancelled, false),        // QUERY_WAS_CANCELLED_BY_CLIENT
    (740, ErrorKind::Unexpected, false),       // POTENTIALLY_BROKEN_DATA_PART
    (745, ErrorKind::LimitExceeded, true),     // SERVER_OVERLOADED
    (776, ErrorKind::LimitExceeded, false),    // RESOURCE_LIMIT_EXCEEDED
    (777, ErrorKind::LimitExceeded, true),     // MEMORY_RESERVATION_KILLED
    (778, ErrorKind::LimitExceeded, true),     // MEMORY_RESERVATION_FAILED
    (999, ErrorKind::Unavailable, true),       // KEEPER_EXCEPTION
    (1002, ErrorKind::Unexpected, false),      // UNKNOWN_EXCEPTION
    (1019, ErrorKind::LimitExceeded, true),    // QUERY_SLOT_ACQUISITION_TIMEOUT
    (1020, ErrorKind::LimitExceeded, true),    // MEMORY_RESERVATION_ACQUISITION_TIMEOUT
];

fn classify(code: u32) -> (ErrorKind, bool) {
    TABLE
        .binary_search_by_key(&code, |row| row.0)
        .ok()
        .and_then(|index| TABLE.get(index))
        .map_or((ErrorKind::InvalidQuery, false), |&(_, kind, retryable)| (kind, retryable))
}

/// An error of the `clickhouse` crate as ours.
pub(crate) fn from_clickhouse(error: clickhouse::error::Error) -> Error {
    match error {
        clickhouse::error::Error::BadResponse(text) => from_exception(&text),
        clickhouse::error::Error::TimedOut => {
            Error::new(ErrorKind::Timeout, "ClickHouse did not answer in time").retryable(true)
        }
        #[cfg(feature = "engine-process")]
        clickhouse::error::Error::Network(source) if EngineEnded::find(source.as_ref()).is_some() => {
            let restarts = EngineEnded::find(source.as_ref()).is_some_and(EngineEnded::restarts);
            ended(restarts).caused_by(source)
        }
        // A request that fails before its answer is the client's error, one in the middle of the answer is the body's.
        clickhouse::error::Error::Network(source) if source.is::<hyper_util::client::legacy::Error>() => {
            Error::new(
                ErrorKind::Unavailable,
                "ClickHouse cannot be reached; check `clickhouse_url` and that the server runs",
            )
            .retryable(true)
            .caused_by(source)
        }
        clickhouse::error::Error::Network(source) => cut_off().caused_by(source),
        clickhouse::error::Error::Decompression(source) => cut_off().caused_by(source),
        // Names and types were compared before, so what is missing was never sent.
        clickhouse::error::Error::NotEnoughData => cut_off(),
        clickhouse::error::Error::SchemaMismatch(text) => {
            Error::invalid_input("the row type does not fit the columns of the result").with("why", text)
        }
        clickhouse::error::Error::InvalidParams(source) => Error::new(
            ErrorKind::ConfigInvalid,
            "the ClickHouse request cannot be built; check `clickhouse_url`",
        )
        .caused_by(source),
        other => Error::unexpected("the answer of ClickHouse could not be read").caused_by(other),
    }
}

/// The engine ended while it executed a request.
#[cfg(feature = "engine-process")]
fn ended(restarts: bool) -> Error {
    let error = if restarts {
        let message = "the engine ended during this request and is being restarted; the request may have been executed: repeat it if it only \
                       reads, check first if it writes";
        Error::new(ErrorKind::EngineUnavailable, message)
    } else {
        Error::new(
            ErrorKind::Unavailable,
            "the engine is being shut down; the request may have been executed",
        )
    };
    error.retryable(true)
}

/// An error of the `clickhouse` crate as ours, of the query of this name.
pub(super) fn of_query(id: &QueryId, error: clickhouse::error::Error) -> Error {
    #[cfg(feature = "engine-process")]
    if let clickhouse::error::Error::Network(source) = &error
        && let Some(ended) = EngineEnded::find(source.as_ref())
    {
        return match ended.stuck_statement() {
            Some(stuck) if stuck.query_id == id.as_str() => did_not_stop(stuck.reason).caused_by(error),
            _ => from_clickhouse(error).with("query_id", id.as_str()),
        };
    }
    #[cfg(not(feature = "engine-process"))]
    let _ = id;
    from_clickhouse(error)
}

/// Unlike those of others at that moment, this query is not worth repeating.
#[cfg(feature = "engine-process")]
fn did_not_stop(reason: StopReason) -> Error {
    match reason {
        StopReason::TimeLimit => Error::new(
            ErrorKind::Timeout,
            "the query did not stop when its time was over, so the engine was restarted; make the query smaller, it would end like that again",
        ),
        _ => Error::new(
            ErrorKind::Cancelled,
            "the query was cancelled; it did not stop, so the engine was restarted",
        ),
    }
}

/// The error for an answer that has no end.
pub(super) fn cut_off() -> Error {
    Error::new(ErrorKind::Unavailable, "the answer of ClickHouse was cut off").retryable(true)
}

/// The text of an exception, `Code: 60. DB::Exception: … (UNKNOWN_TABLE) (version …)`, as an error.
pub(crate) fn from_exception(text: &str) -> Error {
    let Some(exception) = Exception::parse(text) else {
        return Error::unexpected("what answered is no ClickHouse server, or one in trouble")
            .with("answer", excerpt(text));
    };
    let (kind, retryable) = classify(exception.code);
    Error::new(kind, exception.message)
        .with_code(ErrorCode::ClickHouse { code: exception.code, name: exception.name })
        .retryable(retryable)
}

/// Says where in this text a syntax error is: ClickHouse counts the bytes of the text it was given, from 1.
pub(crate) fn located_in(sql: &str, error: Error) -> Error {
    if error.server_code() != Some(SYNTAX_ERROR) {
        return error;
    }
    let behind = error.message().split_once("failed at position ").map(|(_, behind)| behind);
    let offset = behind.and_then(|behind| {
        let digits = behind.find(|c: char| !c.is_ascii_digit()).unwrap_or(behind.len());
        behind.get(..digits)?.parse::<usize>().ok()?.checked_sub(1)
    });
    error.at_position(offset.map(|offset| SqlPosition::of(sql, offset)))
}

/// ClickHouse's number for a text it cannot parse.
const SYNTAX_ERROR: u32 = 62;

struct Exception {
    code: u32,
    name: Option<String>,
    message: String,
}

impl Exception {
    fn parse(text: &str) -> Option<Self> {
        let (_, rest) = text.split_once("Code: ")?;
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let (code, rest) = rest.split_at_checked(digits)?;
        let message = rest.trim_start_matches('.').trim();
        let message = message.strip_prefix("DB::Exception:").unwrap_or(message).trim();
        let message =
            message.rfind(" (version ").and_then(|at| message.get(..at)).unwrap_or(message).trim_end();
        let (message, name) = split_name(message);
        Some(Self { code: code.parse().ok()?, name, message: message.trim_end_matches('.').to_owned() })
    }
}

/// Parts `… (UNKNOWN_TABLE)` into message and name.
fn split_name(message: &str) -> (&str, Option<String>) {
    let split = message.strip_suffix(')').and_then(|rest| rest.rsplit_once('('));
    match split {
        Some((message, name))
            if !name.is_empty()
                && name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_') =>
        {
            (message.trim_end(), Some(name.to_owned()))
        }
        _ => (message, None),
    }
}

fn excerpt(text: &str) -> String {
    text.chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_has_each_number_once() {
        assert!(TABLE.is_sorted_by(|a, b| a.0 < b.0));
    }

    #[test]
    fn every_row_is_found() {
        for &(code, kind, retryable) in TABLE {
            let error = from_exception(&format!("Code: {code}. DB::Exception: x. (NAME) (version 26.7.2.1)"));
            assert_eq!(
                (error.kind(), error.is_retryable(), error.server_code()),
                (kind, retryable, Some(code))
            );
        }
    }

    #[test]
    fn reads_code_name_and_message() {
        let error = from_exception(
            "Code: 60. DB::Exception: Unknown table expression identifier 'nope' in scope SELECT * FROM nope. \
             (UNKNOWN_TABLE) (version 26.7.2.1 (official build))",
        );
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert_eq!(error.message(), "Unknown table expression identifier 'nope' in scope SELECT * FROM nope");
        assert_eq!(
            error.code(),
            Some(&ErrorCode::ClickHouse { code: 60, name: Some("UNKNOWN_TABLE".to_owned()) })
        );
    }

    #[test]
    fn an_unknown_number_is_about_the_statement() {
        let error = from_exception("Code: 4711. DB::Exception: new in 30.1");
        assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::InvalidQuery, false));
    }

    #[test]
    fn a_page_of_a_proxy_is_no_exception() {
        let error = from_exception("<html>502 Bad Gateway</html>");
        assert_eq!(error.kind(), ErrorKind::Unexpected);
        assert!(error.to_string().contains("502 Bad Gateway"));
    }
}
