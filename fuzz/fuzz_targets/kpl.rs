//! A record is taken apart: nothing panics, no part comes twice, and what it unpacks to is bounded.

#![no_main]

use bytes::Bytes;
use helios_core::{fuzzing::payloads, streams::MAX_UNPACKED_BYTES};
use libfuzzer_sys::fuzz_target;
use md5::{Digest as _, Md5};

/// What an aggregated record begins with.
const MAGIC: [u8; 4] = [0xf3, 0x89, 0x9a, 0xc2];

fn check(data: Bytes) {
    let length = data.len();
    let (mut shared, mut unpacked) = (0, 0);
    let range = data.as_ptr_range();
    for payload in payloads(data.clone()) {
        let (Ok(payload) | Err(payload)) = payload;
        if payload.is_empty() || range.contains(&payload.as_ptr()) {
            shared += payload.len();
        } else {
            unpacked += payload.len();
        }
    }
    assert!(shared <= length, "a part of the record came twice");
    assert!(unpacked <= MAX_UNPACKED_BYTES, "{unpacked} bytes out of {length}");
}

fuzz_target!(|data: &[u8]| {
    check(Bytes::copy_from_slice(data));
    // No fuzzer guesses the sum that ends an aggregated record.
    check([&MAGIC[..], data, &Md5::digest(data)].concat().into());
});
