//! What is delivered: records of one shard, and the events in them.

use std::borrow::Cow;

use bytes::Bytes;
use jiff::Timestamp;

use super::place::Place;
use crate::streams::{ShardRecord, UnreadableRecord, events_of};

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

impl From<ShardRecord> for Record {
    fn from(record: ShardRecord) -> Self {
        Self {
            sequence_number: record.sequence_number,
            data: record.data,
            approximate_arrival: Some(record.arrived_at),
        }
    }
}

/// Records of one shard, in order, and none left out between two of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// The stream's ARN.
    pub stream_arn: String,
    /// The shard's id.
    pub shard: String,
    /// Its records, in order of their sequence numbers.
    pub records: Vec<Record>,
    /// The sequence number of the record directly before the first, if whoever read the shard knows it. If not, the shard
    /// is asked whether events lie between this batch and what was delivered before it.
    pub follows: Option<String>,
}

impl Batch {
    /// A batch of which it is not known what comes before it.
    #[must_use]
    pub fn new(stream_arn: impl Into<String>, shard: impl Into<String>, records: Vec<Record>) -> Self {
        Self { stream_arn: stream_arn.into(), shard: shard.into(), records, follows: None }
    }
}

/// One event, or what should have been one.
#[derive(Debug)]
pub(super) struct Event<'a> {
    pub(super) place: Place<'a>,
    pub(super) arrival: Option<Timestamp>,
    pub(super) payload: Result<Cow<'a, Bytes>, UnreadableRecord>,
}

impl Event<'_> {
    /// Its bytes, as far as they could be unpacked.
    pub(super) fn data(&self) -> &Bytes {
        match &self.payload {
            Ok(data) => data,
            Err(unreadable) => &unreadable.data,
        }
    }
}

/// The events of records, in order. One record after the other is unpacked: all at once may be more than the memory holds.
pub(super) fn events(records: &[Record]) -> impl Iterator<Item = Event<'_>> {
    records.iter().flat_map(unpack)
}

/// How many bytes may be unpacked at once: a record of a few kilobytes can hold 64 MiB.
const MAX_UNPACKED_BYTES: usize = 64 * 1024 * 1024;
/// What an unpacked event counts beside its bytes: about what it takes in memory as a reject. Such a record can hold 32
/// million events.
const EVENT_BYTES: usize = 512;

/// Events that are taken at once, and where they end.
#[derive(Debug)]
pub(super) struct Taken<'a> {
    pub(super) events: Vec<Event<'a>>,
    /// How many records they are all events of, with those that were passed over.
    pub(super) records: usize,
    /// How many events of the next record are among them, or were passed over.
    pub(super) of_next: usize,
}

/// The first events of records, behind so many of the first record: all of them, unless they unpack to too much. At least one.
pub(super) fn first_events(records: &[Record], passed_over: usize) -> Taken<'_> {
    let mut events = Vec::with_capacity(records.len());
    let (mut bytes, mut passed_over) = (0, passed_over);
    for (taken, record) in records.iter().enumerate() {
        let before = events.len();
        for event in unpack(record).skip(passed_over) {
            if !matches!(event.payload, Ok(Cow::Borrowed(_))) {
                bytes += event.data().len() + EVENT_BYTES;
            }
            if bytes > MAX_UNPACKED_BYTES && !events.is_empty() {
                let of_next = passed_over + events.len() - before;
                return Taken { events, records: taken, of_next };
            }
            events.push(event);
        }
        passed_over = 0;
    }
    Taken { events, records: records.len(), of_next: 0 }
}

/// The events of a record.
fn unpack(record: &Record) -> impl Iterator<Item = Event<'_>> {
    events_of(&record.data).map(|(sub_sequence, payload)| Event {
        place: Place { sequence_number: &record.sequence_number, sub_sequence },
        arrival: record.approximate_arrival,
        payload,
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn record(number: u64, data: Vec<u8>) -> Record {
        Record { sequence_number: number.to_string(), data: data.into(), approximate_arrival: None }
    }

    fn gzip(bytes: usize) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(&vec![b'x'; bytes]).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn as_many_records_are_taken_as_unpack_to_so_much() {
        let (large, plain) = (30 << 20, br#"{"a":1}"#.to_vec());
        let records: Vec<_> = (0..5).map(|number| record(number, gzip(large))).collect();
        let taken = |records| first_events(records, 0).records;
        assert_eq!((taken(&records), taken(&records[..1]), taken(&[])), (2, 1, 0));
        let larger = [record(0, gzip(MAX_UNPACKED_BYTES - 1)), record(1, gzip(1024))];
        assert_eq!(taken(&larger), 1, "at least one");
        let many: Vec<_> = (0..1000).map(|number| record(number, plain.clone())).collect();
        let all = first_events(&many, 0);
        assert_eq!((all.records, all.events.len()), (1000, 1000));
    }

    #[test]
    fn a_record_of_many_events_is_taken_in_parts() {
        let list = format!("[{}0]", "0,".repeat(299_999));
        let records = [record(0, list.into()), record(1, b"{}".to_vec())];
        let (mut places, mut at, mut parts) = (Vec::new(), (0, 0), 0);
        while at.0 < records.len() {
            let taken = first_events(&records[at.0..], at.1);
            assert!(taken.events.len() <= MAX_UNPACKED_BYTES / EVENT_BYTES + 1);
            let place =
                |event: &Event<'_>| (event.place.sequence_number.to_owned(), event.place.sub_sequence);
            places.extend(taken.events.iter().map(place));
            at = (at.0 + taken.records, taken.of_next);
            parts += 1;
        }
        let all: Vec<_> = events(&records).map(|event| event.place.sub_sequence).collect();
        assert_eq!((all.len(), parts), (300_001, 3));
        assert!(places.iter().map(|place| place.1).eq(all));
        assert!(places.is_sorted());
    }
}
