//! The rejects of one range, on their way into quarantine.

use std::{collections::BTreeSet, sync::Arc};

use arrow_array::{ArrayRef, BinaryArray, RecordBatch, StringArray, TimestampMillisecondArray, UInt64Array};
use jiff::Timestamp;

use super::super::{
    batch::Event,
    decode::Reject,
    place::{Identity, Place},
};
use crate::{Error, Result, warehouse::TableName};

/// Rejects of one range, with their bytes exactly as they came.
#[derive(Debug, Default)]
pub(in crate::delivery) struct Rejects<'a> {
    entries: Vec<Entry<'a>>,
}

#[derive(Debug)]
struct Entry<'a> {
    reject: Reject,
    place: Place<'a>,
    arrival: Option<Timestamp>,
    raw: bytes::Bytes,
}

/// What all rejects of a batch have in common.
#[derive(Clone, Copy, Debug)]
pub(in crate::delivery) struct Origin<'a> {
    pub(in crate::delivery) table: &'a TableName,
    pub(in crate::delivery) stream_arn: &'a str,
    pub(in crate::delivery) shard: &'a str,
    pub(in crate::delivery) schema_version: &'a str,
    pub(in crate::delivery) now: Timestamp,
}

impl<'a> Rejects<'a> {
    pub(in crate::delivery) fn push(&mut self, reject: Reject, event: &Event<'a>) {
        let raw = event.data().clone();
        self.entries.push(Entry { reject, place: event.place, arrival: event.arrival, raw });
    }

    pub(in crate::delivery) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(in crate::delivery) fn reasons(&self) -> impl Iterator<Item = &Reject> {
        self.entries.iter().map(|entry| &entry.reject)
    }

    /// Leaves out those that are in quarantine already.
    pub(in crate::delivery) fn remove(&mut self, present: &BTreeSet<Identity>) {
        self.entries.retain(|entry| !present.contains(&entry.place.to_identity()));
    }

    pub(in crate::delivery) fn to_batch(&self, origin: Origin<'_>) -> Result<RecordBatch> {
        let entries = || self.entries.iter();
        let all =
            |value: &str| -> ArrayRef { Arc::new(StringArray::from_iter_values(entries().map(|_| value))) };
        let some = |of: fn(&Reject) -> Option<&str>| -> ArrayRef {
            Arc::new(entries().map(|entry| of(&entry.reject)).collect::<StringArray>())
        };
        let texts = |of: for<'e> fn(&'e Entry<'a>) -> &'e str| -> ArrayRef {
            Arc::new(StringArray::from_iter_values(entries().map(of)))
        };
        let now = origin.now.as_millisecond();
        let arrivals = entries().map(|entry| entry.arrival.map(Timestamp::as_millisecond));
        let columns: [(&str, ArrayRef); 15] = [
            ("error_type", texts(|entry| entry.reject.error_type.as_str())),
            ("error_message", texts(|entry| &entry.reject.message)),
            ("raw_data", Arc::new(BinaryArray::from_iter_values(entries().map(|entry| &entry.raw)))),
            ("original_table", all(&origin.table.plain())),
            (
                "insertion_timestamp",
                Arc::new(TimestampMillisecondArray::from_iter_values(entries().map(|_| now))),
            ),
            ("stream", all(origin.stream_arn)),
            ("shard", all(origin.shard)),
            ("sequence_number", texts(|entry| entry.place.sequence_number)),
            (
                "sub_sequence",
                Arc::new(UInt64Array::from_iter_values(entries().map(|entry| entry.place.sub_sequence))),
            ),
            ("column", some(|reject| reject.column.as_deref())),
            ("path", some(|reject| reject.path.as_deref())),
            ("wanted", some(|reject| reject.wanted.as_deref())),
            ("value", some(|reject| reject.value.as_deref())),
            ("schema_version", all(origin.schema_version)),
            ("arrived_at", Arc::new(arrivals.collect::<TimestampMillisecondArray>())),
        ];
        RecordBatch::try_from_iter_with_nullable(
            columns.map(|(name, array)| (name, array, NULLABLE.contains(&name))),
        )
        .map_err(|error| Error::unexpected("the rejects make no batch").at("deliver").caused_by(error))
    }
}

/// Columns that may be null.
const NULLABLE: [&str; 5] = ["column", "path", "wanted", "value", "arrived_at"];
