//! Streams: list, describe, sample.

use std::{collections::BTreeMap, io::Write, sync::Arc, time::Duration};

use flate2::{Compression, write::GzEncoder};
use futures_util::{StreamExt, TryStreamExt, stream};
use helios_core::{
    ErrorKind,
    clock::{Clock, SharedClock, SystemClock},
    streams::{self, AwsSession, Credentials, Position, Sample, SampleOptions},
};
use helios_tests::{Account, Emulator, generate, stream_names};
use md5::{Digest, Md5};

fn clock() -> SharedClock {
    Arc::new(SystemClock)
}

async fn account() -> Account {
    Emulator::shared(false).await.unwrap().account()
}

async fn sample(session: &AwsSession, options: SampleOptions) -> Sample {
    streams::sample(session, "clicks", &options, &clock()).await.unwrap()
}

fn options(max_events: usize, position: Option<Position>) -> SampleOptions {
    // Longer than any of these may take: a sample that needs its time limit is then seen.
    SampleOptions { max_events, position, time_limit: Duration::from_secs(60), ..SampleOptions::default() }
}

fn texts(sample: &Sample) -> Vec<String> {
    let mut texts: Vec<_> =
        sample.events.iter().map(|event| String::from_utf8_lossy(&event.data).into_owned()).collect();
    texts.sort_unstable();
    texts
}

fn numbered(prefix: &str, count: usize) -> Vec<(String, String)> {
    (0..count).map(|index| (format!("key-{index}"), format!("{prefix}-{index:04}"))).collect()
}

fn sorted_texts(events: &[(String, String)]) -> Vec<String> {
    let mut texts: Vec<_> = events.iter().map(|(_, text)| text.clone()).collect();
    texts.sort_unstable();
    texts
}

#[tokio::test]
async fn all_streams_are_listed_over_several_pages() {
    let account = account().await;
    let mut names: Vec<String> = (0..120).map(|index| format!("stream-{index}")).collect();
    let created = stream::iter(&names).map(|name| account.create_stream(name, 1)).buffer_unordered(16);
    created.try_collect::<Vec<_>>().await.unwrap();
    names.sort_unstable();
    assert_eq!(stream_names(&account.session()).await.unwrap(), names);
}

#[tokio::test]
async fn all_shards_are_listed_over_several_pages() {
    let account = account().await;
    let arn = account.create_stream("wide", 1_200).await.unwrap();
    let shards = streams::list_shards(&account.session(), &arn).await.unwrap();
    assert_eq!(shards.len(), 1_200);
    assert_eq!(shards.last().unwrap().id, "shardId-000000001199");
}

#[tokio::test]
async fn a_stream_is_described_by_name_and_by_arn() {
    let account = account().await;
    let arn = account.create_stream("clicks", 3).await.unwrap();
    let session = account.session();
    let by_name = streams::describe(&session, "clicks").await.unwrap();
    assert_eq!(
        (by_name.name.as_str(), by_name.status.as_str(), by_name.open_shards),
        ("clicks", "ACTIVE", 3)
    );
    assert_eq!(by_name.arn, arn);
    assert_eq!(streams::describe(&session, &arn).await.unwrap(), by_name);
}

#[tokio::test]
async fn the_caller_is_identified() {
    let account = account().await;
    let identity = streams::caller_identity(&account.session()).await.unwrap();
    assert_eq!(identity.account, account.id());
    assert!(identity.arn.contains(account.id()), "{identity:?}");
}

