//! Queries against the embedded engine.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process, setrlimit};
use serde_json::{Value, json};

use crate::process::{announced, served, server};

/// A server with an engine of its own.
pub(crate) struct WithEngine {
    pub(crate) child: Child,
    address: String,
    /// That of the engine's own listener.
    pub(crate) engine_address: Option<String>,
    data: tempfile::TempDir,
}

impl WithEngine {
    pub(crate) fn start(args: &[&str]) -> Self {
        Self::launch(None, args, &[])
    }

    pub(crate) fn start_with(args: &[&str], given: &[(&str, &str)]) -> Self {
        Self::launch(None, args, given)
    }

    /// Starts it with these limits of open files, the soft and the hard one.
    fn start_within(files: Option<(u64, u64)>, args: &[&str]) -> Self {
        Self::launch(files, args, &[])
    }

    fn launch(files: Option<(u64, u64)>, args: &[&str], given: &[(&str, &str)]) -> Self {
        let data = tempfile::tempdir().unwrap();
        let mut variables = vec![
            ("HELIOS_ADDR".to_owned(), "127.0.0.1:0".to_owned()),
            ("HELIOS_DATA_PATH".to_owned(), data.path().join("data").to_str().unwrap().to_owned()),
        ];
        // Where the engine's library is, if it was not set up in its usual place.
        for name in ["HELIOS_CHDB_LIB", "HOME", "XDG_CACHE_HOME"] {
            variables.extend(std::env::var(name).map(|value| (name.to_owned(), value)));
        }
        let mut command = server(given, args);
        if let Some((soft, hard)) = files {
            let script = format!("ulimit -Sn {soft} && ulimit -Hn {hard} && exec \"$0\" \"$@\"");
            let mut within = Command::new("/bin/sh");
            within.arg("-c").arg(script).arg(command.get_program()).args(command.get_args());
            within.env_clear().stdin(Stdio::null());
            command = within;
        }
        let mut child = command.envs(variables).stdout(Stdio::piped()).spawn().unwrap();
        let (engine_address, address) = if given.iter().any(|(name, _)| *name == "HELIOS_ENGINE_LISTEN") {
            let [engine, own] = announced(&mut child, ["The embedded engine", "Helios"]);
            (Some(engine), own)
        } else {
            (None, served(&mut child))
        };
        Self { child, address, engine_address, data }
    }

    /// Posts a query and reads until the connection ends.
    pub(crate) fn exchange(&self, body: &Value) -> String {
        self.post("query", body)
    }

    /// Gets a path, and reads until the connection ends.
    pub(crate) fn get(&self, path: &str) -> String {
        let mut stream = self.connect();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.address).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// Whether a query of this name runs.
    pub(crate) fn runs(&self, query_id: &str) -> bool {
        self.post("query-progress", &json!({"queryId": query_id})).starts_with("HTTP/1.1 200")
    }

    /// The folder of the engine.
    pub(crate) fn data(&self) -> std::path::PathBuf {
        self.data.path().join("data")
    }

    fn post(&self, path: &str, body: &Value) -> String {
        self.post_over(self.connect(), path, body)
    }

    /// What never comes must fail the test, not hold it.
    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        stream
    }

    fn post_over(&self, stream: TcpStream, path: &str, body: &Value) -> String {
        let mut answer = String::new();
        self.begin_over(stream, path, body).read_to_string(&mut answer).unwrap();
        answer
    }

    /// The same as bytes, as far as they come.
    fn bytes(&self, body: &Value) -> Vec<u8> {
        let mut answer = Vec::new();
        // An answer that is cut off can end in a reset.
        drop(self.begin("query", body).read_to_end(&mut answer));
        answer
    }

    /// Posts, and leaves the answer to be read.
    fn begin(&self, path: &str, body: &Value) -> TcpStream {
        self.begin_over(self.connect(), path, body)
    }

    fn begin_over(&self, mut stream: TcpStream, path: &str, body: &Value) -> TcpStream {
        let body = body.to_string();
        write!(
            stream,
            "POST /api/{path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        )
        .unwrap();
        stream
    }

    /// Status and `code` of a query's error.
    pub(crate) fn refused(&self, sql: &str) -> (String, Value) {
        self.refused_at("query", &json!({"query": sql}))
    }

    fn refused_at(&self, path: &str, body: &Value) -> (String, Value) {
        let answer = self.post(path, body);
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let body: Value = serde_json::from_str(body).unwrap_or_else(|_| panic!("{path} → {answer}"));
        (head.get(9..12).unwrap_or_default().to_owned(), body["code"].clone())
    }
}

impl Drop for WithEngine {
    fn drop(&mut self) {
        if self.child.kill().is_ok() {
            drop(self.child.wait());
        }
    }
}

