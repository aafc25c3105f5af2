//! The delivery report, against what was really put into the stream.

use helios_core::{
    CreateTable, DeliveryReport, ErrorKind, HeliosClient, RemoveSource, ReportOptions,
    delivery::{
        Batch, Outcome, Record, SettleRange, ShardState, Target,
        ledger::{FORMER_SHARDS, LedgerKey, Written},
    },
    warehouse::TableName,
};
use helios_tests::{DoubleRecord, KinesisFaults, sequence_number};
use jiff::Timestamp;
use serde_json::json;

use crate::{
    consumer_source::{STREAM, Stage, client_at},
    shop::columns,
};

const SHARD: &str = "shardId-000000000000";

impl Stage {
    pub(crate) async fn report(&self) -> DeliveryReport {
        let options = ReportOptions::new("events").database(&self.sink.database);
        self.client.delivery_report(&options).await.unwrap()
    }

    /// Some records of a shard, as the trigger would hand them over.
    fn batch(&self, shard: &str, records: std::ops::Range<usize>) -> Batch {
        let all = self.double.records(shard);
        let records = all[records].iter().map(|record| Record {
            sequence_number: record.sequence_number(),
            data: record.data.clone().into(),
            approximate_arrival: Some(record.arrival),
        });
        Batch::new(self.double.arn(), shard, records.collect())
    }

    fn key(&self) -> LedgerKey {
        let (stream_arn, table) = (self.double.arn().to_owned(), self.sink.created.table_uuid);
        LedgerKey { stream_arn, shard: SHARD.to_owned(), table }
    }

    /// The ledger's entry of the first shard, as JSON.
    async fn entry(&self) -> serde_json::Value {
        let deliverer = self.client.deliverer().await.unwrap();
        serde_json::to_value(deliverer.ledger().read(&self.key()).await.unwrap()).unwrap()
    }

    /// Notes in the ledger that a batch of the first shard was replaced.
    async fn supersede(&self, batch: &str) {
        let mut entry = self.entry().await;
        entry["version"] = (entry["version"].as_u64().unwrap() + 1).into();
        entry["superseded"] = json!([{"batch": batch, "until": "1970-01-01T00:00:00Z"}]);
        let entry = serde_json::from_value(entry).unwrap();
        let deliverer = self.client.deliverer().await.unwrap();
        assert_eq!(deliverer.ledger().write(&self.key(), &entry).await.unwrap(), Written::Done);
    }

    /// Inserts rows as those of a batch.
    async fn insert(&self, ids: std::ops::Range<u64>, batch: &str) {
        let Self { client, sink, .. } = self;
        let insert = format!(
            "INSERT INTO {} (id, _helios_batch) SETTINGS insert_allow_materialized_columns = 1 \
             SELECT number, toUInt128('{batch}') FROM numbers({}, {})",
            sink.table,
            ids.start,
            ids.end - ids.start
        );
        client.warehouse().execute(&insert).await.unwrap();
    }

    async fn target(&self) -> Target {
        let name = TableName::new(&self.sink.database, "events").unwrap();
        Target::describe(self.client.warehouse(), &name, self.sink.created.table_uuid).await.unwrap()
    }
}

fn states(report: &DeliveryReport) -> Vec<ShardState> {
    report.shards.iter().map(|shard| shard.state).collect()
}

