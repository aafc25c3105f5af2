//! The events that are measured with.

use bytes::Bytes;
use clap::ValueEnum;
use helios_core::{
    Column,
    delivery::{Batch, Record},
};

/// What sort of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// Six columns, about 120 bytes.
    Flat,
    /// Lists, maps, tuples and a document, about 1.5 KB.
    Nested,
}

impl Kind {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Flat => "flat",
            Self::Nested => "nested",
        }
    }

    /// Name and type of each column.
    pub(crate) const fn columns(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Flat => FLAT,
            Self::Nested => NESTED,
        }
    }

    pub(crate) fn schema(self) -> Vec<Column> {
        self.columns().iter().map(|(name, data_type)| Column::new(*name, *data_type)).collect()
    }

    /// The event of that number.
    pub(crate) fn event(self, id: usize) -> String {
        match self {
            Self::Flat => flat(id),
            Self::Nested => nested(id),
        }
    }

    /// The event of that number; one in a hundred lacks its last byte.
    pub(crate) fn event_or_broken(self, id: usize) -> String {
        let mut event = self.event(id);
        if id.is_multiple_of(100) {
            event.pop();
        }
        event
    }
}

/// Records of one event each, of one shard, in batches.
pub(crate) fn batches(events: &[Bytes], size: usize, shard: &str) -> Vec<Batch> {
    let mut number = 0_u64;
    let batch = |chunk: &[Bytes]| {
        let records = chunk.iter().map(|data| {
            number += 1;
            let sequence_number = format!("49600000000000000000000000000000000000000000000{number:09}");
            Record { sequence_number, data: data.clone(), approximate_arrival: None }
        });
        let records = records.collect();
        Batch::new("arn:aws:kinesis:eu-west-1:000000000000:stream/bench", shard, records)
    };
    events.chunks(size).map(batch).collect()
}

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
