//! Whether the open range may be inserted once more, and whether it is in the table already.

use super::{
    super::{
        batch::Event,
        batch_column::BatchNumber,
        ledger::{Entry, Gap, OpenRange, RowsByBatch, TroubleKind, refused_within},
        sink::{Having, take_back},
    },
    commit::closed,
    count,
    refused::settled_with,
    run::Run,
};
use crate::{Error, ErrorKind, Result};

/// What is known of an open range before its insert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Proof {
    /// It was never inserted, or ClickHouse knows its token: inserting it does what is needed.
    Known,
    /// Its token may be forgotten, and it is not in the table: inserting it is right, once.
    Absent,
    /// It is in the table.
    Committed,
    /// Part of it is in this table or another, and its token is not reliable.
    Partial,
    /// The table has changed since the range was opened: values in it may have changed, and new ones would differ.
    Bent,
    /// Another worker has moved the ledger meanwhile.
    Conflict,
}

/// The result of an insert that ClickHouse reported as successful.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    /// All of it is in the intended table, which has not changed since the rows were made.
    Whole,
    /// Rows are missing.
    Missing,
    /// The table has changed meanwhile, so values may differ.
    Bent,
    /// Another table has the name of the intended one, or none has it.
    Astray,
    /// Another worker has changed the ledger meanwhile.
    Moved,
}

/// How often to count the rows of a batch again because the table has changed meanwhile.
pub(in super::super) const MOST_LOOKS: usize = 10;

/// How often in one run rows that ClickHouse accepted may be missing before it is an error.
const MOST_MISSING: u32 = 5;

