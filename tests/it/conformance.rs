//! `tests/conformance/*.sql` through every path: what the JSON path and the Arrow path say is what the engine says.
//!
//! Each line is what follows `SELECT`. The engine's own answer is written in another form than ours (numbers quoted, times
//! as seconds), so that the values are compared, and not the text with itself.

use std::{collections::BTreeMap, fs, path::Path};

use arrow_array::{
    Array, ArrayRef, BooleanArray, FixedSizeListArray, LargeListArray, ListArray, MapArray, StructArray,
    UnionArray,
};
use arrow_cast::{
    cast,
    display::{ArrayFormatter, FormatOptions},
};
use arrow_schema::DataType;
use futures_util::TryStreamExt as _;
use helios_core::QueryOptions;
use jiff::Timestamp;
use serde_json::value::RawValue;

use crate::shop::client;

/// How many lines there are at least.
const LEAST: usize = 300;

/// How the engine writes its own answer.
const RAW: [(&str, &str); 5] = [
    ("date_time_output_format", "unix_timestamp"),
    ("output_format_json_quote_64bit_integers", "1"),
    ("output_format_json_quote_decimals", "1"),
    ("output_format_json_quote_denormals", "1"),
    ("output_format_json_quote_64bit_floats", "1"),
];

/// A value, with every digit of its numbers.
#[derive(Clone, Debug)]
enum Value {
    Null,
    Bool(bool),
    Number(String),
    Text(String),
    List(Vec<Self>),
    Fields(Vec<(String, Self)>),
}

#[tokio::test(flavor = "multi_thread")]
async fn every_path_says_what_the_engine_says() {
    let (mut lines, mut wrong) = (0, Vec::new());
    for (place, sql) in corpus() {
        lines += 1;
        if let Err(difference) = compare(&sql).await {
            wrong.push(format!("{place}: {sql}\n  {difference}"));
        }
    }
    assert!(lines >= LEAST, "{lines} lines");
    assert!(wrong.is_empty(), "{} of {lines} differ:\n{}", wrong.len(), wrong.join("\n"));
}

/// Every line with its place.
fn corpus() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let of_file = |path: &std::path::PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let text = fs::read_to_string(path).unwrap();
        let lines: Vec<_> = text
            .lines()
            .enumerate()
            .filter(|(_, line)| !line.starts_with("--"))
            .map(|(at, line)| (format!("{name}:{}", at + 1), format!("SELECT {line}")))
            .collect();
        lines
    };
    files.iter().flat_map(of_file).collect()
}

async fn compare(sql: &str) -> Result<(), String> {
    let (names, types, raw) = engine(sql).await?;
    let options = QueryOptions::default();
    let json = client().query_with(sql, &options).await.map_err(|error| format!("JSON: {error}"))?;
    if (&json.metadata.column_names, &json.metadata.column_types) != (&names, &types) {
        return Err(format!("JSON has the columns {:?}, the engine {names:?} {types:?}", json.metadata));
    }
    let rows = json.data.iter().map(|row| {
        let Value::Fields(fields) = parse(row.get()) else { return Vec::new() };
        let value =
            |name: &String| fields.iter().find(|(field, _)| field == name).map(|(_, value)| value.clone());
        names.iter().map(|name| value(name).unwrap_or(Value::Text("(absent)".to_owned()))).collect()
    });
    let json: Vec<Vec<Value>> = rows.collect();
    same_rows("the engine", &json, &raw)?;
    let stream = client().query_arrow(sql, &options).await.map_err(|error| format!("Arrow: {error}"))?;
    let batches: Vec<_> = stream.try_collect().await.map_err(|error| format!("Arrow: {error}"))?;
    let mut arrow = Vec::new();
    for batch in &batches {
        let told: Vec<_> = batch.schema().fields().iter().map(|field| field.name().clone()).collect();
        if told != names {
            return Err(format!("Arrow has the columns {told:?}, the engine {names:?}"));
        }
        arrow
            .extend((0..batch.num_rows()).map(|row| {
                batch.columns().iter().map(|column| arrow_value(column, row)).collect::<Vec<_>>()
            }));
    }
    same_rows("Arrow", &json, &arrow)
}

