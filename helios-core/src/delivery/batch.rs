//! What is delivered: records of one shard, cut into pieces that make one block each.

use bytes::Bytes;
use jiff::Timestamp;

use super::events::events_of;
use crate::streams::UnreadableRecord;

/// The most events in one insert.
const MAX_EVENTS: usize = 1_000_000;
/// The most bytes of events in one insert, unless a single event is larger.
const MAX_BYTES: usize = 64 * 1024 * 1024;

/// One Kinesis record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its sequence number, decimal digits.
    pub sequence_number: String,
    /// Its payload, as it came.
    pub data: Bytes,
    /// When the stream took it, as far as is known.
    pub approximate_arrival: Option<Timestamp>,
}

/// Records of one shard, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// The stream's ARN.
    pub stream_arn: String,
    /// The shard's id.
    pub shard: String,
    /// Its records, in order of their sequence numbers.
    pub records: Vec<Record>,
}

/// An event's place in its shard. With the shard its identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place<'a> {
    pub(super) sequence_number: &'a str,
    pub(super) sub_sequence: u64,
}

/// One event, or what should have been one.
#[derive(Debug)]
pub(super) struct Event<'a> {
    pub(super) place: Place<'a>,
    pub(super) payload: Result<Bytes, UnreadableRecord>,
}

impl Event<'_> {
    fn size(&self) -> usize {
        match &self.payload {
            Ok(data) => data.len(),
            Err(unreadable) => unreadable.data.len(),
        }
    }
}

impl Batch {
    /// The events, in pieces of which each becomes one insert. Where the cuts are depends on the records alone.
    pub(super) fn pieces(&self) -> impl Iterator<Item = Vec<Event<'_>>> {
        let mut events = self.events().peekable();
        std::iter::from_fn(move || {
            let mut piece = vec![events.next()?];
            let mut bytes = piece.first().map_or(0, Event::size);
            while let Some(event) =
                events.next_if(|next| piece.len() < MAX_EVENTS && bytes + next.size() <= MAX_BYTES)
            {
                bytes += event.size();
                piece.push(event);
            }
            Some(piece)
        })
    }

    fn events(&self) -> impl Iterator<Item = Event<'_>> {
        self.records.iter().flat_map(|record| {
            events_of(record.data.clone()).map(|(sub_sequence, payload)| Event {
                place: Place { sequence_number: &record.sequence_number, sub_sequence },
                payload,
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn batch(sizes: &[usize]) -> Batch {
        let records = sizes.iter().enumerate().map(|(at, size)| Record {
            sequence_number: at.to_string(),
            data: vec![b'x'; *size].into(),
            approximate_arrival: None,
        });
        Batch { stream_arn: "arn".to_owned(), shard: "shard".to_owned(), records: records.collect() }
    }

    #[test]
    fn no_records_make_no_piece() {
        assert_eq!(batch(&[]).pieces().count(), 0);
    }

    proptest! {
        #[test]
        fn pieces_hold_every_event_once_in_order_and_within_the_limits(
            sizes in prop::collection::vec(prop_oneof![0..64_usize, Just(9 << 20), Just(33 << 20)], 0..8)
        ) {
            let batch = batch(&sizes);
            let pieces: Vec<_> = batch.pieces().collect();
            for piece in &pieces {
                let bytes: usize = piece.iter().map(Event::size).sum();
                prop_assert!(!piece.is_empty() && (bytes <= MAX_BYTES || piece.len() == 1));
            }
            let order: Vec<_> = pieces.iter().flatten().map(|event| event.place.sequence_number.to_owned()).collect();
            let expected: Vec<_> = (0..sizes.len()).map(|at| at.to_string()).collect();
            prop_assert_eq!(order, expected);
        }
    }
}
