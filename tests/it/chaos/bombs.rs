//! Records of some kilobytes that unpack to more than fits into memory, all in one batch.

use std::{fs, time::Duration};

use helios_core::clock::{Clock as _, SystemClock};
use serde_json::json;
use tokio::time::timeout;

use super::{arena::Arena, consumer_process::ConsumerProcess, put::rows, rounds};
use crate::{
    consumer_source::wait_for,
    delivery_source::{acknowledged, start, start_with_timeout},
};

const MIB: u64 = 1 << 20;
/// What one record unpacks to: about as much as may be.
const UNPACKED: usize = 60_000_000;
/// More than it may be.
const TOO_LARGE: usize = (64 << 20) + 1;
/// What a process may take at most, above what it takes without them: four times what may be unpacked at once.
const MOST: u64 = 4 * 64 * MIB;
const LONG: Duration = Duration::from_secs(600);

/// How many records: fewer would fit into memory.
fn bombs() -> u64 {
    rounds(6).clamp(6, 100)
}

/// The most memory that a process has taken so far, in bytes.
fn peak(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    peak.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap() * 1024
}

/// What a process has taken since another peak was seen.
#[expect(clippy::print_stdout, reason = "a soak shows what it measures")]
fn assert_bounded(process: u32, before: u64, what: &str) {
    let taken = peak(process) - before;
    println!("{what}: {} MiB above {} MiB", taken / MIB, before / MIB);
    assert!(taken < MOST, "{what}: {} MiB", taken / MIB);
}

#[tokio::test]
async fn a_consumer_unpacks_no_more_than_it_can_hold() {
    let mut arena = Arena::build(1).await;
    arena.put(1);
    let consumer = ConsumerProcess::start(&arena.environment);
    timeout(LONG, wait_for(|| consumer.told() > 0)).await.unwrap();
    let before = peak(consumer.id());
    arena.put.more_packed(&arena.stage.double, bombs(), UNPACKED);
    timeout(LONG, arena.delivered()).await.unwrap();
    assert_bounded(consumer.id(), before, "the consumer");
    drop(consumer);
    arena.stage.consume().await;
    arena.check().await;
}

/// Each record comes twice in a batch, as Kinesis may hand it over.
#[tokio::test]
async fn a_function_unpacks_no_more_than_it_can_hold_also_of_what_comes_twice() {
    let mut arena = Arena::build(1).await;
    arena.stage.deliver_by_function(&arena.stage.sink).await;
    let shard = &arena.stage.double.shards(false)[0];
    arena.put(1);
    let function = start_with_timeout(arena.environment.clone(), 600).await;
    assert_eq!(function.invoke(&arena.stage.event(shard, 0..1)).await.unwrap(), acknowledged());
    let before = peak(function.id());
    arena.put.more_packed(&arena.stage.double, bombs(), UNPACKED);
    let mut event = arena.stage.event(shard, 1..usize::try_from(arena.put.count()).unwrap());
    let records = event["Records"].as_array_mut().unwrap();
    records.extend(records.clone());
    assert_eq!(function.invoke(&event).await.unwrap(), acknowledged());
    assert_bounded(function.id(), before, "the function");
    arena.check().await;
}

/// More than one record may unpack to: it is a reject with the bytes that came.
#[tokio::test]
async fn a_record_that_unpacks_to_too_much_is_a_reject() {
    let mut arena = Arena::build(1).await;
    let double = &arena.stage.double;
    arena.put.more_packed(double, 1, TOO_LARGE);
    let sent = double.records(&double.shards(false)[0])[0].data.clone();
    arena.put(1);
    let consumer = ConsumerProcess::start(&arena.environment);
    timeout(LONG, arena.delivered()).await.unwrap();
    assert_bounded(consumer.id(), 0, "the consumer, with all that it has");
    drop(consumer);
    assert_eq!(arena.stage.sink.ids().await, [1]);
    let table = &arena.stage.sink.table;
    let rejects = rows(
        &arena.stage.client,
        &format!(
            "SELECT error_type, error_message, hex(raw_data) AS raw FROM quarantine.events WHERE original_table = '{table}'"
        ),
    )
    .await;
    let raw: String = sent.iter().map(|byte| format!("{byte:02X}")).collect();
    let message = "the record unpacks to more than 64 MiB; send smaller records";
    assert_eq!(rejects, [json!({"error_type": "unreadable_record", "error_message": message, "raw": raw})]);
    arena.stage.report().await.check().unwrap();
}

/// A record of a kilobyte may hold a million events, each of them a reject.
#[tokio::test]
async fn a_record_of_many_events_is_delivered_in_parts() {
    let mut arena = Arena::build(1).await;
    arena.put(1);
    let consumer = ConsumerProcess::start(&arena.environment);
    timeout(LONG, wait_for(|| consumer.told() > 0)).await.unwrap();
    let before = peak(consumer.id());
    arena.put.list(&arena.stage.double, rounds(6).clamp(6, 20) * 100_000);
    timeout(LONG, arena.delivered()).await.unwrap();
    assert_bounded(consumer.id(), before, "the consumer");
    drop(consumer);
    arena.stage.consume().await;
    check_list(&arena).await;
}

/// The function is killed between two parts of a record, and its trigger gives up on the record.
#[tokio::test]
async fn the_rest_of_a_record_is_delivered_with_what_follows_it() {
    let mut arena = Arena::build(1).await;
    arena.stage.deliver_by_function(&arena.stage.sink).await;
    let shard = &arena.stage.double.shards(false)[0];
    arena.put.list(&arena.stage.double, 400_000);
    let function = start(arena.environment.clone()).await;
    let event = arena.stage.event(shard, 0..1);
    let table = &arena.stage.sink.table;
    let parts = format!("SELECT count() AS n FROM quarantine.events WHERE original_table = '{table}'");
    let first_part = async {
        while rows(&arena.stage.client, &parts).await[0]["n"] == 0 {
            SystemClock.sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::select! {
        answer = function.invoke(&event) => panic!("it was not killed in time: {answer:?}"),
        () = first_part => {}
    }
    function.kill().await.unwrap();
    arena.put.more(&arena.stage.double, 1);
    let function = start(arena.environment.clone()).await;
    assert_eq!(function.invoke(&arena.stage.event(shard, 1..2)).await.unwrap(), acknowledged());
    check_list(&arena).await;
}

/// One event is a row, all others are rejects, and the report says so.
async fn check_list(arena: &Arena) {
    let report = arena.stage.report().await;
    report.check().unwrap();
    assert_eq!((report.inserted, report.quarantined), (1, arena.put.count() - 1), "{report:?}");
    let table = &arena.stage.sink.table;
    let different = format!(
        "SELECT uniqExact(sequence_number, sub_sequence) AS different, count() AS n FROM quarantine.events \
         WHERE original_table = '{table}'"
    );
    let expected = json!({"different": report.quarantined, "n": report.quarantined});
    assert_eq!(rows(&arena.stage.client, &different).await, [expected]);
}
