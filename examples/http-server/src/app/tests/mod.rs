//! The app as a service: no socket, no ClickHouse, no AWS.

mod admitted;
mod logged;

use std::{io, sync::Arc};

use axum::{
    body::{Body, to_bytes},
    http::{HeaderMap, Method, Request, StatusCode},
};
use clap::Parser as _;
use helios_core::{HeliosClient, HeliosConfig, clock::SystemClock};
use serde_json::{Value, json};
use tokio::sync::Notify;
use tower::ServiceExt as _;

use axum::routing::get;

use super::*;
use crate::ServerConfig;

/// Port 9 of the loopback address: nobody is there.
const NOBODY: &str = "http://127.0.0.1:9";

fn client() -> HeliosClient {
    let settings = [("clickhouse_url", NOBODY), ("aws_endpoint_url", NOBODY), ("aws_region", "eu-west-1")];
    HeliosClient::from_config(HeliosConfig::from_map(settings).unwrap()).unwrap()
}

fn state(args: &[&str]) -> AppState {
    let config = ServerConfig::parse_from(["helios-server"].iter().chain(args));
    AppState::new(client(), config, Arc::new(SystemClock))
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Value,
}

impl Answer {
    #[track_caller]
    fn is_error(&self, status: u16, code: &str) {
        assert_eq!((self.status.as_u16(), &self.body["code"]), (status, &json!(code)), "{}", self.body);
        assert!(self.body["error"].as_str().is_some_and(|text| !text.is_empty()), "{}", self.body);
        assert!(self.body["retryable"].is_boolean(), "{}", self.body);
        assert_eq!(self.headers[header::CONTENT_TYPE], "application/json");
    }
}

async fn send(router: Router, request: Request<Body>) -> Answer {
    let response = router.oneshot(request).await.unwrap();
    let (head, body) = response.into_parts();
    let bytes = to_bytes(body, usize::MAX).await.unwrap();
    Answer { status: head.status, headers: head.headers, body: serde_json::from_slice(&bytes).unwrap() }
}

