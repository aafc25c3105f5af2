//! One batch on its way through the ledger.

use std::ops::Range;

use jiff::Timestamp;
use uuid::Uuid;

use super::{
    super::{
        batch::{Event, events},
        batch_column::BatchNumber,
        batch_report::BatchReport,
        ledger::{
            Batches, Entry, LedgerKey, OpenRange, RowsByBatch, Trouble, TroubleKind, Written, refused_within,
        },
        plan::{Step, plan},
        schema::TableSchema,
        sink::Whereabouts,
        split::{Rule, Split},
        target::Target,
        token::range_token,
    },
    Worker, count,
    refused::{Rules, arrives_until},
};
use crate::{Error, ErrorKind, Result};

/// The state of one delivery.
#[derive(Debug)]
pub(super) struct Run<'a> {
    pub(super) worker: &'a Worker,
    pub(super) key: LedgerKey,
    /// The table as it was when it was looked at last.
    pub(super) target: Target,
    /// The ledger's entry as it was read or written last.
    pub(super) entry: Entry,
    /// Whether it is from an earlier run of this process: another process may have changed the ledger since.
    pub(super) is_cached: bool,
    pub(super) report: BatchReport,
    pub(super) deadline: Timestamp,
    /// The token of the open range, if this run has opened it and no insert of it can have taken effect unseen.
    pub(super) fresh: Option<String>,
    /// The token and the batch number of the open range, if the ledger says that this run works on it.
    pub(super) held: Option<Held>,
    /// Whether an insert of rows has gone without an answer, and may be under way.
    pub(super) unanswered: bool,
    /// The rows of the open range as they were counted last.
    pub(super) rows: RowsByBatch,
    /// How often rows were missing although ClickHouse had reported success.
    pub(super) missing: u32,
    /// What an error is to be written down as.
    pub(super) trouble: Option<Trouble>,
    /// Duplicates that the ledger has not counted yet.
    pub(super) duplicates: u64,
}

impl<'a> Run<'a> {
    pub(super) fn new(
        worker: &'a Worker,
        key: LedgerKey,
        target: Target,
        (entry, is_cached): (Entry, bool),
        report: BatchReport,
        deadline: Timestamp,
    ) -> Self {
        let duplicates = report.duplicates_skipped;
        Self {
            worker,
            key,
            target,
            entry,
            is_cached,
            report,
            deadline,
            fresh: None,
            held: None,
            unanswered: false,
            rows: RowsByBatch::default(),
            missing: 0,
            trouble: None,
            duplicates,
        }
    }

