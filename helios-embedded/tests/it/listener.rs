//! The service on a port.

use bytes::Bytes;
use clickhouse::Client;
use helios_embedded::{Credentials, Error, Listener};
use http::{Request, StatusCode};
use http_body_util::Full;
use hyper_util::{client::legacy::connect::HttpConnector, rt::TokioExecutor};

use crate::support::{Answer, answer, code, engine};

async fn listen(credentials: Option<Credentials>) -> Listener {
    engine().listen("127.0.0.1:0".parse().unwrap(), credentials).await.unwrap()
}

async fn ask(listener: &Listener, path: &str, headers: &[(&str, &str)], body: &'static str) -> Answer {
    let client =
        hyper_util::client::legacy::Client::builder(TokioExecutor::new()).build(HttpConnector::new());
    let mut request = Request::post(format!("http://{}{path}", listener.local_addr()));
    if path == "/ping" {
        request = request.method("GET");
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    answer(client.request(request.body(Full::new(Bytes::from(body))).unwrap()).await.unwrap()).await
}

#[tokio::test]
async fn any_client_can_look_in() {
    let listener = listen(None).await;
    let client = Client::default().with_url(format!("http://{}", listener.local_addr()));
    let numbers: Vec<u64> = client.query("SELECT number FROM numbers(100000)").fetch_all().await.unwrap();
    assert_eq!(numbers, (0..100_000).collect::<Vec<_>>());
    let late = client
        .query("SELECT throwIf(number = 3000000) FROM numbers(10000000)")
        .with_setting("max_block_size", "10000")
        .fetch_all::<u8>()
        .await;
    assert_eq!(code(late), 395);
    assert_eq!(ask(&listener, "/", &[], "SELECT 1").await.text(), "1\n");
    listener.shutdown().await;
}

#[tokio::test]
async fn credentials_are_asked_for() {
    let listener = listen(Some(Credentials::new("ada", "love:lace"))).await;
    let url = format!("http://{}", listener.local_addr());
    let right = Client::default().with_url(&url).with_user("ada").with_password("love:lace");
    assert_eq!(right.query("SELECT 1").fetch_one::<u8>().await.unwrap(), 1);
    let wrong = Client::default().with_url(&url).with_user("ada").with_password("love");
    assert_eq!(code(wrong.query("SELECT 1").fetch_one::<u8>().await), 516);

    for (headers, status) in [
        (&[][..], StatusCode::UNAUTHORIZED),
        (&[("authorization", "Bearer x")], StatusCode::UNAUTHORIZED),
        (&[("authorization", "Basic YWRhOmxvdmU6bGFjZQ==")], StatusCode::OK),
        (&[("authorization", "Basic YWRhOmxvdmU=")], StatusCode::FORBIDDEN),
        (&[("x-clickhouse-user", "ada")], StatusCode::FORBIDDEN),
        (&[("x-clickhouse-key", "love:lace")], StatusCode::FORBIDDEN),
        (&[("x-clickhouse-user", "ada"), ("x-clickhouse-key", "love:lace")], StatusCode::OK),
    ] {
        let answer = ask(&listener, "/", headers, "SELECT 1").await;
        assert_eq!(answer.status, status, "{headers:?}");
        if status == StatusCode::OK {
            continue;
        }
        assert!(!answer.text().contains("lace"), "{}", answer.text());
        assert_eq!(answer.headers.contains_key("www-authenticate"), status == StatusCode::UNAUTHORIZED);
    }
    assert_eq!(ask(&listener, "/ping", &[], "").await.text(), "Ok.\n");
}

/// The unit tests of `attempts` say how fast. Here all are answered, those with the right password, too.
#[tokio::test]
async fn passwords_cannot_be_tried_fast_and_the_right_one_still_enters() {
    let listener = listen(Some(Credentials::new("ada", "lovelace"))).await;
    let wrong = [("x-clickhouse-user", "ada"), ("x-clickhouse-key", "love")];
    let right = [("x-clickhouse-user", "ada"), ("x-clickhouse-key", "lovelace")];
    let started = std::time::Instant::now();
    let guesses = (0..60).map(|_| ask(&listener, "/", &wrong, "SELECT 1"));
    let (guesses, entered) =
        tokio::join!(futures_util::future::join_all(guesses), ask(&listener, "/", &right, "SELECT 1"));
    assert!(guesses.iter().all(|answer| answer.status == StatusCode::FORBIDDEN));
    assert_eq!(entered.status, StatusCode::OK);
    // 20 at once, then 20 a second. A slow machine only takes longer.
    assert!(started.elapsed() >= std::time::Duration::from_millis(1_900), "{:?}", started.elapsed());
}

#[tokio::test]
async fn web_pages_are_kept_out() {
    let listener = listen(None).await;
    for headers in
        [[("origin", "http://example.com")], [("origin", "null")], [("host", "rebound.example.com")]]
    {
        let answer = ask(&listener, "/", &headers, "SELECT 1").await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{headers:?}");
        assert_eq!(answer.header("x-clickhouse-exception-code"), Some("497"));
    }
    assert_eq!(ask(&listener, "/", &[("host", "localhost:1")], "SELECT 1").await.status, StatusCode::OK);
}

#[tokio::test]
async fn only_loopback_addresses_are_listened_on() {
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"] {
        let error = engine().listen(address.parse().unwrap(), None).await.unwrap_err();
        assert!(matches!(error, Error::NotLoopback { .. }), "{error}");
        assert!(error.to_string().contains(address), "{error}");
    }
}

#[tokio::test]
async fn a_port_in_use_is_named() {
    let listener = listen(None).await;
    let error = engine().listen(listener.local_addr(), None).await.unwrap_err();
    assert!(matches!(error, Error::Listen { .. }), "{error}");
    assert!(error.to_string().contains(&listener.local_addr().to_string()), "{error}");
}

#[tokio::test]
async fn a_shutdown_lets_requests_finish_and_closes_the_port() {
    let listener = listen(None).await;
    let address = listener.local_addr();
    let client = Client::default().with_url(format!("http://{address}"));
    let mut rows = client.query("SELECT number FROM numbers(2000000)").fetch::<u64>().unwrap();
    assert_eq!(rows.next().await.unwrap(), Some(0));
    let closing = tokio::spawn(listener.shutdown());
    let mut next = 1;
    while let Some(number) = rows.next().await.unwrap() {
        assert_eq!(number, next);
        next += 1;
    }
    assert_eq!(next, 2_000_000);
    drop((rows, client));
    closing.await.unwrap();
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}
