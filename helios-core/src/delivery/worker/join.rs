//! Whether a batch follows on what was committed, and what to do if it does not.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use super::{
    super::{
        batch::{Event, Record, events},
        ledger::{Entry, Gap},
        place::{Identity, Place},
        plan::plan,
    },
    count,
    run::Run,
};
use crate::{
    Result,
    streams::{ShardStart, compare_sequence_numbers},
};

/// The record that was committed last, and the one behind it: enough to see that there is none between two batches.
const LOOK: usize = 2;
/// How many records are read at once, of those that were left out.
const READ: usize = 10_000;

/// For each stream and shard an event, and the record that was seen directly behind it: a look serves all tables.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Joins(Arc<Mutex<HashMap<Shard, (Identity, String)>>>);

/// A stream's ARN, and a shard of it.
type Shard = (String, String);

impl Joins {
    fn has(&self, shard: &Shard, committed: &Identity, first: &str) -> bool {
        let joins = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        joins.get(shard).is_some_and(|(event, record)| event == committed && record == first)
    }

    fn put(&self, shard: Shard, committed: Identity, first: String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(shard, (committed, first));
    }
}

impl Run<'_> {
    /// Makes sure that nothing lies between what is committed and the batch, which begins later. `true` if so; `false` if
    /// there was something, a part of which is delivered now.
    ///
    /// The trigger gives up on a batch that fails for too long, and goes on behind it.
    pub(super) async fn join(&mut self, batch: &[Event<'_>], follows: Option<&str>) -> Result<bool> {
        let Some(first) = batch.first().map(|first| first.place.sequence_number) else { return Ok(true) };
        let Some(committed) = self.entry.committed.clone() else {
            return self.join_beginning(first, follows).await;
        };
        let up_to = &committed.sequence_number;
        let shard = (self.key.stream_arn.clone(), self.key.shard.clone());
        if follows.is_some_and(|follows| compare_sequence_numbers(follows, up_to).is_le())
            || self.worker.joins.has(&shard, &committed, first)
        {
            return Ok(true);
        }
        let seen = self.behind(&committed, LOOK).await?;
        if let Some(oldest) = seen.first().filter(|oldest| oldest.sequence_number != *up_to) {
            self.doubt(&committed, &oldest.sequence_number).await?;
        }
        let Some(next) = first_behind(&seen, committed.place(), first) else {
            self.worker.joins.put(shard, committed, first.to_owned());
            return Ok(true);
        };
        self.fill(&committed, &next, first).await?;
        Ok(false)
    }

    /// Makes sure that nothing lies between where the table begins and the first batch of a shard. It would, where the trigger
    /// has gone on for other tables while this one was paused.
    async fn join_beginning(&mut self, first: &str, follows: Option<&str>) -> Result<bool> {
        let Some(position) = self.target.begins.filter(|_| follows.is_none()) else { return Ok(true) };
        let start = ShardStart::Position(position);
        let seen = self.from(&start, LOOK).await?;
        if !events(&seen).first().is_some_and(|found| is_before(found.place, first)) {
            return Ok(true);
        }
        let records = self.from(&start, READ).await?;
        let between: Vec<_> =
            events(&records).into_iter().filter(|event| is_before(event.place, first)).collect();
        if between.is_empty() {
            // They have expired meanwhile.
            return Ok(true);
        }
        tracing::warn!(
            shard = self.key.shard,
            events = between.len(),
            "Events before the first batch were not delivered; they are read from the shard."
        );
        self.report.received += count(between.len());
        while !self.take(plan(&self.entry, &between), &between).await? {}
        Ok(false)
    }

    /// Delivers records that lie between what is committed and the batch: the first of them was seen just now.
    async fn fill(&mut self, committed: &Identity, seen: &Identity, first: &str) -> Result<()> {
        let records = self.behind(committed, READ).await?;
        let between: Vec<_> = events(&records)
            .into_iter()
            .filter(|event| event.place > committed.place() && is_before(event.place, first))
            .collect();
        tracing::warn!(
            shard = self.key.shard,
            events = between.len(),
            "Events before the batch were not delivered; they are read from the shard."
        );
        let found = between.first().map(|event| event.place);
        if found.is_none_or(|found| found > seen.place()) {
            let before = found.unwrap_or(Place { sequence_number: first, sub_sequence: 0 });
            self.lose(committed, before).await?;
        }
        self.report.received += count(between.len());
        while !self.take(plan(&self.entry, &between), &between).await? {}
        Ok(())
    }

    /// Writes down that events were lost.
    async fn lose(&mut self, after: &Identity, before: Place<'_>) -> Result<()> {
        let gap = Gap { after: after.clone(), before: before.to_identity(), since: self.worker.clock.now() };
        tracing::error!(
            shard = self.key.shard,
            after = %gap.after,
            before = %gap.before,
            "Events expired before they were delivered: they are lost."
        );
        self.note(after, |entry| {
            // Another worker may have found the same.
            if entry.gaps.last().is_none_or(|last| (&last.after, &last.before) != (&gap.after, &gap.before)) {
                entry.add_gap(gap.clone());
            }
        })
        .await
    }

    /// Writes down that events may have expired unseen: the record that was committed last has.
    async fn doubt(&mut self, after: &Identity, oldest: &str) -> Result<()> {
        let before = Place { sequence_number: oldest, sub_sequence: 0 };
        let doubt =
            Gap { after: after.clone(), before: before.to_identity(), since: self.worker.clock.now() };
        if self.entry.doubt.as_ref().is_some_and(|known| known.after == doubt.after) {
            return Ok(());
        }
        tracing::warn!(
            shard = self.key.shard,
            after = %doubt.after,
            before = %doubt.before,
            "The last event that was delivered has expired; whether others behind it have cannot be seen."
        );
        self.note(after, |entry| entry.doubt = Some(doubt.clone())).await
    }

    /// Writes something down about what lies behind `after`.
    async fn note(&mut self, after: &Identity, note: impl Fn(&mut Entry)) -> Result<()> {
        // If somebody else has gone on meanwhile, they have seen for themselves.
        while self.entry.committed.as_ref() == Some(after) {
            let mut entry = self.entry.clone();
            note(&mut entry);
            if entry == self.entry || self.write(entry).await? {
                break;
            }
        }
        Ok(())
    }

    async fn behind(&self, committed: &Identity, limit: usize) -> Result<Vec<Record>> {
        self.from(&ShardStart::At(committed.sequence_number.clone()), limit).await
    }

    async fn from(&self, start: &ShardStart, limit: usize) -> Result<Vec<Record>> {
        self.worker.history.from(&self.key, start, limit, self.deadline).await
    }
}

/// The first event behind a place, before a record.
fn first_behind(records: &[Record], place: Place<'_>, record: &str) -> Option<Identity> {
    let mut behind = events(records).into_iter().map(|event| event.place).filter(|found| *found > place);
    behind.next().filter(|found| is_before(*found, record)).map(Place::to_identity)
}

fn is_before(place: Place<'_>, record: &str) -> bool {
    compare_sequence_numbers(place.sequence_number, record).is_lt()
}
