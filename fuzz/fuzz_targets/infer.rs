//! Events of any bytes: whatever is inferred, a decoder of it takes every event that was read, and parts make the whole.

#![no_main]

use helios_core::{
    delivery::Decoder,
    schema::{InferOptions, Observation},
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let events: Vec<_> = data.split(|byte| *byte == b'\n').collect();
    let observe = |first: usize, events: &[&[u8]]| {
        let mut observation = Observation::starting_at(first as u64);
        for event in events {
            observation.add(event);
        }
        observation
    };
    let options = InferOptions::default();
    let whole = observe(0, &events).conclude(&options);
    let (first, second) = events.split_at(events.len() / 2);
    let mut parts = observe(first.len(), second);
    parts.merge(observe(0, first));
    assert_eq!(parts.conclude(&options), whole);
    if whole.columns.is_empty() {
        return;
    }
    let mut decoder = Decoder::new(&whole.columns).expect("what is inferred are types of columns");
    for event in events.iter().filter(|event| Observation::default().add(event)) {
        // A key without a name has no column, and is passed over.
        decoder.decode(event).unwrap_or_else(|reject| panic!("{reject:?}"));
    }
});
