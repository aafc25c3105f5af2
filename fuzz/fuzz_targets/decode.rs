//! An event is decoded into columns of every type: it becomes one row, always the same, or none and leaves no trace.

#![no_main]

use std::cell::RefCell;

use helios_core::{
    Column,
    delivery::{Decoder, MissingFields},
};
use libfuzzer_sys::fuzz_target;

/// A column of each type, named by a letter or two: short names are found sooner.
const TYPES: &[&str] = &[
    "Int8",
    "Int64",
    "Int128",
    "Int256",
    "UInt16",
    "UInt64",
    "UInt256",
    "Float32",
    "Float64",
    "BFloat16",
    "Decimal(9, 2)",
    "Decimal(38, 10)",
    "Decimal(76, 20)",
    "Bool",
    "String",
    "LowCardinality(String)",
    "FixedString(3)",
    "Date",
    "Date32",
    "DateTime('Europe/Zurich')",
    "DateTime64(3, 'Asia/Tokyo')",
    "DateTime64(9)",
    "Time",
    "Time64(6)",
    "UUID",
    "IPv4",
    "IPv6",
    "Enum8('a' = 1, 'b' = 2)",
    "Nullable(UInt8)",
    "Array(Nullable(Int32))",
    "Array(Array(String))",
    "Map(String, UInt8)",
    "Map(UUID, Array(Bool))",
    "Map(DateTime, String)",
    "Tuple(a UInt8, b Nullable(String))",
    "Array(Tuple(x Float64, y Map(Int16, String)))",
    "Point",
    "Polygon",
];

/// Two tables, as beside a `JSON` a `Variant` and a `Dynamic` are read otherwise.
const OTHERS: [&[&str]; 2] = [
    &["JSON", "Array(JSON)", "Dynamic", "Variant(String, UInt64)"],
    &[
        "Dynamic",
        "Array(Dynamic)",
        "Variant(String, UInt64)",
        "Variant(Array(Nullable(Float64)), Bool, DateTime64(3), Decimal(9, 2), Int8)",
        "Map(String, Variant(Bool, String))",
    ],
];

fn decoder(others: &[&str]) -> Decoder {
    let name = |at: usize| {
        let letter = char::from(b'a' + u8::try_from(at % 26).unwrap());
        letter.to_string().repeat(1 + at / 26)
    };
    let types = TYPES.iter().chain(others).enumerate();
    let columns: Vec<_> = types.map(|(at, data_type)| Column::new(name(at), *data_type)).collect();
    Decoder::new(&columns).unwrap().when_missing(MissingFields::ZeroValue)
}

thread_local! {
    static DECODERS: RefCell<Vec<Decoder>> = RefCell::new(OTHERS.iter().map(|others| decoder(others)).collect());
}

/// A row that is there before and after.
const OTHER: &[u8] = br#"{"o":"other","cc":1}"#;

fn check(decoder: &mut Decoder, event: &[u8]) {
    decoder.decode(OTHER).unwrap();
    let first = decoder.decode(event);
    assert_eq!(decoder.rows(), 1 + usize::from(first.is_ok()));
    decoder.decode(OTHER).unwrap();
    let again = decoder.decode(event);
    assert_eq!(first, again);
    let rows = decoder.finish().unwrap();
    match first {
        Ok(()) => {
            assert_eq!(rows.num_rows(), 4);
            assert_eq!(rows.slice(1, 1), rows.slice(3, 1), "the same event, another row");
            assert_eq!(rows.slice(0, 1), rows.slice(2, 1), "an event has changed its neighbour");
            let json = serde_json::from_slice::<serde::de::IgnoredAny>(event);
            assert!(json.is_ok(), "taken, and no JSON");
        }
        Err(_) => {
            assert_eq!(rows.num_rows(), 2);
            assert_eq!(rows.slice(0, 1), rows.slice(1, 1), "a reject has left a trace");
        }
    }
}

fuzz_target!(|event: &[u8]| {
    DECODERS.with_borrow_mut(|decoders| decoders.iter_mut().for_each(|decoder| check(decoder, event)));
});
