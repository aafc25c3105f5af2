//! Reading one shard, page by page, within Kinesis' limits.

use std::time::Duration;

use aws_sdk_kinesis::{
    Client,
    config::{self, retry::RetryConfig},
    operation::get_records::GetRecordsOutput,
    primitives::DateTime,
    types::ShardIteratorType,
};
use bytes::Bytes;
use jiff::{Timestamp, Unit};

use super::{error::from_sdk, position::Position};
use crate::{Error, ErrorKind, Result, clock::SharedClock};

/// Kinesis answers five reads a second and shard; a little slower, so that clocks may differ.
const READ_INTERVAL: Duration = Duration::from_millis(210);
/// The pause AWS advises after a refusal.
const THROTTLED_INTERVAL: Duration = Duration::from_secs(1);
/// What Kinesis gives at once at most.
const MAX_RECORDS: usize = 10_000;
/// An iterator lasts five minutes. One that is refused as expired when it is new is none.
const MAX_EXPIRED_IN_A_ROW: u32 = 3;
/// So often a read that failed in passing is repeated. The SDK would do it too soon: each attempt counts as a read.
const MAX_FAILED_IN_A_ROW: u32 = 2;

/// Where in a shard to start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ShardStart {
    /// At a position of the stream.
    Position(Position),
    /// At the record of this sequence number.
    At(String),
    /// Behind the record of this sequence number.
    After(String),
}

/// One Kinesis record as it was put: not unpacked.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ShardRecord {
    /// Its number, growing along the shard: decimal digits, compared as a number.
    pub sequence_number: String,
    /// When it arrived, roughly: Kinesis does not promise that it grows along the shard.
    pub arrived_at: Timestamp,
    /// The payload, as it came.
    pub data: Bytes,
}

#[cfg(test)]
impl ShardRecord {
    pub(crate) fn for_tests(number: u64, arrived_at: Timestamp, data: impl Into<Bytes>) -> Self {
        Self { sequence_number: number.to_string(), arrived_at, data: data.into() }
    }
}

/// What one read gave. No records is common and means nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Page {
    /// The records, in the shard's order.
    pub records: Vec<ShardRecord>,
    /// Whether this was, just now, all there is.
    pub caught_up: bool,
    /// Whether the shard is closed and read to its end: only now may its children be read.
    pub ended: bool,
    /// Whether Kinesis has refused to answer, because the shard is read too often or too much.
    pub throttled: bool,
}

/// Reads one shard in order: at most five times a second, over expired iterators, throttling and empty answers.
///
/// Dropping a read under way loses nothing: the next one gives the same records.
#[derive(Clone, Debug)]
pub struct ShardReader {
    client: Client,
    clock: SharedClock,
    stream_arn: String,
    shard: String,
    start: ShardStart,
    iterator: Option<String>,
    not_before: Timestamp,
    ended: bool,
}

impl ShardReader {
    /// A reader of one shard. Nothing is asked before the first page.
    #[must_use]
    pub fn new(client: Client, stream_arn: &str, shard: &str, start: ShardStart, clock: SharedClock) -> Self {
        let now = clock.now();
        Self {
            client,
            stream_arn: stream_arn.to_owned(),
            shard: shard.to_owned(),
            start,
            iterator: None,
            not_before: now,
            ended: false,
            clock,
        }
    }

    /// Goes on behind the record of this sequence number.
    pub fn seek_after(&mut self, sequence_number: &str) {
        self.start = ShardStart::After(sequence_number.to_owned());
        self.iterator = None;
        self.ended = false;
    }

    /// Keeps the pace of another reader of the same shard, too: Kinesis counts the reads of both.
    pub(super) fn keep_pace_with(&mut self, other: &Self) {
        self.not_before = self.not_before.max(other.not_before);
    }

    /// The next records, at most `limit` of them; waits first if the last read was just now.
    ///
    /// # Errors
    ///
    /// `NotFound` if stream or shard are gone, `Unauthenticated`, `PermissionDenied` (needs `kinesis:GetRecords` and
    /// `kinesis:GetShardIterator`), `Unavailable`, `Timeout`.
    pub async fn next_page(&mut self, limit: usize) -> Result<Page> {
        let (mut expired, mut failed) = (0, 0);
        while !self.ended {
            self.ready().await;
            let answer = match self.read(limit).await {
                Ok(answer) => answer,
                Err(error)
                    if error.aws_code() == Some("ExpiredIteratorException")
                        && expired < MAX_EXPIRED_IN_A_ROW =>
                {
                    expired += 1;
                    self.iterator = None;
                    continue;
                }
                Err(error) if error.kind() == ErrorKind::LimitExceeded && error.is_retryable() => {
                    tracing::debug!(shard = self.shard, "Kinesis throttles this shard.");
                    self.not_before = later(self.clock.now(), THROTTLED_INTERVAL);
                    return Ok(Page { throttled: true, ..Page::default() });
                }
                Err(error) if error.is_retryable() && failed < MAX_FAILED_IN_A_ROW => {
                    tracing::debug!(shard = self.shard, %error, "A read failed; trying again.");
                    failed += 1;
                    self.not_before = later(self.clock.now(), READ_INTERVAL * (1 << failed));
                    continue;
                }
                Err(error) => {
                    // A new iterator that has expired is bad luck, and no reason to give the shard up.
                    let is_expired = error.aws_code() == Some("ExpiredIteratorException");
                    let is_retryable = error.is_retryable() || is_expired;
                    let error = error.retryable(is_retryable);
                    return Err(error.with("shard", &self.shard).with("stream", &self.stream_arn));
                }
            };
            return self.take(answer, limit);
        }
        Ok(Page { caught_up: true, ended: true, ..Page::default() })
    }

