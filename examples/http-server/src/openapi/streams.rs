//! Streams, as OpenAPI describes them. Never constructed: the library's types are what is sent.

use serde::Serialize;
use utoipa::ToSchema;

/// A stream.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Stream)]
pub(crate) struct StreamAnswer {
    /// The name.
    #[schema(example = "clicks")]
    stream_name: String,
    /// The ARN.
    #[serde(rename = "streamARN")]
    #[schema(required, example = "arn:aws:kinesis:eu-west-1:123456789012:stream/clicks")]
    stream_arn: Option<String>,
    /// Kinesis' word for its state.
    #[schema(required, example = "ACTIVE")]
    status: Option<String>,
    /// Kinesis' word for how it is paid and scaled.
    #[schema(required, example = "ON_DEMAND")]
    mode: Option<String>,
    /// When it was created.
    #[schema(required, format = DateTime)]
    created_at: Option<String>,
}

/// Events to put into a stream.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PutEvents)]
pub(crate) struct PutEventsRequest {
    /// The stream, by name or ARN.
    #[schema(example = "clicks")]
    stream_name: String,
    /// The events, each a JSON object.
    #[schema(value_type = Vec<Object>)]
    events: (),
    /// The field of each event that is its partition key, a string or a number, as a JSON Pointer; random keys if it is left out.
    #[schema(example = "/user/id")]
    partition_key: Option<String>,
    /// The number that errors give the first event, for who puts many events part by part; 0 if it is left out.
    first_event: Option<u64>,
}

/// What was put into a stream.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = EventsPut)]
pub(crate) struct EventsPutAnswer {
    /// The stream, as it was named.
    #[schema(example = "clicks")]
    stream_name: String,
    /// How many events.
    events: u64,
    /// Their bytes.
    bytes: u64,
    /// How often an event had to be put again because the stream was busy.
    throttled: u64,
}
