//! Inserts: typed, streamed, compressed, hostile, aborted.

use std::fmt::Write as _;

use clickhouse::{Client, Compression, Row};
use serde::{Deserialize, Serialize};

use crate::support::{client, code, count, eventually, raw, running};

#[derive(Clone, Debug, PartialEq, Row, Serialize, Deserialize)]
struct Line {
    id: u64,
    text: String,
}

async fn table(client: &Client) {
    client
        .query("CREATE TABLE t (id UInt64, text String) ENGINE = MergeTree ORDER BY id")
        .execute()
        .await
        .unwrap();
}

async fn lines(client: &Client) -> Vec<Line> {
    client.query("SELECT id, text FROM t ORDER BY id").fetch_all().await.unwrap()
}

/// Text that ends data, or is run, wherever data are put into SQL.
fn hostile(id: u64) -> Line {
    Line { id, text: format!("line {id}\n\ndrop table t\n\n;drop table t;\n'\\\"\u{0}") }
}

#[tokio::test]
async fn typed_rows_with_and_without_validation() {
    for compression in [Compression::None, Compression::Lz4, Compression::zstd()] {
        for validation in [true, false] {
            let client = client().await.with_validation(validation).with_compression(compression);
            table(&client).await;
            // 2570 rows of binary data have a blank line in their number.
            let expected: Vec<Line> = (0..20_000).map(hostile).collect();
            let mut insert = client.insert::<Line>("t").await.unwrap();
            for line in &expected {
                insert.write(line).await.unwrap();
            }
            insert.end().await.unwrap();
            assert_eq!(lines(&client).await, expected, "{compression:?}, validation {validation}");
        }
    }
}

#[tokio::test]
async fn a_streamed_body_of_30_megabytes() {
    const ROWS: u64 = 500_000;
    for compression in [Compression::None, Compression::Lz4, Compression::zstd()] {
        let client = client().await.with_compression(compression);
        table(&client).await;
        let mut insert = client.insert_formatted_with("INSERT INTO t FORMAT JSONEachRow");
        let (mut sent, mut id) = (0, 0);
        while id < ROWS {
            let mut piece = String::new();
            for _ in 0..5_000 {
                writeln!(piece, "{{\"id\":{id},\"text\":\"some text of row {id}, some more of it\"}}")
                    .unwrap();
                id += 1;
            }
            sent += piece.len();
            insert.send(piece.into()).await.unwrap();
        }
        insert.end().await.unwrap();
        assert!(sent > 30_000_000, "{sent}");
        let (rows, distinct, sum): (u64, u64, u64) =
            client.query("SELECT count(), uniqExact(id), sum(id) FROM t").fetch_one().await.unwrap();
        assert_eq!((rows, distinct, sum), (ROWS, ROWS, ROWS * (ROWS - 1) / 2));
    }
}

/// As on a server: the statement says what becomes of the data, and with which structure they are read.
#[tokio::test]
async fn a_select_reads_the_data_through_input() {
    let client = client().await;
    table(&client).await;
    for (statement, data) in [
        (
            "INSERT INTO t (id, text) SELECT n + 1, upper(s) FROM input('n UInt64, s String') FORMAT CSV",
            "1,a\n2,b\n",
        ),
        (
            "INSERT INTO t SELECT id * 10, text FROM input() WHERE id > 1 FORMAT JSONEachRow",
            "{\"id\":1,\"text\":\"x\"}\n{\"id\":2,\"text\":\"y\"}",
        ),
    ] {
        let mut insert = client.insert_formatted_with(statement);
        insert.send(data.into()).await.unwrap();
        insert.end().await.unwrap();
    }
    let line = |id, text: &str| Line { id, text: text.to_owned() };
    assert_eq!(lines(&client).await, [line(2, "A"), line(3, "B"), line(20, "y")]);
    let mut refused = client
        .insert_formatted_with("INSERT INTO t SELECT throwIf(n = 1), '' FROM input('n UInt8') FORMAT CSV");
    refused.send("1\n".into()).await.unwrap();
    assert_eq!(code(refused.end().await), 395);
}

