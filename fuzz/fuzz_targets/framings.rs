//! A record in any framing: nothing panics, the same bytes have the same events, what it unpacks to is bounded, and what is
//! packed holds what it held before.

#![no_main]

use std::io::Write as _;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use flate2::{Compression, write::ZlibEncoder};
use helios_core::{fuzzing::record, streams::MAX_UNPACKED_BYTES};
use libfuzzer_sys::fuzz_target;

type Events = Vec<(u64, Result<Bytes, Bytes>)>;

fn check(data: Vec<u8>) -> Events {
    let data = Bytes::from(data);
    let events = record(&data);
    assert_eq!(events, record(&data), "other events of the same bytes");
    assert!(!events.is_empty(), "a record without events would be lost");
    assert!((0..).zip(&events).all(|(place, event)| event.0 == place), "places are not counted through");
    let bytes: usize = events.iter().map(|(_, (Ok(event) | Err(event)))| event.len()).sum();
    assert!(bytes <= data.len() + MAX_UNPACKED_BYTES, "{bytes} bytes out of {}", data.len());
    events
}

fn zlib(data: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

fn lz4(data: &[u8]) -> Vec<u8> {
    let mut encoder = lz4_flex::frame::FrameEncoder::new(Vec::new());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

fn snappy(data: &[u8]) -> Vec<u8> {
    let mut encoder = snap::write::FrameEncoder::new(Vec::new());
    encoder.write_all(data).unwrap();
    encoder.into_inner().unwrap()
}

fuzz_target!(|data: &[u8]| {
    let plain = check(data.to_vec());
    let id = [7; 16];
    let behind = |start: &[u8]| check([start, data].concat());
    // Signatures that no fuzzer needs to guess.
    for start in
        [&b"\x78\x9c"[..], b"\x04\x22\x4d\x18", b"\xff\x06\0\0sNaPpY", b"\x28\xb5\x2f\xfd", b"\x1f\x8b\x08"]
    {
        behind(start);
    }
    behind(&[&[3, 5], &id[..]].concat());
    let registries = [behind(&[0, 0, 0, 0, 1]), behind(&[&[3, 0], &id[..]].concat())];
    let packed = [zlib(data), lz4(data), snappy(data)];
    check(STANDARD.encode(data).into_bytes());
    packed.iter().for_each(|packed| drop(check(STANDARD.encode(packed).into_bytes())));
    if data.starts_with(b"{") && plain.iter().all(|event| event.1.is_ok()) {
        let others = packed.map(check).into_iter().chain(registries);
        for events in others {
            let is_same = events == plain;
            assert!(is_same || events.len() == 1 && events[0].1.is_err(), "neither the same nor one reject");
        }
    }
});
