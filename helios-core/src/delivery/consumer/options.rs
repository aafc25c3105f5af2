//! What to consume, and until when.

use std::time::Duration;

use serde::{Deserialize, Deserializer, de::Error as _};

use crate::{Error, Result, streams::Position};

/// What to consume, and until when.
///
/// On the wire: `{"streamName": "clicks", "untilCaughtUp": true, "timeLimitSeconds": 60, "position": "oldest"}`, of which
/// only the stream is needed.
#[derive(Clone, Debug, PartialEq)]
pub struct ConsumeOptions {
    /// The stream, by name or ARN.
    pub stream_name: String,
    /// Whether it ends when every shard is delivered to its present end. Default: yes.
    pub until_caught_up: bool,
    /// How long it may run. Default: without limit.
    pub time_limit: Option<Duration>,
    /// Where to begin in shards of which nothing was delivered yet. Default: where each source was created to begin.
    pub position: Option<Position>,
}

impl ConsumeOptions {
    /// All there is in a stream now: until it has caught up, without a time limit.
    #[must_use]
    pub fn new(stream: impl Into<String>) -> Self {
        Self { stream_name: stream.into(), until_caught_up: true, time_limit: None, position: None }
    }

    /// Checks the ranges.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) for a time limit of nothing.
    pub fn validate(&self) -> Result<()> {
        if self.time_limit.is_some_and(|limit| limit.is_zero()) {
            return Err(Error::invalid_input("timeLimitSeconds must be over 0, or absent"));
        }
        Ok(())
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Wire {
    stream_name: String,
    until_caught_up: Option<bool>,
    time_limit_seconds: Option<f64>,
    position: Option<Position>,
}

impl<'de> Deserialize<'de> for ConsumeOptions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let wire = Wire::deserialize(deserializer)?;
        let time_limit = wire.time_limit_seconds.map(Duration::try_from_secs_f64).transpose();
        let options = Self {
            until_caught_up: wire.until_caught_up.unwrap_or(true),
            time_limit: time_limit
                .map_err(|error| D::Error::custom(format_args!("timeLimitSeconds: {error}")))?,
            position: wire.position,
            stream_name: wire.stream_name,
        };
        options.validate().map_err(|error| D::Error::custom(error.text()))?;
        Ok(options)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<ConsumeOptions, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    #[test]
    fn only_the_stream_is_needed() {
        assert_eq!(read(r#"{"streamName":"clicks"}"#).unwrap(), ConsumeOptions::new("clicks"));
        let all =
            r#"{"streamName":"clicks","untilCaughtUp":false,"timeLimitSeconds":1.5,"position":"oldest"}"#;
        let expected = ConsumeOptions {
            until_caught_up: false,
            time_limit: Some(Duration::from_millis(1500)),
            position: Some(Position::Oldest),
            ..ConsumeOptions::new("clicks")
        };
        assert_eq!(read(all).unwrap(), expected);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for (json, text) in [
            ("{}", "streamName"),
            (r#"{"streamName":"a","timeLimitSeconds":0}"#, "over 0"),
            (r#"{"streamName":"a","timeLimitSeconds":-1}"#, "timeLimitSeconds"),
            (r#"{"streamName":"a","position":"yesterday"}"#, "a position is"),
            (r#"{"streamName":"a","untilCaughtup":true}"#, "untilCaughtup"),
        ] {
            let error = read(json).unwrap_err();
            assert!(error.contains(text), "{json}: {error}");
        }
    }
}
