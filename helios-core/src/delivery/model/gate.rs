//! Gates before and after every effect of a worker: there it can be stopped, killed, or be told that it failed.

use std::{
    collections::BTreeSet,
    pin::Pin,
    sync::{
        Arc, LazyLock, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    task::Poll,
};

use futures_util::future::{BoxFuture, FutureExt as _, poll_fn};
use jiff::Timestamp;
use uuid::Uuid;

use super::{
    super::{
        batch::Record,
        batch_column::BatchNumber,
        history::History,
        ledger::{Entry, Ledger, LedgerKey, OpenRange, SharedLedger, Written},
        place::Identity,
        sink::{Block, Having, Look, Search, Sink, Whereabouts},
        target::Target,
        trial::{Computed, TrialKind},
    },
    chance::Chance,
    late::{LATER, LateInserts},
    schedule::ModelClock,
};
use crate::{Column, Error, ErrorKind, Result, clock::Clock as _, streams::ShardStart, warehouse::TableName};

/// What of the algorithm is left out, to see that it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LeftOut {
    Nothing,
    Token,
    Condition,
    /// An open range is forgotten, and the batch begins anew.
    OpenRange,
    /// Of what a batch lacks of the open range, only a part is read.
    MissingPart,
    /// Nobody looks whether a batch follows on what was delivered.
    Look,
    /// Nobody counts what was inserted.
    Count,
    /// A change of the table is seen only where its columns differ.
    Change,
    /// Rows of a batch are neither found in other tables nor taken back.
    TakeBack,
    /// Inserts of one range that are under way at the same time have the same batch number.
    OwnNumber,
    /// Which batches were replaced is forgotten: what arrives late stays, and what a killed worker had not deleted.
    Sweep,
}

impl LeftOut {
    /// The table as a worker sees it.
    pub(super) fn seen(self, target: Target) -> Target {
        if self == Self::Change {
            Target { definition: String::new(), modified: 0, ..target }
        } else {
            target
        }
    }
}

/// One worker's gates.
#[derive(Clone, Debug)]
pub(super) struct Gate {
    stopped: Arc<AtomicBool>,
    chance: Arc<Mutex<Chance>>,
    /// Out of a hundred effects, so many fail: half of them take effect nevertheless.
    faults: Arc<Mutex<u64>>,
    /// By what an insert ends that takes longer than it may. Without one it arrives however late.
    clock: Option<Arc<ModelClock>>,
    pub(super) late: LateInserts,
}

impl Gate {
    pub(super) fn new(
        chance: &Arc<Mutex<Chance>>,
        faults: &Arc<Mutex<u64>>,
        clock: Option<Arc<ModelClock>>,
    ) -> Self {
        Self {
            stopped: Arc::default(),
            chance: Arc::clone(chance),
            faults: Arc::clone(faults),
            clock,
            late: LateInserts::default(),
        }
    }

    /// Lets a worker run to its next gate. Its result, if it has come to its end.
    pub(super) async fn step<T>(&self, worker: &mut Pin<Box<dyn Future<Output = T> + '_>>) -> Option<T> {
        poll_fn(|context| match worker.as_mut().poll(context) {
            Poll::Ready(result) => Poll::Ready(Some(result)),
            Poll::Pending if self.stopped.swap(false, Ordering::SeqCst) => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        })
        .await
    }

    async fn pass(&self) {
        let mut here = false;
        poll_fn(|_| {
            if std::mem::replace(&mut here, true) {
                return Poll::Ready(());
            }
            self.stopped.store(true, Ordering::SeqCst);
            Poll::Pending
        })
        .await;
    }

    async fn effect<T>(&self, effect: impl Future<Output = Result<T>>) -> Result<T> {
        self.effect_or(effect, || {}).await
    }

    /// An effect, or what happens instead while its failure is reported.
    async fn effect_or<T>(
        &self,
        effect: impl Future<Output = Result<T>>,
        instead: impl FnOnce(),
    ) -> Result<T> {
        self.pass().await;
        let (before, after) = {
            let faults = *self.faults.lock().unwrap();
            let mut chance = self.chance.lock().unwrap();
            (chance.percent(faults / 2), chance.percent(faults / 2))
        };
        let lost = || Error::new(ErrorKind::Timeout, "no answer in time").retryable(true);
        if before {
            instead();
            return Err(lost());
        }
        let result = effect.await;
        self.pass().await;
        if after { Err(lost()) } else { result }
    }
}

