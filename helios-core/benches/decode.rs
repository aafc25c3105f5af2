//! JSON bytes → record batch, on one core: `cargo bench -p helios-core --bench decode`, better under `taskset -c 0`.
//!
//! Absolute figures move with the machine and with whatever else it does. So each round runs everything in turn, and
//! the medians are printed beside those of two yardsticks over the same bytes: `serde_json` passing over them without
//! keeping anything, and `serde_json` building its values. With `--alone` only ours runs, for a profiler;
//! with `flat` or `nested` only those.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot run has nothing to say")]
#![expect(clippy::print_stdout, reason = "what a benchmark is for")]
#![expect(clippy::cast_precision_loss, reason = "counts of bytes and nanoseconds")]

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use helios_core::{Column, delivery::Decoder};
use serde::de::IgnoredAny;

const EVENTS: usize = 10_000;
const ROUNDS: usize = 21;

/// Six columns, about 120 bytes.
fn flat(id: usize) -> String {
    format!(
        r#"{{"user_id":"u-{:06}","event":"page_view","at":"2026-11-23T10:{:02}:{:02}Z","amount":{},"score":{}.25,"new":{}}}"#,
        id * 7919 % 1_000_000,
        id / 60 % 60,
        id % 60,
        id * 31,
        id % 1000,
        id.is_multiple_of(2)
    )
}

const FLAT: &[(&str, &str)] = &[
    ("user_id", "String"),
    ("event", "LowCardinality(String)"),
    ("at", "DateTime"),
    ("amount", "UInt64"),
    ("score", "Float64"),
    ("new", "Bool"),
];

/// An order with its lines, a place, properties, free attributes and a document: about 1.5 KB.
fn nested(id: usize) -> String {
    let lines: Vec<_> = (0..6)
        .map(|line| {
            format!(
                r#"{{"sku":"SKU-{:05}","quantity":{},"price":{}.{:02},"title":"Ein nützliches Ding, Größe {line}","tags":["sale","new-{}"]}}"#,
                id * 31 + line,
                line + 1,
                id % 500,
                line * 7,
                id % 9
            )
        })
        .collect();
    format!(
        r#"{{"order_id":"0190a0b1-5cb3-7000-907b-{id:012x}","at":"2026-11-23T10:{:02}:{:02}.{:03}+01:00","customer":{{"id":{},"name":"Ada \"the first\" Lovelace","address":{{"street":"Rämistrasse 71","city":"Zürich","zip":"8006","location":[47.374{},8.548{}]}}}},"lines":[{}],"attributes":{{"channel":"web","campaign":"autumn-{}","referrer":"https://example.com/landing?utm_source=mail&utm_medium=newsletter"}},"total":{}.95,"paid":true,"coupon":null,"document":{{"device":{{"os":"linux","version":[6,1,{}],"screen":{{"width":2560,"height":1440}}}},"flags":{{"beta":false,"score":{}.5}},"notes":"left at the door, with the neighbour"}}}}"#,
        id / 60 % 60,
        id % 60,
        id % 1000,
        id * 7919,
        id % 10,
        id % 7,
        lines.join(","),
        id % 4,
        id % 900,
        id % 30,
        id % 100,
    )
}

const NESTED: &[(&str, &str)] = &[
    ("order_id", "UUID"),
    ("at", "DateTime64(3)"),
    (
        "customer",
        "Tuple(id UInt64, name String, address Tuple(street String, city LowCardinality(String), zip String, location Array(Float64)))",
    ),
    (
        "lines",
        "Array(Tuple(sku String, quantity UInt16, price Decimal(18, 4), title String, tags Array(LowCardinality(String))))",
    ),
    ("attributes", "Map(LowCardinality(String), String)"),
    ("total", "Decimal(18, 2)"),
    ("paid", "Bool"),
    ("coupon", "Nullable(String)"),
    ("document", "JSON"),
];

fn timed(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

fn sorted(mut times: Vec<Duration>) -> Vec<Duration> {
    times.sort_unstable();
    times
}

fn bench(name: &str, columns: &[(&str, &str)], events: &[String], target: f64) {
    let columns: Vec<_> = columns.iter().map(|(name, data_type)| Column::new(*name, *data_type)).collect();
    let mut decoder = Decoder::new(&columns).unwrap();
    let bytes: usize = events.iter().map(String::len).sum();
    let alone = std::env::args().any(|argument| argument == "--alone");
    let mut times = [const { Vec::new() }; 4];
    for _ in 0..ROUNDS {
        let [decode, with_rejects, ignored, values] = &mut times;
        decode.push(timed(|| {
            for event in events {
                decoder.decode(black_box(event.as_bytes())).unwrap();
            }
            black_box(decoder.finish().unwrap());
        }));
        if alone {
            continue;
        }
        with_rejects.push(timed(|| {
            for (at, event) in events.iter().enumerate() {
                // One event in a hundred lacks its last byte.
                let cut = usize::from(at.is_multiple_of(100));
                let event = event.as_bytes().get(..event.len() - cut).unwrap_or_default();
                let read = decoder.decode(black_box(event));
                assert_eq!(read.is_err(), cut == 1);
            }
            black_box(decoder.finish().unwrap());
        }));
        ignored.push(timed(|| {
            for event in events {
                black_box(serde_json::from_slice::<IgnoredAny>(black_box(event.as_bytes())).unwrap());
            }
        }));
        values.push(timed(|| {
            for event in events {
                black_box(serde_json::from_slice::<serde_json::Value>(black_box(event.as_bytes())).unwrap());
            }
        }));
    }
    println!("{name}: {EVENTS} events of {} bytes; median and best of {ROUNDS} rounds", bytes / events.len());
    let works = ["decode and check", "the same, 1 % rejects", "serde_json, ignored", "serde_json, values"];
    let times = times.map(sorted);
    let at = |times: &[Duration], at: usize| times.get(at).map_or(0.0, Duration::as_secs_f64);
    for (work, theirs) in works.iter().zip(&times) {
        let [ours, ..] = &times;
        let (median, best) = (at(theirs, ROUNDS / 2), at(theirs, 0));
        println!(
            "  {work:<22} {:>6.0} MB/s (best {:>6.0})  {:>6.0} ns an event  {:>6.2} × our time",
            bytes as f64 / median / 1e6,
            bytes as f64 / best / 1e6,
            median * 1e9 / events.len() as f64,
            median / at(ours, ROUNDS / 2),
        );
    }
    println!("  target {target:.0} MB/s");
}

fn main() {
    let events = |of: fn(usize) -> String| (0..EVENTS).map(of).collect::<Vec<_>>();
    let only = std::env::args().skip(1).find(|argument| !argument.starts_with("--"));
    let is_wanted = |name: &str| only.as_ref().is_none_or(|only| only == name);
    if is_wanted("flat") {
        bench("flat", FLAT, &events(flat), 800.0);
    }
    if is_wanted("nested") {
        bench("nested", NESTED, &events(nested), 500.0);
    }
}
