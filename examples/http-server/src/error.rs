//! Errors on the wire: one body, and one table from the library's kinds to statuses.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use helios_core::{ErrorKind, SqlPosition};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    audit::Cause,
    refusal::{Refusal, UNEXPECTED},
};

/// `{"error", "code", "retryable"}`, with `serverCode` and `serverErrorName`, or `awsCode`, where the other side gave one,
/// and `position` for an error of syntax.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ErrorBody {
    /// What happened, to which thing, and what to do next.
    #[schema(example = "the stream does not exist {stream: clicks}")]
    pub error: String,
    /// A stable name to decide on.
    #[schema(value_type = String, example = "not_found")]
    pub code: &'static str,
    /// Whether the same request may succeed later, unchanged.
    #[schema(example = false)]
    pub retryable: bool,
    /// ClickHouse's error number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_code: Option<u32>,
    /// ClickHouse's name of the error.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "UNKNOWN_TABLE")]
    pub server_error_name: Option<String>,
    /// Where in the query the error is, for one of syntax.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<Position>,
    /// AWS's error code.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "ResourceNotFoundException")]
    pub aws_code: Option<String>,
}

/// A place in the text of a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[non_exhaustive]
pub struct Position {
    /// In bytes of UTF-8 from the beginning of the text, from 0.
    pub offset: usize,
    /// The line, from 1.
    pub line: usize,
    /// The character in its line, from 1.
    pub column: usize,
}

impl From<SqlPosition> for Position {
    fn from(SqlPosition { offset, line, column, .. }: SqlPosition) -> Self {
        Self { offset, line, column }
    }
}

/// Why a request failed.
#[derive(Debug)]
pub(crate) enum ApiError {
    /// The operation failed.
    Failed(helios_core::Error),
    /// The server did not let it begin.
    Refused(Refusal),
}

/// The status of every kind of error.
const STATUSES: [(ErrorKind, StatusCode); 14] = [
    // The server's own settings were checked when it started: what is left is the caller's region or profile.
    (ErrorKind::ConfigInvalid, StatusCode::BAD_REQUEST),
    (ErrorKind::InvalidInput, StatusCode::BAD_REQUEST),
    (ErrorKind::InvalidQuery, StatusCode::BAD_REQUEST),
    (ErrorKind::Unauthenticated, StatusCode::UNAUTHORIZED),
    (ErrorKind::PermissionDenied, StatusCode::FORBIDDEN),
    (ErrorKind::NotFound, StatusCode::NOT_FOUND),
    (ErrorKind::AlreadyExists, StatusCode::CONFLICT),
    (ErrorKind::Conflict, StatusCode::CONFLICT),
    (ErrorKind::LimitExceeded, StatusCode::PAYLOAD_TOO_LARGE),
    (ErrorKind::Timeout, StatusCode::GATEWAY_TIMEOUT),
    (ErrorKind::Unavailable, StatusCode::SERVICE_UNAVAILABLE),
    (ErrorKind::EngineUnavailable, StatusCode::SERVICE_UNAVAILABLE),
    (ErrorKind::Cancelled, StatusCode::SERVICE_UNAVAILABLE),
    (ErrorKind::Unexpected, StatusCode::INTERNAL_SERVER_ERROR),
];

fn status(error: &helios_core::Error) -> StatusCode {
    match error.kind() {
        // A limit that passes with time is a busy server, not too large a result.
        ErrorKind::LimitExceeded if error.is_retryable() => StatusCode::TOO_MANY_REQUESTS,
        // ClickHouse refused the user that the server is configured with. The caller cannot mend that.
        ErrorKind::Unauthenticated if error.server_code().is_some() => StatusCode::INTERNAL_SERVER_ERROR,
        kind => STATUSES
            .iter()
            .find(|(listed, _)| *listed == kind)
            .map_or(StatusCode::INTERNAL_SERVER_ERROR, |(_, status)| *status),
    }
}

