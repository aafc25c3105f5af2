//! Queries as Arrow: real types, whatever ClickHouse carries them in.

use std::sync::Arc;

use arrow_array::{Array as _, RecordBatch, cast::AsArray as _, types::Int32Type};
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use arrow_schema::{DataType, Field};
use futures_util::TryStreamExt as _;
use helios_core::{ErrorKind, QueryOptions, WideIntegers, warehouse::TYPE_KEY};

use crate::shop::{client, rows};

async fn batches(sql: &str) -> (Vec<Field>, Vec<RecordBatch>) {
    let stream = client().query(sql).arrow().await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    let fields = stream.schema().fields().iter().map(|field| field.as_ref().clone()).collect();
    let batches = stream.try_collect().await.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    (fields, batches)
}

/// Expression, ClickHouse's type, the Arrow type, the value as Arrow shows it.
const VALUES: &[(&str, &str, &str, &str)] = &[
    ("true", "Bool", "Boolean", "true"),
    ("toInt8(-128)", "Int8", "Int8", "-128"),
    ("18446744073709551615", "UInt64", "UInt64", "18446744073709551615"),
    (
        "toInt128('-170141183460469231731687303715884105728')",
        "Int128",
        "Utf8",
        "-170141183460469231731687303715884105728",
    ),
    (
        "toUInt256('115792089237316195423570985008687907853269984665640564039457584007913129639935')",
        "UInt256",
        "Utf8",
        "115792089237316195423570985008687907853269984665640564039457584007913129639935",
    ),
    ("toFloat32(0.5)", "Float32", "Float32", "0.5"),
    ("nan", "Float64", "Float64", "NaN"),
    ("toBFloat16(1.5)", "BFloat16", "Float32", "1.5"),
    ("toDecimal64('12.345', 3)", "Decimal(18, 3)", "Decimal128(18, 3)", "12.345"),
    ("toDecimal256('1.5', 2)", "Decimal(76, 2)", "Decimal256(76, 2)", "1.50"),
    ("'a \\'text\\''", "String", "Utf8", "a 'text'"),
    ("unhex('61FF62')", "String", "Utf8", "a\u{fffd}b"),
    ("toFixedString('ab', 4)", "FixedString(4)", "Utf8", "ab\0\0"),
    ("toDate('2026-11-23')", "Date", "Date32", "2026-11-23"),
    ("toDate32('1900-01-01')", "Date32", "Date32", "1900-01-01"),
    (
        "toDateTime('2026-11-23 10:00:00', 'UTC')",
        "DateTime('UTC')",
        "Timestamp(s, \"UTC\")",
        "2026-11-23T10:00:00Z",
    ),
    (
        "toDateTime('2026-07-01 12:00:00', 'Europe/Berlin')",
        "DateTime('Europe/Berlin')",
        "Timestamp(s, \"Europe/Berlin\")",
        "2026-07-01T12:00:00+02:00",
    ),
    (
        "toDateTime64('2026-11-23 10:00:00.123', 3, 'UTC')",
        "DateTime64(3, 'UTC')",
        "Timestamp(ms, \"UTC\")",
        "2026-11-23T10:00:00.123Z",
    ),
    (
        "toDateTime64('1970-01-01 00:00:00.123456789', 9, 'UTC')",
        "DateTime64(9, 'UTC')",
        "Timestamp(ns, \"UTC\")",
        "1970-01-01T00:00:00.123456789Z",
    ),
    ("CAST('-999:59:59', 'Time')", "Time", "Duration(s)", "-PT3599999S"),
    ("CAST('25:00:00.123', 'Time64(3)')", "Time64(3)", "Duration(ms)", "PT90000.123S"),
    (
        "toUUID('61f0c404-5cb3-11e7-907b-a6006ad3dba0')",
        "UUID",
        "Utf8",
        "61f0c404-5cb3-11e7-907b-a6006ad3dba0",
    ),
    ("toIPv4('192.0.2.1')", "IPv4", "Utf8", "192.0.2.1"),
    ("toIPv6('2001:db8::1')", "IPv6", "Utf8", "2001:db8::1"),
    (
        "CAST('b', 'Enum8(\\'a\\' = -1, \\'b\\' = 2)')",
        "Enum8('a' = -1, 'b' = 2)",
        "Dictionary(Int32, Utf8)",
        "b",
    ),
    ("CAST('b', 'Enum16(\\'b\\' = 1000)')", "Enum16('b' = 1000)", "Dictionary(Int32, Utf8)", "b"),
    ("toLowCardinality('x')", "LowCardinality(String)", "Dictionary(Int32, Utf8)", "x"),
    (
        "CAST(NULL, 'LowCardinality(Nullable(String))')",
        "LowCardinality(Nullable(String))",
        "Dictionary(Int32, Utf8)",
        "",
    ),
    ("CAST(NULL, 'Nullable(UInt8)')", "Nullable(UInt8)", "UInt8", ""),
    (
        "[toDateTime('2026-11-23 10:00:00', 'UTC')]",
        "Array(DateTime('UTC'))",
        "List(non-null Timestamp(s, \"UTC\"), metadata: {\"clickhouse.type\": \"DateTime('UTC')\"})",
        "[2026-11-23T10:00:00Z]",
    ),
    ("tuple(toIPv4('192.0.2.1'), 'x')", "Tuple(IPv4, String)", "", "{1: 192.0.2.1, 2: x}"),
    ("CAST((1, 'x'), 'Tuple(a UInt8, b String)')", "Tuple(a UInt8, b String)", "", "{a: 1, b: x}"),
    ("map('k', toIPv4('192.0.2.1'))", "Map(String, IPv4)", "", "{k: 192.0.2.1}"),
    (
        "CAST([(1, 'x')], 'Nested(a UInt8, b Enum8(\\'x\\' = 1))')",
        "Nested(a UInt8, b Enum8('x' = 1))",
        "",
        "[{a: 1, b: x}]",
    ),
    ("CAST('{\"a\":{\"b\":[1,2]}}', 'JSON')", "JSON", "Utf8", r#"{"a":{"b":[1,2]}}"#),
    ("CAST('x', 'Dynamic')", "Dynamic", "Utf8", r#""x""#),
];

#[tokio::test]
async fn every_type_is_a_real_one() {
    for &(expression, clickhouse, arrow, shown) in VALUES {
        let sql = format!("SELECT {expression} AS v SETTINGS enable_time_time64_type = 1");
        let (fields, batches) = batches(&sql).await;
        let [field] = fields.as_slice() else { panic!("{sql}: {fields:?}") };
        assert_eq!(field.metadata().get(TYPE_KEY).map(String::as_str), Some(clickhouse), "{sql}");
        if !arrow.is_empty() {
            assert_eq!(field.data_type().to_string(), arrow, "{sql}");
        }
        assert_eq!(batches.len(), 1, "{sql}");
        assert_eq!(batches[0].schema().field(0), field, "{sql}: the batch has the schema told before it");
        let options = FormatOptions::default();
        let text = ArrayFormatter::try_new(batches[0].column(0), &options).unwrap().value(0).to_string();
        assert_eq!(text, shown, "{sql}");
    }
}

/// What is nested keeps its type and says what it is.
#[tokio::test]
async fn a_nested_value_is_a_real_one_too() {
    const ENUM: &str = "Enum8('a' = 1, 'b' = 2)";
    for (expression, inner, arrow, shown) in [
        ("[CAST('b', '{ENUM}')]", ENUM, "Dictionary(Int32, Utf8)", "[b]"),
        ("[toLowCardinality('x')]", "LowCardinality(String)", "Dictionary(Int32, Utf8)", "[x]"),
        (
            "CAST(['x', NULL], 'Array(LowCardinality(Nullable(String)))')",
            "LowCardinality(Nullable(String))",
            "Dictionary(Int32, Utf8)",
            "[x, ]",
        ),
        (
            "[toNullable(toDateTime(0, 'UTC'))]",
            "Nullable(DateTime('UTC'))",
            "Timestamp(s, \"UTC\")",
            "[1970-01-01T00:00:00Z]",
        ),
        ("[[toIPv4('192.0.2.1')]]", "Array(IPv4)", "List", "[[192.0.2.1]]"),
        ("map('k', CAST('b', '{ENUM}'))", ENUM, "Dictionary(Int32, Utf8)", "{k: b}"),
        (
            "map(toLowCardinality('k'), [toDateTime(0, 'UTC')])",
            "Array(DateTime('UTC'))",
            "List",
            "{k: [1970-01-01T00:00:00Z]}",
        ),
        ("tuple(CAST('b', '{ENUM}'))", ENUM, "Dictionary(Int32, Utf8)", "{1: b}"),
        (
            "tuple([toUUID('61f0c404-5cb3-11e7-907b-a6006ad3dba0')])",
            "Array(UUID)",
            "List",
            "{1: [61f0c404-5cb3-11e7-907b-a6006ad3dba0]}",
        ),
    ] {
        let sql = format!("SELECT {} AS v", expression.replace("{ENUM}", &ENUM.replace('\'', "\\'")));
        let (fields, batches) = batches(&sql).await;
        let nested = match fields[0].data_type() {
            DataType::List(element) => element,
            DataType::Struct(fields) => &fields[0],
            DataType::Map(entries, _) => match entries.data_type() {
                DataType::Struct(fields) => &fields[1],
                other => panic!("{sql}: {other}"),
            },
            other => panic!("{sql}: {other}"),
        };
        assert_eq!(nested.metadata().get(TYPE_KEY).map(String::as_str), Some(inner), "{sql}");
        assert!(nested.data_type().to_string().starts_with(arrow), "{sql}: {nested}");
        let is_nullable = inner.contains("Nullable");
        assert_eq!(nested.is_nullable(), is_nullable, "{sql}");
        assert_eq!(batches[0].schema().fields()[0].data_type(), fields[0].data_type(), "{sql}");
        let options = FormatOptions::default();
        let text = ArrayFormatter::try_new(batches[0].column(0), &options).unwrap().value(0).to_string();
        assert_eq!(text, shown, "{sql}");
    }
}

/// At the ends of their ranges, as text and as decimals; what no decimal holds is bytes.
#[tokio::test]
async fn wide_integers_are_decimals_on_request() {
    const INT128: [&str; 3] =
        ["-170141183460469231731687303715884105728", "170141183460469231731687303715884105727", "-1"];
    const UINT128: [&str; 3] = ["0", "340282366920938463463374607431768211455", "7"];
    for (data_type, values) in [("Int128", INT128), ("UInt128", UINT128)] {
        for (form, arrow) in [(WideIntegers::Text, "Utf8"), (WideIntegers::Decimal, "Decimal256(39, 0)")] {
            let sql = format!("SELECT arrayJoin(arrayMap(x -> to{data_type}(x), {values:?})) AS v, [v] AS a")
                .replace('"', "'");
            let stream = client().query(&sql).wide_integers(form).arrow().await.unwrap();
            let schema = Arc::clone(stream.schema());
            assert_eq!(schema.field(0).data_type().to_string(), arrow);
            assert!(schema.field(1).data_type().to_string().contains(arrow));
            let batches: Vec<_> = stream.try_collect().await.unwrap();
            let options = FormatOptions::default();
            for (row, value) in values.iter().enumerate() {
                let shown = |column: usize| {
                    let formatter = ArrayFormatter::try_new(batches[0].column(column), &options).unwrap();
                    formatter.value(row).to_string()
                };
                assert_eq!(
                    (shown(0), shown(1)),
                    ((*value).to_owned(), format!("[{value}]")),
                    "{data_type} {arrow}"
                );
            }
        }
    }
    let sql = "SELECT toInt256(-2) AS i, toUInt256(258) AS u";
    let stream = client().query(sql).wide_integers(WideIntegers::Decimal).arrow().await.unwrap();
    assert!(stream.schema().fields().iter().all(|field| *field.data_type() == DataType::FixedSizeBinary(32)));
    let batches: Vec<_> = stream.try_collect().await.unwrap();
    let bytes = |column: usize| batches[0].column(column).as_fixed_size_binary().value(0).to_vec();
    let (mut minus_two, mut u) = ([0xFF; 32], [0; 32]);
    minus_two[0] = 0xFE;
    (u[0], u[1]) = (2, 1);
    assert_eq!((bytes(0), bytes(1)), (minus_two.to_vec(), u.to_vec()));
}

#[tokio::test]
async fn a_variant_is_a_union_of_real_types() {
    let sql = "SELECT arrayJoin([toDateTime(0, 'UTC')::Variant(DateTime('UTC'), String), 'x', NULL]) AS v";
    let (fields, batches) = batches(sql).await;
    let arrow = fields[0].data_type().to_string();
    assert!(arrow.contains("Timestamp(s, \"UTC\")") && arrow.contains("non-null Utf8"), "{arrow}");
    let options = FormatOptions::default();
    let formatter = ArrayFormatter::try_new(batches[0].column(0), &options).unwrap();
    let shown: Vec<_> = (0..3).map(|row| formatter.value(row).to_string()).collect();
    assert_eq!(shown, ["{DateTime=1970-01-01T00:00:00Z}", "{String=x}", "{NULL=}"]);
}

#[tokio::test]
async fn an_empty_result_has_its_schema() {
    let (fields, batches) =
        batches("SELECT now('UTC') AS t, CAST('a', 'Enum8(\\'a\\' = 1)') AS e WHERE 0").await;
    let types: Vec<_> = fields.iter().map(|field| field.data_type().to_string()).collect();
    assert_eq!(types, ["Timestamp(s, \"UTC\")", "Dictionary(Int32, Utf8)"]);
    assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), 0);
}