#[tokio::test]
async fn what_was_put_is_accounted_for() {
    let mut stage = Stage::set(2).await;
    let before = stage.report().await;
    assert!(before.balanced && before.received == 0);
    assert_eq!(states(&before), [ShardState::CaughtUp, ShardState::CaughtUp]);

    stage.put(50);
    stage.double.put(3, "no JSON");
    let waiting = stage.report().await;
    assert_eq!(states(&waiting), [ShardState::Waiting, ShardState::Waiting]);
    assert!(waiting.shards.iter().all(|shard| shard.lag_seconds.is_some_and(|lag| lag < 3600.0)));
    assert!(waiting.shards.iter().all(|shard| shard.expires_in_seconds.is_some_and(|left| left > 82_800.0)));

    stage.consume().await;
    let report = stage.report().await;
    report.check().unwrap();
    assert_eq!((report.received, report.inserted, report.quarantined), (51, 50, 1));
    assert_eq!((report.quarantine.events, report.abandoned), (1, 0));
    assert_eq!(states(&report), [ShardState::CaughtUp, ShardState::CaughtUp]);
    assert_eq!((&report.errors, &report.warnings), (&vec![], &vec![]));
    for shard in &report.shards {
        let records = stage.double.records(&shard.shard);
        let of = |record: &DoubleRecord| Some(format!("{}.0", record.sequence_number()));
        assert_eq!(shard.from, of(records.first().unwrap()));
        assert_eq!(shard.to, of(records.last().unwrap()));
        assert_eq!((shard.lag_seconds, shard.expires_in_seconds), (Some(0.0), None));
        // On the wire it is a fraction of seconds.
        let arrival = records.last().unwrap().arrival.as_millisecond();
        assert!(shard.last_event_time.unwrap().as_millisecond().abs_diff(arrival) <= 1);
    }

    // What comes after it is still to be delivered.
    stage.put(20);
    let behind = stage.report().await;
    assert_eq!(states(&behind), [ShardState::Waiting, ShardState::Waiting]);
    assert!(
        behind.balanced && behind.shards.iter().all(|shard| shard.expires_in_seconds.is_some()),
        "{behind:?}"
    );
}

#[tokio::test]
async fn its_json_is_the_documented_one() {
    let mut stage = Stage::set(1).await;
    stage.put(2);
    stage.consume().await;
    let written = serde_json::to_value(stage.report().await).unwrap();
    let keys = |value: &serde_json::Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(
        keys(&written),
        [
            "streamName",
            "streamARN",
            "tableName",
            "databaseName",
            "tableUUID",
            "balanced",
            "received",
            "inserted",
            "quarantined",
            "duplicates",
            "abandoned",
            "shards",
            "quarantine",
            "counted",
            "errors",
            "warnings"
        ]
    );
    assert_eq!(
        keys(&written["shards"][0]),
        [
            "shard",
            "state",
            "received",
            "inserted",
            "quarantined",
            "duplicates",
            "abandoned",
            "from",
            "to",
            "lastEventTime",
            "lagSeconds",
            "expiresInSeconds",
            "openRange",
            "trouble",
            "gaps"
        ]
    );
    assert_eq!(written["shards"][0]["state"], "caughtUp");
    assert_eq!(written["quarantine"], json!({"events": 0, "replayed": 0, "discarded": 0}));
    assert_eq!(written["counted"], json!(null), "it was not asked for");
    let options = ReportOptions::new("events").database(&stage.sink.database).count_rows();
    let counted = serde_json::to_value(stage.client.delivery_report(&options).await.unwrap()).unwrap();
    assert_eq!(counted["counted"], json!({"rows": 2, "expected": 2, "underWay": 0}));
}