/// What else is refused is in `tests/escapes.json`.
#[test]
fn what_is_no_query_is_refused() {
    let server = WithEngine::start(&[]);
    for sql in ["SELEC 1", ""] {
        assert_eq!(server.refused(sql), ("400".to_owned(), json!("invalid_query")), "{sql}");
    }
    assert_eq!(server.refused("DROP DATABASE default"), ("403".to_owned(), json!("permission_denied")));
}

#[test]
fn the_operator_lifts_read_only() {
    let server = WithEngine::start(&["--allow-writes"]);
    let answer = server.exchange(&json!({"query": "CREATE TABLE t (a UInt8) ENGINE = Memory"}));
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
}

#[test]
fn limits_hold() {
    let server = WithEngine::start(&[
        "--query-max-rows",
        "10",
        "--query-timeout",
        "2",
        "--query-max-memory-mib",
        "64",
    ]);
    for (sql, refused) in [
        ("SELECT sum(sipHash64(number)) FROM numbers(100000000000)", ("504", "timeout")),
        ("SELECT length(groupArray(number)) FROM numbers(100000000)", ("429", "limit_exceeded")),
        ("SELECT number FROM numbers(11)", ("413", "limit_exceeded")),
    ] {
        let (status, code) = server.refused(sql);
        assert_eq!((status.as_str(), code), (refused.0, json!(refused.1)), "{sql}");
    }
}

/// What ClickHouse does not count: a constant column, whose value it holds once, and a row that is larger than the limit.
#[test]
fn a_result_is_cut_where_its_bytes_pass_the_limit() {
    const MIB: usize = 1 << 20;
    let server = WithEngine::start(&["--query-max-result-mib", "16", "--query-timeout", "5"]);
    let constant = "SELECT repeat('x', 900000) FROM numbers(400)";
    let row = "SELECT range(100000000)";
    for (sql, format) in [
        (constant, "json"),
        (constant, "ndjson"),
        (constant, "csv"),
        (constant, "arrow"),
        (row, "json"),
        (row, "csv"),
        (row, "arrow"),
    ] {
        let ask = || server.bytes(&json!({"query": sql, "format": format}));
        // On a busy machine the one before may take longer to stop than the engine's process waits for.
        let is_restarted = |answer: &[u8]| {
            answer.starts_with(b"HTTP/1.1 503")
                && answer.windows(16).any(|piece| piece == b"engine_restarted")
        };
        let answer = std::iter::repeat_with(ask).find(|answer| !is_restarted(answer)).unwrap();
        let status = answer.get(9..12).unwrap();
        assert!(answer.len() <= 17 * MIB, "{sql} {format}: {} bytes came", answer.len());
        if status == b"200" {
            assert!(!answer.ends_with(b"0\r\n\r\n"), "{sql} {format}: the answer looks whole");
        } else {
            let answer = String::from_utf8_lossy(&answer);
            // The engine has found out first, or the time was over.
            let said = answer.contains("limit_exceeded") || answer.contains("timeout");
            assert!(said, "{sql} {format}: {answer}");
        }
    }
}

/// Calls that ClickHouse does not interrupt, on a server that is told to end.
#[test]
fn a_server_ends_beside_abandoned_queries_that_cannot_be_stopped() {
    // As many as run at the same time by default.
    const QUERIES: usize = 32;
    let mut server = WithEngine::start(&["--query-timeout", "300"]);
    let call = "SELECT arrayLevenshteinDistance(range(200000), arrayReverse(range(200000)))";
    // The engine ends two seconds after the first is abandoned.
    let name = |query| format!("abandoned-{query}");
    let begin = |query| server.begin("query", &json!({"query": call, "queryId": name(query)}));
    let readers: Vec<_> = (0..QUERIES).map(begin).collect();
    for query in 0..QUERIES {
        while !server.runs(&name(query)) {}
    }
    drop(readers);
    let told = Instant::now();
    kill_process(Pid::from_child(&server.child), Signal::TERM).unwrap();
    let status = server.child.wait().unwrap();
    assert!(status.success(), "{status}");
    // What the README promises.
    assert!(told.elapsed() < Duration::from_secs(30), "{:?}", told.elapsed());
}

/// A quarantine of so many rejects of a table.
fn quarantine_view(name: &str, numbers: &str) -> String {
    format!(
        "CREATE VIEW quarantine.{name} AS SELECT 'refused' AS error_type, '' AS error_message, '' AS raw_data, \
         'default.{name}' AS original_table, \
         toDateTime64(sipHash64(number) % 1000000000, 3, 'UTC') AS insertion_timestamp, '' AS stream, '' AS shard, \
         '' AS sequence_number, number AS sub_sequence, NULL AS column, '' AS schema_version, NULL AS path, \
         NULL AS wanted, NULL AS value, NULL AS arrived_at FROM ({numbers})"
    )
}

