//! A stream's sample and the schema that fits it.

use std::{
    future::{Future, IntoFuture},
    pin::Pin,
    time::Duration,
};

use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::{HeliosClient, Inner};
use crate::{
    Error, Result,
    clock::SharedClock,
    schema::{self, ColumnEvidence, InferOptions, Inference, Observation, Proposal, Schema},
    streams::{self, AwsSession, Position, Sample, SampleEnd, SampleOptions, SampleProgress, SampledEvent},
    warehouse::{TableDefinition, TableName, TableOptions},
};

/// So many events are shown.
const MAX_SHOWN: usize = 10;
/// So much of what is no event is shown.
const MAX_SHOWN_BYTES: usize = 256;

/// What a stream holds: `{"sampleEvent": {…}, "inferredSchema": [{"name", "type"}], …}`.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct StreamSample {
    /// One typical event as it was sent; `null` if the sample has none.
    pub sample_event: Option<Box<RawValue>>,
    /// The columns that every sampled event fits.
    pub inferred_schema: Schema,
    /// The first events, and what was none: at most 10 of each.
    pub samples: Vec<SampleRecord>,
    /// What each column's type rests on, and how sure it is.
    pub columns: Vec<ColumnEvidence>,
    /// Keys of a table with these columns.
    pub proposal: Proposal,
    /// The statement that `create_table` would run for these columns, those keys and a table of the stream's name; `null`
    /// without columns.
    pub create_table_query: Option<String>,
    /// How many events were read.
    pub events_read: u64,
    /// How many of them are no JSON objects.
    pub unreadable: u64,
    /// Why there are no more.
    pub ended_by: SampleEnd,
    /// What else is worth knowing.
    pub notes: Vec<String>,
    /// The data of every event that was read, as sent. They are not on the wire: [`check_events`](crate::check_events) looks at them
    /// once more, with other columns.
    #[serde(skip)]
    pub events: Vec<Bytes>,
}

/// One sampled event, and where it was.
///
/// On the wire: `{"shard", "sequenceNumber", "subSequence", "arrivedAt", "event": {…}}`; of what is no event `event` is
/// `null`, and beside it are `"raw"`, the first 256 bytes of it as text, and `"why"`.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SampleRecord {
    /// The shard.
    pub shard: String,
    /// The sequence number of its record.
    pub sequence_number: String,
    /// Its place in the record.
    pub sub_sequence: u64,
    /// When it arrived, roughly.
    pub arrived_at: Timestamp,
    /// The event as it was sent.
    pub event: Option<Box<RawValue>>,
    /// The beginning of the text, if it is not an event or holds a number that JSON lacks, such as NaN.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raw: Option<String>,
    /// Why it is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// How to sample a stream, and how to choose types.
///
/// On the wire: `{"maxEvents": 100, "position": "oldest", "until": "2026-01-31T12:00:00Z", "timeLimitSeconds": 10,
/// "inference": {…}}`, each optional; for the last see [`InferOptions`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct KinesisSampleOptions {
    /// How to read.
    pub reading: SampleOptions,
    /// How to choose types.
    pub inference: InferOptions,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Wire {
    max_events: Option<usize>,
    position: Option<Position>,
    until: Option<String>,
    time_limit_seconds: Option<f64>,
    inference: Option<InferOptions>,
}

impl<'de> Deserialize<'de> for KinesisSampleOptions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let wire = Wire::deserialize(deserializer)?;
        let default = SampleOptions::default();
        let time_limit = wire.time_limit_seconds.map(Duration::try_from_secs_f64).transpose();
        let reading = SampleOptions {
            max_events: wire.max_events.unwrap_or(default.max_events),
            position: wire.position,
            until: wire.until.as_deref().map(until).transpose().map_err(D::Error::custom)?,
            time_limit: time_limit
                .map_err(|error| D::Error::custom(format_args!("timeLimitSeconds: {error}")))?
                .unwrap_or(default.time_limit),
        };
        reading.validate().map_err(|error| D::Error::custom(error.text()))?;
        Ok(Self { reading, inference: wire.inference.unwrap_or_default() })
    }
}

fn until(text: &str) -> Result<Timestamp, String> {
    let wrong =
        |error| format!("until: an ISO 8601 time with its offset, such as 2026-01-31T12:00:00Z: {error}");
    text.parse().map_err(|error: jiff::Error| wrong(error))
}