impl ApiError {
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Failed(error) => status(error),
            Self::Refused(refusal) => refusal.status(),
        }
    }

    pub(crate) fn body(&self) -> ErrorBody {
        match self {
            Self::Failed(error) => ErrorBody {
                error: text(error),
                code: code(error),
                retryable: error.is_retryable(),
                server_code: error.server_code(),
                server_error_name: error.server_error_name().map(str::to_owned),
                position: error.position().map(Position::from),
                aws_code: error.aws_code().map(str::to_owned),
            },
            Self::Refused(refusal) => ErrorBody {
                error: refusal.text().to_owned(),
                code: refusal.code(),
                retryable: refusal.is_retryable(),
                server_code: None,
                server_error_name: None,
                position: None,
                aws_code: None,
            },
        }
    }

    fn retry_after(&self) -> u64 {
        match self {
            Self::Failed(_) => 1,
            Self::Refused(refusal) => refusal.retry_after(),
        }
    }

    /// Logs what failed, but for a [`Cause`], which the endpoint logs.
    fn log(&self) {
        match self {
            Self::Failed(error) if status(error) == StatusCode::INTERNAL_SERVER_ERROR => {
                tracing::error!(error = %format_args!("{error:#}"), "The operation failed.");
            }
            Self::Failed(error) if status(error).is_server_error() => {
                tracing::warn!(error = %format_args!("{error:#}"), "The operation failed.");
            }
            Self::Failed(_) | Self::Refused(Refusal::BadBody(_)) => {}
            Self::Refused(refusal) => {
                tracing::debug!(code = refusal.code(), error = refusal.text(), "The request was refused.");
            }
        }
    }

    /// Of an error whose text may quote what the caller sent: that is for the endpoint to log.
    fn cause(&self) -> Option<Cause> {
        match self {
            Self::Failed(error) if status(error).is_server_error() => None,
            // AWS's words about a wrong signature may hold the session token.
            Self::Failed(error) if error.kind() == ErrorKind::Unauthenticated => {
                Some(Cause { code: code(error), text: None })
            }
            Self::Failed(error) => Some(Cause { code: code(error), text: Some(format!("{error:#}")) }),
            Self::Refused(refusal @ Refusal::BadBody(text)) => {
                Some(Cause { code: refusal.code(), text: Some(text.clone()) })
            }
            Self::Refused(_) => None,
        }
    }
}

/// The name of an error: its kind's, or a finer one.
fn code(error: &helios_core::Error) -> &'static str {
    match error.kind() {
        // An engine that could not be opened stays so; one that has ended is started again.
        ErrorKind::EngineUnavailable if error.is_retryable() => "engine_restarted",
        kind => kind.as_str(),
    }
}

/// An unexpected error of our own holds internals. ClickHouse's words are about the caller's query, whatever its number.
fn text(error: &helios_core::Error) -> String {
    if error.kind() == ErrorKind::Unexpected && error.server_code().is_none() {
        UNEXPECTED.to_owned()
    } else {
        error.text().into_owned()
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        self.log();
        let mut response = (self.status(), Json(self.body())).into_response();
        if let Some(cause) = self.cause() {
            response.extensions_mut().insert(cause);
        }
        if matches!(self.status(), StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(self.retry_after()));
        }
        if matches!(self, Self::Refused(Refusal::NotAdmitted)) {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl From<helios_core::Error> for ApiError {
    fn from(error: helios_core::Error) -> Self {
        Self::Failed(error)
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

#[cfg(test)]
mod tests {
    use helios_core::{Error, ErrorCode};

    use super::*;

    #[test]
    fn every_kind_has_one_status() {
        for kind in ErrorKind::ALL {
            let rows = STATUSES.iter().filter(|(listed, _)| *listed == kind).count();
            assert_eq!(rows, 1, "{kind}");
        }
    }

    #[test]
    fn a_limit_is_413_unless_it_passes_with_time() {
        let limit = || Error::new(ErrorKind::LimitExceeded, "too many rows");
        assert_eq!(status(&limit()), StatusCode::PAYLOAD_TOO_LARGE);
        let response = ApiError::from(limit().retryable(true)).into_response();
        assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(response.headers()[header::RETRY_AFTER], "1");
    }

    #[test]
    fn a_wrong_clickhouse_password_is_not_the_callers_fault() {
        let error = Error::new(ErrorKind::Unauthenticated, "wrong password")
            .with_code(ErrorCode::ClickHouse { code: 516, name: None });
        assert_eq!(status(&error), StatusCode::INTERNAL_SERVER_ERROR);
    }

    #[test]
    fn the_body_names_the_thing_and_the_codes() {
        let error = Error::new(ErrorKind::NotFound, "the stream does not exist")
            .with("stream", "clicks")
            .with_code(ErrorCode::Aws("ResourceNotFoundException".to_owned()));
        assert_eq!(
            serde_json::to_value(ApiError::from(error).body()).unwrap(),
            serde_json::json!({
                "error": "the stream does not exist {stream: clicks}",
                "code": "not_found",
                "retryable": false,
                "awsCode": "ResourceNotFoundException",
            })
        );
    }

    #[test]
    fn internals_stay_inside() {
        let error = Error::new(ErrorKind::Unexpected, "canary /etc/helios")
            .caused_by("canary 2")
            .with("at", "canary 3");
        assert!(!format!("{:?}", ApiError::from(error).body()).contains("canary"));
    }

    #[test]
    fn clickhouse_speaks_for_itself() {
        let error = Error::new(ErrorKind::Unexpected, "Cannot frobnicate")
            .with_code(ErrorCode::ClickHouse { code: 4711, name: None });
        let body = ApiError::from(error).body();
        assert_eq!((body.error.as_str(), body.server_code), ("Cannot frobnicate", Some(4711)));
    }
}
