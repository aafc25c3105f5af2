//! Replaying rejects: what fits now becomes rows, once, and leaves the quarantine.
//!
//! As in delivery, what is about to be inserted is written into the ledger first, with the token by which ClickHouse
//! knows it. Whoever comes later, after whatever interruption, finishes that before anything else.

mod chunk;
mod request;

use std::{collections::HashMap, time::Duration};

use arrow_array::RecordBatch;
use chunk::{Behind, Chunk};
use jiff::Timestamp;
use request::Tally;
pub use request::{RemainingRejects, ReplayRejects, ReplayReport};
use uuid::Uuid;

use super::{Quarantine, RejectSelection, table_of};
use crate::{
    Error, ErrorKind, Result,
    backoff::{MAX_ATTEMPTS, pause},
    clock::SharedClock,
    delivery::{
        batch::Event,
        batch_column::BatchNumber,
        deletion::Deletion,
        ledger::{
            Batches, Counters, Entry, LedgerKey, OpenReplay, RefusedEvents, Rework, RowsByBatch,
            SharedLedger, Trouble, TroubleKind, Written,
        },
        place::Identity,
        policy::Policy,
        refusal::{Verdict, verdict},
        schema::TableSchema,
        sink::{Block, INSERT_TIMEOUT, Sink, take_back},
        split::{Rule, Split},
        sweep::{Sweep, sweep},
        target::Target,
        tried::{Tried, Trying},
        worker::{MOST_LOOKS, arrives_until, count},
    },
    warehouse::Literal,
};

/// How many rejects are taken at once.
const MAX_EVENTS: usize = 5_000;
/// How long to search for the rejects that ClickHouse refuses.
const TIME_TO_TRY: Duration = Duration::from_secs(120);

/// What a source does with events that do not quite fit, by the stream's ARN.
pub(in crate::delivery) type Policies = HashMap<String, Policy>;

/// One replay under way.
#[derive(Debug)]
pub(in crate::delivery) struct Replay<'a> {
    quarantine: &'a Quarantine,
    sink: &'a dyn Sink,
    ledger: &'a SharedLedger,
    clock: &'a SharedClock,
    key: LedgerKey,
    /// The table as it was when it was looked at last.
    target: Target,
    policies: &'a Policies,
    selection: RejectSelection,
    /// How many rejects are taken at once now: fewer after ClickHouse has refused some.
    most: usize,
    behind: Option<Behind>,
    tally: Tally,
    /// The token of an insert that this replay has begun itself, and no other.
    fresh: Option<String>,
    /// The batch number under which this replay has sent nothing that is without an answer.
    held: BatchNumber,
    /// The rows of the replay in progress as they were counted last.
    rows: RowsByBatch,
    /// How often the replay in progress got another token.
    generation: u64,
}

/// What became of an insert.
enum Outcome {
    /// All of it is in the table.
    Inserted,
    /// ClickHouse refuses it.
    Refused(Verdict, Error),
    /// It is not in the table, though ClickHouse reported success; or the table has changed. It starts again.
    Again,
    /// Another process works on it.
    Moved,
}

/// How often the same rejects may start again before it is an error.
const MAX_GENERATIONS: u64 = 5;

