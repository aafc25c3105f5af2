//! The two sides: our delivery, and the engine's own insert of the same bytes.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use clickhouse::Row;
use helios_core::{
    clock::SystemClock,
    delivery::{Batch, Deliverer, Target, ledger::MemoryLedger, quarantine},
    warehouse::{DEDUPLICATION_WINDOW, TableName, Warehouse, WarehouseSettings},
};
use helios_embedded::process::{EngineProcess, ProcessOptions};
use helios_tests::Result;
use serde::Deserialize;
use uuid::Uuid;

use crate::events::Kind;

/// The engine, in a temporary folder.
pub(crate) struct Engine {
    warehouse: Warehouse,
    _folder: tempfile::TempDir,
}

#[derive(Row, Deserialize)]
struct CountRow {
    count: u64,
}

/// What a table that Helios creates has beside its columns.
const COUNTED: &str = ", _helios_batch UInt128 MATERIALIZED 0, \
                       INDEX _helios_batch _helios_batch TYPE minmax GRANULARITY 1";

/// One thread, one block for each insert, as our delivery asks for, too.
const SETTINGS: [(&str, &str); 8] = [
    ("async_insert", "0"),
    ("max_insert_block_size", "100000000"),
    ("min_insert_block_size_rows", "100000000"),
    ("min_insert_block_size_bytes", "0"),
    ("max_insert_threads", "1"),
    ("max_threads", "1"),
    ("input_format_parallel_parsing", "0"),
    ("date_time_input_format", "best_effort"),
];

impl Engine {
    pub(crate) async fn open() -> Result<Self> {
        let folder = tempfile::tempdir_in(folder())?;
        let mut settings = WarehouseSettings::default();
        settings.data_path = Some(folder.path().to_owned());
        let warehouse = Warehouse::connect(&settings)?;
        warehouse.execute("CREATE DATABASE bench").await?;
        Ok(Self { warehouse, _folder: folder })
    }

    /// The same in a process of its own.
    pub(crate) async fn open_process() -> Result<Self> {
        let folder = tempfile::tempdir_in(folder())?;
        let options = ProcessOptions::new(folder.path().join("data"), [crate::ENGINE]);
        let mut settings = WarehouseSettings::default();
        settings.engine_process = Some(EngineProcess::start(options).await?);
        let warehouse = Warehouse::connect(&settings)?;
        warehouse.execute("CREATE DATABASE bench").await?;
        Ok(Self { warehouse, _folder: folder })
    }

    pub(crate) fn warehouse(&self) -> &Warehouse {
        &self.warehouse
    }

    /// A new table of these events, as Helios creates it.
    pub(crate) async fn table(&self, kind: Kind) -> Result<Table<'_>> {
        self.make(kind, COUNTED, "tuple()").await
    }

    /// A new table as others create it: without the column by which rows are counted.
    pub(crate) async fn plain_table(&self, kind: Kind) -> Result<Table<'_>> {
        self.make(kind, "", "tuple()").await
    }

    /// A new table as Helios creates it, in whose parts the rows of all batches are mixed.
    pub(crate) async fn shuffled_table(&self, kind: Kind) -> Result<Table<'_>> {
        let (column, _) = kind.columns().first().ok_or("events without columns")?;
        self.make(kind, COUNTED, &format!("cityHash64({column})")).await
    }

    async fn make(&self, kind: Kind, further: &str, order_by: &str) -> Result<Table<'_>> {
        let name = TableName::new("bench", format!("t_{}", Uuid::new_v4().simple()))?;
        let columns: Vec<_> =
            kind.columns().iter().map(|(column, data_type)| format!("{column} {data_type}")).collect();
        let statement = format!(
            "CREATE TABLE {name} ({}{further}) ENGINE = MergeTree ORDER BY {order_by} \
             SETTINGS non_replicated_deduplication_window = {DEDUPLICATION_WINDOW}",
            columns.join(", ")
        );
        self.warehouse.execute(&statement).await?;
        quarantine::ensure(&self.warehouse, &name).await?;
        // Both sides make the same parts; putting them together later is no part of either's insert.
        for table in [&name, &quarantine::table_of(&name)?] {
            self.warehouse.execute(&format!("SYSTEM STOP MERGES {table}")).await?;
        }
        let uuid = self.warehouse.describe_table(&name).await?.ok_or("the table is gone")?.uuid;
        let target = Target::describe(&self.warehouse, &name, uuid).await?;
        let ledger = Arc::new(MemoryLedger::default());
        let deliverer = Deliverer::new(self.warehouse.clone(), ledger, Arc::new(SystemClock));
        Ok(Table { engine: self, name, target, deliverer })
    }
}

