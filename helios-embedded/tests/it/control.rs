//! The thread that stops statements: one for all, whatever there is to stop.

use std::{
    fs,
    sync::mpsc,
    time::{Duration, Instant},
};

use clickhouse::Client;
use helios_embedded::{Engine, Options, StopReason, stop_before_exit};

use crate::{
    child::{again, block_on, client, part, run},
    support::{bare_client, code, eventually, running, scratch},
};

/// More of them than a process can afford to have a thread each for.
const CLOSED: usize = 300;

/// A call that the engine does not interrupt: many seconds of work on one row.
const LONG_CALL: &str =
    "SELECT arrayLevenshteinDistance(range(60000), arrayReverse(range(60000))) AS long_call";

#[test]
fn closed_results_are_stopped_by_one_thread() {
    const TEST: &str = "control::closed_results_are_stopped_by_one_thread";
    let Some((_, path)) = part() else {
        run(again(TEST, "all", &scratch("closed")));
        return;
    };
    let engine = Engine::open(Options::new(path)).unwrap();
    let client = client(&engine);
    block_on(async {
        let mut most = 0;
        for _ in 0..CLOSED {
            let endless = client.query("SELECT number, toString(number) AS closed FROM system.numbers");
            let mut result = endless.fetch_bytes("Arrow").unwrap();
            assert!(result.next().await.unwrap().is_some());
            drop(result);
            most = most.max(stopping_threads());
        }
        assert_eq!(most, 1, "threads that stop statements");
        let closed = Instant::now();
        eventually("all are gone", async || running(&client, "%AS closed%").await == 0).await;
        println!("all were gone after {:?}", closed.elapsed());
    });
    drop(client);
    drop(engine);
    assert_eq!(stopping_threads(), 0, "the thread has ended with the engine");
}

/// How many threads of this process stop statements.
fn stopping_threads() -> usize {
    let tasks = fs::read_dir("/proc/self/task").unwrap().flatten();
    // One may have ended meanwhile.
    let names = tasks.filter_map(|task| fs::read_to_string(task.path().join("comm")).ok());
    names.filter(|name| name.starts_with("helios-c")).count()
}

#[test]
fn who_does_not_end_is_told_of_once() {
    const TEST: &str = "control::who_does_not_end_is_told_of_once";
    let Some((_, path)) = part() else {
        run(again(TEST, "all", &scratch("stuck")));
        return;
    };
    let engine = Engine::open(Options::new(path)).unwrap();
    let (sender, told) = mpsc::channel();
    engine.on_stuck(move |stuck| sender.send(stuck.clone()).unwrap());
    let client = client(&engine);
    block_on(async {
        let abandoned = begin(&client.clone().with_setting("query_id", "abandoned"));
        let limited =
            client.clone().with_setting("query_id", "limited").with_setting("max_execution_time", "1");
        let limited = begin(&limited);
        // It is stopped, and ends.
        let well = client.clone().with_setting("query_id", "well").with_setting("max_execution_time", "1");
        let well = well.query("SELECT sum(sipHash64(number)) FROM system.numbers").execute();
        eventually("both run", async || running(&client, "%AS long_call%").await == 2).await;
        abandoned.abort();
        assert_eq!(code(well.await), 159);
        let mut stuck: Vec<_> = (0..2).map(|_| told.recv_timeout(Duration::from_secs(60)).unwrap()).collect();
        stuck.sort_by(|one, other| one.query_id.cmp(&other.query_id));
        let expected = [("abandoned", StopReason::Abandoned), ("limited", StopReason::TimeLimit)];
        for (stuck, expected) in stuck.iter().zip(expected) {
            assert_eq!((stuck.query_id.as_str(), stuck.reason), expected);
            assert!(stuck.for_how_long >= Duration::from_secs(2), "{stuck:?}");
        }
        assert_eq!(running(&client, "%AS long_call%").await, 2, "it was told of what still runs");
        limited.abort();
    });
    drop(client);
    // Stops the statements once more, for seconds, and has no news of them.
    drop(engine);
    assert!(told.try_recv().is_err());
}

/// Begins a call that cannot be stopped.
fn begin(client: &Client) -> tokio::task::JoinHandle<()> {
    let query = client.query(LONG_CALL).execute();
    tokio::spawn(async { drop(query.await) })
}

#[tokio::test]
async fn a_time_limit_holds_while_the_reader_takes_its_time() {
    let client = bare_client();
    let mut result = client
        .query("SELECT number AS slow_reader FROM system.numbers")
        .with_setting("max_execution_time", "1")
        .fetch_bytes("TSV")
        .unwrap();
    assert!(result.next().await.unwrap().is_some());
    eventually("it is stopped", async || running(&client, "%AS slow_reader%").await == 0).await;
    let end = loop {
        match result.next().await {
            Ok(Some(_)) => {}
            end => break end,
        }
    };
    assert_eq!(code(end), 159);
}

/// The engine is gone, but for the threads that still run ClickHouse's code.
#[test]
fn a_process_ends_beside_what_a_closed_engine_has_left() {
    const TEST: &str = "control::a_process_ends_beside_what_a_closed_engine_has_left";
    let Some((_, path)) = part() else {
        run(again(TEST, "leaves", &scratch("left")));
        return;
    };
    let engine = Engine::open(Options::new(path)).unwrap();
    let client = client(&engine);
    block_on(async {
        for _ in 0..4 {
            begin(&client);
        }
        eventually("they run", async || running(&client, "%AS long_call%").await == 4).await;
    });
    drop(client);
    drop(engine);
    assert!(!stop_before_exit(), "what runs on is known, and the process must not take ClickHouse apart");
}
