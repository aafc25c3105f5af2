//! Connections that misbehave.

use std::{
    convert::Infallible,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Router, body::Body, routing::get};
use bytes::Bytes;
use clap::Parser as _;
use futures_util::{StreamExt as _, stream};
use helios_core::{HeliosClient, HeliosConfig, clock::SystemClock};
use helios_http_server::{AppState, ServerConfig, app, serve::serve};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::{Notify, oneshot},
    task::JoinHandle,
};

/// A server on a port of its own.
struct Served {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Served {
    async fn start(app: Router, args: &[&str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let limits = config(args).request;
        let task = tokio::spawn(async move {
            serve(listener, app, &limits, async { stopped.await.unwrap_or_default() }).await;
        });
        Self { address, stop, task }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends a request and reads until the connection ends.
    async fn exchange(&self, request: impl AsRef<[u8]>) -> String {
        let mut stream = self.connect().await;
        stream.write_all(request.as_ref()).await.unwrap();
        read_all(&mut stream).await
    }
}

/// What never comes must fail the test, not hold it.
async fn in_time<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(60), future).await.unwrap()
}

async fn read_all(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    in_time(stream.read_to_end(&mut answer)).await.unwrap();
    String::from_utf8(answer).unwrap()
}

fn config(args: &[&str]) -> ServerConfig {
    ServerConfig::parse_from(["helios-server"].iter().chain(args))
}

fn helios() -> Router {
    let settings = HeliosConfig::from_map([("clickhouse_url", "http://127.0.0.1:9")]).unwrap();
    let client = HeliosClient::from_config(settings).unwrap();
    app(AppState::new(client, config(&["--body-timeout", "0.05"]), Arc::new(SystemClock)))
}

const HEALTH: &str = "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

#[tokio::test]
async fn stalled_sockets_do_not_hold_the_server_and_are_closed() {
    let server = Served::start(helios(), &["--header-timeout", "0.2"]).await;
    let mut stalled = Vec::new();
    for number in 0..200 {
        let mut stream = server.connect().await;
        let begun: &[u8] = if number % 2 == 0 { b"" } else { b"GET /healthz HTTP/1.1\r\nHost: local" };
        stream.write_all(begun).await.unwrap();
        stalled.push(stream);
    }
    assert!(server.exchange(HEALTH).await.starts_with("HTTP/1.1 200 OK\r\n"));
    for mut stream in stalled {
        assert!(!read_all(&mut stream).await.contains("200 OK"));
    }
}

#[tokio::test]
async fn an_idle_connection_is_closed() {
    let server = Served::start(helios(), &["--header-timeout", "0.05"]).await;
    let answer = server.exchange("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    assert!(answer.ends_with("{\"status\":\"ok\"}"), "{answer}");
}

#[tokio::test]
async fn a_body_that_stalls_is_answered() {
    let server = Served::start(helios(), &[]).await;
    let answer = server
        .exchange(
            "POST /api/query HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 9\r\n\r\n{",
        )
        .await;
    assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("\"body_timeout\""), "{answer}");
}

/// Whoever sends all before reading gets the answer too, not a connection reset.
#[tokio::test]
async fn a_body_of_20_mb_is_answered() {
    let server = Served::start(helios(), &[]).await;
    let known = format!("Content-Length: 20000000\r\n\r\n{}", " ".repeat(20_000_000));
    let chunk = format!("f4240\r\n{}\r\n", " ".repeat(1_000_000));
    let unknown = format!("Transfer-Encoding: chunked\r\n\r\n{}0\r\n\r\n", chunk.repeat(20));
    for body in [known, unknown] {
        let head = "POST /api/query HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n";
        let answer = server.exchange(format!("{head}{body}")).await;
        assert!(answer.starts_with("HTTP/1.1 413 ") && answer.contains("\"body_too_large\""), "{answer}");
    }
}

/// The same for who is refused before the body is looked at.
#[tokio::test]
async fn a_refusal_reaches_whoever_sends_a_large_body() {
    let server = Served::start(helios(), &[]).await;
    let body = " ".repeat(20_000_000);
    for (path, status) in [("/api/create-table", "401"), ("/api/nowhere", "404"), ("/api/databases", "405")] {
        for _ in 0..3 {
            let head = format!(
                "POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 20000000"
            );
            let answer = server.exchange(format!("{head}\r\n\r\n{body}")).await;
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{path} → {answer}");
        }
    }
}

