//! The HTTP server: Kinesis' calls are answered, all others go on to the emulator.

use std::{
    net::Ipv4Addr,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Router,
    extract::{Request, State},
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
};
use helios_core::clock::{Clock as _, SystemClock};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};

use super::stream::{Answer, Stream};
use crate::{Result, forward::forward};

/// What a request may have in its body.
const MAX_BODY: usize = 64 * 1024 * 1024;

#[derive(Clone)]
struct Double {
    stream: Arc<Mutex<Stream>>,
    emulator: Arc<str>,
    client: reqwest::Client,
}

/// Serves on a free port; returns its address.
pub(super) async fn serve(stream: Arc<Mutex<Stream>>, emulator: &str) -> Result<(String, JoinHandle<()>)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let endpoint = format!("http://{}", listener.local_addr()?);
    let double = Double { stream, emulator: emulator.into(), client: reqwest::Client::new() };
    let router = Router::new().fallback(any).with_state(double);
    let server = tokio::spawn(async move {
        // It ends with this task only.
        drop(axum::serve(listener, router).await);
    });
    Ok((endpoint, server))
}

async fn any(State(double): State<Double>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, MAX_BODY).await else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let target = head.headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    match target.strip_prefix("Kinesis_20131202.") {
        Some(operation) => kinesis(&double, operation, &body).await,
        None => match forward(&double.client, &double.emulator, &head, body).await {
            Ok(response) => response,
            Err(error) => (StatusCode::BAD_GATEWAY, error.to_string()).into_response(),
        },
    }
}

async fn kinesis(double: &Double, operation: &str, body: &[u8]) -> Response {
    let request: Value = serde_json::from_slice(body).unwrap_or_default();
    let answer = {
        let mut stream = double.stream.lock().unwrap_or_else(PoisonError::into_inner);
        stream.answer(operation, &request, SystemClock.now())
    };
    let (status, body) = match answer {
        Answer::Ok(body) => (StatusCode::OK, body),
        Answer::Refusal("InternalFailure") => {
            (StatusCode::INTERNAL_SERVER_ERROR, json!({"__type": "InternalFailure", "message": "Try again."}))
        }
        Answer::Refusal(code) => (StatusCode::BAD_REQUEST, json!({"__type": code, "message": "No."})),
        Answer::Never => std::future::pending().await,
    };
    (status, [(header::CONTENT_TYPE, "application/x-amz-json-1.1")], body.to_string()).into_response()
}
