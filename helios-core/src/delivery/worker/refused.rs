//! Handles a range that ClickHouse refuses: tries its rows in a clone, and turns those at fault into rejects.

use std::time::Duration;

use jiff::Timestamp;

use super::{
    super::{
        batch::Event,
        ledger::{
            Entry, Offsets, OpenRange, RefusedEvents, Remainder, TroubleKind, refused_behind, refused_within,
        },
        partitions::MAX_PARTITIONS,
        refusal::Verdict,
        schema::TableSchema,
        split::{Rule, Split},
        sweep::{Sweep, sweep},
        tried::{Refused, Tried, Trying},
    },
    run::{Run, held},
};
use crate::{Error, ErrorKind, Result};

/// How much longer an insert may run in ClickHouse after its sender stopped waiting.
const GRACE: Duration = Duration::from_secs(30);
/// The most events in a range with refused rows, because the ledger lists the refused ones.
const MAX_EVENTS: usize = 20_000;

/// How to split events: the schema, those whose rejects are in quarantine already, and the refused events.
pub(super) type Rules = (TableSchema, Vec<TableSchema>, Vec<RefusedEvents>);

impl Run<'_> {
    /// Finds out why ClickHouse refuses the open range, and opens in its place the range to try next.
    pub(super) async fn refused(
        &mut self,
        open: &OpenRange,
        events: &[Event<'_>],
        split: &Split<'_, '_>,
        (verdict, error): (Verdict, Error),
    ) -> Result<()> {
        let never_inserted = self.fresh.as_ref() == Some(&open.token);
        let before = self.target.clone();
        self.look().await?;
        match self.counted(open).await? {
            Some(0) => {}
            Some(rows) if rows < open.rows && (self.target.keeps_rows || self.target.views.is_empty()) => {
                return self.renew(open, events).await;
            }
            // Only a view can refuse rows that the table has accepted.
            Some(_) => return Err(self.views_refuse(error)),
            None if open.batches.is_none()
                && !self.target.views.is_empty()
                && self.only_views_refuse(open, split).await? =>
            {
                return Err(self.views_refuse(error));
            }
            None => {}
        }
        let is_changed = self.target.definition != open.definition || !self.target.takes_rows_of(&before);
        match verdict {
            _ if is_changed && !never_inserted && open.batches.is_none() => {
                self.refused_after_a_change(open, events, error).await
            }
            _ if is_changed && self.target.schema != open.schema => self.reopen(open, events).await,
            Verdict::Columns | Verdict::Failed | Verdict::Again => {
                Err(self.troubled(TroubleKind::Failing, error))
            }
            Verdict::Parts if split.rows.num_rows() <= MAX_PARTITIONS => self.wait_for_parts(error),
            Verdict::Parts | Verdict::Try => match self.try_rows(open, split, &error).await? {
                Tried::Refused(refused) => self.refuse(open, events, split, refused).await,
                Tried::Partitions(rows) => self.shorten(open, events, split, rows).await,
                Tried::Accepted if verdict == Verdict::Parts => self.wait_for_parts(error),
                Tried::Accepted | Tried::Table => Err(self.troubled(TroubleKind::Failing, error)),
            },
        }
    }

    /// Tries the rows of the open range. `error` is ClickHouse's error for all of them.
    async fn try_rows(&mut self, open: &OpenRange, split: &Split<'_, '_>, error: &Error) -> Result<Tried> {
        let rows = self.rows(open, split)?;
        let trying = Trying {
            sink: &*self.worker.sink,
            table: &self.target.table,
            clock: &self.worker.clock,
            deadline: self.deadline,
            batch: open.batches.current,
            from_text: open.schema.has_columns_from_text()?,
        };
        let tried = trying.rows(&rows, error).await;
        tried.map_err(|failed| {
            // ClickHouse refuses the rows, whatever keeps them from being tried.
            let failed = self.troubled(TroubleKind::Failing, failed);
            if let Some(trouble) = &mut self.trouble {
                trouble.server_code = error.server_code().or(trouble.server_code);
            }
            failed
        })
    }

    fn views_refuse(&mut self, error: Error) -> Error {
        let names: Vec<_> = self.target.views.iter().map(|view| view.name.as_str()).collect();
        let error = error.with("materialized views", names.join(", "));
        self.troubled(TroubleKind::Failing, error)
    }

    /// The table has too many parts: smaller inserts would make it worse; waiting helps.
    fn wait_for_parts(&mut self, error: Error) -> Result<()> {
        Err(self.troubled(TroubleKind::Failing, error.retryable(true)))
    }

    /// An earlier attempt may have been taken by the table as it was then.
    async fn refused_after_a_change(
        &mut self,
        open: &OpenRange,
        events: &[Event<'_>],
        error: Error,
    ) -> Result<()> {
        match self.find(open).await? {
            Some(true) => self.close(open, open.events - open.rows.min(open.events), None).await,
            Some(false) => self.reopen(open, events).await,
            None => {
                let uncertain = self.uncertain("the table was changed since, and refuses its rows now");
                Err(uncertain.caused_by(error))
            }
        }
    }

    /// The same events under the schema that the table has now. What was rejected under the former stays so.
    pub(super) async fn reopen(&mut self, open: &OpenRange, events: &[Event<'_>]) -> Result<()> {
        let remainders = self.entry.remainders.clone();
        let rule =
            (self.target.schema.clone(), settled_with(open), refused_within(&open.refused, events.len()));
        self.replace(open, events, rule, remainders).await
    }

    /// Opens the same events again, with those whose rows ClickHouse refuses as rejects.
    async fn refuse(
        &mut self,
        open: &OpenRange,
        events: &[Event<'_>],
        split: &Split<'_, '_>,
        refused: Vec<Refused>,
    ) -> Result<()> {
        let mut rules = open.refused.clone();
        rules.iter_mut().for_each(|known| known.settled = true);
        rules.extend(refused.into_iter().map(|refused| refused.of(events, split)));
        let rule = (open.schema.clone(), settled_with(open), rules);
        if events.len() <= MAX_EVENTS {
            return self.replace(open, events, rule, self.entry.remainders.clone()).await;
        }
        // Those of the second part are found again when it is opened.
        let (schema, settled, refused) = rule;
        let first = refused.into_iter().filter_map(|refused| {
            let kept = Offsets(
                refused
                    .events
                    .0
                    .iter()
                    .copied()
                    .filter(|at| usize::try_from(*at).is_ok_and(|at| at < MAX_EVENTS))
                    .collect(),
            );
            (!kept.0.is_empty()).then_some(RefusedEvents { events: kept, ..refused })
        });
        let rule = (schema, settled, first.collect());
        self.cut(open, events, MAX_EVENTS, rule).await
    }

    /// Cuts the range after its first `rows` rows.
    async fn shorten(
        &mut self,
        open: &OpenRange,
        events: &[Event<'_>],
        split: &Split<'_, '_>,
        rows: usize,
    ) -> Result<()> {
        let end = split
            .row_events
            .get(rows)
            .map_or(events.len(), |excess| events.partition_point(|event| event.place < excess.place));
        let rule = (open.schema.clone(), settled_with(open), refused_within(&open.refused, end));
        self.cut(open, events, end.max(1), rule).await
    }

    /// Cuts the range at `end`. The remainder records which events are in quarantine already.
    async fn cut(&mut self, open: &OpenRange, events: &[Event<'_>], end: usize, rule: Rules) -> Result<()> {
        let first = events.get(..end).unwrap_or(events);
        let left =
            Remainder { last: open.last.clone(), settled: settled_with(open), refused: open.refused.clone() };
        // The open range lies within all of them, and one that ends where it does has less in quarantine.
        let outer = self.entry.remainders.iter().filter(|outer| outer.last > left.last).cloned();
        let remainders = std::iter::once(left.clone()).chain(outer).collect();
        self.replace(open, first, rule, remainders).await
    }

    /// Opens the events of the open range under another token and batch.
    pub(super) async fn replace(
        &mut self,
        open: &OpenRange,
        events: &[Event<'_>],
        (schema, settled, refused): Rules,
        remainders: Vec<Remainder>,
    ) -> Result<()> {
        let split = Rule { schema: &schema, settled: &settled, refused: &refused }.split(events)?;
        let clash = split.clash.and_then(|row| split.row_events.get(row));
        let clash = clash.map(|clash| events.partition_point(|event| event.place < clash.place));
        if let Some(end) = clash.filter(|end| *end > 0) {
            // Under this schema they cannot be in one insert.
            let refused = refused_within(&refused, end);
            return Box::pin(self.cut(open, events, end, (schema, settled, refused))).await;
        }
        let range = self.range(
            events,
            &split,
            (schema.clone(), settled.clone(), refused.clone()),
            open.generation + 1,
        )?;
        let mut entry = Entry { open: Some(range), remainders, ..self.entry.clone() };
        if open.batches.is_none() {
            self.fence().await?;
            self.begin(entry).await?;
            return Ok(());
        }
        // First the ledger: from then on no process can commit the old batch, and its rows must not stay anywhere.
        entry.superseded.extend(open.batches.replaced(self.may_arrive_until(open)));
        if self.begin(entry).await? {
            self.take_back(&open.batches.all()).await?;
        }
        Ok(())
    }

    /// Until when an insert under the open range's current batch number may reach ClickHouse.
    pub(super) fn may_arrive_until(&self, open: &OpenRange) -> Timestamp {
        let now = self.worker.clock.now();
        let is_answered = self.held.as_ref() == Some(&held(open)) && !self.unanswered;
        if is_answered { now } else { arrives_until(open.held_until, now) }
    }

    /// Fails while an insert of the open range, whose rows cannot be counted, may still arrive: another worker's, or one of this
    /// run that got no answer.
    ///
    /// What ClickHouse refuses now it may take when that arrives, if the table is changed in between: then its rows would
    /// be there twice, under two tokens. Who takes up the range from now on makes the next write a conflict.
    async fn fence(&mut self) -> Result<()> {
        let open = self.entry.open.as_ref();
        let own = open.filter(|_| self.unanswered).map(|open| open.held_until);
        let until = open.and_then(|open| open.others_until).max(own);
        let until = until.and_then(|until| until.saturating_add(GRACE).ok());
        if until.is_none_or(|until| self.worker.clock.now() >= until) {
            return Ok(());
        }
        // The next worker need not wait for this run, which has had its answer.
        if !self.unanswered
            && let Some(open) = self.entry.open.clone()
        {
            let open = OpenRange { held_until: Timestamp::UNIX_EPOCH, ..open };
            self.write(Entry { open: Some(open), ..self.entry.clone() }).await?;
        }
        let message = "ClickHouse refuses the open range, and an earlier insert of it may still arrive; it will be split \
                       when that can no longer happen";
        let error = Error::new(ErrorKind::Unavailable, message).retryable(true);
        Err(self.about(error.with("until", until.map_or_else(String::new, |until| until.to_string()))))
    }

    /// Deletes rows of replaced batches, once no more of them can arrive.
    ///
    /// The next write of the entry records it. New events do not wait for rows that arrived late and cannot be deleted yet; a
    /// range that replaces rows does, as they would be there twice.
    ///
    /// # Errors
    ///
    /// Retryable, if it waits.
    pub(super) async fn sweep(&mut self) -> Result<()> {
        let replaces = self.entry.open.as_ref().is_some_and(|open| open.generation > 0);
        let which = if self.is_cached && !replaces { Sweep::Due } else { Sweep::All };
        let swept =
            sweep(&*self.worker.sink, self.key.table, &mut self.entry, (which, self.worker.clock.now()))
                .await?;
        match swept.left {
            Some(error) if replaces => Err(self.not_taken_back(error).await?),
            _ => Ok(()),
        }
    }
}

/// Until when an insert may arrive that was sent by then.
pub(in super::super) fn arrives_until(sent: Timestamp, now: Timestamp) -> Timestamp {
    sent.saturating_add(GRACE).unwrap_or(Timestamp::MAX).max(now)
}

impl Refused {
    /// The events from which these rows were made.
    pub(in super::super) fn of(self, events: &[Event<'_>], split: &Split<'_, '_>) -> RefusedEvents {
        let Self { rows, code, reason, column } = self;
        let places = rows.iter().filter_map(|row| split.row_events.get(*row)).map(|event| event.place);
        let offsets = places.map(|place| events.partition_point(|event| event.place < place));
        let offsets = offsets.map(|offset| u32::try_from(offset).unwrap_or(u32::MAX)).collect();
        RefusedEvents { code, reason, column, events: Offsets(offsets), settled: false }
    }
}

impl Remainder {
    /// The remainder once this many of its events are committed.
    pub(super) fn behind(&self, events: u64) -> Self {
        Self { refused: refused_behind(&self.refused, events), ..self.clone() }
    }
}

impl OpenRange {
    /// How many of its events were already refused before.
    pub(super) fn refused_before(&self) -> usize {
        self.refused.iter().filter(|refused| refused.settled).map(|refused| refused.events.0.len()).sum()
    }
}

/// The schemas whose rejects are in quarantine once the range's own are.
pub(super) fn settled_with(open: &OpenRange) -> Vec<TableSchema> {
    let mut settled = open.settled.clone();
    if !settled.contains(&open.schema) {
        settled.push(open.schema.clone());
    }
    settled
}
