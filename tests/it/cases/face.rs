//! A way into Helios, as the cases see it.

use serde::Deserialize;
use serde_json::Value;

use super::case::Case;

/// Runs one case at a time.
pub(super) trait Face {
    async fn call(&mut self, case: &Case) -> Outcome;
}

/// The answer in the documented JSON, or the error.
pub(super) type Outcome = Result<Value, Failure>;

/// Reads what a face in another process answered.
pub(super) fn outcome(answered: bool, json: &[u8]) -> Outcome {
    let read =
        if answered { serde_json::from_slice(json).map(Ok) } else { serde_json::from_slice(json).map(Err) };
    read.unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(json)))
}

/// An error, as HTTP shows it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Failure {
    pub(super) code: String,
    pub(super) error: String,
    pub(super) retryable: bool,
    pub(super) server_code: Option<u32>,
    pub(super) server_error_name: Option<String>,
    pub(super) position: Option<Box<Value>>,
    pub(super) aws_code: Option<String>,
}
