//! Queries: the documented JSON, for every type.

use futures_util::TryStreamExt as _;
use helios_core::{ErrorKind, HeliosClient, QueryId, QueryOptions, TimeForm};
use serde_json::{Value, json};

use crate::shop::{client, database};

async fn answer(sql: &str) -> Value {
    let chunks: Vec<_> = client().query(sql).json().await.unwrap().try_collect().await.unwrap();
    serde_json::from_slice(&chunks.concat()).unwrap()
}

#[tokio::test]
async fn answers_in_the_documented_form() {
    assert_eq!(
        answer("SELECT number AS n, toString(number) AS s FROM numbers(2)").await,
        json!({
            "data": [{ "n": 0, "s": "0" }, { "n": 1, "s": "1" }],
            "metadata": {
                "query": "SELECT number AS n, toString(number) AS s FROM numbers(2)",
                "row_count": 2,
                "column_names": ["n", "s"],
                "column_types": ["UInt64", "String"],
            },
        })
    );
}

#[tokio::test]
async fn an_empty_result_has_its_columns() {
    let answer = answer("SELECT 1 AS a WHERE 0").await;
    assert_eq!(answer["data"], json!([]));
    assert_eq!(answer["metadata"]["column_names"], json!(["a"]));
    assert_eq!(answer["metadata"]["row_count"], 0);
}

