//! `GET /healthz` and `GET /readyz`

use axum::{Json, extract::State};
use serde_json::{Value, json};

use crate::{
    error::{ApiError, ErrorBody},
    refusal::Refusal,
    state::AppState,
};

/// Says that the server answers, whatever the state of ClickHouse and AWS.
#[utoipa::path(
    get,
    tag = "Helios",
    path = "/healthz",
    responses((status = 200, body = inline(Value), example = json!({"status": "ok"})))
)]
pub(crate) async fn health() -> Json<Value> {
    Json(json!({"status": "ok"}))
}

/// Says whether queries can run: ClickHouse answers, and the self-check has passed. An answer is up to a second old.
#[utoipa::path(
    get,
    tag = "Helios",
    path = "/readyz",
    responses(
        (status = 200, body = inline(Value), example = json!({"status": "ready"})),
        (status = 503, description = "Not now.", body = ErrorBody),
    )
)]
pub(crate) async fn readiness(State(state): State<AppState>) -> Result<Json<Value>, ApiError> {
    if state.is_ready().await { Ok(Json(json!({"status": "ready"}))) } else { Err(Refusal::NotReady.into()) }
}
