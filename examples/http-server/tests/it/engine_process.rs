//! The engine's process: what confines it, what ends it, and that the server outlives it.

use std::{
    fs,
    io::{BufRead as _, BufReader, ErrorKind, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::Path,
    process::Child,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use crate::{
    engine::WithEngine,
    process::{failed, server},
};

/// How long to wait for what is to happen within a second or two; far more, for a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// The process of the server's engine, if there is one now.
fn engine_of(server: &Child) -> Option<u32> {
    let tasks = fs::read_dir(format!("/proc/{}/task", server.id())).unwrap();
    let mut children = tasks.filter_map(|task| fs::read_to_string(task.ok()?.path().join("children")).ok());
    children.find_map(|children| children.split_whitespace().next()?.parse().ok())
}

#[track_caller]
fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let since = Instant::now();
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(since.elapsed() < PATIENCE, "{what}");
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

fn another_than(server: &WithEngine, engine: u32) -> u32 {
    wait_for("no other engine's process", || engine_of(&server.child).filter(|now| *now != engine))
}

#[test]
fn the_engine_has_no_secrets_no_network_and_no_files_but_its_own() {
    let outside = tempfile::NamedTempFile::new().unwrap();
    fs::write(outside.path(), "canary\n").unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    // Past the judge: the second wall has to hold by itself.
    let server = WithEngine::start_with(
        &["--allow-writes", "--require-sandbox"],
        &[("HELIOS_AWS_SECRET_ACCESS_KEY", "canary"), ("HELIOS_AWS_ACCESS_KEY_ID", "canary")],
    );
    let engine = engine_of(&server.child).unwrap();
    assert_eq!(fs::read_to_string(format!("/proc/{engine}/environ")).unwrap(), "");
    let command = fs::read_to_string(format!("/proc/{engine}/cmdline")).unwrap();
    assert!(!command.contains("canary"), "{command}");
    let status = fs::read_to_string(format!("/proc/{engine}/status")).unwrap();
    assert!(status.contains("NoNewPrivs:\t1") && status.contains("Seccomp:\t2"), "{status}");
    let address = listener.local_addr().unwrap();
    let outside = outside.path().display();
    let written = server.data().join("../written");
    for sql in [
        format!("SELECT * FROM file('{outside}', 'LineAsString')"),
        format!("SELECT * FROM url('file://{outside}', 'LineAsString', 'line String')"),
        format!("SELECT * FROM sqlite('{outside}', 't')"),
        format!("SELECT * FROM url('http://{address}/', 'LineAsString', 'line String')"),
        format!("SELECT * FROM remote('{address}', system.one)"),
        format!("SELECT * FROM mysql('{address}', 'd', 't', 'u', 'p')"),
        format!("SELECT * FROM s3('http://{address}/b/k', 'CSV', 'a String')"),
        format!("SELECT 1 INTO OUTFILE '{}'", written.display()),
        format!("INSERT INTO FUNCTION file('{}', 'CSV', 'a UInt8') VALUES (1)", written.display()),
        "SELECT * FROM executable('cat /etc/passwd', 'LineAsString', 'line String')".to_owned(),
        "SELECT * FROM file('/etc/passwd', 'LineAsString')".to_owned(),
        format!("SELECT * FROM file('/proc/{}/environ', 'LineAsString')", server.child.id()),
        format!("SELECT * FROM file('/proc/{}/cmdline', 'LineAsString')", server.child.id()),
    ] {
        let answer = server.exchange(&json!({"query": sql}));
        assert!(!answer.starts_with("HTTP/1.1 200") && !answer.contains("canary"), "{sql}: {answer}");
    }
    assert!(!written.exists());
    assert_eq!(listener.accept().unwrap_err().kind(), ErrorKind::WouldBlock, "the engine reached a port");
    // What it is for still works.
    let answer = server.exchange(&json!({"query": "CREATE TABLE t (a UInt8) ENGINE = MergeTree ORDER BY a"}));
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[test]
fn what_is_under_way_when_the_engine_dies_gets_one_clear_answer() {
    let server = WithEngine::start(&["--allow-writes"]);
    for sql in ["CREATE TABLE t (a UInt8) ENGINE = MergeTree ORDER BY a", "INSERT INTO t VALUES (7)"] {
        assert!(server.exchange(&json!({"query": sql})).starts_with("HTTP/1.1 200"), "{sql}");
    }
    let engine = engine_of(&server.child).unwrap();
    let slow = "SELECT count() FROM numbers(100000000000) WHERE cityHash64(number) = 1";
    let refused = std::thread::scope(|scope| {
        let refused = scope.spawn(|| server.refused(slow));
        wait_for("the statement does not run", || {
            let running = json!({"query": format!("SELECT count() AS n FROM system.processes WHERE query LIKE 'SELECT count() FROM numbers(1%'")});
            server.exchange(&running).contains(r#""n":1"#).then_some(())
        });
        kill_process(Pid::from_raw(engine.try_into().unwrap()).unwrap(), Signal::KILL).unwrap();
        refused.join().unwrap()
    });
    assert_eq!(refused, ("503".to_owned(), json!("engine_restarted")));
    another_than(&server, engine);
    let answer = server.exchange(&json!({"query": "SELECT a FROM t"}));
    assert!(answer.contains(r#"[{"a":7}"#), "{answer}");
}

#[test]
fn an_engine_over_its_memory_is_started_again() {
    let server = WithEngine::start(&[
        "--allow-writes",
        "--engine-max-memory-mib",
        "900",
        "--query-max-memory-mib",
        "100000",
    ]);
    let engine = engine_of(&server.child).unwrap();
    // 3 GB, and not counted by ClickHouse while the one function runs.
    let sql =
        "SELECT count() FROM (SELECT number AS n, groupArray(number) FROM numbers(300000000) GROUP BY n)";
    assert_eq!(server.refused(sql), ("503".to_owned(), json!("engine_restarted")));
    another_than(&server, engine);
    assert!(server.exchange(&json!({"query": "SELECT 1"})).starts_with("HTTP/1.1 200"));
}

#[test]
fn an_engine_that_does_not_answer_is_started_again() {
    let server = WithEngine::start(&[]);
    let engine = engine_of(&server.child).unwrap();
    assert!(server.get("/readyz").starts_with("HTTP/1.1 200 "));
    kill_process(Pid::from_raw(engine.try_into().unwrap()).unwrap(), Signal::STOP).unwrap();
    let refused = wait_for("the server says that it is ready", || {
        Some(server.get("/readyz")).filter(|answer| !answer.starts_with("HTTP/1.1 200 "))
    });
    assert!(refused.starts_with("HTTP/1.1 503 ") && refused.contains(r#""code":"unavailable""#), "{refused}");
    assert!(server.get("/healthz").starts_with("HTTP/1.1 200 "));
    // Not because it has ended.
    assert_eq!(engine_of(&server.child), Some(engine));
    another_than(&server, engine);
    wait_for("the server does not say that it is ready", || {
        server.get("/readyz").starts_with("HTTP/1.1 200 ").then_some(())
    });
    assert!(server.exchange(&json!({"query": "SELECT 1"})).starts_with("HTTP/1.1 200"));
}

/// It looks for neither a limit nor a cancellation for a minute.
const STUCK: &str = "SELECT like(repeat('a', 100000), repeat('%a', 20000))";

#[test]
fn a_statement_that_does_not_stop_takes_the_engine_with_it_and_nothing_else() {
    let server = WithEngine::start(&[]);
    let engine = engine_of(&server.child).unwrap();
    let other = "SELECT count() FROM numbers(1000000000000) WHERE cityHash64(number) = 1";
    let since = Instant::now();
    std::thread::scope(|scope| {
        let other = scope.spawn(|| server.refused(other));
        let answer = server.exchange(&json!({"query": STUCK, "maxExecutionSeconds": 1}));
        assert!(since.elapsed() < Duration::from_secs(20), "{:?}", since.elapsed());
        // Sent again, it would end the engine again.
        assert!(answer.starts_with("HTTP/1.1 504"), "{answer}");
        assert!(answer.contains(r#""code":"timeout","retryable":false"#), "{answer}");
        assert_eq!(other.join().unwrap(), ("503".to_owned(), json!("engine_restarted")));
    });
    another_than(&server, engine);
    assert!(server.exchange(&json!({"query": "SELECT 1"})).starts_with("HTTP/1.1 200"));
}

#[test]
fn a_large_result_that_is_cut_off_costs_nobody_the_engine() {
    // A statement holds its slot until it has ended.
    let server = WithEngine::start(&["--query-max-result-mib", "1", "--query-max-concurrent", "1"]);
    let engine = engine_of(&server.child).unwrap();
    for _ in 0..3 {
        // One row of 888 MB. Written to its end, it would take more than the two seconds that the engine gives it.
        let answer = server.exchange(&json!({"query": "SELECT range(100000000)"}));
        assert!(answer.starts_with("HTTP/1.1 200") && answer.len() < 4 << 20, "{} bytes", answer.len());
        wait_for("the statement does not end", || {
            server.exchange(&json!({"query": "SELECT 1"})).starts_with("HTTP/1.1 200").then_some(())
        });
    }
    assert_eq!(engine_of(&server.child), Some(engine));
}

#[test]
fn the_database_default_can_be_dropped() {
    let server = WithEngine::start(&["--allow-writes"]);
    for sql in [
        "DROP DATABASE default",
        "SELECT 1",
        "DETACH DATABASE default",
        "CREATE TABLE t (a UInt8) ENGINE = MergeTree ORDER BY a",
    ] {
        let answer = server.exchange(&json!({"query": sql}));
        assert!(answer.starts_with("HTTP/1.1 200"), "{sql}: {answer}");
    }
}

#[test]
fn a_query_that_outlasts_the_shutdown_is_told_of_it() {
    let server = WithEngine::start(&["--shutdown-timeout", "1"]);
    let sql = "SELECT count() FROM numbers(1000000000000) WHERE cityHash64(number) = 1";
    let answer = std::thread::scope(|scope| {
        let answer = scope.spawn(|| server.exchange(&json!({"query": sql, "queryId": "long"})));
        wait_for("the query does not run", || server.runs("long").then_some(()));
        kill_process(Pid::from_child(&server.child), Signal::TERM).unwrap();
        answer.join().unwrap()
    });
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    assert!(answer.contains("the engine is being shut down"), "{answer}");
}

#[test]
fn the_engine_does_not_outlive_the_server() {
    for signal in [Signal::KILL, Signal::TERM] {
        let mut server = WithEngine::start(&[]);
        let engine = engine_of(&server.child).unwrap();
        kill_process(Pid::from_child(&server.child), signal).unwrap();
        let status = server.child.wait().unwrap();
        assert_eq!(status.success(), signal == Signal::TERM, "{status}");
        wait_for("the engine's process is still there", || {
            (!Path::new(&format!("/proc/{engine}")).exists()).then_some(())
        });
    }
}

const LISTENING: [(&str, &str); 3] = [
    ("HELIOS_ENGINE_LISTEN", "127.0.0.1:0"),
    ("HELIOS_ENGINE_USER", "ann"),
    ("HELIOS_ENGINE_PASSWORD", "canary"),
];

/// As many as the listener takes at once.
const CONNECTIONS: usize = 128;

#[test]
fn a_connection_too_many_to_the_engine_waits_until_another_ends() {
    let server = WithEngine::start_with(&[], &LISTENING);
    let ask = || {
        let mut stream = TcpStream::connect(server.engine_address.as_ref().unwrap()).unwrap();
        write!(stream, "GET /ping HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
        stream
    };
    let begun = |stream: &mut TcpStream, patience| {
        let mut begun = [0; 12];
        stream.set_read_timeout(Some(patience)).unwrap();
        stream.read_exact(&mut begun).map(|()| begun.starts_with(b"HTTP/1.1 "))
    };
    let mut held: Vec<TcpStream> = std::iter::repeat_with(ask).take(CONNECTIONS).collect();
    for stream in &mut held {
        assert!(begun(stream, PATIENCE).unwrap());
    }
    let mut late = ask();
    let waits = begun(&mut late, Duration::from_millis(500)).unwrap_err();
    assert_eq!(waits.kind(), ErrorKind::WouldBlock, "{waits}");
    drop(held.pop());
    assert!(begun(&mut late, PATIENCE).unwrap());
}

#[test]
fn a_port_that_the_engine_cannot_have_is_named_once() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, data) = (taken.local_addr().unwrap().to_string(), tempfile::tempdir().unwrap());
    let path = data.path().join("data");
    let mut variables = vec![("HELIOS_ADDR", "127.0.0.1:0"), ("HELIOS_DATA_PATH", path.to_str().unwrap())];
    variables.extend([("HELIOS_ENGINE_LISTEN", address.as_str()), LISTENING[1], LISTENING[2]]);
    let environment: Vec<_> = ["HELIOS_CHDB_LIB", "HOME", "XDG_CACHE_HOME"]
        .into_iter()
        .filter_map(|name| Some((name, std::env::var(name).ok()?)))
        .collect();
    variables.extend(environment.iter().map(|(name, value)| (*name, value.as_str())));
    let output = server(&variables, &["--log", "off"]).output().unwrap();
    failed(&output, &format!("cannot listen on {address}: Address already in use"));
}

/// A person who tries the command that only the server uses.
#[test]
fn the_engines_command_is_not_for_people() {
    let mut child = server(&[], &["engine", "--log", "off", "--log-format", "text"])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.contains("not for people") && !child.wait().unwrap().success(), "{line}");
}
