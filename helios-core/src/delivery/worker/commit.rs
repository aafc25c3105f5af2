//! The open range, inserted: rejects, then rows, then the ledger.

use std::time::Duration;

use arrow_array::RecordBatch;

use super::{
    super::{
        batch::Event,
        ledger::{Counters, Entry, OpenRange, TroubleKind},
        quarantine::{self, Origin, Rejects},
        refusal::{Refusal, Verdict, verdict},
        sink::{Block, INSERT_TIMEOUT},
        split::Split,
        token::{Part, insert_token},
    },
    count,
    proof::Proof,
    run::Run,
};
use crate::{
    Error, ErrorKind, Result,
    backoff::{MAX_ATTEMPTS, pause},
};

/// What became of the rows.
enum Outcome {
    Inserted,
    Refused(Refusal, Error),
}

impl Run<'_> {
    /// Inserts the open range, of which this is the split.
    pub(super) async fn commit(&mut self, events: &[Event<'_>], mut split: Split<'_, '_>) -> Result<()> {
        let Some(open) = self.entry.open.clone() else { return Ok(()) };
        let quarantined = count(split.rejects.len() + split.settled);
        match self.prove(&open).await? {
            Proof::Conflict => return Ok(()),
            Proof::Committed => return self.close(&open, quarantined, last_arrival(events)).await,
            Proof::Known => {}
            Proof::Absent => {
                let present = self.worker.sink.quarantined(&self.target.table, &self.key, &open).await?;
                split.rejects.remove(&present);
            }
        }
        // The rejects first: when the rows are committed and the process dies, nothing else remains to be done.
        if split.rejects.len() > 0 {
            self.quarantine(&open, &split.rejects).await?;
        }
        if split.rows.num_rows() > 0 {
            match self.insert_rows(&open, &split).await? {
                Outcome::Inserted => {}
                Outcome::Refused(refusal, error) => {
                    return self.refused(&open, events, (refusal, error)).await;
                }
            }
        }
        self.close(&open, quarantined, last_arrival(events)).await
    }

    /// Writes down that the open range is committed.
    pub(super) async fn close(
        &mut self,
        open: &OpenRange,
        quarantined: u64,
        last_event_time: Option<jiff::Timestamp>,
    ) -> Result<()> {
        let inserted = open.events.saturating_sub(quarantined);
        let counters = &self.entry.counters;
        let counters = Counters {
            received: counters.received + open.events + self.duplicates,
            inserted: counters.inserted + inserted,
            quarantined: counters.quarantined + quarantined,
            duplicates: counters.duplicates + self.duplicates,
            abandoned: counters.abandoned,
            first: counters.first.clone().or_else(|| Some(open.first.clone())),
            last_event_time: last_event_time.or(counters.last_event_time),
            ..*counters
        };
        let entry = Entry {
            committed: Some(open.last.clone()),
            open: None,
            remainders: self.entry.remainders.iter().filter(|left| left.last > open.last).cloned().collect(),
            counters,
            trouble: None,
            ..self.entry.clone()
        };
        if self.write(entry).await? {
            self.fresh = None;
            self.duplicates = 0;
            self.report.delivered += inserted;
            self.report.quarantined += quarantined;
        }
        Ok(())
    }

    async fn insert_rows(&mut self, open: &OpenRange, split: &Split<'_, '_>) -> Result<Outcome> {
        let token = insert_token(&open.token, Part::Rows);
        let mut attempts = 0;
        loop {
            let rows = self.rows(open, split)?;
            let block = Block {
                table: &self.target.table,
                rows: &rows,
                token: &token,
                from_text: open.schema.has_columns_from_text()?,
                ignore_views: false,
                timeout: self.insert_timeout()?,
            };
            let Err(error) = self.worker.sink.insert(block).await else { return Ok(Outcome::Inserted) };
            match verdict(&error) {
                Verdict::Refused(refusal) => return Ok(Outcome::Refused(refusal, error)),
                Verdict::Failed => return Err(self.troubled(TroubleKind::Failing, error)),
                Verdict::Again => {
                    // It may have taken effect: from here on only this token will do.
                    self.fresh = None;
                    self.unanswered = true;
                    attempts += 1;
                    self.wait(attempts, error).await?;
                }
            }
            if let Proof::Committed = self.prove(open).await? {
                return Ok(Outcome::Inserted);
            }
        }
    }

    /// The rows as the table takes them now: with their provenance, and without columns that it has lost since.
    fn rows(&self, open: &OpenRange, split: &Split<'_, '_>) -> Result<RecordBatch> {
        let mut rows = split.rows.clone();
        let now = &self.target.schema.columns;
        let gained = now.iter().any(|column| open.schema.columns.iter().all(|then| then.name != column.name));
        // A column that was gained may be a lost one renamed: then nothing is left out, and ClickHouse will refuse.
        if !gained && now.len() < open.schema.columns.len() {
            let kept = open.schema.columns.iter().enumerate();
            let kept = kept.filter(|(_, then)| now.iter().any(|column| column.name == then.name));
            let kept: Vec<_> = kept.map(|(at, _)| at).collect();
            rows = rows
                .project(&kept)
                .map_err(|error| Error::unexpected("columns cannot be left out").caused_by(error))?;
        }
        match self.target.provenance {
            Some(provenance) => provenance.add_to(&rows, &self.key.shard, &split.row_events),
            None => Ok(rows),
        }
    }

    async fn quarantine(&mut self, open: &OpenRange, rejects: &Rejects<'_>) -> Result<()> {
        let origin = Origin {
            table: &self.target.table,
            stream_arn: &self.key.stream_arn,
            shard: &self.key.shard,
            schema_version: &open.schema.version(),
            now: self.worker.clock.now(),
        };
        let rows = rejects.to_batch(origin)?;
        let table = quarantine::table_of(&self.target.table)?;
        let part = if open.refusal.is_some() { Part::Refused } else { Part::Rejects };
        let token = insert_token(&open.token, part);
        let mut attempts = 0;
        loop {
            let timeout = self.insert_timeout()?;
            let (table, rows, token) = (&table, &rows, token.as_str());
            let block = Block { table, rows, token, from_text: false, ignore_views: false, timeout };
            let Err(error) = self.worker.sink.insert(block).await else { return Ok(()) };
            let is_old = verdict(&error) == Verdict::Refused(Refusal::Columns);
            if (error.kind() == ErrorKind::NotFound || is_old) && attempts == 0 {
                // Its table or database is not there, or lacks columns: nobody made the source through us, somebody
                // dropped it, or an older version of ours made it.
                self.worker.sink.ensure_quarantine(&self.target.table).await?;
                attempts += 1;
            } else if verdict(&error) == Verdict::Again {
                attempts += 1;
                self.wait(attempts, error).await?;
            } else {
                return Err(self.troubled(TroubleKind::Failing, error));
            }
        }
    }

    /// Waits before the next attempt, if there is one.
    async fn wait(&mut self, attempts: u32, error: Error) -> Result<()> {
        let pause = pause(attempts);
        let until = self.worker.clock.now().saturating_add(pause).unwrap_or(self.deadline);
        if attempts >= MAX_ATTEMPTS || until >= self.deadline {
            return Err(self.about(error.with("attempts", attempts.to_string())));
        }
        tracing::warn!(attempts, error = %error.kind(), "Insert failed; trying again.");
        self.worker.clock.sleep(pause).await;
        Ok(())
    }

    fn insert_timeout(&self) -> Result<Duration> {
        self.check_deadline()?;
        let left = self.deadline.duration_since(self.worker.clock.now());
        Ok(Duration::try_from(left).unwrap_or_default().min(INSERT_TIMEOUT))
    }

    /// Whether the rows go in if the errors of materialized views are passed over.
    ///
    /// If so, they were in before: a view refuses only what the table has taken.
    pub(super) async fn only_views_refuse(
        &mut self,
        open: &OpenRange,
        split: &Split<'_, '_>,
    ) -> Result<bool> {
        let rows = self.rows(open, split)?;
        let block = Block {
            table: &self.target.table,
            rows: &rows,
            token: &insert_token(&open.token, Part::Rows),
            from_text: open.schema.has_columns_from_text()?,
            ignore_views: true,
            timeout: self.insert_timeout()?,
        };
        match self.worker.sink.insert(block).await {
            Ok(()) => Ok(true),
            Err(error) if matches!(verdict(&error), Verdict::Refused(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

fn last_arrival(events: &[Event<'_>]) -> Option<jiff::Timestamp> {
    events.iter().rev().find_map(|event| event.arrival)
}
