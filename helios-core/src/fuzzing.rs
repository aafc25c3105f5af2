//! For the fuzzers in `fuzz/`: what of this crate nobody else is to call.

use bytes::Bytes;

/// The events of one payload.
pub fn events(payload: Bytes) -> impl Iterator<Item = Bytes> {
    crate::delivery::events_of_payload(payload)
}
