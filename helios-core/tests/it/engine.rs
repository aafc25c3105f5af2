//! The embedded engine, one for all tests of this process, and a database for each.

use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use helios_core::{
    HeliosClient,
    clock::SystemClock,
    delivery::{Batch, BatchReport, Deliverer, Record, Target, Undelivered, ledger::MemoryLedger},
    warehouse::{QueryOptions, TableName, Warehouse, WarehouseSettings},
};
use uuid::Uuid;

/// The one data path of this process, and what keeps the engine on it up between the tests.
static ENGINE: LazyLock<(tempfile::TempDir, Warehouse)> = LazyLock::new(|| {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let mut settings = WarehouseSettings::default();
    settings.data_path = Some(folder.path().to_owned());
    let warehouse = Warehouse::connect(&settings).unwrap();
    (folder, warehouse)
});

/// Another ClickHouse to run the tests on, by the URL of its HTTP interface: the package chdb's, or a server.
fn other_clickhouse() -> Option<String> {
    std::env::var("HELIOS_TEST_CLICKHOUSE_URL").ok()
}

/// Connections belong to the runtime of a test, the engine to all.
fn connect() -> Warehouse {
    let mut settings = WarehouseSettings::default();
    match other_clickhouse() {
        Some(url) => settings.url = Some(url.into()),
        None => settings.data_path = Some(ENGINE.0.path().to_owned()),
    }
    Warehouse::connect(&settings).unwrap()
}

/// A client of the engine, without AWS.
pub(crate) fn client() -> HeliosClient {
    let builder = HeliosClient::builder();
    match other_clickhouse() {
        Some(url) => builder.clickhouse_url(url),
        None => builder.data_path(ENGINE.0.path()),
    }
    .build()
    .unwrap()
}

/// A database of its own, and the table `t` in it.
pub(crate) struct Fixture {
    pub(crate) deliverer: Deliverer,
    pub(crate) table: TableName,
    pub(crate) uuid: Uuid,
}

impl Fixture {
    /// The columns of the table `t`, with what follows them in its statement.
    pub(crate) async fn new(columns: &str) -> Self {
        let settings =
            "ENGINE = MergeTree ORDER BY tuple() SETTINGS non_replicated_deduplication_window = 10000";
        Self::with(&format!("({columns}) {settings}")).await
    }

    pub(crate) async fn with(definition: &str) -> Self {
        let warehouse = connect();
        let name = format!("test_{}", Uuid::new_v4().simple());
        // The quarantine goes by the table's name alone.
        let table = TableName::new(&name, format!("t_{name}")).unwrap();
        warehouse.create_database(table.database(), None).await.unwrap();
        warehouse.execute(&format!("CREATE TABLE {table} {definition}")).await.unwrap();
        let uuid = warehouse.describe_table(&table).await.unwrap().unwrap().uuid;
        let deliverer = Deliverer::new(warehouse, Arc::new(MemoryLedger::default()), Arc::new(SystemClock));
        Self { deliverer, table, uuid }
    }

    /// A deliverer that knows nothing of what the first has done.
    pub(crate) fn another_deliverer(&self) -> Deliverer {
        let warehouse = self.deliverer.warehouse().clone();
        Deliverer::new(warehouse, Arc::new(MemoryLedger::default()), Arc::new(SystemClock))
    }

    pub(crate) async fn deliver(&self, batch: &Batch) -> Result<BatchReport, Undelivered> {
        self.deliverer.deliver(&self.target().await, batch, None).await
    }

    pub(crate) async fn target(&self) -> Target {
        Target::describe(self.deliverer.warehouse(), &self.table, self.uuid).await.unwrap()
    }

    pub(crate) async fn execute(&self, statement: &str) {
        self.deliverer.warehouse().execute(statement).await.unwrap();
    }

    /// The rows of a query as they were written; `{t}` is the table.
    pub(crate) async fn raw_rows(&self, query: &str) -> Vec<String> {
        let query = query.replace("{t}", &self.table.to_string());
        let result = self.deliverer.warehouse().query(&query, &QueryOptions::default()).await.unwrap();
        result.data.iter().map(|row| row.get().to_owned()).collect()
    }

    /// The rows of a query as JSON values; `{t}` is the table, `{q}` its quarantine.
    pub(crate) async fn rows(&self, query: &str) -> Vec<serde_json::Value> {
        let quarantine = helios_core::delivery::quarantine::table_of(&self.table).unwrap();
        let query = query.replace("{t}", &self.table.to_string()).replace("{q}", &quarantine.to_string());
        let result = self.deliverer.warehouse().query(&query, &QueryOptions::default()).await.unwrap();
        result
            .data
            .iter()
            .map(|row| serde_json::from_str(&serde_json::to_string(row).unwrap()).unwrap())
            .collect()
    }

    pub(crate) async fn count(&self, query: &str) -> u64 {
        self.rows(query).await[0]["n"].as_u64().unwrap()
    }
}

/// Records of one shard, numbered from `first`.
pub(crate) fn batch<T: Into<Bytes>>(first: u64, payloads: impl IntoIterator<Item = T>) -> Batch {
    let records = payloads.into_iter().zip(first..).map(|(data, number)| Record {
        sequence_number: format!("4960000000000000000000000000000000000000000000000{number:07}"),
        data: data.into(),
        approximate_arrival: None,
    });
    let stream_arn = "arn:aws:kinesis:eu-west-1:111122223333:stream/clicks";
    Batch::new(stream_arn, "shardId-000000000000", records.collect())
}