#[tokio::test]
async fn data_are_never_run() {
    let client = client().await;
    table(&client).await;
    client.query("CREATE TABLE victim (a UInt8) ENGINE = Memory").execute().await.unwrap();
    let mut insert = client.insert_formatted_with("INSERT INTO t FORMAT JSONEachRow");
    insert.send("{\"id\":1,\"text\":\"a\"}\n\ndrop table victim\n".into()).await.unwrap();
    assert_eq!(code(insert.end().await), 27);
    assert_eq!((count(&client, "t").await, count(&client, "victim").await), (0, 0));

    let mut insert = client.insert_formatted_with("INSERT INTO t FORMAT LineAsString SETTINGS x = 1");
    insert.send("a".into()).await.unwrap();
    insert.end().await.unwrap_err();

    client.query("CREATE TABLE raw (line String) ENGINE = Memory").execute().await.unwrap();
    let mut insert = client.insert_formatted_with("INSERT INTO raw FORMAT LineAsString");
    insert.send("a\n\ndrop table victim\n;drop table victim;".into()).await.unwrap();
    insert.end().await.unwrap();
    let mut stored: Vec<String> = client.query("SELECT line FROM raw").fetch_all().await.unwrap();
    stored.sort();
    assert_eq!(stored, ["", ";drop table victim;", "a", "drop table victim"]);
    assert_eq!(count(&client, "victim").await, 0);
}

#[tokio::test]
async fn a_statement_with_its_data_in_one_body() {
    let client = client().await;
    table(&client).await;
    client.query("CREATE TABLE victim (a UInt8) ENGINE = Memory").execute().await.unwrap();
    let database: String = client.query("SELECT currentDatabase()").fetch_one().await.unwrap();
    let raw = raw();
    let blanks = "\n".repeat(200_000);
    for body in [
        "INSERT INTO t FORMAT JSONEachRow {\"id\":1,\"text\":\"a\"}".to_owned(),
        "INSERT INTO t (id, text) SETTINGS async_insert = 0 FORMAT JSONEachRow\n{\"id\":2,\"text\":\"a\\n\\nb\"}\n\n{\"id\":3}".into(),
        "INSERT INTO t VALUES (4, 'a;\n\nb'), (5, concat('x', 'y'));".into(),
        format!("INSERT INTO t FORMAT CSV\n6,\"a{blanks}\"\n"),
        "/* c */ insert into t -- FORMAT x\n select 7, 'INSERT INTO t FORMAT CSV'".into(),
        "WITH 8 AS x INSERT INTO t SELECT x, 'with'".into(),
        "INSERT INTO t SELECT * FROM input('id UInt64, text String') FORMAT CSV 9,2".into(),
        "INSERT INTO t FORMAT JSONEachRow".into(),
    ] {
        let answer = raw.post(&[("database", &database)], body.clone()).await;
        assert_eq!((answer.status.as_u16(), answer.text().as_str()), (200, ""), "{}", body.get(..60).unwrap_or(&body));
    }
    let stored: Vec<u64> = lines(&client).await.iter().map(|line| line.id).collect();
    assert_eq!(stored, [1, 2, 3, 4, 5, 6, 7, 8, 9]);

    for (body, code) in [
        ("INSERT INTO t FORMAT JSONEachRow {\"id\":1}\n\ndrop table victim", "27"),
        ("INSERT INTO t FORMAT JSONEachRow; {\"id\":1}", "62"),
        ("INSERT INTO t VALUES (1, ''); DROP TABLE victim", "62"),
        ("INSERT INTO t SELECT 1, ''; DROP TABLE victim", "62"),
        ("INSERT INTO t SELECT 1, '' FORMAT JSONEachRow {\"id\":1}\n\ndrop table victim", "48"),
        (
            "INSERT INTO t SELECT * FROM input('id UInt64, text String') FORMAT JSONEachRow {\"id\":1}\n\ndrop table victim",
            "27",
        ),
        ("INSERT INTO t", "62"),
    ] {
        let answer = raw.post(&[("database", &database)], body).await;
        assert_eq!(answer.header("x-clickhouse-exception-code"), Some(code), "{body}: {}", answer.text());
    }
    assert_eq!((count(&client, "t").await, count(&client, "victim").await), (9, 0));
}

