//! Formats and headers of answers.

use http::StatusCode;

use crate::support::{client, raw};

/// Parameters of the URL, or headers.
type Pairs = &'static [(&'static str, &'static str)];

#[tokio::test]
async fn the_format_is_chosen_as_on_a_server() {
    let raw = raw();
    let cases: [(&str, Pairs, Pairs, &str, &str); 8] = [
        ("SELECT 1 AS a", &[], &[], "TabSeparated", "1\n"),
        ("SELECT 1 AS a", &[("default_format", "JSONEachRow")], &[], "JSONEachRow", "{\"a\":1}\n"),
        ("SELECT 1 AS a", &[], &[("X-ClickHouse-Format", "CSVWithNames")], "CSVWithNames", "\"a\"\n1\n"),
        ("SELECT 1 AS a FORMAT CSV", &[("default_format", "JSONEachRow")], &[], "CSV", "1\n"),
        ("SELECT 1 AS a FORMAT CSV SETTINGS max_threads = 1", &[], &[], "CSV", "1\n"),
        ("SELECT 1 AS a SETTINGS max_threads = 1 FORMAT CSV -- end", &[], &[], "CSV", "1\n"),
        (
            "SHOW DATABASES LIKE 'default' FORMAT JSONEachRow",
            &[],
            &[],
            "JSONEachRow",
            "{\"name\":\"default\"}\n",
        ),
        ("SELECT * FROM (SELECT 1 AS a) FORMAT Values", &[], &[], "Values", "(1)"),
    ];
    for (statement, parameters, headers, format, body) in cases {
        let answer = raw.send(http::Method::POST, "/", parameters, headers, statement).await;
        assert_eq!((answer.status, answer.text().as_str()), (StatusCode::OK, body), "{statement}");
        assert_eq!(answer.header("x-clickhouse-format"), Some(format), "{statement}");
        assert!(answer.complete);
    }
}

#[tokio::test]
async fn a_table_called_format_is_no_clause() {
    let client = client().await;
    client.query("CREATE TABLE format (a UInt8) ENGINE = Memory").execute().await.unwrap();
    client.query("INSERT INTO format VALUES (7)").execute().await.unwrap();
    assert_eq!(client.query("SELECT JSON.a FROM format JSON").fetch_one::<u8>().await.unwrap(), 7);
}

#[tokio::test]
async fn large_results_are_whole_in_formats_with_a_frame() {
    let raw = raw();
    let answer = raw.post(&[], "SELECT number FROM numbers(200000) FORMAT JSONCompact").await;
    assert!(answer.complete && answer.chunks.len() > 1);
    let document: serde_json::Value = serde_json::from_str(&answer.text()).unwrap();
    assert_eq!(document["rows"], 200_000);
    let answer = raw.post(&[], "SELECT number FROM numbers(200000) FORMAT CSVWithNames").await;
    assert_eq!(answer.text().matches("number").count(), 1);
}

#[tokio::test]
async fn the_summary_has_real_numbers_or_is_absent() {
    let raw = raw();
    let small = raw.post(&[], "SELECT count() FROM numbers(1000)").await;
    let summary: serde_json::Value =
        serde_json::from_str(small.header("x-clickhouse-summary").unwrap()).unwrap();
    assert_eq!(summary["result_rows"], "1");
    let streamed = raw.post(&[], "SELECT * FROM numbers(1000000)").await;
    assert_eq!(streamed.header("x-clickhouse-summary"), None);
    let waited = raw.post(&[("wait_end_of_query", "1")], "SELECT * FROM numbers(1000000)").await;
    let summary: serde_json::Value =
        serde_json::from_str(waited.header("x-clickhouse-summary").unwrap()).unwrap();
    assert_eq!((&summary["read_rows"], &summary["result_rows"]), (&"1000000".into(), &"1000000".into()));
    let insert = raw.post(&[], "INSERT INTO FUNCTION null('a UInt8') FORMAT CSV 1\n2\n3").await;
    let summary: serde_json::Value =
        serde_json::from_str(insert.header("x-clickhouse-summary").unwrap()).unwrap();
    assert_eq!(summary["written_rows"], "3");
}

#[tokio::test]
async fn every_answer_names_its_query_and_time_zone() {
    let raw = raw();
    let named = raw.post(&[("query_id", "my-query")], "SELECT 1").await;
    assert_eq!(named.header("x-clickhouse-query-id"), Some("my-query"));
    assert!(named.header("x-clickhouse-timezone").is_some());
    let first = raw.post(&[], "SELECT 1").await;
    let second = raw.post(&[], "SELECT 1").await;
    assert_ne!(first.header("x-clickhouse-query-id"), second.header("x-clickhouse-query-id"));
}

#[tokio::test]
async fn probes_and_unknown_paths() {
    let raw = raw();
    for path in ["/ping", "/", "/replicas_status"] {
        let answer = raw.get(path, &[]).await;
        assert_eq!((answer.status, answer.text().as_str()), (StatusCode::OK, "Ok.\n"), "{path}");
    }
    assert_eq!(raw.get("/nosuch", &[]).await.status, StatusCode::NOT_FOUND);
    assert_eq!(
        raw.send(http::Method::DELETE, "/", &[], &[], "").await.status,
        StatusCode::METHOD_NOT_ALLOWED
    );
    assert_eq!(raw.get("/", &[("query", "SELECT 1")]).await.text(), "1\n");
}

#[tokio::test]
async fn compression_may_be_asked_for_and_is_not_needed() {
    let raw = raw();
    let headers = [("accept-encoding", "lz4, gzip")];
    let answer = raw.send(http::Method::POST, "/", &[("compress", "1")], &headers, "SELECT 1").await;
    assert_eq!((answer.header("content-encoding"), answer.text().as_str()), (None, "1\n"));
}
