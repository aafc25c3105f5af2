//! What is delivered: records of one shard, and the events in them.

use bytes::Bytes;
use jiff::Timestamp;

use super::{events::events_of, place::Place};
use crate::streams::UnreadableRecord;

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

/// One event, or what should have been one.
#[derive(Debug)]
pub(super) struct Event<'a> {
    pub(super) place: Place<'a>,
    pub(super) arrival: Option<Timestamp>,
    pub(super) payload: Result<Bytes, UnreadableRecord>,
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

/// The events of records, in order.
pub(super) fn events(records: &[Record]) -> impl Iterator<Item = Event<'_>> {
    records.iter().flat_map(|record| {
        events_of(record.data.clone()).map(|(sub_sequence, payload)| Event {
            place: Place { sequence_number: &record.sequence_number, sub_sequence },
            arrival: record.approximate_arrival,
            payload,
        })
    })
}
