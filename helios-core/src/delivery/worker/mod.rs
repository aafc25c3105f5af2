//! Who delivers: takes a batch, follows the plan, and writes down every step before and after it.

mod columns;
mod commit;
mod join;
mod proof;
mod refused;
mod run;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;
pub(super) use join::Joins;
use run::Run;

use super::{
    batch::{Batch, Event, events},
    batch_report::{BatchReport, Undelivered},
    history::History,
    ledger::{Entry, LedgerKey, SharedLedger},
    sink::Sink,
    target::Target,
};
use crate::clock::SharedClock;

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
        let mut events = events(&batch.records);
        let mut report = BatchReport {
            records: count(batch.records.len()),
            received: count(events.len()),
            ..BatchReport::default()
        };
        if !events.is_sorted_by(|left, right| left.place < right.place) {
            // Not as Kinesis gives them, or a record is in the batch twice.
            events.sort_by(|left, right| left.place.cmp(&right.place));
            events.dedup_by(|left, right| left.place == right.place);
        }
        report.duplicates_skipped = report.received - count(events.len());
        let known = self.known().remove(&key);
        let entry = match known {
            Some(entry) => Ok(entry),
            None => self.ledger.read(&key).await,
        };
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                let uncommitted = events.first().map(|event| event.place.sequence_number.to_owned());
                return Err(Undelivered { error, uncommitted, report });
            }
        };
        let mut run = Run::new(self, key, target.clone(), entry, report, deadline);
        let delivered = run.drive(&events, batch.follows.as_deref()).await;
        self.end(run, delivered, &events).await
    }

    async fn end(
        &self,
        mut run: Run<'_>,
        delivered: crate::Result<()>,
        events: &[Event<'_>],
    ) -> Result<BatchReport, Undelivered> {
        match delivered {
            Ok(()) => {
                // An open range that is not this batch's is somebody else's, who may go on at any time.
                if run.entry.open.is_none() {
                    self.known().insert(run.key, run.entry);
                }
                Ok(run.report)
            }
            Err(error) => {
                run.write_trouble().await;
                let committed = run.entry.committed.as_ref();
                let uncommitted = events
                    .iter()
                    .find(|event| committed.is_none_or(|committed| event.place > committed.place()))
                    .map(|event| event.place.sequence_number.to_owned());
                Err(Undelivered { error, uncommitted, report: run.report })
            }
        }
    }

    fn known(&self) -> MutexGuard<'_, HashMap<LedgerKey, Entry>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
