//! Where an event stands in its shard. With the shard this is its identity.

use std::{cmp::Ordering, fmt};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::streams::compare_sequence_numbers;

/// An event's place in its shard: sequence numbers compare as the numbers they are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    pub(super) sequence_number: &'a str,
    pub(super) sub_sequence: u64,
}

/// A place that is kept: in the ledger, as the string `number.place`.
#[derive(Clone, Debug, Default)]
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

impl Serialize for Identity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Identity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        /// Version 0.1 wrote the two numbers as fields.
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Stored {
            Text(String),
            Fields { sequence_number: String, sub_sequence: u64 },
        }
        match Stored::deserialize(deserializer)? {
            Stored::Fields { sequence_number, sub_sequence } => Ok(Self { sequence_number, sub_sequence }),
            Stored::Text(text) => {
                let parts = text.split_once('.').and_then(|(number, sub)| Some((number, sub.parse().ok()?)));
                let (number, sub_sequence) = parts
                    .ok_or_else(|| D::Error::custom(format_args!("`{text}` is not a valid event place")))?;
                Ok(Self { sequence_number: number.to_owned(), sub_sequence })
            }
        }
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
    fn an_identity_is_read_as_it_is_written_and_as_it_was() {
        let identity = Identity { sequence_number: "0049".to_owned(), sub_sequence: 7 };
        assert_eq!(serde_json::to_string(&identity).unwrap(), r#""0049.7""#);
        for stored in [r#""0049.7""#, r#"{"sequence_number":"0049","sub_sequence":7}"#] {
            assert_eq!(serde_json::from_str::<Identity>(stored).unwrap(), identity, "{stored}");
        }
        for stored in [r#""0049""#, r#""0049.x""#, "7"] {
            assert!(serde_json::from_str::<Identity>(stored).is_err(), "{stored}");
        }
    }

    #[test]
    fn places_are_ordered_as_numbers_and_then_within_the_record() {
        let place = |sequence_number, sub_sequence| Place { sequence_number, sub_sequence };
        let ordered = [place("9", 7), place("10", 0), place("10", 2), place("10", 10), place("011", 0)];
        assert!(ordered.is_sorted_by(|a, b| a < b));
        assert_eq!(place("0010", 1), place("10", 1));
    }
}