    /// Goes on until every event of the batch is committed, and every event between it and what was committed before.
    pub(super) async fn drive(&mut self, batch: &[Event<'_>], follows: Option<&str>) -> Result<()> {
        let committed = self.entry.committed.as_ref();
        self.duplicates +=
            count(committed.map_or(0, |last| batch.partition_point(|event| event.place <= last.place())));
        let mut is_joined = false;
        self.sweep().await?;
        loop {
            let step = plan(&self.entry, batch);
            if matches!(step, Step::Open(Range { start: 0, .. })) && !is_joined {
                is_joined = self.join(batch, follows).await?;
            } else if self.take(step, batch).await? {
                break;
            }
        }
        let BatchReport { received, delivered, quarantined, .. } = self.report;
        self.report.duplicates_skipped = received.saturating_sub(delivered + quarantined);
        Ok(())
    }

    /// Takes one step of the plan. `true` if it was the last.
    pub(super) async fn take(&mut self, step: Step, events: &[Event<'_>]) -> Result<bool> {
        self.check_deadline()?;
        match step {
            Step::Done => return Ok(true),
            Step::Stale => return Err(self.stale(events)),
            Step::Open(range) => self.open(events.get(range).unwrap_or_default()).await?,
            Step::Finish(range) => self.finish(events.get(range).unwrap_or_default()).await?,
            Step::Fetch => self.fetch(events).await?,
        }
        Ok(false)
    }

    /// Writes down that these events are about to be inserted, then inserts them.
    async fn open(&mut self, events: &[Event<'_>]) -> Result<()> {
        self.add_columns(events).await?;
        let schema = self.target.schema.clone();
        let last = events.last().map(|event| event.place);
        let around =
            self.entry.remainders.iter().find(|left| last.is_some_and(|last| last <= left.last.place()));
        let settled = around.map_or_else(Vec::new, |left| left.settled.clone());
        let refused = around.map_or_else(Vec::new, |left| refused_within(&left.refused, events.len()));
        let rule = Rule { schema: &schema, settled: &settled, refused: &refused };
        let (mut events, mut split) = (events, rule.split(events)?);
        let excess = self.target.partitions.excess(&split.rows);
        if let Some(row) = excess.into_iter().chain(split.clash).min() {
            // Too many partitions for one block, or documents that would change others in it: as many events as go together.
            let excess = split
                .row_events
                .get(row)
                .map_or(0, |excess| events.partition_point(|event| event.place < excess.place));
            events = events.get(..excess.max(1)).unwrap_or(events);
            split = rule.split(events)?;
        }
        let refused = refused_within(&refused, events.len());
        let range = self.range(events, &split, (schema.clone(), settled.clone(), refused), 0)?;
        if self.begin(Entry { open: Some(range), ..self.entry.clone() }).await? {
            self.commit(events, split).await?;
        }
        Ok(())
    }

    /// Writes down a range that this run opens. `false` if somebody else was faster.
    pub(super) async fn begin(&mut self, entry: Entry) -> Result<bool> {
        let held = entry.open.as_ref().map(held);
        let is_written = self.write(entry).await?;
        if is_written {
            self.unanswered &= self.held == held;
            self.fresh = held.as_ref().map(|(token, _)| token.clone());
            self.held = held;
        }
        Ok(is_written)
    }

    /// Writes down that this run, too, works on the open range, and under which batch number. `false` if another worker was
    /// faster.
    pub(super) async fn hold(&mut self) -> Result<bool> {
        let mut entry = self.entry.clone();
        let Some(open) = &mut entry.open else { return Ok(false) };
        if self.held == Some(held(open)) {
            return Ok(true);
        }
        if open.batches.is_none() {
            open.others_until = open.others_until.max(Some(open.held_until));
        } else {
            let now = self.worker.clock.now();
            let next = BatchNumber::new(now, &open.token, self.entry.latest_batch());
            open.batches = std::mem::take(&mut open.batches).with(next, arrives_until(open.held_until, now));
            entry.superseded.extend(open.batches.take_expired(&self.rows, now));
        }
        open.held_until = self.deadline;
        let held = held(open);
        let is_written = self.write(entry).await?;
        if is_written {
            self.held = Some(held);
            self.unanswered = false;
        }
        Ok(is_written)
    }

    /// A range of these events, as it is opened now.
    pub(super) fn range(
        &self,
        events: &[Event<'_>],
        split: &Split<'_, '_>,
        (schema, settled, refused): Rules,
        generation: u64,
    ) -> Result<OpenRange> {
        let [first, ..] = events else { return Err(Error::unexpected("a range without events")) };
        let last = events.last().unwrap_or(first);
        let Self { key, target, worker, .. } = self;
        let shard = (key.stream_arn.as_str(), key.shard.as_str(), key.table);
        let rule = format!("{}-{generation}", rule_version(&schema, &settled));
        let (opened_at, token) = (worker.clock.now(), range_token(shard, (first.place, last.place), &rule));
        let batch = if target.has_batch {
            BatchNumber::new(opened_at, &token, self.entry.latest_batch())
        } else {
            BatchNumber::default()
        };
        Ok(OpenRange {
            first: first.place.to_identity(),
            last: last.place.to_identity(),
            events: count(events.len()),
            rows: count(split.rows.num_rows()),
            token,
            batches: Batches::new(batch),
            generation,
            digest: split.digest.clone(),
            schema,
            settled,
            refused,
            definition: target.definition.clone(),
            modified: target.modified,
            opened_at,
            blocks: target.blocks,
            held_until: self.deadline,
            others_until: None,
        })
    }

    /// Inserts the open range, which somebody has opened before, from its events.
    async fn finish(&mut self, events: &[Event<'_>]) -> Result<()> {
        let Some(open) = self.entry.open.clone() else { return Ok(()) };
        let split =
            Rule { schema: &open.schema, settled: &open.settled, refused: &open.refused }.split(events)?;
        if split.digest != open.digest || count(events.len()) != open.events {
            let message = "the events of the open range differ from those it was opened with: under its token they would \
                           pass for inserted";
            return Err(self.about(Error::new(ErrorKind::Conflict, message)));
        }
        // One that can be counted may be in the table already.
        if open.batches.is_none() && !self.hold().await? {
            return Ok(());
        }
        self.commit(events, split).await
    }

    /// Finishes the open range with events from the shard.
    async fn fetch(&mut self, batch: &[Event<'_>]) -> Result<()> {
        let Some(open) = self.entry.open.clone() else { return Ok(()) };
        let Some(records) = self.worker.history.read(&self.key, &open, self.deadline).await? else {
            return self.settle_without_events(&open).await;
        };
        let (first, last) = (open.first.place(), open.last.place());
        let events: Vec<_> = events(&records).filter(|event| (first..=last).contains(&event.place)).collect();
        let in_batch = batch.iter().filter(|event| (first..=last).contains(&event.place)).count();
        self.report.received += count(events.len() - in_batch.min(events.len()));
        self.finish(&events).await
    }

    /// Writes an entry in place of the one that is known. `false` if somebody else was faster: then theirs is known.
    pub(super) async fn write(&mut self, mut entry: Entry) -> Result<bool> {
        entry.version = self.entry.version + 1;
        entry.writer = Uuid::new_v4();
        match self.worker.ledger.write(&self.key, &entry).await? {
            Written::Done => {
                self.entry = entry;
                self.is_cached = false;
                Ok(true)
            }
            Written::Conflict(other) => {
                tracing::debug!(shard = self.key.shard, "Another worker has moved the ledger.");
                self.adopt(*other);
                Ok(false)
            }
        }
    }

    /// Resumes with an entry that another worker has written. What this run has sent proves nothing any more.
    pub(super) fn adopt(&mut self, entry: Entry) {
        self.entry = entry;
        self.is_cached = false;
        self.fresh = None;
        self.held = None;
    }

    /// Writes down why it does not go on; what cannot be written will be found by the next attempt.
    pub(super) async fn write_trouble(&mut self) {
        let Some(trouble) = self.trouble.take() else { return };
        let is_known = self
            .entry
            .trouble
            .as_ref()
            .is_some_and(|known| Trouble { since: known.since, ..trouble.clone() } == *known);
        if is_known {
            return;
        }
        if let Err(error) = self.write(Entry { trouble: Some(trouble), ..self.entry.clone() }).await {
            tracing::warn!(%error, "The trouble of a source could not be written into the ledger.");
        }
    }

    /// Marks an error as one that another attempt alone will not cure.
    pub(super) fn troubled(&mut self, kind: TroubleKind, error: Error) -> Error {
        let since = self.worker.clock.now();
        self.trouble = Some(Trouble { kind, server_code: error.server_code(), since, message: None });
        self.about(error)
    }

    /// Marks an error about a table that is gone or replaced, and adds the statement that fixes it.
    pub(super) fn gone(&mut self, error: Error, whereabouts: &Whereabouts) -> Error {
        let table = &self.target.table;
        let mend = match (whereabouts, error.kind()) {
            (Whereabouts::Named(now), ErrorKind::Conflict) => format!("EXCHANGE TABLES {table} AND {now}"),
            (Whereabouts::Named(now), _) => format!("RENAME TABLE {now} TO {table}"),
            (Whereabouts::Detached(name), _) => format!("ATTACH TABLE {name}"),
            (Whereabouts::Dropped, _) => {
                "the table was dropped: `remove` the source, then create it again".to_owned()
            }
            (Whereabouts::Gone, _) => format!(
                "the table was dropped or detached: `ATTACH TABLE {table}` brings it back if it is detached; otherwise \
                 `remove` the source, then create it again"
            ),
        };
        let message = format!("{}: {mend}", error.message());
        let error = error.with("to fix it", mend);
        let error = self.troubled(TroubleKind::Failing, error);
        if let Some(trouble) = &mut self.trouble {
            trouble.message = Some(message);
        }
        error
    }

    /// Names the open range.
    pub(super) fn about(&self, error: Error) -> Error {
        match &self.entry.open {
            Some(open) => error.with("range", format!("{}-{}", open.first, open.last)),
            None => error,
        }
    }

    pub(super) fn check_deadline(&self) -> Result<()> {
        if self.worker.clock.now() < self.deadline {
            return Ok(());
        }
        let message = "the time allowed is over; what is left comes with the next attempt";
        Err(Error::new(ErrorKind::Timeout, message).retryable(true))
    }

    fn stale(&self, batch: &[Event<'_>]) -> Error {
        let message = "the batch begins before the first event that the table was ever given: these events were not \
                       delivered, and cannot be, as later ones were; let the trigger begin later";
        let place = |place: Option<String>| place.unwrap_or_default();
        Error::new(ErrorKind::Conflict, message)
            .with("first of the batch", place(batch.first().map(|event| event.place.to_string())))
            .with("first of the table", place(self.entry.counters.first.as_ref().map(ToString::to_string)))
    }
}

/// By which an open range, and the inserts that a run sends of it, are known.
pub(super) type Held = (String, BatchNumber);

pub(super) fn held(open: &OpenRange) -> Held {
    (open.token.clone(), open.batches.current)
}

/// Which split this makes: part of the token, which must not come with other rows.
fn rule_version(schema: &TableSchema, settled: &[TableSchema]) -> String {
    let versions = std::iter::once(schema).chain(settled).map(TableSchema::version);
    versions.collect::<Vec<_>>().join("-")
}
