//! A range that ClickHouse refuses for good: parted until the offending events are found.

use std::time::Duration;

use jiff::Timestamp;

use super::{
    super::{
        batch::Event,
        ledger::{Entry, OpenRange, Remainder, TroubleKind},
        partitions::MAX_PARTITIONS,
        refusal::Refusal,
        schema::TableSchema,
        split::Rule,
    },
    run::Run,
};
use crate::{Error, ErrorKind, Result};

/// How much longer an insert may go on in ClickHouse than whoever sent it has waited.
const GRACE: Duration = Duration::from_secs(30);

impl Run<'_> {
    /// Closes the open range as refused, and opens what is to be tried next in its place.
    ///
    /// Nothing of its rows is in the table: no attempt of this run had another outcome, or the table is what it was when
    /// the range was opened, and would have refused every attempt. Its rejects are in quarantine.
    pub(super) async fn refused(
        &mut self,
        open: &OpenRange,
        events: &[Event<'_>],
        (refusal, error): (Refusal, Error),
    ) -> Result<()> {
        let never_inserted = self.fresh.as_ref() == Some(&open.token);
        self.look().await?;
        let rule = Rule { schema: &open.schema, settled: &open.settled, refusal: None };
        if !self.target.views.is_empty() && self.only_views_refuse(open, &rule.split(events)?).await? {
            let names: Vec<_> = self.target.views.iter().map(|view| view.name.as_str()).collect();
            let error = error.with("materialized views", names.join(", "));
            return Err(self.troubled(TroubleKind::Failing, error));
        }
        let unchanged = self.target.definition == open.definition;
        match refusal {
            Refusal::Parts if !never_inserted || events.len() <= MAX_PARTITIONS => {
                // Then it is the table that has too many.
                Err(self.troubled(TroubleKind::Failing, error.retryable(true)))
            }
            Refusal::Parts => self.halve(open, events).await,
            _ if !never_inserted && !unchanged => self.refused_after_a_change(open, events, error).await,
            _ if !unchanged => self.reopen(open, events).await,
            Refusal::Columns => Err(self.troubled(TroubleKind::Failing, error)),
            Refusal::Rows if events.len() > 1 => self.halve(open, events).await,
            Refusal::Rows => self.give_up(open, events, error.server_code()).await,
        }
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
    async fn reopen(&mut self, open: &OpenRange, events: &[Event<'_>]) -> Result<()> {
        let remainders = self.entry.remainders.clone();
        self.replace(events, self.target.schema.clone(), settled_with(open), remainders).await
    }

    async fn halve(&mut self, open: &OpenRange, events: &[Event<'_>]) -> Result<()> {
        let (first_half, _) = events.split_at(events.len() / 2);
        let settled = settled_with(open);
        let left = Remainder { last: open.last.clone(), settled: settled.clone() };
        // The open range lies within all of them, and one that ends where it does has less in quarantine.
        let outer = self.entry.remainders.iter().filter(|outer| outer.last > left.last).cloned();
        let remainders = std::iter::once(left.clone()).chain(outer).collect();
        self.replace(first_half, open.schema.clone(), settled, remainders).await
    }

    async fn replace(
        &mut self,
        events: &[Event<'_>],
        schema: TableSchema,
        settled: Vec<TableSchema>,
        remainders: Vec<Remainder>,
    ) -> Result<()> {
        let split = Rule { schema: &schema, settled: &settled, refusal: None }.split(events)?;
        let range = self.range(events, &split, schema.clone(), settled.clone())?;
        self.fence().await?;
        self.begin(Entry { open: Some(range), remainders, ..self.entry.clone() }).await?;
        Ok(())
    }

    /// One event, refused by itself: it goes to quarantine.
    async fn give_up(&mut self, open: &OpenRange, events: &[Event<'_>], code: Option<u32>) -> Result<()> {
        let refusal = Some(code.unwrap_or_default());
        let split = Rule { schema: &open.schema, settled: &open.settled, refusal }.split(events)?;
        let range = self.range(events, &split, open.schema.clone(), open.settled.clone())?;
        self.fence().await?;
        self.begin(Entry { open: Some(OpenRange { refusal, ..range }), ..self.entry.clone() }).await?;
        Ok(())
    }

    /// Fails as long as another worker may have an insert of the open range under way.
    ///
    /// What ClickHouse refuses now it may take when that arrives, if the table is changed in between: then its rows would
    /// be there twice, under two tokens. Who takes up the range from now on makes the next write a conflict.
    async fn fence(&mut self) -> Result<()> {
        let others = self.entry.open.as_ref().and_then(|open| open.others_until);
        let until = others.and_then(|others| others.saturating_add(GRACE).ok());
        if until.is_none_or(|until| self.worker.clock.now() >= until) {
            return Ok(());
        }
        // Whoever comes next need not wait for this run, which has had its answer.
        if !self.unanswered
            && let Some(open) = self.entry.open.clone()
        {
            let open = OpenRange { held_until: Timestamp::UNIX_EPOCH, ..open };
            self.write(Entry { open: Some(open), ..self.entry.clone() }).await?;
        }
        let message = "ClickHouse refuses the open range, which another worker may still be inserting; it will be parted \
                       when that can no longer be";
        let error = Error::new(ErrorKind::Unavailable, message).retryable(true);
        Err(self.about(error.with("until", until.map_or_else(String::new, |until| until.to_string()))))
    }
}

/// The schemas whose rejects are in quarantine once the range's own are.
fn settled_with(open: &OpenRange) -> Vec<TableSchema> {
    let mut settled = open.settled.clone();
    if !settled.contains(&open.schema) {
        settled.push(open.schema.clone());
    }
    settled
}
