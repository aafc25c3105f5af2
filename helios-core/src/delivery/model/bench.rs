//! One table, one shard, and workers one after the other.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use super::{
    super::{
        batch::Batch,
        batch_report::{BatchReport, Undelivered},
        history::History,
        ledger::{Entry, LedgerKey, MemoryLedger, SharedLedger},
        sink::Sink,
        worker::{Joins, Worker},
    },
    chance::Chance,
    differences,
    gate::{Gate, Gated, LeftOut, gated_ledger},
    schedule::ModelClock,
    stream::{Mix, STREAM, Stream},
    table::ModelTable,
};
use crate::clock::{Clock as _, SharedClock};

pub(super) struct Bench {
    pub(super) table: Arc<ModelTable>,
    pub(super) ledger: SharedLedger,
    pub(super) clock: Arc<ModelClock>,
    pub(super) stream: Arc<Stream>,
    pub(super) history: Arc<dyn History>,
}

impl Bench {
    pub(super) fn new(table: ModelTable, stream: Stream) -> Self {
        let stream = Arc::new(stream);
        Self {
            table: Arc::new(table),
            ledger: Arc::new(MemoryLedger::default()),
            clock: Arc::default(),
            history: Arc::clone(&stream) as Arc<dyn History>,
            stream,
        }
    }

    pub(super) fn worker(&self, gate: &Gate) -> Worker {
        let (gate, left_out) = (gate.clone(), LeftOut::Nothing);
        Worker {
            ledger: gated_ledger(&gate, left_out, &self.ledger),
            history: Arc::clone(&self.history),
            sink: Arc::new(Gated::<dyn Sink> {
                gate,
                left_out,
                inner: Arc::clone(&self.table) as Arc<dyn Sink>,
            }),
            clock: Arc::clone(&self.clock) as SharedClock,
            known: Arc::default(),
            joins: Joins::default(),
        }
    }

    /// Delivers records of the first shard, in a process that ends after so many steps. `None` if that was too early.
    pub(super) async fn deliver(
        &self,
        batch: &Batch,
        steps: usize,
    ) -> Option<Result<BatchReport, Undelivered>> {
        let chance = Arc::new(Mutex::new(Chance::new(0)));
        let gate = Gate::new(&chance, &Arc::default(), None);
        let worker = self.worker(&gate);
        let target = self.table.target();
        let deadline = self.clock.now() + Duration::from_secs(300);
        let mut delivery: std::pin::Pin<Box<dyn Future<Output = _> + '_>> =
            Box::pin(worker.deliver(&target, batch, deadline));
        for _ in 0..steps {
            if let Some(answer) = gate.step(&mut delivery).await {
                return Some(answer);
            }
        }
        None
    }

    pub(super) fn batch(&self, from: usize) -> Batch {
        self.stream.batch(0, from, self.stream.shards[0].len())
    }

    pub(super) fn key(&self) -> LedgerKey {
        let table = self.table.target().uuid;
        LedgerKey { stream_arn: STREAM.to_owned(), shard: "0".to_owned(), table }
    }

    pub(super) async fn entry(&self) -> Entry {
        self.ledger.read(&self.key()).await.unwrap()
    }

    pub(super) fn check(&self) -> Option<String> {
        let state = self.table.state();
        let rows: Vec<_> = state.rows.iter().map(|row| row.id).collect();
        let quarantined: Vec<_> = state.quarantine.iter().map(|(id, _)| *id).collect();
        assert!(state.misused.is_empty(), "{:?}", state.misused);
        differences(&self.stream.produced, &rows, &quarantined)
    }
}

/// One shard of 20 records, of which every so many percent are bad.
pub(super) fn stream(bad: u64) -> Stream {
    let mix = Mix { bad, refused: 0, schemas: false };
    (0..)
        .map(|seed| Stream::produce(&mut Chance::new(seed), mix, 20))
        .find(|stream| stream.shards.len() == 1 && stream.shards[0].len() > 10)
        .unwrap()
}

pub(super) const FOR_EVER: usize = 1000;