/// A part of delivery behind gates.
#[derive(Debug)]
pub(super) struct Gated<T: ?Sized> {
    pub(super) gate: Gate,
    pub(super) left_out: LeftOut,
    pub(super) inner: Arc<T>,
}

impl Sink for Gated<dyn Sink> {
    fn describe<'a>(&'a self, table: &'a TableName, uuid: Uuid) -> BoxFuture<'a, Result<Target>> {
        let describe = async move { Ok(self.left_out.seen(self.inner.describe(table, uuid).await?)) };
        self.gate.effect(describe).boxed()
    }

    fn add_columns<'a>(&'a self, table: &'a TableName, columns: &'a [Column]) -> BoxFuture<'a, Result<()>> {
        self.gate.effect(self.inner.add_columns(table, columns)).boxed()
    }

    fn insert<'a>(&'a self, block: Block<'a>) -> BoxFuture<'a, Result<()>> {
        let until = self.gate.clock.as_ref().map(|clock| (clock, clock.now() + block.timeout));
        let number = self.gate.late.first_number(block);
        let block =
            Block { batch: if self.left_out == LeftOut::OwnNumber { number } else { block.batch }, ..block };
        let insert = async move {
            let unique = format!("{} {}", block.token, Uuid::new_v4());
            if until.is_some_and(|(clock, until)| clock.now() > until) {
                return Err(Error::new(ErrorKind::Timeout, "no answer in time").retryable(true));
            }
            let token = if self.left_out == LeftOut::Token { unique.as_str() } else { block.token };
            self.inner.insert(Block { token, ..block }).await
        };
        let late = move || {
            if self.left_out != LeftOut::Token && self.gate.chance.lock().unwrap().percent(50) {
                let until = until.map(|(_, until)| until + LATER);
                self.gate.late.push(&self.inner, block, until);
            }
        };
        self.gate.effect_or(insert, late).boxed()
    }

    fn look<'a>(
        &'a self,
        table: (&'a TableName, Uuid),
        batches: &'a [BatchNumber],
    ) -> BoxFuture<'a, Result<Option<Look>>> {
        let look = async move {
            let look = self.inner.look(table, batches).await?;
            Ok(look.map(|look| match self.left_out {
                // All rows seem to be there.
                LeftOut::Count => Look { rows: None, ..look },
                LeftOut::Change => Look { definition: String::new(), modified: 0, ..look },
                _ => look,
            }))
        };
        self.gate.effect(look).boxed()
    }

    fn take_back<'a>(&'a self, having: &'a Having, batch: BatchNumber) -> BoxFuture<'a, Result<()>> {
        self.gate.effect(self.inner.take_back(having, batch)).boxed()
    }

    fn tables_with<'a>(&'a self, own: Uuid, batches: &'a [BatchNumber]) -> BoxFuture<'a, Result<Search>> {
        let search = async move {
            let search = self.inner.tables_with(own, batches).await?;
            let is_left_out = self.left_out == LeftOut::TakeBack;
            Ok(if is_left_out { Search { having: Vec::new(), ..search } } else { search })
        };
        self.gate.effect(search).boxed()
    }

    fn whereabouts<'a>(&'a self, uuid: Uuid, name: &'a TableName) -> BoxFuture<'a, Result<Whereabouts>> {
        self.gate.effect(self.inner.whereabouts(uuid, name)).boxed()
    }

    fn make_trial<'a>(&'a self, table: &'a TableName, kind: TrialKind) -> BoxFuture<'a, Result<TableName>> {
        self.gate.effect(self.inner.make_trial(table, kind)).boxed()
    }

    fn try_own_row<'a>(
        &'a self,
        table: &'a TableName,
        trial: &'a TableName,
        given: &'a [String],
    ) -> BoxFuture<'a, Result<bool>> {
        self.gate.effect(self.inner.try_own_row(table, trial, given)).boxed()
    }

    fn computed_columns<'a>(&'a self, table: &'a TableName) -> BoxFuture<'a, Result<Vec<Computed>>> {
        self.gate.effect(self.inner.computed_columns(table)).boxed()
    }

    fn remove_expression<'a>(
        &'a self,
        trial: &'a TableName,
        column: &'a Computed,
    ) -> BoxFuture<'a, Result<()>> {
        self.gate.effect(self.inner.remove_expression(trial, column)).boxed()
    }

    fn drop_trial<'a>(&'a self, trial: &'a TableName) -> BoxFuture<'a, ()> {
        self.inner.drop_trial(trial)
    }

    fn ensure_quarantine<'a>(&'a self, table: &'a TableName) -> BoxFuture<'a, Result<()>> {
        self.gate.effect(self.inner.ensure_quarantine(table)).boxed()
    }

    fn count_rows<'a>(
        &'a self,
        table: &'a TableName,
        key: &'a LedgerKey,
        range: &'a OpenRange,
    ) -> BoxFuture<'a, Result<u64>> {
        self.gate.effect(self.inner.count_rows(table, key, range)).boxed()
    }

    fn quarantined<'a>(
        &'a self,
        table: &'a TableName,
        key: &'a LedgerKey,
        range: &'a OpenRange,
    ) -> BoxFuture<'a, Result<BTreeSet<Identity>>> {
        self.gate.effect(self.inner.quarantined(table, key, range)).boxed()
    }
}