fn request(method: Method, path: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Request<Body> {
    let request = Request::builder().method(method).uri(path).header("host", "localhost:8080");
    headers
        .iter()
        .fold(request, |request, (name, value)| request.header(*name, *value))
        .body(body.into())
        .unwrap()
}

async fn get_from(state: &AppState, path: &str, headers: &[(&str, &str)]) -> Answer {
    send(app(state.clone()), request(Method::GET, path, headers, Body::empty())).await
}

async fn post_to(state: &AppState, path: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Answer {
    send(app(state.clone()), request(Method::POST, path, headers, body)).await
}

/// What touches AWS, or changes something, and what it says that it needs: a field.
const OF_SESSIONS: [(&str, &str); 11] = [
    ("/api/kinesis-sample", "streamName"),
    ("/api/put-events", "streamName"),
    ("/api/check-schema", "name a stream"),
    ("/api/schema-drift", "tableName"),
    ("/api/create-table", "streamName"),
    ("/api/consume", "streamName"),
    ("/api/delivery-report", "tableName"),
    ("/api/settle-range", "tableName"),
    ("/api/quarantine/replay", "tableName"),
    ("/api/quarantine/discard", "tableName"),
    ("/api/quarantine/retention", "tableName"),
];

/// What only reads ClickHouse, and a field that it needs.
const OF_READERS: [(&str, &str); 5] = [
    ("/api/query", "query"),
    ("/api/cancel-query", "queryId"),
    ("/api/query-progress", "queryId"),
    ("/api/quarantine", "tableName"),
    ("/api/quarantine/show", "tableName"),
];

fn cookie_of(state: &AppState) -> String {
    let header = state.sessions().open(client(), "ann").unwrap().set_cookie(false).unwrap();
    header.to_str().unwrap().split(';').next().unwrap().to_owned()
}

#[tokio::test]
async fn what_does_not_exist_is_an_error_like_any_other() {
    let state = state(&[]);
    for path in ["/", "/api", "/api/databases/", "/API/databases", "/api/query/../databases", "/%00"] {
        get_from(&state, path, &[]).await.is_error(404, "not_found");
    }
    let answer = get_from(&state, "/api/query", &[]).await;
    answer.is_error(405, "method_not_allowed");
    assert_eq!(answer.headers[header::ALLOW], "POST");
    post_to(&state, "/api/databases", &[], "").await.is_error(405, "method_not_allowed");
}

#[tokio::test]
async fn every_answer_carries_the_headers() {
    let state = state(&[]);
    let panicking: Router<AppState> =
        Router::new().route("/panic", get(async || -> &'static str { panic!("canary") }));
    let panicking = surround(panicking, &state).with_state(state.clone());
    let answers = [
        get_from(&state, "/healthz", &[]).await,
        get_from(&state, "/openapi.json", &[]).await,
        get_from(&state, "/nowhere", &[]).await,
        get_from(&state, "/api/sources", &[]).await,
        post_to(&state, "/api/query", &[("sec-fetch-site", "cross-site")], "{}").await,
        post_to(&state, "/api/query", &[], vec![b' '; 20_000_000]).await,
        send(panicking, request(Method::GET, "/panic", &[], Body::empty())).await,
    ];
    let statuses = answers.each_ref().map(|answer| answer.status.as_u16());
    assert_eq!(statuses, [200, 200, 404, 401, 403, 413, 500]);
    for answer in answers {
        for (name, value) in HEADERS {
            assert_eq!(answer.headers.get(&name), Some(&value), "{}", answer.status);
        }
        assert!(answer.headers.contains_key("x-request-id"), "{}", answer.status);
        assert!(!answer.headers.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN));
        assert!(!answer.body.to_string().contains("canary"), "{}", answer.body);
    }
}

#[tokio::test]
async fn odd_requests_are_refused_or_put_right() {
    let state = state(&[]);
    let without_host = Request::builder().uri("/healthz").body(Body::empty()).unwrap();
    send(app(state.clone()), without_host).await.is_error(400, "invalid_input");
    for (id, kept) in [("abc-1", true), (&"x".repeat(129), false), ("a b", false)] {
        let answer = get_from(&state, "/healthz", &[("x-request-id", id)]).await;
        assert_eq!(answer.headers["x-request-id"] == id, kept, "{id}");
    }
    let cookies = [("cookie", "helios_session=a; helios_session=b")];
    get_from(&state, "/api/sources", &cookies).await.is_error(401, "unauthenticated");
}

#[tokio::test]
async fn bodies_are_checked_before_anything_happens() {
    let state = state(&["--run-as-operator"]);
    for (path, field) in OF_SESSIONS.into_iter().chain(OF_READERS).chain([("/api/authenticate", "")]) {
        for body in ["", "[]", "{", "{\"colour\": 1}", "\u{feff}{}"] {
            post_to(&state, path, &[], body).await.is_error(400, "invalid_input");
        }
        post_to(&state, path, &[], vec![0xff]).await.is_error(400, "invalid_input");
        post_to(&state, path, &[], vec![b' '; 20_000_000]).await.is_error(413, "body_too_large");
        let answer = post_to(&state, path, &[], "{}").await;
        // The operator needs no keys.
        if !field.is_empty() {
            answer.is_error(400, "invalid_input");
            assert!(answer.body["error"].as_str().unwrap().contains(field), "{path}: {}", answer.body);
        }
    }
}

#[tokio::test]
async fn a_sample_may_not_take_longer_than_a_request() {
    let body = r#"{"streamName": "clicks", "timeLimitSeconds": 31}"#;
    post_to(&state(&["--run-as-operator"]), "/api/kinesis-sample", &[], body)
        .await
        .is_error(400, "invalid_input");
}

#[tokio::test]
async fn any_content_type_is_json() {
    let state = state(&[]);
    for headers in [
        &[][..],
        &[("content-type", "application/json")],
        &[("content-type", "application/x-www-form-urlencoded")],
        &[("content-type", "text/plain; charset=latin1")],
    ] {
        // ClickHouse is not there: the body was taken.
        post_to(&state, "/api/query", headers, "{\"query\": \"SELECT 1\"}")
            .await
            .is_error(503, "unavailable");
    }
}

#[tokio::test]
async fn one_request_too_many_is_refused_and_health_is_not() {
    let state = state(&["--max-requests", "1"]);
    let (entered, leave) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (enters, leaves) = (Arc::clone(&entered), Arc::clone(&leave));
    let slow = async move || {
        enters.notify_one();
        leaves.notified().await;
        "done"
    };
    let router = limit(Router::new().route("/slow", get(slow)), &state).merge(always_answering());
    let router = surround(router, &state).with_state(state);
    let slow = || request(Method::GET, "/slow", &[], Body::empty());

    let first = tokio::spawn(router.clone().oneshot(slow()));
    entered.notified().await;
    let second = send(router.clone(), slow()).await;
    second.is_error(503, "overloaded");
    assert_eq!(second.headers[header::RETRY_AFTER], "1");
    let health = send(router.clone(), request(Method::GET, "/healthz", &[], Body::empty())).await;
    assert_eq!(health.status, StatusCode::OK);
    leave.notify_one();
    assert_eq!(first.await.unwrap().unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn one_query_too_many_is_refused() {
    let state = state(&["--query-max-concurrent", "1"]);
    let slot = state.query_slot().unwrap();
    // To look at rejects is to ask ClickHouse, too.
    let rejects = "{\"tableName\": \"t\"}";
    let queries = [
        ("/api/query", "{\"query\": \"SELECT 1\"}"),
        ("/api/quarantine", rejects),
        ("/api/quarantine/show", rejects),
    ];
    for (path, body) in queries {
        post_to(&state, path, &[], body).await.is_error(503, "overloaded");
    }
    drop(slot);
    for (path, body) in queries {
        post_to(&state, path, &[], body).await.is_error(503, "unavailable");
    }
}

#[tokio::test]
async fn an_answer_that_does_not_come_is_a_timeout() {
    let state = state(&["--request-timeout", "0.01"]);
    let never = Router::new().route("/never", get(std::future::pending::<&'static str>));
    let router = surround(limit(never, &state), &state).with_state(state);
    send(router, request(Method::GET, "/never", &[], Body::empty())).await.is_error(504, "timeout");
}

#[tokio::test]
async fn a_body_that_does_not_come_is_a_timeout() {
    let state = state(&["--body-timeout", "0.01"]);
    let never = Body::from_stream(futures_util::stream::pending::<io::Result<bytes::Bytes>>());
    post_to(&state, "/api/query", &[], never).await.is_error(408, "body_timeout");
}

#[tokio::test]
async fn a_body_that_breaks_off_is_an_error() {
    let state = state(&[]);
    let broken = futures_util::stream::iter([Ok("{"), Err(io::Error::other("canary"))]);
    post_to(&state, "/api/query", &[], Body::from_stream(broken)).await.is_error(400, "invalid_input");
}