/// Names, types and rows as the engine itself tells them.
async fn engine(sql: &str) -> Result<(Vec<String>, Vec<String>, Vec<Vec<Value>>), String> {
    fn told(error: impl std::fmt::Display) -> String {
        format!("the engine: {error}")
    }
    let query = client().warehouse().client().query_raw(sql);
    let query = RAW.iter().fold(query, |query, (name, value)| query.with_setting(*name, *value));
    let mut cursor = query.fetch_bytes("JSONCompactEachRowWithNamesAndTypes").map_err(told)?;
    let mut text = Vec::new();
    while let Some(chunk) = cursor.next().await.map_err(told)? {
        text.extend_from_slice(&chunk);
    }
    let text = String::from_utf8(text).map_err(|error| error.to_string())?;
    let mut lines = text.lines();
    let mut header = || -> Vec<String> { serde_json::from_str(lines.next().unwrap_or("[]")).unwrap() };
    let (names, types) = (header(), header());
    let rows = lines.map(|line| match parse(line) {
        Value::List(values) => values,
        other => vec![other],
    });
    Ok((names, types, rows.collect()))
}

fn same_rows(whose: &str, ours: &[Vec<Value>], theirs: &[Vec<Value>]) -> Result<(), String> {
    if ours.len() != theirs.len() {
        return Err(format!("JSON has {} rows, {whose} {}", ours.len(), theirs.len()));
    }
    for (row, (our, their)) in ours.iter().zip(theirs).enumerate() {
        if !same_lists(our, their) {
            return Err(format!("row {row} is {our:?} in JSON, {their:?} by {whose}"));
        }
    }
    Ok(())
}

fn same_lists(ours: &[Value], theirs: &[Value]) -> bool {
    ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(our, their)| same(our, their))
}

/// Whether a value of the JSON path is what another path says.
fn same(ours: &Value, theirs: &Value) -> bool {
    match (ours, theirs) {
        // JSON has no numbers for these.
        (Value::Null, Value::Text(text) | Value::Number(text)) => {
            matches!(text.to_lowercase().as_str(), "nan" | "inf" | "-inf")
        }
        (Value::Null, Value::Null) => true,
        (Value::Bool(ours), Value::Bool(theirs)) => ours == theirs,
        (Value::Number(ours), Value::Number(theirs) | Value::Text(theirs)) => same_number(ours, theirs),
        (Value::Text(ours), Value::Text(theirs) | Value::Number(theirs)) => {
            // A text in a `Dynamic` is its JSON in Arrow.
            ours == theirs
                || same_time(ours, theirs)
                || serde_json::from_str::<String>(theirs).is_ok_and(|theirs| &theirs == ours)
        }
        // Where Arrow has no type for it, it is its JSON.
        (Value::List(_) | Value::Fields(_) | Value::Bool(_), Value::Text(text)) => {
            serde_json::from_str::<&RawValue>(text).is_ok_and(|json| same(ours, &parse(json.get())))
        }
        (Value::List(ours), Value::List(theirs)) => same_lists(ours, theirs),
        // A tuple without names.
        (Value::List(ours), Value::Fields(theirs)) => {
            ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(our, (_, their))| same(our, their))
        }
        (Value::Fields(ours), Value::Fields(theirs)) => {
            let theirs: BTreeMap<_, _> = theirs.iter().map(|(name, value)| (name, value)).collect();
            ours.len() == theirs.len()
                && ours.iter().all(|(name, our)| theirs.get(name).is_some_and(|their| same(our, their)))
        }
        _ => false,
    }
}

