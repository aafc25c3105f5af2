//! The same schedules on the embedded engine: its deduplication, its constraints, its quarantine.

use std::sync::{Arc, LazyLock, Mutex};

use clickhouse::Row;
use futures_util::{
    future::{BoxFuture, FutureExt as _},
    stream::{self, StreamExt as _},
};
use serde::Deserialize;

use super::{
    super::{
        ledger::MemoryLedger,
        quarantine,
        sink::{Sink, WarehouseSink},
        target::Target,
    },
    LeftOut, SEED,
    chance::Chance,
    differences,
    late::LateInserts,
    schedule::{End, Schedule, World},
    schedules, seeds,
    stream::{Mix, REFUSED_FROM, Stream},
};
use crate::warehouse::{TableName, Warehouse, WarehouseSettings};

/// The one data path of this process.
static FOLDER: LazyLock<tempfile::TempDir> = LazyLock::new(|| tempfile::tempdir().unwrap());

/// How many schedules run side by side.
const AT_ONCE: usize = 4;

const SETTINGS: &str = "ENGINE = MergeTree ORDER BY id SETTINGS non_replicated_deduplication_window = 10000";

struct EngineWorld {
    warehouse: Warehouse,
    table: TableName,
    target: Mutex<Target>,
}

#[derive(Row, Deserialize)]
struct IdRow {
    id: u64,
}

impl EngineWorld {
    async fn new(warehouse: &Warehouse, seed: u64, has_provenance: bool) -> Self {
        let table = TableName::new("model", format!("of_{seed}")).unwrap();
        let provenance = ", _shard LowCardinality(String), _sequence String, _subsequence UInt64";
        let provenance = if has_provenance { provenance } else { "" };
        let columns = format!("id UInt64, v UInt8, CONSTRAINT taken CHECK id < {REFUSED_FROM}{provenance}");
        for statement in [
            "CREATE DATABASE IF NOT EXISTS model".to_owned(),
            format!("DROP TABLE IF EXISTS {table} SYNC"),
            format!("DROP TABLE IF EXISTS quarantine.of_{seed} SYNC"),
            format!("CREATE TABLE {table} ({columns}) {SETTINGS}"),
        ] {
            // The quarantine's database may not be there yet.
            let result = warehouse.execute(&statement).await;
            assert!(result.is_ok() || statement.contains("quarantine"), "{result:?}");
        }
        let uuid = warehouse.describe_table(&table).await.unwrap().unwrap().uuid;
        let target = Target::describe(warehouse, &table, uuid).await.unwrap();
        Self { warehouse: warehouse.clone(), table, target: Mutex::new(target) }
    }

    async fn ids(&self, question: &str) -> Vec<u64> {
        let rows: Vec<IdRow> =
            self.warehouse.client().query_raw(question).fetch_all().await.unwrap_or_default();
        rows.into_iter().map(|row| row.id).collect()
    }
}

impl World for EngineWorld {
    fn sink(&self) -> Arc<dyn Sink> {
        Arc::new(WarehouseSink::new(self.warehouse.clone()))
    }

    fn describe(&self) -> BoxFuture<'_, Target> {
        let target = self.target.lock().unwrap().clone();
        std::future::ready(target).boxed()
    }

    /// Columns that no event has a value for, with a default: one that a null asks for, one that is filled in.
    fn change(&self, _: usize) -> BoxFuture<'_, ()> {
        async {
            let uuid = self.target.lock().unwrap().uuid;
            let add = format!(
                "ALTER TABLE {} ADD COLUMN IF NOT EXISTS extra UInt8 DEFAULT 7, \
                 ADD COLUMN IF NOT EXISTS list Array(UInt8) DEFAULT [7]",
                self.table
            );
            self.warehouse.execute(&add).await.unwrap();
            let target = Target::describe(&self.warehouse, &self.table, uuid).await.unwrap();
            *self.target.lock().unwrap() = target;
        }
        .boxed()
    }
}

async fn run(warehouse: &Warehouse, seed: u64, left_out: LeftOut) -> Result<(), String> {
    let mut chance = Chance::new(seed);
    let has_provenance = chance.percent(50);
    let refused = if chance.percent(30) { 10 } else { 0 };
    // A change makes a range uncertain that is refused, and does not tell where its rows come from.
    let changes = usize::from(has_provenance || refused == 0);
    let mix = Mix { bad: [0, 20, 100][chance.below(3)], refused, schemas: false };
    let stream = Arc::new(Stream::produce(&mut chance, mix, 10));
    let world = EngineWorld::new(warehouse, seed, has_provenance).await;
    let schedule = Schedule {
        world: &world,
        stream: Arc::clone(&stream),
        ledger: Arc::new(MemoryLedger::default()),
        left_out,
        faults: [0, 5, 20][chance.below(3)],
        chance: Arc::new(Mutex::new(chance)),
        changes,
        outages: 0,
        late: LateInserts::default(),
        late_inserts: refused == 0,
        clock: Arc::default(),
        mismatched: false,
    };
    let end = schedule.run().await;
    let rows = world.ids(&format!("SELECT id FROM {}", world.table)).await;
    let quarantine = quarantine::table_of(&world.table).unwrap();
    let raw = format!("SELECT toUInt64OrZero(extract(raw_data, '\"id\":([0-9]+)')) AS id FROM {quarantine}");
    let quarantined = world.ids(&raw).await;
    for table in [&world.table, &quarantine] {
        warehouse.execute(&format!("DROP TABLE IF EXISTS {table} SYNC")).await.unwrap();
    }
    match differences(&stream.produced, &rows, &quarantined) {
        _ if end != End::Acknowledged => Err(format!("{end:?}")),
        Some(differences) => Err(differences),
        None => Ok(()),
    }
}

fn warehouse() -> Warehouse {
    let settings =
        WarehouseSettings { data_path: Some(FOLDER.path().to_owned()), ..WarehouseSettings::default() };
    Warehouse::connect(&settings).unwrap()
}

#[tokio::test]
async fn every_event_is_there_once_on_the_engine() {
    let warehouse = &warehouse();
    let schedules = seeds(schedules("HELIOS_ENGINE_SCHEDULES", 200))
        .map(|seed| async move { (seed, run(warehouse, seed, LeftOut::Nothing).await) });
    let mut schedules = stream::iter(schedules).buffer_unordered(AT_ONCE);
    while let Some((seed, result)) = schedules.next().await {
        assert_eq!(result, Ok(()), "{SEED}={seed}");
    }
}

#[tokio::test]
async fn the_engine_doubles_what_has_no_token() {
    let warehouse = &warehouse();
    let schedules = (1000..1030).map(|seed| run(warehouse, seed, LeftOut::Token));
    let schedules = stream::iter(schedules).buffer_unordered(AT_ONCE);
    let wrong = schedules.filter(|result| std::future::ready(result.is_err())).count().await;
    assert!(wrong >= 5, "only {wrong} of 30 schedules go wrong");
}
