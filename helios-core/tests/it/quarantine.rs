//! Rejects: listed, shown, tried again, replayed once, thrown away.

use std::{collections::HashMap, sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use helios_core::{
    ErrorKind, Result,
    clock::{Clock, SystemClock},
    delivery::{
        Deliverer, MissingFields, Outcome, Policy, UnknownFields,
        ledger::{Ledger as _, LedgerKey, MemoryLedger, Rework},
        quarantine::{Quarantine, RejectSelection, ReplayRejects, ReplayReport, Retention, ShowRejects},
    },
};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    engine::{Fixture, batch},
    failing_ledger::FailingLedger,
};

/// The clock of a worker that is a minute behind: to the others, its rejects are older than when they arrive.
#[derive(Debug)]
struct Lagging;

impl Clock for Lagging {
    fn now(&self) -> Timestamp {
        SystemClock.now() - Duration::from_secs(60)
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        SystemClock.sleep(duration)
    }
}

/// A deliverer that keeps its account in this ledger.
fn deliverer_of(fixture: &Fixture, ledger: &Arc<MemoryLedger>) -> Deliverer {
    let warehouse = fixture.deliverer.warehouse().clone();
    Deliverer::new(warehouse, Arc::clone(ledger) as _, Arc::new(SystemClock))
}

/// The same in a worker whose clock is behind.
fn lagging(fixture: &Fixture, ledger: &Arc<MemoryLedger>) -> Deliverer {
    let warehouse = fixture.deliverer.warehouse().clone();
    Deliverer::new(warehouse, Arc::clone(ledger) as _, Arc::new(Lagging))
}

/// A deliverer whose process dies at the write to the ledger after so many: before it takes effect, or after.
fn dying(fixture: &Fixture, ledger: &Arc<MemoryLedger>, writes_left: u32, takes_effect: bool) -> Deliverer {
    let failing = FailingLedger { inner: Arc::clone(ledger), writes_left: writes_left.into(), takes_effect };
    Deliverer::new(fixture.deliverer.warehouse().clone(), Arc::new(failing), Arc::new(SystemClock))
}

/// How many events were discarded, and how many are in quarantine.
async fn accounted(fixture: &Fixture, ledger: &Arc<MemoryLedger>) -> (u64, u64) {
    let entry = ledger.read(&LedgerKey::of_quarantine(fixture.uuid)).await.unwrap();
    (entry.counters.discarded, fixture.count("SELECT count() AS n FROM {q}").await)
}

/// Runs a statement about the quarantine.
async fn alter_quarantine(fixture: &Fixture, statement: &str) {
    let quarantine = helios_core::delivery::quarantine::table_of(&fixture.table).unwrap();
    fixture.execute(&statement.replace("{q}", &quarantine.to_string())).await;
}

fn all(fixture: &Fixture) -> RejectSelection {
    RejectSelection::new(fixture.table.table().as_str()).database(fixture.table.database().as_str())
}

fn quarantine(fixture: &Fixture) -> Quarantine {
    Quarantine::new(fixture.deliverer.warehouse().clone())
}

async fn replay(fixture: &Fixture, deliverer: &Deliverer, replay: &ReplayRejects) -> Result<ReplayReport> {
    deliverer.replay(&fixture.target().await, &HashMap::new(), replay).await
}

async fn ids(fixture: &Fixture) -> Vec<u64> {
    let rows = fixture.rows("SELECT id FROM {t} ORDER BY id").await;
    rows.iter().map(|row| row["id"].as_u64().unwrap()).collect()
}

/// Ten events, of which those with an even number fit a `UInt8` and the others do not yet.
async fn half_rejected() -> Fixture {
    let fixture = Fixture::new("id UInt8").await;
    let events = (0..10).map(|n| if n % 2 == 0 { json!({"id": n}) } else { json!({"id": 1000 + n}) });
    fixture.deliver(&batch(0, events.map(|event| event.to_string()))).await.unwrap();
    fixture
}

async fn widen(fixture: &Fixture) {
    fixture.execute(&format!("ALTER TABLE {} MODIFY COLUMN id UInt32", fixture.table)).await;
}