/// Digit by digit; where one has an exponent, as the doubles they are.
fn same_number(ours: &str, theirs: &str) -> bool {
    fn digits(text: &str) -> Option<String> {
        let is_plain = text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b'.'));
        if !is_plain {
            return None;
        }
        let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text };
        Some(text.to_owned())
    }
    match (digits(ours), digits(theirs)) {
        (Some(ours), Some(theirs)) => ours == theirs,
        _ => match (ours.parse::<f64>(), theirs.parse::<f64>()) {
            (Ok(ours), Ok(theirs)) => ours.to_bits() == theirs.to_bits(),
            _ => false,
        },
    }
}

/// The same moment: ISO 8601 with an offset, or seconds since 1970.
fn same_time(ours: &str, theirs: &str) -> bool {
    let Ok(ours) = ours.parse::<Timestamp>() else { return false };
    if let Ok(theirs) = theirs.parse::<Timestamp>() {
        return ours == theirs;
    }
    let (seconds, fraction) = theirs.split_once('.').unwrap_or((theirs, ""));
    let is_before = seconds.starts_with('-');
    let (Ok(seconds), Ok(fraction)) = (seconds.parse::<i128>(), format!("{fraction:0<9}").parse::<i128>())
    else {
        return false;
    };
    let fraction = if is_before { -fraction } else { fraction };
    ours.as_nanosecond() == seconds * 1_000_000_000 + fraction
}

fn parse(text: &str) -> Value {
    match text.as_bytes().first() {
        Some(b'{') => {
            let fields: BTreeMap<String, &RawValue> = serde_json::from_str(text).unwrap();
            Value::Fields(fields.into_iter().map(|(name, value)| (name, parse(value.get()))).collect())
        }
        Some(b'[') => {
            let values: Vec<&RawValue> = serde_json::from_str(text).unwrap();
            Value::List(values.into_iter().map(|value| parse(value.get())).collect())
        }
        Some(b'"') => Value::Text(serde_json::from_str(text).unwrap()),
        Some(b't') => Value::Bool(true),
        Some(b'f') => Value::Bool(false),
        Some(b'n') => Value::Null,
        _ => Value::Number(text.to_owned()),
    }
}

fn arrow_value(array: &ArrayRef, row: usize) -> Value {
    if array.is_null(row) {
        return Value::Null;
    }
    let elements = |list: ArrayRef| Value::List((0..list.len()).map(|at| arrow_value(&list, at)).collect());
    match array.data_type() {
        DataType::Null => Value::Null,
        DataType::Boolean => Value::Bool(down::<BooleanArray>(array).value(row)),
        DataType::Dictionary(_, values) => arrow_value(&cast(&array.slice(row, 1), values).unwrap(), 0),
        DataType::List(_) => elements(down::<ListArray>(array).value(row)),
        DataType::LargeList(_) => elements(down::<LargeListArray>(array).value(row)),
        DataType::FixedSizeList(..) => elements(down::<FixedSizeListArray>(array).value(row)),
        DataType::Struct(fields) => {
            let columns = fields.iter().zip(down::<StructArray>(array).columns());
            Value::Fields(
                columns.map(|(field, column)| (field.name().clone(), arrow_value(column, row))).collect(),
            )
        }
        DataType::Union(..) => arrow_value(&down::<UnionArray>(array).value(row), 0),
        DataType::Map(..) => {
            let entries = down::<MapArray>(array).value(row);
            let entry = |at| {
                let key = match arrow_value(entries.column(0), at) {
                    Value::Text(text) | Value::Number(text) => text,
                    other => format!("{other:?}"),
                };
                (key, arrow_value(entries.column(1), at))
            };
            Value::Fields((0..entries.len()).map(entry).collect())
        }
        other => {
            let text = ArrayFormatter::try_new(array, &FormatOptions::default()).unwrap();
            let text = text.value(row).to_string();
            if other.is_numeric() { Value::Number(text) } else { Value::Text(text) }
        }
    }
}

fn down<A: Array + 'static>(array: &ArrayRef) -> &A {
    array.as_any().downcast_ref().unwrap()
}
