//! Inserts the open range: rejects, then rows, then the ledger. Rows are counted before the range is closed.

use std::time::Duration;

use arrow_array::RecordBatch;

use super::{
    super::{
        batch::Event,
        batch_column::BatchNumber,
        ledger::{Counters, Entry, OpenRange, TroubleKind},
        quarantine::{self, Origin, Rejects},
        refusal::{Verdict, verdict},
        sink::{Block, INSERT_TIMEOUT},
        split::Split,
        token::{Part, insert_token},
    },
    count,
    proof::{Arrival, Proof},
    run::Run,
};
use crate::{
    Error, ErrorKind, Result,
    backoff::{MAX_ATTEMPTS, pause},
};

/// How many tokens to try for the same rejects. Workers use the same order, so ClickHouse may know a few already.
const MOST_TOKENS: u32 = 100;

/// What became of an insert.
enum Outcome {
    /// ClickHouse reported success.
    Done,
    /// All of it is in the table.
    Committed,
    /// ClickHouse refuses it.
    Refused(Verdict, Error),
    /// All of it is in the table, which has changed meanwhile.
    Bent,
    /// Part of it is in this table or another, and its token is not reliable.
    Partial,
    /// Another worker changed the ledger.
    Moved,
}

impl Run<'_> {
    /// Inserts the open range, of which this is the split.
    pub(super) async fn commit(&mut self, events: &[Event<'_>], mut split: Split<'_, '_>) -> Result<()> {
        let Some(open) = self.entry.open.clone() else { return Ok(()) };
        let quarantined = count(split.rejects.len() + split.settled);
        let is_fresh = self.fresh.as_ref() == Some(&open.token);
        let proof = self.prove(&open).await?;
        match proof {
            Proof::Conflict => return Ok(()),
            Proof::Committed => return self.close(&open, quarantined, last_arrival(events)).await,
            Proof::Partial => return self.renew(&open, events).await,
            Proof::Known | Proof::Absent | Proof::Bent => {}
        }
        if !self.hold().await? {
            return Ok(());
        }
        let Some(mut open) = self.entry.open.clone() else { return Ok(()) };
        if !is_fresh && split.rejects.len() > 0 {
            // An earlier worker may have written some of them.
            let present = self.worker.sink.quarantined(&self.target.table, &self.key, &open).await?;
            split.rejects.remove(&present);
        }
        // The rejects first: when the rows are committed and the process dies, nothing else remains to be done.
        if split.rejects.len() > 0 {
            self.quarantine(&open, &mut split.rejects).await?;
        }
        if proof == Proof::Bent {
            return self.reopen(&open, events).await;
        }
        if split.rows.num_rows() > 0 {
            match self.insert_rows(&mut open, &split).await? {
                Outcome::Done => match self.arrived(&open).await? {
                    Arrival::Whole => {}
                    Arrival::Moved => return Ok(()),
                    Arrival::Missing => return self.renew(&open, events).await,
                    Arrival::Bent => return self.reopen(&open, events).await,
                    Arrival::Astray => {
                        self.renew(&open, events).await?;
                        // Reports what has replaced it, unless it is back.
                        return self.look().await;
                    }
                },
                Outcome::Committed => {}
                Outcome::Bent => return self.reopen(&open, events).await,
                Outcome::Partial => return self.renew(&open, events).await,
                Outcome::Refused(verdict, error) => {
                    return self.refused(&open, events, &split, (verdict, error)).await;
                }
                Outcome::Moved => return Ok(()),
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
        let mut entry =
            closed(&self.entry, open, (inserted, quarantined, 0), self.duplicates, last_event_time);
        entry.superseded.extend(open.batches.without_rows(&self.rows, self.may_arrive_until(open)));
        if self.write(entry).await? {
            self.fresh = None;
            self.duplicates = 0;
            self.report.delivered += inserted;
            self.report.quarantined += quarantined;
        }
        Ok(())
    }

    async fn insert_rows(&mut self, open: &mut OpenRange, split: &Split<'_, '_>) -> Result<Outcome> {
        let token = insert_token(&open.token, Part::Rows);
        let mut attempts = 0;
        loop {
            let rows = self.rows(open, split)?;
            let block = Block {
                table: &self.target.table,
                rows: &rows,
                token: &token,
                batch: open.batches.current,
                from_text: open.schema.has_columns_from_text()?,
                ignore_views: false,
                timeout: self.insert_timeout()?,
            };
            let Err(error) = self.worker.sink.insert(block).await else { return Ok(Outcome::Done) };
            match verdict(&error) {
                Verdict::Again => {
                    // It may have taken effect: from here on only this token will do.
                    self.fresh = None;
                    self.unanswered = true;
                    attempts += 1;
                    self.wait(attempts, error).await?;
                }
                Verdict::Failed => return Err(self.troubled(TroubleKind::Failing, error)),
                verdict => return Ok(Outcome::Refused(verdict, error)),
            }
            match self.prove(open).await? {
                Proof::Committed => return Ok(Outcome::Committed),
                Proof::Conflict => return Ok(Outcome::Moved),
                // The same token may complete it, or ClickHouse may ignore the insert: then it is counted again.
                Proof::Known | Proof::Absent => {}
                Proof::Partial => return Ok(Outcome::Partial),
                Proof::Bent => return Ok(Outcome::Bent),
            }
            if !open.batches.is_none() {
                // The rows of the two inserts have to be told apart, wherever the first arrives.
                self.held = None;
            }
            if !self.hold().await? {
                return Ok(Outcome::Moved);
            }
            let Some(held) = &self.entry.open else { return Ok(Outcome::Moved) };
            open.clone_from(held);
        }
    }

    /// The rows as the table takes them now: with their provenance, and without columns that it has lost since.
    pub(super) fn rows(&self, open: &OpenRange, split: &Split<'_, '_>) -> Result<RecordBatch> {
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

    /// Writes rejects into quarantine, and checks that they are there.
    async fn quarantine(&mut self, open: &OpenRange, rejects: &mut Rejects<'_>) -> Result<()> {
        let table = quarantine::table_of(&self.target.table)?;
        let schema_version = open.schema.version();
        let (mut attempts, mut again) = (0, 0);
        loop {
            let origin = Origin {
                table: &self.target.table,
                stream_arn: &self.key.stream_arn,
                shard: &self.key.shard,
                schema_version: &schema_version,
                now: self.worker.clock.now(),
            };
            let rows = rejects.to_batch(origin)?;
            let token = insert_token(&open.token, Part::Rejects(again));
            let timeout = self.insert_timeout()?;
            let (table, rows, token) = (&table, &rows, token.as_str());
            let block = Block {
                table,
                rows,
                token,
                batch: BatchNumber::default(),
                from_text: false,
                ignore_views: false,
                timeout,
            };
            match self.worker.sink.insert(block).await {
                Ok(()) => {
                    let present = self.worker.sink.quarantined(&self.target.table, &self.key, open).await?;
                    rejects.remove(&present);
                    if rejects.len() == 0 {
                        return Ok(());
                    }
                    // ClickHouse knows the token without the rejects. All workers of the range use the same next one.
                    again += 1;
                    if again > MOST_TOKENS {
                        let message =
                            "ClickHouse reports that rejects were inserted, but they are not in quarantine";
                        let error = Error::new(ErrorKind::Unavailable, message).retryable(true);
                        return Err(self.troubled(TroubleKind::Failing, error));
                    }
                }
                Err(error) => {
                    let verdict = verdict(&error);
                    if (error.kind() == ErrorKind::NotFound || verdict == Verdict::Columns) && attempts == 0 {
                        // Its table or database is missing, or lacks columns: Helios did not create the source,
                        // a person dropped it, or an older Helios created it.
                        self.worker.sink.ensure_quarantine(&self.target.table).await?;
                        attempts += 1;
                    } else if matches!(verdict, Verdict::Again | Verdict::Parts) {
                        attempts += 1;
                        self.wait(attempts, error).await?;
                    } else {
                        return Err(self.troubled(TroubleKind::Failing, error));
                    }
                }
            }
        }
    }

    /// Waits before the next attempt, if there is one.
    pub(super) async fn wait(&mut self, attempts: u32, error: Error) -> Result<()> {
        let pause = pause(attempts);
        let until = self.worker.clock.now().saturating_add(pause).unwrap_or(self.deadline);
        if attempts >= MAX_ATTEMPTS || until >= self.deadline {
            return Err(self.about(error.with("attempts", attempts.to_string())));
        }
        tracing::warn!(attempts, error = %error.kind(), "Insert failed; retrying.");
        self.worker.clock.sleep(pause).await;
        Ok(())
    }

    pub(super) fn insert_timeout(&self) -> Result<Duration> {
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
            batch: open.batches.current,
            from_text: open.schema.has_columns_from_text()?,
            ignore_views: true,
            timeout: self.insert_timeout()?,
        };
        match self.worker.sink.insert(block).await {
            Ok(()) => Ok(true),
            Err(error) if matches!(verdict(&error), Verdict::Try | Verdict::Columns | Verdict::Parts) => {
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }
}

/// The entry once its open range is closed, with these numbers of inserted, quarantined and abandoned events.
pub(in super::super) fn closed(
    entry: &Entry,
    open: &OpenRange,
    (inserted, quarantined, abandoned): (u64, u64, u64),
    duplicates: u64,
    last_event_time: Option<jiff::Timestamp>,
) -> Entry {
    let counters = &entry.counters;
    let counters = Counters {
        received: counters.received + open.events + duplicates,
        inserted: counters.inserted + inserted,
        counted: counters.counted + if open.batches.is_none() { 0 } else { inserted },
        quarantined: counters.quarantined + quarantined,
        duplicates: counters.duplicates + duplicates,
        abandoned: counters.abandoned + abandoned,
        first: counters.first.clone().or_else(|| Some(open.first.clone())),
        last_event_time: last_event_time.or(counters.last_event_time),
        ..*counters
    };
    let remainders = entry.remainders.iter().filter(|left| left.last > open.last);
    Entry {
        committed: Some(open.last.clone()),
        open: None,
        last_batch: entry.latest_batch(),
        remainders: remainders.map(|left| left.behind(open.events)).collect(),
        counters,
        trouble: None,
        ..entry.clone()
    }
}

fn last_arrival(events: &[Event<'_>]) -> Option<jiff::Timestamp> {
    events.iter().rev().find_map(|event| event.arrival)
}