pub(super) async fn sample(
    session: &AwsSession,
    stream: &str,
    options: &KinesisSampleOptions,
    clock: &SharedClock,
    go_on: impl FnMut(&SampleProgress) -> bool,
) -> Result<StreamSample> {
    let sample = streams::sample_while(session, stream, &options.reading, clock, go_on).await?;
    // Not on the thread that others' requests wait for: a sample may have 64 MiB.
    let inference = options.inference;
    tokio::task::spawn_blocking(move || conclude(&sample, &inference))
        .await
        .map_err(|error| Error::unexpected("the sample could not be looked through").caused_by(error))
}

pub(super) fn conclude(sample: &Sample, options: &InferOptions) -> StreamSample {
    let mut observation = Observation::default();
    let readable: Vec<_> = sample.events.iter().map(|event| observation.add(&event.data)).collect();
    let data: Vec<_> = sample.events.iter().map(|event| &event.data).collect();
    let inference = observation.conclude_with(&data, options);
    let events = sample.events.iter().map(|event| &*event.data);
    let typical = schema::representative(events, &inference).and_then(|index| sample.events.get(index));
    StreamSample {
        sample_event: typical.and_then(|event| serde_json::from_slice(&event.data).ok()),
        samples: shown(sample, &readable),
        create_table_query: create_table_query(&sample.stream_arn, &inference),
        inferred_schema: inference.columns.into(),
        columns: inference.evidence,
        proposal: inference.proposal,
        events_read: (sample.events.len() + sample.unreadable) as u64,
        unreadable: inference.unreadable + sample.unreadable as u64,
        ended_by: sample.ended_by,
        notes: inference.notes,
        events: sample.events.iter().map(|event| event.data.clone()).collect(),
    }
}

/// The statement for a table of the stream's name.
fn create_table_query(stream_arn: &str, inference: &Inference) -> Option<String> {
    let stream = stream_arn.rsplit_once('/').map_or(stream_arn, |(_, name)| name);
    let name = TableName::new("default", stream).ok()?;
    let keys = &inference.proposal;
    let options = TableOptions::keys(keys.order_by.clone(), keys.partition_by.clone());
    let table = TableDefinition::new(name, Uuid::nil(), &inference.columns, &options);
    table.ok().map(|table| table.to_string())
}

/// The first events, and the first of what is none.
fn shown(sample: &Sample, readable: &[bool]) -> Vec<SampleRecord> {
    let of = |is_event: bool| {
        let events = sample.events.iter().zip(readable).filter(move |(_, readable)| **readable == is_event);
        events.map(|(event, _)| event)
    };
    let events = of(true).take(MAX_SHOWN).map(SampleRecord::event);
    let others = of(false).map(|event| SampleRecord::no_event(event, NO_EVENT));
    let defects =
        sample.defects.iter().map(|one| SampleRecord::no_event(&one.record, &one.defect.to_string()));
    events.chain(others.chain(defects).take(MAX_SHOWN)).collect()
}

/// What is wrong with an event that could be unpacked, but not read.
const NO_EVENT: &str = "not one JSON object in UTF-8 whose keys are all different, nested 64 levels at most";

impl SampleRecord {
    fn event(event: &SampledEvent) -> Self {
        let as_json: Option<Box<RawValue>> = serde_json::from_slice(&event.data).ok();
        // A NaN is read, and no JSON.
        let raw = as_json.is_none().then(|| beginning(&event.data));
        Self {
            shard: event.shard.clone(),
            sequence_number: event.sequence_number.clone(),
            sub_sequence: event.sub_sequence,
            arrived_at: event.arrived_at,
            event: as_json,
            raw,
            why: None,
        }
    }

    fn no_event(event: &SampledEvent, why: &str) -> Self {
        Self {
            event: None,
            raw: Some(beginning(&event.data)),
            why: Some(why.to_owned()),
            ..Self::event(event)
        }
    }
}

/// As much of some bytes as is shown, as text.
fn beginning(bytes: &[u8]) -> String {
    let (head, mark) = match bytes.get(..MAX_SHOWN_BYTES) {
        Some(head) if head.len() < bytes.len() => (head, "…"),
        _ => (bytes, ""),
    };
    format!("{}{mark}", String::from_utf8_lossy(head))
}

/// A sample in the making: await it.
#[derive(Clone, Debug)]
#[must_use = "a sample is read when it is awaited"]
pub struct KinesisSample {
    client: HeliosClient,
    stream: String,
    options: KinesisSampleOptions,
}

