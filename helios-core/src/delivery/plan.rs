//! What to do next, decided by the ledger's entry and the batch's events alone.

use std::ops::Range;

use super::{batch::Event, ledger::Entry, place::Place};

/// The most events in one insert.
const MAX_EVENTS: usize = 1_000_000;
/// The most bytes of events in one insert, unless a single event is larger.
const MAX_BYTES: usize = 64 * 1024 * 1024;

/// The next thing to do with a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Nothing: all of it is committed.
    Done,
    /// The open range, which is these of the events.
    Finish(Range<usize>),
    /// The open range, which is not, or not wholly, in the batch: its events are to be read from the shard.
    Fetch,
    /// A new range of these events.
    Open(Range<usize>),
    /// The batch begins with events older than the first that was ever delivered: whether they are cannot be known.
    Stale,
}

/// Plans the next step. The events are in order, each once, and none is missing between two of them.
pub(super) fn plan(entry: &Entry, events: &[Event<'_>]) -> Step {
    let up_to = |place: Place<'_>| events.partition_point(|event| event.place <= place);
    let from = |place: Place<'_>| events.partition_point(|event| event.place < place);
    let start = entry.committed.as_ref().map_or(0, |committed| up_to(committed.place()));
    if entry.counters.first.as_ref().is_some_and(|first| from(first.place()) > 0) {
        return Step::Stale;
    }
    if start == events.len() {
        return Step::Done;
    }
    if let Some(open) = &entry.open {
        let range = from(open.first.place())..up_to(open.last.place());
        let ends = (events.get(range.start), range.end.checked_sub(1).and_then(|last| events.get(last)));
        let is_whole = matches!(ends, (Some(first), Some(last))
            if first.place == open.first.place() && last.place == open.last.place());
        return if is_whole { Step::Finish(range) } else { Step::Fetch };
    }
    // What is left of a refused range is not mixed with what follows it.
    let limits = entry.remainders.iter().map(|remainder| up_to(remainder.last.place()));
    let limit = limits.filter(|limit| *limit > start).min();
    Step::Open(start..cut(events, start, limit.unwrap_or(events.len())))
}

/// The end of the next range: as many events as one block may have.
fn cut(events: &[Event<'_>], start: usize, limit: usize) -> usize {
    let mut bytes = 0;
    let fits = |event: &&Event<'_>| {
        bytes += event.data().len();
        bytes <= MAX_BYTES
    };
    let candidates = events.get(start..limit).unwrap_or_default().iter().take(MAX_EVENTS);
    start + candidates.take_while(fits).count().max(1)
}

#[cfg(test)]
mod tests {
    use std::{borrow::Cow, sync::LazyLock};

    use bytes::Bytes;
    use proptest::prelude::*;

    use super::{
        super::ledger::{Counters, OpenRange, Remainder},
        *,
    };

    /// Events that only have a size share these bytes.
    static LARGE: LazyLock<Bytes> = LazyLock::new(|| vec![b'x'; 33 << 20].into());

    fn events(numbers: &[String], sizes: &[usize]) -> Vec<Event<'static>> {
        let numbers = numbers.iter().map(|number| &*number.clone().leak());
        numbers
            .zip(sizes.iter().cycle())
            .map(|(sequence_number, size)| Event {
                place: Place { sequence_number, sub_sequence: 0 },
                arrival: None,
                payload: Ok(Cow::Owned(LARGE.slice(..*size))),
            })
            .collect()
    }

    fn numbered(from: u64, to: u64) -> Vec<Event<'static>> {
        events(&(from..to).map(|number| number.to_string()).collect::<Vec<_>>(), &[1])
    }

    fn place(number: u64) -> super::super::place::Identity {
        Place { sequence_number: &number.to_string(), sub_sequence: 0 }.to_identity()
    }

    fn open(first: u64, last: u64) -> OpenRange {
        OpenRange { first: place(first), last: place(last), ..OpenRange::for_test() }
    }

    fn entry(committed: Option<u64>, open: Option<OpenRange>) -> Entry {
        Entry { committed: committed.map(place), open, ..Entry::default() }
    }

    #[test]
    fn no_events_are_done() {
        assert_eq!(plan(&entry(None, None), &[]), Step::Done);
        assert_eq!(plan(&entry(None, Some(open(1, 2))), &[]), Step::Done);
    }

    #[test]
    fn an_open_range_comes_first_and_whole() {
        for (first, last, batch, step) in [
            (5, 9, (5, 10), Step::Finish(0..5)),
            (5, 9, (3, 20), Step::Finish(2..7)),
            (5, 9, (5, 9), Step::Fetch),
            (5, 9, (6, 20), Step::Fetch),
            (5, 9, (10, 20), Step::Fetch),
            (5, 5, (5, 6), Step::Finish(0..1)),
        ] {
            let planned = plan(&entry(Some(4), Some(open(first, last))), &numbered(batch.0, batch.1));
            assert_eq!(planned, step, "{first}-{last} in {batch:?}");
        }
        // All of the batch is committed: whoever has the open range's events will finish it.
        assert_eq!(plan(&entry(Some(4), Some(open(5, 9))), &numbered(1, 5)), Step::Done);
    }

    #[test]
    fn what_was_never_delivered_is_not_taken_for_a_duplicate() {
        let counters = Counters { first: Some(place(10)), ..Counters::default() };
        let entry = Entry { committed: Some(place(20)), counters, ..Entry::default() };
        assert_eq!(plan(&entry, &numbered(5, 8)), Step::Stale);
        assert_eq!(plan(&entry, &numbered(9, 30)), Step::Stale);
        assert_eq!(plan(&entry, &numbered(10, 12)), Step::Done);
    }

    #[test]
    fn what_is_left_of_a_refused_range_is_kept_apart() {
        let remainder = Remainder { last: place(7), ..Remainder::default() };
        let entry = Entry { committed: Some(place(4)), remainders: vec![remainder], ..Entry::default() };
        assert_eq!(plan(&entry, &numbered(3, 20)), Step::Open(2..5));
        assert_eq!(plan(&entry, &numbered(9, 20)), Step::Open(0..11), "it is not here any more");
    }

    proptest! {
        /// Followed from any entry, the plan takes every event once, in order, within the limits, and ends.
        #[test]
        fn every_event_is_taken_once_in_order_and_within_the_limits(
            sizes in prop::collection::vec(prop_oneof![0..64_usize, Just(9 << 20), Just(33 << 20)], 1..12),
            committed in prop::option::of(0..14_u64),
            mut remainders in prop::collection::vec(0..14_u64, 0..3),
        ) {
            remainders.sort_unstable();
            let numbers: Vec<_> = (1..=sizes.len()).map(|number| number.to_string()).collect();
            let events = events(&numbers, &sizes);
            let mut entry = entry(committed, None);
            entry.remainders = remainders.iter().map(|last| Remainder { last: place(*last), ..Remainder::default() }).collect();
            let mut taken = Vec::new();
            while let Step::Open(range) = plan(&entry, &events) {
                prop_assert!(!range.is_empty());
                let piece = &events[range.clone()];
                let bytes: usize = piece.iter().map(|event| event.data().len()).sum();
                prop_assert!(piece.len() == 1 || bytes <= MAX_BYTES);
                for limit in &remainders {
                    let ends = piece.iter().map(|event| event.place <= place(*limit).place());
                    prop_assert_eq!(ends.collect::<std::collections::BTreeSet<_>>().len(), 1, "mixed");
                }
                taken.extend(range);
                entry.committed = piece.last().map(|event| event.place.to_identity());
            }
            prop_assert_eq!(plan(&entry, &events), Step::Done);
            let first = usize::try_from(committed.unwrap_or(0)).unwrap().min(sizes.len());
            prop_assert_eq!(taken, (first..sizes.len()).collect::<Vec<_>>());
        }

        /// However the batch is cut, an open range is finished with exactly its own events.
        #[test]
        fn an_open_range_is_never_finished_with_other_events(
            first in 1..30_u64, length in 0..10_u64, from in 1..40_u64, count in 0..40_u64,
        ) {
            let last = first + length;
            let events = numbered(from, from + count);
            match plan(&entry(first.checked_sub(1), Some(open(first, last))), &events) {
                Step::Finish(range) => {
                    let places: Vec<_> = events[range].iter().map(|event| event.place.to_identity()).collect();
                    prop_assert_eq!(places, (first..=last).map(place).collect::<Vec<_>>());
                }
                Step::Fetch => prop_assert!(from > first || from + count <= last),
                Step::Done => prop_assert!(count == 0 || from + count <= first),
                other => prop_assert!(false, "{:?}", other),
            }
        }
    }
}