#[tokio::test]
async fn other_credentials_are_another_caller() {
    let account = account().await;
    let other = Emulator::shared(false).await.unwrap().account();
    other.create_stream("theirs", 1).await.unwrap();
    let session = account.session();
    let theirs = session.with_credentials(Credentials::keys(other.id(), "any"));
    assert_eq!(stream_names(&theirs).await.unwrap(), ["theirs"]);
    assert_eq!(stream_names(&session).await.unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn a_sample_takes_evenly_from_all_shards() {
    let account = account().await;
    let arn = account.create_stream("clicks", 4).await.unwrap();
    let events = generate(2_000, 1, 0.02);
    account.put_events("clicks", events.into_iter().map(|event| (event.key, event.data))).await.unwrap();

    let sample = sample(&account.session(), options(100, None)).await;
    assert_eq!((sample.events.len(), sample.shards_read, sample.unreadable), (100, 4, 0));
    assert_eq!(sample.stream_arn, arn);
    let mut shards = BTreeMap::new();
    for event in &sample.events {
        *shards.entry(event.shard.as_str()).or_insert(0) += 1;
    }
    assert_eq!(shards.into_values().collect::<Vec<_>>(), [25, 25, 25, 25]);
    assert!(sample.events.is_sorted_by_key(|event| (event.shard.clone(), event.sequence_number.clone())));
}

#[tokio::test]
async fn one_full_shard_fills_what_empty_ones_lack() {
    let account = account().await;
    account.create_stream("clicks", 4).await.unwrap();
    let events: Vec<_> = (0..300).map(|index| ("one-key", format!("{index:04}"))).collect();
    account.put_events("clicks", events.clone()).await.unwrap();

    let sample = sample(&account.session(), options(200, None)).await;
    let expected: Vec<_> = events.into_iter().take(200).map(|(_, text)| text).collect();
    assert_eq!(texts(&sample), expected);
}

#[tokio::test]
async fn a_short_stream_is_sampled_whole_without_waiting() {
    let account = account().await;
    account.create_stream("clicks", 4).await.unwrap();
    let events = numbered("event", 10);
    account.put_events("clicks", events.clone()).await.unwrap();
    for position in [None, Some(Position::Oldest)] {
        assert_eq!(texts(&sample(&account.session(), options(100, position)).await), sorted_texts(&events));
    }
}

#[tokio::test]
async fn a_sample_starts_at_its_position() {
    let account = account().await;
    account.create_stream("clicks", 2).await.unwrap();
    let session = account.session();
    let before = numbered("before", 10);
    account.put_events("clicks", before.clone()).await.unwrap();
    let first = sample(&session, options(100, Some(Position::Oldest))).await;
    assert_eq!(texts(&first), sorted_texts(&before));

    let between = first.events.iter().map(|event| event.arrived_at).max().unwrap() + Duration::from_micros(1);
    let after = numbered("after", 10);
    account.put_events("clicks", after.clone()).await.unwrap();
    let second = sample(&session, options(100, Some(Position::At(between)))).await;
    assert_eq!(texts(&second), sorted_texts(&after));
    assert_eq!(texts(&sample(&session, options(100, Some(Position::Oldest))).await).len(), 20);
}

/// Puts an event again and again until the sample ends.
async fn sample_while_putting(account: &Account, options: SampleOptions) -> Sample {
    let (session, clock) = (account.session(), clock());
    let sampled = streams::sample(&session, "clicks", &options, &clock);
    let putting = async {
        loop {
            account.put_events("clicks", [("key", "arrived")]).await.unwrap();
        }
    };
    tokio::select! {
        sample = sampled => sample.unwrap(),
        () = putting => unreachable!("putting does not end"),
    }
}

#[tokio::test]
async fn from_now_only_arrivals_are_sampled() {
    let account = account().await;
    account.create_stream("clicks", 2).await.unwrap();
    account.put_events("clicks", numbered("before", 50)).await.unwrap();
    let sample = sample_while_putting(&account, options(3, Some(Position::Now))).await;
    assert_eq!(texts(&sample), ["arrived", "arrived", "arrived"]);
}

#[tokio::test]
async fn a_stream_without_history_is_waited_on() {
    let account = account().await;
    account.create_stream("clicks", 2).await.unwrap();
    let sample = sample_while_putting(&account, options(3, None)).await;
    assert_eq!(texts(&sample), ["arrived", "arrived", "arrived"]);
}

#[tokio::test]
async fn an_empty_stream_gives_an_empty_sample_at_the_time_limit() {
    let account = account().await;
    account.create_stream("clicks", 4).await.unwrap();
    for position in [None, Some(Position::Now)] {
        let options =
            SampleOptions { position, time_limit: Duration::from_millis(1_500), ..SampleOptions::default() };
        let sample = sample(&account.session(), options).await;
        assert_eq!((sample.events.len(), sample.unreadable, sample.shards_read), (0, 0, 4));
    }
    // With nothing to wait for, it ends by itself.
    assert!(sample(&account.session(), options(100, Some(Position::Oldest))).await.events.is_empty());
}

fn gzip(data: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

/// An aggregated record, byte by byte: a table of one key, and records that point to it.
pub(crate) fn aggregate(payloads: &[&[u8]]) -> Vec<u8> {
    let mut message = vec![0x0a, 1, b'k'];
    for payload in payloads {
        let length = u8::try_from(payload.len()).unwrap();
        message.extend([0x1a, length + 4, 0x08, 0, 0x1a, length]);
        message.extend(*payload);
    }
    [&[0xf3, 0x89, 0x9a, 0xc2], &message[..], &Md5::digest(&message)[..]].concat()
}

#[tokio::test]
async fn compressed_and_aggregated_records_are_unpacked() {
    let account = account().await;
    account.create_stream("clicks", 1).await.unwrap();
    let packed_inside = gzip(b"aggregated, gzip");
    let records = [
        b"plain".to_vec(),
        gzip(b"gzip"),
        zstd::encode_all(&b"zstd"[..], 3).unwrap(),
        aggregate(&[b"aggregated", &packed_inside]),
        gzip(b"cut")[..12].to_vec(),
    ];
    account.put_events("clicks", records.map(|record| ("key", record))).await.unwrap();

    let sample = sample(&account.session(), options(100, None)).await;
    let found: Vec<_> = sample.events.iter().map(|event| (event.sub_sequence, &event.data[..])).collect();
    let expected: [(u64, &[u8]); 5] =
        [(0, b"plain"), (0, b"gzip"), (0, b"zstd"), (0, b"aggregated"), (1, b"aggregated, gzip")];
    assert_eq!(found, expected);
    assert_eq!(sample.unreadable, 1);
}

#[tokio::test]
async fn an_aggregated_record_does_not_hide_what_follows() {
    let account = account().await;
    account.create_stream("clicks", 2).await.unwrap();
    // Half of twelve is all a shard gives at first: here one record, and the page that brought it has five more.
    let mut records = vec![aggregate(&[&b"a"[..]; 6])];
    records.extend([&b"b"[..], b"c", b"d", b"e", b"f", b"g"].map(<[u8]>::to_vec));
    account.put_events("clicks", records.into_iter().map(|record| ("one-key", record))).await.unwrap();
    let sample = sample(&account.session(), options(12, Some(Position::Oldest))).await;
    assert_eq!(texts(&sample).concat(), "aaaaaabcdefg");
}

#[tokio::test]
async fn options_out_of_range_are_refused() {
    let account = account().await;
    account.create_stream("clicks", 1).await.unwrap();
    let future = SystemClock.now() + Duration::from_secs(3_600);
    for options in [
        options(0, None),
        options(10_001, None),
        SampleOptions { time_limit: Duration::from_secs(61), ..SampleOptions::default() },
        SampleOptions { time_limit: Duration::ZERO, ..SampleOptions::default() },
        options(100, Some(Position::At(future))),
    ] {
        let error = streams::sample(&account.session(), "clicks", &options, &clock()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
    }
}
