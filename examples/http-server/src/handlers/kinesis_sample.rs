//! `POST /api/kinesis-sample`

use std::time::Duration;

use axum::Json;
use helios_core::{
    KinesisSampleOptions, StreamSample,
    schema::InferOptions,
    streams::{Position, SampleOptions},
};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::{
    caller::Caller,
    error::{ApiError, ErrorBody},
    extract::JsonBody,
    openapi::answers::{InferenceRequest, SampleAnswer},
    refusal::Refusal,
};

/// Well within the time that a request may take.
const MAX_TIME: Duration = Duration::from_secs(30);

/// Which stream to look into, and how far.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct SampleRequest {
    /// The stream, by name or ARN.
    #[schema(example = "clicks")]
    stream_name: String,
    /// How many events to read at most. Default: 100.
    max_events: Option<usize>,
    /// Where to begin: `oldest`, `now` or an ISO 8601 time. Default: recent history first, then new arrivals.
    #[schema(value_type = Option<String>, example = "oldest")]
    position: Option<Position>,
    /// How many seconds to read at most, up to 30. Default: 10.
    time_limit_seconds: Option<f64>,
    /// How types are chosen, where there is a choice.
    #[schema(value_type = Option<InferenceRequest>)]
    inference: Option<InferOptions>,
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
    let reading = SampleOptions { position: request.position, ..SampleOptions::default() };
    let mut options = KinesisSampleOptions { reading, inference: request.inference.unwrap_or_default() };
    if let Some(events) = request.max_events {
        options.reading.max_events = events;
    }
    if let Some(seconds) = request.time_limit_seconds {
        let limit = Duration::try_from_secs_f64(seconds);
        options.reading.time_limit = limit.map_err(|_| too_long(seconds))?;
    }
    within_time(&options)?;
    Ok(Json(client.kinesis_sample_with(&request.stream_name, &options).await?))
}

/// Refuses a sample that would take longer than a request may.
pub(super) fn within_time(options: &KinesisSampleOptions) -> Result<(), Refusal> {
    let limit = options.reading.time_limit;
    if limit <= MAX_TIME { Ok(()) } else { Err(too_long(limit.as_secs_f64())) }
}

fn too_long(seconds: f64) -> Refusal {
    Refusal::BadBody(format!("`timeLimitSeconds` is {seconds}; 0 to 30 are allowed"))
}
