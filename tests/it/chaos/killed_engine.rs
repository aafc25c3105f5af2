//! The engine, killed.

use std::time::Duration;

use helios_core::{
    CreateTable, HeliosClient,
    clock::{Clock as _, SystemClock},
    sources::Delivery,
    streams::Position,
    warehouse::TableName,
};
use helios_tests::{KinesisDouble, Random};
use tokio::time::timeout;
use uuid::Uuid;

use super::{
    ROUND, chance,
    consumer_process::ConsumerProcess,
    engine_process::{EngineProcess, PartFault},
    put::Put,
    rounds,
};
use crate::{
    consumer_source::STREAM,
    shop::{account, columns},
};

const DATABASE: &str = "shop";
/// What happens to the engine in one round.
#[derive(Clone, Copy, Debug)]
struct Blow {
    /// Which insert meets it; `None` kills the engine at any moment.
    fault: Option<(PartFault, Inserted)>,
    /// Whether the consumer is killed with it.
    kills_consumer: bool,
}

#[derive(Clone, Copy, Debug)]
enum Inserted {
    Rows,
    Rejects,
}

/// Those that matter most, before chance decides.
const FIRST: [Blow; 4] = [
    Blow { fault: Some((PartFault::KilledBefore, Inserted::Rows)), kills_consumer: false },
    Blow { fault: Some((PartFault::KilledBefore, Inserted::Rejects)), kills_consumer: true },
    Blow { fault: Some((PartFault::DiskFull, Inserted::Rows)), kills_consumer: false },
    Blow { fault: None, kills_consumer: false },
];

impl Blow {
    fn of_round(round: u64, chance: &mut Random) -> Self {
        if let Some(first) = usize::try_from(round).ok().and_then(|round| FIRST.get(round)) {
            return *first;
        }
        let faults = [PartFault::KilledBefore, PartFault::KilledAfter, PartFault::DiskFull];
        let fault = faults.get(usize::try_from(chance.below(4)).unwrap()).copied();
        let inserted = if chance.below(3) == 0 { Inserted::Rejects } else { Inserted::Rows };
        Self { fault: fault.map(|fault| (fault, inserted)), kills_consumer: chance.below(2) == 0 }
    }
}

/// A stream, an engine that can be killed, and a table in it.
struct Scene {
    double: KinesisDouble,
    engine: EngineProcess,
    client: HeliosClient,
    /// The table of the rows, and that of the rejects.
    tables: [Uuid; 2],
    put: Put,
}

impl Scene {
    async fn set() -> Self {
        let double = KinesisDouble::start(&account().await, STREAM, 2).await.unwrap();
        let engine = EngineProcess::start().await;
        let client = engine.client(&double);
        let spec = CreateTable::new(STREAM, "events", columns(&[("id", "UInt64")]))
            .database(DATABASE)
            .create_database()
            .delivery(Delivery::Consumer)
            .start_position(Position::Oldest);
        let created = client.create_table(&spec).await.unwrap();
        client.warehouse().execute(&Put::constraint("shop.events")).await.unwrap();
        let quarantine = TableName::new("quarantine", "events").unwrap();
        let quarantine = client.warehouse().describe_table(&quarantine).await.unwrap().unwrap();
        let tables = [created.table_uuid, quarantine.uuid];
        Self { double, engine, client, tables, put: Put::default() }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_is_killed_loses_and_doubles_nothing() {
    let (mut chance, mut scene) = (chance(), Scene::set().await);
    let mut consumer = ConsumerProcess::start(&scene.engine.environment(&scene.double));
    for round in 0..rounds(4) {
        let Blow { fault, kills_consumer } = Blow::of_round(round, &mut chance);
        let fault = fault.map(|(fault, inserted)| (fault, scene.tables[inserted as usize]));
        if let Some((fault, table)) = fault {
            scene.engine.arm(fault, table);
        }
        scene.put.more(&scene.double, 20 + chance.below(200));
        if let Some((fault, table)) = fault {
            scene.engine.struck(fault, table).await;
            let is_known_without_rows = !scene.engine.last_part_is_in_place(table);
            assert!(
                is_known_without_rows || fault != PartFault::KilledBefore,
                "the rows were not to be there"
            );
        } else {
            SystemClock.sleep(Duration::from_millis(chance.below(1500))).await;
            scene.engine.kill();
        }
        if kills_consumer {
            drop(consumer);
            scene.engine.restart().await;
            consumer = ConsumerProcess::start(&scene.engine.environment(&scene.double));
        } else if !scene.engine.is_up() {
            scene.engine.restart().await;
        }
        timeout(ROUND, scene.put.arrived(&scene.client, DATABASE)).await.unwrap();
        println!("round {round}: {fault:?}, consumer killed: {kills_consumer}, {} events", scene.put.count());
    }
    drop(consumer);
    timeout(ROUND, scene.client.consume(STREAM).until_caught_up()).await.unwrap().unwrap();
    scene.put.check(&scene.client, DATABASE).await;
}

/// A range is in the table when the table is changed, so its rows are deleted and inserted again. Meanwhile the engine is killed.
#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_is_killed_while_it_deletes_rows_loses_and_doubles_nothing() {
    let (mut chance, mut scene) = (chance(), Scene::set().await);
    let rows = scene.tables[Inserted::Rows as usize];
    for round in 0..rounds(2) {
        let fault = if round % 2 == 0 { PartFault::KilledDeleting } else { PartFault::KilledDeleted };
        let consumer = ConsumerProcess::start(&scene.engine.environment(&scene.double));
        scene.engine.arm(PartFault::KilledAfter, rows);
        scene.put.more(&scene.double, 20 + chance.below(200));
        scene.engine.struck(PartFault::KilledAfter, rows).await;
        drop(consumer);
        scene.engine.restart().await;
        let change = format!("ALTER TABLE shop.events ADD COLUMN later_{round} Nullable(UInt8)");
        scene.client.warehouse().execute(&change).await.unwrap();
        scene.engine.arm(fault, rows);
        let consumer = ConsumerProcess::start(&scene.engine.environment(&scene.double));
        scene.engine.struck(fault, rows).await;
        if chance.below(2) == 0 {
            drop(consumer);
            scene.engine.restart().await;
            timeout(ROUND, scene.client.consume(STREAM).until_caught_up()).await.unwrap().unwrap();
        } else {
            scene.engine.restart().await;
            timeout(ROUND, scene.put.arrived(&scene.client, DATABASE)).await.unwrap();
        }
        println!("round {round}: {fault:?}, {} events", scene.put.count());
    }
    timeout(ROUND, scene.client.consume(STREAM).until_caught_up()).await.unwrap().unwrap();
    scene.put.check(&scene.client, DATABASE).await;
}
