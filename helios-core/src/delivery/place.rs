//! Where an event stands in its shard. With the shard this is its identity.

use std::{cmp::Ordering, fmt};

use serde::{Deserialize, Serialize};

use crate::streams::compare_sequence_numbers;

/// An event's place in its shard: sequence numbers compare as the numbers they are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    pub(super) sequence_number: &'a str,
    pub(super) sub_sequence: u64,
}

/// A place that is kept: in the ledger.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Identity {
    /// The Kinesis record's sequence number, decimal digits.
    pub sequence_number: String,
    /// The event's place in the record.
    pub sub_sequence: u64,
}

impl Place<'_> {
    pub(super) fn to_identity(self) -> Identity {
        Identity { sequence_number: self.sequence_number.to_owned(), sub_sequence: self.sub_sequence }
    }
}

impl Identity {
    pub(super) fn place(&self) -> Place<'_> {
        Place { sequence_number: &self.sequence_number, sub_sequence: self.sub_sequence }
    }
}

impl Ord for Place<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        compare_sequence_numbers(self.sequence_number, other.sequence_number)
            .then_with(|| self.sub_sequence.cmp(&other.sub_sequence))
    }
}

impl PartialOrd for Place<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Place<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Place<'_> {}

impl Ord for Identity {
    fn cmp(&self, other: &Self) -> Ordering {
        self.place().cmp(&other.place())
    }
}

impl PartialOrd for Identity {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Identity {
    fn eq(&self, other: &Self) -> bool {
        self.place() == other.place()
    }
}

impl Eq for Identity {}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.sequence_number, self.sub_sequence)
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.place().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_ordered_as_numbers_and_then_within_the_record() {
        let place = |sequence_number, sub_sequence| Place { sequence_number, sub_sequence };
        let ordered = [place("9", 7), place("10", 0), place("10", 2), place("10", 10), place("011", 0)];
        assert!(ordered.is_sorted_by(|a, b| a < b));
        assert_eq!(place("0010", 1), place("10", 1));
    }
}
