//! One stream: that it exists, and what it is.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::{error::from_sdk, session::AwsSession};
use crate::{Error, Result};

/// What a stream is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct StreamDescription {
    /// The name.
    pub name: String,
    /// The ARN.
    pub arn: String,
    /// Kinesis' word for its state: `"CREATING"`, `"DELETING"`, `"ACTIVE"`, `"UPDATING"`.
    pub status: String,
    /// How many shards take events now.
    pub open_shards: u32,
    /// For how many hours an event can be read.
    pub retention_hours: u32,
    /// When it was created: tells a stream from an earlier one of the same name.
    pub created_at: Timestamp,
}

impl StreamDescription {
    /// How long an event can be read.
    pub(crate) fn retention(&self) -> SignedDuration {
        SignedDuration::from_hours(i64::from(self.retention_hours))
    }
}

/// Describes a stream, given by name or ARN.
///
/// # Errors
///
/// `InvalidInput` for what cannot be the name or ARN of a stream, `NotFound`, `Unauthenticated`, `PermissionDenied` (needs
/// `kinesis:DescribeStreamSummary`), `Unavailable`, `Timeout`, `LimitExceeded`, and those of [`AwsSession::sdk_config`].
#[tracing::instrument(skip_all, fields(stream = stream))]
pub async fn describe(session: &AwsSession, stream: &str) -> Result<StreamDescription> {
    ask(session, stream).await.map_err(|error| error.at("describe_stream").with("stream", stream))
}

async fn ask(session: &AwsSession, stream: &str) -> Result<StreamDescription> {
    let request = session.kinesis().await?.describe_stream_summary();
    let request = match StreamRef::parse(stream)? {
        StreamRef::Name(name) => request.stream_name(name),
        StreamRef::Arn(arn) => request.stream_arn(arn),
    };
    let answer = request.send().await.map_err(from_sdk)?;
    let summary = answer
        .stream_description_summary
        .ok_or_else(|| Error::unexpected("Kinesis described the stream without its description"))?;
    let created = summary.stream_creation_timestamp;
    Ok(StreamDescription {
        status: summary.stream_status.as_str().to_owned(),
        open_shards: summary.open_shard_count.try_into().unwrap_or_default(),
        retention_hours: summary.retention_period_hours.try_into().unwrap_or_default(),
        created_at: Timestamp::from_second(created.secs()).map_err(|cause| {
            Error::unexpected("the stream's creation time is out of range").caused_by(cause)
        })?,
        name: summary.stream_name,
        arn: summary.stream_arn,
    })
}

/// A stream as callers name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StreamRef<'a> {
    Name(&'a str),
    Arn(&'a str),
}

impl<'a> StreamRef<'a> {
    pub(super) fn parse(text: &'a str) -> Result<Self> {
        if text.starts_with("arn:") {
            let name = text.split(':').nth(5).and_then(|resource| resource.strip_prefix("stream/"));
            let ours = text.split(':').nth(2) == Some("kinesis") && text.split(':').count() == 6;
            return match name {
                Some(name) if ours && is_name(name) => Ok(Self::Arn(text)),
                _ => Err(Error::invalid_input(
                    "this is not the ARN of a stream, such as arn:aws:kinesis:eu-west-1:123456789012:stream/clicks",
                )),
            };
        }
        if is_name(text) {
            return Ok(Self::Name(text));
        }
        Err(Error::invalid_input(
            "a stream's name has 1 to 128 letters, digits, dots, hyphens and underscores, and nothing else",
        ))
    }
}

fn is_name(text: &str) -> bool {
    (1..=128).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    const ARN: &str = "arn:aws:kinesis:eu-west-1:123456789012:stream/clicks";

    #[test]
    fn names_and_arns_are_told_apart() {
        assert_eq!(StreamRef::parse("clicks.v2_a-b").unwrap(), StreamRef::Name("clicks.v2_a-b"));
        assert_eq!(StreamRef::parse(ARN).unwrap(), StreamRef::Arn(ARN));
        assert!(StreamRef::parse("arn:aws-cn:kinesis:cn-north-1:123456789012:stream/clicks").is_ok());
    }

    #[test]
    fn what_cannot_be_a_stream_is_refused() {
        let long = "x".repeat(129);
        for text in [
            "",
            " ",
            "a b",
            "clicks\n",
            "straße",
            "a/b",
            "`x`",
            &long,
            "arn:",
            "arn:aws:kinesis:eu-west-1:123456789012:stream/",
            "arn:aws:sqs:eu-west-1:123456789012:clicks",
            "arn:aws:kinesis:eu-west-1:123456789012:stream/clicks/consumer/c:1",
        ] {
            assert_eq!(StreamRef::parse(text).unwrap_err().kind(), ErrorKind::InvalidInput, "{text}");
        }
    }
}
