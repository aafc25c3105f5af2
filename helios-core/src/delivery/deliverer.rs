//! Deliverers: what the faces and the function call.

use std::{collections::HashMap, sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::{
    batch::Batch,
    batch_report::{BatchReport, Undelivered},
    history::{KinesisHistory, NoHistory},
    ledger::{Entry, LedgerKey, SharedLedger},
    policy::Policy,
    quarantine::{Discarded, Quarantine, RejectSelection, Replay, ReplayRejects, ReplayReport},
    settle::{Outcome, RangeSettled, Settling},
    sink::WarehouseSink,
    sweep::{Sweep, sweep, sweep_idle},
    target::Target,
    worker::{Joins, Worker},
};
use crate::{Result, clock::SharedClock, warehouse::Warehouse};

/// How often the ledger notes that a shard has nothing new.
const NOTE_EVERY: SignedDuration = SignedDuration::from_hours(1);
/// How long a delivery may take for which nothing else is said.
const TIME_ALLOWED: Duration = Duration::from_secs(300);

/// Delivers batches, every event once. A clone shares the connection, and what is known of the ledger.
#[derive(Clone, Debug)]
pub struct Deliverer {
    warehouse: Warehouse,
    worker: Worker,
}

impl Deliverer {
    /// A deliverer into this ClickHouse, which keeps its account in this ledger.
    #[must_use]
    pub fn new(warehouse: Warehouse, ledger: SharedLedger, clock: SharedClock) -> Self {
        let worker = Worker {
            sink: Arc::new(WarehouseSink::new(warehouse.clone())),
            ledger,
            history: Arc::new(NoHistory),
            clock,
            known: Arc::default(),
            joins: Joins::default(),
        };
        Self { warehouse, worker }
    }

    /// Reads from Kinesis what a batch lacks of a range that an earlier attempt has left open, and what lies between the
    /// batch and the last event that is committed.
    #[must_use]
    pub fn reading_from(mut self, kinesis: aws_sdk_kinesis::Client) -> Self {
        let clock = Arc::clone(&self.worker.clock);
        self.worker.history = Arc::new(KinesisHistory { client: kinesis, clock });
        self
    }

    /// The ClickHouse it delivers into.
    #[must_use]
    pub fn warehouse(&self) -> &Warehouse {
        &self.warehouse
    }

    /// The ledger.
    #[must_use]
    pub fn ledger(&self) -> &SharedLedger {
        &self.worker.ledger
    }

    /// Delivers a batch: rejects to quarantine, then rows into the table. When it returns, all is committed.
    ///
    /// It may be repeated after any failure, here or in another process, with the batch cut in any way, and also while
    /// another attempt is under way. Nothing new is begun after `deadline` (default: five minutes from now).
    ///
    /// # Errors
    ///
    /// What ClickHouse, the ledger and Kinesis say, and what was committed until then.
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) for a column that events cannot fill,
    /// [`Conflict`](crate::ErrorKind::Conflict) with `state: UNCERTAIN` if it cannot be known whether events are in the
    /// table.
    #[tracing::instrument(skip_all, fields(table = %target.table.plain(), shard = %batch.shard, records = batch.records.len()))]
    pub async fn deliver(
        &self,
        target: &Target,
        batch: &Batch,
        deadline: Option<Timestamp>,
    ) -> Result<BatchReport, Undelivered> {
        let now = self.worker.clock.now();
        let deadline = deadline.unwrap_or_else(|| now.saturating_add(TIME_ALLOWED).unwrap_or(now));
        self.worker.deliver(target, batch, deadline).await.map_err(|undelivered| {
            let error = undelivered.error.at("deliver");
            let error = error.with("stream", &batch.stream_arn).with("shard", &batch.shard);
            Undelivered { error, ..undelivered }
        })
    }

    /// Does so for every shard that this process has delivered.
    pub(crate) async fn sweep_known(&self) {
        self.worker.sweep_known().await;
    }

    /// Deletes late rows of replaced batches in a shard that currently gets no batches.
    pub(crate) async fn sweep(&self, key: &LedgerKey, entry: Entry) -> Result<()> {
        let Worker { sink, ledger, clock, .. } = &self.worker;
        sweep_idle((&**sink, ledger), key, entry, clock.now()).await.map(drop)
    }

    /// Notes in the ledger, at most once an hour, that a shard has no uncommitted events. Any event that expires unread
    /// from now on must then have arrived later.
    pub(crate) async fn note_caught_up(&self, key: &LedgerKey) -> Result<()> {
        let now = self.worker.clock.now();
        let mut entry = self.worker.ledger.read(key).await?;
        let swept = sweep(&*self.worker.sink, key.table, &mut entry, (Sweep::Due, now)).await?;
        let is_lately = entry.caught_up_at.is_some_and(|seen| now.duration_since(seen) < NOTE_EVERY);
        if entry.committed.is_none() || entry.open.is_some() || (is_lately && !swept.is_changed) {
            return Ok(());
        }
        let version = entry.version + 1;
        let noted = Entry { version, writer: Uuid::new_v4(), caught_up_at: Some(now), ..entry };
        // On a conflict another worker has found something new, so there is nothing to note.
        self.worker.ledger.write(key, &noted).await.map(drop)
    }

    /// Replays rejects of a table: what fits now becomes rows, once, and leaves the quarantine.
    ///
    /// It may be repeated after any failure: what was begun is finished first. `policies` are those of the table's sources,
    /// by the stream's ARN.
    ///
    /// # Errors
    ///
    /// What ClickHouse and the ledger say; [`Conflict`](crate::ErrorKind::Conflict) with `state: UNCERTAIN` if an
    /// interrupted replay can neither be finished nor found.
    pub async fn replay(
        &self,
        target: &Target,
        policies: &HashMap<String, Policy>,
        replay: &ReplayRejects,
    ) -> Result<ReplayReport> {
        let quarantine = Quarantine::new(self.warehouse.clone());
        let pending = self.rework(&quarantine, target, policies, &replay.selection).await?;
        if replay.dry_run { pending.dry_run().await } else { pending.run().await }
    }

    /// Throws rejects of a table away, once what was begun with them is finished.
    ///
    /// # Errors
    ///
    /// As [`replay`](Self::replay).
    pub async fn discard(&self, target: &Target, selection: &RejectSelection) -> Result<Discarded> {
        let quarantine = Quarantine::new(self.warehouse.clone());
        let policies = HashMap::new();
        let pending = self.rework(&quarantine, target, &policies, selection).await?;
        let key = LedgerKey::of_quarantine(target.uuid);
        quarantine.discard((&self.worker.ledger, &key), pending, selection).await
    }

    async fn rework<'a>(
        &'a self,
        quarantine: &'a Quarantine,
        target: &Target,
        policies: &'a HashMap<String, Policy>,
        selection: &RejectSelection,
    ) -> Result<Replay<'a>> {
        let Worker { sink, ledger, clock, .. } = &self.worker;
        Replay::new(quarantine, (&**sink, ledger, clock), target.clone(), policies, selection).await
    }

    /// Settles the open range of a shard and table, of which somebody knows what became of it.
    ///
    /// # Errors
    ///
    /// [`Conflict`](crate::ErrorKind::Conflict) if there is no such range, or delivery finishes it by itself.
    pub async fn settle(&self, key: &LedgerKey, target: &Target, outcome: Outcome) -> Result<RangeSettled> {
        let Worker { ledger, clock, sink, .. } = &self.worker;
        Settling { ledger, clock, sink: &**sink, target }.settle(key, outcome).await
    }
}
