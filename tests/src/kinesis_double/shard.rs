//! One shard: its records, and whether it takes more.

use jiff::Timestamp;

/// One record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DoubleRecord {
    /// Its number in the stream, growing along each shard.
    pub number: u64,
    /// Its payload.
    pub data: Vec<u8>,
    /// When it arrived.
    pub arrival: Timestamp,
}

impl DoubleRecord {
    /// The number as Kinesis writes it.
    #[must_use]
    pub fn sequence_number(&self) -> String {
        sequence_number(self.number)
    }
}

/// A number as Kinesis writes it: 56 digits.
#[must_use]
pub fn sequence_number(number: u64) -> String {
    format!("4959{number:052}")
}

/// The number that was written so.
pub(super) fn parse(sequence_number: &str) -> Option<u64> {
    let digits = sequence_number.strip_prefix("4959")?;
    if digits.len() == 52 { digits.parse().ok() } else { None }
}

#[derive(Clone, Debug)]
pub(super) struct Shard {
    pub(super) id: String,
    pub(super) parents: Vec<String>,
    /// The keys it takes: from the first to below the second, of 2³².
    pub(super) keys: (u64, u64),
    /// The first number it can have.
    pub(super) starting: u64,
    /// The last number it can have; none while it is open.
    pub(super) ending: Option<u64>,
    pub(super) records: Vec<DoubleRecord>,
    /// How many of its records have expired.
    expired: usize,
}

impl Shard {
    pub(super) fn new(id: String, parents: Vec<String>, keys: (u64, u64), starting: u64) -> Self {
        Self { id, parents, keys, starting, ending: None, records: Vec::new(), expired: 0 }
    }

    pub(super) fn expire(&mut self, but: usize) {
        self.expired = self.records.len().saturating_sub(but);
    }

    /// What has not expired.
    pub(super) fn kept(&self) -> &[DoubleRecord] {
        self.records.get(self.expired..).unwrap_or_default()
    }

    /// The number of the first record that arrived then, or later; that of the next one, if there is none.
    pub(super) fn at_time(&self, time: Timestamp, next: u64) -> u64 {
        self.kept().iter().find(|record| record.arrival >= time).map_or(next, |record| record.number)
    }

    /// Records from a number on, at most so many.
    pub(super) fn from(&self, number: u64, limit: usize) -> &[DoubleRecord] {
        let kept = self.kept();
        let first = kept.partition_point(|record| record.number < number);
        kept.get(first..(first + limit).min(kept.len())).unwrap_or_default()
    }

    /// How many records come before this number.
    pub(super) fn before(&self, number: u64, count: usize) -> u64 {
        let kept = self.kept();
        let first = kept.partition_point(|record| record.number < number);
        kept.get(first.saturating_sub(count)).map_or(number, |record| record.number.min(number))
    }
}
