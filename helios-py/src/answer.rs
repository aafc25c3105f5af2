//! Requests and answers as JSON text.

use helios_core::{Error, ErrorKind, Result};
use serde::{Serialize, de::DeserializeOwned};

/// A request's JSON as a value.
pub(crate) fn read<T: DeserializeOwned>(json: &str) -> Result<T> {
    serde_json::from_str(json).map_err(|error| Error::new(ErrorKind::InvalidInput, error.to_string()))
}

/// An answer as its JSON.
pub(crate) fn write<T: Serialize>(answer: &T) -> Result<String> {
    serde_json::to_string(answer).map_err(|error| {
        Error::new(ErrorKind::Unexpected, "an answer cannot be written as JSON").caused_by(error)
    })
}