impl<'a> Replay<'a> {
    pub(in crate::delivery) async fn new(
        quarantine: &'a Quarantine,
        (sink, ledger, clock): (&'a dyn Sink, &'a SharedLedger, &'a SharedClock),
        target: Target,
        policies: &'a Policies,
        selection: &RejectSelection,
    ) -> Result<Self> {
        let selection = quarantine.extent(selection).await?.bound(selection);
        Ok(Self {
            quarantine,
            sink,
            ledger,
            clock,
            key: LedgerKey::of_quarantine(target.uuid),
            target,
            policies,
            selection,
            most: MAX_EVENTS,
            behind: None,
            tally: Tally::default(),
            fresh: None,
            held: BatchNumber::default(),
            rows: RowsByBatch::default(),
            generation: 0,
        })
    }

    /// Tries which rejects fit now.
    pub(in crate::delivery) async fn dry_run(mut self) -> Result<ReplayReport> {
        while let Some(chunk) = self.next().await? {
            let schema = self.schema_of(&chunk);
            let events = chunk.events();
            let split = Rule { schema: &schema, settled: &[], refused: &[] }.split(&events)?;
            self.count(&split);
            self.behind = chunk.behind();
        }
        Ok(self.tally.into_report(true))
    }

    /// Replays what fits now.
    pub(in crate::delivery) async fn run(mut self) -> Result<ReplayReport> {
        loop {
            let entry = self.finish_pending().await?;
            if self.generation > 0 {
                // What starts again uses the table as it is now.
                self.look().await?;
            }
            match self.next().await? {
                Some(chunk) => self.open(entry, &chunk).await?,
                None => return Ok(self.tally.into_report(false)),
            }
        }
    }

    /// Finishes what is under way, here or where it was interrupted. Returns the ledger's entry, in which nothing is.
    pub(in crate::delivery) async fn finish_pending(&mut self) -> Result<Entry> {
        loop {
            let mut entry = self.ledger.read(&self.key).await?;
            let swept = sweep(self.sink, self.key.table, &mut entry, (Sweep::All, self.clock.now())).await?;
            if let Some(error) = swept.left {
                // Their events may be in quarantine still, and would be rows twice.
                return Err(error);
            }
            match entry.rework.clone() {
                None => return Ok(entry),
                Some(Rework::Replay(open)) => self.finish(entry, *open).await?,
                Some(Rework::Discard(open)) => {
                    self.quarantine.finish_discard(self.ledger, &self.key, entry, &open).await?;
                }
            }
        }
    }

    /// The next rejects whose range is committed.
    ///
    /// An open range may still be delivered under another schema: then what is absent from the quarantine, though it was
    /// replayed, would be written there once more.
    async fn next(&mut self) -> Result<Option<Chunk>> {
        loop {
            let next = Chunk::next(self.quarantine, &self.selection, self.behind.as_ref(), self.most).await?;
            let Some(chunk) = next else { return Ok(None) };
            let behind = chunk.behind();
            let (stream_arn, shard) = chunk.origin();
            let key = LedgerKey {
                stream_arn: stream_arn.to_owned(),
                shard: shard.to_owned(),
                table: self.target.uuid,
            };
            // After the rejects were read: what is committed stays so.
            let entry = self.ledger.read(&key).await?;
            if entry.open.is_none() && entry.committed.is_none() {
                return Ok(Some(chunk));
            }
            let (chunk, left) = chunk.up_to(entry.committed.as_ref().map(Identity::place));
            if !chunk.is_empty() {
                return Ok(Some(chunk));
            }
            self.tally.undelivered += count(left);
            self.behind = behind;
        }
    }

    /// The schema that these rejects have to fit: the table's, under the policy of their source.
    fn schema_of(&self, chunk: &Chunk) -> TableSchema {
        let (stream, _) = chunk.origin();
        let policy = self.policies.get(stream).copied().unwrap_or_default();
        self.target.clone().with_policy(policy).schema
    }

    fn count(&mut self, split: &Split<'_, '_>) {
        self.tally.considered += count(split.row_events.len() + split.rejects.len());
        self.tally.fit += count(split.row_events.len());
        split.rejects.reasons().for_each(|reject| self.tally.remains(reject));
    }

    fn uncount(&mut self, split: &Split<'_, '_>) {
        self.tally.considered -= count(split.row_events.len() + split.rejects.len());
        self.tally.fit -= count(split.row_events.len());
        split.rejects.reasons().for_each(|reject| self.tally.remains_not(reject));
    }

    /// Writes down what is about to be inserted; what does not fit is passed over.
    async fn open(&mut self, entry: Entry, chunk: &Chunk) -> Result<()> {
        let schema = self.schema_of(chunk);
        let events = chunk.events();
        let split = Rule { schema: &schema, settled: &[], refused: &[] }.split(&events)?;
        if let Some(row) = split.clash {
            // The rows behind it cannot be in one insert with those before it.
            self.most = row;
            return Ok(());
        }
        let Some((first, last)) = chunk.ends().filter(|_| !split.row_events.is_empty()) else {
            self.count(&split);
            self.behind = chunk.behind();
            return Ok(());
        };
        let mut open = self.begun(chunk, (first, last), &split, (schema, Vec::new()));
        let Some(mut entry) = self.begin(entry, &open).await? else { return Ok(()) };
        self.count(&split);
        match self.insert(&mut entry, &mut open, &split).await? {
            Outcome::Inserted => {
                self.behind = chunk.behind();
                // Halved chunks may grow again.
                self.most = (self.most * 2).min(MAX_EVENTS);
                self.generation = 0;
                self.remove(entry, open, &split.row_events).await
            }
            Outcome::Refused(verdict, error) => {
                self.uncount(&split);
                self.refused(entry, &open, chunk, (verdict, error)).await
            }
            Outcome::Again => {
                self.uncount(&split);
                self.anew(entry, &open).await
            }
            Outcome::Moved => {
                self.uncount(&split);
                Ok(())
            }
        }
    }

    /// A replay of these rejects, as of now.
    fn begun(
        &self,
        chunk: &Chunk,
        (first, last): (Identity, Identity),
        split: &Split<'_, '_>,
        (schema, refused): (TableSchema, Vec<RefusedEvents>),
    ) -> OpenReplay {
        let (stream_arn, shard) = chunk.origin();
        let now = self.clock.now();
        let what = format!("{} {} {now}", split.digest, self.generation);
        let token = self.token((stream_arn, shard), &format!("{first}-{last}"), &what);
        OpenReplay {
            stream_arn: stream_arn.to_owned(),
            shard: shard.to_owned(),
            batches: Batches::new(if self.target.has_batch {
                BatchNumber::new(now, &token, BatchNumber::default())
            } else {
                BatchNumber::default()
            }),
            token,
            first,
            last,
            selection: self.selection.clone(),
            rejects: chunk.set(),
            rows: count(split.row_events.len()),
            digest: split.digest.clone(),
            schema,
            refused,
            definition: self.target.definition.clone(),
            modified: self.target.modified,
            opened_at: now,
            held_until: sent_until(now),
            blocks: self.target.blocks,
            inserted: false,
        }
    }

    async fn begin(&mut self, entry: Entry, open: &OpenReplay) -> Result<Option<Entry>> {
        let rework = Some(Rework::Replay(Box::new(open.clone())));
        let written = self.write(Entry { rework, ..entry }).await?;
        if written.is_some() {
            self.fresh = Some(open.token.clone());
            self.held = open.batches.current;
        }
        Ok(written)
    }

    /// Writes down under which batch number this replay inserts: other rows of it may still arrive, and are told apart by
    /// theirs. `false` if another process was faster.
    async fn hold(&mut self, entry: &mut Entry, open: &mut OpenReplay) -> Result<bool> {
        if open.batches.current == self.held {
            return Ok(true);
        }
        let now = self.clock.now();
        let next = BatchNumber::new(now, &open.token, open.batches.current);
        let mut held = OpenReplay { held_until: sent_until(now), ..open.clone() };
        held.batches = held.batches.with(next, self.may_arrive_until(open));
        let mut noted = entry.clone();
        noted.superseded.extend(held.batches.take_expired(&self.rows, now));
        noted.rework = Some(Rework::Replay(Box::new(held.clone())));
        let Some(written) = self.write(noted).await? else { return Ok(false) };
        (*entry, *open, self.held) = (written, held, next);
        Ok(true)
    }

    /// Finishes what another replay, or this one, has begun.
    async fn finish(&mut self, mut entry: Entry, mut open: OpenReplay) -> Result<()> {
        let chunk = Chunk::of(self.quarantine, &open).await?;
        let events = chunk.events();
        let split = Rule { schema: &open.schema, settled: &[], refused: &open.refused }.split(&events)?;
        if open.inserted {
            return self.remove(entry, open, &split.row_events).await;
        }
        let is_fresh = self.fresh.as_ref() == Some(&open.token);
        self.look().await?;
        let rows = if is_fresh { None } else { self.counted(&open).await? };
        if rows.is_some() && self.was_changed(&open) {
            // Its values in the table may have changed, too. Its rejects are still in quarantine.
            return self.anew(entry, &open).await;
        }
        let now = (self.clock.now(), self.target.blocks);
        let is_known = is_fresh || self.target.window.reaches((open.opened_at, open.blocks), now);
        // A view may have failed behind the table: then the same insert is sent again.
        let is_repeated = is_known && split.digest == open.digest && self.target.repeats_reach_views();
        if rows.is_some_and(|rows| rows == open.rows) && !is_repeated {
            return self.remove(entry, open, &split.row_events).await;
        }
        if split.digest != open.digest {
            if self.ledger.read(&self.key).await?.version != entry.version {
                return Ok(());
            }
            // The remaining ones are still in quarantine, and start again.
            return match rows {
                Some(_) => self.anew(entry, &open).await,
                None => {
                    Err(self.uncertain(entry, &open, "some of its rejects have left the quarantine").await)
                }
            };
        }
        match rows {
            Some(1..) if !is_known => return self.anew(entry, &open).await,
            None if !is_known => {
                let why = "it started so long ago, or so many inserts ago, that its token no longer proves anything";
                return Err(self.uncertain(entry, &open, why).await);
            }
            _ => {}
        }
        if !self.hold(&mut entry, &mut open).await? {
            return Ok(());
        }
        match self.insert(&mut entry, &mut open, &split).await? {
            Outcome::Inserted => self.remove(entry, open, &split.row_events).await,
            Outcome::Refused(verdict, error) => self.refused(entry, &open, &chunk, (verdict, error)).await,
            Outcome::Again => self.anew(entry, &open).await,
            Outcome::Moved => Ok(()),
        }
    }

    /// Finishes what is under way, or gives it up if no retry finishes it, so that its rejects can be discarded. Returns
    /// the ledger's entry, in which nothing is.
    pub(in crate::delivery) async fn finish_or_give_up(&mut self) -> Result<Entry> {
        match self.finish_pending().await {
            Err(error) if !error.is_retryable() => self.give_up(error).await,
            finished => finished,
        }
    }

    /// Gives up an interrupted replay: deletes its rows, and leaves the quarantine as it is. Fails if its rows cannot be
    /// counted, or are certainly in the table: then their events are not rejects.
    async fn give_up(&mut self, cause: Error) -> Result<Entry> {
        loop {
            let entry = self.ledger.read(&self.key).await?;
            let open = match entry.rework.clone() {
                None => return Ok(entry),
                Some(Rework::Replay(open)) if !open.inserted => open,
                Some(_) => return Err(cause),
            };
            if open.batches.is_none() || !self.target.has_batch {
                if entry.trouble.as_ref().is_some_and(|trouble| trouble.kind == TroubleKind::Uncertain) {
                    return Err(cause);
                }
                let why = "it cannot be finished, and its rows cannot be counted";
                return Err(self.uncertain(entry, &open, why).await.caused_by(cause));
            }
            tracing::warn!(
                table = self.target.table.plain(),
                range = format!("{}-{}", open.first, open.last),
                "An interrupted replay cannot be finished; abandoning it, because its rejects are being discarded."
            );
            self.anew(entry, &open).await?;
        }
    }

    /// Ends the replay in progress: deletes its rows, if they can be counted, and keeps its rejects.
    async fn anew(&mut self, entry: Entry, open: &OpenReplay) -> Result<()> {
        let entry = self.superseding(entry, open);
        if let Some(entry) = self.write(Entry { rework: None, trouble: None, ..entry }).await? {
            self.generation += 1;
            let deleted = take_back(self.sink, self.target.uuid, &open.batches.all()).await?;
            if deleted > 0 {
                let taken_back = entry.counters.taken_back + deleted;
                let counters = Counters { taken_back, ..entry.counters.clone() };
                self.write(Entry { counters, ..entry }).await?;
            }
        }
        if self.generation > MAX_GENERATIONS {
            let message =
                "ClickHouse reported that replayed rows were inserted, but they are not in the table";
            return Err(Error::new(ErrorKind::Unavailable, message).with("table", self.target.table.plain()));
        }
        Ok(())
    }

    /// The entry that replaces a batch: first the ledger, so that no process can commit it, then its rows.
    fn superseding(&self, mut entry: Entry, open: &OpenReplay) -> Entry {
        entry.superseded.extend(open.batches.replaced(self.may_arrive_until(open)));
        entry
    }

    /// Until when an insert under the current batch number may reach ClickHouse.
    fn may_arrive_until(&self, open: &OpenReplay) -> Timestamp {
        let now = self.clock.now();
        let is_answered = !open.batches.is_none() && open.batches.current == self.held;
        if is_answered { now } else { arrives_until(open.held_until.max(sent_until(open.opened_at)), now) }
    }

    async fn look(&mut self) -> Result<()> {
        let policy = self.target.schema.policy;
        self.target = self.sink.describe(&self.target.table, self.target.uuid).await?.with_policy(policy);
        Ok(())
    }

    async fn counted(&mut self, open: &OpenReplay) -> Result<Option<u64>> {
        for _ in 0..MOST_LOOKS {
            if open.batches.is_none() || !self.target.has_batch {
                return Ok(None);
            }
            let look = self.sink.look((&self.target.table, self.target.uuid), &open.batches.all()).await?;
            if let Some(look) = look.filter(|look| look.is_of(&self.target)) {
                return Ok(look.rows.map(|rows| self.note_rows(rows)));
            }
            self.look().await?;
        }
        let message = "the table keeps changing while its rows are counted";
        Err(Error::new(ErrorKind::Unavailable, message)
            .retryable(true)
            .with("table", self.target.table.plain()))
    }

    /// Whether the table has changed since the replay was opened, even if the change was undone.
    fn was_changed(&self, open: &OpenReplay) -> bool {
        (&self.target.definition, self.target.modified) != (&open.definition, open.modified)
    }

    /// Keeps what was counted, and returns the sum.
    fn note_rows(&mut self, rows: RowsByBatch) -> u64 {
        let total = rows.total();
        self.rows = rows;
        total
    }

    async fn insert(
        &mut self,
        entry: &mut Entry,
        open: &mut OpenReplay,
        split: &Split<'_, '_>,
    ) -> Result<Outcome> {
        let mut rows = split.rows.clone();
        if let Some(provenance) = self.target.provenance {
            rows = provenance.add_to(&rows, &open.shard, &split.row_events)?;
        }
        let mut attempts = 0;
        let (verdict, refusal) = loop {
            let block = self.block(open, &rows, false)?;
            let Err(error) = self.sink.insert(block).await else { return self.arrived(open).await };
            match verdict(&error) {
                Verdict::Again if attempts < MAX_ATTEMPTS => {
                    attempts += 1;
                    self.fresh = None;
                    self.clock.sleep(pause(attempts)).await;
                    if self.counted(open).await? == Some(open.rows) {
                        return self.arrived(open).await;
                    }
                    self.held = BatchNumber::default();
                    if !self.hold(entry, open).await? {
                        return Ok(Outcome::Moved);
                    }
                }
                Verdict::Again | Verdict::Failed => return Err(error),
                verdict => break (verdict, error),
            }
        };
        match self.counted(open).await? {
            // A view refuses only rows that the table has accepted, so only the same insert may be retried.
            Some(1..) => return Err(refusal),
            Some(0) => return Ok(Outcome::Refused(verdict, refusal)),
            None if self.target.views.is_empty() => return Ok(Outcome::Refused(verdict, refusal)),
            None => {}
        }
        let block = self.block(open, &rows, true)?;
        match self.sink.insert(block).await {
            Err(error) if !matches!(self::verdict(&error), Verdict::Again | Verdict::Failed) => {
                Ok(Outcome::Refused(verdict, error))
            }
            _ => Err(refusal),
        }
    }

    fn block<'b>(
        &'b self,
        open: &'b OpenReplay,
        rows: &'b RecordBatch,
        ignore_views: bool,
    ) -> Result<Block<'b>> {
        Ok(Block {
            table: &self.target.table,
            rows,
            token: &open.token,
            batch: open.batches.current,
            from_text: open.schema.has_columns_from_text()?,
            ignore_views,
            timeout: INSERT_TIMEOUT,
        })
    }

    /// Checks that inserted rows are in the intended table, which has not changed.
    async fn arrived(&mut self, open: &OpenReplay) -> Result<Outcome> {
        if open.batches.is_none() {
            return Ok(Outcome::Inserted);
        }
        let table = (&self.target.table, self.target.uuid);
        let look = self.sink.look(table, &open.batches.all()).await?;
        // Another table has its name, or none: the next look at it reports what to do.
        let Some(look) = look.filter(|look| look.uuid == self.target.uuid) else { return Ok(Outcome::Again) };
        if (&look.definition, look.modified) != (&open.definition, open.modified) {
            return Ok(Outcome::Again);
        }
        // The table may have removed rows by now. A token that was never sent before cannot have been taken for a repeated one.
        let is_first = self.fresh.as_ref() == Some(&open.token);
        let is_whole = look.rows.map(|rows| self.note_rows(rows)) == Some(open.rows)
            || (is_first && !self.target.keeps_rows);
        Ok(if is_whole { Outcome::Inserted } else { Outcome::Again })
    }

    /// Nothing was written: the rejects that ClickHouse refuses stay where they are, the others start again.
    async fn refused(
        &mut self,
        entry: Entry,
        open: &OpenReplay,
        chunk: &Chunk,
        (verdict, error): (Verdict, Error),
    ) -> Result<()> {
        if verdict == Verdict::Columns {
            self.anew(entry, open).await?;
            let message = "the table was changed while its rejects were replayed; replay again";
            return Err(Error::new(ErrorKind::Conflict, message).retryable(true));
        }
        let events = chunk.events();
        let split = Rule { schema: &open.schema, settled: &[], refused: &open.refused }.split(&events)?;
        let mut rows = split.rows.clone();
        if let Some(provenance) = self.target.provenance {
            rows = provenance.add_to(&rows, &open.shard, &split.row_events)?;
        }
        let deadline = self.clock.now().saturating_add(TIME_TO_TRY).unwrap_or(Timestamp::MAX);
        let trying = Trying {
            sink: self.sink,
            table: &self.target.table,
            clock: self.clock,
            deadline,
            batch: open.batches.current,
            from_text: open.schema.has_columns_from_text()?,
        };
        match trying.rows(&rows, &error).await? {
            Tried::Refused(refused) => {
                let mut rules = open.refused.clone();
                rules.extend(refused.into_iter().map(|refused| refused.of(&events, &split)));
                let split = Rule { schema: &open.schema, settled: &[], refused: &rules }.split(&events)?;
                let entry = self.superseding(entry, open);
                self.count(&split);
                if split.row_events.is_empty() {
                    self.behind = chunk.behind();
                    self.write(Entry { rework: None, ..entry }).await?;
                    return Ok(());
                }
                self.generation += 1;
                let ends = (open.first.clone(), open.last.clone());
                let next = self.begun(chunk, ends, &split, (open.schema.clone(), rules));
                let mut next = OpenReplay { selection: open.selection.clone(), ..next };
                let Some(mut entry) = self.begin(entry, &next).await? else { return Ok(()) };
                entry.counters.taken_back +=
                    take_back(self.sink, self.target.uuid, &open.batches.all()).await?;
                match self.insert(&mut entry, &mut next, &split).await? {
                    Outcome::Inserted => {
                        self.behind = chunk.behind();
                        self.generation = 0;
                        self.remove(entry, next, &split.row_events).await
                    }
                    Outcome::Refused(_, error) => {
                        self.uncount(&split);
                        self.anew(entry, &next).await?;
                        Err(error)
                    }
                    Outcome::Again => {
                        self.uncount(&split);
                        self.anew(entry, &next).await
                    }
                    Outcome::Moved => {
                        self.uncount(&split);
                        Ok(())
                    }
                }
            }
            Tried::Partitions(rows) => {
                self.most = rows.max(1);
                self.anew(entry, open).await?;
                self.generation = 0;
                Ok(())
            }
            // It stays open, and is retried once the table accepts it.
            Tried::Accepted | Tried::Table => Err(error),
        }
    }

    /// They are rows: they leave the quarantine.
    async fn remove(&mut self, mut entry: Entry, open: OpenReplay, events: &[&Event<'_>]) -> Result<()> {
        let rows = open.rows;
        if !open.inserted {
            entry.superseded.extend(open.batches.without_rows(&self.rows, self.may_arrive_until(&open)));
        }
        let inserted = OpenReplay { inserted: true, ..open };
        let rework = Some(Rework::Replay(Box::new(inserted.clone())));
        let Some(entry) = self.write(Entry { rework, trouble: None, ..entry }).await? else { return Ok(()) };
        if !events.is_empty() {
            self.delete(&inserted, events).await?;
        }
        let counters = Counters {
            replayed: entry.counters.replayed + rows,
            counted: entry.counters.counted + if inserted.batches.is_none() { 0 } else { rows },
            ..entry.counters.clone()
        };
        if self.write(Entry { rework: None, trouble: None, counters, ..entry }).await?.is_some() {
            self.tally.replayed += rows;
        }
        Ok(())
    }

    async fn delete(&self, open: &OpenReplay, events: &[&Event<'_>]) -> Result<()> {
        let identities = events.iter().map(|event| {
            let place = event.place;
            format!("({},{})", Literal(place.sequence_number), place.sub_sequence)
        });
        let condition = format!(
            "original_table = {} AND stream = {} AND shard = {} AND (sequence_number, sub_sequence) IN ({})",
            Literal(&self.target.table.plain()),
            Literal(&open.stream_arn),
            Literal(&open.shard),
            identities.collect::<Vec<_>>().join(",")
        );
        let quarantine = table_of(&self.target.table)?;
        let deletion = Deletion {
            table: &quarantine,
            what: "rejects that are rows now",
            condition: &condition,
            bind: &|query| query,
            left: None,
            mark: events.first().map_or("", |event| event.place.sequence_number),
        };
        deletion.run(&self.quarantine.warehouse).await
    }

    /// Writes an entry in place of the one that was read; `None` if somebody else was faster.
    async fn write(&self, mut entry: Entry) -> Result<Option<Entry>> {
        entry.version += 1;
        entry.writer = Uuid::new_v4();
        Ok(match self.ledger.write(&self.key, &entry).await? {
            Written::Done => Some(entry),
            Written::Conflict(_) => None,
        })
    }

    async fn uncertain(&self, entry: Entry, open: &OpenReplay, why: &str) -> Error {
        let trouble = Some(Trouble {
            kind: TroubleKind::Uncertain,
            server_code: None,
            since: self.clock.now(),
            message: None,
        });
        if let Err(error) = self.write(Entry { trouble, ..entry }).await {
            tracing::warn!(%error, "The trouble of a replay could not be written into the ledger.");
        }
        let message = format!(
            "whether a replay that was interrupted has reached the table is UNCERTAIN: {why}. Look into the table, and \
             settle the range of the shard `quarantine`"
        );
        Error::new(ErrorKind::Conflict, message)
            .with("state", "UNCERTAIN")
            .with("range", format!("{}-{}", open.first, open.last))
            .with("shard", &open.shard)
    }

    fn token(&self, (stream_arn, shard): (&str, &str), range: &str, digest: &str) -> String {
        format!("helios-3 {} quarantine {stream_arn} {shard} {range} {digest}", self.target.uuid)
    }
}

/// Until when an insert may be sent that was written down now: its answer is awaited, then it gets another batch number.
fn sent_until(now: Timestamp) -> Timestamp {
    now.saturating_add(INSERT_TIMEOUT).unwrap_or(Timestamp::MAX)
}
