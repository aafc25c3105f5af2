//! Replaying rejects: what fits now becomes rows, once, and leaves the quarantine.
//!
//! As in delivery, what is about to be inserted is written into the ledger first, with the token by which ClickHouse
//! knows it. Whoever comes later, after whatever interruption, finishes that before anything else.

mod chunk;
mod request;

use std::collections::HashMap;

use chunk::{Behind, Chunk};
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
        ledger::{
            Counters, Entry, LedgerKey, OpenReplay, Rework, SharedLedger, Trouble, TroubleKind, Written,
        },
        policy::Policy,
        refusal::{Refusal, Verdict, verdict},
        schema::TableSchema,
        sink::{Block, INSERT_TIMEOUT, Sink},
        split::{Rule, Split, refused},
        target::Target,
        worker::count,
    },
    warehouse::{Literal, from_clickhouse},
};

/// How many rejects are taken at once.
const MAX_EVENTS: usize = 5_000;

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
}

/// What became of an insert.
enum Outcome {
    Inserted,
    Refused(Error),
}

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
        })
    }

    /// Tries which rejects fit now.
    pub(in crate::delivery) async fn dry_run(mut self) -> Result<ReplayReport> {
        while let Some(chunk) = self.next().await? {
            let schema = self.schema_of(&chunk);
            let events = chunk.events();
            let split = Rule { schema: &schema, settled: &[], refusal: None }.split(&events)?;
            self.count(&split);
            self.behind = chunk.behind();
        }
        Ok(self.tally.into_report(true))
    }

    /// Replays what fits now.
    pub(in crate::delivery) async fn run(mut self) -> Result<ReplayReport> {
        loop {
            let entry = self.finish_pending().await?;
            match self.next().await? {
                Some(chunk) => self.open(entry, &chunk).await?,
                None => return Ok(self.tally.into_report(false)),
            }
        }
    }

    /// Finishes what is under way, here or where it was interrupted. Returns the ledger's entry, in which nothing is.
    pub(in crate::delivery) async fn finish_pending(&mut self) -> Result<Entry> {
        loop {
            let entry = self.ledger.read(&self.key).await?;
            match entry.rework.clone() {
                None => return Ok(entry),
                Some(Rework::Replay(open)) => self.finish(entry, *open).await?,
                Some(Rework::Discard(open)) => {
                    self.quarantine.finish_discard(self.ledger, &self.key, entry, &open).await?;
                }
            }
        }
    }

    async fn next(&self) -> Result<Option<Chunk>> {
        Chunk::next(self.quarantine, &self.selection, self.behind.as_ref(), self.most).await
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

    /// Writes down what is about to be inserted; what does not fit is passed over.
    async fn open(&mut self, entry: Entry, chunk: &Chunk) -> Result<()> {
        let schema = self.schema_of(chunk);
        let events = chunk.events();
        let split = Rule { schema: &schema, settled: &[], refusal: None }.split(&events)?;
        let Some((first, last)) = chunk.ends().filter(|_| !split.row_events.is_empty()) else {
            self.count(&split);
            self.behind = chunk.behind();
            return Ok(());
        };
        let (stream_arn, shard) = chunk.origin();
        let open = OpenReplay {
            stream_arn: stream_arn.to_owned(),
            shard: shard.to_owned(),
            token: self.token((stream_arn, shard), &format!("{first}-{last}"), &split.digest),
            first,
            last,
            selection: self.selection.clone(),
            rows: count(split.row_events.len()),
            digest: split.digest.clone(),
            schema: schema.clone(),
            opened_at: self.clock.now(),
            blocks: self.target.blocks,
            inserted: false,
        };
        let rework = Some(Rework::Replay(Box::new(open.clone())));
        let Some(entry) = self.write(Entry { rework, ..entry }).await? else { return Ok(()) };
        self.fresh = Some(open.token.clone());
        match self.insert(&open, &split).await? {
            Outcome::Inserted => {
                self.count(&split);
                self.behind = chunk.behind();
                // What was halved before may grow again.
                self.most = (self.most * 2).min(MAX_EVENTS);
                self.remove(entry, open, &split.row_events).await
            }
            Outcome::Refused(error) => self.refused(entry, chunk, &error).await,
        }
    }

    /// Finishes what another replay, or this one, has begun.
    async fn finish(&mut self, entry: Entry, open: OpenReplay) -> Result<()> {
        let chunk = Chunk::of(self.quarantine, &open).await?;
        let events = chunk.events();
        let split = Rule { schema: &open.schema, settled: &[], refusal: None }.split(&events)?;
        if open.inserted {
            return self.remove(entry, open, &split.row_events).await;
        }
        if split.digest != open.digest {
            if self.ledger.read(&self.key).await?.version != entry.version {
                return Ok(());
            }
            return Err(self.uncertain(entry, &open, "rejects of it were removed from the quarantine").await);
        }
        let policy = self.target.schema.policy;
        self.target = self.sink.describe(&self.target.table, self.target.uuid).await?.with_policy(policy);
        let now = (self.clock.now(), self.target.blocks);
        if self.fresh.as_ref() != Some(&open.token)
            && !self.target.window.reaches((open.opened_at, open.blocks), now)
        {
            let why =
                "it was begun so long ago, or so many inserts ago, that its token proves nothing any more";
            return Err(self.uncertain(entry, &open, why).await);
        }
        match self.insert(&open, &split).await? {
            Outcome::Inserted => self.remove(entry, open, &split.row_events).await,
            Outcome::Refused(error) => self.refused(entry, &chunk, &error).await,
        }
    }

    async fn insert(&self, open: &OpenReplay, split: &Split<'_, '_>) -> Result<Outcome> {
        let mut rows = split.rows.clone();
        if let Some(provenance) = self.target.provenance {
            rows = provenance.add_to(&rows, &open.shard, &split.row_events)?;
        }
        let mut block = Block {
            table: &self.target.table,
            rows: &rows,
            token: &open.token,
            from_text: open.schema.has_columns_from_text()?,
            ignore_views: false,
            timeout: INSERT_TIMEOUT,
        };
        let mut attempts = 0;
        let refusal = loop {
            let Err(error) = self.sink.insert(block).await else { return Ok(Outcome::Inserted) };
            match verdict(&error) {
                Verdict::Refused(_) => break error,
                Verdict::Again if attempts < MAX_ATTEMPTS => {
                    attempts += 1;
                    self.clock.sleep(pause(attempts)).await;
                }
                Verdict::Again | Verdict::Failed => return Err(error),
            }
        };
        if self.target.views.is_empty() {
            return Ok(Outcome::Refused(refusal));
        }
        // A view refuses only what the table has taken: then nothing but the same insert will do.
        block.ignore_views = true;
        match self.sink.insert(block).await {
            Err(error) if matches!(verdict(&error), Verdict::Refused(_)) => Ok(Outcome::Refused(error)),
            _ => Err(refusal),
        }
    }

    /// Nothing was written: fewer at once are tried, until the one that is refused is found.
    async fn refused(&mut self, entry: Entry, chunk: &Chunk, error: &Error) -> Result<()> {
        if self.write(Entry { rework: None, ..entry }).await?.is_none() {
            return Ok(());
        }
        if verdict(error) == Verdict::Refused(Refusal::Columns) {
            let message = "the table was changed while its rejects were replayed; replay again";
            return Err(Error::new(ErrorKind::Conflict, message).retryable(true));
        }
        if chunk.len() <= 1 {
            let code = error.server_code().unwrap_or_default();
            self.tally.considered += 1;
            self.tally.remains(&refused(code));
            self.behind = chunk.behind();
        }
        self.most = (chunk.len() / 2).max(1);
        Ok(())
    }

    /// They are rows: they leave the quarantine.
    async fn remove(&mut self, entry: Entry, open: OpenReplay, events: &[&Event<'_>]) -> Result<()> {
        let rows = open.rows;
        let inserted = OpenReplay { inserted: true, ..open };
        let rework = Some(Rework::Replay(Box::new(inserted.clone())));
        let Some(entry) = self.write(Entry { rework, ..entry }).await? else { return Ok(()) };
        if !events.is_empty() {
            self.delete(&inserted, events).await?;
        }
        let counters = Counters { replayed: entry.counters.replayed + rows, ..entry.counters.clone() };
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
        let deleted = self.quarantine.deletion(&quarantine, &condition).execute().await;
        deleted.map_err(|error| from_clickhouse(error).with("table", quarantine.plain()))
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
        let trouble =
            Some(Trouble { kind: TroubleKind::Uncertain, server_code: None, since: self.clock.now() });
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
        format!("helios-2 {} quarantine {stream_arn} {shard} {range} {digest}", self.target.uuid)
    }
}
