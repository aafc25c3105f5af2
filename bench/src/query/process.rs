//! What it costs to have the engine in a process of its own.

use bytes::Bytes;
use helios_core::{QueryOptions, warehouse::Warehouse};
use helios_tests::Result;

use super::service::{TABLE, fill};
use crate::{
    delivery::{
        insert::{rate, time},
        side::Engine,
    },
    events::{Kind, batches},
    measure::{ROUNDS, median, timed_async},
    results::Row,
};

/// A statement takes a millisecond: many of them tell more.
const ASKED: usize = 300;
const ROWS: u64 = 100_000;
const ALL: &str = "SELECT * FROM bench.readings";
const EVENTS: usize = 200_000;
const SIZE: usize = 10_000;

/// Questions, rows and deliveries, beside the same engine in this process.
pub(crate) async fn rows() -> Result<Vec<Row>> {
    let engines = [Engine::open_process().await?, Engine::open().await?];
    for engine in &engines {
        for statement in [TABLE, &fill(ROWS)] {
            engine.warehouse().execute(statement).await?;
        }
    }
    let events: Vec<Bytes> = (0..EVENTS).map(|id| Kind::Flat.event(id).into()).collect();
    let batches = batches(&events, SIZE, "shardId-0");
    let [mut asked, mut read, mut delivered] = [const { [const { Vec::new() }; 2] }; 3];
    for round in 0..=ROUNDS {
        for (side, engine) in engines.iter().enumerate() {
            let (done, asking) = timed_async(ask(engine.warehouse())).await;
            done?;
            let (done, reading) = timed_async(all_rows(engine.warehouse())).await;
            done?;
            let table = engine.table(Kind::Flat).await?;
            let delivering = time(table.deliver(&batches)).await?;
            table.check(EVENTS).await?;
            // The first round warms both.
            if round > 0 {
                for (times, took) in
                    [(&mut asked, asking), (&mut read, reading), (&mut delivered, delivering)]
                {
                    if let Some(times) = times.get_mut(side) {
                        times.push(took);
                    }
                }
            }
        }
    }
    let ratio = |[ours, peer]: &[Vec<_>; 2]| median(ours) / median(peer);
    let milliseconds = |times: &[_], pieces: usize| {
        #[expect(clippy::cast_precision_loss, reason = "a small count")]
        let pieces = pieces as f64;
        format!("{:.2} ms", median(times) * 1e3 / pieces)
    };
    let told = |[ours, peer]: &[Vec<_>; 2], pieces| (milliseconds(ours, pieces), milliseconds(peer, pieces));
    let [ours, peer] = &delivered;
    Ok(vec![
        Row::within(
            "engine's process: SELECT 1, beside in process",
            told(&asked, ASKED),
            ratio(&asked),
            1.15,
        ),
        Row::within(
            "engine's process: 100 k rows × 5 as JSON, beside in process",
            told(&read, 1),
            ratio(&read),
            1.05,
        ),
        Row::within(
            "engine's process: deliver flat events, 10000 a batch, beside in process",
            (rate(EVENTS, ours), rate(EVENTS, peer)),
            ratio(&delivered),
            1.05,
        ),
    ])
}

async fn ask(warehouse: &Warehouse) -> Result<()> {
    for _ in 0..ASKED {
        warehouse.query("SELECT 1", &QueryOptions::default()).await?;
    }
    Ok(())
}

async fn all_rows(warehouse: &Warehouse) -> Result<()> {
    let rows = warehouse.query(ALL, &QueryOptions::default()).await?.data.len();
    if u64::try_from(rows)? == ROWS { Ok(()) } else { Err(format!("{rows} of {ROWS} rows came").into()) }
}
