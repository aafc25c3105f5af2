//! Clients that go away, hold on, or come in numbers.

use std::time::Duration;

use clickhouse::Row;
use serde::{Deserialize, Serialize};

use crate::support::{bare_client, client, count, eventually, running};

#[tokio::test]
async fn a_dropped_reader_stops_the_query() {
    let client = bare_client();
    let mut cursor = client
        .query("SELECT number AS dropped_reader FROM system.numbers_mt")
        .fetch_bytes("JSONEachRow")
        .unwrap();
    assert!(cursor.next().await.unwrap().is_some());
    assert_eq!(running(&client, "%AS dropped_reader%").await, 1);
    drop(cursor);
    eventually("the query is gone", async || running(&client, "%AS dropped_reader%").await == 0).await;
}

#[tokio::test]
async fn a_future_dropped_before_the_first_byte_stops_the_query() {
    let client = bare_client();
    for statement in [
        "SELECT sum(sipHash64(number)) AS dropped_future FROM system.numbers",
        "INSERT INTO FUNCTION null('a UInt64') SELECT sipHash64(number) AS dropped_future FROM system.numbers",
    ] {
        let query = client.query(statement).execute();
        let started =
            eventually("the query runs", async || running(&client, "%AS dropped_future%").await == 1);
        tokio::select! {
            outcome = query => panic!("{outcome:?}"),
            () = started => {}
        }
        eventually("the query is gone", async || running(&client, "%AS dropped_future%").await == 0).await;
    }
}

#[tokio::test]
async fn futures_dropped_at_any_moment_leave_nothing_behind() {
    let client = bare_client();
    for attempt in 0..30 {
        let query =
            client.query("SELECT sum(sipHash64(number)) AS dropped_any FROM system.numbers").execute();
        let outcome = tokio::time::timeout(Duration::from_micros(attempt * 200), query).await;
        assert!(outcome.is_err());
    }
    eventually("the queries are gone", async || running(&client, "%AS dropped_any%").await == 0).await;
}

#[derive(Row, Serialize, Deserialize)]
struct Item {
    task: u32,
    item: u32,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thirty_two_tasks_at_once() {
    let client = client().await;
    client
        .query("CREATE TABLE t (task UInt32, item UInt32) ENGINE = MergeTree ORDER BY (task, item)")
        .execute()
        .await
        .unwrap();
    let tasks: Vec<_> = (0..32)
        .map(|task| {
            let client = client.clone();
            tokio::spawn(async move {
                for round in 0..5 {
                    let mut insert = client.insert::<Item>("t").await.unwrap();
                    for item in 0..200 {
                        insert.write(&Item { task, item: round * 200 + item }).await.unwrap();
                    }
                    insert.end().await.unwrap();
                    let mine: u64 = client
                        .query("SELECT count() FROM t WHERE task = ?")
                        .bind(task)
                        .fetch_one()
                        .await
                        .unwrap();
                    assert_eq!(mine, u64::from(round + 1) * 200);
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(count(&client, "t").await, 32 * 5 * 200);
}

#[tokio::test]
async fn results_held_open_lock_nobody_out() {
    let client = client().await;
    client.query("CREATE TABLE t (a UInt64) ENGINE = MergeTree ORDER BY a").execute().await.unwrap();
    let mut held = Vec::new();
    for _ in 0..40 {
        let mut cursor = client.query("SELECT number FROM system.numbers").fetch::<u64>().unwrap();
        assert_eq!(cursor.next().await.unwrap(), Some(0));
        held.push(cursor);
    }
    let mut insert = client.insert_formatted_with("INSERT INTO t FORMAT CSV");
    insert.send("1\n2\n".into()).await.unwrap();
    insert.end().await.unwrap();
    assert_eq!(count(&client, "t").await, 2);
    for cursor in &mut held {
        for expected in 1..20_000 {
            assert_eq!(cursor.next().await.unwrap(), Some(expected));
        }
    }
}