#[tokio::test]
async fn a_closed_shard_is_finished_and_its_child_waits() {
    let mut stage = Stage::set(1).await;
    stage.put(5);
    stage.consume().await;
    stage.double.split(SHARD).unwrap();
    let old = Timestamp::UNIX_EPOCH;
    stage.double.put_at(0, r#"{"id":5}"#, old);
    let report = stage.report().await;
    let mut expected = vec![ShardState::Finished, ShardState::CaughtUp, ShardState::CaughtUp];
    expected[if stage.double.records("shardId-000000000001").is_empty() { 2 } else { 1 }] =
        ShardState::Waiting;
    assert_eq!(states(&report), expected);
    assert!(!report.balanced);
    assert!(report.errors[0].contains("events have waited for"), "{:?}", report.errors);
    assert!(report.warnings[0].contains("expire in 0 seconds"), "{:?}", report.warnings);
}

/// A range that was opened and not finished: no worker takes it up, and then its events expire. The table has no column by
/// which its rows could be counted.
#[tokio::test]
async fn a_range_in_doubt_is_told() {
    let mut stage = Stage::set(2).await;
    stage.put(20);
    let warehouse = stage.client.warehouse();
    let statement = uncounted(&stage.sink.created.create_table_query);
    warehouse.execute(&format!("DROP TABLE {} SYNC", stage.sink.table)).await.unwrap();
    warehouse.execute(&statement).await.unwrap();
    let (deliverer, target) = (stage.client.deliverer().await.unwrap(), stage.target().await);
    warehouse.execute(&format!("DROP TABLE {} SYNC", stage.sink.table)).await.unwrap();
    deliverer.deliver(&target, &stage.batch(SHARD, 0..3), None).await.unwrap_err();
    let report = stage.report().await;
    let shard = &report.shards[0];
    assert_eq!(shard.state, ShardState::Failing);
    assert_eq!(shard.trouble.unwrap().server_code, Some(60));
    let place = |at: usize| format!("{}.0", stage.double.records(SHARD)[at].sequence_number());
    assert_eq!(shard.open_range, Some(format!("{}-{}", place(0), place(2))));
    assert!(report.errors.iter().any(|text| text.contains("does not exist")), "{report:?}");
    let error = report.check().unwrap_err();
    assert!(error.message().contains("has not taken its events"), "{error}");
    assert!(error.message().contains("its error 60") && error.message().contains(SHARD), "{error}");

    warehouse.execute(&statement).await.unwrap();
    stage.double.expire(SHARD, 2);
    let error = stage.client.consume(STREAM).until_caught_up().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(error.context().any(|context| context == ("state", "UNCERTAIN")), "{error}");
    let report = stage.report().await;
    // The other shard was delivered nevertheless.
    assert_eq!(states(&report), [ShardState::Uncertain, ShardState::CaughtUp]);
    assert!(!report.balanced && report.received > 0);
    let error = report.check().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(error.message().contains("UNCERTAIN") && error.message().contains(SHARD), "{error}");
}

/// The table's statement, without the column by which its rows are counted.
fn uncounted(statement: &str) -> String {
    let hidden = ",\n    _helios_batch UInt128 MATERIALIZED 0,\n    INDEX _helios_batch _helios_batch TYPE minmax GRANULARITY 1";
    assert!(statement.contains(hidden), "{statement}");
    statement.replace(hidden, "")
}

/// Its rows are counted: once its events have expired, the missing ones are known to be lost, without a manual check.
#[tokio::test]
async fn what_expired_of_a_range_that_was_begun_is_a_gap() {
    let mut stage = Stage::set(1).await;
    stage.put(20);
    let warehouse = stage.client.warehouse();
    let (deliverer, target) = (stage.client.deliverer().await.unwrap(), stage.target().await);
    warehouse.execute(&format!("DROP TABLE {} SYNC", stage.sink.table)).await.unwrap();
    deliverer.deliver(&target, &stage.batch(SHARD, 0..3), None).await.unwrap_err();
    warehouse.execute(&stage.sink.created.create_table_query).await.unwrap();
    let records = stage.double.records(SHARD);
    stage.double.expire(SHARD, 20 - 8);
    stage.consume().await;
    assert_eq!(stage.sink.ids().await, (8..20).collect::<Vec<_>>());
    let report = stage.report().await;
    assert_eq!((report.received, report.inserted, report.abandoned), (15, 12, 3));
    let number = |at: usize| format!("{}.0", sequence_number(records[at].number));
    let gap = &report.shards[0].gaps[0];
    assert_eq!((&gap.after, &gap.before), (&number(0), &number(2)));
    let error = report.check().unwrap_err();
    assert!(error.message().contains("they are lost") && error.message().contains(&number(2)), "{error}");
    // And the events between the range and what is left of the stream.
    let unseen = format!("after {} and before {}, if there were any, expired", number(2), number(8));
    assert!(report.errors.iter().any(|error| error.contains(&unseen)), "{report:?}");
}

/// Its rows cannot be inserted again, and may have changed with the table: that is for a person to see.
#[tokio::test]
async fn what_expired_of_a_range_whose_table_was_changed_is_uncertain() {
    let mut stage = Stage::set(1).await;
    stage.put(20);
    let warehouse = stage.client.warehouse();
    let (deliverer, target) = (stage.client.deliverer().await.unwrap(), stage.target().await);
    warehouse.execute(&format!("DROP TABLE {} SYNC", stage.sink.table)).await.unwrap();
    deliverer.deliver(&target, &stage.batch(SHARD, 0..3), None).await.unwrap_err();
    warehouse.execute(&stage.sink.created.create_table_query).await.unwrap();
    let open = stage.entry().await["open"].take();
    stage.insert(0..3, open["batch"].as_str().unwrap()).await;
    warehouse
        .execute(&format!("ALTER TABLE {} ADD COLUMN v UInt8 DEFAULT 1", stage.sink.table))
        .await
        .unwrap();
    stage.double.expire(SHARD, 20 - 3);
    let error = stage.client.consume(STREAM).until_caught_up().await.unwrap_err();
    assert!(error.context().any(|context| context == ("state", "UNCERTAIN")), "{error}");
    assert!(error.message().contains("values have changed"), "{error}");
    let settle = SettleRange::new("events", SHARD, Outcome::Committed).database(&stage.sink.database);
    stage.client.settle_range(&settle).await.unwrap();
    stage.consume().await;
    assert_eq!(stage.sink.ids().await, (0..20).collect::<Vec<_>>());
}

/// A shard that gets no more batches: its consumer, when it starts, and the report delete such rows.
#[tokio::test]
async fn rows_of_a_replaced_batch_that_arrive_late_are_deleted() {
    let mut stage = Stage::set(1).await;
    stage.put(5);
    stage.consume().await;
    for by_report in [true, false] {
        stage.supersede("77").await;
        stage.insert(1000..1003, "77").await;
        if by_report {
            stage.report().await.check().unwrap();
        } else {
            stage.consume().await;
        }
        assert_eq!(stage.sink.ids().await, (0..5).collect::<Vec<_>>(), "by the report: {by_report}");
        assert!(stage.entry().await.get("superseded").is_none());
    }
}

/// Kinesis still has the event that was delivered last: a page without it does not prove that none follows it.
#[tokio::test]
async fn an_empty_page_does_not_show_that_all_is_delivered() {
    let mut stage = Stage::set(1).await;
    stage.put(5);
    stage.consume().await;
    stage.put(5);
    stage.double.set_faults(KinesisFaults { blank: 50, ..KinesisFaults::default() });
    for _ in 0..5 {
        assert_eq!(states(&stage.report().await), [ShardState::Waiting]);
    }
}

/// What a materialized view has written of such rows stays there. The report names the view.
#[tokio::test]
async fn a_view_that_has_rows_of_a_replaced_batch_is_told() {
    let mut stage = Stage::set(1).await;
    stage.put(5);
    stage.consume().await;
    let (database, table) = (&stage.sink.database, &stage.sink.table);
    let view = format!(
        "CREATE MATERIALIZED VIEW {database}.`copies` ENGINE = MergeTree ORDER BY id \
         SETTINGS non_replicated_deduplication_window = 100 AS SELECT id FROM {table}"
    );
    stage.client.warehouse().execute(&view).await.unwrap();
    assert_eq!(stage.report().await.warnings, [""; 0]);
    stage.supersede("77").await;
    stage.insert(1000..1003, "77").await;
    for _ in 0..2 {
        let report = stage.report().await;
        report.check().unwrap();
        let [warning] = report.warnings.as_slice() else { panic!("{report:?}") };
        assert!(
            warning.starts_with("3 rows were deleted") && warning.contains(&format!("{database}.copies")),
            "{warning}"
        );
    }
}

/// A stream that is often resharded leaves thousands of entries: the report and a consumer keep their sum.
#[tokio::test]
async fn shards_that_no_longer_exist_are_summed_up() {
    let mut stage = Stage::set(1).await;
    stage.put(5);
    stage.consume().await;
    let deliverer = stage.client.deliverer().await.unwrap();
    let (ledger, live) = (deliverer.ledger(), stage.key());
    let mut events = 5;
    for by_report in [true, false] {
        for shard in 1_000..1_120 {
            let counters = json!({"received": 3, "inserted": 2, "quarantined": 1, "last_event_time": "2020-01-01T00:00:00Z"});
            let entry = serde_json::from_value(json!({"version": 1, "counters": counters})).unwrap();
            let key = LedgerKey { shard: format!("shardId-{shard:012}"), ..live.clone() };
            assert_eq!(ledger.write(&key, &entry).await.unwrap(), Written::Done);
            events += 3;
        }
        if by_report {
            let report = stage.report().await;
            report.check().unwrap();
            let shards: Vec<_> =
                report.shards.iter().map(|shard| (shard.shard.as_str(), shard.state)).collect();
            assert_eq!(shards, [(FORMER_SHARDS, ShardState::Finished), (SHARD, ShardState::CaughtUp)]);
            assert_eq!((report.received, report.inserted, report.quarantined), (365, 245, 120));
        } else {
            stage.consume().await;
        }
        let entries = ledger.of_source(&live.stream_arn, live.table).await.unwrap();
        let received = entries.iter().map(|(shard, entry)| (shard.as_str(), entry.counters.received));
        assert_eq!(received.collect::<Vec<_>>(), [(FORMER_SHARDS, events - 5), (SHARD, 5)]);
    }
    let report = stage.report().await;
    report.check().unwrap();
    assert_eq!((report.received, report.shards.len()), (events, 2));
}

/// A source that was removed while its table was kept has left rows there: they are not doubled ones.
#[tokio::test]
async fn rows_of_a_source_that_was_removed_are_expected() {
    let mut stage = Stage::set(1).await;
    stage.put(5);
    stage.consume().await;
    let emulator = other_source(&stage).await;
    stage.client.remove(&RemoveSource::new(stage.sink.created.source_id.to_string())).await.unwrap();
    let options = ReportOptions::new("events").database(&stage.sink.database).count_rows();
    let report = emulator.delivery_report(&options).await.unwrap();
    report.check().unwrap();
    let counted = report.counted.unwrap();
    assert_eq!((counted.rows, counted.expected), (5, 5));
}

/// A client that has made the stream `others` a source of the same table.
async fn other_source(stage: &Stage) -> HeliosClient {
    let account = stage.double.account();
    account.create_stream("others", 1).await.unwrap();
    let emulator = client_at(account, account.endpoint());
    let spec = CreateTable::new("others", "events", columns(&[("id", "UInt64")]))
        .database(&stage.sink.database)
        .delivery(helios_core::sources::Delivery::Consumer);
    emulator.create_table(&spec).await.unwrap();
    emulator
}

/// The trigger has given up on records, and they expire while they are looked for.
#[tokio::test]
async fn a_gap_is_an_error_that_names_its_range() {
    let mut stage = Stage::set(1).await;
    stage.put(20);
    let (deliverer, target) = (stage.client.deliverer().await.unwrap(), stage.target().await);
    deliverer.deliver(&target, &stage.batch(SHARD, 0..3), None).await.unwrap();
    // What can still be read is delivered with what comes after it.
    deliverer.deliver(&target, &stage.batch(SHARD, 6..8), None).await.unwrap();
    assert_eq!(stage.sink.ids().await, (0..8).collect::<Vec<_>>());
    stage.report().await.check().unwrap();

    let (batch, records) = (stage.batch(SHARD, 12..14), stage.double.records(SHARD));
    stage.double.expire_after_read(SHARD, 20 - 10);
    deliverer.deliver(&target, &batch, None).await.unwrap();
    let report = stage.report().await;
    let number = |at: usize| format!("{}.0", sequence_number(records[at].number));
    let gap = &report.shards[0].gaps[0];
    assert_eq!((&gap.after, &gap.before), (&number(7), &number(10)));
    assert!(!report.balanced);
    let error = report.check().unwrap_err();
    assert!(error.message().contains(&format!("after {} and before {}", number(7), number(10))), "{error}");
    let expected: Vec<u64> = (0..8).chain(10..14).collect();
    assert_eq!(stage.sink.ids().await, expected);
}

#[tokio::test]
async fn a_table_without_a_source_has_no_report() {
    let stage = Stage::set(1).await;
    let options = ReportOptions::new("events").database("no_such_database");
    let error = stage.client.delivery_report(&options).await.unwrap_err();
    assert_eq!((error.kind(), error.operation()), (ErrorKind::NotFound, "delivery_report"));
}

#[tokio::test]
async fn of_several_streams_one_must_be_named() {
    let stage = Stage::set(1).await;
    let emulator = other_source(&stage).await;
    let options = || ReportOptions::new("events").database(&stage.sink.database);
    let error = stage.client.delivery_report(&options()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(error.message().contains(STREAM) && error.message().contains("others"), "{error}");
    let named = emulator.delivery_report(&options().stream("others")).await.unwrap();
    assert_eq!(named.stream_name, "others");
    let error = emulator.delivery_report(&options().stream("neither")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}
