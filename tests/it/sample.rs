//! Samples where the emulator does not reach: a thousand shards, read limits, times of arrival.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use helios_core::{
    ErrorKind,
    clock::{Clock as _, SharedClock, SystemClock},
    streams::{Position, Sample, SampleEnd, SampleOptions, SampleProgress, sample, sample_while},
};
use helios_tests::{KinesisDouble, ShardRead};
use jiff::Timestamp;
use tokio::time::timeout;

use crate::shop::account;

/// Longer than anything here takes.
const FOREVER: Duration = Duration::from_secs(120);

fn clock() -> SharedClock {
    Arc::new(SystemClock)
}

async fn double(shards: usize) -> KinesisDouble {
    KinesisDouble::start(&account().await, "clicks", shards).await.unwrap()
}

async fn sampled(double: &KinesisDouble, options: &SampleOptions) -> Sample {
    let (session, clock) = (double.session(), clock());
    timeout(FOREVER, sample(&session, "clicks", options, &clock)).await.unwrap().unwrap()
}

fn ago(seconds: i64) -> Timestamp {
    SystemClock.now() - jiff::SignedDuration::from_secs(seconds)
}

/// R17: by the double's own clock.
fn check_reads(double: &KinesisDouble) {
    let mut by_shard: BTreeMap<String, Vec<Timestamp>> = BTreeMap::new();
    for read in double.reads() {
        assert!(!read.throttled, "{read:?}");
        by_shard.entry(read.shard).or_default().push(read.at);
    }
    for (shard, reads) in by_shard {
        let too_many = reads.windows(6).any(|six| six[5].duration_since(six[0]).as_secs() < 1);
        assert!(!too_many, "{shard}: {reads:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_shards_are_sampled_evenly() {
    let double = double(1_000).await;
    double.set_list_page(300);
    // In every window of recent history, and before: so that each shard is read through all of them.
    for (key, seconds) in (0..6_000_u64).zip([90_000, 7_200, 600, 1].into_iter().cycle()) {
        double.put_at(key, format!("{{\"key\":{key}}}"), ago(seconds));
    }
    let options =
        SampleOptions { max_events: 3_000, time_limit: Duration::from_secs(60), ..SampleOptions::default() };
    let found = sampled(&double, &options).await;
    assert_eq!((found.events.len(), found.ended_by, found.shards_read), (3_000, SampleEnd::MaxEvents, 1_000));
    let mut of_shards = BTreeMap::new();
    for event in &found.events {
        *of_shards.entry(event.shard.clone()).or_insert(0) += 1;
    }
    // Six a shard on average, of which a half is wanted.
    let (least, most) = (of_shards.values().min().unwrap(), of_shards.values().max().unwrap());
    assert!(
        of_shards.len() > 950 && *least >= 1 && *most <= 8,
        "{} shards, {least} to {most}",
        of_shards.len()
    );
    check_reads(&double);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_shard_is_not_read_too_often_through_its_windows() {
    let double = double(1).await;
    for (key, seconds) in [(0, 90_000), (1, 80_000), (2, 7_200), (3, 600), (4, 1)] {
        double.put_at(key, format!("{{\"key\":{key}}}"), ago(seconds));
    }
    let found = sampled(&double, &SampleOptions::default()).await;
    assert_eq!((found.events.len(), found.ended_by), (5, SampleEnd::EndOfStream));
    let reads = double.reads();
    let apart = |two: &[ShardRead]| two[1].at.duration_since(two[0].at).as_millis();
    assert!(reads.len() >= 4 && reads.windows(2).all(|two| apart(two) >= 150), "{reads:?}");
    check_reads(&double);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_stream_of_a_thousand_shards_ends_in_its_time() {
    let double = double(1_000).await;
    let options = SampleOptions { time_limit: Duration::from_secs(2), ..SampleOptions::default() };
    let found = sampled(&double, &options).await;
    assert_eq!((found.events.len(), found.ended_by), (0, SampleEnd::NoRecords));
    check_reads(&double);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_arrived_later_is_left_out() {
    let double = double(2).await;
    for key in 0..40_u64 {
        double.put_at(key, key.to_string(), ago(4_000 - 100 * key.cast_signed()));
    }
    let keys = |found: &Sample| {
        let keys =
            found.events.iter().map(|event| String::from_utf8_lossy(&event.data).parse::<u64>().unwrap());
        let mut keys: Vec<_> = keys.collect();
        keys.sort_unstable();
        keys
    };
    // Between two arrivals.
    let between = |key: i64| ago(4_000 - 100 * key + 50);
    for (position, until, expected) in [
        (Some(Position::At(between(10))), Some(between(20)), 10..20),
        (Some(Position::Oldest), Some(between(5)), 0..5),
        (None, Some(between(30)), 0..30),
        (Some(Position::At(between(35))), None, 35..40),
        (Some(Position::Oldest), Some(ago(100_000)), 0..0),
    ] {
        let options = SampleOptions { position, until, ..SampleOptions::default() };
        let found = sampled(&double, &options).await;
        assert_eq!(keys(&found), expected.clone().collect::<Vec<_>>(), "{options:?}");
        let ended = if expected.is_empty() { SampleEnd::NoRecords } else { SampleEnd::EndOfStream };
        assert_eq!(found.ended_by, ended, "{options:?}");
    }
    let options = SampleOptions { until: Some(ago(-60)), ..SampleOptions::default() };
    let error = sample(&double.session(), "clicks", &options, &clock()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sample_tells_how_far_it_is_and_can_be_stopped() {
    let double = double(8).await;
    for key in 0..80_u64 {
        double.put_at(key, b"{}", ago(1));
    }
    let options =
        SampleOptions { max_events: 10_000, position: Some(Position::Oldest), ..SampleOptions::default() };
    let (session, clock) = (double.session(), clock());
    let mut told: Vec<SampleProgress> = Vec::new();
    let reading = sample_while(&session, "clicks", &options, &clock, |so_far| {
        told.push(*so_far);
        true
    });
    let whole = reading.await.unwrap();
    assert_eq!((whole.events.len(), whole.ended_by), (80, SampleEnd::EndOfStream));
    assert_eq!((told[0].events, told[0].shards, told[0].reads), (0, 8, 0));
    let last = told.last().unwrap();
    assert_eq!((last.events, last.bytes), (80, 160));
    assert!(last.reads >= 8 && told.is_sorted_by_key(|so_far| so_far.reads), "{told:?}");
    for (limit, found) in [(0, 0), (1, 80)] {
        let reading = sample_while(&session, "clicks", &options, &clock, |so_far| so_far.events < limit);
        let stopped = reading.await.unwrap();
        let ended = if found == 0 { SampleEnd::NoRecords } else { SampleEnd::Stopped };
        assert_eq!((stopped.events.len(), stopped.ended_by), (found, ended), "{limit}");
    }
}
