//! Errors, with ClickHouse's code, before and after the first row; and what is refused.

use http::{Method, StatusCode};

use crate::support::{bare_client, client, code, code_in, count, raw, scratch};

#[tokio::test]
async fn errors_before_the_first_row() {
    let client = client().await;
    for (statement, expected) in [
        ("SELEC 1", 62),
        ("1 + 1", 62),
        ("", 62),
        ("SELECT nosuch", 47),
        ("SELECT nosuch()", 46),
        ("SELECT * FROM nosuch", 60),
        ("SELECT * FROM nosuch.nosuch", 81),
        ("SELECT 'a' + 1", 43),
        ("SELECT {x:String}", 456),
        ("CREATE TABLE t (a Nosuch) ENGINE = Memory", 50),
        ("CREATE TABLE t (a UInt8, a UInt8) ENGINE = Memory", 44),
        ("SELECT throwIf(1)", 395),
        ("SELECT sleep(1) SETTINGS max_execution_time = 0.1", 159),
        ("SELECT 1 FORMAT Nosuch", 73),
        ("INSERT INTO nosuch FORMAT CSV 1", 60),
    ] {
        assert_eq!(code(client.query(statement).fetch_all::<u8>().await), expected, "{statement}");
    }
    let limited = client.with_setting("max_memory_usage", "1000000");
    assert_eq!(code(limited.query("SELECT groupArray(number) FROM numbers(10000000)").execute().await), 241);
}

#[tokio::test]
async fn statuses_and_headers_of_errors_are_a_servers() {
    let raw = raw();
    for (statement, status, code) in [
        ("SELEC 1", StatusCode::BAD_REQUEST, "62"),
        ("SELECT * FROM nosuch", StatusCode::NOT_FOUND, "60"),
        ("SELECT throwIf(1)", StatusCode::INTERNAL_SERVER_ERROR, "395"),
        ("SELECT sleep(1) SETTINGS max_execution_time = 0.1", StatusCode::REQUEST_TIMEOUT, "159"),
    ] {
        let answer = raw.post(&[("query_id", "mine")], statement).await;
        assert_eq!(
            (answer.status, answer.header("x-clickhouse-exception-code")),
            (status, Some(code)),
            "{statement}"
        );
        assert_eq!(answer.header("x-clickhouse-query-id"), Some("mine"));
        assert!(answer.text().starts_with(&format!("Code: {code}. DB::Exception: ")), "{}", answer.text());
    }
}

#[tokio::test]
async fn an_error_after_the_first_row_is_never_taken_for_rows() {
    let client = bare_client();
    for _ in 0..20 {
        let mut cursor = client
            .query("SELECT throwIf(number = 300000) FROM numbers(10000000)")
            .with_setting("max_block_size", "10000")
            .fetch::<u8>()
            .unwrap();
        let mut rows = 0;
        let error = loop {
            match cursor.next().await {
                Ok(Some(_)) => rows += 1,
                Ok(None) => panic!("a cut result passed for a whole one after {rows} rows"),
                Err(error) => break error,
            }
        };
        assert!(rows > 0);
        assert_eq!(code::<()>(Err(error)), 395);
    }
}

#[tokio::test]
async fn a_late_exception_is_one_chunk_and_ends_the_connection() {
    let raw = raw();
    for round in 0..20 {
        let limit = 200_000 + round * 10_007;
        let statement =
            format!("SELECT number, throwIf(number = {limit}) FROM numbers(10000000) FORMAT JSONEachRow");
        let answer = raw.post(&[("max_block_size", "10000")], statement).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert!(!answer.complete, "the body ended as if it were whole");
        let tag = answer.header("x-clickhouse-exception-tag").unwrap();
        assert_eq!(tag.len(), 16);
        let frame = String::from_utf8(answer.chunks.last().unwrap().to_vec()).unwrap();
        let message = frame
            .strip_prefix(&format!("\r\n__exception__\r\n{tag}\r\n"))
            .and_then(|rest| rest.strip_suffix(&format!(" {tag}\r\n__exception__\r\n")))
            .unwrap_or_else(|| panic!("not a whole frame: {frame:?}"));
        let (message, length) = message.rsplit_once('\n').unwrap();
        assert_eq!(length.parse::<usize>().unwrap(), message.len() + 1);
        assert_eq!(code_in(message), 395);
    }
}

#[tokio::test]
async fn exception_tags_differ() {
    let raw = raw();
    let mut tags = Vec::new();
    for _ in 0..3 {
        let answer = raw.post(&[], "SELECT * FROM numbers(100000)").await;
        assert!(answer.complete);
        tags.push(answer.header("x-clickhouse-exception-tag").unwrap().to_owned());
    }
    tags.dedup();
    assert_eq!(tags.len(), 3);
}

