//! Events put into streams: all of them, once, whatever the stream refuses at first.

use std::{collections::BTreeSet, sync::Arc};

use helios_core::{
    Error, ErrorKind, EventsPut, PutEvents,
    clock::SharedClock,
    streams::{self, AwsSession, Position, SampleOptions},
};
use helios_tests::{Emulator, SteppingClock};
use jiff::Timestamp;
use serde_json::{Value, json, value::to_raw_value};

use crate::fake_kinesis::FakeKinesis;

fn events(count: usize) -> PutEvents {
    let events = (0..count).map(|id| to_raw_value(&json!({"id": id, "user": id % 7})).unwrap());
    PutEvents::new("clicks", events.collect())
}

async fn put(session: &AwsSession, put: &PutEvents) -> Result<EventsPut, Error> {
    let clock: SharedClock = Arc::new(SteppingClock::new(Timestamp::UNIX_EPOCH));
    streams::put_events(session, put, &clock).await
}

/// What Kinesis says of one call: of each record whether it was taken.
fn answer(taken: impl IntoIterator<Item = bool>) -> (u16, Value) {
    let records: Vec<_> = taken
        .into_iter()
        .map(|taken| match taken {
            true => json!({"SequenceNumber": "1", "ShardId": "shardId-000000000000"}),
            false => json!({"ErrorCode": "ProvisionedThroughputExceededException", "ErrorMessage": "No."}),
        })
        .collect();
    let failed = records.iter().filter(|record| record.get("ErrorCode").is_some()).count();
    (200, json!({"FailedRecordCount": failed, "Records": records}))
}

/// The ids of the events of each call.
fn calls(fake: &FakeKinesis) -> Vec<Vec<u64>> {
    use base64::{Engine as _, prelude::BASE64_STANDARD};
    let id = |record: &Value| {
        let data = BASE64_STANDARD.decode(record["Data"].as_str().unwrap()).unwrap();
        serde_json::from_slice::<Value>(&data).unwrap()["id"].as_u64().unwrap()
    };
    let requests = fake.requests().into_iter();
    requests.map(|(_, body)| body["Records"].as_array().unwrap().iter().map(id).collect()).collect()
}

#[tokio::test]
async fn all_events_are_in_the_stream_those_of_one_key_in_order() {
    let account = Emulator::shared(false).await.unwrap().account();
    account.create_stream("clicks", 4).await.unwrap();
    let all = events(1_200).partition_key("/user".parse().unwrap());
    let done = put(&account.session(), &all).await.unwrap();
    assert_eq!((done.events, done.throttled), (1_200, 0));
    assert_eq!(done.bytes, all.events.iter().map(|event| event.get().len()).sum::<usize>());

    let options =
        SampleOptions { max_events: 10_000, position: Some(Position::Oldest), ..SampleOptions::default() };
    let clock: SharedClock = Arc::new(helios_core::clock::SystemClock);
    let sample = streams::sample(&account.session(), "clicks", &options, &clock).await.unwrap();
    let found: Vec<(String, Value)> = sample
        .events
        .iter()
        .map(|event| (event.shard.clone(), serde_json::from_slice(&event.data).unwrap()))
        .collect();
    let ids: BTreeSet<_> = found.iter().map(|(_, event)| event["id"].as_u64().unwrap()).collect();
    assert_eq!((found.len(), ids.len()), (1_200, 1_200));
    for user in 0..7 {
        let of_user: Vec<_> = found.iter().filter(|(_, event)| event["user"] == user).collect();
        assert_eq!(of_user.iter().map(|(shard, _)| shard).collect::<BTreeSet<_>>().len(), 1);
        assert!(of_user.iter().map(|(_, event)| event["id"].as_u64().unwrap()).is_sorted());
    }
}

#[tokio::test]
async fn what_a_busy_stream_refuses_is_put_again_and_nothing_else() {
    let fake = FakeKinesis::answering(vec![
        answer([true, false, true, false]),
        answer([false, false]),
        answer([false, true]),
        answer([true]),
    ])
    .await;
    let done = put(&fake.session(), &events(4)).await.unwrap();
    assert_eq!(calls(&fake), [vec![0, 1, 2, 3], vec![1, 3], vec![1, 3], vec![1]]);
    assert_eq!((done.events, done.throttled), (4, 5));
}

#[tokio::test]
async fn what_a_stream_never_takes_is_named() {
    let busy = answer(std::iter::repeat_n(false, 2));
    let fake = FakeKinesis::answering(vec![answer([true, false, true, false]), busy]).await;
    let error = put(&fake.session(), &events(4)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LimitExceeded);
    assert_eq!(error.aws_code(), Some("ProvisionedThroughputExceededException"));
    assert!(error.is_retryable());
    assert!(error.context().any(|entry| entry == ("not_put", "1, 3")), "{error}");
}

#[tokio::test]
async fn an_error_in_the_second_call_says_that_the_first_is_in_the_stream() {
    let refusal = (400, json!({"__type": "AccessDeniedException", "message": "No."}));
    let fake = FakeKinesis::answering(vec![answer(std::iter::repeat_n(true, 500)), refusal.clone()]).await;
    let error = put(&fake.session(), &events(1_200)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    assert!(error.context().any(|entry| entry == ("not_put", "500-1199")), "{error}");

    let fake = FakeKinesis::answering(vec![refusal.clone()]).await;
    let mut second_part = events(3);
    second_part.first_event = 1_000;
    let error = put(&fake.session(), &second_part).await.unwrap_err();
    assert!(error.context().any(|entry| entry == ("not_put", "1000-1002")), "{error}");

    let fake = FakeKinesis::answering(vec![refusal]).await;
    let error = put(&fake.session(), &events(3)).await.unwrap_err();
    assert!(!error.context().any(|(name, _)| name == "not_put"), "{error}");
}

#[tokio::test]
async fn nothing_is_put_unless_each_event_can_be() {
    let fake = FakeKinesis::answering(vec![answer([true])]).await;
    let mut none = events(600);
    none.events.push(to_raw_value(&[1]).unwrap());
    let error = put(&fake.session(), &none).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.context().any(|entry| entry == ("event", "600")), "{error}");

    let error =
        put(&fake.session(), &events(3).partition_key("/account".parse().unwrap())).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.context().any(|entry| entry == ("field", "/account")), "{error}");

    let error = put(&fake.session(), &PutEvents::new("no stream", Vec::new())).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(fake.requests().is_empty());
}

#[tokio::test]
async fn no_events_are_put_without_a_call() {
    let fake = FakeKinesis::answering(vec![answer([])]).await;
    assert_eq!(put(&fake.session(), &events(0)).await.unwrap().events, 0);
    assert!(fake.requests().is_empty());
}
