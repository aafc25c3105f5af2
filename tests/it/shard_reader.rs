//! The shard reader, and paging, where Kinesis behaves as no emulator does.

use std::{sync::Arc, time::Duration};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use helios_core::{
    ErrorKind,
    streams::{self, Position, ShardReader, ShardStart},
};
use helios_tests::{SteppingClock, stream_names};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::fake_kinesis::FakeKinesis;

const ARN: &str = "arn:aws:kinesis:eu-west-1:123456789012:stream/clicks";
const SHARD: &str = "shardId-000000000000";
const NOW: Timestamp = Timestamp::constant(1_768_464_000, 0);

fn iterator(name: &str) -> (u16, Value) {
    (200, json!({"ShardIterator": name}))
}

fn page(sequence_numbers: &[&str], next: Option<&str>, behind: u64) -> (u16, Value) {
    let record = |number: &&str| {
        json!({
            "SequenceNumber": number,
            "PartitionKey": "k",
            "ApproximateArrivalTimestamp": 1_768_463_999.5,
            "Data": BASE64_STANDARD.encode(number),
        })
    };
    let records: Vec<Value> = sequence_numbers.iter().map(record).collect();
    (200, json!({"Records": records, "NextShardIterator": next, "MillisBehindLatest": behind}))
}

fn refusal(code: &str) -> (u16, Value) {
    (400, json!({"__type": code, "message": "No."}))
}

async fn reader(fake: &FakeKinesis, start: ShardStart) -> (ShardReader, Arc<SteppingClock>) {
    let clock = Arc::new(SteppingClock::new(NOW));
    let shared: helios_core::clock::SharedClock = Arc::<SteppingClock>::clone(&clock);
    (ShardReader::new(fake.client().await, ARN, SHARD, start, shared), clock)
}

fn oldest() -> ShardStart {
    ShardStart::Position(Position::Oldest)
}

fn operations(fake: &FakeKinesis) -> Vec<String> {
    fake.requests().into_iter().map(|(operation, _)| operation).collect()
}

#[tokio::test]
async fn a_shard_is_read_to_its_end_over_empty_pages() {
    let fake = FakeKinesis::answering(vec![
        iterator("i0"),
        page(&[], Some("i1"), 5_000),
        page(&["7", "8"], Some("i2"), 1_000),
        page(&[], Some("i3"), 1_000),
        page(&["9"], None, 0),
    ])
    .await;
    let (mut reader, clock) = reader(&fake, oldest()).await;
    let mut found = Vec::new();
    loop {
        let page = reader.next_page(100).await.unwrap();
        found.extend(page.records.iter().map(|record| record.sequence_number.clone()));
        assert_eq!(page.caught_up, page.ended);
        if page.ended {
            break;
        }
    }
    assert_eq!(found, ["7", "8", "9"]);
    let after_the_end = reader.next_page(100).await.unwrap();
    assert!(after_the_end.ended && after_the_end.records.is_empty());
    assert_eq!(fake.requests().len(), 5);
    // Five reads in a second are allowed: all four after the first one waited.
    assert_eq!(clock.waits().len(), 3);
    assert!(clock.waits().iter().all(|wait| *wait > Duration::from_millis(200)), "{:?}", clock.waits());
}

#[tokio::test]
async fn a_record_is_what_was_put() {
    let fake = FakeKinesis::answering(vec![iterator("i0"), page(&["7"], Some("i1"), 0)]).await;
    let (mut reader, _) = reader(&fake, oldest()).await;
    let page = reader.next_page(100).await.unwrap();
    assert!(page.caught_up && !page.ended);
    let record = page.records.first().unwrap();
    assert_eq!((record.sequence_number.as_str(), &record.data[..]), ("7", &b"7"[..]));
    assert_eq!(record.arrived_at.to_string(), "2026-01-15T07:59:59.5Z");
}

#[tokio::test]
async fn a_full_page_is_not_the_end() {
    let fake = FakeKinesis::answering(vec![iterator("i0"), page(&["7"], Some("i1"), 0)]).await;
    let (mut reader, _) = reader(&fake, oldest()).await;
    assert!(!reader.next_page(1).await.unwrap().caught_up);
}

#[tokio::test]
async fn an_expired_iterator_is_renewed_behind_the_last_record() {
    let fake = FakeKinesis::answering(vec![
        iterator("i0"),
        page(&["7", "8"], Some("i1"), 0),
        refusal("ExpiredIteratorException"),
        iterator("i2"),
        page(&["9"], Some("i3"), 0),
    ])
    .await;
    let (mut reader, _) = reader(&fake, oldest()).await;
    reader.next_page(100).await.unwrap();
    let page = reader.next_page(100).await.unwrap();
    assert_eq!(page.records.first().unwrap().sequence_number, "9");
    let requests = fake.requests();
    let (operation, body) = &requests[3];
    assert_eq!(operation, "GetShardIterator");
    assert_eq!(body["ShardIteratorType"], "AFTER_SEQUENCE_NUMBER");
    assert_eq!(body["StartingSequenceNumber"], "8");
    assert_eq!(requests[4].1["ShardIterator"], "i2");
}

#[tokio::test]
async fn now_stays_now_when_its_iterator_expires() {
    let fake = FakeKinesis::answering(vec![
        iterator("i0"),
        refusal("ExpiredIteratorException"),
        iterator("i1"),
        page(&["9"], Some("i2"), 0),
    ])
    .await;
    let (mut reader, _) = reader(&fake, ShardStart::Position(Position::Now)).await;
    reader.next_page(100).await.unwrap();
    let requests = fake.requests();
    assert_eq!(requests[0].1["ShardIteratorType"], "LATEST");
    assert_eq!(requests[2].1["ShardIteratorType"], "AT_TIMESTAMP");
    assert_eq!(requests[2].1["Timestamp"].as_f64(), Some(1_768_464_000.0));
}

