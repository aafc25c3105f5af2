//! Folds the entries of shards that no longer exist into one: a stream that is often resharded leaves thousands.

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::{Counters, Entry, FORMER_SHARDS, LedgerKey, SharedLedger};
use crate::{Result, streams::Shard};

/// How long after its last event has expired a worker could still have one of a shard. Lambda's longest run is 15 minutes.
const LATEST_WORKER: SignedDuration = SignedDuration::from_hours(1);

/// A stream as it is now.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Listed<'a> {
    pub(in super::super) shards: &'a [Shard],
    /// How long it keeps events.
    pub(in super::super) retention: SignedDuration,
    pub(in super::super) now: Timestamp,
}

impl Listed<'_> {
    /// Whether nobody needs the entry any more, only its counters.
    fn is_former(&self, (shard, entry): &(String, Entry)) -> bool {
        let Entry {
            version: _,
            writer: _,
            committed: _,
            open,
            remainders,
            last_batch: _,
            superseded,
            counters,
            trouble,
            rework,
            former_streams,
            gaps,
            caught_up_at: _,
            doubt,
        } = entry;
        let is_done = open.is_none() && trouble.is_none() && rework.is_none() && doubt.is_none();
        let is_told = remainders.is_empty() && superseded.is_empty() && gaps.is_empty();
        let last = counters.last_event_time;
        // A child of which nothing was delivered begins where its parent ended.
        let is_named = |listed: &Shard| listed.id == *shard || listed.parents.contains(shard);
        is_done
            && is_told
            && former_streams.is_empty()
            && counters.is_balanced()
            && last.is_some_and(|last| self.now.duration_since(last) > self.retention + LATEST_WORKER)
            && !self.shards.iter().any(is_named)
            && shard != FORMER_SHARDS
    }
}

/// Folds what can be, and returns the entries as they are then. If that fails, they stay as they were.
pub(in super::super) async fn fold_former(
    ledger: &SharedLedger,
    (stream_arn, table): (&str, Uuid),
    entries: Vec<(String, Entry)>,
    listed: Listed<'_>,
) -> Vec<(String, Entry)> {
    let (former, mut left): (Vec<_>, Vec<_>) = entries.into_iter().partition(|entry| listed.is_former(entry));
    if former.is_empty() {
        return left;
    }
    let key = LedgerKey { stream_arn: stream_arn.to_owned(), shard: FORMER_SHARDS.to_owned(), table };
    let at = left.iter().position(|(shard, _)| shard == FORMER_SHARDS);
    let mut sum = at.map_or_else(Entry::default, |at| left.swap_remove(at).1);
    let mut former = former.as_slice();
    while !former.is_empty() {
        let (some, rest) = former.split_at(former.len().min(ledger.most_folded()));
        match fold(ledger, &key, some, &sum).await {
            Ok(Some(folded)) => (sum, former) = (folded, rest),
            Ok(None) => {
                tracing::debug!(shard = key.shard, "Another process changed the ledger.");
                break;
            }
            Err(error) => {
                tracing::warn!(%error, "Failed to fold the ledger entries of former shards; retrying later.");
                break;
            }
        }
    }
    left.extend_from_slice(former);
    left.extend((sum.version > 0).then_some((key.shard, sum)));
    left.sort_by(|(one, _), (other, _)| one.cmp(other));
    left
}

async fn fold(
    ledger: &SharedLedger,
    key: &LedgerKey,
    former: &[(String, Entry)],
    sum: &Entry,
) -> Result<Option<Entry>> {
    let counters = former.iter().fold(sum.counters.clone(), |sum, (_, entry)| sum.plus(&entry.counters));
    let folded = Entry { version: sum.version + 1, writer: Uuid::new_v4(), counters, ..sum.clone() };
    Ok(ledger.fold(key, former, &folded).await?.then_some(folded))
}

impl Counters {
    /// Whether each event that came is accounted for.
    fn is_balanced(&self) -> bool {
        self.received == self.inserted + self.quarantined + self.duplicates + self.abandoned
    }

