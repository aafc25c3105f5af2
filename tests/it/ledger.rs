//! The ledger in DynamoDB, and what delivery makes of it across processes.

use std::sync::Arc;

use aws_sdk_dynamodb::types::AttributeValue;
use helios_core::{
    Column, CreateTable, ErrorKind, HeliosClient,
    clock::SystemClock,
    delivery::{
        Batch, Deliverer, Record, Target,
        ledger::{DynamoLedger, Entry, Ledger as _, LedgerKey, Written},
    },
    streams::{Position, ShardReader, ShardStart, list_shards},
};
use helios_tests::{Account, Function, deploy};
use uuid::Uuid;

use crate::shop::{account, client_of, columns, database, rows};

fn key(shard: &str) -> LedgerKey {
    LedgerKey {
        stream_arn: "arn:aws:kinesis:eu-west-1:111122223333:stream/clicks".to_owned(),
        shard: shard.to_owned(),
        table: Uuid::from_u128(1),
    }
}

/// The entry after this one, as a worker of its own writes it.
fn after(entry: &Entry) -> Entry {
    let mut next = entry.clone();
    next.version += 1;
    next.writer = Uuid::new_v4();
    next
}

async fn ledger(account: &Account) -> DynamoLedger {
    DynamoLedger::open(&account.session(), "helios-ledger", Arc::new(SystemClock)).await.unwrap()
}

#[tokio::test]
async fn of_two_writers_one_is_told_what_the_other_wrote() {
    let account = account().await;
    // Two processes.
    let (one, other) = (ledger(&account).await, ledger(&account).await);
    let key = key("shardId-000000000000");
    // There is no table yet: nothing was written, and the first write makes it.
    let none = one.read(&key).await.unwrap();
    assert_eq!(none, Entry::default());
    let (first, late) = (after(&none), after(&none));
    assert_eq!(one.write(&key, &first).await.unwrap(), Written::Done);
    assert_eq!(other.write(&key, &late).await.unwrap(), Written::Conflict(Box::new(first.clone())));
    assert_eq!(other.read(&key).await.unwrap(), first);
    // An answer that was lost.
    assert_eq!(one.write(&key, &first).await.unwrap(), Written::Done);

    let second = after(&first);
    assert_eq!(other.write(&key, &second).await.unwrap(), Written::Done);
    for stale in [after(&none), after(&first)] {
        assert_eq!(one.write(&key, &stale).await.unwrap(), Written::Conflict(Box::new(second.clone())));
    }
    // Versions are counted, not just compared with what is there.
    let ahead = after(&after(&second));
    assert_eq!(one.write(&key, &ahead).await.unwrap(), Written::Conflict(Box::new(second.clone())));
    assert_eq!(one.read(&key).await.unwrap(), second);
}

#[tokio::test]
async fn of_many_writers_one_succeeds() {
    let account = account().await;
    let ledger = ledger(&account).await;
    ledger.ensure().await.unwrap();
    let key = key("shardId-000000000000");
    let mut entry = Entry::default();
    for _ in 0..5 {
        let candidates: Vec<Entry> = (0..8).map(|_| after(&entry)).collect();
        let writes = candidates.iter().map(|candidate| ledger.write(&key, candidate));
        let written = futures_util::future::join_all(writes).await;
        let winners: Vec<_> = candidates
            .iter()
            .zip(&written)
            .filter(|(_, written)| matches!(written, Ok(Written::Done)))
            .collect();
        assert_eq!(winners.len(), 1, "{written:?}");
        entry = winners[0].0.clone();
        assert_eq!(ledger.read(&key).await.unwrap(), entry);
    }
}

#[tokio::test]
async fn the_shards_of_a_source_are_found_together() {
    let account = account().await;
    let ledger = ledger(&account).await;
    assert_eq!(ledger.of_source(&key("").stream_arn, Uuid::from_u128(1)).await.unwrap(), []);
    let first = after(&Entry::default());
    for shard in ["shardId-000000000001", "shardId-000000000000"] {
        assert_eq!(ledger.write(&key(shard), &first).await.unwrap(), Written::Done);
    }
    let elsewhere = LedgerKey { table: Uuid::from_u128(2), ..key("shardId-000000000002") };
    assert_eq!(ledger.write(&elsewhere, &first).await.unwrap(), Written::Done);
    let found = ledger.of_source(&elsewhere.stream_arn, Uuid::from_u128(1)).await.unwrap();
    let shards: Vec<_> = found.iter().map(|(shard, _)| shard.as_str()).collect();
    assert_eq!(shards, ["shardId-000000000000", "shardId-000000000001"]);
}

