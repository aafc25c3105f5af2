//! How much memory a delivery takes.

use bytes::Bytes;
use helios_tests::Result;

use super::side::Engine;
use crate::{
    events::{Kind, batches},
    heap::peak_during,
    results::Row,
};

/// How many events a batch has.
const SIZE: usize = 100_000;

/// Rust's own memory beside a batch's bytes, and whether it grows with the number of batches.
#[expect(clippy::cast_precision_loss, reason = "counts of bytes")]
pub(crate) async fn rows() -> Result<Vec<Row>> {
    let engine = Engine::open().await?;
    let events: Vec<Bytes> = (0..SIZE).map(|id| Kind::Flat.event(id).into()).collect();
    let batch_bytes: usize = events.iter().map(Bytes::len).sum();
    let many: Vec<Bytes> = (0..20).flat_map(|_| events.iter().cloned()).collect();
    let many = batches(&many, SIZE, "shardId-0");
    let table = engine.table(Kind::Flat).await?;
    let (first, rest) = many.split_at(2);
    let (done, few) = peak_during(table.deliver(first)).await;
    done?;
    let (done, more) = peak_during(table.deliver(rest)).await;
    done?;
    table.check(SIZE * many.len()).await?;
    Ok(vec![
        Row::at_most(
            &format!("memory of a delivery of {SIZE} flat events beside their bytes"),
            more as f64 / batch_bytes as f64,
            "×",
            6.0,
        ),
        Row::at_most("memory of 18 batches beside that of 2", more as f64 / few as f64, "×", 1.1),
    ])
}
