//! One schedule: invocations that overlap, are cut anew, are killed and wake up late.

use std::{
    collections::HashMap,
    pin::Pin,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_util::future::{BoxFuture, FutureExt as _};
use jiff::Timestamp;

use super::{
    super::{
        batch_report::{BatchReport, Undelivered},
        history::History,
        ledger::{Entry, LedgerKey, SharedLedger},
        sink::Sink,
        sweep::sweep_idle,
        target::Target,
        worker::{Joins, Worker},
    },
    chance::Chance,
    gate::{Gate, Gated, LeftOut, gated_ledger},
    late::LateInserts,
    stream::{STREAM, Stream},
};
use crate::clock::{Clock, SharedClock};

/// A clock that only waiting moves.
#[derive(Debug)]
pub(super) struct ModelClock(Mutex<Timestamp>);

impl Default for ModelClock {
    fn default() -> Self {
        Self(Mutex::new(Timestamp::UNIX_EPOCH))
    }
}

impl ModelClock {
    pub(super) fn pass(&self, duration: Duration) {
        let mut now = self.0.lock().unwrap();
        *now += duration;
    }
}

impl Clock for ModelClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.pass(duration);
        std::future::ready(()).boxed()
    }
}

/// What a schedule works on. Each step of it may change the table's schema.
pub(super) trait World: Sync {
    fn sink(&self) -> Arc<dyn Sink>;

    fn describe(&self) -> BoxFuture<'_, Target>;

    /// Changes the table without telling delivery.
    fn change(&self, which: usize) -> BoxFuture<'_, ()>;

    /// Undoes an exchange of the table, and a broken expression.
    fn mend(&self) -> BoxFuture<'_, ()> {
        std::future::ready(()).boxed()
    }
}

type Known = Arc<Mutex<HashMap<LedgerKey, Entry>>>;
type Delivery<'a> = Pin<Box<dyn Future<Output = Result<BatchReport, Undelivered>> + 'a>>;

struct Invocation<'a> {
    shard: usize,
    /// The records of its batch.
    from: usize,
    to: usize,
    /// Which process it runs in.
    process: usize,
    /// Whether its answer still counts.
    awaited: bool,
    gate: Gate,
    delivery: Delivery<'a>,
}

pub(super) struct Schedule<'w> {
    pub(super) world: &'w dyn World,
    pub(super) stream: Arc<Stream>,
    pub(super) ledger: SharedLedger,
    pub(super) left_out: LeftOut,
    pub(super) chance: Arc<Mutex<Chance>>,
    /// Out of a hundred effects, so many fail.
    pub(super) faults: u64,
    /// How many times the schema may change.
    pub(super) changes: usize,
    /// How many outages of an hour there are, after which the table no longer knows any token.
    pub(super) outages: usize,
    /// Whether an insert may arrive however late.
    pub(super) late_inserts: bool,
    /// Inserts under way that nobody waits for.
    pub(super) late: LateInserts,
    pub(super) clock: Arc<ModelClock>,
    /// Whether events came that were not those of the open range.
    pub(super) mismatched: bool,
}

/// How a schedule has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Everything is acknowledged, and nobody is under way.
    Acknowledged,
    /// A worker was given other events than those of the open range, and said so.
    Mismatched,
    /// It goes on for ever.
    Never,
}

/// The change after which the table no longer knows any token.
pub(super) const FORGET: usize = 1000;
const PROCESSES: usize = 3;
/// Then nothing fails any more, and what is under way comes to its end.
const TROUBLED_STEPS: usize = 250;
const MOST_STEPS: usize = 6000;

