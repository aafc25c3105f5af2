//! Where in a shard each table begins.

use std::borrow::Cow;

use jiff::Timestamp;

use super::super::{
    batch::{Batch, Record},
    ledger::Entry,
};
use crate::streams::{Position, ShardStart, compare_sequence_numbers};

/// Where in a shard a table begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Begin {
    /// At the oldest record.
    Oldest,
    /// At the first that arrived then, or later.
    At(Timestamp),
    /// At the record of this number: it may have events that are still to be delivered.
    Record(String),
}

impl Begin {
    /// Where a table goes on. `None` if the ledger knows nothing of it.
    pub(super) fn of(entry: &Entry) -> Option<Self> {
        let open = entry.open.as_ref().map(|open| &open.first);
        let place = entry.committed.as_ref().or(open)?;
        Some(Self::Record(place.sequence_number.clone()))
    }

    /// Where a shard begins of which the ledger knows nothing.
    pub(super) fn new(position: Position, now: Timestamp) -> Self {
        match position {
            Position::Oldest => Self::Oldest,
            Position::Now => Self::At(now),
            Position::At(time) => Self::At(time),
        }
    }
}

/// From where the shard is to be read, so that each table gets all that it begins with.
///
/// A time and a number cannot be compared: where tables have begun so differently, all the shard has is read.
pub(super) fn read_from<'a>(begins: impl IntoIterator<Item = &'a Begin>) -> ShardStart {
    let lowest = begins.into_iter().cloned().reduce(|one, other| match (one, other) {
        (Begin::At(one), Begin::At(other)) => Begin::At(one.min(other)),
        (Begin::Record(one), Begin::Record(other)) => {
            Begin::Record(if compare_sequence_numbers(&one, &other).is_le() { one } else { other })
        }
        _ => Begin::Oldest,
    });
    match lowest {
        Some(Begin::At(time)) => ShardStart::Position(Position::At(time)),
        Some(Begin::Record(number)) => ShardStart::At(number),
        Some(Begin::Oldest) | None => ShardStart::Position(Position::Oldest),
    }
}

/// Lets a table's records pass, from the first on.
#[derive(Clone, Debug)]
pub(super) struct Gate {
    begin: Begin,
    is_open: bool,
}

impl Gate {
    pub(super) fn new(begin: Begin) -> Self {
        Self { is_open: begin == Begin::Oldest, begin }
    }

    /// What of a batch is for this table.
    pub(super) fn pass<'a>(&mut self, batch: &'a Batch) -> Cow<'a, Batch> {
        if self.is_open {
            return Cow::Borrowed(batch);
        }
        // Times of arrival do not strictly grow: once open it stays open.
        let first = batch.records.iter().position(|record| self.begins_at(record));
        self.is_open = first.is_some();
        let first = first.unwrap_or(batch.records.len());
        if first == 0 && self.is_open {
            return Cow::Borrowed(batch);
        }
        let before = first.checked_sub(1).and_then(|before| batch.records.get(before));
        Cow::Owned(Batch {
            stream_arn: batch.stream_arn.clone(),
            shard: batch.shard.clone(),
            records: batch.records.get(first..).unwrap_or_default().to_vec(),
            follows: before.map(|record| record.sequence_number.clone()),
        })
    }

    fn begins_at(&self, record: &Record) -> bool {
        match &self.begin {
            Begin::Oldest => true,
            Begin::At(time) => record.approximate_arrival.is_none_or(|arrival| arrival >= *time),
            Begin::Record(number) => compare_sequence_numbers(&record.sequence_number, number).is_ge(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::{Identity, ledger::OpenRange};

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    fn batch(records: &[(u64, i64)]) -> Batch {
        let records = records.iter().map(|(number, arrival)| Record {
            sequence_number: number.to_string(),
            data: bytes::Bytes::new(),
            approximate_arrival: Some(at(*arrival)),
        });
        Batch::new("arn", "shard", records.collect())
    }

    fn passed(gate: &mut Gate, batch: &Batch) -> (Vec<String>, Option<String>) {
        let passed = gate.pass(batch);
        let numbers = passed.records.iter().map(|record| record.sequence_number.clone());
        (numbers.collect(), passed.follows.clone())
    }

    #[test]
    fn a_table_goes_on_at_its_last_event_or_at_the_first_that_it_may_have() {
        let place = |number: &str| Identity { sequence_number: number.to_owned(), sub_sequence: 3 };
        assert_eq!(Begin::of(&Entry::default()), None);
        let open = Some(OpenRange { first: place("7"), last: place("9"), ..OpenRange::for_test() });
        let entry = Entry { open: open.clone(), ..Entry::default() };
        assert_eq!(Begin::of(&entry), Some(Begin::Record("7".to_owned())));
        // The rest of its record may be in the open range, or in none.
        let entry = Entry { committed: Some(place("6")), open, ..Entry::default() };
        assert_eq!(Begin::of(&entry), Some(Begin::Record("6".to_owned())));
    }

    #[test]
    fn a_shard_is_read_from_where_the_first_table_begins() {
        let record = |number: &str| Begin::Record(number.to_owned());
        for (begins, start) in [
            (vec![record("10"), record("9")], ShardStart::At("9".to_owned())),
            (vec![Begin::At(at(9)), Begin::At(at(5))], ShardStart::Position(Position::At(at(5)))),
            (vec![record("9"), Begin::Oldest], ShardStart::Position(Position::Oldest)),
            (vec![Begin::At(at(9)), record("9"), record("8")], ShardStart::Position(Position::Oldest)),
            (vec![], ShardStart::Position(Position::Oldest)),
        ] {
            assert_eq!(read_from(&begins), start, "{begins:?}");
        }
    }

    #[test]
    fn a_table_gets_nothing_of_what_is_before_its_beginning() {
        let mut gate = Gate::new(Begin::Record("10".to_owned()));
        assert_eq!(passed(&mut gate, &batch(&[(8, 0), (9, 0)])), (vec![], Some("9".to_owned())));
        let expected = (vec!["10".to_owned(), "11".to_owned()], Some("9".to_owned()));
        assert_eq!(passed(&mut gate, &batch(&[(9, 0), (10, 0), (11, 0)])), expected);
        assert_eq!(passed(&mut gate, &batch(&[(12, 0)])), (vec!["12".to_owned()], None));

        let mut gate = Gate::new(Begin::At(at(5)));
        let expected = (vec!["2".to_owned(), "3".to_owned()], Some("1".to_owned()));
        assert_eq!(passed(&mut gate, &batch(&[(1, 4), (2, 5), (3, 4)])), expected, "it stays open");
        assert_eq!(passed(&mut gate, &batch(&[(4, 4)])).0, ["4"]);
        assert_eq!(passed(&mut Gate::new(Begin::Oldest), &batch(&[(4, 4)])).0, ["4"]);
    }
}
