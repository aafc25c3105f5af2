//! A stream's sample and the schema that fits it.

use std::{
    future::{Future, IntoFuture},
    pin::Pin,
    time::Duration,
};

use serde::Serialize;
use serde_json::value::RawValue;

use super::HeliosClient;
use crate::{
    Column, Result,
    clock::SharedClock,
    schema::{self, ColumnEvidence},
    streams::{self, AwsSession, Position, SampleOptions},
};

/// What a stream holds: `{"sampleEvent": {…}, "inferredSchema": [{"name", "type"}], …}`.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct StreamSample {
    /// One typical event as it was sent; `null` if the sample has none.
    pub sample_event: Option<Box<RawValue>>,
    /// The columns that every sampled event fits.
    pub inferred_schema: Vec<Column>,
    /// A sorting key that suits these columns.
    pub order_by: Vec<String>,
    /// A partition key that suits them.
    pub partition_by: Option<String>,
    /// How many events were read.
    pub events_read: u64,
    /// How many of them are no JSON objects.
    pub unreadable: u64,
    /// Why each column has its type.
    pub evidence: Vec<ColumnEvidence>,
    /// What else is worth knowing.
    pub notes: Vec<String>,
}

pub(super) async fn sample(
    session: &AwsSession,
    stream: &str,
    options: &SampleOptions,
    clock: &SharedClock,
) -> Result<StreamSample> {
    let sample = streams::sample(session, stream, options, clock).await?;
    let inference = schema::infer(sample.events.iter().map(|event| &*event.data));
    let events = sample.events.iter().map(|event| &*event.data);
    let typical = schema::representative(events, &inference).and_then(|index| sample.events.get(index));
    Ok(StreamSample {
        sample_event: typical.and_then(|event| serde_json::from_slice(&event.data).ok()),
        inferred_schema: inference.columns,
        order_by: inference.proposal.order_by,
        partition_by: inference.proposal.partition_by,
        events_read: (sample.events.len() + sample.unreadable) as u64,
        unreadable: inference.unreadable + sample.unreadable as u64,
        evidence: inference.evidence,
        notes: inference.notes,
    })
}

/// A sample in the making: await it.
#[derive(Clone, Debug)]
#[must_use = "a sample is read when it is awaited"]
pub struct KinesisSample {
    client: HeliosClient,
    stream: String,
    options: SampleOptions,
}

impl KinesisSample {
    pub(super) fn new(client: HeliosClient, stream: String) -> Self {
        Self { client, stream, options: SampleOptions::default() }
    }

    /// Sets how many events to read at most. Default: 100.
    pub fn max_events(mut self, events: usize) -> Self {
        self.options.max_events = events;
        self
    }

    /// Sets where to begin. Default: recent history first, then new arrivals.
    pub fn position(mut self, position: Position) -> Self {
        self.options.position = Some(position);
        self
    }

    /// Sets how long to read at most. Default: 10 s.
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.options.time_limit = limit;
        self
    }
}

impl IntoFuture for KinesisSample {
    type Output = Result<StreamSample>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { self.client.kinesis_sample_with(&self.stream, &self.options).await })
    }
}