/// A look at rejects costs no more than a query may: here of a quarantine that never ends, and of one that is too large.
#[test]
fn limits_hold_for_a_look_at_rejects() {
    let server = WithEngine::start(&[
        "--allow-writes",
        "--query-timeout",
        "2",
        "--query-max-memory-mib",
        "64",
        "--request-timeout",
        "600",
    ]);
    for sql in [
        "CREATE DATABASE quarantine".to_owned(),
        quarantine_view("endless", "SELECT number FROM numbers(100000000000)"),
        quarantine_view("large", "SELECT arrayJoin(groupArray(number)) AS number FROM numbers(100000000)"),
    ] {
        let answer = server.exchange(&json!({"query": sql}));
        assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    }
    for path in ["quarantine", "quarantine/show"] {
        for (table, refused) in [("endless", ("504", "timeout")), ("large", ("429", "limit_exceeded"))] {
            let (status, code) = server.refused_at(path, &json!({"tableName": table}));
            assert_eq!((status.as_str(), code), (refused.0, json!(refused.1)), "{path} {table}");
        }
    }
}

/// A reader that leaves does not end a call that ClickHouse does not interrupt: no other may run beside it in the same slot.
#[test]
fn a_look_at_rejects_holds_its_slot_until_it_has_ended() {
    let server = WithEngine::start(&["--allow-writes", "--query-max-concurrent", "2"]);
    for sql in [
        "CREATE DATABASE quarantine".to_owned(),
        quarantine_view(
            "slow",
            "SELECT arrayLevenshteinDistance(range(40000), arrayReverse(range(40000))) AS number",
        ),
    ] {
        let answer = server.exchange(&json!({"query": sql}));
        assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    }
    let looks = "SELECT count() AS n FROM system.processes WHERE query LIKE '%quarantine%slow%' AND query NOT LIKE '%system.processes%'";
    let looks = json!({"query": looks});
    let reader = server.begin("quarantine", &json!({"tableName": "slow"}));
    while !server.exchange(&looks).contains(r#"[{"n":1}"#) {}
    // This one keeps the other slot.
    let other = server.begin("query", &json!({"query": "SELECT * FROM system.numbers", "queryId": "other"}));
    while !server.runs("other") {}
    drop(reader);
    let answer = loop {
        let answer = server.exchange(&looks);
        if answer.starts_with("HTTP/1.1 200") {
            break answer;
        }
    };
    assert!(answer.contains(r#"[{"n":0}"#), "{answer}");
    drop(other);
}

#[test]
fn parameters_and_texts_reach_the_query() {
    let server = WithEngine::start(&[]);
    let answer = server.exchange(&json!({
        "query": "SELECT {n:UInt64} AS n, {s:String} AS s",
        "parameters": {"n": "18446744073709551615", "s": "'\t\\ file ☃"},
        "quote64BitIntegers": true,
    }));
    assert!(answer.contains(r#"{"n":"18446744073709551615","s":"'\t\\ file ☃"}"#), "{answer}");
}

#[test]
fn an_error_after_the_first_row_cuts_the_connection() {
    let server = WithEngine::start(&[]);
    let sql = "SELECT throwIf(number = 900000) AS x FROM numbers(1000000)";
    let answer = server.exchange(&json!({"query": sql}));
    assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.contains("{\"x\":0}"), "nothing came");
    assert!(!answer.ends_with("0\r\n\r\n"), "the answer looks whole");
}

/// Opens many sockets that say nothing, as many of them as the system takes.
fn idle(server: &WithEngine, count: usize) -> Vec<TcpStream> {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).unwrap();
    let address = server.address.parse().unwrap();
    (0..count).filter_map(|_| TcpStream::connect_timeout(&address, Duration::from_millis(100)).ok()).collect()
}

#[test]
fn many_idle_sockets_leave_files_for_queries() {
    let server = WithEngine::start_within(Some((256, 4_096)), &["--header-timeout", "60"]);
    let held = idle(&server, 1_010);
    for _ in 0..5 {
        let answer = server.exchange(&json!({"query": "SELECT count() FROM numbers(100)"}));
        assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    }
    drop(held);
}

/// Where the limit cannot be raised, connections wait before files run out.
#[test]
fn connections_are_bounded_below_the_open_files() {
    let server = WithEngine::start_within(Some((400, 400)), &["--header-timeout", "60"]);
    let first: Vec<_> = (0..5).map(|_| server.connect()).collect();
    let held = idle(&server, 420);
    for stream in first {
        let answer = server.post_over(stream, "query", &json!({"query": "SELECT count() FROM numbers(100)"}));
        assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    }
    drop(held);
}
