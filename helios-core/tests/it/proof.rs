//! What ClickHouse says about an insert is checked against the table. In each case ClickHouse once reported success wrongly.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use helios_core::{
    ErrorKind,
    clock::{Clock as _, SystemClock},
    delivery::{
        Batch, BatchReport, Deliverer, Outcome, Target, Undelivered,
        ledger::{Entry, Ledger as _, LedgerKey, MemoryLedger, TroubleKind},
        quarantine::{RejectSelection, ReplayRejects},
    },
};
use serde_json::{Value, json};

use crate::{
    engine::{Fixture, batch},
    failing_ledger::FailingLedger,
};

/// What a table that Helios creates has besides its columns.
const COUNTED: &str =
    "_helios_batch UInt128 MATERIALIZED 0, INDEX _helios_batch _helios_batch TYPE minmax GRANULARITY 1";

fn ids(count: u64) -> Vec<String> {
    (0..count).map(|id| format!(r#"{{"id":{id}}}"#)).collect()
}

/// A table whose batches can be counted, and a ledger that outlives the delivering process.
struct Proof {
    fixture: Fixture,
    ledger: Arc<MemoryLedger>,
}

impl Proof {
    async fn new(columns: &str) -> Self {
        Self::with(
            columns,
            "ENGINE = MergeTree ORDER BY tuple() SETTINGS non_replicated_deduplication_window = 10000",
        )
        .await
    }

    async fn with(columns: &str, engine: &str) -> Self {
        let fixture = Fixture::with(&format!("({columns}, {COUNTED}) {engine}")).await;
        Self { fixture, ledger: Arc::default() }
    }

    fn deliverer(&self) -> Deliverer {
        let warehouse = self.fixture.deliverer.warehouse().clone();
        Deliverer::new(warehouse, Arc::clone(&self.ledger) as _, Arc::new(SystemClock))
    }

    /// Delivers in a process that dies after this number of writes to the ledger.
    async fn die_after(&self, writes: u32, batch: &Batch) {
        let inner = Arc::clone(&self.ledger);
        let failing = FailingLedger { inner, writes_left: Mutex::new(writes), takes_effect: false };
        let warehouse = self.fixture.deliverer.warehouse().clone();
        let deliverer = Deliverer::new(warehouse, Arc::new(failing), Arc::new(SystemClock));
        deliverer.deliver(&self.fixture.target().await, batch, None).await.unwrap_err();
    }

    /// Delivers in another process.
    async fn deliver(&self, batch: &Batch) -> Result<BatchReport, Undelivered> {
        self.deliverer().deliver(&self.fixture.target().await, batch, None).await
    }

    fn key(&self, batch: &Batch) -> LedgerKey {
        LedgerKey {
            stream_arn: batch.stream_arn.clone(),
            shard: batch.shard.clone(),
            table: self.fixture.uuid,
        }
    }

    async fn entry(&self, batch: &Batch) -> Entry {
        self.ledger.read(&self.key(batch)).await.unwrap()
    }

    async fn execute(&self, statement: &str) {
        self.fixture.execute(&statement.replace("{t}", &self.fixture.table.to_string())).await;
    }

    async fn count(&self) -> u64 {
        self.fixture.count("SELECT count() AS n FROM {t}").await
    }

    async fn rejects(&self) -> u64 {
        let rows = self
            .fixture
            .rows(&format!(
                "SELECT count() AS n FROM system.tables WHERE database = 'quarantine' AND name = '{}'",
                self.fixture.table.table().as_str()
            ))
            .await;
        if rows[0]["n"] == json!(0) { 0 } else { self.fixture.count("SELECT count() AS n FROM {q}").await }
    }

    /// Whether no trial table is left.
    async fn is_tidy(&self) -> bool {
        let left = "SELECT count() AS n FROM system.tables WHERE startsWith(name, '_helios_trial_') AND position(comment, '{t}') > 0";
        self.fixture.count(&left.replace("{t}", &self.fixture.table.plain())).await == 0
    }
}

/// Queries and inserts of others do not notice the hidden column.
#[tokio::test]
async fn what_counts_a_batch_is_not_seen() {
    let proof = Proof::new("id UInt64, s String DEFAULT 'x'").await;
    proof.deliver(&batch(0, ids(3))).await.unwrap();
    let rows = proof.fixture.rows("SELECT * FROM {t} ORDER BY id LIMIT 1").await;
    assert_eq!(rows, [json!({"id": 0, "s": "x"})]);
    let batches = proof
        .fixture
        .rows("SELECT uniqExact(_helios_batch) AS n, min(_helios_batch) > 0 AS set FROM {t}")
        .await;
    assert_eq!(batches, [json!({"n": 1, "set": 1})]);
    let columns: Vec<_> =
        proof.fixture.target().await.schema.columns.into_iter().map(|column| column.name).collect();
    assert_eq!(columns, ["id", "s"]);
    // An insert by hand does not need to know about it.
    proof.execute("INSERT INTO {t} (id) VALUES (7)").await;
    assert_eq!(proof.fixture.count("SELECT count() AS n FROM {t} WHERE _helios_batch = 0").await, 1);
}

/// The engine was killed after it had recorded the token and before the rows were in place: the token is known, but the rows
/// are missing.
#[tokio::test]
async fn a_token_that_is_known_is_no_proof_of_rows() {
    let proof = Proof::new("id UInt64").await;
    proof.deliver(&batch(0, ids(50))).await.unwrap();
    let lost = batch(50, ids(50));
    proof.die_after(1, &lost).await;
    let open = proof.entry(&lost).await.open.unwrap();
    assert_eq!(proof.count().await, 100);
    proof
        .execute(&format!(
            "ALTER TABLE {{t}} DELETE WHERE _helios_batch = toUInt128('{}') SETTINGS mutations_sync = 2",
            open.batches.current
        ))
        .await;
    assert_eq!(proof.count().await, 50);
    let report = proof.deliver(&batch(50, ids(100))).await.unwrap();
    assert_eq!((report.delivered, proof.count().await), (100, 150));
    assert_eq!(proof.entry(&lost).await.counters.inserted, 150);
}

#[tokio::test]
async fn an_insert_whose_answer_was_lost_is_counted() {
    for change in [
        // The window is gone for a while, and with it the tokens.
        "ALTER TABLE {t} MODIFY SETTING non_replicated_deduplication_window = 0;\
         ALTER TABLE {t} MODIFY SETTING non_replicated_deduplication_window = 10000",
        "ALTER TABLE {t} MODIFY SETTING non_replicated_deduplication_window = 1;\
         INSERT INTO {t} (id) VALUES (1000); INSERT INTO {t} (id) VALUES (1001);\
         ALTER TABLE {t} MODIFY SETTING non_replicated_deduplication_window = 10000",
        "DETACH TABLE {t}; ATTACH TABLE {t}",
        // The table now refuses rows that it has.
        "ALTER TABLE {t} ADD CONSTRAINT young CHECK id > 40",
    ] {
        let proof = Proof::new("id UInt64").await;
        let events = batch(0, ids(50));
        proof.die_after(1, &events).await;
        for statement in change.split(';') {
            proof.execute(statement).await;
        }
        let report = proof.deliver(&events).await.unwrap();
        let there = proof.fixture.count("SELECT count() AS n FROM {t} WHERE id < 1000").await;
        // Rows that were inserted before the table changed are inserted again, under its new rules.
        let refused = if change.contains("CONSTRAINT") { 41 } else { 0 };
        assert_eq!((there, proof.rejects().await), (50 - refused, refused), "{change}: {report:?}");
    }
}

/// The type of a column, the type that it is changed to, and a value that fits only the first.
const CHANGES: [(&str, &str, &str); 21] = [
    ("UInt64", "UInt8", "300"),
    ("Int64", "Int8", "-200"),
    ("Int64", "UInt64", "-1"),
    ("UInt64", "Int32", "4294967295"),
    ("Int32", "UInt16", "-5"),
    ("Float64", "Int64", "1.5"),
    ("Float64", "Float32", "1.1"),
    ("Decimal(18, 6)", "Decimal(18, 2)", "1.239999"),
    ("Decimal(18, 2)", "Int64", "1.25"),
    ("DateTime64(6, 'UTC')", "DateTime64(3, 'UTC')", "\"2026-01-01T00:00:00.123456Z\""),
    ("DateTime64(3, 'UTC')", "DateTime('UTC')", "\"2026-01-01T00:00:00.5Z\""),
    ("DateTime64(3, 'UTC')", "DateTime('UTC')", "\"1950-01-01T00:00:00Z\""),
    ("DateTime64(3, 'UTC')", "Date", "\"2026-01-01T10:00:00Z\""),
    ("Date32", "Date", "\"1950-01-01\""),
    ("Array(UInt64)", "Array(UInt8)", "[300]"),
    ("Map(String, UInt64)", "Map(String, UInt8)", "{\"a\":300}"),
    ("Tuple(a UInt64)", "Tuple(a UInt8)", "{\"a\":300}"),
    ("Nullable(UInt64)", "Nullable(UInt8)", "300"),
    ("LowCardinality(String)", "LowCardinality(FixedString(2))", "\"abc\""),
    ("UInt256", "UInt64", "18446744073709551616"),
    ("Int64", "Bool", "7"),
];

/// A column is changed after the table was described, or while a range is open: each value becomes a row as it was sent, or
/// a reject.
#[tokio::test]
async fn a_column_that_is_changed_under_way_bends_no_value() {
    for (from, to, value) in CHANGES {
        for is_open in [false, true] {
            let proof = Proof::new(&format!("id UInt64, v {from}")).await;
            let events = batch(0, (0..20).map(|id| format!(r#"{{"id":{id},"v":{value}}}"#)));
            let before = proof.fixture.target().await;
            if is_open {
                proof.die_after(1, &events).await;
                // Rows that were right before may be bent by the change itself: as if the insert arrived only now.
                proof.execute("TRUNCATE TABLE {t}").await;
            }
            proof.execute(&format!("ALTER TABLE {{t}} MODIFY COLUMN v {to} SETTINGS allow_suspicious_low_cardinality_types = 1, mutations_sync = 2")).await;
            let case = format!("{from} to {to}, {value}, open: {is_open}");
            let delivered = proof.deliverer().deliver(&before, &events, None).await;
            let report = delivered.unwrap_or_else(|undelivered| panic!("{case}: {undelivered:?}"));
            assert_eq!(report.delivered + report.quarantined, 20, "{case}: {report:?}");
            let rows = proof.fixture.rows("SELECT DISTINCT v FROM {t}").await;
            for row in &rows {
                let sent: Value = serde_json::from_str(value).unwrap();
                assert_eq!(row["v"], sent, "{case}");
            }
            assert_eq!(
                (proof.count().await, proof.rejects().await),
                (report.delivered, report.quarantined),
                "{case}"
            );
        }
    }
}

/// Rows that must be deleted stay while merges are stopped: nothing is inserted beside them, and the error says what to do.
#[tokio::test]
async fn rows_that_cannot_be_deleted_yet_are_not_doubled() {
    let proof = Proof::new("id UInt64").await;
    let events = batch(0, ids(20));
    proof.die_after(1, &events).await;
    proof.execute("ALTER TABLE {t} ADD COLUMN later Nullable(UInt8)").await;
    proof.execute("SYSTEM STOP MERGES {t}").await;
    // The second attempt finds the deletion begun.
    for _ in 0..2 {
        let error = proof.deliver(&events).await.unwrap_err().error;
        assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Unavailable, true), "{error}");
        assert!(error.to_string().contains("SYSTEM START MERGES"), "{error}");
        assert_eq!(proof.count().await, 20);
    }
    proof.execute("SYSTEM START MERGES {t}").await;
    let report = proof.deliver(&events).await.unwrap();
    assert_eq!((report.delivered, proof.count().await), (20, 20));
    assert_eq!(proof.fixture.count("SELECT uniqExact(id) AS n FROM {t}").await, 20);
}

/// A view that fails does so behind the table, which has the rows: they are sent again until the view has them, too.
#[tokio::test]
async fn what_a_view_refuses_is_sent_until_the_view_has_it() {
    let proof = Proof::new("id UInt64").await;
    let copy = format!("{}.copy", proof.fixture.table.database());
    let settings = "ENGINE = MergeTree ORDER BY id SETTINGS non_replicated_deduplication_window = 10000";
    proof.execute(&format!("CREATE TABLE {copy} (id UInt64, CONSTRAINT c CHECK id != 4) {settings}")).await;
    proof.execute(&format!("CREATE MATERIALIZED VIEW {copy}_view TO {copy} AS SELECT id FROM {{t}}")).await;
    let events = batch(0, ids(9));
    for _ in 0..3 {
        let error = proof.deliver(&events).await.unwrap_err().error;
        assert_eq!(error.server_code(), Some(469), "{error}");
        assert_eq!(proof.entry(&events).await.trouble.unwrap().kind, TroubleKind::Failing);
        assert_eq!(proof.count().await, 9);
    }
    proof.execute(&format!("ALTER TABLE {copy} DROP CONSTRAINT c")).await;
    let report = proof.deliver(&events).await.unwrap();
    assert_eq!((report.delivered, proof.count().await), (9, 9));
    assert_eq!(proof.fixture.count(&format!("SELECT count() AS n FROM {copy}")).await, 9);
    // A worker that dies after its insert leaves the view as it is.
    let more = batch(100, ids(5));
    proof.die_after(1, &more).await;
    proof.deliver(&more).await.unwrap();
    assert_eq!(
        (proof.count().await, proof.fixture.count(&format!("SELECT count() AS n FROM {copy}")).await),
        (14, 14)
    );
}

/// Rejects of an open range may still be written again, under another schema: only those of committed ranges are replayed.
#[tokio::test]
async fn rejects_of_an_open_range_are_not_replayed() {
    let proof = Proof::new("id UInt64, v UInt8").await;
    let event = |id| format!(r#"{{"id":{id},"v":{}}}"#, if id < 5 { 1 } else { 300 });
    let before = batch(0, [r#"{"id":100,"v":300}"#]);
    proof.deliver(&before).await.unwrap();
    let events = batch(10, (0..10).map(event));
    proof.die_after(1, &events).await;
    assert_eq!(proof.rejects().await, 6);
    proof.execute("ALTER TABLE {t} MODIFY COLUMN v UInt32 SETTINGS mutations_sync = 2").await;
    let replay = async || {
        let run = ReplayRejects::new(
            RejectSelection::new(proof.fixture.table.table().as_str())
                .database(proof.fixture.table.database().as_str()),
        );
        proof.deliverer().replay(&proof.fixture.target().await, &HashMap::new(), &run).await.unwrap()
    };
    let report = replay().await;
    assert_eq!((report.replayed, proof.rejects().await), (1, 5), "{report:?}");
    assert!(report.message.contains("5 more"), "{report:?}");
    proof.deliver(&events).await.unwrap();
    let report = replay().await;
    assert_eq!((report.replayed, proof.rejects().await), (5, 0), "{report:?}");
    assert_eq!(proof.count().await, 11);
    assert_eq!(proof.fixture.count("SELECT uniqExact(id) AS n FROM {t}").await, 11);
}

#[tokio::test]
async fn a_table_in_the_place_of_another_keeps_nothing_and_what_mends_it_is_said() {
    let proof = Proof::new("id UInt64").await;
    let aside = format!("{}.`an other`", proof.fixture.table.database());
    proof.execute(&format!("CREATE TABLE {aside} AS {{t}}")).await;
    let target = proof.fixture.target().await;
    let events = batch(0, ids(300));
    proof.execute(&format!("EXCHANGE TABLES {{t}} AND {aside}")).await;
    for _ in 0..2 {
        let undelivered = proof.deliverer().deliver(&target, &events, None).await.unwrap_err();
        assert_eq!(undelivered.error.kind(), ErrorKind::Conflict, "{undelivered:?}");
        let mend = format!("EXCHANGE TABLES {} AND {aside}", proof.fixture.table)
            .replace("`an other`", "`an other`");
        assert!(undelivered.error.to_string().contains("EXCHANGE TABLES"), "{undelivered:?} {mend}");
        assert_eq!(undelivered.uncommitted.as_ref(), Some(&events.records[0].sequence_number));
        let trouble = proof.entry(&events).await.trouble.unwrap();
        assert_eq!(trouble.kind, TroubleKind::Failing);
        assert!(trouble.message.unwrap().contains("EXCHANGE TABLES"));
        assert_eq!(
            (proof.count().await, proof.fixture.count(&format!("SELECT count() AS n FROM {aside}")).await),
            (0, 0)
        );
    }
    proof.execute(&format!("EXCHANGE TABLES {{t}} AND {aside}")).await;
    proof.deliverer().deliver(&target, &events, None).await.unwrap();
    assert_eq!(
        (proof.count().await, proof.fixture.count(&format!("SELECT count() AS n FROM {aside}")).await),
        (300, 0)
    );
    assert_eq!(proof.entry(&events).await.trouble, None);
}

/// Another table has the name when the rows arrive, the process dies, and the right table is back before the next process
/// looks.
#[tokio::test]
async fn rows_that_went_astray_are_found() {
    let proof = Proof::new("id UInt64").await;
    let aside = format!("{}.aside", proof.fixture.table.database());
    let events = batch(0, ids(30));
    proof.die_after(1, &events).await;
    let open = proof.entry(&events).await.open.unwrap();
    // As if they had gone there.
    proof.execute(&format!("CREATE TABLE {aside} AS {{t}}")).await;
    proof.execute(&format!("INSERT INTO {aside} (id, _helios_batch) SETTINGS insert_allow_materialized_columns = 1 SELECT id, toUInt128('{}') FROM {{t}}", open.batches.current)).await;
    proof.execute(&format!("INSERT INTO {aside} (id) VALUES (7)")).await;
    proof.execute("TRUNCATE TABLE {t}").await;
    proof.deliver(&events).await.unwrap();
    assert_eq!(proof.count().await, 30);
    assert_eq!(proof.fixture.rows(&format!("SELECT id FROM {aside}")).await, [json!({"id": 7})]);
}

/// Tables that show rows of others, or whose column is another one: `CREATE TABLE … AS` copies the hidden column, too.
const UNRELATED: [&str; 6] = [
    "AS {t} ENGINE = Merge('{d}', '^t_')",
    "AS {t} ENGINE = Buffer('{d}', '{n}', 1, 10, 100, 10000, 1000000, 10000000, 100000000)",
    "AS {t} ENGINE = Null",
    "AS {t} ENGINE = Memory",
    "(id UInt64, _helios_batch String MATERIALIZED '') ENGINE = MergeTree ORDER BY id",
    "(id UInt64, _helios_batch Float64 MATERIALIZED 0) ENGINE = MergeTree ORDER BY id",
];

#[tokio::test]
async fn an_unrelated_table_with_the_column_stops_no_shard() {
    for other in UNRELATED {
        let proof = Proof::new("id UInt64").await;
        let events = batch(0, ids(10));
        proof.die_after(1, &events).await;
        let (database, name) =
            (proof.fixture.table.database().as_str(), proof.fixture.table.table().as_str());
        // It sorts before the table.
        let statement = format!("CREATE TABLE {}.aaa {other}", proof.fixture.table.database());
        proof.execute(&statement.replace("{d}", database).replace("{n}", name)).await;
        // The rows that are there must be deleted.
        proof.execute("ALTER TABLE {t} ADD COLUMN later Nullable(UInt8)").await;
        let delivered = proof.deliver(&events).await;
        proof.execute(&format!("DROP TABLE {}.aaa SYNC", proof.fixture.table.database())).await;
        let report = delivered.unwrap_or_else(|undelivered| panic!("{other}: {undelivered:?}"));
        assert_eq!((report.delivered, proof.count().await), (10, 10), "{other}");
    }
}

/// The open range is replaced by a process that dies before it deletes the rows.
async fn replaced_but_not_deleted(proof: &Proof, events: &Batch) {
    proof.die_after(1, events).await;
    proof.execute("ALTER TABLE {t} ADD COLUMN later Nullable(UInt8)").await;
    let inner = Arc::clone(&proof.ledger);
    let dying = FailingLedger { inner, writes_left: Mutex::new(1), takes_effect: true };
    let warehouse = proof.fixture.deliverer.warehouse().clone();
    let dying = Deliverer::new(warehouse, Arc::new(dying), Arc::new(SystemClock));
    dying.deliver(&proof.fixture.target().await, events, None).await.unwrap_err();
    // No more rows can arrive.
    let mut entry = proof.entry(events).await;
    assert!(!entry.superseded.is_empty(), "{entry:?}");
    entry.superseded.iter_mut().for_each(|batch| batch.until = jiff_epoch());
    entry.version += 1;
    proof.ledger.write(&proof.key(events), &entry).await.unwrap();
}

/// Rows that must be deleted are in a table that nobody sees for a while.
#[tokio::test]
async fn a_replaced_batch_is_not_forgotten_while_its_table_is_detached() {
    let proof = Proof::new("id UInt64").await;
    let events = batch(0, ids(10));
    replaced_but_not_deleted(&proof, &events).await;
    let (target, replaced) = (proof.fixture.target().await, proof.entry(&events).await.superseded);
    assert_eq!(proof.count().await, 10);
    for permanently in ["", " PERMANENTLY"] {
        proof.execute(&format!("DETACH TABLE {{t}}{permanently}")).await;
        for _ in 0..2 {
            let error = proof.deliverer().deliver(&target, &events, None).await.unwrap_err().error;
            let entry = proof.entry(&events).await;
            assert_eq!(entry.superseded, replaced);
            assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
            assert!(error.to_string().contains("ATTACH TABLE"), "{error}");
            let trouble = entry.trouble.unwrap().message.unwrap();
            let attach = format!("ATTACH TABLE {}", proof.fixture.table);
            assert!(trouble.contains(&attach) && !trouble.contains("remove"), "{trouble}");
        }
        proof.execute("ATTACH TABLE {t}").await;
    }
    proof.deliver(&events).await.unwrap();
    assert_eq!(
        (proof.count().await, proof.fixture.count("SELECT uniqExact(id) AS n FROM {t}").await),
        (10, 10)
    );
    let left = proof.entry(&events).await.superseded;
    assert!(left.iter().all(|batch| !replaced.contains(batch)), "{left:?}");
}

/// Nothing grows while the source of a dropped table is still there.
#[tokio::test]
async fn a_dropped_table_is_told_from_a_detached_one() {
    let proof = Proof::new("id UInt64").await;
    let events = batch(0, ids(10));
    replaced_but_not_deleted(&proof, &events).await;
    let (target, before) = (proof.fixture.target().await, proof.entry(&events).await);
    proof.execute("DROP TABLE {t} SYNC").await;
    for _ in 0..3 {
        let error = proof.deliverer().deliver(&target, &events, None).await.unwrap_err().error;
        assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
        let entry = proof.entry(&events).await;
        let said = entry.trouble.unwrap().message.unwrap();
        assert!(said.contains("`remove` the source") && !said.contains("ATTACH"), "{said}");
        assert_eq!((entry.superseded, entry.open), (before.superseded.clone(), before.open.clone()));
    }
}

/// A table changes places with another all the time: a count is of the intended one, or of none.
///
/// An engine that reads tables only by their names must be given the time for one look (ADR 8).
#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn rows_of_another_table_are_not_counted() {
    let proof = Proof::new("id UInt64").await;
    let aside = format!("{}.aside", proof.fixture.table.database());
    proof.execute(&format!("CREATE TABLE {aside} AS {{t}}")).await;
    let (target, deliverer) = (proof.fixture.target().await, proof.deliverer());
    let is_over = Arc::new(AtomicBool::new(false));
    let warehouse = proof.fixture.deliverer.warehouse().clone();
    let reads_by_uuid = warehouse.execute("SELECT 1 SETTINGS allow_experimental_analyzer = 0").await.is_ok();
    let storm = tokio::spawn({
        let is_over = Arc::clone(&is_over);
        let statement = format!("EXCHANGE TABLES {} AND {aside}", proof.fixture.table);
        async move {
            while !is_over.load(Ordering::Relaxed) {
                for _ in 0..2 {
                    warehouse.execute(&statement).await.unwrap();
                    if !reads_by_uuid {
                        tokio::time::sleep(ONE_LOOK).await;
                    }
                }
            }
        }
    });
    let (since, mut delivered) = (Instant::now(), 0);
    while since.elapsed() < STORM {
        let events = batch(delivered, ids(delivered + 10).split_off(usize::try_from(delivered).unwrap()));
        if deliverer.deliver(&target, &events, None).await.is_ok() {
            delivered += 10;
        }
    }
    is_over.store(true, Ordering::Relaxed);
    storm.await.unwrap();
    let events = batch(delivered, ids(delivered + 10).split_off(usize::try_from(delivered).unwrap()));
    deliverer.deliver(&target, &events, None).await.unwrap();
    let there = proof.fixture.rows("SELECT count() AS n, uniqExact(id) AS ids FROM {t}").await;
    assert_eq!(there, [json!({"n": delivered + 10, "ids": delivered + 10})]);
    assert_eq!(proof.fixture.count(&format!("SELECT count() AS n FROM {aside}")).await, 0);
}

/// The time that a look takes at most, where it must be over before the tables change places twice.
const ONE_LOOK: Duration = Duration::from_millis(50);

/// How long the tables change places.
const STORM: Duration = Duration::from_secs(8);

/// Each kind of expression that a table may have, over a string that is invalid in some events.
const EXPRESSIONS: [(&str, &str); 13] = [
    (", n UInt32 MATERIALIZED toUInt32(s)", "ORDER BY id"),
    (", n UInt32 DEFAULT toUInt32(s)", "ORDER BY id"),
    (", n UUID MATERIALIZED toUUID(concat('00000000-0000-0000-0000-00000000000', s))", "ORDER BY id"),
    (", n IPv4 MATERIALIZED toIPv4(concat('1.2.3.', s))", "ORDER BY id"),
    (", n IPv6 MATERIALIZED toIPv6(if(s = '1', '::1', s))", "ORDER BY id"),
    (", n Bool MATERIALIZED CAST(s AS Bool)", "ORDER BY id"),
    (", n Enum8('1' = 1) MATERIALIZED CAST(s AS Enum8('1' = 1))", "ORDER BY id"),
    (", CONSTRAINT c CHECK s != 'bad'", "ORDER BY id"),
    (", INDEX i toUInt32(s) TYPE minmax", "ORDER BY id"),
    (", PROJECTION p (SELECT toUInt32(s) AS k, count() GROUP BY k)", "ORDER BY id"),
    ("", "PARTITION BY toUInt32(s) ORDER BY id"),
    ("", "ORDER BY toUInt32(s)"),
    ("", "ORDER BY id TTL toDateTime(toUInt32(s) + 4000000000)"),
];

#[tokio::test]
async fn no_expression_of_a_table_is_stopped_by_one_event() {
    for (more, clauses) in EXPRESSIONS {
        let engine =
            format!("ENGINE = MergeTree {clauses} SETTINGS non_replicated_deduplication_window = 10000");
        let proof = Proof::with(&format!("id UInt64, s String{more}"), &engine).await;
        let events = (0..60)
            .map(|id| format!(r#"{{"id":{id},"s":"{}"}}"#, if id == 17 || id == 40 { "bad" } else { "1" }));
        let case = format!("{more} {clauses}");
        let events = batch(0, events);
        let delivered = proof.deliver(&events).await;
        let report = delivered.unwrap_or_else(|undelivered| panic!("{case}: {undelivered:?}"));
        assert_eq!((report.delivered, report.quarantined), (58, 2), "{case}");
        assert_eq!((proof.count().await, proof.rejects().await), (58, 2), "{case}");
        let rejects = "SELECT error_type, error_message LIKE '%bad%' AS has_value, extract(raw_data, '[0-9]+') AS id FROM {q} ORDER BY sequence_number";
        let reject = |id: &str| json!({"error_type": "refused", "has_value": u8::from(more.contains("CHECK")), "id": id});
        assert_eq!(proof.fixture.rows(rejects).await, [reject("17"), reject("40")], "{case}");
        // Which column it is, if it is one.
        let told =
            "SELECT DISTINCT ifNull(column, '') AS c, position(error_message, '`n`') > 0 AS named FROM {q}";
        let is_column = more.starts_with(", n ");
        let column = json!({"c": if is_column { "n" } else { "" }, "named": u8::from(is_column)});
        assert_eq!(proof.fixture.rows(told).await, [column], "{case}");
        assert!(proof.is_tidy().await, "{case}");
        // Also if it is alone in its batch: the table has rows that it accepts.
        let alone = batch(100, [r#"{"id":100,"s":"bad"}"#]);
        let report = proof.deliver(&alone).await.unwrap();
        assert_eq!((report.delivered, report.quarantined), (0, 1), "{case}");
    }
}

/// A column that is computed from another is told from it, and each from one that fails for other events.
#[tokio::test]
async fn each_reject_names_the_column_that_cannot_be_computed() {
    let columns = "id UInt64, s String, a UInt32 MATERIALIZED toUInt32(s), b UInt32 MATERIALIZED 10 + throwIf(a = 7), \
                   c UUID MATERIALIZED toUUID(if(s = '8', s, toString(generateUUIDv4()))), d String DEFAULT s, \
                   INDEX i throwIf(a = 9) TYPE minmax";
    let proof = Proof::new(columns).await;
    let events = ["1", "x", "7", "8", "9", "y", "2", "7"].iter().enumerate();
    let events = batch(0, events.map(|(id, s)| format!(r#"{{"id":{id},"s":"{s}"}}"#)));
    let report = proof.deliver(&events).await.unwrap();
    assert_eq!((report.delivered, report.quarantined), (2, 6));
    let told =
        "SELECT extract(raw_data, '[0-9]+') AS id, ifNull(column, '') AS c FROM {q} ORDER BY sequence_number";
    let expected = [("1", "a"), ("2", "b"), ("3", "c"), ("4", ""), ("5", "a"), ("7", "b")];
    let expected = expected.map(|(id, column)| json!({"id": id, "c": column}));
    assert_eq!(proof.fixture.rows(told).await, expected);
    assert!(proof.is_tidy().await);
}

/// If no row is accepted, not even one that the table has, the table is at fault, and no event goes into quarantine.
#[tokio::test]
async fn a_table_that_takes_nothing_is_failing() {
    let proof = Proof::new("id UInt64").await;
    proof.deliver(&batch(0, ids(3))).await.unwrap();
    proof.execute("ALTER TABLE {t} ADD COLUMN broken UInt64 MATERIALIZED throwIf(id >= 0)").await;
    let events = batch(10, ids(20));
    let undelivered = proof.deliver(&events).await.unwrap_err();
    assert_eq!(undelivered.error.server_code(), Some(395), "{undelivered:?}");
    assert_eq!(proof.entry(&events).await.trouble.unwrap().kind, TroubleKind::Failing);
    assert_eq!((proof.count().await, proof.rejects().await), (3, 0));
    proof.execute("ALTER TABLE {t} DROP COLUMN broken").await;
    proof.deliver(&events).await.unwrap();
    assert_eq!((proof.count().await, proof.rejects().await), (23, 0));
    assert!(proof.is_tidy().await);
}

/// A row that the table has does not need the column's default, but every event does.
#[tokio::test]
async fn a_default_that_fails_for_every_event_is_the_tables_fault() {
    for lacks in ["", ", y Nullable(UInt8)"] {
        let proof = Proof::new(&format!("id UInt64, x UInt64 DEFAULT 5{lacks}")).await;
        proof.deliver(&batch(0, ids(3))).await.unwrap();
        proof.execute("ALTER TABLE {t} MODIFY COLUMN x UInt64 DEFAULT toUInt64(throwIf(id >= 0))").await;
        let events = batch(10, ids(20));
        let undelivered = proof.deliver(&events).await.unwrap_err();
        assert_eq!(undelivered.error.server_code(), Some(395), "{undelivered:?}");
        assert_eq!(proof.entry(&events).await.trouble.unwrap().kind, TroubleKind::Failing);
        assert_eq!((proof.count().await, proof.rejects().await), (3, 0));
        proof.execute("ALTER TABLE {t} MODIFY COLUMN x UInt64 DEFAULT 5").await;
        proof.deliver(&events).await.unwrap();
        assert_eq!((proof.count().await, proof.rejects().await), (23, 0));
        assert!(proof.is_tidy().await);
    }
}

/// The report must say so.
#[tokio::test]
async fn rows_that_cannot_be_tried_in_time_are_trouble() {
    let proof = Proof::new("id UInt64").await;
    proof.execute("ALTER TABLE {t} ADD COLUMN n UInt64 MATERIALIZED toUInt64(sleepEachRow(0.5) + 1)").await;
    let events = batch(0, ids(20));
    let soon = SystemClock.now() + jiff::SignedDuration::from_secs(4);
    let undelivered =
        proof.deliverer().deliver(&proof.fixture.target().await, &events, Some(soon)).await.unwrap_err();
    assert!(undelivered.error.is_retryable(), "{undelivered:?}");
    assert_eq!(proof.entry(&events).await.trouble.unwrap().kind, TroubleKind::Failing);
    assert_eq!((proof.count().await, proof.rejects().await), (0, 0));
}

/// A few inserts, however many rows are refused: the table gets one block, and so does the quarantine.
#[tokio::test]
async fn many_refused_rows_cost_few_blocks() {
    for (percent, check) in [(10, "n UInt32 MATERIALIZED toUInt32(s)"), (50, "CONSTRAINT c CHECK s != ''")] {
        let proof = Proof::new(&format!("id UInt64, s String, {check}")).await;
        let events = (0..1000).map(|id| {
            let text = if id * 7919 % 100 < percent { "" } else { "1" };
            format!(r#"{{"id":{id},"s":"{text}"}}"#)
        });
        let events = batch(0, events);
        let report = proof.deliver(&events).await.unwrap();
        assert_eq!((report.delivered, report.quarantined), (1000 - percent * 10, percent * 10));
        let parts = format!(
            "SELECT count() AS n FROM system.parts WHERE active AND database || '.' || table = '{}'",
            proof.fixture.table.plain()
        );
        assert_eq!(proof.fixture.count(&parts).await, 1);
        assert!(proof.entry(&events).await.version <= 4, "{:?}", proof.entry(&events).await);
    }
}

/// The next process does not need to wait until a killed one can no longer insert.
#[tokio::test]
async fn a_refused_range_of_a_process_that_was_killed_is_taken_over_at_once() {
    let proof = Proof::new("id UInt64, CONSTRAINT c CHECK id != 3").await;
    let events = batch(0, ids(10));
    proof.die_after(1, &events).await;
    assert!(proof.entry(&events).await.open.is_some());
    let report = proof.deliver(&events).await.unwrap();
    assert_eq!((report.delivered, report.quarantined), (9, 1));
    let entry = proof.entry(&events).await;
    assert_eq!(entry.superseded.len(), 1, "its insert may still arrive, and is looked for");
    assert_eq!((proof.count().await, proof.rejects().await), (9, 1));
}

/// Smaller inserts would only make it worse.
#[tokio::test]
async fn too_many_parts_are_waited_for() {
    let engine = "ENGINE = MergeTree ORDER BY id SETTINGS non_replicated_deduplication_window = 10000, parts_to_throw_insert = 1, \
                  parts_to_delay_insert = 0, max_parts_in_total = 2";
    let proof = Proof::with("id UInt64", engine).await;
    proof.execute("SYSTEM STOP MERGES {t}").await;
    for id in 0..3 {
        // The first ones are taken.
        let statement = format!("INSERT INTO {} (id) VALUES ({id})", proof.fixture.table);
        proof.fixture.deliverer.warehouse().execute(&statement).await.ok();
    }
    let before = proof.count().await;
    let events = batch(0, ids(5000));
    let undelivered = proof.deliver(&events).await.unwrap_err();
    assert_eq!(undelivered.error.server_code(), Some(252), "{undelivered:?}");
    assert!(undelivered.error.is_retryable());
    assert_eq!(proof.count().await, before, "nothing was inserted in smaller pieces");
    proof
        .execute("ALTER TABLE {t} MODIFY SETTING parts_to_throw_insert = 3000, max_parts_in_total = 100000")
        .await;
    proof.deliver(&events).await.unwrap();
    assert_eq!(proof.count().await, before + 5000);
}

#[tokio::test]
async fn what_is_settled_does_not_contradict_the_table() {
    let proof = Proof::new("id UInt64").await;
    let events = batch(0, ids(50));
    proof.die_after(1, &events).await;
    let settle = |outcome| {
        let (deliverer, key) = (proof.deliverer(), proof.key(&events));
        let target = proof.fixture.target();
        async move { deliverer.settle(&key, &target.await, outcome).await }
    };
    // It may be settled once it is troubled, or abandoned.
    let mut entry = proof.entry(&events).await;
    entry.version += 1;
    entry.open.as_mut().unwrap().held_until = jiff_epoch();
    proof.ledger.write(&proof.key(&events), &entry).await.unwrap();
    let error = settle(Outcome::Absent).await.unwrap_err();
    assert!(error.message().contains("50 of the range's 50 rows"), "{error}");
    proof.execute("ALTER TABLE {t} DELETE WHERE id >= 0 SETTINGS mutations_sync = 2").await;
    let error = settle(Outcome::Committed).await.unwrap_err();
    assert!(error.message().contains("0 of the range's 50 rows"), "{error}");
    // Its old token is known: under that token the rows would count as inserted.
    settle(Outcome::Absent).await.unwrap();
    proof.deliver(&events).await.unwrap();
    assert_eq!(proof.count().await, 50);
}

fn jiff_epoch() -> jiff::Timestamp {
    jiff::Timestamp::UNIX_EPOCH
}

/// A merge removes some of these rows; they must not be inserted again.
#[tokio::test]
async fn a_table_that_replaces_rows_is_not_filled_twice() {
    let engine =
        "ENGINE = ReplacingMergeTree ORDER BY id SETTINGS non_replicated_deduplication_window = 10000";
    let proof = Proof::with("id UInt64, n UInt64", engine).await;
    let events = batch(0, (0..20).map(|n| format!(r#"{{"id":{},"n":{n}}}"#, n % 4)));
    proof.die_after(1, &events).await;
    proof.execute("OPTIMIZE TABLE {t} FINAL").await;
    proof.deliver(&events).await.unwrap();
    proof.execute("OPTIMIZE TABLE {t} FINAL").await;
    assert_eq!(proof.count().await, 4);
    let newest = proof.fixture.rows("SELECT groupArray(n) AS n FROM (SELECT n FROM {t} ORDER BY id)").await;
    assert_eq!(newest, [json!({"n": [16, 17, 18, 19]})]);
}

/// A target that no longer matches the table is described again, whatever has changed.
/// The time of a table's last change has seconds only.
#[tokio::test]
async fn a_change_that_is_undone_within_a_second_is_noticed() {
    for _ in 0..20 {
        let proof = Proof::new("id UInt64, v UInt64").await;
        let uuid = proof.fixture.target().await.uuid;
        let question = format!(
            "SELECT toString(metadata_modification_time) AS at FROM system.tables WHERE uuid = '{uuid}'"
        );
        let events = batch(0, (0..20).map(|id| format!(r#"{{"id":{id},"v":300}}"#)));
        let before = proof.fixture.rows(&question).await;
        proof.die_after(1, &events).await;
        proof.execute("TRUNCATE TABLE {t}").await;
        let number = proof.entry(&events).await.open.unwrap().batches.current;
        proof.execute("ALTER TABLE {t} MODIFY COLUMN v UInt8 SETTINGS mutations_sync = 2").await;
        // The insert arrives now.
        proof
            .execute(&format!(
                "INSERT INTO {{t}} (id, v, _helios_batch) SETTINGS insert_allow_materialized_columns = 1 \
                 SELECT number, 44, toUInt128('{number}') FROM numbers(20)"
            ))
            .await;
        proof.execute("ALTER TABLE {t} MODIFY COLUMN v UInt64 SETTINGS mutations_sync = 2").await;
        if proof.fixture.rows(&question).await != before {
            continue;
        }
        proof.deliver(&events).await.unwrap();
        assert_eq!(
            proof.fixture.rows("SELECT v, count() AS n FROM {t} GROUP BY v").await,
            [json!({"v": 300, "n": 20})]
        );
        return;
    }
    panic!("no attempt took less than a second");
}

#[tokio::test]
async fn a_stale_target_is_noticed() {
    let proof = Proof::new("id UInt64, v UInt64 DEFAULT 1").await;
    let stale: Target = proof.fixture.target().await;
    proof.execute("ALTER TABLE {t} MODIFY COLUMN v UInt64 DEFAULT 2").await;
    proof.deliverer().deliver(&stale, &batch(0, ids(4)), None).await.unwrap();
    assert_eq!(
        proof.fixture.rows("SELECT v, count() AS n FROM {t} GROUP BY v").await,
        [json!({"v": 2, "n": 4})]
    );
}