#[tokio::test]
async fn an_iterator_that_never_works_is_an_error() {
    let expired = || refusal("ExpiredIteratorException");
    let answers = (0..4).flat_map(|_| [iterator("i"), expired()]).collect();
    let fake = FakeKinesis::answering(answers).await;
    let (mut reader, _) = reader(&fake, oldest()).await;
    let error = reader.next_page(100).await.unwrap_err();
    assert_eq!(error.aws_code(), Some("ExpiredIteratorException"));
    assert_eq!(fake.requests().len(), 8);
}

#[tokio::test]
async fn throttling_is_waited_out_at_the_same_place() {
    let fake = FakeKinesis::answering(vec![
        iterator("i0"),
        refusal("ProvisionedThroughputExceededException"),
        page(&["7"], Some("i1"), 0),
    ])
    .await;
    let (mut reader, clock) = reader(&fake, oldest()).await;
    let throttled = reader.next_page(100).await.unwrap();
    assert!(throttled.records.is_empty() && !throttled.caught_up && !throttled.ended);
    assert_eq!(reader.next_page(100).await.unwrap().records.len(), 1);
    assert_eq!(clock.waits(), [Duration::from_secs(1)]);
    assert_eq!(operations(&fake), ["GetShardIterator", "GetRecords", "GetRecords"]);
    assert_eq!(fake.requests()[2].1["ShardIterator"], "i0");
}

#[tokio::test]
async fn each_start_is_asked_for_in_kinesis_words() {
    let time = Timestamp::constant(1_700_000_000, 250_000_000);
    for (start, kind, field, value) in [
        (oldest(), "TRIM_HORIZON", "", Value::Null),
        (ShardStart::Position(Position::Now), "LATEST", "", Value::Null),
        (ShardStart::Position(Position::At(time)), "AT_TIMESTAMP", "Timestamp", json!(1_700_000_000.25)),
        (ShardStart::At("5".into()), "AT_SEQUENCE_NUMBER", "StartingSequenceNumber", json!("5")),
        (ShardStart::After("5".into()), "AFTER_SEQUENCE_NUMBER", "StartingSequenceNumber", json!("5")),
    ] {
        let fake = FakeKinesis::answering(vec![iterator("i0"), page(&[], Some("i1"), 0)]).await;
        reader(&fake, start).await.0.next_page(100).await.unwrap();
        let body = &fake.requests()[0].1;
        assert_eq!((&body["ShardIteratorType"], &body[field]), (&json!(kind), &value));
        assert_eq!((&body["StreamARN"], &body["ShardId"]), (&json!(ARN), &json!(SHARD)));
    }
}

#[tokio::test]
async fn other_refusals_are_errors_that_name_the_shard() {
    let fake = FakeKinesis::answering(vec![refusal("ResourceNotFoundException")]).await;
    let error = reader(&fake, oldest()).await.0.next_page(100).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.text().contains(SHARD) && error.text().contains("aws_request_id: request-1"), "{error}");
}

#[tokio::test]
async fn streams_are_paged_by_token() {
    let fake = FakeKinesis::answering(vec![
        (200, json!({"StreamNames": ["b", "c"], "HasMoreStreams": true, "NextToken": "t1"})),
        (200, json!({"StreamNames": [], "HasMoreStreams": true, "NextToken": "t2"})),
        (200, json!({"StreamNames": ["a"], "HasMoreStreams": false})),
    ])
    .await;
    assert_eq!(stream_names(&fake.session()).await.unwrap(), ["a", "b", "c"]);
    let bodies: Vec<Value> = fake.requests().into_iter().map(|(_, body)| body).collect();
    assert_eq!(bodies, [json!({}), json!({"NextToken": "t1"}), json!({"NextToken": "t2"})]);
}

#[tokio::test]
async fn a_list_that_never_ends_is_an_error() {
    for names in [json!([]), json!(["a"])] {
        let again = (200, json!({"StreamNames": names, "HasMoreStreams": true}));
        let fake = FakeKinesis::answering(vec![again]).await;
        assert_eq!(streams::list(&fake.session()).await.unwrap_err().kind(), ErrorKind::Unexpected);
        assert!(fake.requests().len() <= 2);
    }
}

#[tokio::test]
async fn shards_are_paged_by_token_alone() {
    let shard = |id: &str, parent: Option<&str>, end: Option<&str>| {
        json!({
            "ShardId": id,
            "ParentShardId": parent,
            "HashKeyRange": {"StartingHashKey": "0", "EndingHashKey": "1"},
            "SequenceNumberRange": {"StartingSequenceNumber": "1", "EndingSequenceNumber": end},
        })
    };
    let fake = FakeKinesis::answering(vec![
        (200, json!({"Shards": [shard("a", None, Some("9"))], "NextToken": "t1"})),
        (200, json!({"Shards": [shard("b", Some("a"), None)]})),
    ])
    .await;
    let shards = streams::list_shards(&fake.session(), ARN).await.unwrap();
    let told: Vec<_> =
        shards.iter().map(|shard| (shard.id.as_str(), shard.parents.len(), shard.closed)).collect();
    assert_eq!(told, [("a", 0, true), ("b", 1, false)]);
    let (_, second) = &fake.requests()[1];
    assert_eq!((&second["NextToken"], &second["StreamARN"]), (&json!("t1"), &Value::Null));
}

#[tokio::test]
async fn an_answer_that_is_not_of_kinesis_is_told() {
    let fake = FakeKinesis::answering(vec![(200, json!("<html>"))]).await;
    let error = streams::list(&fake.session()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
}
