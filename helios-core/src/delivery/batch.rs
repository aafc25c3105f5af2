//! What is delivered: records of one shard, and the events in them.

use std::borrow::Cow;

use bytes::Bytes;
use jiff::Timestamp;

use super::{
    events::{events_of, is_plain},
    place::Place,
};
use crate::streams::{ShardRecord, UnreadableRecord};

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

/// The events of records, in order.
pub(super) fn events(records: &[Record]) -> Vec<Event<'_>> {
    let mut events = Vec::with_capacity(records.len());
    for record in records {
        let event = |(sub_sequence, payload)| Event {
            place: Place { sequence_number: &record.sequence_number, sub_sequence },
            arrival: record.approximate_arrival,
            payload,
        };
        if is_plain(&record.data) {
            events.push(event((0, Ok(Cow::Borrowed(&record.data)))));
        } else {
            let parts = events_of(record.data.clone());
            events.extend(parts.map(|(sub_sequence, part)| event((sub_sequence, part.map(Cow::Owned)))));
        }
    }
    events
}
