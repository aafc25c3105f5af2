//! The numbers under which the rows of an open range were sent.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::super::batch_column::BatchNumber;

/// The batch numbers of a range.
///
/// Each insert gets its own if an earlier one may still arrive. All of them together are counted; but once the range is
/// committed, those without rows are replaced batches: wherever such an insert arrives, its rows can be told apart and deleted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Batches {
    /// The `_helios_batch` of the rows that are inserted next. None (0): the table has no such column.
    #[serde(rename = "batch", default, skip_serializing_if = "BatchNumber::is_none")]
    pub current: BatchNumber,
    /// Those of inserts that were sent before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<Superseded>,
}

/// A batch of rows that was replaced by another. If rows of it still arrive, they are deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Superseded {
    /// The `_helios_batch` of its rows.
    pub batch: BatchNumber,
    /// Until when an insert of it may arrive.
    pub until: Timestamp,
}

impl Batches {
    pub(in super::super) fn new(current: BatchNumber) -> Self {
        Self { current, earlier: Vec::new() }
    }

    /// Whether its rows cannot be counted.
    pub(in super::super) fn is_none(&self) -> bool {
        self.current.is_none()
    }

    /// All numbers. Empty if the table has no such column.
    pub(in super::super) fn all(&self) -> Vec<BatchNumber> {
        let current = (!self.is_none()).then_some(self.current);
        self.earlier.iter().map(|earlier| earlier.batch).chain(current).collect()
    }

    /// With a new number for the next insert; one of the current number may arrive until then.
    pub(in super::super) fn with(self, next: BatchNumber, until: Timestamp) -> Self {
        let current = Superseded { batch: self.current, until };
        Self { current: next, earlier: self.earlier.into_iter().chain([current]).collect() }
    }

    /// All of them as replaced; an insert of the current number may arrive until then.
    pub(in super::super) fn replaced(&self, until: Timestamp) -> Vec<Superseded> {
        let current = (!self.is_none()).then_some(Superseded { batch: self.current, until });
        self.earlier.iter().copied().chain(current).collect()
    }

    /// Those without rows, if others have some, as replaced.
    pub(in super::super) fn without_rows(&self, rows: &RowsByBatch, until: Timestamp) -> Vec<Superseded> {
        if self.earlier.is_empty() {
            return Vec::new();
        }
        self.replaced(until).into_iter().filter(|batch| rows.of(batch.batch) == 0).collect()
    }

    /// Takes out earlier numbers of which no more rows can arrive, and none have.
    pub(in super::super) fn take_expired(&mut self, rows: &RowsByBatch, now: Timestamp) -> Vec<Superseded> {
        let is_over = |batch: &mut Superseded| batch.until <= now && rows.of(batch.batch) == 0;
        self.earlier.extract_if(.., is_over).collect()
    }
}

/// How many rows of each batch were in the table when they were counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in super::super) struct RowsByBatch(Vec<(BatchNumber, u64)>);

impl RowsByBatch {
    pub(in super::super) fn new(batches: &[BatchNumber], rows: Vec<u64>) -> Self {
        Self(batches.iter().copied().zip(rows).collect())
    }

    fn of(&self, batch: BatchNumber) -> u64 {
        self.0.iter().find(|(counted, _)| *counted == batch).map_or(0, |(_, rows)| *rows)
    }

    pub(in super::super) fn total(&self) -> u64 {
        self.0.iter().map(|(_, rows)| rows).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(milliseconds: i64) -> BatchNumber {
        let at = Timestamp::from_millisecond(milliseconds).unwrap();
        BatchNumber::new(at, "t", BatchNumber::default())
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    #[test]
    fn a_number_without_rows_is_replaced_once_others_have_them() {
        let one = Batches::new(number(1));
        let rows = RowsByBatch::default();
        assert_eq!(one.without_rows(&rows, at(9)), [], "its rows may have been removed");
        let three = one.with(number(2), at(5)).with(number(3), at(6));
        let rows = RowsByBatch::new(&three.all(), vec![0, 4, 0]);
        let without: Vec<_> = three.without_rows(&rows, at(9));
        assert_eq!(
            without,
            [Superseded { batch: number(1), until: at(5) }, Superseded { batch: number(3), until: at(9) },]
        );
        assert_eq!(rows.total(), 4);
    }

    #[test]
    fn numbers_that_can_no_longer_arrive_do_not_accumulate() {
        let mut batches =
            Batches::new(number(1)).with(number(2), at(5)).with(number(3), at(6)).with(number(4), at(7));
        let rows = RowsByBatch::new(&batches.all(), vec![0, 4, 0, 0]);
        assert_eq!(batches.take_expired(&rows, at(6)), [Superseded { batch: number(1), until: at(5) }]);
        assert_eq!(batches.all(), [number(2), number(3), number(4)]);
    }

    #[test]
    fn a_table_without_the_column_has_no_numbers() {
        let none = Batches::default();
        assert_eq!((none.all(), none.replaced(at(1))), (Vec::new(), Vec::new()));
        assert_eq!(serde_json::to_string(&none).unwrap(), "{}");
    }
}
