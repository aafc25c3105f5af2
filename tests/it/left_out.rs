//! What the trigger leaves out: the function reads it from the shard, and a batch that follows costs one look.

use helios_tests::{KinesisDouble, KinesisFaults};

use crate::{
    consumer_source::{ClickHouse, Sink, Stage},
    delivery_source::{ANYWHERE, acknowledged, start},
};

const SHARD: &str = "shardId-000000000000";

/// How often the shard was looked at since the last time.
fn looks(double: &KinesisDouble, so_far: &mut usize) -> usize {
    let reads = double.operations().iter().filter(|operation| *operation == "GetRecords").count();
    reads - std::mem::replace(so_far, reads)
}

#[tokio::test]
async fn the_function_delivers_what_its_trigger_gave_up_on() {
    let mut stage = Stage::set(1).await;
    // A second table of the stream: one look serves both.
    let second = Sink::create(&stage.client).await;
    stage.deliver_by_function(&stage.sink).await;
    stage.deliver_by_function(&second).await;
    let clickhouse = ClickHouse::new();
    let listener = clickhouse.listen(ANYWHERE).await;
    let function = start(clickhouse.environment(&stage.double, listener.local_addr())).await;
    stage.put(100);
    let mut reads = 0;
    for (records, expected) in [
        (0..10, 2), // nothing was delivered before: each table has a beginning of its own
        (10..20, 1),
        (15..30, 0), // it overlaps, and so it follows
        (30..40, 1),
        (70..80, 6), // for each table two to read what was left out, and one to see that there is no more
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
    stage.deliver_by_function(&stage.sink).await;
    let clickhouse = ClickHouse::new();
    let listener = clickhouse.listen(ANYWHERE).await;
    let function = start(clickhouse.environment(&stage.double, listener.local_addr())).await;
    stage.put(30);
    stage.double.set_faults(KinesisFaults { page: 1, ..KinesisFaults::default() });
    for records in [0..5, 10..15, 15..30] {
        assert_eq!(function.invoke(&stage.event(SHARD, records)).await.unwrap(), acknowledged());
    }
    stage.check().await;
    stage.report().await.check().unwrap();
}

/// What has expired together with the last delivered record nobody can see: that is said, and goes on being said.
#[tokio::test]
async fn what_may_have_expired_unseen_is_a_warning_that_stays() {
    let mut stage = Stage::set(1).await;
    stage.put(10);
    stage.consume().await;
    assert_eq!(stage.report().await.warnings, [""; 0]);
    stage.put(10);
    stage.double.expire(SHARD, 5);
    for _ in 0..2 {
        stage.consume().await;
        stage.put(5);
        let warnings = stage.report().await.warnings;
        assert!(
            warnings.iter().any(|warning| warning.contains("if there were any, expired")),
            "{warnings:?}"
        );
    }
}
