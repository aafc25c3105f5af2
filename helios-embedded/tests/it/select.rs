//! Results through the `clickhouse` client.

use std::io::Cursor;

use arrow_array::{Array, RecordBatch, StringArray, UInt64Array};
use arrow_ipc::reader::StreamReader;
use clickhouse::Row;
use serde::{Deserialize, Serialize};

use crate::support::{bare_client, client, engine};

#[derive(Debug, PartialEq, Row, Serialize, Deserialize)]
struct Event {
    id: u64,
    name: String,
    score: f64,
    tags: Vec<String>,
    note: Option<i32>,
}

const EVENTS: &str = "SELECT number AS id, concat('name\n\n', toString(number)) AS name, number / 2 AS score, \
                      [toString(number), ''] AS tags, if(number % 2 = 0, NULL, toInt32(number)) AS note \
                      FROM numbers(?)";

fn event(id: u32) -> Event {
    Event {
        id: id.into(),
        name: format!("name\n\n{id}"),
        score: f64::from(id) / 2.0,
        tags: vec![id.to_string(), String::new()],
        note: (id % 2 == 1).then(|| i32::try_from(id).unwrap()),
    }
}

#[tokio::test]
async fn typed_rows_are_fetched_at_once() {
    for validation in [true, false] {
        let client = bare_client().with_validation(validation);
        let events = client.query(EVENTS).bind(1_000).fetch_all::<Event>().await.unwrap();
        assert_eq!(events, (0..1_000).map(event).collect::<Vec<_>>());
    }
}

/// The stack is large enough for them.
#[tokio::test]
async fn deep_statements_are_answered() {
    let calls = format!("SELECT {}1{}", "toString(".repeat(300), ")".repeat(300));
    assert_eq!(bare_client().query(&calls).fetch_one::<String>().await.unwrap(), "1");
    let lists = format!("SELECT length(toString({}1{}))", "[".repeat(400), "]".repeat(400));
    assert_eq!(bare_client().query(&lists).fetch_one::<u64>().await.unwrap(), 801);
}

#[tokio::test]
async fn typed_rows_are_streamed() {
    let mut rows = bare_client().query(EVENTS).bind(300_000).fetch::<Event>().unwrap();
    for id in 0..300_000 {
        assert_eq!(rows.next().await.unwrap(), Some(event(id)));
    }
    assert_eq!(rows.next().await.unwrap(), None);
}

#[tokio::test]
async fn json_lines_are_fetched_as_bytes() {
    let mut cursor = bare_client()
        .query("SELECT number, 'a\\nb\"' AS s FROM numbers(200000) ORDER BY number")
        .fetch_bytes("JSONEachRow")
        .unwrap();
    let lines = String::from_utf8(cursor.collect().await.unwrap().to_vec()).unwrap();
    let rows: Vec<serde_json::Value> =
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rows.len(), 200_000);
    for (number, row) in rows.iter().enumerate() {
        assert_eq!(*row, serde_json::json!({"number": number, "s": "a\nb\""}));
    }
}

#[tokio::test]
async fn an_arrow_stream_of_several_blocks_is_one_valid_stream() {
    let mut cursor = bare_client()
        .with_setting("output_format_arrow_compression_method", "none")
        .with_setting("max_block_size", "10000")
        .query("SELECT number AS id, toString(number) AS text FROM numbers(300000) ORDER BY id")
        .fetch_bytes("ArrowStream")
        .unwrap();
    let bytes = cursor.collect().await.unwrap();
    let mut data = Cursor::new(&bytes);
    let batches: Vec<RecordBatch> =
        StreamReader::try_new(&mut data, None).unwrap().collect::<Result<_, _>>().unwrap();
    assert!(batches.len() > 1, "{} batch", batches.len());
    assert_eq!(usize::try_from(data.position()).unwrap(), bytes.len(), "bytes after the end of the stream");
    let mut next = 0_u64;
    for batch in &batches {
        let ids = batch.column(0).as_any().downcast_ref::<UInt64Array>().unwrap();
        let texts = batch.column(1).as_any().downcast_ref::<StringArray>().unwrap();
        for row in 0..batch.num_rows() {
            assert_eq!((ids.value(row), texts.value(row)), (next, next.to_string().as_str()));
            next += 1;
        }
    }
    assert_eq!(next, 300_000);
}

#[derive(Debug, PartialEq, Row, Deserialize)]
struct Bound {
    text: String,
    numbers: Vec<u32>,
}

