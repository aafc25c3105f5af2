//! Fields whose names a table cannot have, or not beside the others: their columns have other names, and nothing is lost.

use std::collections::BTreeMap;

use helios_core::{
    delivery::{MissingFields, Policy, UnknownFields},
    schema::{InferOptions, infer_with},
};
use proptest::{
    collection::vec,
    prelude::{Just, Strategy, any, prop_oneof},
    sample::{select, subsequence},
    strategy::ValueTree as _,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use serde_json::{json, value::RawValue};

use crate::{
    engine::{Fixture, batch},
    inference::delivered,
};

/// How many samples are made up.
const SAMPLES: usize = 40;

/// Names that clash with one another, with parts of columns, or with what ClickHouse and Helios have for themselves.
const NAMES: &[&str] = &[
    "a",
    "a.b",
    "a.b.c",
    "a_b",
    "a_",
    "a.x",
    "a.size0",
    "a.null",
    "a.keys",
    "a.values",
    "a.b.size0",
    "m",
    "m.keys",
    "m.values",
    "m.size0",
    "_row_exists",
    "_row_exists_",
    "_block_number",
    "_block_offset",
    "_part",
    "_part_",
    "_part_index",
    "_part_offset",
    "_table",
    "_database",
    "_shard",
    "_sequence",
    "_subsequence",
    "_arrived_at",
    "_helios_batch",
    "null",
    "x",
    "x.null",
    "tags",
    "tags.size0",
    "tags.size1",
    ".",
    "a.",
    ".a",
    "a..b",
];

async fn types(fixture: &Fixture) -> Vec<serde_json::Value> {
    let columns = "SELECT name, type, comment FROM system.columns WHERE database || '.' || table = '{name}' ORDER BY position";
    fixture.rows(&columns.replace("{name}", &fixture.table.plain())).await
}

#[tokio::test]
async fn virtual_columns_are_reserved() {
    let fixture = Fixture::new("id UInt64").await;
    let query = "DESCRIBE TABLE {t} SETTINGS describe_include_virtual_columns = 1";
    let names: Vec<_> =
        fixture.rows(query).await.iter().map(|row| row["name"].as_str().unwrap().to_owned()).collect();
    assert!(names.len() > 10, "{names:?}");
    for name in names.iter().filter(|name| *name != "id") {
        let inference = infer_with(&[format!(r#"{{"{name}":1}}"#)], &InferOptions::default());
        assert_eq!(inference.columns[0].name, format!("{name}_"));
        assert_eq!(inference.columns[0].field.as_ref().unwrap().to_string(), format!("/{name}"));
    }
}

#[tokio::test]
async fn a_sample_is_stored_whatever_its_names() {
    let repeated = |event: &str, times: usize| vec![event.to_owned(); times];
    let keyed: Vec<_> =
        (0..40).map(|at| format!(r#"{{"m":{{"k{at}":1,"j{at}":2}},"m.values":1,"m.keys":"x"}}"#)).collect();
    let samples = [
        repeated(r#"{"id":1,"a.x":[1],"a":5}"#, 1),
        repeated(r#"{"a.b":1,"a":{"b":2}}"#, 60),
        keyed,
        repeated(r#"{"o":{"null":1,"x":"y"}}"#, 60),
        repeated(r#"{"l":[{"null":1,"x":"y"}]}"#, 60),
        repeated(r#"{"_row_exists":1}"#, 1),
        repeated(r#"{"tags":["x"],"tags.size0":7}"#, 3),
        repeated(r#"{"x.null":1,"x":null}"#, 2),
        repeated(r#"{"x.null":[1]}"#, 2),
        repeated(r#"{"_shard":"a","_sequence":"b","_subsequence":1,"_arrived_at":"c","_helios_batch":2}"#, 2),
        repeated(r#"{"_part":1,"_part_":2,"_part__":3}"#, 2),
    ];
    for events in samples {
        delivered(&events, &InferOptions::default()).await.unwrap();
        let flat: InferOptions = serde_json::from_str(r#"{"objects":"flatten"}"#).unwrap();
        delivered(&events, &flat).await.unwrap();
    }
}

#[tokio::test]
async fn made_up_samples_with_such_names_are_stored() {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let value = || {
        prop_oneof![
            any::<i16>().prop_map(|number| number.to_string()),
            Just("null".to_owned()),
            select(&[r#""x""#, "1.5", "true", "[1]", "[[1]]", "[]", r#"["x",null]"#, r#"{"b":1}"#][..])
                .prop_map(str::to_owned),
            select(
                &[r#"{"null":1,"b":[2]}"#, r#"[{"null":1}]"#, r#"{"b":{"c":1}}"#, r#"{"keys":1,"size0":2}"#]
                    [..]
            )
            .prop_map(str::to_owned),
        ]
    };
    let sample = subsequence(NAMES.to_vec(), 1..12).prop_shuffle().prop_flat_map(move |names| {
        let count = names.len();
        // Values of one sort in most events, so that there are lists, tuples and maps.
        (Just(names), vec(value(), count), vec((0..count, value()), 0..4), 1_usize..70)
    });
    for number in 0..SAMPLES {
        let (names, values, others, times) = sample.new_tree(&mut runner).unwrap().current();
        let event = |values: &[String]| {
            let members = names.iter().zip(values).map(|(name, value)| format!(r#""{name}":{value}"#));
            format!("{{{}}}", members.collect::<Vec<_>>().join(","))
        };
        let mut events = vec![event(&values); times];
        events.extend(others.into_iter().map(|(at, other)| {
            let mut values = values.clone();
            values[at] = other;
            event(&values)
        }));
        let options = if number % 2 == 0 { "{}" } else { r#"{"objects":"flatten"}"# };
        let options: InferOptions = serde_json::from_str(options).unwrap();
        if let Err(wrong) = delivered(&events, &options).await {
            panic!("sample {number}: {wrong}\n{}", events.last().unwrap());
        }
        added(&events).await;
    }
}

/// Delivers events to a table without their columns, which are added.
async fn added(events: &[String]) {
    let fixture = Fixture::new("id UInt64 DEFAULT 7").await;
    let policy = Policy::new(UnknownFields::AddColumn, MissingFields::Reject);
    let deliver = async |first: usize, events: &[String]| {
        let target = fixture.target().await.with_policy(policy);
        let batch = batch(first as u64, events.iter().cloned());
        fixture.deliverer.deliver(&target, &batch, None).await.unwrap()
    };
    // One half of the fields first.
    let half = |keep: usize| -> Vec<String> {
        let of = |event: &String| {
            let members: BTreeMap<String, Box<RawValue>> = serde_json::from_str(event).unwrap();
            let kept = members.into_iter().enumerate().filter(|(at, _)| keep == 2 || at % 2 == keep);
            serde_json::to_string(&kept.map(|(_, member)| member).collect::<BTreeMap<_, _>>()).unwrap()
        };
        events.iter().map(of).collect()
    };
    let (mut delivered, mut at) = (0, 0);
    for keep in 0..3 {
        let events = half(keep);
        delivered += deliver(at, &events).await.delivered;
        at += events.len();
    }
    let count = fixture.count("SELECT count() AS n FROM {t}").await;
    assert_eq!(count, delivered);
    for column in types(&fixture).await {
        let name = column["name"].as_str().unwrap().replace('\\', "\\\\").replace('`', "\\`");
        fixture.rows(&format!("SELECT `{name}` FROM {{t}}")).await;
    }
    fixture.rows("SELECT * FROM {t}").await;
    fixture.execute(&format!("OPTIMIZE TABLE {} FINAL", fixture.table)).await;
}

#[tokio::test]
async fn an_added_column_has_a_name_that_the_table_can_have() {
    let policy = Policy::new(UnknownFields::AddColumn, MissingFields::Reject);
    for (columns, first, event, query, row) in [
        ("id UInt64", r#"{"id":1,"foo.bar":1.5}"#, r#"{"id":2,"foo":2.5}"#, "foo_", json!({"foo_": 2.5})),
        (
            "id UInt64",
            r#"{"id":1,"foo":1.5}"#,
            r#"{"id":2,"foo.bar":2.5}"#,
            "foo_bar",
            json!({"foo_bar": 2.5}),
        ),
        (
            "id UInt64",
            r#"{"id":1}"#,
            r#"{"id":2,"_row_exists":0}"#,
            "_row_exists_",
            json!({"_row_exists_": 0}),
        ),
        (
            "id UInt64",
            r#"{"id":1}"#,
            r#"{"id":2,"_block_number":3}"#,
            "_block_number_",
            json!({"_block_number_": 3}),
        ),
        (
            "id UInt64",
            r#"{"id":1}"#,
            r#"{"id":2,"_block_offset":3}"#,
            "_block_offset_",
            json!({"_block_offset_": 3}),
        ),
        (
            "id UInt64, m Map(String, UInt8)",
            r#"{"id":1}"#,
            r#"{"id":2,"m.keys":"x"}"#,
            "m_keys",
            json!({"m_keys": "x"}),
        ),
        (
            "id UInt64, t Tuple(a UInt8)",
            r#"{"id":1,"t":{"a":1}}"#,
            r#"{"id":2,"t":{"a":2},"t.a":7}"#,
            "t_a",
            json!({"t_a": 7}),
        ),
        (
            "id UInt64, foo UInt64 ALIAS id + 1",
            r#"{"id":1}"#,
            r#"{"id":2,"foo":7}"#,
            "foo, foo_",
            json!({"foo": 3, "foo_": 7}),
        ),
        (
            "id UInt64, foo UInt64 MATERIALIZED 5",
            r#"{"id":1}"#,
            r#"{"id":2,"foo":7}"#,
            "foo, foo_",
            json!({"foo": 5, "foo_": 7}),
        ),
        (
            "id UInt64, _shard String, _sequence String, _subsequence UInt64, _helios_batch UInt128 MATERIALIZED 0",
            r#"{"id":1}"#,
            r#"{"id":2,"_shard":"own","_helios_batch":7}"#,
            "_shard, _shard_, _helios_batch_",
            json!({"_shard": "shardId-000000000000", "_shard_": "own", "_helios_batch_": 7}),
        ),
    ] {
        let fixture = Fixture::new(columns).await;
        let stale = fixture.target().await.with_policy(policy);
        for (at, event) in [first, event].into_iter().enumerate() {
            let report = fixture.deliverer.deliver(&stale, &batch(at as u64, [event]), None).await.unwrap();
            assert_eq!((report.delivered, report.quarantined), (1, 0), "{event}");
        }
        assert_eq!(fixture.rows(&format!("SELECT {query} FROM {{t}} WHERE id = 2")).await, [row], "{event}");
        let all = fixture.rows("SELECT count() AS n FROM {t}").await;
        assert_eq!(all, [json!({"n": 2})]);
    }
}

/// Two shards bring `foo` and `foo.bar` at the same time: ClickHouse adds no `foo` beside `foo.bar`, without an error.
#[tokio::test]
async fn names_that_clash_at_the_same_time_are_both_stored() {
    let policy = Policy::new(UnknownFields::AddColumn, MissingFields::Reject);
    for _ in 0..5 {
        let fixture = Fixture::new("id UInt64").await;
        let target = fixture.target().await.with_policy(policy);
        let mut batches = [batch(0, [r#"{"id":1,"foo":1}"#]), batch(0, [r#"{"id":2,"foo.bar":2}"#])];
        batches[1].shard = "shardId-000000000001".to_owned();
        let other = fixture.another_deliverer();
        let (first, second) = tokio::join!(
            fixture.deliverer.deliver(&target, &batches[0], None),
            other.deliver(&target, &batches[1], None)
        );
        assert_eq!((first.unwrap().delivered, second.unwrap().delivered), (1, 1));
        let columns = types(&fixture).await;
        let from = |field: &str| {
            let comment = json!(format!("event field /{field}"));
            let found = columns.iter().find(|column| column["comment"] == comment || column["name"] == field);
            found.unwrap()["name"].as_str().unwrap().to_owned()
        };
        let (foo, bar) = (from("foo"), from("foo.bar"));
        let rows =
            fixture.rows(&format!("SELECT `{foo}` AS foo, `{bar}` AS bar FROM {{t}} ORDER BY id")).await;
        assert_eq!(rows, [json!({"foo": 1, "bar": null}), json!({"foo": null, "bar": 2})]);
    }
}