    /// The sum of both. It has no first event.
    fn plus(self, other: &Self) -> Self {
        Self {
            received: self.received + other.received,
            inserted: self.inserted + other.inserted,
            counted: self.counted + other.counted,
            quarantined: self.quarantined + other.quarantined,
            duplicates: self.duplicates + other.duplicates,
            abandoned: self.abandoned + other.abandoned,
            replayed: self.replayed + other.replayed,
            discarded: self.discarded + other.discarded,
            taken_back: self.taken_back + other.taken_back,
            first: None,
            last_event_time: self.last_event_time.max(other.last_event_time),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{
        super::{Gap, Ledger as _, MemoryLedger, OpenRange, Superseded, Trouble, TroubleKind, Written},
        *,
    };
    use crate::delivery::Identity;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    fn delivered(events: u64) -> Entry {
        let counters = Counters {
            received: events,
            inserted: events,
            counted: events,
            last_event_time: Some(at(0)),
            ..Counters::default()
        };
        Entry { version: 1, counters, ..Entry::default() }
    }

    fn listed(shards: &[Shard]) -> Listed<'_> {
        Listed { shards, retention: SignedDuration::from_hours(24), now: at(100_000) }
    }

    #[test]
    fn only_what_nobody_needs_is_former() {
        let listed_shards = [Shard { id: "2".to_owned(), parents: vec!["1".to_owned()], closed: false }];
        let is_former =
            |shard: &str, entry: Entry| listed(&listed_shards).is_former(&(shard.to_owned(), entry));
        assert!(is_former("0", delivered(3)));
        assert!(!is_former("1", delivered(3)), "a listed shard's parent");
        assert!(!is_former("2", delivered(3)), "listed");
        let gap = Gap { after: Identity::default(), before: Identity::default(), since: at(0) };
        let trouble = Trouble { kind: TroubleKind::Failing, server_code: None, since: at(0), message: None };
        let late = Superseded { batch: crate::delivery::batch_column::BatchNumber::default(), until: at(0) };
        let recent = Counters { last_event_time: Some(at(10_500)), ..delivered(3).counters };
        for kept in [
            Entry { open: Some(OpenRange::for_test()), ..delivered(3) },
            Entry { gaps: vec![gap.clone()], ..delivered(3) },
            Entry { doubt: Some(gap), ..delivered(3) },
            Entry { trouble: Some(trouble), ..delivered(3) },
            Entry { superseded: vec![late], ..delivered(3) },
            Entry { counters: Counters { received: 4, ..delivered(3).counters }, ..delivered(3) },
            Entry { counters: Counters { last_event_time: None, ..delivered(3).counters }, ..delivered(3) },
            Entry { counters: recent, ..delivered(3) },
        ] {
            assert!(!is_former("0", kept.clone()), "{kept:?}");
        }
    }

    #[tokio::test]
    async fn their_sum_stays_and_another_fold_adds_to_it() {
        let memory = Arc::new(MemoryLedger::default());
        let (ledger, table) = (Arc::clone(&memory) as SharedLedger, Uuid::from_u128(1));
        let write = async |shard: u64, entry: Entry| {
            let key = LedgerKey { stream_arn: "arn".to_owned(), shard: shard.to_string(), table };
            assert_eq!(memory.write(&key, &entry).await.unwrap(), Written::Done);
        };
        let mut events = 0;
        for round in 1..3 {
            for shard in 0..250 {
                write(shard, delivered(shard)).await;
                events += shard;
            }
            let entries = ledger.of_source("arn", table).await.unwrap();
            let left = fold_former(&ledger, ("arn", table), entries, listed(&[])).await;
            let stored = memory.of_source("arn", table).await.unwrap();
            assert_eq!(stored, left);
            let [(shard, sum)] = left.as_slice() else { panic!("{left:?}") };
            let Counters { received, inserted, counted, last_event_time, .. } = sum.counters;
            assert_eq!((shard.as_str(), sum.version), (FORMER_SHARDS, 3 * round));
            assert_eq!((received, inserted, counted, last_event_time), (events, events, events, Some(at(0))));
        }
    }

    #[tokio::test]
    async fn what_was_changed_meanwhile_is_not_folded() {
        let memory = Arc::new(MemoryLedger::default());
        let (ledger, table) = (Arc::clone(&memory) as SharedLedger, Uuid::from_u128(1));
        let key = LedgerKey { stream_arn: "arn".to_owned(), shard: "0".to_owned(), table };
        assert_eq!(memory.write(&key, &delivered(3)).await.unwrap(), Written::Done);
        let entries = ledger.of_source("arn", table).await.unwrap();
        let changed = Entry { version: 2, ..delivered(5) };
        assert_eq!(memory.write(&key, &changed).await.unwrap(), Written::Done);
        assert_eq!(fold_former(&ledger, ("arn", table), entries.clone(), listed(&[])).await, entries);
        assert_eq!(memory.of_source("arn", table).await.unwrap(), [("0".to_owned(), changed)]);
    }
}
