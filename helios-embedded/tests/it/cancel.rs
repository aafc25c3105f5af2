//! Clients that go away, hold on, or come in numbers.

use std::time::Duration;

use clickhouse::Row;
use serde::{Deserialize, Serialize};

use crate::support::{Answer, bare_client, client, code_in, count, eventually, raw, running};

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

/// What is answered to this statement under this query id.
async fn ask(query_id: &str, statement: &str) -> Answer {
    raw().post(&[("query_id", query_id)], statement.to_owned()).await
}

#[tokio::test]
async fn a_running_query_is_killed_by_its_clients_name_for_it() {
    let client = bare_client();
    for mode in ["", "ASYNC", "SYNC"] {
        let id = format!("kill-by-name-{mode}");
        let query = ask(&id, "SELECT sum(sipHash64(number)) AS killed_by_name FROM system.numbers");
        let kill = async {
            eventually("the query runs", async || running(&client, "%AS killed_by_name%").await == 1).await;
            let shown: String = client
                .query(
                    "SELECT splitByChar(' ', Settings['log_comment'])[2] FROM system.processes \
                     WHERE query LIKE '%AS killed_by_name%' AND query NOT LIKE '%system.processes%'",
                )
                .fetch_one()
                .await
                .unwrap();
            assert_eq!(shown, id, "what watches a query finds it");
            let killed =
                ask("", &format!("KILL QUERY WHERE query_id = '{id}' {mode} FORMAT TSVWithNames")).await;
            let status = if mode == "SYNC" { "finished" } else { "waiting" };
            assert_eq!(
                killed.text(),
                format!("kill_status\tquery_id\tuser\tquery\n{status}\t{id}\tdefault\t\n")
            );
            if mode == "SYNC" {
                assert_eq!(running(&client, "%AS killed_by_name%").await, 0, "the answer waited for the end");
            }
        };
        let (answer, ()) = tokio::join!(query, kill);
        assert_eq!(code_in(&answer.text()), 394);
    }
}

#[tokio::test]
async fn a_kill_ends_what_waits_for_a_reader_and_its_result_is_no_whole_one() {
    let client = bare_client();
    // A result that is nearly done when the pipe is full: nothing but the reading is left of it.
    for rows in ["system.numbers", "numbers(60000)"] {
        let mut cursor = client
            .query(&format!("SELECT repeat('x', 20) AS stalled FROM {rows}"))
            .with_setting("query_id", "stalled-1")
            .fetch_bytes("TSV")
            .unwrap();
        assert!(cursor.next().await.unwrap().is_some());
        let killed = ask("", "KILL QUERY WHERE query_id = 'stalled-1' SYNC").await;
        assert_eq!(killed.text().lines().count(), 1);
        assert_eq!(running(&client, "%AS stalled%").await, 0);
        let end = loop {
            match cursor.next().await {
                Ok(Some(_)) => {}
                end => break end,
            }
        };
        assert!(end.is_err(), "a result that was interrupted passed for a whole one");
    }
}

#[tokio::test]
async fn a_kill_that_finds_nothing_says_so() {
    let answer = ask("", "KILL QUERY WHERE query_id = 'nobody' SYNC FORMAT TSVWithNames").await;
    assert_eq!(answer.text(), "kill_status\tquery_id\tuser\tquery\n");
}

#[tokio::test]
async fn no_two_queries_run_under_one_id_at_a_time() {
    let client = bare_client();
    let mut first = client
        .query("SELECT number AS same_id FROM system.numbers")
        .with_setting("query_id", "same-1")
        .fetch_bytes("TSV")
        .unwrap();
    assert!(first.next().await.unwrap().is_some());
    for statement in ["SELECT 1", "INSERT INTO FUNCTION null('a UInt8') FORMAT CSV\n1"] {
        assert_eq!(code_in(&ask("same-1", statement).await.text()), 216, "{statement}");
    }
    drop(first);
    eventually("the id is free", async || ask("same-1", "SELECT 1").await.text() == "1\n").await;
    assert_eq!(ask("same-1", "SELECT 2").await.text(), "2\n", "what was answered has ended");
}
