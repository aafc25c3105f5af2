//! Whether a batch follows on what was committed, and what to do if it does not.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use jiff::SignedDuration;

use super::{
    super::{
        batch::{Event, Record, events, first_events},
        ledger::{Entry, Gap},
        place::{Identity, Place},
        plan::plan,
    },
    count,
    run::Run,
};
use crate::{
    Error, ErrorKind, Result,
    backoff::pause,
    streams::{ShardStart, compare_sequence_numbers},
};

/// The record that was committed last, and the one behind it: enough to see that there is none between two batches.
const LOOK: usize = 2;
/// How often to look at a shard that shows no records.
const LOOKS: u32 = 3;
/// Streams keep records for at least 24 hours, so a record younger than this still exists.
const KEPT: SignedDuration = SignedDuration::from_hours(20);
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
            return self.join_beginning(batch, first, follows).await;
        };
        let up_to = &committed.sequence_number;
        let shard = (self.key.stream_arn.clone(), self.key.shard.clone());
        if follows.is_some_and(|follows| compare_sequence_numbers(follows, up_to).is_le())
            || self.worker.joins.has(&shard, &committed, first)
        {
            return Ok(true);
        }
        let start = ShardStart::At(up_to.clone());
        let Some(seen) = self.look_behind(&start, batch).await? else { return Ok(true) };
        let is_joined = first_behind(&seen, committed.place(), first).is_none();
        if self.is_cached
            && !(is_joined && seen.first().is_none_or(|oldest| oldest.sequence_number == *up_to))
        {
            // Another process may have delivered what seems to be missing.
            let now = self.worker.ledger.read(&self.key).await?;
            self.is_cached = false;
            if now.version != self.entry.version {
                self.entry = now;
                return Ok(false);
            }
        }
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
    async fn join_beginning(
        &mut self,
        batch: &[Event<'_>],
        first: &str,
        follows: Option<&str>,
    ) -> Result<bool> {
        let Some(position) = self.target.begins.filter(|_| follows.is_none()) else { return Ok(true) };
        let start = ShardStart::Position(position);
        let Some(seen) = self.look_behind(&start, batch).await? else { return Ok(true) };
        if !events(&seen).next().is_some_and(|found| is_before(found.place, first)) {
            return Ok(true);
        }
        let records = self.from(&start, READ).await?.unwrap_or_default();
        let taken = first_events(&records, 0).events;
        let between: Vec<_> = taken.into_iter().filter(|event| is_before(event.place, first)).collect();
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
        let start = ShardStart::At(committed.sequence_number.clone());
        let records = self.from(&start, READ).await?.unwrap_or_default();
        // Of a record that was committed in part, what comes behind that part.
        let is_first =
            records.first().is_some_and(|record| record.sequence_number == committed.sequence_number);
        let passed_over = if is_first { committed.sub_sequence.saturating_add(1) } else { 0 };
        let taken = first_events(&records, usize::try_from(passed_over).unwrap_or(usize::MAX)).events;
        let between: Vec<_> = taken
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
        let now = self.worker.clock.now();
        let was_seen = self.entry.caught_up_at.is_some_and(|seen| now.duration_since(seen) < KEPT);
        // No later record can have expired.
        if was_seen || self.entry.doubt.as_ref().is_some_and(|known| known.after == doubt.after) {
            return Ok(());
        }
        tracing::error!(
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

    /// Reads the first records from `start` on, at most up to the batch's own. `None` if there is no stream to read.
    ///
    /// An empty page does not prove that there are no records: Kinesis has just returned the batch.
    async fn look_behind(&mut self, start: &ShardStart, batch: &[Event<'_>]) -> Result<Option<Vec<Record>>> {
        for attempt in 1.. {
            let seen = match self.from(start, LOOK).await {
                Ok(None) => return Ok(None),
                Ok(Some(seen)) if !seen.is_empty() => return Ok(Some(seen)),
                Ok(Some(_)) => None,
                Err(error) if error.kind() == ErrorKind::NotFound => Some(error),
                Err(error) => return Err(error),
            };
            if attempt < LOOKS {
                self.worker.clock.sleep(pause(attempt)).await;
                continue;
            }
            let now = self.worker.clock.now();
            let arrival = batch.first().and_then(|event| event.arrival);
            let is_kept = arrival.is_some_and(|arrival| now.duration_since(arrival) < KEPT);
            if !is_kept {
                // Its own records have expired by now, so nothing else can be read.
                tracing::warn!(
                    shard = self.key.shard,
                    "The records of a batch have expired; cannot check what precedes it."
                );
                return Ok(Some(Vec::new()));
            }
            let message =
                "Kinesis returned no records at the position of the batch, so what precedes it is unknown";
            let error = seen.map_or_else(
                || Error::new(ErrorKind::Unavailable, message),
                |cause| Error::new(ErrorKind::Unavailable, message).caused_by(cause),
            );
            return Err(self.about(error.retryable(true)));
        }
        Ok(None)
    }

    async fn from(&self, start: &ShardStart, limit: usize) -> Result<Option<Vec<Record>>> {
        self.worker.history.from(&self.key, start, limit, self.deadline).await
    }
}

/// The first event behind a place, before a record.
fn first_behind(records: &[Record], place: Place<'_>, record: &str) -> Option<Identity> {
    let mut behind = events(records).map(|event| event.place).filter(|found| *found > place);
    behind.next().filter(|found| is_before(*found, record)).map(Place::to_identity)
}

fn is_before(place: Place<'_>, record: &str) -> bool {
    compare_sequence_numbers(place.sequence_number, record).is_lt()
}
