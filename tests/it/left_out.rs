//! What the trigger leaves out: the function reads it from the shard, and a batch that follows costs one look.

use helios_core::ReportOptions;
use helios_embedded::Listener;
use helios_tests::{Answer, KinesisDouble, KinesisFaults, Runtime};
use serde_json::json;

use crate::{
    consumer_source::{ClickHouse, Sink, Stage},
    delivery_source::{ANYWHERE, acknowledged, start},
};

const SHARD: &str = "shardId-000000000000";

/// How often the shard was read since the last call, without throttled reads.
fn looks(double: &KinesisDouble, so_far: &mut usize) -> usize {
    let reads = double.reads().iter().filter(|read| !read.throttled).count();
    reads - std::mem::replace(so_far, reads)
}

/// Starts a function that fills these tables of the stream, with a ClickHouse server that runs as long as the listener.
async fn start_function(stage: &Stage, sinks: &[&Sink]) -> (Listener, Runtime) {
    for sink in sinks {
        stage.deliver_by_function(sink).await;
    }
    let clickhouse = ClickHouse::new();
    let listener = clickhouse.listen(ANYWHERE).await;
    let function = start(clickhouse.environment(&stage.double, listener.local_addr())).await;
    (listener, function)
}

#[tokio::test]
async fn the_function_delivers_what_its_trigger_gave_up_on() {
    let mut stage = Stage::set(1).await;
    // A second table of the stream: one look serves both.
    let second = Sink::create(&stage.client).await;
    let (_listener, function) = start_function(&stage, &[&stage.sink, &second]).await;
    stage.put(100);
    let mut reads = 0;
    for (records, expected) in [
        (0..10, 2), // nothing was delivered before: each table has a beginning of its own
        (10..20, 1),
        (15..30, 0), // it overlaps, and so it follows
        (30..40, 1),
        // For each table one, and one to read what was left out; and one for both to see that nothing is left.
        (70..80, 5),
        (80..100, 1),
    ] {
        assert_eq!(function.invoke(&stage.event(SHARD, records.clone())).await.unwrap(), acknowledged());
        assert_eq!(looks(&stage.double, &mut reads), expected, "for {records:?}");
        let all: Vec<u64> = (0..u64::try_from(records.end).unwrap()).collect();
        assert_eq!((stage.sink.ids().await, second.ids().await), (all.clone(), all));
    }
    stage.report().await.check().unwrap();
}

/// Kinesis may give fewer records than there are: one record is not all.
#[tokio::test]
async fn a_short_page_hides_nothing() {
    let mut stage = Stage::set(1).await;
    let (_listener, function) = start_function(&stage, &[&stage.sink]).await;
    stage.put(30);
    stage.double.set_faults(KinesisFaults { page: 1, ..KinesisFaults::default() });
    for records in [0..5, 10..15, 15..30] {
        assert_eq!(function.invoke(&stage.event(SHARD, records)).await.unwrap(), acknowledged());
    }
    stage.check().await;
    stage.report().await.check().unwrap();
}

/// What has expired together with the last delivered record cannot be seen: this is reported, and stays reported.
#[tokio::test]
async fn what_may_have_expired_unseen_is_an_error_that_stays() {
    let mut stage = Stage::set(1).await;
    let (_listener, function) = start_function(&stage, &[&stage.sink]).await;
    stage.put(10);
    assert_eq!(function.invoke(&stage.event(SHARD, 0..10)).await.unwrap(), acknowledged());
    stage.report().await.check().unwrap();
    stage.put(10);
    stage.double.expire(SHARD, 5);
    let errors = stage.report().await.errors;
    assert!(errors.iter().any(|error| error.contains("may have expired unseen")), "{errors:?}");
    for records in [0..5, 5..10] {
        assert_eq!(function.invoke(&stage.event(SHARD, records)).await.unwrap(), acknowledged());
        stage.put(5);
        let report = stage.report().await;
        assert!(
            !report.balanced
                && report.errors.iter().any(|error| error.contains("if there were any, expired")),
            "{report:?}"
        );
    }
}