#[tokio::test]
async fn statements_that_select_nothing_answer_too() {
    let (fields, batches) = self::batches("SHOW DATABASES").await;
    assert_eq!(fields[0].data_type().to_string(), "Utf8");
    assert!(batches[0].column(0).as_string::<i32>().iter().flatten().any(|name| name == "default"));
    let table = format!("t_{}", uuid::Uuid::new_v4().simple());
    let (fields, batches) = self::batches(&format!("CREATE TABLE {table} (a UInt8) ENGINE = Memory;")).await;
    assert_eq!((fields.len(), batches.len()), (0, 0));
    self::batches(&format!("INSERT INTO {table} SELECT number FROM numbers(3)")).await;
    assert_eq!(rows(&format!("SELECT count() AS n FROM {table}")).await, [r#"{"n":3}"#], "inserted once");
    self::batches(&format!("DROP TABLE {table}")).await;
}

#[tokio::test]
async fn a_large_result_streams_whole_and_low_cardinality_stays_small() {
    let sql = "SELECT number AS a, toLowCardinality(toString(number % 3)) AS b FROM numbers(1000000)";
    let mut stream = client().query(sql).arrow().await.unwrap();
    let (mut rows, mut batches, mut sum) = (0, 0, 0_u64);
    while let Some(batch) = stream.try_next().await.unwrap() {
        rows += batch.num_rows();
        batches += 1;
        sum += batch.column(0).as_primitive::<arrow_array::types::UInt64Type>().values().iter().sum::<u64>();
        let names = batch.column(1).as_dictionary::<Int32Type>();
        let values = names.values().as_string::<i32>();
        for row in [0, batch.num_rows() - 1] {
            let key = usize::try_from(names.keys().value(row)).unwrap();
            let number = batch.column(0).as_primitive::<arrow_array::types::UInt64Type>().value(row);
            assert_eq!(values.value(key), (number % 3).to_string());
        }
        assert!(names.values().len() < 10, "a dictionary");
    }
    assert_eq!((rows, sum), (1_000_000, 499_999_500_000));
    assert!(batches > 1);
}

#[tokio::test]
async fn parameters_database_and_limits_hold() {
    let options = QueryOptions {
        parameters: [("v", "x' OR 1")].into_iter().collect(),
        database: Some("system".to_owned()),
        ..QueryOptions::default()
    };
    let stream =
        client().query_arrow("SELECT {v:String} AS v, count() > 0 FROM one", &options).await.unwrap();
    let batches: Vec<_> = stream.try_collect().await.unwrap();
    assert_eq!(batches[0].column(0).as_string::<i32>().value(0), "x' OR 1");

    let options = QueryOptions { read_only: true, max_result_rows: Some(1), ..QueryOptions::default() };
    let two_columns = client().query_arrow("SELECT 1 AS a, 2 AS b", &options).await;
    assert!(two_columns.is_ok(), "the limit is on the result's rows, not on its columns");
    let stream = client().query_arrow("SELECT number FROM numbers(1000000)", &options).await;
    let error = match stream {
        Ok(stream) => stream.try_collect::<Vec<_>>().await.unwrap_err(),
        Err(error) => error,
    };
    assert_eq!(error.kind(), ErrorKind::LimitExceeded, "{error}");
    let error = client().query_arrow("DROP DATABASE default", &options).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
}

#[tokio::test]
async fn bad_sql_is_the_same_error_as_in_json() {
    for (sql, kind, code) in [
        ("", ErrorKind::InvalidQuery, None),
        ("SELEC 1", ErrorKind::InvalidQuery, Some(62)),
        ("SELECT FROM WHERE", ErrorKind::InvalidQuery, Some(62)),
        ("SELECT 1; SELECT 2", ErrorKind::InvalidQuery, Some(62)),
        ("SELECT 1; DROP TABLE x", ErrorKind::InvalidQuery, Some(62)),
        ("SELECT 1) UNION ALL (SELECT 2", ErrorKind::InvalidQuery, Some(62)),
        ("SELECT nope", ErrorKind::InvalidQuery, Some(47)),
        ("SELECT * FROM nope", ErrorKind::NotFound, Some(60)),
        ("SELECT {missing:UInt8}", ErrorKind::InvalidQuery, Some(456)),
        ("SELECT 1 SETTINGS nope = 1", ErrorKind::InvalidQuery, Some(115)),
        ("SELECT throwIf(number = 3) FROM numbers(10)", ErrorKind::InvalidQuery, Some(395)),
        ("SELECT 1 FORMAT CSV", ErrorKind::InvalidQuery, None),
        ("SELECT 1 FORMAT Null", ErrorKind::InvalidQuery, None),
        ("SELECT sumState(number) AS s FROM numbers(3)", ErrorKind::InvalidQuery, None),
        ("SELECT [tuple(groupArrayState(number))] AS s FROM numbers(3)", ErrorKind::InvalidQuery, None),
    ] {
        let error = match client().query(sql).arrow().await {
            Ok(stream) => stream.try_collect::<Vec<_>>().await.unwrap_err(),
            Err(error) => error,
        };
        assert_eq!((error.kind(), error.server_code()), (kind, code), "{sql}: {error:?}");
        assert_eq!(error.operation(), "query", "{sql}");
        assert!(!error.text().contains("DESCRIBE ("), "about the caller's own text: {sql}: {error}");
    }
}

#[tokio::test]
async fn what_follows_the_last_semicolon_is_no_reason_to_guess_types() {
    let error = client().query("SELECT CAST('a', 'Enum8(\\'a\\' = 1)'); -- x").arrow().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidQuery);
    assert!(error.message().contains("behind its last semicolon"), "{error}");
    let (_, batches) = batches("SELECT CAST('a', 'Enum8(\\'a\\' = 1)') -- x").await;
    assert_eq!(batches[0].num_rows(), 1);
}

#[tokio::test]
async fn an_error_after_the_first_batch_ends_the_stream_with_it() {
    let sql = "SELECT throwIf(number = 3000000) AS x FROM numbers(10000000) SETTINGS max_block_size = 1000";
    let mut stream = client().query(sql).arrow().await.unwrap();
    let mut seen = 0;
    let error = loop {
        match stream.try_next().await {
            Ok(Some(batch)) => seen += batch.num_rows(),
            Ok(None) => panic!("a cut result passed for a whole one"),
            Err(error) => break error,
        }
    };
    assert!(seen > 0, "the error came before the first row");
    assert_eq!(error.server_code(), Some(395));
    assert!(stream.try_next().await.unwrap().is_none(), "an error ends the stream");
}
