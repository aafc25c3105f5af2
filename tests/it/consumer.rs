//! The in-process consumer, on the emulator where all is well, and on the Kinesis double where it is not.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use helios_core::{
    ErrorKind, RemoveSource, ReportOptions,
    clock::{Clock as _, SystemClock},
    delivery::{ConsumeEnd, ConsumeOptions, ConsumeReport, ShardState},
    sources::SourceState,
    streams::Position,
};
use helios_tests::KinesisFaults;
use jiff::Timestamp;
use serde_json::json;
use tokio::{net::TcpSocket, time::timeout};

use crate::{
    consumer_source::{ClickHouse, STREAM, Sink, Stage, client_at, until, wait_for},
    delivery_source::ANYWHERE,
    shop::account,
};

/// Where something must have ended that takes a moment: so long that only a hang gets here.
const FOREVER: Duration = Duration::from_secs(60);

fn balanced(report: &ConsumeReport) {
    assert_eq!(
        report.received,
        report.delivered + report.quarantined + report.duplicates_skipped,
        "{report:?}"
    );
}

#[tokio::test]
async fn a_stream_of_the_emulator_is_delivered_to_its_present_end() {
    let account = account().await;
    account.create_stream(STREAM, 4).await.unwrap();
    let client = client_at(&account, account.endpoint());
    let sink = Sink::create(&client).await;
    let mut payloads: Vec<_> =
        (0..1000).map(|id: u64| (id.to_string(), format!(r#"{{"id":{id}}}"#))).collect();
    payloads.push(("k".to_owned(), "no JSON".to_owned()));
    account.put_events(STREAM, payloads).await.unwrap();

    let options: ConsumeOptions = serde_json::from_value(json!({"streamName": STREAM})).unwrap();
    let report = client.consume_with(&options).await.unwrap();
    assert_eq!(sink.ids().await, (0..1000).collect::<Vec<_>>());
    assert_eq!((report.ended, report.records, report.delivered), (ConsumeEnd::CaughtUp, 1001, 1000));
    assert_eq!((report.quarantined, report.duplicates_skipped), (1, 0));
    balanced(&report);
    let written = serde_json::to_value(&report).unwrap();
    assert_eq!((&written["ended"], &written["streamName"]), (&json!("caughtUp"), &json!(STREAM)));
    assert_eq!(written["shards"].as_array().unwrap().len(), 4);
    let shard = &written["shards"][0];
    assert!(shard["to"].is_string() && shard["ended"] == false && shard.get("error").is_none(), "{shard}");

    let options = ReportOptions::new("events").database(&sink.database);
    let accounted = client.delivery_report(&options).await.unwrap();
    accounted.check().unwrap();
    assert_eq!((accounted.received, accounted.quarantine.events), (1001, 1));
    assert!(accounted.shards.iter().all(|shard| shard.state == ShardState::CaughtUp), "{accounted:?}");

    // Again: nothing is new, and the last record of each shard is looked at once more.
    let again = client.consume(STREAM).until_caught_up().await.unwrap();
    assert_eq!((again.delivered, again.quarantined), (0, 0));
    assert!(again.duplicates_skipped <= 4, "{again:?}");
    assert_eq!(sink.ids().await.len(), 1000);
}

#[tokio::test]
async fn what_arrives_is_delivered_until_it_is_told_to_stop() {
    let mut stage = Stage::set(2).await;
    let seen = Arc::new(Mutex::new(Vec::new()));
    let sums = Arc::clone(&seen);
    let consume = stage.client.consume(STREAM);
    let consumer =
        consume.on_progress(move |so_far| sums.lock().unwrap().push(so_far.records)).start().await.unwrap();
    for events in [5, 50, 1] {
        stage.put(events);
        let all = u64::try_from(stage.produced().len()).unwrap();
        until(&consumer, |so_far| so_far.records == all).await;
        stage.check().await;
    }
    let report = consumer.stop().await.unwrap();
    assert_eq!((report.ended, report.records), (ConsumeEnd::Stopped, 56));
    balanced(&report);
    let seen = seen.lock().unwrap();
    assert!(seen.is_sorted() && seen.last() == Some(&56), "{seen:?}");
}

#[tokio::test]
async fn a_time_limit_ends_it() {
    let mut stage = Stage::set(1).await;
    stage.put(3);
    let report = stage.client.consume(STREAM).time_limit(Duration::from_millis(1500)).await.unwrap();
    assert_eq!(report.ended, ConsumeEnd::TimeLimit);
    assert!(report.seconds >= 1.5);
    stage.check().await;
}

/// No read of a child before the last one of each parent, and nothing of it in the table before all of theirs.
#[tokio::test]
async fn children_are_read_when_their_parents_are_delivered() {
    let mut stage = Stage::set(2).await;
    stage.put(100);
    let [low, high] = stage.double.split("shardId-000000000000").unwrap();
    stage.put(100);
    let merged = stage.double.merge(&high, "shardId-000000000001").unwrap();
    stage.put(100);
    let [left, right] = stage.double.split(&merged).unwrap();
    stage.put(100);
    stage.double.set_faults(KinesisFaults { page: 30, ..KinesisFaults::default() });

    let order = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&order);
    let consume = stage.client.consume(STREAM).until_caught_up().on_progress(move |so_far| {
        let records = so_far.shards.iter().map(|shard| (shard.shard.clone(), shard.records));
        noted.lock().unwrap().push(records.collect::<BTreeMap<_, _>>());
    });
    let report = consume.await.unwrap();
    stage.check().await;
    assert_eq!(report.shards.iter().filter(|shard| shard.ended).count(), 4);

    let first = "shardId-000000000000".to_owned();
    let second = "shardId-000000000001".to_owned();
    let lineage = [
        (&low, &first),
        (&high, &first),
        (&merged, &high),
        (&merged, &second),
        (&left, &merged),
        (&right, &merged),
    ];
    let (reads, order) = (stage.double.reads(), order.lock().unwrap());
    for (child, parent) in lineage {
        let last = reads.iter().rposition(|read| read.shard == *parent).unwrap();
        let begins = reads.iter().position(|read| read.shard == *child).unwrap();
        assert!(last < begins, "{child} is read before {parent} is");
        let all = stage.double.records(parent).len();
        let begins =
            order.iter().find(|shards| shards.get(child).is_some_and(|records| *records > 0)).unwrap();
        assert_eq!(usize::try_from(begins[parent]).unwrap(), all, "{child} is delivered before {parent} is");
    }
}

#[tokio::test]
async fn shards_may_be_split_and_merged_while_it_runs() {
    let mut stage = Stage::set(1).await;
    let consumer = stage.client.consume(STREAM).start().await.unwrap();
    stage.put(20);
    let [low, high] = stage.double.split("shardId-000000000000").unwrap();
    stage.put(20);
    until(&consumer, |so_far| so_far.records == 40).await;
    let merged = stage.double.merge(&low, &high).unwrap();
    let [left, right] = stage.double.split(&merged).unwrap();
    stage.put(20);
    until(&consumer, |so_far| so_far.records == 60).await;
    let report = consumer.stop().await.unwrap();
    stage.check().await;
    let open: Vec<_> = report.shards.iter().filter(|shard| !shard.ended).map(|shard| &shard.shard).collect();
    assert_eq!(open, [&left, &right]);
}

/// A record's time of arrival may be earlier than that of one before it, and than the source's beginning.
#[tokio::test]
async fn the_child_of_a_shard_that_was_read_begins_with_its_oldest_record() {
    let stage = Stage::set(1).await;
    let late = Sink::create_at(&stage.client, Position::Now).await;
    let consumer = stage.client.consume(STREAM).start().await.unwrap();
    wait_for(|| !stage.double.reads().is_empty()).await;
    stage.double.split("shardId-000000000000").unwrap();
    stage.double.put_at(0, r#"{"id":1}"#, Timestamp::UNIX_EPOCH);
    until(&consumer, |so_far| so_far.records == 1).await;
    consumer.stop().await.unwrap();
    assert_eq!(late.ids().await, [1]);
}

#[tokio::test]
async fn shards_may_be_split_and_merged_while_it_is_stopped() {
    let mut stage = Stage::set(1).await;
    stage.put(20);
    stage.consume().await;
    stage.put(20);
    let [low, high] = stage.double.split("shardId-000000000000").unwrap();
    stage.put(20);
    stage.double.merge(&low, &high).unwrap();
    stage.put(20);
    let report = stage.consume().await;
    stage.check().await;
    balanced(&report);
    assert_eq!((report.delivered, report.duplicates_skipped), (60, 1));
    // Closed shards are found to be finished by the next one, too.
    let again = stage.consume().await;
    assert_eq!(again.shards.iter().filter(|shard| shard.ended).count(), 3);
    stage.check().await;
}

#[tokio::test]
async fn a_parent_that_is_gone_counts_as_read() {
    let mut stage = Stage::set(1).await;
    stage.put(5);
    stage.consume().await;
    let [low, _] = stage.double.split("shardId-000000000000").unwrap();
    stage.double.split(&low).unwrap();
    stage.put(10);
    stage.double.forget("shardId-000000000000");
    stage.double.forget(&low);
    stage.consume().await;
    stage.check().await;
}

/// Its shards have the names of the old ones, and the ledger knows numbers that mean nothing any more.
#[tokio::test]
async fn a_stream_that_was_made_anew_is_delivered_from_its_beginning() {
    let mut stage = Stage::set(1).await;
    stage.put(5);
    stage.consume().await;
    stage.double.make_anew();
    stage.put(5);
    let shard = &stage.double.shards(true)[0];
    assert!(stage.report().await.shards[0].lag_seconds.is_some_and(|lag| lag > 0.0), "{shard} has events");
    stage.consume().await;
    stage.check().await;
    // What the old stream contained when it was deleted is unknown.
    let errors = stage.report().await.errors;
    assert!(errors.iter().any(|error| error.contains("created again under the same name")), "{errors:?}");
    let source = stage.client.sources().await.unwrap().remove(0);
    assert_eq!(source.state, SourceState::Orphaned);
    assert!(source.problems[0].contains("created again under the same name"), "{source:?}");
}

#[tokio::test]
async fn whatever_kinesis_does_every_event_is_there_once() {
    let mut stage = Stage::set(3).await;
    stage.put(400);
    stage.double.split("shardId-000000000001").unwrap();
    stage.put(200);
    let faults = KinesisFaults {
        seed: 7,
        throttled: 4,
        expired: 15,
        failed: 10,
        empty: 20,
        repeated: 20,
        page: 40,
        ..KinesisFaults::default()
    };
    stage.double.set_faults(faults);
    let report = stage.consume().await;
    stage.check().await;
    balanced(&report);
    assert_eq!(report.delivered, 600);
    // R17: by the double's own clock, no shard was read more than five times in a second.
    let reads = stage.double.reads();
    assert!(reads.len() > 30 && reads.iter().all(|read| !read.throttled), "{reads:?}");
}

#[tokio::test]
async fn a_thousand_shards_are_found_over_all_pages() {
    let mut stage = Stage::set(1001).await;
    stage.double.set_list_page(400);
    let shards = stage.put(100);
    let report = timeout(FOREVER, stage.consume()).await.unwrap();
    assert_eq!(report.shards.len(), 1001);
    assert_eq!(report.shards.iter().filter(|shard| shard.records > 0).count(), shards.len());
    stage.check().await;
    let lists = stage.double.operations().iter().filter(|operation| *operation == "ListShards").count();
    assert_eq!(lists, 3);
}

/// R17, and the issue: within a second, whatever hangs, and nothing is lost or doubled by it.
#[tokio::test]
async fn it_stops_within_a_second_though_kinesis_hangs() {
    let mut stage = Stage::set(2).await;
    stage.put(10);
    let consumer = stage.client.consume(STREAM).start().await.unwrap();
    until(&consumer, |so_far| so_far.records == 10).await;
    stage.double.set_faults(KinesisFaults { hung: 100, ..KinesisFaults::default() });
    let before = stage.double.reads().len();
    wait_for(|| stage.double.reads().len() >= before + 2).await;
    stage.put(10);
    // A second is asked for; a busy machine may take longer, but nothing here ends by itself.
    timeout(Duration::from_secs(5), consumer.stop()).await.unwrap().unwrap();
    stage.double.set_faults(KinesisFaults::default());
    stage.consume().await;
    stage.check().await;
}

#[tokio::test]
async fn dropping_it_ends_it() {
    let mut stage = Stage::set(1).await;
    // What its tasks hold is let go of when the last of them has ended.
    let alive = Arc::new(());
    let held = Arc::clone(&alive);
    let consume = stage.client.consume(STREAM).on_progress(move |_| drop(Arc::clone(&held)));
    let consumer = consume.start().await.unwrap();
    stage.put(10);
    until(&consumer, |so_far| so_far.records == 10).await;
    drop(consumer);
    wait_for(|| Arc::strong_count(&alive) == 1).await;
    stage.check().await;
}

#[tokio::test]
async fn two_consumers_at_once_deliver_once() {
    let mut stage = Stage::set(2).await;
    stage.put(300);
    stage.double.set_faults(KinesisFaults { page: 50, ..KinesisFaults::default() });
    let other = client_at(stage.double.account(), stage.double.endpoint());
    let consume = || stage.client.consume(STREAM).until_caught_up();
    let (one, another) =
        tokio::join!(consume().into_future(), other.consume(STREAM).until_caught_up().into_future());
    for report in [one.unwrap(), another.unwrap()] {
        balanced(&report);
        assert_eq!(report.records, 300);
    }
    stage.check().await;
}

#[tokio::test]
async fn each_table_of_a_stream_gets_what_it_lacks() {
    let mut stage = Stage::set(2).await;
    stage.put(50);
    stage.consume().await;
    // It begins with the oldest event, while the first table has all so far.
    let second = Sink::create(&stage.client).await;
    stage.put(50);
    let report = stage.consume().await;
    stage.check().await;
    assert_eq!(second.ids().await, stage.produced());
    // Of the first table only the record is repeated that it ends with.
    assert!(report.duplicates_skipped <= 2 && report.delivered == 150, "{report:?}");
    assert_eq!(report.records, 100);
}

/// Each table begins where it was created to; a position of the consumer's own counts where nothing was delivered yet.
#[tokio::test]
async fn it_begins_where_the_source_does() {
    let mut stage = Stage::set(1).await;
    stage.put(5);
    // Kinesis knows the time of an arrival to the millisecond.
    let created = stage.double.records("shardId-000000000000")[4].arrival;
    wait_for(|| SystemClock.now() > created + Duration::from_millis(5)).await;
    let late = Sink::create_at(&stage.client, Position::Now).await;
    stage.put(5);
    stage.consume().await;
    stage.check().await;
    assert_eq!(late.ids().await, [5, 6, 7, 8, 9]);
    // Once something was delivered, the ledger says where to go on.
    stage.put(5);
    stage.client.consume(STREAM).until_caught_up().position(Position::Now).await.unwrap();
    stage.check().await;

    let mut stage = Stage::set(1).await;
    stage.put(5);
    let last = stage.double.records("shardId-000000000000")[4].arrival;
    wait_for(|| SystemClock.now() > last + Duration::from_millis(5)).await;
    stage.client.consume(STREAM).until_caught_up().position(Position::Now).await.unwrap();
    assert_eq!(stage.sink.ids().await, [0; 0]);
    stage.client.consume(STREAM).until_caught_up().position(Position::Oldest).await.unwrap();
    stage.check().await;
}

/// Shards that were made of others before the consumer began have old events, too.
#[tokio::test]
async fn it_begins_where_the_source_does_in_shards_made_of_others() {
    let mut stage = Stage::set(1).await;
    stage.put(5);
    stage.double.split("shardId-000000000000").unwrap();
    stage.put(20);
    let arrived = SystemClock.now();
    wait_for(|| SystemClock.now() > arrived + Duration::from_millis(5)).await;
    let late = Sink::create_at(&stage.client, Position::Now).await;
    stage.put(20);
    stage.consume().await;
    stage.check().await;
    assert_eq!(late.ids().await, (25..45).collect::<Vec<u64>>());
}

#[tokio::test]
async fn a_clickhouse_that_comes_back_is_waited_for() {
    let mut stage = Stage::set(1).await;
    let reserved = TcpSocket::new_v4().unwrap();
    reserved.set_reuseaddr(true).unwrap();
    // Bound, so that nobody else gets the port, and not listening.
    reserved.bind(ANYWHERE).unwrap();
    let address = reserved.local_addr().unwrap();
    let clickhouse = ClickHouse::new();
    let client = clickhouse.client(&stage.double, address);
    stage.put(10);
    let consumer = client.consume(STREAM).start().await.unwrap();
    until(&consumer, |so_far| so_far.shards.iter().any(|shard| shard.error.is_some())).await;
    let _listener = clickhouse.listen(address).await;
    until(&consumer, |so_far| so_far.records == 10 && so_far.shards[0].error.is_none()).await;
    consumer.stop().await.unwrap();
    stage.check().await;
}

#[tokio::test]
async fn a_table_that_is_away_keeps_no_other_from_its_events() {
    let mut stage = Stage::set(2).await;
    let second = Sink::create(&stage.client).await;
    let warehouse = stage.client.warehouse().clone();
    let aside = format!("{}_aside", second.table);
    warehouse.execute(&format!("RENAME TABLE {} TO {aside}", second.table)).await.unwrap();
    stage.put(10);
    let error = stage.client.consume(STREAM).until_caught_up().await.unwrap_err();
    assert_eq!((error.kind(), error.operation()), (ErrorKind::NotFound, "consume"));
    assert!(error.context().any(|(key, value)| key == "table" && value == second.table), "{error}");
    stage.check().await;

    // One that is to go on says so in its progress, and goes on when it can.
    let consumer = stage.client.consume(STREAM).start().await.unwrap();
    until(&consumer, |so_far| so_far.shards.iter().any(|shard| shard.error.is_some())).await;
    let error = consumer.progress().shards.into_iter().find_map(|shard| shard.error).unwrap();
    assert!(error.starts_with("not_found") && error.contains(&second.table), "{error}");
    warehouse.execute(&format!("RENAME TABLE {aside} TO {}", second.table)).await.unwrap();
    let filled = async {
        while second.ids().await != stage.produced() {
            SystemClock.sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(FOREVER, filled).await.unwrap();
    until(&consumer, |so_far| so_far.shards.iter().all(|shard| shard.error.is_none())).await;
    let report = consumer.stop().await.unwrap();
    assert!(report.shards.iter().all(|shard| shard.error.is_none()), "{report:?}");
    stage.check().await;
    assert_eq!(second.ids().await, stage.produced());
}

#[tokio::test]
async fn without_a_source_there_is_nothing_to_consume() {
    let account = account().await;
    account.create_stream(STREAM, 1).await.unwrap();
    let client = client_at(&account, account.endpoint());
    client.mappings().await.unwrap().ensure().await.unwrap();
    let future = Position::At("2126-01-01T00:00:00Z".parse().unwrap());
    let error = client.consume(STREAM).position(future).await.unwrap_err();
    assert_eq!((error.kind(), error.operation()), (ErrorKind::InvalidInput, "consume"));
    for (stream, text) in [(STREAM, "no active source"), ("no-such-stream", "")] {
        let error = client.consume(stream).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
        assert!(error.message().contains(text) && error.text().contains(stream), "{error}");
    }
}

/// A running consumer leaves a paused table alone, and makes up for it when it is resumed.
#[tokio::test]
async fn a_source_is_paused_and_resumed_under_a_running_consumer() {
    let mut stage = Stage::set(2).await;
    let other = Sink::create(&stage.client).await;
    let consumer = stage.client.consume(STREAM).start().await.unwrap();
    stage.put(20);
    let has = async |sink: &Sink, ids: Vec<u64>| {
        while sink.ids().await != ids {
            SystemClock.sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(FOREVER, has(&other, stage.produced())).await.unwrap();

    stage.client.pause(other.created.source_id.to_string()).await.unwrap();
    // It notices that within seconds: then the one table has events that the other lacks.
    let noticed = async {
        loop {
            stage.put(1);
            has(&stage.sink, stage.produced()).await;
            // One event of each shard may just be on its way to it.
            if other.ids().await.len() + 2 < stage.produced().len() {
                break;
            }
        }
    };
    timeout(FOREVER, noticed).await.unwrap();
    let before = other.ids().await;
    stage.put(20);
    timeout(FOREVER, has(&stage.sink, stage.produced())).await.unwrap();
    assert_eq!(other.ids().await, before);

    stage.client.resume(other.created.source_id.to_string()).await.unwrap();
    timeout(FOREVER, has(&other, stage.produced())).await.unwrap();
    stage.client.remove(&RemoveSource::new(stage.sink.created.source_id.to_string())).await.unwrap();
    let gone = stage.sink.ids().await;
    stage.put(20);
    timeout(FOREVER, has(&other, stage.produced())).await.unwrap();
    // What was under way may have come to its end, and nothing came twice.
    let ids = stage.sink.ids().await;
    assert!(ids.starts_with(&gone) && stage.produced().starts_with(&ids), "{gone:?} {ids:?}");
    consumer.stop().await.unwrap();
}