    /// Waits until the shard may be read again. A read waits by itself; this is for whoever has more to wait for.
    pub async fn ready(&self) {
        let now = self.clock.now();
        let wait = self.not_before.duration_since(now).try_into().unwrap_or(Duration::ZERO);
        if !wait.is_zero() {
            // A clock that was set back must not stop the reader.
            self.clock.sleep(wait.min(THROTTLED_INTERVAL)).await;
        }
    }

    async fn read(&mut self, limit: usize) -> Result<GetRecordsOutput> {
        let iterator = match &self.iterator {
            Some(iterator) => iterator.clone(),
            None => self.new_iterator().await?,
        };
        self.not_before = later(self.clock.now(), READ_INTERVAL);
        let limit = i32::try_from(limit.clamp(1, MAX_RECORDS)).unwrap_or(i32::MAX);
        let request =
            self.client.get_records().shard_iterator(iterator).stream_arn(&self.stream_arn).limit(limit);
        let once = config::Config::builder().retry_config(RetryConfig::disabled());
        let answer = request.customize().config_override(once).send().await.map_err(from_sdk);
        // From the answer on, as nobody knows how long the request was on its way: Kinesis counts when it comes.
        self.not_before = later(self.clock.now(), READ_INTERVAL);
        answer
    }

    async fn new_iterator(&mut self) -> Result<String> {
        use ShardIteratorType::{AfterSequenceNumber, AtSequenceNumber, AtTimestamp, Latest, TrimHorizon};
        let request = self.client.get_shard_iterator().stream_arn(&self.stream_arn).shard_id(&self.shard);
        let request = match &self.start {
            ShardStart::Position(Position::Oldest) => request.shard_iterator_type(TrimHorizon),
            ShardStart::Position(Position::Now) => request.shard_iterator_type(Latest),
            ShardStart::Position(Position::At(time)) => {
                let time = DateTime::from_nanos(time.as_nanosecond())
                    .map_err(|cause| Error::invalid_input("the position is out of range").caused_by(cause))?;
                request.shard_iterator_type(AtTimestamp).timestamp(time)
            }
            ShardStart::At(number) => {
                request.shard_iterator_type(AtSequenceNumber).starting_sequence_number(number)
            }
            ShardStart::After(number) => {
                request.shard_iterator_type(AfterSequenceNumber).starting_sequence_number(number)
            }
        };
        let asked_at = self.clock.now();
        let answer = request.send().await.map_err(from_sdk)?;
        let iterator =
            answer.shard_iterator.ok_or_else(|| Error::unexpected("Kinesis gave no shard iterator"))?;
        if self.start == ShardStart::Position(Position::Now) {
            // Should this iterator expire before the first record, "now" must still be this moment.
            self.start = ShardStart::Position(Position::At(asked_at));
        }
        self.iterator = Some(iterator.clone());
        Ok(iterator)
    }

    fn take(&mut self, answer: GetRecordsOutput, limit: usize) -> Result<Page> {
        let now = self.clock.now();
        let records = answer
            .records
            .into_iter()
            .map(|record| {
                Ok(ShardRecord {
                    arrived_at: record
                        .approximate_arrival_timestamp
                        .map_or(Ok(now), |time| timestamp(&time))?,
                    sequence_number: record.sequence_number,
                    data: record.data.into_inner().into(),
                })
            })
            .collect::<Result<Vec<_>>>()?;
        if let Some(last) = records.last() {
            self.start = ShardStart::After(last.sequence_number.clone());
        }
        self.ended = answer.next_shard_iterator.is_none();
        self.iterator = answer.next_shard_iterator;
        // A full page may not be all, also where the oldest record left is not a millisecond old.
        let caught_up = self.ended || (answer.millis_behind_latest == Some(0) && records.len() < limit);
        Ok(Page { records, caught_up, ended: self.ended, throttled: false })
    }
}

fn later(time: Timestamp, by: Duration) -> Timestamp {
    time.saturating_add(by).unwrap_or(time)
}

/// A time to the millisecond, as Kinesis means it: it comes as a number of seconds, which has more digits than it says.
fn timestamp(time: &DateTime) -> Result<Timestamp> {
    Timestamp::from_nanosecond(time.as_nanos())
        .and_then(|time| time.round(Unit::Millisecond))
        .map_err(|cause| Error::unexpected("a record's arrival time is out of range").caused_by(cause))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arrival_is_a_time_to_the_millisecond() {
        for milliseconds in [1_732_453_248_355, 1_732_453_248_000, 1_732_453_248_999, 1_732_453_248_001] {
            #[expect(clippy::cast_precision_loss, reason = "as Kinesis writes it")]
            let seconds = DateTime::from_secs_f64(milliseconds as f64 / 1e3);
            let expected = Timestamp::from_millisecond(milliseconds).unwrap();
            assert_eq!(timestamp(&seconds).unwrap(), expected);
        }
    }
}
