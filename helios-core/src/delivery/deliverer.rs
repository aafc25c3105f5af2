//! Deliverers: what the faces and the function call.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;

use super::{
    batch::Batch,
    batch_report::{BatchReport, Undelivered},
    history::{KinesisHistory, NoHistory},
    ledger::SharedLedger,
    sink::WarehouseSink,
    target::Target,
    worker::{Joins, Worker},
};
use crate::{clock::SharedClock, warehouse::Warehouse};

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
}
