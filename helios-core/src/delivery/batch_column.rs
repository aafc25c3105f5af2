//! The hidden column that names the batch a row came with, so that the rows of a batch can be counted, and deleted.
//!
//! An accepted token, or an insert without an error, is only what ClickHouse reports. The count of a batch's rows
//! shows what is in the table.

use std::{fmt, sync::Arc};

use arrow_array::{FixedSizeBinaryArray, RecordBatch};
use arrow_schema::{DataType, Field, Schema};
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::{Error, Result};

pub(crate) use crate::column_names::BATCH_COLUMN;
/// Its type. 0 means that the row was not inserted by Helios.
pub(crate) const BATCH_TYPE: &str = "UInt128";

/// The column, and the index that keeps a count from reading the whole table, as a `CREATE TABLE` writes them.
///
/// Batches are numbered by time, so that a count skips parts whose rows are all older.
pub(crate) fn batch_column_definition() -> [String; 2] {
    [
        format!("{BATCH_COLUMN} {BATCH_TYPE} MATERIALIZED 0"),
        format!("INDEX {BATCH_COLUMN} {BATCH_COLUMN} TYPE minmax GRANULARITY 1"),
    ]
}

/// The number of a batch: the `_helios_batch` of its rows. 0 if the table has no such column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct BatchNumber(u128);

/// Bits below the milliseconds.
const BITS: u32 = 80;

impl BatchNumber {
    /// The number of a new batch: it grows with time, and exceeds the shard's last.
    ///
    /// 80 bits of the token's hash distinguish batches of the same millisecond. With fewer, two shards of a busy table
    /// would get the same number once in some years, and one would treat the rows of the other as its own.
    pub(super) fn new(now: Timestamp, token: &str, last: Self) -> Self {
        let milliseconds = u128::try_from(now.as_millisecond()).unwrap_or(0);
        let hash = cityhash_rs::cityhash_102_128(token.as_bytes()) & ((1 << BITS) - 1);
        Self(((milliseconds << BITS) | hash).max(last.0.saturating_add(1)))
    }

    /// Whether there is no batch.
    #[must_use]
    pub const fn is_none(&self) -> bool {
        self.0 == 0
    }
}

impl fmt::Display for BatchNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A string, as not every JSON reader keeps large numbers.
impl Serialize for BatchNumber {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for BatchNumber {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = String::deserialize(deserializer)?;
        number.parse().map(Self).map_err(|_| D::Error::custom("expected a batch number"))
    }
}

/// Adds the column to rows that all came with one batch.
pub(super) fn with_batch(rows: &RecordBatch, batch: BatchNumber) -> Result<RecordBatch> {
    let unexpected = |error| Error::unexpected("failed to add the batch column").caused_by(error);
    let bytes = batch.0.to_le_bytes();
    let numbers = FixedSizeBinaryArray::try_from_iter(std::iter::repeat_n(bytes, rows.num_rows()));
    let mut fields = rows.schema().fields().to_vec();
    fields.push(Arc::new(Field::new(BATCH_COLUMN, DataType::FixedSizeBinary(16), false)));
    let mut arrays = rows.columns().to_vec();
    arrays.push(Arc::new(numbers.map_err(unexpected)?));
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).map_err(unexpected)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_grow_with_time_and_within_a_millisecond() {
        let at = |milliseconds| Timestamp::from_millisecond(milliseconds).unwrap();
        let new = |time, token| BatchNumber::new(time, token, BatchNumber::default());
        let first = new(at(1_000), "a");
        assert_eq!(new(at(1_000), "a"), first);
        assert_ne!(new(at(1_000), "b"), first, "another shard");
        assert!(new(at(1_001), "b") > first.max(new(at(1_000), "b")));
        let next = BatchNumber::new(at(500), "a", first);
        assert_eq!(next.0, first.0 + 1, "a clock that was set back");
        assert!(!new(at(0), "").is_none());
        assert!(new("2100-01-01T00:00:00Z".parse().unwrap(), "a") > first);
    }

    #[test]
    fn shards_that_begin_a_batch_in_one_millisecond_do_not_share_its_number() {
        let now = Timestamp::from_millisecond(1_700_000_000_000).unwrap();
        let numbers =
            (0..100_000).map(|shard| BatchNumber::new(now, &shard.to_string(), BatchNumber::default()));
        assert_eq!(numbers.collect::<std::collections::BTreeSet<_>>().len(), 100_000);
    }

    #[test]
    fn a_number_is_kept_as_a_string() {
        let number = BatchNumber(u128::MAX);
        let kept = serde_json::to_string(&number).unwrap();
        assert_eq!(kept, r#""340282366920938463463374607431768211455""#);
        assert_eq!(serde_json::from_str::<BatchNumber>(&kept).unwrap(), number);
        assert!(serde_json::from_str::<BatchNumber>(r#""x""#).is_err());
    }
}
