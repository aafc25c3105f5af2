//! The quarantine: events that did not fit, with their reason, in `quarantine.<table>`.

use std::{collections::BTreeSet, sync::Arc};

use arrow_array::{ArrayRef, BinaryArray, RecordBatch, StringArray, TimestampMillisecondArray, UInt64Array};
use jiff::Timestamp;

use super::{
    decode::Reject,
    place::{Identity, Place},
};
use crate::{
    Error, Result,
    warehouse::{DEDUPLICATION_WINDOW, Ident, TableName, Warehouse},
};

/// The database of all quarantine tables.
pub const DATABASE: &str = "quarantine";

/// The quarantine of a table. Tables of the same name in several databases share one; `original_table` tells them apart.
///
/// # Errors
///
/// As [`TableName::new`]; never for a name that a table can have.
pub fn table_of(table: &TableName) -> Result<TableName> {
    TableName::new(DATABASE, table.table().as_str())
}

/// Makes the quarantine of a table unless it is there.
///
/// # Errors
///
/// What ClickHouse says, among it [`crate::ErrorKind::PermissionDenied`].
pub async fn ensure(warehouse: &Warehouse, table: &TableName) -> Result<()> {
    warehouse.create_database(&Ident::new(DATABASE)?).await?;
    let quarantine = table_of(table)?;
    warehouse.execute(&definition(&quarantine)).await.map_err(|error| error.with("table", quarantine.plain()))
}

fn definition(quarantine: &TableName) -> String {
    format!(
        "CREATE TABLE IF NOT EXISTS {quarantine}\n(\n    \
         error_type LowCardinality(String),\n    \
         error_message String,\n    \
         raw_data String,\n    \
         original_table LowCardinality(String),\n    \
         insertion_timestamp DateTime64(3, 'UTC'),\n    \
         stream LowCardinality(String),\n    \
         shard LowCardinality(String),\n    \
         sequence_number String,\n    \
         sub_sequence UInt64,\n    \
         column Nullable(String),\n    \
         schema_version LowCardinality(String)\n)\n\
         ENGINE = MergeTree\n\
         ORDER BY (original_table, insertion_timestamp)\n\
         SETTINGS non_replicated_deduplication_window = {DEDUPLICATION_WINDOW}"
    )
}

/// Rejects of one range, with their bytes exactly as they came.
#[derive(Debug, Default)]
pub(super) struct Rejects<'a> {
    entries: Vec<(Reject, Place<'a>, bytes::Bytes)>,
}

/// What all rejects of a batch have in common.
#[derive(Clone, Copy, Debug)]
pub(super) struct Origin<'a> {
    pub(super) table: &'a TableName,
    pub(super) stream_arn: &'a str,
    pub(super) shard: &'a str,
    pub(super) schema_version: &'a str,
    pub(super) now: Timestamp,
}

impl<'a> Rejects<'a> {
    pub(super) fn push(&mut self, reject: Reject, place: Place<'a>, raw: bytes::Bytes) {
        self.entries.push((reject, place, raw));
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Leaves out those that are in quarantine already.
    pub(super) fn remove(&mut self, present: &BTreeSet<Identity>) {
        self.entries.retain(|(_, place, _)| !present.contains(&place.to_identity()));
    }

    pub(super) fn to_batch(&self, origin: Origin<'_>) -> Result<RecordBatch> {
        let all = |value: &str| -> ArrayRef {
            Arc::new(StringArray::from_iter_values(self.entries.iter().map(|_| value)))
        };
        let rejects = || self.entries.iter().map(|(reject, ..)| reject);
        let places = || self.entries.iter().map(|(_, place, _)| place);
        let now = origin.now.as_millisecond();
        let now = TimestampMillisecondArray::from_iter_values(self.entries.iter().map(|_| now));
        let columns: [(&str, ArrayRef); 11] = [
            (
                "error_type",
                Arc::new(StringArray::from_iter_values(rejects().map(|one| one.error_type.as_str()))),
            ),
            ("error_message", Arc::new(StringArray::from_iter_values(rejects().map(|one| &one.message)))),
            ("raw_data", Arc::new(BinaryArray::from_iter_values(self.entries.iter().map(|(.., raw)| raw)))),
            ("original_table", all(&origin.table.plain())),
            ("insertion_timestamp", Arc::new(now)),
            ("stream", all(origin.stream_arn)),
            ("shard", all(origin.shard)),
            (
                "sequence_number",
                Arc::new(StringArray::from_iter_values(places().map(|one| one.sequence_number))),
            ),
            ("sub_sequence", Arc::new(UInt64Array::from_iter_values(places().map(|one| one.sub_sequence)))),
            ("column", Arc::new(rejects().map(|one| one.column.as_deref()).collect::<StringArray>())),
            ("schema_version", all(origin.schema_version)),
        ];
        RecordBatch::try_from_iter(columns)
            .map_err(|error| Error::unexpected("the rejects make no batch").at("deliver").caused_by(error))
    }
}
