//! `POST /api/kinesis-sample`

use std::time::Duration;

use axum::Json;
use helios_core::{
    StreamSample,
    streams::{Position, SampleOptions},
};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::{
    caller::Caller,
    error::{ApiError, ErrorBody},
    extract::JsonBody,
    openapi::answers::SampleAnswer,
    refusal::Refusal,
};

/// Well within the time that a request may take.
const MAX_SECONDS: u8 = 30;

/// Which stream to look into, and how far.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct SampleRequest {
    /// The stream, by name or ARN.
    #[schema(example = "clicks")]
    stream_name: String,
    /// How many events to read at most. Default: 100.
    max_events: Option<u16>,
    /// Where to begin: `oldest`, `now` or an ISO 8601 time. Default: recent history first, then new arrivals.
    #[schema(value_type = Option<String>, example = "oldest")]
    position: Option<Position>,
    /// How many seconds to read at most, up to 30. Default: 10.
    time_limit_seconds: Option<u8>,
}

/// Reads a few events of a stream and infers a schema that fits them all.
#[utoipa::path(
    post,
    tag = "Helios",
    path = "/api/kinesis-sample",
    request_body = SampleRequest,
    responses(
        (status = 200, body = SampleAnswer),
        (status = "4XX", body = ErrorBody),
        (status = "5XX", body = ErrorBody),
    )
)]
pub(crate) async fn kinesis_sample(
    Caller(client): Caller,
    JsonBody(request): JsonBody<SampleRequest>,
) -> Result<Json<StreamSample>, ApiError> {
    let mut options = SampleOptions { position: request.position, ..SampleOptions::default() };
    if let Some(events) = request.max_events {
        options.max_events = events.into();
    }
    if let Some(seconds) = request.time_limit_seconds {
        if seconds > MAX_SECONDS {
            let text = format!("`timeLimitSeconds` is {seconds}; at most {MAX_SECONDS} are allowed");
            return Err(Refusal::BadBody(text).into());
        }
        options.time_limit = Duration::from_secs(seconds.into());
    }
    Ok(Json(client.kinesis_sample_with(&request.stream_name, &options).await?))
}