const NEXT: &str = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// A proxy may take another length for true, and send what it takes for the next request.
#[tokio::test]
async fn a_request_of_unclear_length_hides_no_other() {
    let server = Served::start(helios(), &[]).await;
    // Where the body is well formed, and the path exists, nothing but the length is wrong.
    let (body, path) = ("12\r\n{\"query\":\"SELECT\"}\r\n0\r\n\r\n", "/api/query");
    for (lengths, says) in [
        ("Content-Length: 5\r\nTransfer-Encoding: chunked", "both Content-Length and Transfer-Encoding"),
        ("Transfer-Encoding: chunked\r\nContent-Length: 5", "both Content-Length and Transfer-Encoding"),
        ("Content-Length: 30\r\nContent-Length: 30", "at most one Content-Length"),
        ("Transfer-Encoding: gzip, chunked", "Transfer-Encoding"),
        ("Transfer-Encoding: identity, chunked", "Transfer-Encoding"),
        ("Transfer-Encoding: identity\r\nTransfer-Encoding: chunked", "Transfer-Encoding"),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", "Transfer-Encoding"),
        // These hyper refuses itself.
        ("Content-Length: 30\r\nContent-Length: 31", ""),
        ("Content-Length: 30, 30", ""),
        ("Content-Length: +30", ""),
        ("Transfer-Encoding: identity", ""),
        ("Transfer-Encoding: chunked, identity", ""),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", ""),
        ("Transfer-Encoding : chunked", ""),
    ] {
        for before in ["", NEXT] {
            let bad = format!("POST {path} HTTP/1.1\r\nHost: localhost\r\n{lengths}\r\n\r\n{body}");
            let answer = server.exchange(format!("{before}{bad}{NEXT}")).await;
            let refused = answer.split("HTTP/1.1 ").last().unwrap();
            assert!(
                refused.starts_with("400 ") && refused.contains("connection: close"),
                "{lengths}: {answer}"
            );
            assert!(refused.contains(says), "{lengths}: {answer}");
            assert!(says.is_empty() || refused.contains("\"code\":\"invalid_input\""), "{lengths}: {answer}");
            assert_eq!(
                answer.matches("200 OK").count(),
                usize::from(!before.is_empty()),
                "{lengths}: {answer}"
            );
        }
    }
}

/// However it is cut into packets.
#[tokio::test]
async fn a_request_of_two_lengths_is_seen_in_any_pieces() {
    let server = Served::start(helios(), &[]).await;
    let bad = "POST /api/query HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n";
    let bytes = format!("{NEXT}{bad}0\r\n\r\n{NEXT}");
    let (first, second) = (NEXT.len() + 40, NEXT.len() + bad.len() - 1);
    for cut in [1, NEXT.len() - 1, NEXT.len(), first, second, second + 1] {
        let mut stream = server.connect().await;
        stream.set_nodelay(true).unwrap();
        let (begin, end) = bytes.split_at(cut);
        stream.write_all(begin.as_bytes()).await.unwrap();
        if cut >= NEXT.len() {
            // The server has read what it was sent: its answer is there.
            in_time(stream.readable()).await.unwrap();
        }
        stream.write_all(end.as_bytes()).await.unwrap();
        let answer = read_all(&mut stream).await;
        let (good, refused) = (answer.matches("200 OK").count(), answer.matches("HTTP/1.1 400 ").count());
        assert_eq!((good, refused), (1, 1), "cut at {cut}: {answer}");
        assert!(answer.contains("both Content-Length and Transfer-Encoding"), "cut at {cut}: {answer}");
    }
}

