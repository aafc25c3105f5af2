//! Gates: ways to AWS and to ClickHouse on which each call is counted, and one of them can be refused, or have its answer lost.

use std::{
    net::Ipv4Addr,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Router,
    body::Bytes,
    extract::{Request, State},
    http::{Method, StatusCode, header, request::Parts},
    response::{IntoResponse as _, Response},
};
use serde_json::json;
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

use crate::{Result, forward::forward};

const MAX_BODY: usize = 64 * 1024 * 1024;

/// What AWS says instead of doing what it is asked for.
#[derive(Clone, Debug)]
pub struct AwsRefusal {
    /// How the calls are known that are refused: `lambda:POST`.
    pub calls: &'static str,
    /// How many of them, from the first on.
    pub times: usize,
    /// The HTTP status.
    pub status: u16,
    /// AWS' word.
    pub code: &'static str,
    /// In words.
    pub message: &'static str,
}

/// What becomes of one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is refused, and nothing is done.
    Refused,
    /// It is done, and its answer never comes.
    Unanswered,
    /// It is done, and its answer comes when it is let go.
    Late,
}

/// The calls through all gates of one script, counted from 0, and what becomes of one of them.
#[derive(Debug, Default)]
pub struct Script {
    calls: Mutex<Vec<String>>,
    plan: Mutex<Option<(usize, Fate)>>,
    refusals: Mutex<Vec<AwsRefusal>>,
    /// Whether the planned call has been met.
    met: watch::Sender<bool>,
    /// Whether its answer may come.
    let_go: watch::Sender<bool>,
}

impl Script {
    /// A script on which the call of this number has this fate.
    #[must_use]
    pub fn with(number: usize, fate: Fate) -> Arc<Self> {
        let script = Self::default();
        *lock(&script.plan) = Some((number, fate));
        Arc::new(script)
    }

    /// A script on which AWS refuses some calls at first.
    #[must_use]
    pub fn refusing(refusals: &[AwsRefusal]) -> Arc<Self> {
        let script = Self::default();
        *lock(&script.refusals) = refusals.to_vec();
        Arc::new(script)
    }

    /// The calls so far: `dynamodb:PutItem`, `lambda:GET`, `clickhouse:CREATE TABLE`.
    pub fn calls(&self) -> Vec<String> {
        lock(&self.calls).clone()
    }

    /// Waits until the planned call has been met: refused, or done.
    pub async fn met(&self) {
        // The sender is in this script.
        drop(self.met.subscribe().wait_for(|met| *met).await);
    }

    /// Lets the answer come that is late.
    pub fn let_go(&self) {
        self.let_go.send_replace(true);
    }

    /// Whether the planned call has been met.
    pub fn is_met(&self) -> bool {
        *self.met.borrow()
    }

    fn next(&self, call: String) -> Option<Fate> {
        let mut calls = lock(&self.calls);
        calls.push(call);
        let (planned, fate) = (*lock(&self.plan))?;
        (planned + 1 == calls.len()).then_some(fate)
    }
}

impl Script {
    fn refusal(&self, call: &str) -> Option<AwsRefusal> {
        let mut refusals = lock(&self.refusals);
        let refusal =
            refusals.iter_mut().find(|refusal| refusal.times > 0 && call.starts_with(refusal.calls))?;
        refusal.times = refusal.times.saturating_sub(1);
        Some(refusal.clone())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A way to a server; dropping it closes it.
#[derive(Debug)]
pub struct Gate {
    endpoint: String,
    server: JoinHandle<()>,
}

#[derive(Clone)]
struct Way {
    script: Arc<Script>,
    to: Arc<str>,
    client: reqwest::Client,
}

impl Gate {
    /// A gate on the way to a server, `http://host:port`: AWS, an emulator of it, or a ClickHouse.
    ///
    /// # Errors
    ///
    /// If no port can be had.
    pub async fn to(server: &str, script: &Arc<Script>) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let endpoint = format!("http://{}", listener.local_addr()?);
        let way = Way { script: Arc::clone(script), to: server.into(), client: reqwest::Client::new() };
        let router = Router::new().fallback(pass).with_state(way);
        let server = tokio::spawn(async move {
            // It ends with this task only.
            drop(axum::serve(listener, router).await);
        });
        Ok(Self { endpoint, server })
    }

    /// Its address.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn pass(State(way): State<Way>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, MAX_BODY).await else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let call = name(&head, &body);
    let is_clickhouse = call.starts_with("clickhouse:");
    let refusal = way.script.refusal(&call);
    let fate = way.script.next(call);
    if let Some(AwsRefusal { status, code, message, .. }) = refusal {
        return refused_by_aws(
            StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST),
            code,
            message,
        );
    }
    if fate == Some(Fate::Refused) {
        way.script.met.send_replace(true);
        return if is_clickhouse {
            refused_by_clickhouse()
        } else {
            refused_by_aws(StatusCode::BAD_REQUEST, DENIED, "A gate refuses this call.")
        };
    }
    let answer = match forward(&way.client, &way.to, &head, body).await {
        Ok(answer) => answer,
        Err(error) => (StatusCode::BAD_GATEWAY, error.to_string()).into_response(),
    };
    if let Some(fate) = fate {
        way.script.met.send_replace(true);
        if fate == Fate::Unanswered {
            return std::future::pending().await;
        }
        // The sender is in this script.
        drop(way.script.let_go.subscribe().wait_for(|let_go| *let_go).await);
    }
    answer
}

/// Not to be tried again.
const DENIED: &str = "AccessDeniedException";

fn refused_by_aws(status: StatusCode, code: &'static str, message: &str) -> Response {
    let body = json!({"__type": code, "message": message, "Message": message}).to_string();
    let headers = [
        (header::CONTENT_TYPE, "application/x-amz-json-1.1"),
        (header::HeaderName::from_static("x-amzn-errortype"), code),
    ];
    (status, headers, body).into_response()
}

fn refused_by_clickhouse() -> Response {
    let headers = [(header::HeaderName::from_static("x-clickhouse-exception-code"), "497")];
    let body = "Code: 497. DB::Exception: A gate refuses this statement. (ACCESS_DENIED) (version 26.7.2.1)";
    (StatusCode::FORBIDDEN, headers, body).into_response()
}

fn name(head: &Parts, body: &Bytes) -> String {
    let text = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if let Some((service, operation)) = text("x-amz-target").split_once('.') {
        let service = service.split('_').next().unwrap_or_default().to_ascii_lowercase();
        return format!("{service}:{operation}");
    }
    let signed = text("authorization");
    if signed.contains("/lambda/") {
        return format!("lambda:{} {}", head.method, head.uri.path());
    }
    if signed.contains("/sts/") {
        return "sts:GetCallerIdentity".to_owned();
    }
    let body = String::from_utf8_lossy(body);
    // With parameters it is one of several parts; that of an insert is in the URL.
    let part = body.split_once("name=\"query\"").and_then(|(_, part)| part.split_once("\r\n\r\n"));
    let url = head.uri.query().unwrap_or_default().as_bytes();
    let in_url = url::form_urlencoded::parse(url).find(|(name, _)| name == "query");
    let statement = in_url
        .as_ref()
        .map_or_else(|| part.map_or(&*body, |(_, statement)| statement), |(_, statement)| statement);
    let words: Vec<_> = statement.split_ascii_whitespace().take(3).collect();
    let from = if head.method == Method::POST { words.join(" ") } else { String::new() };
    format!("clickhouse:{from}")
}
