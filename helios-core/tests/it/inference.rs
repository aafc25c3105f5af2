//! What is inferred from a sample is what a table needs: it takes every sampled event, and gives back what was sent.

use std::{collections::BTreeMap, fs, path::Path};

use helios_core::{
    Column, FieldPath,
    schema::{InferOptions, Inference, infer_with},
    warehouse::{Ident, TableDefinition, TableName, TableOptions, types::DataType},
};
use proptest::{
    collection::vec,
    option,
    prelude::{Just, Strategy, any, prop_oneof},
    sample::select,
    strategy::ValueTree as _,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use serde::Deserialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::{
    comparison::{is_same, members},
    engine::{Fixture, batch},
};

/// How many samples are made up.
const SAMPLES: usize = 150;

/// Events with a number each, the `#` of their order.
fn numbered(events: &[String]) -> Vec<String> {
    let numbered = events.iter().enumerate().map(|(at, event)| {
        let members = event.trim().strip_prefix('{').unwrap();
        let comma = if members.trim_start().starts_with('}') { "" } else { "," };
        format!("{{\"#\":{at}{comma}{members}")
    });
    numbered.collect()
}

fn inferred(events: &[String], options: &InferOptions) -> Inference {
    infer_with(events, options)
}

/// The same, and that each column is read alone as among the others.
pub(crate) async fn delivered(events: &[String], options: &InferOptions) -> Result<(), String> {
    let (fixture, columns, rows) = kept(events, options).await?;
    for column in columns {
        let name = Ident::new(&column.name).unwrap();
        let alone = fixture.raw_rows(&format!("SELECT {name} FROM {{t}} ORDER BY `#`")).await;
        let in_rows = rows.iter().map(|row| row[&column.name].get().to_owned());
        let alone = alone.iter().map(|row| members(row)[&column.name].get().to_owned());
        if !in_rows.eq(alone) {
            return Err(format!("{column:?} alone is not what it is among the others"));
        }
    }
    Ok(())
}

/// A table, its columns, and its rows.
type Kept = (Fixture, Vec<Column>, Vec<BTreeMap<String, Box<RawValue>>>);

/// Makes a table of what was inferred, delivers the events, and compares what comes back. What is wrong, if anything is.
pub(crate) async fn kept(events: &[String], options: &InferOptions) -> Result<Kept, String> {
    let events = numbered(events);
    let inference = inferred(&events, options);
    assert_eq!(inference.unreadable, 0, "{events:?}");
    let columns = &inference.columns;
    let name = TableName::new("any", "any").unwrap();
    let proposal = &inference.proposal;
    let options = TableOptions::keys(proposal.order_by.clone(), proposal.partition_by.clone());
    let definition = TableDefinition::new(name, Uuid::nil(), columns, &options).unwrap().to_string();
    let fixture = Fixture::with(definition.split_once('\n').unwrap().1).await;
    // What the first batch has stored must not change what the second brings.
    let (first, second) = events.split_at(events.len() * 2 / 3);
    for (start, events) in [(0, first), (first.len(), second)] {
        let report = fixture.deliver(&batch(start as u64, events.to_vec())).await;
        let report = report.map_err(|error| format!("{columns:?}: {error}"))?;
        if report.quarantined > 0 || report.delivered != events.len() as u64 {
            let reasons = fixture.rows("SELECT raw_data, error_message FROM {q}").await;
            return Err(format!("{columns:?}: {report:?}, {reasons:?}"));
        }
    }
    let rows = fixture.raw_rows("SELECT * FROM {t} ORDER BY `#`").await;
    assert_eq!(rows.len(), events.len());
    let rows: Vec<_> = rows.iter().map(|row| members(row)).collect();
    let fields: Vec<_> = columns.iter().map(path).collect();
    for (event, row) in events.iter().zip(&rows) {
        if let Some(field) = without_column(event, &mut Vec::new(), &fields) {
            return Err(format!("no column has {field:?}: {columns:?}"));
        }
        for column in &inference.columns {
            let data_type: DataType = column.data_type.parse().unwrap();
            let (sent, back) = (field(event, column), row[&column.name].get());
            if !is_same(&data_type, sent.as_deref(), back) {
                return Err(format!("{column:?}: {sent:?} came back as {back}"));
            }
        }
    }
    Ok((fixture, inference.columns, rows))
}

/// The keys that lead to the field of a column.
fn path(column: &Column) -> &[String] {
    column.field.as_ref().map_or(std::slice::from_ref(&column.name), FieldPath::keys)
}

/// A field of an object that no column is filled from. One without a name has none.
fn without_column(object: &str, around: &mut Vec<String>, fields: &[&[String]]) -> Option<Vec<String>> {
    for (name, value) in members(object) {
        if around.is_empty() && name.is_empty() {
            continue;
        }
        around.push(name);
        let is_object = value.get().starts_with('{');
        let lost = if fields.contains(&around.as_slice()) {
            None
        } else if fields.iter().any(|field| field.starts_with(around)) && (is_object || value.get() == "null")
        {
            is_object.then(|| without_column(value.get(), around, fields)).flatten()
        } else {
            Some(around.clone())
        };
        around.pop();
        if lost.is_some() {
            return lost;
        }
    }
    None
}

/// What an event has for a column.
fn field(event: &str, column: &Column) -> Option<String> {
    path(column).iter().try_fold(event.to_owned(), |object, key| {
        let object = (object != "null").then(|| members(&object))?;
        Some(object.get(key)?.get().to_owned())
    })
}

/// Values near every border between types, as JSON text.
const BORDERS: &[&str] = &[
    "null",
    "true",
    "0",
    "-0",
    "-1",
    "9007199254740993",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "-9223372036854775809",
    "18446744073709551616",
    "340282366920938463463374607431768211456",
    "0.1",
    "19.90",
    "1e2",
    "1e400",
    "3.14159265358979323846",
    "1767225600",
    "1767225600123",
    r#""""#,
    r#""007""#,
    r#""19.90""#,
    r#""word""#,
    r#""ä\n\u0000'`""#,
    r#""0190b7c5-8a3e-7c21-9d4f-2b6f0e1a9c33""#,
    r#""0190B7C5-8A3E-7C21-9D4F-2B6F0E1A9C33""#,
    r#""10.0.0.1""#,
    r#""2001:db8::1""#,
    r#""1900-01-01""#,
    r#""1899-12-31""#,
    r#""2026-01-31""#,
    r#""2026-01-31T23:59:59Z""#,
    r#""2026-01-31 23:59:59.123456+05:30""#,
    r#""2026-01-31T23:59:59.123456789Z""#,
    r#""2299-12-31T23:59:59Z""#,
    r#""2026-01-31T23:59:59""#,
    r#""Sat, 31 Jan 2026 12:00:00 +0000""#,
    "[]",
    "[null]",
    "{}",
    r#"{"a":1}"#,
    r#"{"a.b":1}"#,
    r#"{"a":1,"a":2}"#,
    r#"{"a":[true,1]}"#,
    r#"{"a":-0}"#,
];

fn value() -> impl Strategy<Value = String> {
    let scalar = prop_oneof![
        6 => select(BORDERS).prop_map(str::to_owned),
        1 => any::<i128>().prop_map(|number| number.to_string()),
        1 => any::<f64>().prop_filter("JSON has none", |float| float.is_finite()).prop_map(|float| format!("{float:?}")),
        1 => any::<String>().prop_map(|text| serde_json::to_string(&text).unwrap()),
    ];
    scalar.prop_recursive(3, 16, 4, |inner| {
        let member = (select(&["a", "b", "c.d", "", "a b"][..]), inner.clone());
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(|elements| format!("[{}]", elements.join(" , "))),
            vec(member, 0..4).prop_map(|members| object(&members)),
            // Keys that are data.
            vec((0..60_u8, inner), 0..4).prop_map(|members| {
                let members: BTreeMap<_, _> =
                    members.into_iter().map(|(key, value)| (format!("user-{key}"), value)).collect();
                object(&members.into_iter().collect::<Vec<_>>())
            }),
        ]
    })
}

