//! JSON bytes → record batch: six columns, 10,000 events of about 120 bytes.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot run has nothing to say")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use helios_core::{Column, delivery::Decoder};

const EVENTS: usize = 10_000;

fn events() -> Vec<String> {
    (0..EVENTS)
        .map(|id| {
            format!(
                r#"{{"user_id":"u-{:06}","event":"page_view","at":"2026-11-23T10:{:02}:{:02}Z","amount":{},"score":{}.25,"new":{}}}"#,
                id * 7919 % 1_000_000,
                id / 60 % 60,
                id % 60,
                id * 31,
                id % 1000,
                id % 2 == 0
            )
        })
        .collect()
}

fn decode(criterion: &mut Criterion) {
    let columns = [
        ("user_id", "String"),
        ("event", "LowCardinality(String)"),
        ("at", "DateTime"),
        ("amount", "UInt64"),
        ("score", "Float64"),
        ("new", "Bool"),
    ]
    .map(|(name, data_type)| Column::new(name, data_type));
    let events = events();
    let bytes: usize = events.iter().map(String::len).sum();
    let mut group = criterion.benchmark_group("decode");
    group.throughput(Throughput::ElementsAndBytes { elements: EVENTS as u64, bytes: bytes as u64 });
    group.bench_function("six columns", |bencher| {
        let mut decoder = Decoder::new(&columns).unwrap();
        bencher.iter(|| {
            for event in &events {
                decoder.decode(black_box(event.as_bytes())).unwrap();
            }
            black_box(decoder.finish().unwrap())
        });
    });
    group.finish();
}

criterion_group!(benches, decode);
criterion_main!(benches);
