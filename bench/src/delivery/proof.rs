//! What proof costs: the column that names a row's batch, and the look at the table after each insert.

use bytes::Bytes;
use helios_tests::Result;

use super::{
    insert::{rate, time},
    side::Engine,
};
use crate::{
    events::{Kind, batches},
    measure::{ROUNDS, median},
    results::Row,
};

/// How many events, and how many a batch.
const EVENTS: usize = 500_000;
const SIZE: usize = 10_000;

/// Delivery into a table whose batches are counted, beside one into a table without the column; and what the column takes on disk.
pub(crate) async fn rows() -> Result<Vec<Row>> {
    let engine = Engine::open().await?;
    let mut rows = Vec::new();
    for kind in [Kind::Flat, Kind::Nested] {
        let events: Vec<Bytes> = (0..EVENTS).map(|id| kind.event(id).into()).collect();
        let batches = batches(&events, SIZE, "shardId-0");
        let (mut counted, mut plain) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let table = engine.table(kind).await?;
            counted.push(time(table.deliver(&batches)).await?);
            table.check(EVENTS).await?;
            let table = engine.plain_table(kind).await?;
            plain.push(time(table.deliver(&batches)).await?);
            table.check(EVENTS).await?;
        }
        let name = format!(
            "proof: deliver {} events, {SIZE} a batch, beside a table without the column",
            kind.name()
        );
        let told = (rate(EVENTS, &counted), rate(EVENTS, &plain));
        rows.push(Row::within(&name, told, median(&counted) / median(&plain), 1.03));
    }
    let events: Vec<Bytes> = (0..EVENTS).map(|id| Kind::Flat.event(id).into()).collect();
    let batches = batches(&events, SIZE, "shardId-0");
    for (order, table) in [
        ("order of arrival", engine.table(Kind::Flat).await?),
        ("shuffled", engine.shuffled_table(Kind::Flat).await?),
    ] {
        table.deliver(&batches).await?;
        let bytes = table.batch_bytes_per_row().await?;
        table.check(EVENTS).await?;
        rows.push(Row::alone_told(&format!("proof: bytes of the column a row on disk, {order}"), bytes, "B"));
    }
    Ok(rows)
}
