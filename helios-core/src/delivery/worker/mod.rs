//! Who delivers: takes a batch, follows the plan, and writes down every step before and after it.

mod columns;
mod commit;
mod join;
mod proof;
mod refused;
mod run;

use std::{
    borrow::Cow,
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

pub(super) use commit::closed;
use jiff::Timestamp;
pub(super) use join::Joins;
pub(super) use proof::MOST_LOOKS;
pub(super) use refused::arrives_until;
use run::Run;

use super::{
    batch::{Batch, Event, Record, Taken, events, first_events},
    batch_report::{BatchReport, Undelivered},
    history::History,
    ledger::{Entry, LedgerKey, SharedLedger},
    sink::Sink,
    sweep::sweep_idle,
    target::Target,
};
use crate::{Error, clock::SharedClock, streams::compare_sequence_numbers};

/// Delivers batches. A clone shares connections and what is known of the ledger.
#[derive(Clone, Debug)]
pub(super) struct Worker {
    pub(super) sink: Arc<dyn Sink>,
    pub(super) ledger: SharedLedger,
    pub(super) history: Arc<dyn History>,
    pub(super) clock: SharedClock,
    /// Entries as this process wrote them last. One that is no longer so is refused when it is written.
    pub(super) known: Arc<Mutex<HashMap<LedgerKey, Entry>>>,
    /// What was seen of the shards.
    pub(super) joins: Joins,
}

impl Worker {
    pub(super) async fn deliver(
        &self,
        target: &Target,
        batch: &Batch,
        deadline: Timestamp,
    ) -> Result<BatchReport, Undelivered> {
        let key = LedgerKey {
            stream_arn: batch.stream_arn.clone(),
            shard: batch.shard.clone(),
            table: target.uuid,
        };
        let (records, repeated) = in_order(&batch.records);
        let mut report = BatchReport { records: count(batch.records.len()), ..BatchReport::default() };
        report.received = count(events(&repeated).count());
        report.duplicates_skipped = report.received;
        let known = self.known().remove(&key);
        let is_cached = known.is_some();
        let entry = match known {
            Some(entry) => Ok(entry),
            None => self.ledger.read(&key).await,
        };
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                let uncommitted = records.first().map(|record| record.sequence_number.clone());
                return Err(Undelivered { error, uncommitted, report });
            }
        };
        let mut run = Run::new(self, key, target.clone(), (entry, is_cached), report, deadline);
        let mut follows = batch.follows.clone();
        let (mut left, mut passed_over) = (&records[..], 0);
        loop {
            // As many as are decompressed at once: a whole batch may not fit into memory.
            let Taken { events, records: taken, of_next } = first_events(left, passed_over);
            run.report.received += count(events.len());
            let delivered = run.drive(&events, follows.as_deref()).await;
            left = left.get(taken..).unwrap_or_default();
            if let Err(error) = delivered {
                return Err(self.end(run, error, &events, left).await);
            }
            if left.is_empty() {
                break;
            }
            passed_over = of_next;
            follows = events.last().map(|event| event.place.sequence_number.to_owned());
        }
        // An open range of another batch belongs to another worker, which may resume at any time.
        if run.entry.open.is_none() {
            self.known().insert(run.key, run.entry);
        }
        self.sweep_known().await;
        Ok(run.report)
    }

    /// What was committed of a batch that failed; `rest` follows these events.
    async fn end(
        &self,
        mut run: Run<'_>,
        error: Error,
        events: &[Event<'_>],
        rest: &[Record],
    ) -> Undelivered {
        run.write_trouble().await;
        let committed = run.entry.committed.as_ref();
        let uncommitted = events
            .iter()
            .find(|event| committed.is_none_or(|committed| event.place > committed.place()))
            .map(|event| event.place.sequence_number.to_owned())
            .or_else(|| rest.first().map(|record| record.sequence_number.clone()));
        Undelivered { error, uncommitted, report: run.report }
    }

    /// Deletes late rows in shards that this process has delivered, and that may get no more batches.
    pub(super) async fn sweep_known(&self) {
        let now = self.clock.now();
        let is_due = |entry: &Entry| entry.superseded.iter().any(|batch| batch.until <= now);
        let due: Vec<_> = self.known().extract_if(|_, entry| is_due(entry)).collect();
        for (key, entry) in due {
            if let Err(error) = sweep_idle((&*self.sink, &self.ledger), &key, entry, now).await {
                // The ledger still lists them.
                tracing::warn!(shard = key.shard, %error, "Failed to delete rows of a replaced batch; retrying later.");
            }
        }
    }

    fn known(&self) -> MutexGuard<'_, HashMap<LedgerKey, Entry>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Records in the order of their shard, each once; and the repeated ones. Kinesis returns them in order.
fn in_order(records: &[Record]) -> (Cow<'_, [Record]>, Vec<Record>) {
    let order = |left: &Record, right: &Record| {
        compare_sequence_numbers(&left.sequence_number, &right.sequence_number)
    };
    if records.is_sorted_by(|left, right| order(left, right).is_lt()) {
        return (Cow::Borrowed(records), Vec::new());
    }
    let mut sorted = records.to_vec();
    sorted.sort_by(order);
    let mut repeated = Vec::new();
    sorted.dedup_by(|later, earlier| {
        let is_repeated = order(later, earlier).is_eq();
        if is_repeated {
            repeated.push(later.clone());
        }
        is_repeated
    });
    (Cow::Owned(sorted), repeated)
}

pub(super) fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
