//! `GET /healthz`

use axum::Json;
use serde_json::{Value, json};

/// Says that the server answers, whatever the state of ClickHouse and AWS.
pub(crate) async fn health() -> Json<Value> {
    Json(json!({"status": "ok"}))
}