#[tokio::test]
async fn parameters_are_bound_by_the_engine() {
    let hostile = "it's \\ \"x\"\n\n; DROP TABLE t -- \t{x:String}";
    let bound: Bound = bare_client()
        .query("SELECT {text:String} AS text, {numbers:Array(UInt32)} AS numbers")
        .param("text", hostile)
        .param("numbers", vec![1_u32, 2, 3])
        .fetch_one()
        .await
        .unwrap();
    assert_eq!(bound, Bound { text: hostile.to_owned(), numbers: vec![1, 2, 3] });

    let client = client().await;
    client.query("CREATE TABLE `odd name` (a UInt8) ENGINE = Memory").execute().await.unwrap();
    let rows: u64 = client
        .query("SELECT count() FROM {table:Identifier}")
        .param("table", "odd name")
        .fetch_one()
        .await
        .unwrap();
    assert_eq!(rows, 0);
}

#[tokio::test]
async fn settings_hold_for_their_request_only() {
    let client = bare_client();
    let asked = "SELECT toString(getSetting('max_block_size'))";
    let before: String = client.query(asked).fetch_one().await.unwrap();
    let with: String = client.query(asked).with_setting("max_block_size", "4321").fetch_one().await.unwrap();
    let after: String = client.query(asked).fetch_one().await.unwrap();
    assert_eq!(with, "4321");
    assert_eq!(before, after);
    let comment: String = client
        .query("SELECT toString(getSetting('log_comment'))")
        .with_setting("log_comment", "it's mine")
        .fetch_one()
        .await
        .unwrap();
    assert!(comment.ends_with(" it's mine"), "{comment}");
}

#[tokio::test]
async fn the_database_of_a_client_is_the_current_one() {
    let one = client().await;
    let two = client().await;
    for (client, value) in [(&one, 1), (&two, 2)] {
        client.query("CREATE TABLE t (a UInt8) ENGINE = Memory").execute().await.unwrap();
        client.query("INSERT INTO t VALUES (?)").bind(value).execute().await.unwrap();
    }
    assert_eq!(one.query("SELECT a FROM t").fetch_one::<u8>().await.unwrap(), 1);
    assert_eq!(two.query("SELECT a FROM t").fetch_one::<u8>().await.unwrap(), 2);
    let odd = bare_client();
    odd.query("CREATE DATABASE IF NOT EXISTS `odd ``na\\\\me` ENGINE = Atomic").execute().await.unwrap();
    let name = "odd `na\\me";
    let current: String =
        odd.with_database(name).query("SELECT currentDatabase()").fetch_one().await.unwrap();
    assert_eq!(current, name);
}

#[tokio::test]
async fn statements_of_every_kind_answer() {
    let client = client().await;
    client.query("CREATE TABLE t (a UInt8, b String) ENGINE = MergeTree ORDER BY a").execute().await.unwrap();
    client.query("INSERT INTO t SELECT number, 'x' FROM numbers(10)").execute().await.unwrap();
    for (statement, expected) in [
        ("SHOW TABLES", "t\n"),
        ("EXISTS TABLE t", "1\n"),
        (
            "DESCRIBE TABLE t FORMAT CSV",
            "\"a\",\"UInt8\",\"\",\"\",\"\",\"\",\"\"\n\"b\",\"String\",\"\",\"\",\"\",\"\",\"\"\n",
        ),
        ("EXPLAIN AST DROP TABLE t", "DropQuery  t (children 1)\n Identifier t\n"),
        ("(SELECT 1) UNION ALL (SELECT 1)", "1\n1\n"),
        ("FROM t SELECT count()", "10\n"),
        ("WITH 5 AS x SELECT x", "5\n"),
        ("SELECT a FROM t WHERE a = 1;", "1\n"),
        ("SELECT a FROM t WHERE a = 99", ""),
        ("-- first\nSELECT /* ; */ 1 -- last", "1\n"),
        ("ALTER TABLE t ADD COLUMN c UInt8", ""),
        ("KILL QUERY WHERE 0", ""),
        ("SELECT ';' AS `FORMAT JSON`", ";\n"),
    ] {
        let mut cursor = client.query(statement).fetch_bytes("TabSeparatedRaw").unwrap();
        let answer = String::from_utf8(cursor.collect().await.unwrap().to_vec()).unwrap();
        assert_eq!(answer, expected, "{statement}");
    }
}

#[tokio::test]
async fn the_default_database_is_atomic() {
    let client = bare_client();
    let kind: String =
        client.query("SELECT engine FROM system.databases WHERE name = 'default'").fetch_one().await.unwrap();
    assert_eq!(kind, "Atomic");
    let version: String = client.query("SELECT version()").fetch_one().await.unwrap();
    assert_eq!(version, engine().version());
}