/// Neither an empty page nor a missing shard proves that there are no records: the batch came from there.
#[tokio::test]
async fn what_kinesis_does_not_show_is_not_passed_over() {
    let mut stage = Stage::set(1).await;
    let (_listener, function) = start_function(&stage, &[&stage.sink]).await;
    stage.put(60);
    assert_eq!(function.invoke(&stage.event(SHARD, 0..20)).await.unwrap(), acknowledged());
    let first = stage.double.records(SHARD)[40].sequence_number();
    let not_acknowledged = Answer::Response(json!({"batchItemFailures": [{"itemIdentifier": first}]}));
    for faults in [
        KinesisFaults { blank: 100, ..KinesisFaults::default() },
        KinesisFaults { gone: 100, ..KinesisFaults::default() },
    ] {
        stage.double.set_faults(faults.clone());
        let answer = function.invoke(&stage.event(SHARD, 40..60)).await.unwrap();
        assert_eq!(answer, not_acknowledged, "{faults:?}");
        assert_eq!(stage.sink.ids().await, (0..20).collect::<Vec<_>>(), "{faults:?}");
    }
    stage.double.set_faults(KinesisFaults::default());
    assert_eq!(function.invoke(&stage.event(SHARD, 40..60)).await.unwrap(), acknowledged());
    stage.check().await;
    stage.report().await.check().unwrap();
}

/// Another environment of the function has delivered what seems to be missing: the ledger is read before the stream.
#[tokio::test]
async fn what_another_environment_has_delivered_is_not_read_again() {
    let mut stage = Stage::set(1).await;
    stage.deliver_by_function(&stage.sink).await;
    let clickhouse = ClickHouse::new();
    let listener = clickhouse.listen(ANYWHERE).await;
    let environment = clickhouse.environment(&stage.double, listener.local_addr());
    let (one, other) = (start(environment.clone()).await, start(environment).await);
    stage.put(60);
    for (function, records) in
        [(&one, 0..10), (&other, 10..20), (&one, 20..30), (&other, 30..40), (&one, 40..60)]
    {
        assert_eq!(function.invoke(&stage.event(SHARD, records)).await.unwrap(), acknowledged());
    }
    stage.check().await;
    stage.report().await.check().unwrap();
    for function in [one, other] {
        let printed = function.kill().await.unwrap();
        assert!(!printed.contains("were not delivered"), "{printed}");
    }
}

/// A table that was renamed does not hold up the others, and gets its events once it is back.
#[tokio::test]
async fn a_table_that_is_away_holds_up_no_other_and_is_filled_later() {
    let mut stage = Stage::set(1).await;
    let second = Sink::create(&stage.client).await;
    let (_listener, function) = start_function(&stage, &[&stage.sink, &second]).await;
    let warehouse = stage.client.warehouse().clone();
    stage.put(40);
    assert_eq!(function.invoke(&stage.event(SHARD, 0..10)).await.unwrap(), acknowledged());

    let aside = format!("{}_aside", second.table);
    warehouse.execute(&format!("RENAME TABLE {} TO {aside}", second.table)).await.unwrap();
    for (records, end) in [(10..20, 20), (20..30, 30)] {
        assert_eq!(function.invoke(&stage.event(SHARD, records)).await.unwrap(), acknowledged());
        assert_eq!(stage.sink.ids().await, (0..end).collect::<Vec<_>>());
    }
    let options = ReportOptions::new("events").database(&second.database);
    let report = stage.client.delivery_report(&options).await.unwrap();
    assert!(!report.balanced, "{report:?}");

    warehouse.execute(&format!("RENAME TABLE {aside} TO {}", second.table)).await.unwrap();
    assert_eq!(function.invoke(&stage.event(SHARD, 30..40)).await.unwrap(), acknowledged());
    stage.check().await;
    assert_eq!(second.ids().await, stage.produced());
    stage.report().await.check().unwrap();
    stage.client.delivery_report(&options).await.unwrap().check().unwrap();
}
