//! `POST /api/kinesis-sample`

use std::time::Duration;

use helios_core::{KinesisSampleOptions, StreamSample};
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::{Map, Value};

use super::operation::{answer, operation};
use crate::{
    openapi::answers::{SampleAnswer, SampleBody},
    refusal::Refusal,
};

/// Well within the time that a request may take.
const MAX_TIME: Duration = Duration::from_secs(30);

/// Which stream to look into, and how: `streamName` beside the options.
#[derive(Debug)]
pub(crate) struct SampleRequest {
    stream_name: String,
    options: KinesisSampleOptions,
}

impl<'de> Deserialize<'de> for SampleRequest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut members = Map::deserialize(deserializer)?;
        let stream = members.remove("streamName").ok_or_else(|| D::Error::missing_field("streamName"))?;
        let Value::String(stream_name) = stream else {
            return Err(D::Error::custom("streamName: not a text"));
        };
        let options = serde_json::from_value(Value::Object(members)).map_err(D::Error::custom)?;
        Ok(Self { stream_name, options })
    }
}

operation! {
    /// Reads a few events of a stream and infers a schema that fits them all.
    kinesis_sample at "/api/kinesis-sample" for Caller:
    SampleRequest as SampleBody => StreamSample as SampleAnswer,
    |client, request| async move {
        within_time(&request.options)?;
        answer(client.kinesis_sample_with(&request.stream_name, &request.options)).await
    }
}

/// Refuses a sample that would take longer than a request may.
pub(super) fn within_time(options: &KinesisSampleOptions) -> Result<(), Refusal> {
    let limit = options.reading.time_limit;
    if limit <= MAX_TIME {
        return Ok(());
    }
    Err(Refusal::BadBody(format!("`timeLimitSeconds` is {}; 0 to 30 are allowed", limit.as_secs_f64())))
}