impl Schedule<'_> {
    pub(super) async fn run(mut self) -> End {
        let faults = Arc::new(Mutex::new(self.faults));
        let mut processes: Vec<Known> = (0..PROCESSES).map(|_| Known::default()).collect();
        let mut acknowledged = vec![0; self.stream.shards.len()];
        let mut running: Vec<Invocation<'_>> = Vec::new();
        for step in 0..MOST_STEPS {
            self.clock.pass(Duration::from_secs(1));
            let is_troubled = step < TROUBLED_STEPS;
            if !is_troubled {
                *faults.lock().unwrap() = 0;
                self.world.mend().await;
            }
            let is_over = |shard: usize| acknowledged[shard] == self.stream.shards[shard].len();
            let done = (0..acknowledged.len()).all(is_over);
            if done && running.is_empty() {
                while self.late.arrive(0, self.clock.now()).await {}
                self.world.mend().await;
                self.sweep().await;
                return if self.mismatched { End::Mismatched } else { End::Acknowledged };
            }
            let (choice, which, percent) = {
                let mut chance = self.chance.lock().unwrap();
                (chance.below(100), chance.next(), chance.below(100))
            };
            let pick = |limit: usize| usize::try_from(which % u64::try_from(limit.max(1)).unwrap()).unwrap();
            match choice {
                0..15 => {
                    let shard = pick(acknowledged.len());
                    let is_free = !running.iter().any(|other| other.awaited && other.shard == shard)
                        && self.stream.parents[shard].iter().all(|parent| is_over(*parent));
                    if is_free && acknowledged[shard] < self.stream.shards[shard].len() {
                        let known = &processes[percent % PROCESSES];
                        let invocation = self
                            .invoke(shard, acknowledged[shard], (known, percent % PROCESSES), &faults)
                            .await;
                        running.push(invocation);
                    }
                }
                // Lambda gives up on it, and it does not know.
                15..18 if is_troubled && !running.is_empty() => {
                    let at = pick(running.len());
                    running[at].awaited = false;
                }
                // It is killed, and with it everything in its process.
                18..21 if is_troubled && !running.is_empty() => {
                    let process = running[pick(running.len())].process;
                    running.retain(|other| other.process != process);
                    processes[process] = Known::default();
                }
                // The trigger gives up on records, and goes on behind them.
                21 if is_troubled => {
                    let shard = pick(acknowledged.len());
                    let left = self.stream.shards[shard].len() - acknowledged[shard];
                    let is_free = !running.iter().any(|other| other.awaited && other.shard == shard);
                    if left > 1 && is_free && self.has_begun(shard).await {
                        acknowledged[shard] += 1 + percent % (left - 1);
                    }
                }
                22..26 if is_troubled && self.changes > 0 => {
                    self.changes -= 1;
                    self.world.change(percent).await;
                }
                26 if is_troubled && self.outages > 0 => {
                    self.outages -= 1;
                    self.clock.pass(Duration::from_secs(3700));
                    self.world.change(FORGET).await;
                }
                27..30 if self.late.arrive(which, self.clock.now()).await => {}
                _ if !running.is_empty() => {
                    let at = pick(running.len());
                    let invocation = &mut running[at];
                    let gate = invocation.gate.clone();
                    if let Some(answer) = gate.step(&mut invocation.delivery).await {
                        let invocation = running.swap_remove(at);
                        let error = answer.as_ref().err().map(|undelivered| undelivered.error.message());
                        self.mismatched |= error.is_some_and(|message| message.contains("differ"));
                        if invocation.awaited {
                            acknowledged[invocation.shard] = self.next(&invocation, answer);
                        }
                    }
                }
                _ => {}
            }
        }
        End::Never
    }

    /// Takes back rows that have arrived late, much later, in shards that get no more batches.
    async fn sweep(&self) {
        if self.left_out == LeftOut::Sweep {
            return;
        }
        self.clock.pass(Duration::from_secs(1000));
        let table = self.world.describe().await.uuid;
        for shard in 0..self.stream.shards.len() {
            let key = LedgerKey { stream_arn: STREAM.to_owned(), shard: shard.to_string(), table };
            let entry = self.ledger.read(&key).await.unwrap();
            let now = self.clock.now();
            sweep_idle((&*self.world.sink(), &self.ledger), &key, entry, now).await.unwrap();
        }
    }

    /// Whether anything of the shard was committed: what comes before that nobody can miss.
    async fn has_begun(&self, shard: usize) -> bool {
        let table = self.world.describe().await.uuid;
        let key = LedgerKey { stream_arn: STREAM.to_owned(), shard: shard.to_string(), table };
        self.ledger.read(&key).await.unwrap().committed.is_some()
    }

    async fn invoke<'a>(
        &self,
        shard: usize,
        from: usize,
        (known, process): (&Known, usize),
        faults: &Arc<Mutex<u64>>,
    ) -> Invocation<'a> {
        let to = from + 1 + self.chance.lock().unwrap().below(self.stream.shards[shard].len() - from);
        let clock = (!self.late_inserts).then(|| Arc::clone(&self.clock));
        let mut gate = Gate::new(&self.chance, faults, clock);
        gate.late = self.late.clone();
        let left_out = self.left_out;
        let worker = Worker {
            sink: Arc::new(Gated::<dyn Sink> { gate: gate.clone(), left_out, inner: self.world.sink() }),
            ledger: gated_ledger(&gate, left_out, &self.ledger),
            history: Arc::new(Gated::<dyn History> {
                gate: gate.clone(),
                left_out,
                inner: Arc::clone(&self.stream) as Arc<dyn History>,
            }),
            clock: Arc::clone(&self.clock) as SharedClock,
            known: Arc::clone(known),
            joins: Joins::default(),
        };
        let target = left_out.seen(self.world.describe().await);
        let batch = self.stream.batch(shard, from, to);
        let allowed = 20 + self.chance.lock().unwrap().below(300);
        let deadline = self.clock.now() + Duration::from_secs(allowed.try_into().unwrap());
        let delivery = async move { worker.deliver(&target, &batch, deadline).await };
        Invocation { shard, from, to, process, awaited: true, gate, delivery: Box::pin(delivery) }
    }

    /// From where the shard goes on.
    fn next(&self, invocation: &Invocation<'_>, answer: Result<BatchReport, Undelivered>) -> usize {
        match answer {
            Ok(report) => {
                let parts = report.delivered + report.quarantined + report.duplicates_skipped;
                assert_eq!(report.received, parts, "{report:?}");
                invocation.to
            }
            Err(undelivered) => {
                let number = undelivered.uncommitted;
                let records = &self.stream.shards[invocation.shard];
                let at = records.iter().position(|record| Some(&record.sequence_number) == number.as_ref());
                // All was committed, and something failed nevertheless: it is acknowledged as it would be by Lambda.
                let at = at.unwrap_or(invocation.to);
                assert!((invocation.from..=invocation.to).contains(&at), "{number:?}");
                at
            }
        }
    }
}