#[tokio::test]
async fn more_than_one_statement_is_refused() {
    let client = client().await;
    client.query("CREATE TABLE victim (a UInt8) ENGINE = Memory").execute().await.unwrap();
    for statement in [
        "SELECT 1; DROP TABLE victim",
        "DROP TABLE victim; nonsense(",
        "DROP TABLE victim; DROP TABLE victim",
        "SELECT ‘'’; DROP TABLE victim; nonsense( --'",
        "SELECT 1 PARALLEL WITH DROP TABLE victim",
        "EXPLAIN SELECT 1; DROP TABLE victim",
        "SET max_threads = 1; DROP TABLE victim",
        "INSERT INTO victim SELECT 1\n\n; DROP TABLE victim",
    ] {
        assert_eq!(code(client.query(statement).execute().await), 62, "{statement}");
        assert_eq!(count(&client, "victim").await, 0, "{statement}");
    }
    client.query("SELECT 1 ; ; -- no statement").execute().await.unwrap();
}

#[tokio::test]
async fn files_are_neither_written_nor_read() {
    let client = client().await;
    client.query("CREATE TABLE t (a String) ENGINE = Memory").execute().await.unwrap();
    let file = scratch("outfile").join("out");
    let path = file.display();
    for (statement, expected) in [
        (format!("SELECT 1 INTO OUTFILE '{path}'"), 358),
        (format!("SELECT 1 INTO/**/OUTFILE '{path}' TRUNCATE FORMAT CSV"), 358),
        (format!("SELECT ‘'’ INTO OUTFILE '{path}' -- '"), 358),
        (format!("SHOW TABLES INTO OUTFILE '{path}'"), 358),
        (format!("EXPLAIN SELECT 1 INTO OUTFILE '{path}'"), 358),
        ("INSERT INTO t FROM INFILE '/etc/hostname' FORMAT LineAsString".to_owned(), 344),
    ] {
        assert_eq!(code(client.query(&statement).execute().await), expected, "{statement}");
        assert!(!file.exists(), "{statement}");
    }
    assert_eq!(count(&client, "t").await, 0);
}

#[tokio::test]
async fn the_hosting_process_cannot_be_shut_down() {
    for statement in ["SYSTEM SHUTDOWN", "system /* */ kill"] {
        assert_eq!(code(bare_client().query(statement).execute().await), 497, "{statement}");
    }
}

#[tokio::test]
async fn bad_requests_say_what_is_wrong() {
    let raw = raw();
    for (parameters, code) in [
        (&[("nosuch_setting", "1")][..], "115"),
        (&[("bad name", "1")], "115"),
        (&[("max_threads", "many")], "27"),
        (&[("default_format", "Nosuch")], "73"),
        (&[("default_format", "CSV SETTINGS x = 1")], "73"),
        (&[("database", "nosuch")], "81"),
        (&[("session_id", "mine")], "48"),
        (&[("role", "admin")], "48"),
        (&[("decompress", "perhaps")], "36"),
    ] {
        let answer = raw.post(parameters, "SELECT 1").await;
        assert_eq!(
            answer.header("x-clickhouse-exception-code"),
            Some(code),
            "{parameters:?}: {}",
            answer.text()
        );
    }
    let zipped = raw.send(Method::POST, "/", &[], &[("content-encoding", "gzip")], "x").await;
    assert_eq!(zipped.status, StatusCode::NOT_IMPLEMENTED);
    let form = [("content-type", "multipart/form-data; boundary=b")];
    let broken = raw.send(Method::POST, "/", &[], &form, "--b\r\nnonsense").await;
    assert_eq!(broken.header("x-clickhouse-exception-code"), Some("36"));
    let long = raw.post(&[], vec![b' '; 20_000_000]).await;
    assert_eq!(
        (long.status, long.header("x-clickhouse-exception-code")),
        (StatusCode::PAYLOAD_TOO_LARGE, Some("229"))
    );
    let binary = raw.post(&[], &b"SELECT '\xFF\xFE' \xFF"[..]).await;
    assert_eq!(binary.header("x-clickhouse-exception-code"), Some("62"));
}

#[tokio::test]
async fn readonly_is_enforced() {
    let client = client().await;
    client.query("CREATE TABLE t (a UInt8) ENGINE = Memory").execute().await.unwrap();
    let database: String = client.query("SELECT currentDatabase()").fetch_one().await.unwrap();
    let readonly = client.clone().with_setting("readonly", "1").with_setting("max_threads", "2");
    assert_eq!(readonly.query("SELECT 1").fetch_one::<u8>().await.unwrap(), 1);
    for statement in [
        "INSERT INTO t VALUES (1)",
        "INSERT INTO t SELECT 1",
        "DROP TABLE t",
        "SELECT 1 SETTINGS max_threads = 1",
        "SELECT * FROM file('/etc/hostname', LineAsString)",
    ] {
        assert_eq!(code(readonly.query(statement).execute().await), 164, "{statement}");
    }
    let raw = raw();
    for parameters in [&[][..], &[("readonly", "0")]] {
        let parameters =
            [parameters, &[("query", "INSERT INTO t SELECT 1"), ("database", &database)]].concat();
        let answer = raw.get("/", &parameters).await;
        assert_eq!(answer.header("x-clickhouse-exception-code"), Some("164"), "{}", answer.text());
    }
    assert_eq!(count(&client, "t").await, 0);
}