#[tokio::test]
async fn a_statement_in_the_url_with_its_data_in_the_body() {
    let client = client().await;
    table(&client).await;
    let database: String = client.query("SELECT currentDatabase()").fetch_one().await.unwrap();
    let raw = raw();
    for (query, body) in [
        ("INSERT INTO t FORMAT CSV", &b"1,a\n2,b"[..]),
        ("INSERT INTO t FORMAT CSV\n", b"3,c"),
        ("INSERT INTO t VALUES", b"(4,'d')"),
        ("INSERT INTO t VALUES (5,'e'),", b"(6,'f')"),
        ("INSERT INTO t", b"FORMAT CSV 7,g"),
        ("INSERT INTO t SELECT", b"8, 'h'"),
        ("INSERT INTO t FORMAT RowBinary", b"\n\0\0\0\0\0\0\0\x01\n"),
        ("INSERT INTO {table:Identifier} FORMAT CSV", b"9,i"),
    ] {
        let parameters = [("query", query), ("database", database.as_str()), ("param_table", "t")];
        let answer = raw.post(&parameters, body).await;
        assert_eq!((answer.status.as_u16(), answer.text().as_str()), (200, ""), "{query}");
    }
    let stored: Vec<u64> = lines(&client).await.iter().map(|line| line.id).collect();
    assert_eq!(stored, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
}

#[tokio::test]
async fn an_aborted_body_commits_nothing() {
    let client = client().await;
    table(&client).await;
    for attempt in 0..60_u64 {
        let mut insert = client.insert_formatted_with("INSERT INTO t FORMAT JSONEachRow");
        for _ in 0..attempt % 4 {
            insert.send("{\"id\":1,\"text\":\"a\"}\n".repeat(1_000).into()).await.unwrap();
        }
        if attempt % 3 > 0 {
            tokio::task::yield_now().await;
        }
        drop(insert);
    }
    let mut typed = client.insert::<Line>("t").await.unwrap();
    typed.write(&hostile(1)).await.unwrap();
    drop(typed);
    eventually("no insert is left", async || running(&client, "INSERT INTO t%").await == 0).await;
    assert_eq!(count(&client, "t").await, 0);
}

#[tokio::test]
async fn bad_data_are_reported_while_the_client_still_sends() {
    let client = client().await;
    table(&client).await;
    let mut insert = client.insert_formatted_with("INSERT INTO t FORMAT JSONEachRow");
    let mut outcome = Ok(());
    for piece in 0..2_000 {
        let data =
            if piece == 0 { "nonsense\n".to_owned() } else { "{\"id\":1,\"text\":\"a\"}\n".repeat(1_000) };
        outcome = insert.send(data.into()).await;
        if outcome.is_err() {
            break;
        }
    }
    let outcome = match outcome {
        Ok(()) => insert.end().await,
        Err(error) => Err(error),
    };
    assert_eq!(code(outcome), 27);
    assert_eq!(count(&client, "t").await, 0);
    // The client goes on working.
    client.query("INSERT INTO t VALUES (1, '')").execute().await.unwrap();
}

#[tokio::test]
async fn damaged_compressed_data_commit_nothing() {
    let client = client().await;
    table(&client).await;
    let database: String = client.query("SELECT currentDatabase()").fetch_one().await.unwrap();
    let parameters = [("query", "INSERT INTO t FORMAT CSV"), ("database", &database), ("decompress", "1")];
    let raw = raw();
    for (body, code) in [(vec![0_u8; 40], "271"), (vec![1_u8; 10], "271")] {
        let answer = raw.post(&parameters, body).await;
        assert_eq!(answer.header("x-clickhouse-exception-code"), Some(code), "{}", answer.text());
    }
    assert_eq!(count(&client, "t").await, 0);
}