impl Run<'_> {
    /// Finds out whether the open range may be inserted.
    ///
    /// # Errors
    ///
    /// `Conflict` if that cannot be known: the range is `UNCERTAIN`.
    pub(super) async fn prove(&mut self, open: &OpenRange) -> Result<Proof> {
        if self.fresh.as_ref() == Some(&open.token) {
            let is_as_it_was = open.batches.is_none() || self.target.schema == open.schema;
            return Ok(if is_as_it_was { Proof::Known } else { Proof::Bent });
        }
        self.look().await?;
        if let Some(rows) = self.counted(open).await? {
            return Ok(match rows {
                _ if self.target.schema != open.schema => Proof::Bent,
                rows if rows == open.rows && self.was_changed(open) => Proof::Bent,
                rows if rows == open.rows && self.views_may_lack(open) => Proof::Known,
                rows if rows == open.rows => Proof::Committed,
                // They may be in a table that had the name at the time.
                0 if !self.elsewhere(open).await?.is_empty() => Proof::Partial,
                // Rows inserted now would not match it, and would be deleted again.
                0 if self.was_changed(open) => Proof::Bent,
                0 => Proof::Known,
                // Also if the table removes rows: which ones it has removed is unknown.
                _ if self.is_token_known(open) && self.target.keeps_rows => Proof::Known,
                _ => Proof::Partial,
            });
        }
        if self.is_token_known(open) {
            return Ok(Proof::Known);
        }
        match self.find(open).await? {
            Some(true) => Ok(Proof::Committed),
            Some(false) => {
                let (opened_at, blocks) = (self.worker.clock.now(), self.target.blocks);
                let open = OpenRange { opened_at, blocks, ..open.clone() };
                let is_written = self.begin(Entry { open: Some(open), ..self.entry.clone() }).await?;
                Ok(if is_written { Proof::Absent } else { Proof::Conflict })
            }
            None => Err(self.uncertain(
                "it was opened so long ago, or so many inserts ago, that its token proves nothing any more",
            )),
        }
    }

    /// Whether the table has changed since the range was opened, even if the change was undone.
    fn was_changed(&self, open: &OpenRange) -> bool {
        self.target.definition != open.definition || self.target.modified != open.modified
    }

    /// Whether the same insert must be sent again although the table has its rows: a materialized view may have failed behind
    /// it. ClickHouse ignores it wherever it has arrived, but only where there is a deduplication window. So if no view is
    /// known to have failed, a view without one must not get it twice.
    fn views_may_lack(&self, open: &OpenRange) -> bool {
        let has_failed =
            self.entry.trouble.as_ref().is_some_and(|trouble| trouble.kind == TroubleKind::Failing);
        let has_views = !self.target.views.is_empty();
        self.is_token_known(open) && (self.target.repeats_reach_views() || has_failed && has_views)
    }

    fn is_token_known(&self, open: &OpenRange) -> bool {
        let now = (self.worker.clock.now(), self.target.blocks);
        self.target.window.reaches((open.opened_at, open.blocks), now)
    }

    /// How many rows of the open range are in the table; `None` if its rows cannot be counted.
    pub(super) async fn counted(&mut self, open: &OpenRange) -> Result<Option<u64>> {
        for _ in 0..MOST_LOOKS {
            if open.batches.is_none() || open.rows == 0 || !self.target.has_batch {
                return Ok(None);
            }
            let look =
                self.worker.sink.look((&self.target.table, self.target.uuid), &open.batches.all()).await?;
            // A count proves nothing if another table has the name by now, or if the table has changed.
            if let Some(look) = look.filter(|look| look.is_of(&self.target)) {
                return Ok(look.rows.map(|rows| self.note_rows(rows)));
            }
            self.look().await?;
        }
        let message = "the table keeps changing while its rows are counted";
        Err(self.about(Error::new(ErrorKind::Unavailable, message).retryable(true)))
    }

    /// Checks that a whole insert has reached the intended table, unchanged since the rows were made.
    pub(super) async fn arrived(&mut self, open: &OpenRange) -> Result<Arrival> {
        if open.batches.is_none() {
            return Ok(Arrival::Whole);
        }
        let table = (&self.target.table, self.target.uuid);
        let look = self.worker.sink.look(table, &open.batches.all()).await?;
        let Some(look) = look.filter(|look| look.uuid == self.target.uuid) else {
            return Ok(Arrival::Astray);
        };
        let rows = look.rows.map(|rows| self.note_rows(rows));
        let Some(rows) = rows.or((open.rows == 0).then_some(0)) else {
            return Err(
                self.uncertain("the column by which its rows are counted was dropped during the insert")
            );
        };
        if (&look.definition, look.modified) != (&open.definition, open.modified) {
            // Even for a small change: there may have been others in between.
            self.look().await?;
            return Ok(Arrival::Bent);
        }
        // The table may have removed rows by now. A token that was never sent before cannot have been taken for a repeated one.
        let is_first = self.fresh.as_ref() == Some(&open.token);
        if rows == open.rows || (is_first && !self.target.keeps_rows) {
            return Ok(Arrival::Whole);
        }
        let now = self.worker.ledger.read(&self.key).await?;
        if now.version != self.entry.version {
            // Another worker's insert was the first, so ClickHouse ignored this one.
            self.adopt(now);
            return Ok(Arrival::Moved);
        }
        tracing::warn!(
            shard = self.key.shard,
            rows,
            expected = open.rows,
            "ClickHouse reported that rows were inserted, but they are not in the table; inserting them again."
        );
        self.missing += 1;
        if self.missing > MOST_MISSING {
            let message = "ClickHouse reported that rows were inserted, but they are not in the table";
            let error = Error::new(ErrorKind::Unavailable, message).with("rows", rows.to_string());
            let error = error.with("expected", open.rows.to_string()).retryable(true);
            return Err(self.troubled(TroubleKind::Failing, error));
        }
        Ok(Arrival::Missing)
    }

    /// Keeps what was counted, and returns the sum.
    fn note_rows(&mut self, rows: RowsByBatch) -> u64 {
        let total = rows.total();
        self.rows = rows;
        total
    }

    /// Deletes the rows of batches from every table.
    ///
    /// The next write of the entry records how many.
    pub(super) async fn take_back(&mut self, batches: &[BatchNumber]) -> Result<()> {
        match take_back(&*self.worker.sink, self.key.table, batches).await {
            Ok(rows) => self.entry.counters.taken_back += rows,
            Err(error) => return Err(self.not_taken_back(error).await?),
        }
        Ok(())
    }

    /// An error about rows that must be deleted first.
    ///
    /// # Errors
    ///
    /// What has become of the table, if it is gone.
    pub(super) async fn not_taken_back(&mut self, error: Error) -> Result<Error> {
        if error.kind() == ErrorKind::NotFound {
            self.look().await?;
        }
        Ok(self.about(error))
    }

    /// The tables that have rows of the open range, which its own table has not.
    async fn elsewhere(&self, open: &OpenRange) -> Result<Vec<Having>> {
        let batches = open.batches.all();
        if batches.is_empty() {
            // Rows without a batch are not from Helios.
            return Ok(Vec::new());
        }
        Ok(self.worker.sink.tables_with(self.key.table, &batches).await?.having)
    }

    /// Opens the range under another token and batch, because the old ones prove nothing, and deletes the old rows. Its
    /// rejects are in quarantine: they go there before any row is sent.
    pub(super) async fn renew(&mut self, open: &OpenRange, events: &[Event<'_>]) -> Result<()> {
        if self.target.schema != open.schema {
            return self.reopen(open, events).await;
        }
        let remainders = self.entry.remainders.clone();
        let refused = refused_within(&open.refused, events.len());
        self.replace(open, events, (open.schema.clone(), settled_with(open), refused), remainders).await
    }

    /// Looks at the table again.
    ///
    /// # Errors
    ///
    /// `Conflict` or `NotFound` if it was replaced or is gone, with the statement that fixes it.
    pub(super) async fn look(&mut self) -> Result<()> {
        let (table, uuid, policy) = (self.target.table.clone(), self.target.uuid, self.target.schema.policy);
        let begins = self.target.begins;
        match self.worker.sink.describe(&table, uuid).await {
            Ok(target) => {
                self.target = target.with_policy(policy);
                self.target.begins = begins;
                Ok(())
            }
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Conflict) => {
                let whereabouts = self.worker.sink.whereabouts(uuid, &table).await?;
                Err(self.gone(error, &whereabouts))
            }
            Err(error) => Err(error),
        }
    }

    /// Whether the range is in the table; `None` if its rows do not tell where they came from, or only some are there.
    pub(super) async fn find(&mut self, open: &OpenRange) -> Result<Option<bool>> {
        if open.rows == 0 {
            // Nothing of it goes into the table, and the quarantine knows where its rows came from.
            return Ok(Some(false));
        }
        if let Some(rows) = self.counted(open).await? {
            return Ok(match rows {
                0 => Some(false),
                rows if rows == open.rows => Some(true),
                _ => None,
            });
        }
        if self.target.provenance.is_none() {
            return Ok(None);
        }
        let found = self.worker.sink.count_rows(&self.target.table, &self.key, open).await?;
        Ok(match found {
            0 => Some(false),
            found if found == open.rows => Some(true),
            _ => None,
        })
    }

    /// Settles an open range that neither batch nor shard have the events of.
    pub(super) async fn settle_without_events(&mut self, open: &OpenRange) -> Result<()> {
        self.look().await?;
        let rejects = open.events - open.rows.min(open.events);
        let may_be_bent = !open.batches.is_none() && self.was_changed(open);
        if open.rows > 0 && !may_be_bent && self.find(open).await? == Some(true) {
            // Its rejects were in quarantine before its rows were in the table.
            return self.close(open, rejects, None).await;
        }
        let present = count(self.worker.sink.quarantined(&self.target.table, &self.key, open).await?.len());
        if open.rows == 0 && present == open.events {
            return self.close(open, open.events, None).await;
        }
        let Some(rows) = self.counted(open).await?.or((open.rows == 0).then_some(0)) else {
            return Err(self.uncertain("its events are no longer in the stream"));
        };
        // Missing rows can no longer be delivered. The others stay.
        if rows > 0 && self.was_changed(open) {
            return Err(self.uncertain(
                "the table and perhaps its values have changed, and the events are no longer in the stream",
            ));
        }
        if rows == 0
            && open.rows > 0
            && let [Having { table, .. }, ..] = self.elsewhere(open).await?.as_slice()
        {
            let why = format!(
                "its rows are in {table}, which had the table's name, and their events are no longer in the stream"
            );
            return Err(self.uncertain(&why));
        }
        if rows < open.rows && !self.target.keeps_rows {
            return Err(self.uncertain(
                "the table removes rows by itself, and their events are no longer in the stream",
            ));
        }
        let rows = rows.min(open.rows);
        let (rejects, settled) = (present.min(rejects), count(open.refused_before()));
        let quarantined = (rejects + settled).min(open.events - rows);
        let lost = open.events - rows - quarantined;
        let after = self.entry.committed.clone().unwrap_or_else(|| open.first.clone());
        let gap = Gap { after, before: open.last.clone(), since: self.worker.clock.now() };
        tracing::error!(
            shard = self.key.shard,
            first = %open.first,
            last = %open.last,
            lost,
            "Events expired before they were delivered: they are lost."
        );
        let mut entry = closed(&self.entry, open, (rows, quarantined, lost), self.duplicates, None);
        entry.superseded.extend(open.batches.without_rows(&self.rows, self.may_arrive_until(open)));
        entry.add_gap(gap);
        if self.write(entry).await? {
            self.fresh = None;
            self.duplicates = 0;
            self.report.delivered += rows;
            self.report.quarantined += quarantined;
        }
        Ok(())
    }

    pub(super) fn uncertain(&mut self, why: &str) -> Error {
        let message = format!(
            "whether the open range is in the table is UNCERTAIN: {why}. Nothing is acknowledged; look into the table, \
             and call `settle_range`"
        );
        let error = Error::new(ErrorKind::Conflict, message).with("state", "UNCERTAIN");
        self.troubled(TroubleKind::Uncertain, error)
    }
}
