//! A reject as it lies in quarantine.

use clickhouse::Row;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// One event in quarantine, with its reason and its bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct StoredReject {
    /// The reason: `"out_of_range"`.
    pub error_type: String,
    /// The reason, for a person.
    pub error_message: String,
    /// The column it did not fit into, if it was one column's fault.
    pub column: Option<String>,
    /// Where in the event: `$.place.tags[2]`.
    pub path: Option<String>,
    /// The ClickHouse type that was wanted there.
    pub wanted: Option<String>,
    /// The JSON value that was there, or its beginning.
    pub value: Option<String>,
    /// The event as it came; bytes that are not UTF-8 are shown as U+FFFD.
    pub raw_data: String,
    /// The bytes of an event that is not UTF-8.
    pub raw_data_base64: Option<String>,
    /// When it was put into quarantine.
    pub insertion_timestamp: Timestamp,
    /// The stream's ARN.
    pub stream: String,
    /// The shard.
    pub shard: String,
    /// The sequence number of its record.
    pub sequence_number: String,
    /// Its place in the record.
    pub sub_sequence: u64,
    /// When the record arrived in the stream, as far as is known.
    pub arrived_at: Option<Timestamp>,
    /// The schema that it did not fit.
    pub schema_version: String,
}

/// As ClickHouse gives it, by [`columns`].
#[derive(Row, Deserialize)]
pub(super) struct StoredRow {
    pub(super) error_type: String,
    pub(super) error_message: String,
    pub(super) column: Option<String>,
    pub(super) path: Option<String>,
    pub(super) wanted: Option<String>,
    value: Option<String>,
    raw_text: String,
    raw_base64: String,
    inserted: i64,
    stream: String,
    shard: String,
    sequence_number: String,
    sub_sequence: u64,
    arrived: Option<i64>,
    schema_version: String,
}

/// The columns of a [`StoredRow`], of an event's bytes so many.
pub(super) fn columns(raw_bytes: Option<usize>) -> String {
    let raw =
        raw_bytes.map_or_else(|| "raw_data".to_owned(), |most| format!("substring(raw_data, 1, {most})"));
    format!(
        "error_type, error_message, column, path, wanted, value, toValidUTF8({raw}) AS raw_text, \
         if(isValidUTF8({raw}), '', base64Encode({raw})) AS raw_base64, \
         toUnixTimestamp64Milli(insertion_timestamp) AS inserted, stream, shard, sequence_number, sub_sequence, \
         toUnixTimestamp64Milli(arrived_at) AS arrived, schema_version"
    )
}

impl StoredRow {
    pub(super) fn into_reject(self) -> Result<StoredReject> {
        Ok(StoredReject {
            insertion_timestamp: time(self.inserted)?,
            arrived_at: self.arrived.map(time).transpose()?,
            raw_data_base64: (!self.raw_base64.is_empty()).then_some(self.raw_base64),
            error_type: self.error_type,
            error_message: self.error_message,
            column: self.column,
            path: self.path,
            wanted: self.wanted,
            value: self.value,
            raw_data: self.raw_text,
            stream: self.stream,
            shard: self.shard,
            sequence_number: self.sequence_number,
            sub_sequence: self.sub_sequence,
            schema_version: self.schema_version,
        })
    }
}

pub(super) fn time(milliseconds: i64) -> Result<Timestamp> {
    Timestamp::from_millisecond(milliseconds)
        .map_err(|cause| Error::unexpected("a time in quarantine is out of range").caused_by(cause))
}
