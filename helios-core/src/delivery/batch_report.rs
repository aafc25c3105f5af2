//! What became of a batch.

use std::{error::Error as StdError, fmt};

use serde::Serialize;

use crate::Error;

/// What became of a batch. delivered + quarantined + duplicates skipped = received.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct BatchReport {
    /// Kinesis records.
    pub records: u64,
    /// Events in them, and those that were read from the shard to finish what an earlier attempt had begun.
    pub received: u64,
    /// Events that are rows of the table.
    pub delivered: u64,
    /// Events that are in quarantine.
    pub quarantined: u64,
    /// Events that were committed before.
    pub duplicates_skipped: u64,
}

/// A batch that was not delivered, or not whole.
#[derive(Debug)]
#[non_exhaustive]
pub struct Undelivered {
    /// Why.
    pub error: Error,
    /// The sequence number of the first record of the batch that is not committed. All before it are.
    pub uncommitted: Option<String>,
    /// What was committed.
    pub report: BatchReport,
}

impl Undelivered {
    /// Nothing of a batch was delivered, whose first record is this.
    #[must_use]
    pub fn new(error: Error, uncommitted: Option<String>) -> Self {
        Self { error, uncommitted, report: BatchReport::default() }
    }
}

impl fmt::Display for Undelivered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl StdError for Undelivered {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.error.source()
    }
}

impl From<Undelivered> for Error {
    fn from(undelivered: Undelivered) -> Self {
        undelivered.error
    }
}