fn object<K: AsRef<str>>(members: &[(K, String)]) -> String {
    let members: Vec<_> =
        members.iter().map(|(key, value)| format!("{}:{value}", serde_json::json!(key.as_ref()))).collect();
    format!("{{{}}}", members.join(","))
}

/// Values of one column that often agree, so that narrow types come up too; now and then none.
fn column() -> impl Strategy<Value = Vec<Option<String>>> {
    let of = |values: Vec<String>| {
        let one = select(values);
        vec(prop_oneof![19 => one.prop_map(Some), 1 => Just(None)], 1..90)
    };
    let few = vec(value(), 1..4).prop_flat_map(of);
    // Objects of one shape.
    let shape = vec(value(), 1..3).prop_flat_map(move |values| {
        let one = select(values);
        vec((one.clone(), one).prop_map(|(a, b)| Some(format!(r#"{{"a":{a},"b c":{b}}}"#))), 50..90)
    });
    // Objects whose keys are data.
    let keyed = value().prop_flat_map(|value| {
        vec((0..100_u8).prop_map(move |key| Some(format!(r#"{{"user-{key}":{value}}}"#))), 40..90)
    });
    prop_oneof![3 => few, 1 => shape, 1 => keyed, 1 => vec(option::of(value()), 1..8)]
}

fn options() -> impl Strategy<Value = InferOptions> {
    let json = prop_oneof![
        3 => Just("{}"),
        1 => Just(r#"{"integers": "narrow", "decimals": "decimal"}"#),
        1 => Just(r#"{"objects": "json"}"#),
        2 => Just(r#"{"objects": "flatten"}"#),
        1 => Just(r#"{"objects": "text", "lowCardinality": false}"#),
        1 => Just(r#"{"nullable": "always"}"#),
    ];
    json.prop_map(|json| serde_json::from_str(json).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_takes_every_sampled_event_and_gives_it_back() {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let sample = (vec(column(), 1..4), options());
    let mut wrong = Vec::new();
    for _ in 0..SAMPLES {
        let (columns, options) = sample.new_tree(&mut runner).unwrap().current();
        let events = columns.iter().map(Vec::len).max().unwrap_or_default();
        let events: Vec<_> = (0..events)
            .map(|event| {
                let members = columns.iter().enumerate().filter_map(|(at, values)| {
                    let value = values.get(event % values.len())?.as_ref()?;
                    Some((format!("column {at}"), value.clone()))
                });
                object(&members.collect::<Vec<_>>())
            })
            .collect();
        if let Err(what) = delivered(&events, &options).await {
            wrong.push(format!("{options:?}: {what}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {SAMPLES}:\n{}", wrong.len(), wrong.join("\n"));
}

/// A sample that is awkward in one way, and what is to be inferred.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Awkward {
    name: String,
    /// Why this schema, and no other.
    why: String,
    events: Vec<Box<RawValue>>,
    /// How often the events are repeated; `{i}` in them is the number of the repetition.
    #[serde(default = "once")]
    times: usize,
    #[serde(default)]
    options: InferOptions,
    /// Name and type of each column.
    schema: Vec<(String, String)>,
}

fn once() -> usize {
    1
}

#[tokio::test(flavor = "multi_thread")]
async fn awkward_samples_have_the_schema_that_they_need() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/samples");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    let (mut count, mut wrong) = (0, Vec::new());
    for file in files {
        let samples: Vec<Awkward> = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
        for sample in samples {
            count += 1;
            assert!(!sample.why.is_empty());
            let events: Vec<String> = (0..sample.times)
                .flat_map(|round| {
                    sample.events.iter().map(move |event| event.get().replace("{i}", &round.to_string()))
                })
                .collect();
            let columns = inferred(&events, &sample.options).columns;
            let found: Vec<_> = columns.into_iter().map(|column| (column.name, column.data_type)).collect();
            if found != sample.schema {
                wrong.push(format!("{}: {}", sample.name, serde_json::json!(found)));
            }
            if let Err(what) = delivered(&events, &sample.options).await {
                wrong.push(format!("{}: {what}", sample.name));
            }
        }
    }
    assert!(count >= 60, "only {count} samples");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
