//! A few events of a stream, from all its shards, in bounded time.

use std::{
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    time::Duration,
};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::{
    defect::Defect,
    describe::describe,
    position::Position,
    sequence::compare_sequence_numbers,
    session::AwsSession,
    shard_sample::{Phase, ShardSample},
    shards::list_shards,
};
use crate::{Error, ErrorKind, Result, clock::SharedClock};

/// How many shards are read at the same moment.
const CONCURRENT_SHARDS: usize = 64;
/// How often a round that takes its time tells how far it is.
const TOLD_EVERY: SignedDuration = SignedDuration::from_millis(250);
/// A sample that has this many bytes has enough: events may be of a megabyte each, and unpack to more.
pub(super) const MAX_SAMPLE_BYTES: usize = 64 * 1024 * 1024;
/// So many records that cannot be unpacked are kept.
pub(super) const MAX_DEFECTS: usize = 10;
/// And so much of each.
pub(super) const MAX_DEFECT_BYTES: usize = 1024;

/// How to sample.
#[derive(Clone, Debug, PartialEq)]
pub struct SampleOptions {
    /// How many events are enough: 1 to 10,000. Default 100.
    pub max_events: usize,
    /// Where to start. Default: recent history, then older, and if there is none at all, what arrives.
    pub position: Option<Position>,
    /// Up to when: what arrived before, roughly. Default: up to the present end.
    pub until: Option<Timestamp>,
    /// How long it may take: at most 60 s. Default 10 s.
    pub time_limit: Duration,
}

impl SampleOptions {
    /// The most events a sample can have.
    pub const MAX_EVENTS: usize = 10_000;
    /// The longest a sample can take.
    pub const MAX_TIME_LIMIT: Duration = Duration::from_secs(60);

    /// Checks the ranges.
    ///
    /// # Errors
    ///
    /// `InvalidInput`, naming the option that is out of its range.
    pub fn validate(&self) -> Result<()> {
        if !(1..=Self::MAX_EVENTS).contains(&self.max_events) {
            let message = format!("maxEvents must be 1 to {}", Self::MAX_EVENTS);
            return Err(Error::invalid_input(message).with("max_events", self.max_events.to_string()));
        }
        if self.time_limit.is_zero() || self.time_limit > Self::MAX_TIME_LIMIT {
            let message =
                format!("timeLimitSeconds must be over 0 and at most {}", Self::MAX_TIME_LIMIT.as_secs());
            return Err(Error::invalid_input(message).with("time_limit", format!("{:?}", self.time_limit)));
        }
        Ok(())
    }

    fn check_times(&self, now: Timestamp) -> Result<()> {
        if let Some(Position::At(time)) = self.position
            && time > now
        {
            let error = Error::invalid_input("the position lies in the future");
            return Err(error.with("position", time.to_string()));
        }
        let Some(until) = self.until else { return Ok(()) };
        let message = match self.position {
            _ if until > now => {
                "`until` lies in the future: how long to wait for what arrives is the time limit"
            }
            Some(Position::Now) => {
                "there is nothing from now on up to a time that is over: leave `until` off"
            }
            Some(Position::At(time)) if time >= until => "`until` is not after the position",
            _ => return Ok(()),
        };
        Err(Error::invalid_input(message).with("until", until.to_string()))
    }
}

impl Default for SampleOptions {
    fn default() -> Self {
        Self { max_events: 100, position: None, until: None, time_limit: Duration::from_secs(10) }
    }
}

/// One sampled event, unpacked and split from its record as delivery does it. It may not be valid JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SampledEvent {
    /// The shard it was read from.
    pub shard: String,
    /// The sequence number of its record.
    pub sequence_number: String,
    /// Its place in the record, as in delivery.
    pub sub_sequence: u64,
    /// When it arrived, roughly.
    pub arrived_at: Timestamp,
    /// The event.
    pub data: Bytes,
}

/// One sampled record that could not be unpacked.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DefectiveRecord {
    /// Where it was; and the first 1,024 bytes of it, as they came.
    pub record: SampledEvent,
    /// Why.
    pub defect: Defect,
}