/// Bodies of each kind between requests of one connection.
#[tokio::test]
async fn clear_requests_share_a_connection() {
    let server = Served::start(helios(), &[]).await;
    let post = "POST /api/nowhere HTTP/1.1\r\nHost: localhost\r\n";
    let chunked = format!("{post}Transfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nx: y\r\n\r\n");
    let known = format!("{post}Content-Length: 3\r\n\r\nabc");
    let mut stream = server.connect().await;
    let mut answers = String::new();
    for request in [NEXT, &chunked, NEXT, &known, HEALTH] {
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut bytes = vec![0; 4096];
        let read = in_time(stream.read(&mut bytes)).await.unwrap();
        answers += str::from_utf8(bytes.get(..read).unwrap()).unwrap();
    }
    let count = |status: &str| answers.matches(status).count();
    assert_eq!(
        (count("HTTP/1.1 200 "), count("HTTP/1.1 404 "), count("HTTP/1.1 400 ")),
        (3, 2, 0),
        "{answers}"
    );
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused() {
    let server = Served::start(helios(), &[]).await;
    let answer = server
        .exchange(format!("GET /healthz HTTP/1.1\r\nHost: localhost\r\nx: {}\r\n\r\n", "y".repeat(70_000)));
    let answer = answer.await;
    assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("larger than 64 KiB"), "{answer}");
}

#[tokio::test]
async fn a_target_that_names_another_host_is_refused() {
    let server = Served::start(helios(), &[]).await;
    for (target, status) in
        [("http://localhost/healthz", 200), ("http://evil.example/healthz", 421), ("evil.example:80", 421)]
    {
        let method = if target.starts_with("http") { "GET" } else { "CONNECT" };
        let request = format!("{method} {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        let answer = server.exchange(request).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{target}: {answer}");
    }
}

#[tokio::test]
async fn what_is_no_http_is_refused() {
    let server = Served::start(helios(), &[]).await;
    let answer = server.exchange("\x16\x03\x01 this is TLS\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    let headers = "x: y\r\n".repeat(1_000);
    let answer = server.exchange(format!("GET /healthz HTTP/1.1\r\n{headers}\r\n")).await;
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
}

#[tokio::test]
async fn an_answer_that_fails_midway_does_not_look_whole() {
    let cut = async || {
        let chunks = stream::iter([Ok(Bytes::from_static(b"{\"data\":["))]);
        Body::from_stream(chunks.chain(stream::once(async {
            // So that the first chunk is on its way before the error.
            tokio::task::yield_now().await;
            Err(io::Error::other("the query failed"))
        })))
    };
    let server = Served::start(Router::new().route("/", get(cut)), &[]).await;
    let answer = server.exchange("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await;
    assert!(answer.contains("transfer-encoding: chunked"), "{answer}");
    assert!(!answer.ends_with("0\r\n\r\n"), "{answer}");
}

#[tokio::test]
async fn a_reader_that_stops_reading_is_let_go() {
    let (held, gone) = oneshot::channel::<Infallible>();
    let held = Arc::new(Mutex::new(Some(held)));
    let endless = Router::new().route(
        "/",
        get(async move || {
            let held = held.lock().unwrap().take();
            let chunk = Bytes::from(vec![b'x'; 1 << 20]);
            Body::from_stream(stream::repeat_with(move || {
                let _held = &held;
                Ok::<_, Infallible>(chunk.clone())
            }))
        }),
    );
    let server = Served::start(endless, &["--write-timeout", "0.05"]).await;
    let mut stream = server.connect().await;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    // Ready only when the stream, and the sender in it, was dropped.
    assert!(in_time(gone).await.is_err());
}

#[tokio::test]
async fn requests_under_way_end_in_good_order() {
    let (entered, leave) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (enters, leaves) = (Arc::clone(&entered), Arc::clone(&leave));
    let slow = async move || {
        enters.notify_one();
        leaves.notified().await;
        "done"
    };
    let server = Served::start(Router::new().route("/", get(slow)), &[]).await;
    let mut stream = server.connect().await;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    in_time(entered.notified()).await;

    server.stop.send(()).unwrap();
    // The socket is closed while the request still runs.
    while TcpStream::connect(server.address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert!(!server.task.is_finished());
    leave.notify_one();
    assert!(read_all(&mut stream).await.ends_with("done"));
    in_time(server.task).await.unwrap();
}

#[tokio::test]
async fn a_request_without_end_does_not_keep_the_server_up() {
    let entered = Arc::new(Notify::new());
    let enters = Arc::clone(&entered);
    let never = async move || {
        enters.notify_one();
        std::future::pending::<&'static str>().await
    };
    let server = Served::start(Router::new().route("/", get(never)), &["--shutdown-timeout", "0.05"]).await;
    let mut stream = server.connect().await;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    in_time(entered.notified()).await;
    server.stop.send(()).unwrap();
    in_time(server.task).await.unwrap();
}
