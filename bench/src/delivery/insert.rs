//! Records into committed rows, beside the engine's own insert of the same bytes.

use std::time::Duration;

use bytes::Bytes;
use helios_core::delivery::Batch;
use helios_tests::Result;

use super::side::{Engine, Table, bodies};
use crate::{
    events::{Kind, batches},
    measure::{ROUNDS, median, timed_async},
    results::Row,
};

/// How many events of each kind.
const fn events_of(kind: Kind) -> usize {
    match kind {
        Kind::Flat => 1_000_000,
        Kind::Nested => 200_000,
    }
}

/// Rows at a time, and how many times as fast as the engine's parser we should be.
const SIZES: [(usize, f64); 2] = [(10_000, 1.2), (100_000, 1.3)];

/// On one core: beside the engine's own, and with bad events beside none.
pub(crate) async fn rows() -> Result<Vec<Row>> {
    let engine = Engine::open().await?;
    let mut rows = Vec::new();
    for kind in [Kind::Flat, Kind::Nested] {
        let count = events_of(kind);
        let events: Vec<Bytes> = (0..count).map(|id| kind.event(id).into()).collect();
        let broken: Vec<Bytes> = (0..count).map(|id| kind.event_or_broken(id).into()).collect();
        let good = count - broken.iter().zip(&events).filter(|(broken, event)| broken != event).count();
        for (size, target) in SIZES {
            let (ours, theirs) = (batches(&events, size, "shardId-0"), bodies(&events, size));
            let with_rejects = batches(&broken, size, "shardId-0");
            let mut times = [const { Vec::new() }; 3];
            for _ in 0..ROUNDS {
                let [our, peer, rejecting] = &mut times;
                let table = engine.table(kind).await?;
                our.push(time(table.deliver(&ours)).await?);
                table.check(count).await?;
                let table = engine.plain_table(kind).await?;
                peer.push(time(table.insert(&theirs)).await?);
                table.check(count).await?;
                let table = engine.table(kind).await?;
                rejecting.push(time(table.deliver(&with_rejects)).await?);
                table.check(good).await?;
            }
            let [our, peer, rejecting] = &times;
            let name = format!("deliver {} events, {size} a batch, one core", kind.name());
            let told = (rate(count, our), rate(count, peer));
            rows.push(Row::times(&name, told, median(peer) / median(our), target));
            let name = format!("the same with 1 % bad events, {} {size}", kind.name());
            let told = (rate(count, rejecting), rate(count, our));
            rows.push(Row::times(&name, told, median(our) / median(rejecting), 0.8));
        }
    }
    Ok(rows)
}

/// On two cores: two shards at once, so that one is decoded while the other is inserted.
pub(crate) async fn overlapped_rows() -> Result<Vec<Row>> {
    let engine = Engine::open().await?;
    let mut rows = Vec::new();
    for kind in [Kind::Flat, Kind::Nested] {
        let count = events_of(kind);
        let events: Vec<Bytes> = (0..count).map(|id| kind.event(id).into()).collect();
        let (first, second) = events.split_at(count / 2);
        for (size, _) in SIZES {
            let shards = [batches(first, size, "shardId-0"), batches(second, size, "shardId-1")];
            let theirs = bodies(&events, size);
            let (mut our, mut peer) = (Vec::new(), Vec::new());
            for _ in 0..ROUNDS {
                let table = engine.table(kind).await?;
                our.push(time(together(&table, &shards)).await?);
                table.check(count).await?;
                let table = engine.plain_table(kind).await?;
                peer.push(time(table.insert(&theirs)).await?);
                table.check(count).await?;
            }
            let name = format!("deliver {} events, {size} a batch, two cores, two shards", kind.name());
            let told = (rate(count, &our), rate(count, &peer));
            rows.push(Row::times(&name, told, median(&peer) / median(&our), 2.0));
        }
    }
    Ok(rows)
}

/// Delivers each shard in a task of its own.
async fn together(table: &Table<'_>, shards: &[Vec<Batch>; 2]) -> Result<()> {
    let deliver = |shard: &Vec<Batch>| {
        let ((deliverer, target), shard) = (table.delivery(), shard.clone());
        tokio::spawn(async move {
            for batch in &shard {
                deliverer.deliver(&target, batch, None).await?;
            }
            Ok::<(), helios_core::Error>(())
        })
    };
    let [first, second] = shards.each_ref().map(deliver);
    first.await??;
    second.await??;
    Ok(())
}

pub(crate) async fn time(work: impl Future<Output = Result<()>>) -> Result<Duration> {
    let (done, time) = timed_async(work).await;
    done.map(|()| time)
}

#[expect(clippy::cast_precision_loss, reason = "a count of events")]
pub(crate) fn rate(events: usize, times: &[Duration]) -> String {
    format!("{:.0} k rows/s", events as f64 / median(times) / 1e3)
}