/// Why a sample has no more events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SampleEnd {
    /// As many as were asked for.
    MaxEvents,
    /// 64 MiB of them.
    MaxBytes,
    /// There were no more, or none from before the time up to which was asked for.
    EndOfStream,
    /// The time was over.
    TimeLimit,
    /// Whoever was told of the progress wanted no more.
    Stopped,
    /// There was none at all, until the time was over or every shard had been read.
    NoRecords,
}

/// What a sample found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sample {
    /// The stream's ARN.
    pub stream_arn: String,
    /// The events, by shard, and in its order. None if the stream is empty and nothing arrived in time.
    pub events: Vec<SampledEvent>,
    /// How many more could not be unpacked.
    pub unreadable: usize,
    /// The first of these, at most 10.
    pub defects: Vec<DefectiveRecord>,
    /// Why there are no more.
    pub ended_by: SampleEnd,
    /// How many shards were read.
    pub shards_read: usize,
}

/// How far a sample is.
///
/// On the wire: `{"events": 12, "unreadable": 0, "bytes": 2048, "shards": 4, "reads": 9}`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SampleProgress {
    /// Events that were found.
    pub events: u64,
    /// Records that could not be unpacked.
    pub unreadable: u64,
    /// The bytes of the events.
    pub bytes: u64,
    /// The shards of the stream.
    pub shards: u64,
    /// Pages that were read of them.
    pub reads: u64,
}

/// What all shards together have found so far.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) events: AtomicUsize,
    pub(super) unreadable: AtomicUsize,
    pub(super) bytes: AtomicUsize,
}

/// Reads up to `max_events` events from all shards of a stream, evenly, within the time limit.
///
/// It ends early when it has enough, or when there is no more: from a given position when every shard has been read to
/// its present end (from [`Position::Now`] it waits for arrivals), by default when the whole history has. A stream
/// without history is waited on. When the time is over, what was found by then is the sample.
///
/// # Errors
///
/// `InvalidInput` for options out of range, a position in the future or what cannot be a stream, `NotFound`,
/// `Unauthenticated`, `PermissionDenied` (needs `kinesis:DescribeStreamSummary`, `ListShards`, `GetShardIterator` and
/// `GetRecords`), `Unavailable`, and `Timeout` if not even the shards were known within the time limit.
#[tracing::instrument(skip_all, fields(stream = stream, max_events = options.max_events))]
pub async fn sample(
    session: &AwsSession,
    stream: &str,
    options: &SampleOptions,
    clock: &SharedClock,
) -> Result<Sample> {
    sample_while(session, stream, options, clock, |_| true).await
}

/// The same, and asks on the way whether to go on, showing how far it is: when the shards are known, after each round through
/// them, and four times a second. When the answer is `false`, what was found by then is the sample.
///
/// # Errors
///
/// As [`sample`].
pub async fn sample_while(
    session: &AwsSession,
    stream: &str,
    options: &SampleOptions,
    clock: &SharedClock,
    go_on: impl FnMut(&SampleProgress) -> bool,
) -> Result<Sample> {
    run(session, stream, options, clock, go_on).await.map_err(|error| error.at("sample"))
}

async fn run(
    session: &AwsSession,
    stream: &str,
    options: &SampleOptions,
    clock: &SharedClock,
    go_on: impl FnMut(&SampleProgress) -> bool,
) -> Result<Sample> {
    options.validate()?;
    let now = clock.now();
    options.check_times(now)?;
    let mut time_limit = clock.sleep(options.time_limit);
    let opening = async {
        let stream_arn = describe(session, stream).await?.arn;
        let shards = list_shards(session, &stream_arn).await?;
        let client = session.kinesis().await?;
        let open = |id: &str| ShardSample::open(&client, &stream_arn, id, options, now, clock);
        let shards = shards.iter().map(|shard| open(&shard.id)).collect();
        Ok::<(String, Vec<ShardSample>), Error>((stream_arn, shards))
    };
    let (stream_arn, mut shards) = tokio::select! {
        opened = opening => opened?,
        () = &mut time_limit => {
            return Err(Error::new(ErrorKind::Timeout, "the stream's shards were not known within the time limit")
                .retryable(true)
                .with("stream", stream));
        }
    };
    let ended_by = tokio::select! {
        read = read(&mut shards, options, clock, go_on) => read?,
        () = time_limit => SampleEnd::TimeLimit,
    };
    Ok(collect(stream_arn, shards, options.max_events, ended_by))
}

