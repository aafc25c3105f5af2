//! For the fuzzers in `fuzz/`: what of this crate nobody else is to call.

use std::borrow::Cow;

use bytes::Bytes;

use crate::streams::{UnreadableRecord, events_of};

/// The events of one payload.
pub fn events(payload: Bytes) -> impl Iterator<Item = Bytes> {
    crate::streams::events(payload)
}

/// The events of one record, and of what cannot be unpacked, its bytes.
pub fn record(record: &Bytes) -> Vec<(u64, Result<Bytes, Bytes>)> {
    let event = |event: Result<Cow<'_, Bytes>, UnreadableRecord>| match event {
        Ok(event) => Ok(event.into_owned()),
        Err(unreadable) => Err(unreadable.data),
    };
    events_of(record).map(|(place, found)| (place, event(found))).collect()
}

/// The payloads of one record, unpacked; of one that cannot be unpacked, its bytes.
pub fn payloads(record: Bytes) -> impl Iterator<Item = Result<Bytes, Bytes>> {
    crate::streams::payloads(record).map(|payload| payload.map_err(|unreadable| unreadable.data))
}