#[tokio::test]
async fn rejects_are_grouped_by_reason_and_place() {
    let fixture = Fixture::new("id UInt8, tags Array(UInt8)").await;
    let events = [
        r#"{"id":256,"tags":[]}"#,
        r#"{"id":300,"tags":[]}"#,
        r#"{"id":1,"tags":[1,2,"x"]}"#,
        r#"{"id":1,"tags":["y"]}"#,
        "broken",
        r#"{"id":1,"tags":[1]}"#,
    ];
    fixture.deliver(&batch(0, events)).await.unwrap();
    let summary = quarantine(&fixture).summary(&all(&fixture)).await.unwrap();
    assert_eq!(summary.total, 5);
    let groups: Vec<_> = summary
        .groups
        .iter()
        .map(|group| {
            (
                group.events,
                group.error_type.as_str(),
                group.path.as_deref(),
                group.column.as_deref(),
                group.wanted.as_deref(),
            )
        })
        .collect();
    assert_eq!(
        groups,
        [
            (2, "out_of_range", Some("$.id"), Some("id"), Some("UInt8")),
            (2, "type_mismatch", Some("$.tags[*]"), Some("tags"), Some("UInt8")),
            (1, "malformed_json", None, None, None),
        ]
    );
    let example = &summary.groups[0].example;
    assert_eq!((example.raw_data.as_str(), example.value.as_deref()), (events[1], Some("300")));
    assert_eq!(example.raw_data_base64, None);
    assert!(summary.oldest.unwrap() <= summary.newest.unwrap());
    let one = |selection: RejectSelection| {
        let quarantine = quarantine(&fixture);
        async move { quarantine.summary(&selection).await.unwrap().total }
    };
    assert_eq!(one(all(&fixture).path("$.tags[*]")).await, 2);
    assert_eq!(one(all(&fixture).path("$.tags[2]")).await, 1);
    assert_eq!(one(all(&fixture).until(summary.oldest.unwrap())).await, 0);
    assert_eq!(one(all(&fixture).since(summary.oldest.unwrap())).await, 5);
    let number = example.sequence_number.clone();
    assert_eq!(one(all(&fixture).sequence_number(number)).await, 1);
}