impl Ledger for Gated<dyn Ledger> {
    fn read<'a>(&'a self, key: &'a LedgerKey) -> BoxFuture<'a, Result<Entry>> {
        let read = async move {
            let entry = self.inner.read(key).await?;
            let open = entry.open.filter(|_| self.left_out != LeftOut::OpenRange);
            let mut superseded = entry.superseded;
            superseded.retain(|_| self.left_out != LeftOut::Sweep);
            Ok(Entry { open, superseded, ..entry })
        };
        self.gate.effect(read).boxed()
    }

    fn write<'a>(&'a self, key: &'a LedgerKey, entry: &'a Entry) -> BoxFuture<'a, Result<Written>> {
        let write = async move {
            tell(|| {
                let open = entry.open.as_ref();
                let open = open.map(|open| {
                    format!(
                        "{}-{} batches {:?} generation {} rows {} modified {} refused {:?}",
                        open.first,
                        open.last,
                        open.batches.all(),
                        open.generation,
                        open.rows,
                        open.modified,
                        open.refused
                    )
                });
                format!("shard {}: ledger version {}, open {open:?}", key.shard, entry.version)
            });
            let written = self.inner.write(key, entry).await?;
            match written {
                Written::Conflict(other) if self.left_out == LeftOut::Condition => {
                    // Whatever is there is written over.
                    let forced = Entry { version: other.version + 1, ..entry.clone() };
                    self.inner.write(key, &forced).await
                }
                written => Ok(written),
            }
        };
        self.gate.effect(write).boxed()
    }

    fn of_source<'a>(
        &'a self,
        stream_arn: &'a str,
        table: Uuid,
    ) -> BoxFuture<'a, Result<Vec<(String, Entry)>>> {
        self.inner.of_source(stream_arn, table)
    }

    fn fold<'a>(
        &'a self,
        sum_key: &'a LedgerKey,
        entries: &'a [(String, Entry)],
        sum: &'a Entry,
    ) -> BoxFuture<'a, Result<bool>> {
        self.gate.effect(self.inner.fold(sum_key, entries, sum)).boxed()
    }
}

impl History for Gated<dyn History> {
    fn read<'a>(
        &'a self,
        key: &'a LedgerKey,
        range: &'a OpenRange,
        deadline: Timestamp,
    ) -> BoxFuture<'a, Result<Option<Vec<Record>>>> {
        let read = async move {
            let mut records = self.inner.read(key, range, deadline).await?;
            if let (LeftOut::MissingPart, Some(records)) = (self.left_out, &mut records) {
                records.truncate(records.len() / 2);
            }
            Ok(records)
        };
        self.gate.effect(read).boxed()
    }

    fn from<'a>(
        &'a self,
        key: &'a LedgerKey,
        start: &'a ShardStart,
        limit: usize,
        deadline: Timestamp,
    ) -> BoxFuture<'a, Result<Option<Vec<Record>>>> {
        if self.left_out == LeftOut::Look {
            return std::future::ready(Ok(None)).boxed();
        }
        self.gate.effect(self.inner.from(key, start, limit, deadline)).boxed()
    }
}

/// Prints an effect if a single schedule is repeated, so that a failing test shows it.
pub(super) fn tell(effect: impl FnOnce() -> String) {
    static IS_REPEATED: LazyLock<bool> = LazyLock::new(|| std::env::var(super::SEED).is_ok());
    if *IS_REPEATED {
        println!("{}", effect());
    }
}

pub(super) fn gated_ledger(gate: &Gate, left_out: LeftOut, inner: &SharedLedger) -> SharedLedger {
    Arc::new(Gated::<dyn Ledger> { gate: gate.clone(), left_out, inner: Arc::clone(inner) })
}
