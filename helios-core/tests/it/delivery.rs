//! Batches into tables: conservation, repetition, quarantine.

use std::io::Write;

use helios_core::{ErrorKind, delivery::BatchReport};
use serde_json::json;

use crate::engine::{Fixture, batch};

fn figures(report: BatchReport) -> [u64; 4] {
    [report.records, report.received, report.delivered, report.quarantined]
}

#[tokio::test]
async fn good_events_become_rows_and_bad_ones_go_to_quarantine() {
    let fixture = Fixture::new("id UInt8, name String").await;
    let raw = &b"{\"id\":1,\"name\":\"\xff\xfe\n\0'\"}"[..];
    let payloads =
        [&br#"{"id":1,"name":"a"}"#[..], br#"{"id":256,"name":"b"}"#, raw, b"", br#"{"id":2,"name":"c"}"#];
    let report = fixture.deliver(&batch(0, payloads)).await.unwrap();
    assert_eq!(figures(report), [5, 5, 2, 3]);
    assert_eq!(
        fixture.rows("SELECT id, name FROM {t} ORDER BY id").await,
        [json!({"id": 1, "name": "a"}), json!({"id": 2, "name": "c"})]
    );
    let quarantined = fixture
        .rows(
            "SELECT error_type, error_message, hex(raw_data) AS raw, original_table, stream, shard, \
             right(sequence_number, 7) AS number, sub_sequence, column, length(schema_version) AS version, \
             abs(now64(3) - insertion_timestamp) < 600 AS recent FROM {q} ORDER BY sequence_number",
        )
        .await;
    assert_eq!(quarantined.len(), 3);
    let message =
        "column `id`: UInt8 cannot hold 256 unchanged; send a value that fits, or change the column's type";
    assert_eq!(
        quarantined[0],
        json!({
            "error_type": "out_of_range", "error_message": message,
            "raw": payloads[1].iter().map(|byte| format!("{byte:02X}")).collect::<String>(),
            "original_table": fixture.table.plain(),
            "stream": "arn:aws:kinesis:eu-west-1:111122223333:stream/clicks", "shard": "shardId-000000000000",
            "number": "0000001", "sub_sequence": 0, "column": "id", "version": 16, "recent": 1
        })
    );
    let bytes: String = raw.iter().map(|byte| format!("{byte:02X}")).collect();
    assert_eq!((&quarantined[1]["raw"], &quarantined[1]["column"]), (&json!(bytes), &json!(null)));
    assert_eq!(
        (&quarantined[2]["raw"], &quarantined[2]["error_type"]),
        (&json!(""), &json!("malformed_json"))
    );
}

#[tokio::test]
async fn a_batch_delivered_again_changes_nothing() {
    let fixture = Fixture::new("id UInt64").await;
    let payloads =
        (0..100).map(|id| if id % 3 == 0 { "bad".to_owned() } else { format!(r#"{{"id":{id}}}"#) });
    let batch = batch(0, payloads);
    let target = fixture.target().await;
    for _ in 0..3 {
        // A deliverer of its own each time, as in another process.
        let other = fixture.another_deliverer();
        assert_eq!(figures(other.deliver(&target, &batch, None).await.unwrap()), [100, 100, 66, 34]);
    }
    assert_eq!(fixture.count("SELECT count() AS n FROM {t}").await, 66);
    assert_eq!(fixture.count("SELECT count() AS n FROM {q}").await, 34);
}

#[tokio::test]
async fn equal_events_at_other_places_are_other_events() {
    let fixture = Fixture::new("id UInt64").await;
    let target = fixture.target().await;
    for first in [0, 2] {
        let batch = batch(first, [r#"{"id":1}"#, r#"{"id":1}"#]);
        fixture.deliverer.deliver(&target, &batch, None).await.unwrap();
    }
    let mut other_shard = batch(0, [r#"{"id":1}"#]);
    other_shard.shard = "shardId-000000000001".to_owned();
    fixture.deliverer.deliver(&target, &other_shard, None).await.unwrap();
    assert_eq!(fixture.count("SELECT count() AS n FROM {t}").await, 5);
}

#[tokio::test]
async fn a_batch_is_one_part_per_partition_and_delivered_again_none() {
    let fixture = Fixture::with(
        "(id UInt64, doc JSON) ENGINE = MergeTree PARTITION BY id % 3 ORDER BY id \
         SETTINGS non_replicated_deduplication_window = 10000",
    )
    .await;
    let target = fixture.target().await;
    let batch = batch(0, (0..70_000).map(|id| format!(r#"{{"id":{id},"doc":{{"id":{id}}}}}"#)));
    for _ in 0..2 {
        fixture.deliverer.deliver(&target, &batch, None).await.unwrap();
        assert_eq!(fixture.count("SELECT count() AS n FROM {t}").await, 70_000);
        let parts = format!(
            "SELECT count() AS n FROM system.parts WHERE active AND database = '{}'",
            fixture.table.database().as_str()
        );
        assert_eq!(fixture.count(&parts).await, 3);
    }
}

#[tokio::test]
async fn nothing_received_inserts_nothing() {
    let fixture = Fixture::new("id UInt64").await;
    let none: [&str; 0] = [];
    let report = fixture.deliver(&batch(0, none)).await.unwrap();
    assert_eq!(figures(report), [0; 4]);
    assert_eq!(fixture.count("SELECT count() AS n FROM {t}").await, 0);
}

#[tokio::test]
async fn a_batch_of_rejects_only_is_delivered_too() {
    let fixture = Fixture::new("id UInt64").await;
    let report = fixture.deliver(&batch(0, ["x", "y"])).await.unwrap();
    assert_eq!(figures(report), [2, 2, 0, 2]);
    assert_eq!(fixture.count("SELECT count() AS n FROM {q}").await, 2);
}

#[tokio::test]
async fn an_absent_field_gets_its_default_and_a_null_does_not() {
    // With a JSON column the engine reads Arrow in another way.
    for more in ["", ", doc JSON"] {
        let fixture = Fixture::new(&format!(
            "id UInt64, level UInt8 DEFAULT 7, name String DEFAULT upper('x'), \
             at DateTime DEFAULT toDateTime(id), doubled UInt64 MATERIALIZED id * 2 {more}"
        ))
        .await;
        let events = [
            r#"{"id":1}"#,
            r#"{"id":2,"level":1,"name":"n","at":"2024-06-15T12:00:00Z","doc":{"a":1}}"#,
            r#"{"id":3,"level":null}"#,
        ];
        let report = fixture.deliver(&batch(0, events)).await.unwrap();
        assert_eq!(figures(report), [3, 3, 2, 1]);
        assert_eq!(
            fixture
                .rows("SELECT id, level, name, toUnixTimestamp(at) AS at, doubled FROM {t} ORDER BY id")
                .await,
            [
                json!({"id": 1, "level": 7, "name": "X", "at": 1, "doubled": 2}),
                json!({"id": 2, "level": 1, "name": "n", "at": 1_718_452_800, "doubled": 4}),
            ]
        );
    }
}

/// A list, lines, and an aggregated record's payload of several events: each has its own place.
#[tokio::test]
async fn a_record_may_hold_many_events_and_a_broken_one_leaves_the_others_alone() {
    let fixture = Fixture::new("id UInt64").await;
    let payloads =
        [r#"[{"id":1},{"id":2}]"#, "{\"id\":3}\n{\"id\":\"}\n{\"id\":5}\n", r#"{"id":6}{"id":"x"}"#];
    let batch = batch(0, payloads);
    // The second time the ledger knows them, each by its place in the record.
    for expected in [[3, 7, 5, 2], [3, 7, 0, 0]] {
        let report = fixture.deliver(&batch).await.unwrap();
        assert_eq!(figures(report), expected);
        let ids = json!({"ids": [1, 2, 3, 5, 6]});
        assert_eq!(fixture.rows("SELECT arraySort(groupArray(id)) AS ids FROM {t}").await, [ids]);
        let rejects = "SELECT raw_data, sub_sequence FROM {q} ORDER BY sequence_number";
        assert_eq!(
            fixture.rows(rejects).await,
            [
                json!({"raw_data": "{\"id\":\"}", "sub_sequence": 1}),
                json!({"raw_data": "{\"id\":\"x\"}", "sub_sequence": 1}),
            ]
        );
    }
}

#[tokio::test]
async fn names_are_quoted_and_kept() {
    let fixture = Fixture::new(
        "`we ird``\\\\\"'` UInt8, `select` UInt8, `a.b` UInt8, `A` UInt8, `a` UInt8, `🦀` UInt8, d JSON",
    )
    .await;
    let event = json!({"we ird`\\\"'": 1, "select": 2, "a.b": 3, "A": 4, "a": 5, "🦀": 6, "d": {}});
    let report = fixture.deliver(&batch(0, [event.to_string()])).await.unwrap();
    assert_eq!(figures(report), [1, 1, 1, 0]);
    assert_eq!(fixture.rows("SELECT * FROM {t}").await, [event]);
}

#[tokio::test]
async fn a_table_that_is_gone_is_not_found() {
    let fixture = Fixture::new("id UInt64").await;
    let target = fixture.target().await;
    fixture.execute(&format!("DROP TABLE {}", fixture.table)).await;
    let error = fixture.deliverer.deliver(&target, &batch(0, [r#"{"id":1}"#]), None).await.unwrap_err();
    assert_eq!(error.error.kind(), ErrorKind::NotFound);
    let warehouse = fixture.deliverer.warehouse();
    let error =
        helios_core::delivery::Target::describe(warehouse, &fixture.table, fixture.uuid).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn whatever_share_is_bad_delivered_and_quarantined_are_received() {
    let fixture = Fixture::new("id UInt64, tags Array(String), doc JSON").await;
    let target = fixture.target().await;
    let (mut delivered, mut quarantined) = (0, 0);
    for (round, percent) in (0_u64..).zip([0, 1, 10, 50, 99, 100]) {
        let events = (0..1000).map(|id| {
            if id * 7919 % 100 < percent {
                format!(r#"{{"id":{id},"tags":["a"],"doc":{{"a":1,"a":2}}}}"#)
            } else {
                format!(r#"{{"id":{id},"tags":["a"],"doc":{{"a":1}}}}"#)
            }
        });
        let report = fixture.deliverer.deliver(&target, &batch(round * 1000, events), None).await.unwrap();
        assert_eq!(figures(report), [1000, 1000, 1000 - percent * 10, percent * 10]);
        delivered += report.delivered;
        quarantined += report.quarantined;
    }
    assert_eq!(fixture.count("SELECT count() AS n FROM {t}").await, delivered);
    assert_eq!(fixture.count("SELECT count() AS n FROM {q}").await, quarantined);
}

#[tokio::test]
async fn a_compressed_record_is_unpacked_and_a_damaged_one_is_quarantined_as_it_came() {
    let fixture = Fixture::new("id UInt64").await;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(br#"{"id":1}"#).unwrap();
    let whole = encoder.finish().unwrap();
    let damaged = whole[..whole.len() - 9].to_vec();
    let hex: String = damaged.iter().map(|byte| format!("{byte:02X}")).collect();
    let report = fixture.deliver(&batch(0, [whole, damaged])).await.unwrap();
    assert_eq!(figures(report), [2, 2, 1, 1]);
    assert_eq!(
        fixture.rows("SELECT error_type, hex(raw_data) AS raw FROM {q}").await,
        [json!({"error_type": "unreadable_record", "raw": hex})]
    );
}
