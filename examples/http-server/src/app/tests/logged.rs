//! What the log says of requests.

use std::{
    io,
    sync::{Arc, Mutex},
};

use sha2::{Digest as _, Sha256};
use tracing_subscriber::fmt::MakeWriter;

use super::*;
use crate::tokens::Tokens;

/// What is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

impl Log {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    /// Does something again and again until the log says all of this, and returns the log.
    async fn until(level: Level, words: &[&str], mut act: impl AsyncFnMut()) -> String {
        let log = Self::default();
        let subscriber =
            tracing_subscriber::fmt().with_max_level(level).with_ansi(false).with_writer(log.clone());
        let _guard = tracing::subscriber::set_default(subscriber.finish());
        for _ in 0..10 {
            // A test beside this one may have registered a place that logs just before this one's subscriber was known.
            tracing::callsite::rebuild_interest_cache();
            act().await;
            let text = log.text();
            if words.iter().all(|word| text.contains(word)) {
                return text;
            }
        }
        panic!("{words:#?} is not all in the log: {}", log.text());
    }
}

/// The lines of the audit, from `caller=` on.
fn audited(log: &str) -> Vec<String> {
    let lines = log.lines().filter(|line| line.contains("Audit: "));
    lines.filter_map(|line| Some(format!("caller={}", line.split_once(" caller=")?.1))).collect()
}

#[tokio::test]
async fn what_changes_something_is_in_the_log_with_its_caller() {
    let hash: String = Sha256::digest("canary").iter().map(|byte| format!("{byte:02x}")).collect();
    let named = state(&[]).with_tokens(Tokens::read(&format!("operate ann {hash}")).unwrap());
    let cookie = cookie_of(&named);
    let token = ("authorization", "Bearer canary");
    let session = [token, ("cookie", cookie.as_str())];
    let expected = [
        r#"caller="token:ann" role="operate" path="/api/sources/clicks/pause" status=401"#,
        r#"caller="token:ann ann" role="operate" path="/api/create-table" status=400"#,
        r#"caller="anonymous" role="none" path="/api/repair" status=401"#,
        r#"caller="token:ann" role="operate" path="/api/sources/clicks" status=403"#,
    ];
    let log = Log::until(Level::INFO, &expected, async || {
        post_to(&named, "/api/sources/clicks/pause?canary=1", &[token], "")
            .await
            .is_error(401, "unauthenticated");
        post_to(&named, "/api/create-table", &session, r#"{"canary": 1}"#)
            .await
            .is_error(400, "invalid_input");
        post_to(&named, "/api/repair", &[("authorization", "Bearer canary-2")], "")
            .await
            .is_error(401, "unauthenticated");
        let remove = request(Method::DELETE, "/api/sources/clicks", &[token], Body::empty());
        send(app(named.clone()), remove).await.is_error(403, "permission_denied");
        // What only reads is not in it.
        get_from(&named, "/api/databases", &[token]).await.is_error(503, "unavailable");
        post_to(&named, "/api/query", &[token], "{}").await.is_error(400, "invalid_input");
    })
    .await;
    let lines = audited(&log);
    assert!(!lines.iter().any(|line| line.contains("databases") || line.contains("query")), "{lines:#?}");
    assert!(!log.contains("canary") && !log.contains(cookie.trim_start_matches("helios_session=")), "{log}");
}

#[tokio::test]
async fn sessions_and_queries_that_may_write_are_in_the_log() {
    let (state, key) =
        (state(&["--allow-writes"]), r#"{"accessKey": "AKIAIOSFODNN7EXAMPLE", "secretKey": "canary"}"#);
    let expected = [
        r#"caller="anonymous" role="admin" path="/api/authenticate" status=503"#,
        r#"caller="anonymous" role="admin" path="/api/query" status=503"#,
        r#"caller="ann" role="admin" path="/api/logout" status=200"#,
    ];
    let log = Log::until(Level::INFO, &expected, async || {
        let cookie = cookie_of(&state);
        post_to(&state, "/api/authenticate", &[], key).await.is_error(503, "unavailable");
        post_to(&state, "/api/query", &[], r#"{"query": "SELECT 'canary'"}"#)
            .await
            .is_error(503, "unavailable");
        let answer = post_to(&state, "/api/logout", &[("cookie", &cookie)], "").await;
        assert_eq!(answer.status, StatusCode::OK);
    })
    .await;
    assert!(!log.contains("canary"), "{log}");
}

/// The operation may go on: who asked for it must be known.
#[tokio::test]
async fn a_request_without_an_answer_is_in_the_log() {
    let state = state(&["--run-as-operator"]);
    let log = Log::until(Level::INFO, &["may have taken effect", "id=\""], async || {
        let never = Body::from_stream(futures_util::stream::pending::<io::Result<bytes::Bytes>>());
        let request = request(Method::POST, "/api/create-table", &[], never);
        tokio::select! {
            biased;
            _ = app(state.clone()).oneshot(request) => panic!("it was answered"),
            () = tokio::task::yield_now() => {}
        }
    })
    .await;
    let expected = r#"path="/api/create-table""#;
    assert!(audited(&log).iter().any(|line| line.contains(expected) && !line.contains("status")), "{log}");
}

#[tokio::test]
async fn the_cause_of_a_refusal_is_logged_for_those_who_look_for_it() {
    let state = state(&["--run-as-operator"]);
    let wrong = r#"{"canary": 1}"#;
    let log =
        Log::until(Level::DEBUG, &["unknown field `canary`", "there is no such endpoint"], async || {
            post_to(&state, "/api/create-table", &[], r#"{"canary": 1}"#)
                .await
                .is_error(400, "invalid_input");
            get_from(&state, "/nowhere", &[]).await.is_error(404, "not_found");
        })
        .await;
    assert!(log.contains("unknown field `canary`") && log.contains("code=\"invalid_input\""), "{log}");
    assert!(log.contains("there is no such endpoint") || log.contains("unknown endpoint"), "{log}");
    // Texts that may quote keys, SQL or events are not.
    let log = Log::until(Level::DEBUG, &["The request was answered with an error."], async || {
        for path in ["/api/authenticate", "/api/query", "/api/put-events", "/api/check-schema"] {
            post_to(&state, path, &[], wrong).await.is_error(400, "invalid_input");
        }
    })
    .await;
    assert!(log.contains("code=\"invalid_input\"") && !log.contains("canary"), "{log}");
}

#[tokio::test]
async fn no_secret_is_logged() {
    let state = state(&[]);
    let session = cookie_of(&state);
    let headers = [("cookie", session.as_str()), ("authorization", "Basic canary-1")];
    let body =
        r#"{"accessKey": "AKIAIOSFODNN7EXAMPLE", "secretKey": "canary-2", "sessionToken": "canary-3"}"#;
    let log = Log::until(Level::TRACE, &["/api/authenticate"], async || {
        post_to(&state, "/api/authenticate?secretKey=canary-4", &headers, body)
            .await
            .is_error(503, "unavailable");
        let wrong = r#"{"accessKey": "a", "secretKey": ["canary-5"]}"#;
        post_to(&state, "/api/authenticate", &headers, wrong).await.is_error(400, "invalid_input");
    })
    .await;
    assert!(!log.contains("canary"), "{log}");
    assert!(!log.contains(session.trim_start_matches("helios_session=")), "{log}");
}
