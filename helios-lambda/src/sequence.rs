//! Sequence numbers: only digits, and in their order.

use std::cmp::Ordering;

use helios_core::{Error, ErrorKind, Result, streams::compare_sequence_numbers};

/// A sequence number of Kinesis.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct SequenceNumber(String);

impl SequenceNumber {
    /// # Errors
    ///
    /// `InvalidInput` if it is not decimal digits: an answer with such a one could acknowledge what was not delivered.
    pub(crate) fn new(text: String) -> Result<Self> {
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            let message = "a record's sequence number is not a decimal number";
            return Err(Error::new(ErrorKind::InvalidInput, message).with("sequence number", text));
        }
        Ok(Self(text))
    }

    pub(crate) fn into_text(self) -> String {
        self.0
    }

    pub(crate) fn text(&self) -> &str {
        &self.0
    }
}

impl Ord for SequenceNumber {
    fn cmp(&self, other: &Self) -> Ordering {
        compare_sequence_numbers(&self.0, &other.0).then_with(|| self.0.cmp(&other.0))
    }
}

impl PartialOrd for SequenceNumber {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> SequenceNumber {
        SequenceNumber::new(text.to_owned()).unwrap()
    }

    #[test]
    fn order_is_that_of_integers() {
        assert!(number("9") < number("10"));
        assert!(
            number("99999999999999999999999999999999999999999")
                < number("100000000000000000000000000000000000000000")
        );
        assert!(number("007") < number("8"));
    }

    #[test]
    fn only_digits_are_a_number() {
        for text in ["", " ", "-1", "1.0", "0x1", "１", "LATEST"] {
            assert!(SequenceNumber::new(text.to_owned()).is_err(), "{text}");
        }
    }
}
