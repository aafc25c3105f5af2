//! What ClickHouse itself refuses: found by halving, and quarantined, unless a materialized view is to blame.

use helios_core::delivery::ledger::{LedgerKey, TroubleKind};
use serde_json::json;

use crate::engine::{Fixture, batch};

fn events(count: u64) -> Vec<String> {
    (0..count).map(|id| format!(r#"{{"id":{id}}}"#)).collect()
}

impl Fixture {
    async fn entry(&self) -> helios_core::delivery::ledger::Entry {
        let batch = batch(0, [""]);
        let key = LedgerKey { stream_arn: batch.stream_arn, shard: batch.shard, table: self.uuid };
        self.deliverer.ledger().read(&key).await.unwrap()
    }
}

#[tokio::test]
async fn rows_that_break_a_constraint_are_found_and_quarantined() {
    let fixture = Fixture::new("id UInt64, CONSTRAINT no_sevens CHECK id % 10 != 7").await;
    let mut payloads = events(40);
    payloads[20] = "not an event".to_owned();
    let batch = batch(0, payloads);
    let report = fixture.deliver(&batch).await.unwrap();
    assert_eq!([report.received, report.delivered, report.quarantined], [40, 35, 5]);
    assert_eq!(fixture.count("SELECT count() AS n FROM {t}").await, 35);
    let refused = fixture
        .rows("SELECT error_type, raw_data AS raw, error_message AS why FROM {q} ORDER BY sequence_number")
        .await;
    let why = "the row violates the table's constraint `no_sevens`: ((id % 10) != 7); \
               send a row that fits, or change the constraint";
    let row = |id: u64| json!({"error_type": "refused", "raw": format!(r#"{{"id":{id}}}"#), "why": why});
    assert_eq!(refused.len(), 5);
    assert_eq!([&refused[0], &refused[1], &refused[3], &refused[4]], [&row(7), &row(17), &row(27), &row(37)]);
    assert_eq!(refused[2]["error_type"], "malformed_json");

    // And again: all of it is known.
    let report = fixture.deliver(&batch).await.unwrap();
    assert_eq!([report.duplicates_skipped, report.delivered, report.quarantined], [40, 0, 0]);
    let counters = fixture.entry().await.counters;
    assert_eq!([counters.inserted, counters.quarantined], [35, 5]);
}

#[tokio::test]
async fn every_row_may_be_refused() {
    let fixture = Fixture::new("id UInt64, CONSTRAINT never CHECK id > 1000").await;
    let report = fixture.deliver(&batch(0, events(9))).await.unwrap();
    assert_eq!([report.delivered, report.quarantined], [0, 9]);
    assert_eq!(fixture.count("SELECT uniqExact(sequence_number) AS n FROM {q}").await, 9);
    assert_eq!(fixture.count("SELECT count() AS n FROM {q}").await, 9);
}

/// The table has the rows by then: halved they would be doubled.
#[tokio::test]
async fn what_a_materialized_view_refuses_is_neither_halved_nor_lost() {
    let fixture = Fixture::new("id UInt64").await;
    let database = fixture.table.database().to_string();
    fixture.execute(&format!(
        "CREATE TABLE {database}.sums (id UInt64, CONSTRAINT small CHECK id < 5) ENGINE = MergeTree ORDER BY id \
         SETTINGS non_replicated_deduplication_window = 10000"
    )).await;
    fixture
        .execute(&format!(
            "CREATE MATERIALIZED VIEW {database}.`a view` TO {database}.sums AS SELECT id FROM {}",
            fixture.table
        ))
        .await;
    let batch = batch(0, events(8));
    for _ in 0..2 {
        let undelivered = fixture.deliver(&batch).await.unwrap_err();
        assert_eq!(undelivered.error.server_code(), Some(469), "{undelivered:?}");
        assert!(undelivered.error.to_string().contains("a view"), "{undelivered}");
        assert_eq!(undelivered.uncommitted.as_ref(), Some(&batch.records[0].sequence_number));
        assert_eq!(fixture.entry().await.trouble.unwrap().kind, TroubleKind::Failing);
        assert_eq!(fixture.count("SELECT count() AS n FROM {t}").await, 8);
    }
    // Once the view takes them, it has them all, and nothing is doubled.
    fixture.execute(&format!("ALTER TABLE {database}.sums DROP CONSTRAINT small")).await;
    let report = fixture.deliver(&batch).await.unwrap();
    assert_eq!([report.delivered, report.quarantined], [8, 0]);
    assert_eq!(fixture.count("SELECT count() AS n FROM {t}").await, 8);
    assert_eq!(fixture.count(&format!("SELECT count() AS n FROM {database}.sums")).await, 8);
    assert_eq!(fixture.entry().await.trouble, None);
}

/// Then it is the table's refusal, whatever views there are.
#[tokio::test]
async fn a_refusal_of_the_table_is_halved_beside_a_materialized_view() {
    let fixture = Fixture::new("id UInt64, CONSTRAINT no_three CHECK id != 3").await;
    let database = fixture.table.database().to_string();
    fixture
        .execute(&format!(
            "CREATE TABLE {database}.copy (id UInt64) ENGINE = MergeTree ORDER BY id \
         SETTINGS non_replicated_deduplication_window = 10000"
        ))
        .await;
    fixture
        .execute(&format!(
            "CREATE MATERIALIZED VIEW {database}.v TO {database}.copy AS SELECT id FROM {}",
            fixture.table
        ))
        .await;
    let report = fixture.deliver(&batch(0, events(8))).await.unwrap();
    assert_eq!([report.delivered, report.quarantined], [7, 1]);
    for table in [fixture.table.to_string(), format!("{database}.copy")] {
        assert_eq!(fixture.count(&format!("SELECT count() AS n FROM {table}")).await, 7, "{table}");
    }
}

#[tokio::test]
async fn more_than_a_hundred_partitions_are_more_than_one_insert() {
    for key in ["id", "id + 0"] {
        let fixture = Fixture::with(&format!(
            "(id UInt64) ENGINE = MergeTree PARTITION BY {key} ORDER BY id \
             SETTINGS non_replicated_deduplication_window = 10000"
        ))
        .await;
        let batch = batch(0, events(250));
        let report = fixture.deliver(&batch).await.unwrap();
        assert_eq!([report.delivered, report.quarantined], [250, 0], "{key}");
        assert_eq!(fixture.count("SELECT uniqExact(id) AS n FROM {t}").await, 250, "{key}");
        assert_eq!(fixture.count("SELECT count() AS n FROM {t}").await, 250, "{key}");
    }
}

#[tokio::test]
async fn a_view_without_a_window_is_warned_of() {
    let fixture = Fixture::new("id UInt64, _helios_batch UInt128 MATERIALIZED 0").await;
    let database = fixture.table.database().to_string();
    let table = &fixture.table;
    assert_eq!(fixture.target().await.warnings(), [""; 0]);
    for statement in [
        format!("CREATE TABLE {database}.`of v.1` (id UInt64) ENGINE = MergeTree ORDER BY id"),
        format!("CREATE MATERIALIZED VIEW {database}.v1 TO {database}.`of v.1` AS SELECT id FROM {table}"),
        format!(
            "CREATE MATERIALIZED VIEW {database}.v2 ENGINE = MergeTree ORDER BY id \
             SETTINGS non_replicated_deduplication_window = 100 AS SELECT id FROM {table}"
        ),
        format!(
            "CREATE MATERIALIZED VIEW {database}.v3 ENGINE = MergeTree ORDER BY id AS SELECT id FROM {table}"
        ),
    ] {
        fixture.execute(&statement).await;
    }
    let target = fixture.target().await;
    let windows: Vec<_> = target.views.iter().map(|view| view.window.map(|window| window.blocks)).collect();
    assert_eq!(windows, [Some(0), Some(100), Some(0)], "{target:?}");
    let warnings = target.warnings();
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(warnings[0].contains(".v1") && warnings[1].contains(".v3"), "{warnings:?}");
}