/// Reads all shards in rounds, one page of each shard that has more, until there is enough or no more.
async fn read(
    shards: &mut [ShardSample],
    options: &SampleOptions,
    clock: &SharedClock,
    mut go_on: impl FnMut(&SampleProgress) -> bool,
) -> Result<SampleEnd> {
    let all = Found::default();
    let (mut found, mut reads, count) = (0, 0, shards.len() as u64);
    let mut told_at = clock.now();
    let so_far = |reads| SampleProgress {
        events: all.events.load(Relaxed) as u64,
        unreadable: all.unreadable.load(Relaxed) as u64,
        bytes: all.bytes.load(Relaxed) as u64,
        shards: count,
        reads,
    };
    loop {
        if !go_on(&so_far(reads)) {
            return Ok(SampleEnd::Stopped);
        }
        let reading = shards.iter().filter(|shard| shard.phase == Phase::Reading).count();
        let phase = if reading > 0 { Phase::Reading } else { Phase::Waiting };
        let active = shards.iter().filter(|shard| shard.phase == phase).count();
        if active == 0 {
            return Ok(SampleEnd::EndOfStream);
        }
        let quota = (options.max_events - found).div_ceil(active);
        let mut pages = Vec::with_capacity(active);
        for shard in shards.iter_mut().filter(|shard| shard.phase == phase) {
            pages.push(shard.read(quota, &all));
        }
        let mut pages = stream::iter(pages).buffer_unordered(CONCURRENT_SHARDS);
        while let Some(page) = pages.next().await {
            page?;
            reads += 1;
            if clock.now().duration_since(told_at) >= TOLD_EVERY {
                told_at = clock.now();
                if !go_on(&so_far(reads)) {
                    return Ok(SampleEnd::Stopped);
                }
            }
        }
        drop(pages);

        let before = found;
        found = shards.iter().map(|shard| shard.events.len()).sum();
        if found >= options.max_events {
            return Ok(SampleEnd::MaxEvents);
        }
        if all.bytes.load(Relaxed) >= MAX_SAMPLE_BYTES {
            return Ok(SampleEnd::MaxBytes);
        }
        // Events that arrived in a stream without history were waited for until they paused.
        let paused = phase == Phase::Waiting && found > 0 && found == before;
        if paused && options.position.is_none() {
            return Ok(SampleEnd::EndOfStream);
        }
    }
}

fn collect(
    stream_arn: String,
    mut shards: Vec<ShardSample>,
    max_events: usize,
    ended_by: SampleEnd,
) -> Sample {
    let found: Vec<usize> = shards.iter().map(|shard| shard.events.len()).collect();
    for (index, share) in even_shares(&found, max_events) {
        if let Some(shard) = shards.get_mut(index) {
            shard.events.truncate(share);
        }
    }
    let shards_read = shards.len();
    let unreadable = shards.iter().map(|shard| shard.unreadable).sum();
    shards.sort_by(|a, b| a.id.cmp(&b.id));
    let mut events: Vec<SampledEvent> = Vec::with_capacity(max_events.min(found.iter().sum()));
    let mut defects = Vec::new();
    for mut shard in shards {
        defects.append(&mut shard.defects);
        shard.events.sort_by(|a, b| {
            compare_sequence_numbers(&a.sequence_number, &b.sequence_number)
                .then(a.sub_sequence.cmp(&b.sub_sequence))
        });
        events.append(&mut shard.events);
    }
    defects.truncate(MAX_DEFECTS);
    let is_empty = events.is_empty() && unreadable == 0;
    let ended_by = if is_empty { SampleEnd::NoRecords } else { ended_by };
    Sample { stream_arn, events, unreadable, defects, ended_by, shards_read }
}