#[tokio::test]
async fn rejects_are_shown_with_their_bytes() {
    let fixture = Fixture::new("id UInt8").await;
    let raw = &b"{\"id\":\"\xff\"}"[..];
    fixture.deliver(&batch(0, [&b"{}"[..], raw, b"[]"])).await.unwrap();
    let shown = quarantine(&fixture).show(&ShowRejects::new(all(&fixture)).limit(1).offset(1)).await.unwrap();
    assert_eq!((shown.total, shown.rejects.len()), (3, 1));
    let reject = &shown.rejects[0];
    assert_eq!(reject.raw_data, "{\"id\":\"\u{fffd}\"}");
    assert_eq!(reject.raw_data_base64.as_deref(), Some("eyJpZCI6Iv8ifQ=="));
    assert_eq!(reject.shard, "shardId-000000000000");
    let error = quarantine(&fixture).show(&ShowRejects::new(all(&fixture)).limit(1001)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}

#[tokio::test]
async fn nothing_in_quarantine_is_not_the_same_as_no_table() {
    let fixture = Fixture::new("id UInt8").await;
    let empty = quarantine(&fixture).summary(&all(&fixture)).await.unwrap();
    assert_eq!((empty.total, empty.oldest, empty.groups.len()), (0, None, 0));
    let error = quarantine(&fixture).summary(&RejectSelection::new("no such")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn a_dry_run_counts_and_changes_nothing() {
    let fixture = half_rejected().await;
    let dry = ReplayRejects::new(all(&fixture)).dry_run();
    let report = replay(&fixture, &fixture.deliverer, &dry).await.unwrap();
    assert_eq!((report.considered, report.fit, report.replayed), (5, 0, 0));
    assert_eq!((report.remaining.len(), report.remaining[0].events), (1, 5));
    widen(&fixture).await;
    let report = replay(&fixture, &fixture.deliverer, &dry).await.unwrap();
    assert_eq!(report.message, "5 of 5 would now fit");
    assert_eq!(ids(&fixture).await, [0, 2, 4, 6, 8]);
    assert_eq!(fixture.count("SELECT count() AS n FROM {q}").await, 5);
}

#[tokio::test]
async fn a_replay_moves_what_fits_once() {
    let fixture = half_rejected().await;
    fixture.deliver(&batch(10, ["broken"])).await.unwrap();
    widen(&fixture).await;
    let run = ReplayRejects::new(all(&fixture));
    let report = replay(&fixture, &fixture.deliverer, &run).await.unwrap();
    assert_eq!((report.considered, report.fit, report.replayed), (6, 5, 5));
    assert_eq!(report.remaining[0].error_type, "malformed_json");
    let expected = [0, 2, 4, 6, 8, 1001, 1003, 1005, 1007, 1009];
    assert_eq!(ids(&fixture).await, expected);
    assert_eq!(fixture.count("SELECT count() AS n FROM {q}").await, 1);
    let again = replay(&fixture, &fixture.deliverer, &run).await.unwrap();
    assert_eq!((again.considered, again.fit, again.replayed), (1, 0, 0));
    assert_eq!(ids(&fixture).await, expected);
}

#[tokio::test]
async fn many_rejects_of_several_shards_are_replayed_in_chunks() {
    let fixture = Fixture::new("id UInt8").await;
    let events = |first: u64| (first..first + 7000).map(|id| json!({"id": 1000 + id}).to_string());
    for shard in 0..2 {
        let mut batch = batch(0, events(shard * 7000));
        batch.shard = format!("shardId-{shard:012}");
        fixture.deliver(&batch).await.unwrap();
    }
    widen(&fixture).await;
    let report = replay(&fixture, &fixture.deliverer, &ReplayRejects::new(all(&fixture))).await.unwrap();
    assert_eq!((report.considered, report.replayed), (14_000, 14_000));
    assert_eq!(fixture.count("SELECT uniqExact(id) AS n FROM {t}").await, 14_000);
    assert_eq!(fixture.count("SELECT count() AS n FROM {t}").await, 14_000);
    assert_eq!(fixture.count("SELECT count() AS n FROM {q}").await, 0);
}

#[tokio::test]
async fn the_table_still_refuses_what_it_refused() {
    let fixture = Fixture::new("id UInt32, CONSTRAINT small CHECK id < 1000 OR id = 1005").await;
    fixture.execute(&format!("ALTER TABLE {} DROP CONSTRAINT small", fixture.table)).await;
    fixture.deliver(&batch(0, (0..20).map(|id| format!(r#"{{"id":"x","n":{id}}}"#)))).await.unwrap();
    fixture.execute(&format!("ALTER TABLE {} MODIFY COLUMN id String", fixture.table)).await;
    fixture.execute(&format!("ALTER TABLE {} ADD COLUMN n UInt32", fixture.table)).await;
    fixture
        .execute(&format!("ALTER TABLE {} ADD CONSTRAINT no_seven CHECK n % 10 != 7", fixture.table))
        .await;
    let report = replay(&fixture, &fixture.deliverer, &ReplayRejects::new(all(&fixture))).await.unwrap();
    assert_eq!((report.considered, report.replayed), (20, 18));
    assert_eq!((report.remaining[0].error_type.as_str(), report.remaining[0].events), ("refused", 2));
    assert_eq!(fixture.count("SELECT uniqExact(n) AS n FROM {t}").await, 18);
    assert_eq!(fixture.count("SELECT count() AS n FROM {t}").await, 18);
    assert_eq!(fixture.count("SELECT count() AS n FROM {q}").await, 2);
}

#[tokio::test]
async fn discarded_rejects_are_gone_and_the_others_stay() {
    let fixture = half_rejected().await;
    fixture.deliver(&batch(10, ["broken", "broken too"])).await.unwrap();
    let malformed = all(&fixture).error_type(helios_core::delivery::RejectKind::MalformedJson);
    let target = fixture.target().await;
    let discarded = fixture.deliverer.discard(&target, &malformed).await.unwrap();
    assert_eq!(discarded.discarded, 2);
    assert_eq!(fixture.count("SELECT count() AS n FROM {q}").await, 5);
    assert_eq!(fixture.deliverer.discard(&target, &malformed).await.unwrap().discarded, 0);
    let key = LedgerKey::of_quarantine(fixture.uuid);
    let entry = fixture.deliverer.ledger().read(&key).await.unwrap();
    assert_eq!((entry.counters.discarded, entry.rework), (2, None));
}

#[tokio::test]
async fn retention_is_set_changed_and_lifted() {
    let fixture = half_rejected().await;
    let ttl = || async {
        let rows = fixture
            .rows(&format!(
                "SELECT extract(engine_full, 'TTL (.*) SETTINGS') AS ttl FROM system.tables \
                 WHERE database = 'quarantine' AND name = '{}'",
                fixture.table.table().as_str()
            ))
            .await;
        rows[0]["ttl"].as_str().unwrap().to_owned()
    };
    let name = (fixture.table.table().as_str(), fixture.table.database().as_str());
    let retain = |days| Retention::new(name.0, days).database(name.1);
    for (days, expected) in [
        (None, ""),
        (Some(30), "toDateTime(insertion_timestamp) + toIntervalDay(30)"),
        (Some(7), "toDateTime(insertion_timestamp) + toIntervalDay(7)"),
        (None, ""),
    ] {
        quarantine(&fixture).retain(&retain(days)).await.unwrap();
        assert_eq!(ttl().await, expected);
    }
    assert_eq!(
        quarantine(&fixture).retain(&retain(Some(0))).await.unwrap_err().kind(),
        ErrorKind::InvalidInput
    );
}

/// Every write of the ledger is where it may end: between it and the next lie the insert and the deletion.
#[tokio::test]
async fn an_interrupted_replay_is_finished_by_the_next_and_doubles_nothing() {
    for writes_left in 0..3 {
        for takes_effect in [false, true] {
            let fixture = half_rejected().await;
            widen(&fixture).await;
            let inner = Arc::new(MemoryLedger::default());
            let failing =
                FailingLedger { inner: Arc::clone(&inner), writes_left: writes_left.into(), takes_effect };
            let deliverer =
                |ledger| Deliverer::new(fixture.deliverer.warehouse().clone(), ledger, Arc::new(SystemClock));
            let run = ReplayRejects::new(all(&fixture));
            replay(&fixture, &deliverer(Arc::new(failing)), &run).await.unwrap_err();
            let report = replay(&fixture, &deliverer(inner), &run).await.unwrap();
            let case = format!("{writes_left} {takes_effect} {report:?}");
            assert_eq!(ids(&fixture).await, [0, 2, 4, 6, 8, 1001, 1003, 1005, 1007, 1009], "{case}");
            assert_eq!(fixture.count("SELECT count() AS n FROM {q}").await, 0, "{case}");
        }
    }
}

#[tokio::test]
async fn two_replays_at_once_double_nothing() {
    let fixture = half_rejected().await;
    widen(&fixture).await;
    let ledger: Arc<MemoryLedger> = Arc::default();
    let one = || {
        let warehouse = fixture.deliverer.warehouse().clone();
        Deliverer::new(warehouse, Arc::clone(&ledger) as _, Arc::new(SystemClock))
    };
    let run = ReplayRejects::new(all(&fixture));
    let (first, second) = (one(), one());
    let (first, second) = tokio::join!(replay(&fixture, &first, &run), replay(&fixture, &second, &run));
    let replayed = first.unwrap().replayed + second.unwrap().replayed;
    assert_eq!(replayed, 5);
    assert_eq!(ids(&fixture).await.len(), 10);
}

/// What an interrupted replay was about is gone: it must neither be inserted in part nor pass for inserted.
#[tokio::test]
async fn a_replay_whose_rejects_are_gone_is_uncertain_until_somebody_has_looked() {
    let fixture = half_rejected().await;
    widen(&fixture).await;
    let inner = Arc::new(MemoryLedger::default());
    let failing = FailingLedger { inner: Arc::clone(&inner), writes_left: 0.into(), takes_effect: true };
    let deliverer =
        |ledger| Deliverer::new(fixture.deliverer.warehouse().clone(), ledger, Arc::new(SystemClock));
    let run = ReplayRejects::new(all(&fixture));
    replay(&fixture, &deliverer(Arc::new(failing)), &run).await.unwrap_err();
    let quarantine = helios_core::delivery::quarantine::table_of(&fixture.table).unwrap();
    fixture.execute(&format!("DELETE FROM {quarantine} WHERE raw_data LIKE '%1003%'")).await;
    let deliverer = deliverer(Arc::clone(&inner) as _);
    let error = replay(&fixture, &deliverer, &run).await.unwrap_err();
    assert_eq!((error.kind(), error.message().contains("UNCERTAIN")), (ErrorKind::Conflict, true));
    let key = LedgerKey::of_quarantine(fixture.uuid);
    assert!(matches!(inner.read(&key).await.unwrap().rework, Some(Rework::Replay(_))));
    let target = fixture.target().await;
    let settled = deliverer.settle(&key, &target, Outcome::Absent).await.unwrap();
    assert_eq!(settled.shard, "quarantine");
    assert_eq!(
        deliverer.settle(&key, &target, Outcome::Absent).await.unwrap_err().kind(),
        ErrorKind::Conflict
    );
    assert_eq!(replay(&fixture, &deliverer, &run).await.unwrap().replayed, 4);
    assert_eq!(ids(&fixture).await, [0, 2, 4, 6, 8, 1001, 1005, 1007, 1009]);
}

#[tokio::test]
async fn a_quarantine_of_an_older_version_gets_the_columns_it_lacks() {
    let fixture = Fixture::new("id UInt8").await;
    fixture.execute("CREATE DATABASE IF NOT EXISTS quarantine").await;
    let quarantine = helios_core::delivery::quarantine::table_of(&fixture.table).unwrap();
    fixture
        .execute(&format!(
            "CREATE TABLE {quarantine} (error_type String, error_message String, raw_data String, \
             original_table String, insertion_timestamp DateTime64(3, 'UTC'), stream String, shard String, \
             sequence_number String, sub_sequence UInt64, column Nullable(String), schema_version String) \
             ENGINE = MergeTree ORDER BY tuple() SETTINGS non_replicated_deduplication_window = 100"
        ))
        .await;
    fixture.deliver(&batch(0, ["x", r#"{"id":256}"#])).await.unwrap();
    let rows = fixture.rows("SELECT path, wanted, value FROM {q} ORDER BY sequence_number").await;
    assert_eq!(
        rows,
        [
            json!({"path": Value::Null, "wanted": Value::Null, "value": Value::Null}),
            json!({"path": "$.id", "wanted": "UInt8", "value": "256"})
        ]
    );
}

/// R6: beyond the window a token proves nothing, here as in delivery.
#[tokio::test]
async fn a_replay_that_was_interrupted_too_many_inserts_ago_is_uncertain() {
    for (inserts, is_uncertain) in [(1, false), (8, true)] {
        let window = "SETTINGS non_replicated_deduplication_window = 6";
        let fixture =
            Fixture::with(&format!("(id UInt8) ENGINE = MergeTree ORDER BY tuple() {window}")).await;
        fixture.deliver(&batch(0, [r#"{"id":1001}"#])).await.unwrap();
        widen(&fixture).await;
        let inner = Arc::new(MemoryLedger::default());
        let failing = FailingLedger { inner: Arc::clone(&inner), writes_left: 0.into(), takes_effect: true };
        let deliverer =
            |ledger| Deliverer::new(fixture.deliverer.warehouse().clone(), ledger, Arc::new(SystemClock));
        let run = ReplayRejects::new(all(&fixture));
        replay(&fixture, &deliverer(Arc::new(failing)), &run).await.unwrap_err();
        for number in 1..=inserts {
            fixture.deliver(&batch(number, [json!({"id": number}).to_string()])).await.unwrap();
        }
        let ended = replay(&fixture, &deliverer(inner), &run).await;
        assert_eq!(ended.is_err(), is_uncertain, "{ended:?}");
    }
}

/// A deliverer whose ledger is lost once it has written down that a replay is begun.
fn interrupted(fixture: &Fixture, ledger: &Arc<MemoryLedger>) -> Deliverer {
    let failing = FailingLedger { inner: Arc::clone(ledger), writes_left: 0.into(), takes_effect: true };
    Deliverer::new(fixture.deliverer.warehouse().clone(), Arc::new(failing), Arc::new(SystemClock))
}

#[tokio::test]
async fn a_discard_takes_nothing_from_a_replay_that_was_begun() {
    let fixture = half_rejected().await;
    fixture.deliver(&batch(10, ["broken"])).await.unwrap();
    widen(&fixture).await;
    let ledger = Arc::new(MemoryLedger::default());
    let run = ReplayRejects::new(all(&fixture));
    replay(&fixture, &interrupted(&fixture, &ledger), &run).await.unwrap_err();
    let deliverer = Deliverer::new(fixture.deliverer.warehouse().clone(), ledger, Arc::new(SystemClock));
    let discarded = deliverer.discard(&fixture.target().await, &all(&fixture)).await.unwrap();
    assert_eq!(discarded.discarded, 1);
    assert_eq!(ids(&fixture).await.len(), 10);
    assert_eq!(fixture.count("SELECT count() AS n FROM {q}").await, 0);
}

#[tokio::test]
async fn rejects_are_replayed_under_the_policy_of_their_source() {
    let fixture = Fixture::new("id UInt8, name String").await;
    fixture.deliver(&batch(0, [r#"{"id":1}"#])).await.unwrap();
    let run = ReplayRejects::new(all(&fixture));
    assert_eq!(replay(&fixture, &fixture.deliverer, &run).await.unwrap().replayed, 0);
    let stream = batch(0, [""; 0]).stream_arn;
    let policy = Policy::new(UnknownFields::Ignore, MissingFields::ZeroValue);
    let target = fixture.target().await;
    let of_another = HashMap::from([("another stream".to_owned(), policy)]);
    assert_eq!(fixture.deliverer.replay(&target, &of_another, &run).await.unwrap().replayed, 0);
    let policies = HashMap::from([(stream, policy)]);
    assert_eq!(fixture.deliverer.replay(&target, &policies, &run).await.unwrap().replayed, 1);
    assert_eq!(fixture.rows("SELECT id, name FROM {t}").await, [json!({"id": 1, "name": ""})]);
}

#[tokio::test]
async fn replayed_rows_say_where_they_came_from() {
    let provenance = "_shard String, _sequence String, _subsequence UInt64, \
                      _arrived_at Nullable(DateTime64(3, 'UTC'))";
    let fixture = Fixture::new(&format!("id UInt8, {provenance}")).await;
    let mut events = batch(7, [r#"[{"id":1},{"id":1000}]"#]);
    events.records[0].approximate_arrival = Some("2026-01-31T12:00:00.5Z".parse().unwrap());
    fixture.deliver(&events).await.unwrap();
    widen(&fixture).await;
    replay(&fixture, &fixture.deliverer, &ReplayRejects::new(all(&fixture))).await.unwrap();
    let question = "SELECT id, _shard, right(_sequence, 3) AS number, _subsequence AS sub, \
                    toUnixTimestamp64Milli(_arrived_at) AS arrived FROM {t} ORDER BY id";
    let row = |id, sub| {
        let (shard, arrived) = ("shardId-000000000000", 1_769_860_800_500_i64);
        json!({"id": id, "_shard": shard, "number": "007", "sub": sub, "arrived": arrived})
    };
    assert_eq!(fixture.rows(question).await, [row(1, 0), row(1000, 1)]);
}

/// The table has taken the rows when a view refuses them: only the same insert may follow.
#[tokio::test]
async fn what_a_view_refuses_stays_begun_until_the_view_takes_it() {
    let fixture = half_rejected().await;
    widen(&fixture).await;
    let view = format!("{}.view", fixture.table.database());
    fixture
        .execute(&format!(
            "CREATE MATERIALIZED VIEW {view} ENGINE = MergeTree ORDER BY id \
             SETTINGS non_replicated_deduplication_window = 100 \
             AS SELECT id, throwIf(id = 1005) AS refused FROM {}",
            fixture.table
        ))
        .await;
    let run = ReplayRejects::new(all(&fixture));
    for _ in 0..2 {
        replay(&fixture, &fixture.deliverer, &run).await.unwrap_err();
        assert_eq!(fixture.count("SELECT count() AS n FROM {q}").await, 5);
    }
    fixture.execute(&format!("DROP VIEW {view} SYNC")).await;
    assert_eq!(replay(&fixture, &fixture.deliverer, &run).await.unwrap().replayed, 5);
    assert_eq!(ids(&fixture).await.len(), 10);
    assert_eq!(fixture.count("SELECT count() AS n FROM {q}").await, 0);
}

#[tokio::test]
async fn rejects_of_a_table_that_is_no_more_can_be_seen_and_discarded() {
    let fixture = half_rejected().await;
    fixture.execute(&format!("DROP TABLE {} SYNC", fixture.table)).await;
    let client = crate::engine::client();
    assert_eq!(client.quarantine(&all(&fixture)).await.unwrap().total, 5);
    let error = client.quarantine_replay(&ReplayRejects::new(all(&fixture))).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(client.quarantine_discard(&all(&fixture)).await.unwrap().discarded, 5);
    assert_eq!(fixture.count("SELECT count() AS n FROM {q}").await, 0);
}

/// Sequence numbers have no fixed length: "9" comes before "10".
#[tokio::test]
async fn rejects_are_taken_in_the_order_of_their_shard() {
    let fixture = Fixture::new("id UInt8").await;
    let mut events = batch(0, (0..12_000).map(|id| json!({"id": 1000 + id}).to_string()));
    for (number, record) in (1..).zip(&mut events.records) {
        record.sequence_number = format!("{number}");
    }
    fixture.deliver(&events).await.unwrap();
    widen(&fixture).await;
    let report = replay(&fixture, &fixture.deliverer, &ReplayRejects::new(all(&fixture))).await.unwrap();
    assert_eq!((report.considered, report.replayed), (12_000, 12_000));
    assert_eq!(fixture.count("SELECT uniqExact(id) AS n FROM {t}").await, 12_000);
    assert_eq!(fixture.count("SELECT count() AS n FROM {q}").await, 0);
}

/// A range that was begun, and whose shard is no more: nobody will ever find out that it is stuck.
#[tokio::test]
async fn a_range_that_nobody_holds_can_be_settled() {
    let fixture = Fixture::new("id UInt8").await;
    let ledger = Arc::new(MemoryLedger::default());
    let deliverer = interrupted(&fixture, &ledger);
    let (target, events) = (fixture.target().await, batch(0, [r#"{"id":1}"#]));
    let deadline = SystemClock.now() + Duration::from_millis(500);
    deliverer.deliver(&target, &events, Some(deadline)).await.unwrap_err();
    let key = LedgerKey { stream_arn: events.stream_arn, shard: events.shard, table: fixture.uuid };
    let held_until = ledger.read(&key).await.unwrap().open.unwrap().held_until;
    let settler = Deliverer::new(
        fixture.deliverer.warehouse().clone(),
        Arc::clone(&ledger) as _,
        Arc::new(SystemClock),
    );
    if SystemClock.now() < held_until {
        let error = settler.settle(&key, &target, Outcome::Abandon).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict);
    }
    while SystemClock.now() <= held_until {
        SystemClock.sleep(Duration::from_millis(10)).await;
    }
    settler.settle(&key, &target, Outcome::Abandon).await.unwrap();
    let entry = ledger.read(&key).await.unwrap();
    assert_eq!((entry.open, entry.counters.abandoned), (None, 1));
}

/// Whatever arrives once a discard has counted is not deleted by it, even if the clock of its worker is behind.
#[tokio::test]
async fn an_interrupted_discard_deletes_what_it_counted_and_nothing_else() {
    for (writes_left, takes_effect) in [(0, true), (1, false), (1, true)] {
        let fixture = Fixture::new("id UInt64").await;
        let ledger = Arc::new(MemoryLedger::default());
        let (deliverer, target) = (deliverer_of(&fixture, &ledger), fixture.target().await);
        deliverer.deliver(&target, &batch(0, ["bad", "bad"]), None).await.unwrap();
        let dying = dying(&fixture, &ledger, writes_left, takes_effect);
        dying.discard(&target, &all(&fixture)).await.unwrap_err();
        let late = lagging(&fixture, &ledger);
        late.deliver(&target, &batch(10, ["worse", "worse", "worse"]), None).await.unwrap();
        // Whatever comes first finishes it.
        let report = replay(&fixture, &deliverer, &ReplayRejects::new(all(&fixture))).await.unwrap();
        let case = format!("{writes_left} {takes_effect} {report:?}");
        assert_eq!(accounted(&fixture, &ledger).await, (2, 3), "{case}");
        let discarded = deliverer.discard(&target, &all(&fixture)).await.unwrap();
        assert_eq!((discarded.discarded, accounted(&fixture, &ledger).await), (3, (5, 0)), "{case}");
    }
}

/// More than the ledger has room for: each part is counted, also if the discard is interrupted between two of them.
#[tokio::test]
async fn a_large_discard_is_counted_in_parts() {
    const EVENTS: u64 = 23_000;
    let fixture = Fixture::new("id UInt64").await;
    let ledger = Arc::new(MemoryLedger::default());
    let (deliverer, target) = (deliverer_of(&fixture, &ledger), fixture.target().await);
    deliverer.deliver(&target, &batch(0, (0..EVENTS).map(|n| n.to_string())), None).await.unwrap();
    // The first part is done, the second is begun.
    dying(&fixture, &ledger, 2, true).discard(&target, &all(&fixture)).await.unwrap_err();
    let late = batch(EVENTS, ["worse", "worse", "worse"]);
    lagging(&fixture, &ledger).deliver(&target, &late, None).await.unwrap();
    let (discarded, left) = accounted(&fixture, &ledger).await;
    assert_eq!(discarded + left, EVENTS + 3);
    deliverer.discard(&target, &all(&fixture)).await.unwrap();
    assert_eq!(accounted(&fixture, &ledger).await, (EVENTS + 3, 0));
}

/// A reject that arrives between those of an interrupted replay is not in the table, even if it would fit.
#[tokio::test]
async fn an_interrupted_replay_takes_only_its_own_rejects_out_of_quarantine() {
    for (writes_left, takes_effect) in [(0, true), (1, false), (1, true), (2, false)] {
        let fixture = half_rejected().await;
        widen(&fixture).await;
        let ledger = Arc::new(MemoryLedger::default());
        let run = ReplayRejects::new(all(&fixture));
        let dying = dying(&fixture, &ledger, writes_left, takes_effect);
        replay(&fixture, &dying, &run).await.unwrap_err();
        let constraint = format!("ALTER TABLE {} ADD CONSTRAINT c CHECK id != 5000", fixture.table);
        fixture.execute(&constraint).await;
        let late = lagging(&fixture, &Arc::default());
        late.deliver(&fixture.target().await, &batch(4, [r#"{"id":5000}"#]), None).await.unwrap();
        fixture.execute(&format!("ALTER TABLE {} DROP CONSTRAINT c", fixture.table)).await;
        // Finishes only what was begun.
        let nothing = ReplayRejects::new(all(&fixture).sequence_number("none"));
        replay(&fixture, &deliverer_of(&fixture, &ledger), &nothing).await.unwrap();
        let case = format!("{writes_left} {takes_effect}");
        assert_eq!(ids(&fixture).await, [0, 2, 4, 6, 8, 1001, 1003, 1005, 1007, 1009], "{case}");
        assert_eq!(fixture.count("SELECT count() AS n FROM {q}").await, 1, "{case}");
        replay(&fixture, &deliverer_of(&fixture, &ledger), &run).await.unwrap();
        assert_eq!((ids(&fixture).await.len(), ids(&fixture).await.last()), (11, Some(&5000)), "{case}");
    }
}

/// ClickHouse refuses the lightweight deletion in a table with projections.
#[tokio::test]
async fn a_quarantine_with_a_projection_is_replayed_and_discarded() {
    let fixture = half_rejected().await;
    fixture.deliver(&batch(10, ["broken"])).await.unwrap();
    widen(&fixture).await;
    let projection = "ADD PROJECTION p (SELECT error_type, count() GROUP BY error_type)";
    alter_quarantine(&fixture, &format!("ALTER TABLE {{q}} {projection}")).await;
    alter_quarantine(&fixture, "ALTER TABLE {q} MATERIALIZE PROJECTION p SETTINGS mutations_sync = 2").await;
    let run = ReplayRejects::new(all(&fixture));
    assert_eq!(replay(&fixture, &fixture.deliverer, &run).await.unwrap().replayed, 5);
    assert_eq!(ids(&fixture).await.len(), 10);
    assert_eq!(fixture.count("SELECT count() AS n FROM {q}").await, 1);
    let target = fixture.target().await;
    assert_eq!(fixture.deliverer.discard(&target, &all(&fixture)).await.unwrap().discarded, 1);
    assert_eq!(fixture.count("SELECT count() AS n FROM {q}").await, 0);
}

/// While ClickHouse deletes nothing, an error says what to do; then what was begun is finished.
#[tokio::test]
async fn a_quarantine_whose_merges_are_stopped_is_waited_for_and_finished_later() {
    const PATIENCE: Duration = Duration::from_secs(90);
    for is_replay in [true, false] {
        let fixture = half_rejected().await;
        widen(&fixture).await;
        alter_quarantine(&fixture, "SYSTEM STOP MERGES {q}").await;
        let (run, selection, target) =
            (ReplayRejects::new(all(&fixture)), all(&fixture), fixture.target().await);
        let attempt = async || {
            if is_replay {
                return replay(&fixture, &fixture.deliverer, &run).await.map(|report| report.replayed);
            }
            fixture.deliverer.discard(&target, &selection).await.map(|discarded| discarded.discarded)
        };
        // The second attempt finds the deletion begun.
        for _ in 0..2 {
            let error = tokio::time::timeout(PATIENCE, attempt()).await.expect("it hangs").unwrap_err();
            assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Unavailable, true), "{error}");
            assert!(error.to_string().contains("SYSTEM START MERGES"), "{error}");
        }
        let key = LedgerKey::of_quarantine(fixture.uuid);
        let error = fixture.deliverer.settle(&key, &target, Outcome::Abandon).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict);
        alter_quarantine(&fixture, "SYSTEM START MERGES {q}").await;
        // The discard that was begun is counted in the ledger.
        let done = tokio::time::timeout(PATIENCE, attempt()).await.expect("it hangs").unwrap();
        assert_eq!(done, if is_replay { 5 } else { 0 });
        let counters = fixture.deliverer.ledger().read(&key).await.unwrap().counters;
        assert_eq!((counters.replayed, counters.discarded), if is_replay { (5, 0) } else { (0, 5) });
        assert_eq!(ids(&fixture).await.len(), if is_replay { 10 } else { 5 });
        assert_eq!(fixture.count("SELECT count() AS n FROM {q}").await, 0);
    }
}

/// Its rows cannot be counted, so its events may be rows: a person must look before they are discarded.
#[tokio::test]
async fn a_discard_does_not_give_up_a_replay_whose_rows_cannot_be_counted() {
    let fixture = half_rejected().await;
    widen(&fixture).await;
    let ledger = Arc::new(MemoryLedger::default());
    let run = ReplayRejects::new(all(&fixture));
    replay(&fixture, &interrupted(&fixture, &ledger), &run).await.unwrap_err();
    alter_quarantine(&fixture, "DELETE FROM {q} WHERE raw_data LIKE '%1003%'").await;
    let (deliverer, target) = (deliverer_of(&fixture, &ledger), fixture.target().await);
    for _ in 0..2 {
        let error = deliverer.discard(&target, &all(&fixture)).await.unwrap_err();
        assert_eq!((error.kind(), error.message().contains("UNCERTAIN")), (ErrorKind::Conflict, true));
        assert_eq!(accounted(&fixture, &ledger).await, (0, 4));
    }
    let key = LedgerKey::of_quarantine(fixture.uuid);
    deliverer.settle(&key, &target, Outcome::Absent).await.unwrap();
    assert_eq!(deliverer.discard(&target, &all(&fixture)).await.unwrap().discarded, 4);
    assert_eq!(accounted(&fixture, &ledger).await, (4, 0));
}
