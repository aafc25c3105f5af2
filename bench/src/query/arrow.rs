//! The Arrow path beside the engine's own Arrow bytes, which are read and thrown away.

use std::time::Duration;

use futures_util::TryStreamExt as _;
use helios_core::{
    QueryOptions,
    warehouse::{Warehouse, WarehouseSettings},
};
use helios_tests::Result;

use super::service::{TABLE, fill};
use crate::{
    measure::{ROUNDS, median, timed_async},
    results::Row,
};

const ROWS: u64 = 5_000_000;
const SQL: &str = "SELECT * FROM bench.readings";

pub(crate) async fn rows() -> Result<Vec<Row>> {
    let folder = tempfile::tempdir()?;
    let mut settings = WarehouseSettings::default();
    settings.data_path = Some(folder.path().to_owned());
    let warehouse = Warehouse::connect(&settings)?;
    for statement in ["CREATE DATABASE bench", TABLE, &fill(ROWS)] {
        warehouse.execute(statement).await?;
    }
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let (our, their) = (timed_async(batches(&warehouse)).await, timed_async(bytes(&warehouse)).await);
        our.0?;
        their.0?;
        if round > 0 {
            ours.push(our.1);
            theirs.push(their.1);
        }
    }
    let told = (rate(&ours), rate(&theirs));
    let ratio = median(&ours) / median(&theirs);
    Ok(vec![Row::within(
        "query_arrow, 5 M rows × 5, beside the engine's ArrowStream bytes",
        told,
        ratio,
        1.1,
    )])
}

async fn batches(warehouse: &Warehouse) -> Result<()> {
    let mut stream = warehouse.query_arrow(SQL, &QueryOptions::default()).await?;
    let mut rows = 0;
    while let Some(batch) = stream.try_next().await? {
        rows += batch.num_rows();
    }
    if u64::try_from(rows)? == ROWS { Ok(()) } else { Err(format!("{rows} of {ROWS} rows came").into()) }
}

async fn bytes(warehouse: &Warehouse) -> Result<()> {
    let mut cursor = warehouse
        .client()
        .query_raw(SQL)
        .with_setting("output_format_arrow_compression_method", "none")
        .fetch_bytes("ArrowStream")?;
    let mut bytes = 0;
    while let Some(chunk) = cursor.next().await? {
        bytes += chunk.len();
    }
    // Five columns have more than 20 bytes a row.
    if u64::try_from(bytes)? > 20 * ROWS { Ok(()) } else { Err(format!("only {bytes} bytes came").into()) }
}

#[expect(clippy::cast_precision_loss, reason = "a count of rows")]
fn rate(times: &[Duration]) -> String {
    format!("{:.1} M rows/s", ROWS as f64 / median(times) / 1e6)
}
