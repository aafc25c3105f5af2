//! An absent field gets its column's default, as the engine's own insert of the same events has it, or goes to quarantine.

use std::sync::Arc;

use helios_core::{
    clock::SystemClock,
    delivery::{BatchReport, Deliverer, ledger::MemoryLedger},
};
use serde_json::json;

use crate::{
    engine::{Fixture, batch},
    failing_ledger::FailingLedger,
};

/// Type, default, a value of an event.
type Case = (&'static str, &'static str, &'static str);

/// Defaults that a null asks for, of types that have none.
const ASKED_FOR: &[Case] = &[
    ("LowCardinality(String)", "upper('x')", r#""y""#),
    ("LowCardinality(String)", "concat('id ', toString(id))", r#""y""#),
    ("FixedString(2)", "'ab'", r#""cd""#),
    ("UUID", "'61f0c404-5cb3-11e7-907b-a6006ad3dba0'", r#""00000000-0000-0000-0000-000000000000""#),
    ("Enum8('a' = 1, 'b' = 2)", "'b'", r#""a""#),
    ("Decimal(9, 2)", "1.5", "2.5"),
    ("DateTime64(3, 'UTC')", "'2024-06-15 12:00:00.5'", r#""2024-06-15T12:00:00Z""#),
    ("UInt256", "7", "8"),
    ("Bool", "true", "false"),
    ("JSON", r#"'{"a":1}'"#, r#"{"b":2}"#),
];

/// Literals, of types of which a null asks for nothing.
const LITERALS: &[Case] = &[
    ("Nullable(UInt8)", "5", "7"),
    ("Nullable(UInt8)", "CAST('5', 'UInt8')", "7"),
    ("Nullable(UInt8)", "'5'::Nullable(UInt8)", "7"),
    ("Nullable(UInt8)", "NULL", "7"),
    ("Nullable(UInt8)", "(3)", "7"),
    ("Nullable(Int64)", "-9223372036854775808", "7"),
    ("Nullable(UInt64)", "18446744073709551615", "7"),
    (
        "Nullable(UInt256)",
        "'115792089237316195423570985008687907853269984665640564039457584007913129639935'",
        "7",
    ),
    ("Nullable(Float64)", "1e-7", "7.5"),
    ("Nullable(Float64)", "-inf", "7.5"),
    ("Nullable(Float64)", "nan", "7.5"),
    ("Nullable(Float64)", "-0.", "7.5"),
    ("Nullable(Float32)", "0.1", "7.5"),
    ("Nullable(BFloat16)", "3.15625", "7.5"),
    ("Nullable(Decimal(38, 10))", "'1234567890123456789012345678.0123456789'", "7.5"),
    ("Nullable(Decimal(9, 4))", "1.25", "7.5"),
    ("Nullable(Bool)", "true", "false"),
    ("Nullable(String)", r#"'it''s "ü🦀" \\ \n\t\0\x01/ {x:UInt8} ?'"#, r#""x""#),
    ("Nullable(String)", "''", r#""x""#),
    ("Nullable(String)", "'null'", r#""x""#),
    ("Nullable(FixedString(4))", "'ab'", r#""abcd""#),
    ("Nullable(Date32)", "'1900-01-01'", r#""2024-06-15""#),
    ("Nullable(DateTime)", "'2024-06-15 12:00:00'", r#""2024-06-15T12:00:00Z""#),
    ("Nullable(DateTime64(3, 'Asia/Tokyo'))", "'2024-06-15 12:00:00.5'", r#""2024-06-15T12:00:00Z""#),
    // The clocks show this time twice.
    (
        "Nullable(DateTime64(9, 'Europe/Zurich'))",
        "'2024-10-27 02:30:00.123456789'",
        r#""2024-06-15T12:00:00Z""#,
    ),
    ("Nullable(DateTime64(1, 'UTC'))", "'1969-12-31 23:59:59.9'", r#""2024-06-15T12:00:00Z""#),
    ("Nullable(Time64(3))", "'-12:34:56.5'", r#""12:00:00""#),
    ("Nullable(UUID)", "'61f0c404-5cb3-11e7-907b-a6006ad3dba0'", r#""00000000-0000-0000-0000-000000000000""#),
    ("Nullable(IPv4)", "'1.2.3.4'", r#""0.0.0.0""#),
    ("Nullable(IPv6)", "'::ffff:1.2.3.4'", r#""2001:db8::1""#),
    ("Nullable(Enum8('a' = 1, 'it\\'s' = 2))", "'it\\'s'", r#""a""#),
    ("LowCardinality(Nullable(String))", "'x'", r#""y""#),
    ("LowCardinality(Nullable(String))", "NULL", r#""y""#),
    ("Array(UInt8)", "[1, 2]", "[3]"),
    ("Array(UInt8)", "[]", "[3]"),
    ("Array(UInt8)", "emptyArrayUInt8()", "[3]"),
    ("Array(UInt64)", "array(1, 18446744073709551615)", "[3]"),
    ("Array(Nullable(String))", "['a', NULL, '']", r#"[null,"x"]"#),
    ("Array(Array(Float32))", "[[0.1, nan], []]", "[[7.5]]"),
    ("Array(LowCardinality(String))", "['a', 'a', 'b']", r#"["x"]"#),
    ("Map(String, UInt8)", "map('a\"', 1, '', 2)", r#"{"b":3}"#),
    ("Map(String, UInt8)", "map()", r#"{"b":3}"#),
    ("Map(LowCardinality(String), Nullable(UInt8))", "map('a', NULL)", r#"{"b":3}"#),
    ("Map(DateTime('Asia/Tokyo'), Array(UInt8))", "map('2024-06-15 12:00:00', [1])", "{}"),
    ("Tuple(UInt8, Nullable(String))", "(1, NULL)", r#"[2,"x"]"#),
    ("Tuple(UInt8)", "tuple(1)", "[2]"),
    ("Tuple(a UInt8, `b c` String)", "(1, 'x')", r#"{"a":2,"b c":"y"}"#),
    (
        "Tuple(a Tuple(b Array(UInt8)), c Nullable(UInt8))",
        "tuple(tuple([1]), NULL)",
        r#"{"a":{"b":[]},"c":1}"#,
    ),
    ("Array(Tuple(x UInt8, y Nullable(Date)))", "[(1, '2024-01-01')]", r#"[{"x":2,"y":null}]"#),
    ("Point", "(1, 2.5)", "[0,0]"),
    ("Ring", "[(0, 0), (1, 2.5)]", "[]"),
    ("SimpleAggregateFunction(groupArrayArray, Array(UInt8))", "[1]", "[2]"),
    ("SimpleAggregateFunction(max, Nullable(UInt8))", "1", "2"),
    ("Nullable(JSON)", r#"'{"a":1,"b":{"c":[1,null]}}'"#, r#"{"b":2}"#),
    ("Nullable(JSON)", r#"'{"a":"2024-02-30","b":"2024-01-01 00:00:00"}'"#, r#"{"b":2}"#),
    ("Array(JSON)", r#"['{"a":"x"}', '{}']"#, r#"[{"b":2}]"#),
    ("Tuple(j JSON, n UInt8)", r#"('{"a":true}', 1)"#, r#"{"j":{},"n":2}"#),
    ("Dynamic", "'x'", r#""y""#),
    ("Variant(String, UInt64)", "'x'", r#""y""#),
    ("Map(String, Dynamic)", "map('a', 'x')", r#"{"b":"y"}"#),
];

/// Literals that a table without a `JSON` takes.
const LITERALS_OF_UNIONS: &[Case] = &[
    ("Dynamic", "5::Int64", "7"),
    ("Dynamic", "true", "false"),
    ("Dynamic", "1.5", "7.5"),
    ("Dynamic", "[1, NULL]::Array(Nullable(Int64))", "[2,null]"),
    ("Variant(String, UInt64)", "5::UInt64", "7"),
    ("Variant(Array(Nullable(Int64)), Bool)", "'[1]'::Array(Nullable(Int64))", "true"),
    ("Variant(Decimal(9, 2), String)", "1.5::Decimal(9, 2)", r#""y""#),
    ("Array(Variant(String, UInt64))", "['x'::Variant(String, UInt64), 5::UInt64]", "[7]"),
];

/// Defaults of which the event is rejected: no literals, and literals that the field itself could not have.
const NOT_FILLED_IN: &[Case] = &[
    ("Nullable(DateTime)", "now()", r#""2024-06-15T12:00:00Z""#),
    ("Nullable(UInt64)", "id", "7"),
    ("Nullable(UInt8)", "1 + 2", "7"),
    ("Array(UInt64)", "[id]", "[7]"),
    ("Array(UInt8)", "range(3)", "[7]"),
    ("Map(String, UInt8)", "map('a', 1, 'a', 2)", r#"{"b":3}"#),
    ("Dynamic", "5", "7"),
    ("Dynamic", "'2024-01-01'::Date", "7"),
    ("Variant(Int64, UInt64)", "5::UInt64", "7"),
];

/// Beside a `JSON`, where these types travel as texts.
const NOT_FILLED_IN_AS_TEXT: &[Case] = &[
    ("Dynamic", "5::Int64", r#""y""#),
    ("Dynamic", "true", r#""y""#),
    ("Variant(String, UInt64)", "5::UInt64", r#""y""#),
];

/// A table of one column, one like it that the engine inserts into, and what is said of both.
async fn check(case: Case, more: &str, is_filled_in: bool) -> Option<String> {
    let (data_type, default, value) = case;
    let columns = format!("id UInt64, x {data_type} DEFAULT {default} {more}");
    let fixture = Fixture::new(&columns).await;
    let peer = format!("{}.peer", fixture.table.database());
    fixture.execute(&format!("CREATE TABLE {peer} ({columns}) ENGINE = MergeTree ORDER BY tuple()")).await;
    let mut events = vec![
        r#"{"id":1}"#.to_owned(),
        format!(r#"{{"id":2,"x":{value}}}"#),
        r#"{"id":3}"#.to_owned(),
        format!(r#"{{"x":{value},"id":4}}"#),
    ];
    let takes_null = ["Nullable(", "LowCardinality(Nullable(", "SimpleAggregateFunction(max, Nullable("]
        .iter()
        .any(|nullable| data_type.starts_with(nullable));
    if takes_null {
        events.push(r#"{"id":5,"x":null}"#.to_owned());
    }
    let all = u64::try_from(events.len()).unwrap();
    let absent = if is_filled_in { 0 } else { 2 };
    let BatchReport { delivered, quarantined, .. } = match fixture.deliver(&batch(0, events.clone())).await {
        Ok(report) => report,
        Err(error) => return Some(format!("{case:?}{more}: {error}")),
    };
    if (delivered, quarantined) != (all - absent, absent) {
        let reasons = fixture.rows("SELECT raw_data, error_message FROM {q}").await;
        return Some(format!(
            "{case:?}{more}: {delivered} delivered, {quarantined} quarantined: {reasons:?}"
        ));
    }
    if !is_filled_in {
        events.retain(|event| event.contains("\"x\""));
        let kinds = fixture.rows("SELECT DISTINCT error_type AS kind, column FROM {q}").await;
        if kinds != [json!({"kind": "missing_field", "column": "x"})] {
            return Some(format!("{case:?}{more}: {kinds:?}"));
        }
    }
    fixture
        .execute(&format!(
            "INSERT INTO {peer} SETTINGS date_time_input_format = 'best_effort', \
             input_format_try_infer_dates = 0, input_format_try_infer_datetimes = 0 \
             FORMAT JSONEachRow {}",
            events.join("\n")
        ))
        .await;
    // To the last bit, with the types within; but not of a `JSON`: the engine keeps a default's numbers as the smallest
    // type, those of events, ours among them, as an `Int64`.
    let bytes = if data_type.contains("JSON") { "''" } else { "hex(formatRow('RowBinary', x))" };
    let query = format!("SELECT id, toString(x) AS text, {bytes} AS bytes FROM {{from}} ORDER BY id");
    let ours = fixture.rows(&query.replace("{from}", "{t}")).await;
    let theirs = fixture.rows(&query.replace("{from}", &peer)).await;
    (ours != theirs).then(|| format!("{case:?}{more}:\n  ours {ours:?}\n  peer {theirs:?}"))
}

async fn check_all(cases: &[Case], more: &str, are_filled_in: bool) {
    let mut wrong = Vec::new();
    for case in cases {
        wrong.extend(check(*case, more, are_filled_in).await);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// With a `JSON` in the table the engine reads Arrow in another way.
const BESIDE_JSON: &str = ", doc JSON DEFAULT '{}'";

#[tokio::test]
async fn a_null_asks_for_a_default() {
    for more in ["", BESIDE_JSON] {
        check_all(ASKED_FOR, more, true).await;
    }
}

#[tokio::test]
async fn a_literal_is_filled_in() {
    check_all(LITERALS, "", true).await;
}

#[tokio::test]
async fn a_literal_is_filled_in_beside_a_json() {
    check_all(LITERALS, BESIDE_JSON, true).await;
}

#[tokio::test]
async fn a_literal_of_several_types_is_of_the_type_that_it_was() {
    check_all(LITERALS_OF_UNIONS, "", true).await;
    check_all(NOT_FILLED_IN_AS_TEXT, BESIDE_JSON, false).await;
}

#[tokio::test]
async fn no_other_default_is_replaced_by_anything() {
    check_all(NOT_FILLED_IN, "", false).await;
}

/// What another has begun is finished with the default of then, and only later events get that of now.
#[tokio::test]
async fn an_open_range_keeps_its_literals() {
    let fixture = Fixture::new("id UInt64, x Array(UInt8) DEFAULT [1]").await;
    let inner = Arc::new(MemoryLedger::default());
    let failing = FailingLedger { inner: Arc::clone(&inner), writes_left: 0.into(), takes_effect: true };
    let deliverer =
        |ledger| Deliverer::new(fixture.deliverer.warehouse().clone(), ledger, Arc::new(SystemClock));
    let events = [r#"{"id":1}"#, r#"{"id":2,"x":[7]}"#];
    let dies = deliverer(Arc::new(failing));
    dies.deliver(&fixture.target().await, &batch(0, events), None).await.unwrap_err();
    assert_eq!(fixture.count("SELECT count() AS n FROM {t}").await, 0);
    fixture.execute(&format!("ALTER TABLE {} MODIFY COLUMN x DEFAULT [2]", fixture.table)).await;
    let next = deliverer(inner);
    let events = events.into_iter().chain([r#"{"id":3}"#]);
    next.deliver(&fixture.target().await, &batch(0, events), None).await.unwrap();
    let rows = [json!({"id": 1, "x": [1]}), json!({"id": 2, "x": [7]}), json!({"id": 3, "x": [2]})];
    assert_eq!(fixture.rows("SELECT * FROM {t} ORDER BY id").await, rows);
}

/// The ledger keeps none that is large, as an expression or as a value.
#[tokio::test]
async fn a_large_literal_leaves_the_others_alone() {
    let (large, larger_as_json) = ("x".repeat(20_000), "\u{1}".repeat(4_000));
    let fixture = Fixture::new(&format!(
        "id UInt64, a Nullable(String) DEFAULT '{large}', b Nullable(String) DEFAULT '{larger_as_json}', \
         c Array(UInt8) DEFAULT [1]"
    ))
    .await;
    let events = [r#"{"id":1,"a":"y","b":"y"}"#, r#"{"id":2}"#, r#"{"id":3,"a":"y"}"#];
    let report = fixture.deliver(&batch(0, events)).await.unwrap();
    assert_eq!((report.delivered, report.quarantined), (1, 2));
    assert_eq!(fixture.rows("SELECT id, a, c FROM {t}").await, [json!({"id": 1, "a": "y", "c": [1]})]);
    let missing = fixture.rows("SELECT column FROM {q} ORDER BY sequence_number").await;
    assert_eq!(missing, [json!({"column": "a"}), json!({"column": "b"})]);
}

/// A `Nested` column is lists of equal length.
#[tokio::test]
async fn a_literal_list_beside_lists_of_another_length_is_no_row() {
    let fixture = Fixture::new("id UInt64, `n.a` Array(UInt8) DEFAULT [1], `n.b` Array(UInt8)").await;
    let events = [r#"{"id":1,"n.b":[7]}"#, r#"{"id":2,"n.b":[7,8]}"#, r#"{"id":3,"n.a":[],"n.b":[]}"#];
    let report = fixture.deliver(&batch(0, events)).await.unwrap();
    assert_eq!((report.delivered, report.quarantined), (2, 1));
    let rows = [json!({"id": 1, "n.a": [1], "n.b": [7]}), json!({"id": 3, "n.a": [], "n.b": []})];
    assert_eq!(fixture.rows("SELECT * FROM {t} ORDER BY id").await, rows);
}

/// A dictionary with a value twice ClickHouse refuses, so that the rows would be inserted one by one.
#[tokio::test]
async fn equal_values_are_one_insert() {
    let types = [
        ("LowCardinality(String)", r#""y""#),
        ("LowCardinality(FixedString(2))", r#""yy""#),
        ("LowCardinality(Date)", r#""2026-01-31""#),
        ("LowCardinality(UInt64)", "7"),
        ("LowCardinality(Float64)", "1.5"),
        ("LowCardinality(IPv4)", r#""1.2.3.4""#),
        ("LowCardinality(UUID)", r#""61f0c404-5cb3-11e7-907b-a6006ad3dba0""#),
        ("LowCardinality(Bool)", "true"),
    ];
    for (data_type, value) in types {
        let statement = format!(
            "(id UInt64, x {data_type} DEFAULT defaultValueOfTypeName('{data_type}')) ENGINE = MergeTree ORDER BY id SETTINGS \
             non_replicated_deduplication_window = 10000, allow_suspicious_low_cardinality_types = 1"
        );
        let fixture = Fixture::with(&statement).await;
        fixture.execute(&format!("SYSTEM STOP MERGES {}", fixture.table)).await;
        let events = (0..40).map(|id| match id % 4 {
            0 => format!(r#"{{"id":{id}}}"#),
            _ => format!(r#"{{"id":{id},"x":{value}}}"#),
        });
        let report = fixture.deliver(&batch(0, events)).await.unwrap();
        assert_eq!((report.delivered, report.quarantined), (40, 0), "{data_type}");
        let kinds = fixture.rows("SELECT count() AS n FROM {t} GROUP BY x ORDER BY n").await;
        assert_eq!(kinds, [json!({"n": 10}), json!({"n": 30})], "{data_type}");
        let parts = "SELECT uniqExact(_part) AS n FROM {t}";
        assert_eq!(fixture.count(parts).await, 1, "{data_type}");
    }
}