/// A source, and the records of its one shard.
struct Filled {
    account: Account,
    client: HeliosClient,
    table: String,
    statement: String,
    target: Target,
    records: Vec<Record>,
    stream_arn: String,
    shard: String,
}

impl Filled {
    async fn new(events: u64) -> Self {
        Self::with(events, columns(&[("id", "UInt64")])).await
    }

    async fn with(events: u64, schema: Vec<Column>) -> Self {
        let account = account().await;
        account.create_stream("clicks", 1).await.unwrap();
        let function = Function {
            name: "helios-delivery",
            bootstrap: std::path::Path::new("/bin/true"),
            environment: std::collections::HashMap::new(),
            timeout_seconds: 60,
        };
        deploy(&account, function).await.unwrap();
        let client = client_of(&account);
        let database = database().await;
        let spec = CreateTable::new("clicks", "events", schema).database(&database);
        let created = client.create_table(&spec).await.unwrap();
        let payloads = (0..events).map(|id| ("key", format!(r#"{{"id":{id}}}"#)));
        account.put_events("clicks", payloads).await.unwrap();
        let shard = list_shards(&account.session(), &created.stream_arn).await.unwrap().remove(0).id;
        let start = ShardStart::Position(Position::Oldest);
        let clock = Arc::new(SystemClock);
        let mut reader = ShardReader::new(account.kinesis(), &created.stream_arn, &shard, start, clock);
        let mut records = Vec::new();
        while records.len() < usize::try_from(events).unwrap() {
            let page = reader.next_page(1000).await.unwrap();
            records.extend(page.records.into_iter().map(|record| Record {
                sequence_number: record.sequence_number,
                data: record.data,
                approximate_arrival: Some(record.arrived_at),
            }));
        }
        let name = helios_core::warehouse::TableName::new(&database, "events").unwrap();
        let target = Target::describe(client.warehouse(), &name, created.table_uuid).await.unwrap();
        Self {
            table: format!("{database}.events"),
            statement: created.create_table_query,
            stream_arn: created.stream_arn,
            account,
            client,
            target,
            records,
            shard,
        }
    }

    /// A deliverer as in a process of its own.
    async fn deliverer(&self) -> Deliverer {
        self.client.deliverer().await.unwrap()
    }

    fn batch(&self, records: std::ops::Range<usize>) -> Batch {
        Batch::new(&self.stream_arn, &self.shard, self.records[records].to_vec())
    }

    async fn ids(&self) -> Vec<String> {
        rows(&format!("SELECT id FROM {} ORDER BY id", self.table)).await
    }

    /// Begins to deliver records, and leaves it undone.
    async fn leave_open(&self, records: std::ops::Range<usize>) {
        let warehouse = self.client.warehouse();
        warehouse.execute(&format!("DROP TABLE {} SYNC", self.table)).await.unwrap();
        let batch = self.batch(records);
        let undelivered = self.deliverer().await.deliver(&self.target, &batch, None).await.unwrap_err();
        assert_eq!(undelivered.error.kind(), ErrorKind::NotFound, "{undelivered}");
        warehouse.execute(&self.statement).await.unwrap();
    }
}

#[tokio::test]
async fn what_a_batch_lacks_of_an_open_range_is_read_from_the_shard() {
    for next in [0..3, 3..10, 8..10] {
        let source = Filled::new(10).await;
        source.leave_open(0..6).await;
        let deliverer = source.deliverer().await;
        deliverer.deliver(&source.target, &source.batch(next.clone()), None).await.unwrap();
        // And what lies between the two.
        let expected: Vec<_> = (0..next.end.max(6)).map(|id| format!(r#"{{"id":{id}}}"#)).collect();
        assert_eq!(source.ids().await, expected, "after {next:?}");
        // And in whatever way it comes again, nothing is doubled.
        for again in [0..next.end, 2..next.end] {
            source.deliverer().await.deliver(&source.target, &source.batch(again), None).await.unwrap();
        }
        assert_eq!(source.ids().await, expected, "after {next:?}, again");
    }
}

#[tokio::test]
async fn two_deliverers_at_once_deliver_once() {
    let source = &Filled::new(40).await;
    let deliveries = [0..40, 0..25, 0..40, 0..7].map(|records| async move {
        let deliverer = source.deliverer().await;
        deliverer.deliver(&source.target, &source.batch(records), None).await
    });
    for delivered in futures_util::future::join_all(deliveries).await {
        delivered.unwrap();
    }
    let expected: Vec<_> = (0..40).map(|id| format!(r#"{{"id":{id}}}"#)).collect();
    assert_eq!(source.ids().await, expected);
}

/// DynamoDB counts a write in units of 1 KB: a batch costs two of them, whatever the number of columns.
#[tokio::test]
async fn a_batch_costs_two_write_units() {
    let wide = (1..100).map(|at| Column::new(format!("column_{at}"), "Nullable(String)"));
    let mut schema = columns(&[("id", "UInt64")]);
    schema.extend(wide);
    let source = Filled::with(20, schema).await;
    let size = async || {
        let items = source.account.dynamodb().scan().table_name("helios-ledger").send().await.unwrap();
        let mut entries = items.items().iter().filter(|item| item.contains_key("entry"));
        let mut item = entries.next().unwrap().clone();
        assert!(entries.next().is_none());
        // What a range is left open by here is no part of it.
        let mut entry: serde_json::Value = serde_json::from_str(item["entry"].as_s().unwrap()).unwrap();
        entry.as_object_mut().unwrap().remove("trouble");
        item.insert("entry".to_owned(), AttributeValue::S(entry.to_string()));
        let bytes = |value: &AttributeValue| match value {
            AttributeValue::S(text) | AttributeValue::N(text) => text.len(),
            other => panic!("{other:?}"),
        };
        let size: usize = item.iter().map(|(name, value)| name.len() + bytes(value)).sum();
        // The stream's sequence numbers have 20 digits more than the emulator's, and an entry has four.
        size + 4 * 20
    };
    source.deliverer().await.deliver(&source.target, &source.batch(0..5), None).await.unwrap();
    source.leave_open(5..20).await;
    let open = size().await;
    source.deliverer().await.deliver(&source.target, &source.batch(5..20), None).await.unwrap();
    let closed = size().await;
    assert!(
        open <= 1024 && closed <= 1024,
        "{open} bytes when a range is opened, {closed} when it is closed"
    );
}

/// A DynamoDB item holds at most 400 KB, and a table may have a thousand columns: their schema is stored once, apart from
/// the entry.
#[tokio::test]
async fn the_items_of_a_wide_table_are_small() {
    let wide =
        (1..1000).map(|at| Column::new(format!("column_{at}_{}", "x".repeat(100)), "Nullable(String)"));
    let mut schema = columns(&[("id", "UInt64")]);
    schema.extend(wide);
    let source = Filled::with(50, schema).await;
    let warehouse = source.client.warehouse();
    let refuse = format!("ALTER TABLE {} ADD CONSTRAINT small CHECK id != 7", source.table);
    warehouse.execute(&refuse).await.unwrap();
    let target = Target::describe(warehouse, &source.target.table, source.target.uuid).await.unwrap();
    let sizes = async || {
        let items = source.account.dynamodb().scan().table_name("helios-ledger").send().await.unwrap();
        let entries = items.items().iter().filter_map(|item| item.get("entry"));
        entries.map(|entry| entry.as_s().unwrap().len()).collect::<Vec<_>>()
    };
    let report = source.deliverer().await.deliver(&target, &source.batch(0..40), None).await.unwrap();
    assert_eq!((report.delivered, report.quarantined), (39, 1));
    let reasons = rows(&format!(
        "SELECT error_message FROM quarantine.events WHERE original_table = '{}'",
        source.table
    ))
    .await;
    assert_eq!(reasons.len(), 1);
    assert!(reasons[0].contains("the row violates the table's constraint `small`"), "{reasons:?}");

    // The same holds while a range is open, which another process then finishes.
    source.leave_open(40..50).await;
    let open = sizes().await;
    assert!(!open.is_empty() && open.iter().all(|size| *size < 4096), "{open:?}");
    source.deliverer().await.deliver(&target, &source.batch(40..50), None).await.unwrap();
    assert_eq!(rows(&format!("SELECT id FROM {}", source.table)).await.len(), 10, "it was created again");
}