impl KinesisSample {
    pub(super) fn new(client: HeliosClient, stream: String) -> Self {
        Self { client, stream, options: KinesisSampleOptions::default() }
    }

    /// Sets how many events to read at most. Default: 100.
    pub fn max_events(mut self, events: usize) -> Self {
        self.options.reading.max_events = events;
        self
    }

    /// Sets where to begin. Default: recent history first, then new arrivals.
    pub fn position(mut self, position: Position) -> Self {
        self.options.reading.position = Some(position);
        self
    }

    /// Sets up to when: what arrived before. Default: up to the present end.
    pub fn until(mut self, time: Timestamp) -> Self {
        self.options.reading.until = Some(time);
        self
    }

    /// Sets how long to read at most. Default: 10 s.
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.options.reading.time_limit = limit;
        self
    }

    /// Takes all options from `options`, in place of those set before.
    pub fn options(mut self, options: KinesisSampleOptions) -> Self {
        self.options = options;
        self
    }

    /// Reads the sample, and asks on the way whether to go on, showing how far it is: when the shards are known, after each
    /// round through them, and four times a second. When the answer is `false`, what was found by then is the sample.
    ///
    /// ```no_run
    /// # async fn example(client: helios_core::HeliosClient) -> helios_core::Result<()> {
    /// let sample = client.kinesis_sample("clicks").run_while(|so_far| so_far.reads < 1_000).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`HeliosClient::kinesis_sample`].
    pub async fn run_while(self, go_on: impl FnMut(&SampleProgress) -> bool) -> Result<StreamSample> {
        let Inner { session, clock, .. } = &*self.client.0;
        let sample = sample(session, &self.stream, &self.options, clock, go_on);
        sample.await.map_err(|error| error.at("kinesis_sample"))
    }

    /// Sets how types are chosen, where there is a choice.
    pub fn inference(mut self, options: InferOptions) -> Self {
        self.options.inference = options;
        self
    }
}

impl IntoFuture for KinesisSample {
    type Output = Result<StreamSample>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run_while(|_| true))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::Integers;

    fn options(json: &str) -> Result<KinesisSampleOptions, serde_json::Error> {
        serde_json::from_str(json)
    }

    #[test]
    fn what_is_not_said_has_its_default() {
        assert_eq!(options("{}").unwrap(), KinesisSampleOptions::default());
        let all = r#"{"maxEvents": 10000, "position": "oldest", "until": "2026-01-31T13:00:00+01:00", "timeLimitSeconds": 0.5,
            "inference": {"integers": "narrow"}}"#;
        let reading = SampleOptions {
            max_events: 10_000,
            position: Some(Position::Oldest),
            until: Some("2026-01-31T12:00:00Z".parse().unwrap()),
            time_limit: Duration::from_millis(500),
        };
        let inference = InferOptions { integers: Integers::Narrow, ..InferOptions::default() };
        assert_eq!(options(all).unwrap(), KinesisSampleOptions { reading, inference });
    }

    #[test]
    fn each_option_out_of_range_is_named() {
        for (json, name) in [
            (r#"{"maxEvents": 0}"#, "maxEvents"),
            (r#"{"maxEvents": 10001}"#, "maxEvents"),
            (r#"{"timeLimitSeconds": 0}"#, "timeLimitSeconds"),
            (r#"{"timeLimitSeconds": -1}"#, "timeLimitSeconds"),
            (r#"{"timeLimitSeconds": 60.5}"#, "timeLimitSeconds"),
            (r#"{"timeLimitSeconds": 1e300}"#, "timeLimitSeconds"),
            (r#"{"position": "yesterday"}"#, "position"),
            (r#"{"until": "now"}"#, "until"),
            (r#"{"inference": {"integers": "small"}}"#, "small"),
            (r#"{"inference": {"integer": "narrow"}}"#, "integer"),
        ] {
            let error = options(json).unwrap_err().to_string();
            assert!(error.contains(name), "{json}: {error}");
        }
    }

    #[test]
    fn a_beginning_is_marked() {
        assert_eq!(beginning(b"abc\xff"), "abc\u{fffd}");
        assert_eq!(beginning(&[b'x'; 256]), "x".repeat(256));
        assert_eq!(beginning(&[b'x'; 257]), format!("{}…", "x".repeat(256)));
    }
}
