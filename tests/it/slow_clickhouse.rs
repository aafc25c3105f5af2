//! R7: a ClickHouse that does what it is asked for, and does not answer in time.

use std::time::Duration;

use helios_core::delivery::ShardState;
use helios_tests::Answer;
use serde_json::json;
use tokio::time::timeout;

use crate::{
    consumer_source::{ClickHouse, STREAM, Stage, until, wait_for},
    delivery_source::{ANYWHERE, acknowledged, start_with_timeout},
    lossy_proxy::LossyProxy,
};

const SHARD: &str = "shardId-000000000000";

/// An invocation may take eight seconds, and keeps five for its answer: the insert is given up in time, and what ClickHouse
/// has done nevertheless is not done again.
#[tokio::test]
async fn an_insert_is_given_up_before_lambda_gives_up_the_function() {
    let mut stage = Stage::set(1).await;
    stage.deliver_by_function(&stage.sink).await;
    let clickhouse = ClickHouse::new();
    let listener = clickhouse.listen(ANYWHERE).await;
    let proxy = LossyProxy::to(listener.local_addr()).await;
    let function = start_with_timeout(clickhouse.environment(&stage.double, proxy.address()), 8).await;
    stage.put(10);
    proxy.hold_answers(0);
    // `invoke` fails when the function takes longer than it may.
    let first = stage.double.records(SHARD)[0].sequence_number();
    let refused = Answer::Response(json!({"batchItemFailures": [{"itemIdentifier": first}]}));
    assert_eq!(function.invoke(&stage.event(SHARD, 0..10)).await.unwrap(), refused);
    assert!(proxy.inserts() > 0);
    stage.check().await;

    // The batch is cut differently while ClickHouse is still slow: the rows are counted, and need no other insert. Then
    // again, once it is no longer slow.
    let before = proxy.inserts();
    assert_eq!(function.invoke(&stage.event(SHARD, 0..4)).await.unwrap(), acknowledged());
    assert_eq!(proxy.inserts(), before);
    proxy.let_go();
    for records in [0..7, 0..10] {
        assert_eq!(function.invoke(&stage.event(SHARD, records)).await.unwrap(), acknowledged());
    }
    stage.check().await;
    stage.report().await.check().unwrap();
}

#[tokio::test]
async fn a_consumer_stops_within_a_second_though_clickhouse_hangs() {
    let mut stage = Stage::set(1).await;
    let clickhouse = ClickHouse::new();
    let listener = clickhouse.listen(ANYWHERE).await;
    let proxy = LossyProxy::to(listener.local_addr()).await;
    let client = clickhouse.client(&stage.double, proxy.address());
    stage.put(10);
    let consumer = client.consume(STREAM).start().await.unwrap();
    until(&consumer, |so_far| so_far.records == 10).await;
    proxy.hold_answers(0);
    let before = proxy.inserts();
    stage.put(10);
    timeout(Duration::from_secs(60), wait_for(|| proxy.inserts() > before)).await.unwrap();
    // A second is asked for; a busy machine may take longer, but nothing here ends by itself.
    let report = timeout(Duration::from_secs(5), consumer.stop()).await.unwrap().unwrap();
    assert_eq!(report.records, 10);
    // What is under way is an open range of the ledger, which the next one finishes.
    assert!(stage.report().await.shards[0].open_range.is_some());
    stage.consume().await;
    stage.check().await;
    stage.report().await.check().unwrap();
}

/// A hundred events, each of a partition of its own, are all that one insert takes: a record with more is committed in parts.
#[tokio::test]
async fn a_record_that_was_committed_in_part_is_read_again() {
    let stage = Stage::set(1).await;
    let table = &stage.sink.table;
    let warehouse = stage.client.warehouse();
    warehouse.execute(&format!("DROP TABLE {table} SYNC")).await.unwrap();
    let statement = stage.sink.created.create_table_query.replace("ORDER BY", "PARTITION BY id\nORDER BY");
    warehouse.execute(&statement).await.unwrap();
    let clickhouse = ClickHouse::new();
    let listener = clickhouse.listen(ANYWHERE).await;
    let proxy = LossyProxy::to(listener.local_addr()).await;
    let client = clickhouse.client(&stage.double, proxy.address());

    let events: Vec<_> = (0..150).map(|id| format!(r#"{{"id":{id}}}"#)).collect();
    stage.double.put(0, format!("[{}]", events.join(",")));
    proxy.hold_answers(1);
    let consumer = client.consume(STREAM).start().await.unwrap();
    timeout(Duration::from_secs(60), wait_for(|| proxy.inserts() == 2)).await.unwrap();
    consumer.stop().await.unwrap();
    let shard = stage.report().await.shards.remove(0);
    assert!(
        shard.to.as_ref().is_some_and(|to| to.ends_with(".99")) && shard.open_range.is_some(),
        "{shard:?}"
    );
    stage.consume().await;
    assert_eq!(stage.sink.ids().await, (0..150).collect::<Vec<_>>());
    let report = stage.report().await;
    report.check().unwrap();
    let shard = &report.shards[0];
    assert_eq!((shard.inserted, &shard.open_range, shard.state), (150, &None, ShardState::CaughtUp));
}