/// Expression, ClickHouse's type, the JSON text of its value.
const VALUES: &[(&str, &str, &str)] = &[
    ("true", "Bool", "true"),
    ("toInt8(-128)", "Int8", "-128"),
    ("18446744073709551615", "UInt64", "18446744073709551615"),
    (
        "toInt128('-170141183460469231731687303715884105728')",
        "Int128",
        "-170141183460469231731687303715884105728",
    ),
    (
        "toUInt256('115792089237316195423570985008687907853269984665640564039457584007913129639935')",
        "UInt256",
        "115792089237316195423570985008687907853269984665640564039457584007913129639935",
    ),
    ("toFloat32(0.5)", "Float32", "0.5"),
    ("nan", "Float64", "null"),
    ("inf", "Float64", "null"),
    ("-inf", "Float64", "null"),
    ("toDecimal64('12.345', 3)", "Decimal(18, 3)", "12.345"),
    ("toDecimal256('1.5', 2)", "Decimal(76, 2)", "1.5"),
    ("'a \"quoted\" \\\\ / line\\n'", "String", r#""a \"quoted\" \\ / line\n""#),
    ("toFixedString('ab', 4)", "FixedString(4)", r#""ab\u0000\u0000""#),
    ("unhex('61FF62')", "String", "\"a\u{fffd}b\""),
    ("toDate('2026-11-23')", "Date", r#""2026-11-23""#),
    ("toDate32('1900-01-01')", "Date32", r#""1900-01-01""#),
    ("toDateTime('2026-11-23 10:00:00', 'UTC')", "DateTime('UTC')", r#""2026-11-23T10:00:00Z""#),
    (
        "toDateTime('2026-07-01 12:00:00', 'Europe/Berlin')",
        "DateTime('Europe/Berlin')",
        r#""2026-07-01T10:00:00Z""#,
    ),
    (
        "toDateTime64('2026-11-23 10:00:00.123', 3, 'UTC')",
        "DateTime64(3, 'UTC')",
        r#""2026-11-23T10:00:00.123Z""#,
    ),
    ("toUUID('61f0c404-5cb3-11e7-907b-a6006ad3dba0')", "UUID", r#""61f0c404-5cb3-11e7-907b-a6006ad3dba0""#),
    ("toIPv4('192.0.2.1')", "IPv4", r#""192.0.2.1""#),
    ("toIPv6('2001:db8::1')", "IPv6", r#""2001:db8::1""#),
    ("CAST('b', 'Enum8(\\'a\\' = 1, \\'b\\' = 2)')", "Enum8('a' = 1, 'b' = 2)", r#""b""#),
    ("[1, nan]", "Array(Float64)", "[1,null]"),
    ("map('k', [1])", "Map(String, Array(UInt8))", r#"{"k":[1]}"#),
    ("tuple(1, 'x')", "Tuple(UInt8, String)", r#"[1,"x"]"#),
    ("CAST((1, 'x'), 'Tuple(a UInt8, b String)')", "Tuple(a UInt8, b String)", r#"{"a":1,"b":"x"}"#),
    ("CAST([(1, 'x')], 'Nested(a UInt8, b String)')", "Nested(a UInt8, b String)", r#"[{"a":1,"b":"x"}]"#),
    ("CAST('{\"a\":{\"b\":[1,2]}}', 'JSON')", "JSON", r#"{"a":{"b":[1,2]}}"#),
    ("CAST(1, 'Variant(String, UInt8)')", "Variant(String, UInt8)", "1"),
    ("CAST('x', 'Dynamic')", "Dynamic", r#""x""#),
    ("CAST(NULL, 'Nullable(UInt8)')", "Nullable(UInt8)", "null"),
    ("CAST('x', 'LowCardinality(Nullable(String))')", "LowCardinality(Nullable(String))", r#""x""#),
];

#[tokio::test]
async fn every_type_is_valid_json() {
    for &(expression, data_type, json) in VALUES {
        let sql = format!("SELECT {expression} AS v");
        let result = client().query(&sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
        assert_eq!(result.metadata.column_types, [data_type], "{sql}");
        assert_eq!(result.data[0].get(), format!("{{\"v\":{json}}}"), "{sql}");
        serde_json::from_str::<Value>(result.data[0].get()).unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
}

#[tokio::test]
async fn big_integers_are_text_on_request() {
    let options = QueryOptions { quote_64bit_integers: true, ..QueryOptions::default() };
    let result = client().query_with("SELECT 18446744073709551615 AS v", &options).await.unwrap();
    assert_eq!(result.data[0].get(), r#"{"v":"18446744073709551615"}"#);
}

#[tokio::test]
async fn parameters_stay_values() {
    let hostile = "x' OR 1 = 1 --\\ \n\t`";
    let result =
        client().query("SELECT {v:String} AS v, {n:UInt8} AS n").param("v", hostile).param("n", 7).await;
    let rows: Vec<Value> = result.unwrap().rows().unwrap();
    assert_eq!(rows, [json!({ "v": hostile, "n": 7 })]);
}

#[tokio::test]
async fn the_database_can_be_chosen() {
    let database = database().await;
    let warehouse = client().warehouse().clone();
    warehouse
        .execute(&format!("CREATE TABLE {database}.t (a UInt8) ENGINE = MergeTree ORDER BY a"))
        .await
        .unwrap();
    let result = client().query("SELECT count() AS n FROM t").database(&database).await.unwrap();
    assert_eq!(result.data[0].get(), r#"{"n":0}"#);
}

#[tokio::test]
async fn rows_read_as_a_type_and_say_which_does_not_fit() {
    let result = client().query("SELECT if(number = 1, NULL, number) AS n FROM numbers(3)").await.unwrap();
    #[derive(Debug, serde::Deserialize)]
    struct Row {
        #[expect(dead_code, reason = "only read")]
        n: u64,
    }
    let error = result.rows::<Row>().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.message().starts_with("row 1 does not fit"), "{error}");
}

#[tokio::test]
async fn bad_sql_is_an_error_with_clickhouses_number() {
    for (sql, kind, code) in [
        ("", ErrorKind::InvalidQuery, None),
        (" \n ", ErrorKind::InvalidQuery, None),
        ("SELEC 1", ErrorKind::InvalidQuery, Some(62)),
        ("SELECT 1; SELECT 2", ErrorKind::InvalidQuery, Some(62)),
        ("SELECT 1; DROP TABLE x", ErrorKind::InvalidQuery, Some(62)),
        ("SELECT nope", ErrorKind::InvalidQuery, Some(47)),
        ("SELECT nope(1)", ErrorKind::InvalidQuery, Some(46)),
        ("SELECT * FROM nope", ErrorKind::NotFound, Some(60)),
        ("SELECT * FROM nope.nope", ErrorKind::NotFound, Some(81)),
        ("SELECT {missing:UInt8}", ErrorKind::InvalidQuery, Some(456)),
        ("SELECT 1 FORMAT CSV", ErrorKind::InvalidQuery, None),
        ("SELECT 1 FORMAT Null", ErrorKind::InvalidQuery, None),
        ("SELECT 1 WHERE 0 FORMAT CSV", ErrorKind::InvalidQuery, None),
        ("SELECT 1 SETTINGS nope = 1", ErrorKind::InvalidQuery, Some(115)),
        ("SELECT throwIf(number = 3) FROM numbers(10)", ErrorKind::InvalidQuery, Some(395)),
    ] {
        let error = client().query(sql).await.unwrap_err();
        assert_eq!((error.kind(), error.server_code()), (kind, code), "{sql}: {error}");
        assert_eq!(error.operation(), "query", "{sql}");
    }
}

#[tokio::test]
async fn an_error_after_the_first_row_ends_the_stream_with_it() {
    let sql = "SELECT throwIf(number = 3000000) AS x FROM numbers(10000000) SETTINGS max_block_size = 1000";
    let mut stream = client().query(sql).json().await.unwrap();
    let mut bytes = 0;
    let error = loop {
        match stream.try_next().await {
            Ok(Some(chunk)) => bytes += chunk.len(),
            Ok(None) => panic!("a cut result passed for a whole one"),
            Err(error) => break error,
        }
    };
    assert!(bytes > 1000, "the error came before the first row");
    assert_eq!(error.server_code(), Some(395));
    assert!(stream.try_next().await.unwrap().is_none(), "an error ends the stream");
}

#[tokio::test]
async fn a_large_result_streams_whole() {
    let sql = "SELECT number AS a, toString(number) AS b FROM numbers(300000)";
    let answer = answer(sql).await;
    let rows = answer["data"].as_array().unwrap();
    assert_eq!(rows.len(), 300_000);
    assert_eq!(answer["metadata"]["row_count"], 300_000);
    assert!(
        rows.iter().enumerate().all(|(index, row)| row["a"] == index && row["b"] == json!(index.to_string()))
    );
}

#[tokio::test]
async fn an_unreachable_server_is_unavailable() {
    let client = HeliosClient::builder().clickhouse_url("http://127.0.0.1:1").build().unwrap();
    let error = client.query("SELECT 1").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.is_retryable());
    assert!(error.message().contains("check `clickhouse_url`"), "{error}");
}

/// The place is that of the text as it was given, on every path.
#[tokio::test(flavor = "multi_thread")]
async fn a_syntax_error_says_where() {
    for (sql, offset, line, column) in [
        ("SELEC 1", 0, 1, 1),
        ("SELECT 1 +", 10, 1, 11),
        ("SELECT 'Zürich' AS a,\n  'x' 'y' z w\nFROM t", 29, 2, 7),
    ] {
        let options = QueryOptions::default();
        let json = client().query_json(sql, &options).await.unwrap_err();
        let arrow = client().query_arrow(sql, &options).await.unwrap_err();
        for error in [json, arrow] {
            assert_eq!(error.server_code(), Some(62), "{error}");
            assert_eq!(error.server_error_name(), Some("SYNTAX_ERROR"), "{error}");
            let place = error.position().unwrap_or_else(|| panic!("no place in {error}"));
            assert_eq!((place.offset, place.line, place.column), (offset, line, column), "{sql}: {error}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_is_exact_and_a_name_is_kept() {
    let id = QueryId::new("report-7").unwrap();
    let options = QueryOptions { limit: Some(3), query_id: Some(id.clone()), ..QueryOptions::default() };
    for sql in ["SELECT number FROM numbers(100000)", "SELECT number FROM numbers(100000) LIMIT 50"] {
        assert_eq!(client().query_json(sql, &options).await.unwrap().query_id(), &id);
        let result = client().query_with(sql, &options).await.unwrap();
        assert_eq!(result.metadata.row_count, 3, "{sql}");
        let mut arrow = client().query_arrow(sql, &options).await.unwrap();
        let mut rows = 0;
        while let Some(batch) = arrow.try_next().await.unwrap() {
            rows += batch.num_rows();
        }
        assert_eq!(rows, 3, "{sql}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn times_are_written_as_asked() {
    for (times, expected) in [
        (TimeForm::Iso, r#"{"at":"2026-01-31T10:00:00Z"}"#),
        (TimeForm::Simple, r#"{"at":"2026-01-31 11:00:00"}"#),
        (TimeForm::UnixTimestamp, r#"{"at":"1769853600"}"#),
    ] {
        let options = QueryOptions { times, ..QueryOptions::default() };
        let sql = "SELECT toDateTime('2026-01-31 11:00:00', 'Europe/Zurich') AS at";
        let result = client().query_with(sql, &options).await.unwrap();
        assert_eq!(result.data[0].get(), expected);
    }
}
