//! A payload is taken apart into events: of its bytes none is lost, none is doubled, and none moves.

#![no_main]

use bytes::Bytes;
use helios_core::fuzzing::events;
use libfuzzer_sys::fuzz_target;

/// What stands between events, and belongs to none.
fn is_between(byte: u8) -> bool {
    matches!(byte, b'[' | b']' | b',' | 0) || byte.is_ascii_whitespace()
}

fuzz_target!(|data: &[u8]| {
    let payload = Bytes::copy_from_slice(data);
    let start = payload.as_ptr() as usize;
    // Left out is also a byte order mark before the first event.
    let mark = "\u{feff}".len();
    let mut end = if data.starts_with("\u{feff}".as_bytes()) { mark } else { 0 };
    let mut count = 0;
    for event in events(payload.clone()) {
        count += 1;
        if event.is_empty() {
            continue;
        }
        let at = event.as_ptr() as usize - start;
        end = if count == 1 && at == 0 { 0 } else { end };
        assert!(at >= end, "an event begins before the one before it ends");
        assert!(data[end..at].iter().all(|byte| is_between(*byte)), "bytes between two events are lost");
        end = at + event.len();
    }
    assert!(count > 0, "a payload without events would be lost");
    assert!(data[end..].iter().all(|byte| is_between(*byte)), "the end is lost");
});
