//! How far a consumer has come.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde::Serialize;

use super::super::batch_report::BatchReport;
use crate::Error;

/// What a consumer has done with one shard.
///
/// Events are counted for each table that the stream fills; received = delivered + quarantined + duplicates skipped.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ShardProgress {
    /// The shard's id.
    pub shard: String,
    /// Kinesis records that all tables have.
    pub records: u64,
    /// Events that came.
    pub received: u64,
    /// Events that became rows.
    pub delivered: u64,
    /// Events that went to quarantine.
    pub quarantined: u64,
    /// Events that a table had before.
    pub duplicates_skipped: u64,
    /// The sequence number up to which all tables have the shard; none before the first batch.
    pub to: Option<String>,
    /// Whether the shard is closed, and delivered to its end.
    pub ended: bool,
    /// Why it does not go on, if it does not. It is tried again until the consumer ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// What a consumer has done so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ConsumeProgress {
    /// Kinesis records that all tables have.
    pub records: u64,
    /// Events that came, for each table.
    pub received: u64,
    /// Events that became rows.
    pub delivered: u64,
    /// Events that went to quarantine.
    pub quarantined: u64,
    /// Events that a table had before.
    pub duplicates_skipped: u64,
    /// Each shard that is read, or was, by its id.
    pub shards: Vec<ShardProgress>,
}

impl ConsumeProgress {
    pub(super) fn of(shards: Vec<ShardProgress>) -> Self {
        let sum = |part: fn(&ShardProgress) -> u64| shards.iter().map(part).sum();
        Self {
            records: sum(|shard| shard.records),
            received: sum(|shard| shard.received),
            delivered: sum(|shard| shard.delivered),
            quarantined: sum(|shard| shard.quarantined),
            duplicates_skipped: sum(|shard| shard.duplicates_skipped),
            shards,
        }
    }
}

/// What is called after each batch, with all that was done so far.
///
/// It is called from the consumer's own tasks, from several at once, and must not block.
#[derive(Clone)]
pub struct OnProgress(Arc<dyn Fn(&ConsumeProgress) + Send + Sync>);

impl OnProgress {
    /// A function to call.
    pub fn new(call: impl Fn(&ConsumeProgress) + Send + Sync + 'static) -> Self {
        Self(Arc::new(call))
    }

    pub(crate) fn call(&self, so_far: &ConsumeProgress) {
        (self.0)(so_far);
    }
}

impl fmt::Debug for OnProgress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OnProgress")
    }
}

/// Where the shards' tasks write down how far they are.
#[derive(Debug, Default)]
pub(super) struct Board {
    shards: Mutex<BTreeMap<String, ShardProgress>>,
    on_progress: Option<OnProgress>,
}

impl Board {
    pub(super) fn new(on_progress: Option<OnProgress>) -> Self {
        Self { shards: Mutex::default(), on_progress }
    }

    pub(super) fn progress(&self) -> ConsumeProgress {
        ConsumeProgress::of(self.lock().values().cloned().collect())
    }

    /// Notes that a shard is read from now on.
    pub(super) fn begin(&self, shard: &str) {
        self.with(shard, |_| ());
    }

    /// Notes what one table made of a batch, be it all or a part.
    pub(super) fn count(&self, shard: &str, report: &BatchReport, is_whole: bool) {
        // Of a batch that failed only what was committed counts: the rest comes again.
        let BatchReport { delivered, quarantined, duplicates_skipped, .. } = *report;
        let duplicates = if is_whole { duplicates_skipped } else { 0 };
        self.with(shard, |progress| {
            progress.delivered += delivered;
            progress.quarantined += quarantined;
            progress.duplicates_skipped += duplicates;
            progress.received += delivered + quarantined + duplicates;
        });
    }

    /// Notes that all tables have these records.
    pub(super) fn advance(&self, shard: &str, records: u64, to: String) {
        self.with(shard, |progress| {
            progress.records += records;
            progress.to = Some(to);
            progress.error = None;
        });
        if let Some(on_progress) = &self.on_progress {
            on_progress.call(&self.progress());
        }
    }

    pub(super) fn failed(&self, shard: &str, error: &Error) {
        self.with(shard, |progress| progress.error = Some(error.to_string()));
    }

    pub(super) fn ended(&self, shard: &str) {
        self.with(shard, |progress| {
            progress.ended = true;
            progress.error = None;
        });
    }

    fn with(&self, shard: &str, change: impl FnOnce(&mut ShardProgress)) {
        let mut shards = self.lock();
        let new = || ShardProgress { shard: shard.to_owned(), ..ShardProgress::default() };
        change(shards.entry(shard.to_owned()).or_insert_with(new));
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, ShardProgress>> {
        self.shards.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
