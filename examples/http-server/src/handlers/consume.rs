//! `POST /api/consume`

use axum::{Json, extract::State};
use helios_core::{ConsumeOptions, ConsumeReport};

use crate::{
    caller::Caller,
    error::{ApiError, ErrorBody},
    extract::JsonBody,
    openapi::delivery::{ConsumeReportAnswer, ConsumeRequest},
    state::AppState,
};

/// How much of the time that a request may take is for reading. The rest is for its beginning, and for the batches that are
/// under way when that time is over.
const SHARE: f64 = 0.9;

/// Delivers a stream from this server to all its tables, until every shard is delivered to its present end, or the time is
/// over. A reader that goes away ends it.
#[utoipa::path(
    post,
    tag = "Helios",
    path = "/api/consume",
    request_body = ConsumeRequest,
    responses(
        (status = 200, body = ConsumeReportAnswer),
        (status = "4XX", body = ErrorBody),
        (status = "5XX", body = ErrorBody),
    )
)]
pub(crate) async fn consume(
    State(state): State<AppState>,
    Caller(client): Caller,
    JsonBody(asked): JsonBody<ConsumeOptions>,
) -> Result<Json<ConsumeReport>, ApiError> {
    let limit = state.config().request.request_timeout.mul_f64(SHARE);
    let time_limit = asked.time_limit.into_iter().chain([limit]).min();
    Ok(Json(client.consume_with(&ConsumeOptions { time_limit, ..asked }).await?))
}
