//! For the fuzzers in `fuzz/`: what of this crate nobody else is to call.

use bytes::Bytes;

/// The events of one payload.
pub fn events(payload: Bytes) -> impl Iterator<Item = Bytes> {
    crate::streams::events(payload)
}

/// The payloads of one record, unpacked; of one that cannot be unpacked, its bytes.
pub fn payloads(record: Bytes) -> impl Iterator<Item = Result<Bytes, Bytes>> {
    crate::streams::payloads(record).map(|payload| payload.map_err(|unreadable| unreadable.data))
}