/// How many events to take of each shard: an even share, and what poor shards lack of theirs goes to the richer ones.
fn even_shares(found: &[usize], max_events: usize) -> Vec<(usize, usize)> {
    let mut poorest_first: Vec<(usize, usize)> = found.iter().copied().enumerate().collect();
    poorest_first.sort_by_key(|(_, found)| *found);
    let mut left = max_events;
    let shards = found.len();
    for (place, (_, share)) in poorest_first.iter_mut().enumerate() {
        *share = (*share).min(left.div_ceil(shards - place));
        left -= *share;
    }
    poorest_first
}

/// What a sample has of these records, if one shard has them and no others.
#[cfg(test)]
pub(crate) fn sample_for_tests(records: Vec<super::ShardRecord>) -> Sample {
    let config = aws_sdk_kinesis::Config::builder()
        .behavior_version(aws_sdk_kinesis::config::BehaviorVersion::latest());
    let client = aws_sdk_kinesis::Client::from_conf(config.build());
    let clock: SharedClock = std::sync::Arc::new(crate::clock::SystemClock);
    let options =
        SampleOptions { position: Some(Position::Oldest), max_events: 10_000, ..SampleOptions::default() };
    let mut shard = ShardSample::open(&client, "arn", "shardId-000000000000", &options, clock.now(), &clock);
    let page = super::Page { records, caught_up: true, ..super::Page::default() };
    shard.take(page, options.max_events, &Found::default());
    collect("arn".to_owned(), vec![shard], options.max_events, SampleEnd::EndOfStream)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_that_leave_nothing_are_refused() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let now = at("2026-01-31T12:00:00Z");
        for (position, until, says) in [
            (None, Some("2026-01-31T12:00:00Z"), None),
            (Some(Position::Oldest), Some("2026-01-31T11:00:00Z"), None),
            (Some(Position::At(at("2026-01-31T10:00:00Z"))), Some("2026-01-31T11:00:00Z"), None),
            (Some(Position::At(now)), None, None),
            (None, Some("2026-01-31T12:00:01Z"), Some("future")),
            (Some(Position::Now), Some("2026-01-31T11:00:00Z"), Some("leave `until` off")),
            (Some(Position::At(at("2026-01-31T11:00:00Z"))), Some("2026-01-31T11:00:00Z"), Some("not after")),
            (Some(Position::At(at("2026-01-31T12:00:01Z"))), None, Some("the position lies in the future")),
        ] {
            let options = SampleOptions { position, until: until.map(at), ..SampleOptions::default() };
            let error = options.check_times(now).err().map(|error| error.to_string());
            let fits = match (&error, says) {
                (Some(error), Some(says)) => error.contains(says),
                (error, says) => error.is_none() && says.is_none(),
            };
            assert!(fits, "{options:?}: {error:?}");
        }
    }

    #[test]
    fn a_record_of_millions_of_events_is_not_taken_whole() {
        let list = format!("[{}{{}}]", "{},".repeat(1_000_000));
        let sample =
            sample_for_tests(vec![crate::streams::ShardRecord::for_tests(1, Timestamp::UNIX_EPOCH, list)]);
        assert_eq!((sample.events.len(), sample.unreadable), (SampleOptions::MAX_EVENTS, 0));
        assert!(sample.events.iter().map(|event| event.sub_sequence).eq(0..10_000));
    }

    #[test]
    fn what_poor_shards_lack_comes_from_the_rich() {
        for (found, max_events, taken) in [
            (&[10, 10, 10, 10][..], 8, &[2, 2, 2, 2][..]),
            (&[1, 10, 0, 10], 8, &[1, 4, 0, 3]),
            (&[0, 0], 8, &[0, 0]),
            (&[3, 2], 8, &[3, 2]),
            (&[9, 1, 1], 5, &[3, 1, 1]),
        ] {
            let mut counts = vec![0; found.len()];
            for (index, share) in even_shares(found, max_events) {
                counts[index] = share;
            }
            assert_eq!(counts.iter().sum::<usize>(), taken.iter().sum::<usize>(), "{found:?}");
            assert_eq!(counts.iter().max(), taken.iter().max(), "{found:?}: {counts:?}");
        }
    }
}