/// Where the engine keeps its data: in memory if that can be, as making files would cost more than all that is measured.
fn folder() -> PathBuf {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() }
}

/// A table that one side fills.
pub(crate) struct Table<'a> {
    engine: &'a Engine,
    name: TableName,
    target: Target,
    deliverer: Deliverer,
}

impl Table<'_> {
    /// What is needed to deliver into it from another task.
    pub(crate) fn delivery(&self) -> (Deliverer, Target) {
        (self.deliverer.clone(), self.target.clone())
    }

    /// Ours: records, ledger, checks and tokens.
    pub(crate) async fn deliver(&self, batches: &[Batch]) -> Result<()> {
        for batch in batches {
            self.deliverer.deliver(&self.target, batch, None).await?;
        }
        Ok(())
    }

    /// The peer: the same bytes, as the engine parses them itself.
    pub(crate) async fn insert(&self, bodies: &[Bytes]) -> Result<()> {
        for body in bodies {
            let statement = format!("INSERT INTO {} FORMAT JSONEachRow", self.name);
            let insert = self.engine.warehouse.client().insert_formatted_with(statement);
            let mut insert =
                SETTINGS.iter().fold(insert, |insert, (name, value)| insert.with_setting(*name, *value));
            insert.send(body.clone()).await?;
            insert.end().await?;
        }
        Ok(())
    }

    /// How many bytes of each row the column of the batches takes on disk, once all parts are merged into one.
    pub(crate) async fn batch_bytes_per_row(&self) -> Result<f64> {
        #[derive(Row, Deserialize)]
        struct Bytes {
            per_row: f64,
        }
        let Self { engine: Engine { warehouse, .. }, name, .. } = self;
        warehouse.execute(&format!("SYSTEM START MERGES {name}")).await?;
        warehouse.execute(&format!("OPTIMIZE TABLE {name} FINAL")).await?;
        let question = "SELECT sum(column_data_compressed_bytes + column_marks_bytes) / sum(rows) AS per_row FROM system.parts_columns \
                        WHERE active AND database = {database:String} AND table = {table:String} AND column = '_helios_batch'";
        let query = warehouse.client().query_raw(question);
        let query = query.param("database", name.database().as_str()).param("table", name.table().as_str());
        Ok(query.fetch_one::<Bytes>().await?.per_row)
    }

    /// Fails unless it has so many rows, and drops it.
    pub(crate) async fn check(self, rows: usize) -> Result<()> {
        let question = format!("SELECT count() AS count FROM {}", self.name);
        let found: CountRow = self.engine.warehouse.client().query_raw(&question).fetch_one().await?;
        if usize::try_from(found.count) != Ok(rows) {
            return Err(format!("{} rows of {rows} are in the table", found.count).into());
        }
        for table in [&self.name, &quarantine::table_of(&self.name)?] {
            self.engine.warehouse.execute(&format!("DROP TABLE {table} SYNC")).await?;
        }
        Ok(())
    }
}

/// The same events as the engine's own parser takes them.
pub(crate) fn bodies(events: &[Bytes], size: usize) -> Vec<Bytes> {
    let body = |chunk: &[Bytes]| {
        let mut body = Vec::with_capacity(chunk.iter().map(|event| event.len() + 1).sum());
        for event in chunk {
            body.extend_from_slice(event);
            body.push(b'\n');
        }
        body.into()
    };
    events.chunks(size).map(body).collect()
}
