//! Deletes rows of replaced batches that have arrived late.

use jiff::Timestamp;
use uuid::Uuid;

use super::{
    ledger::{Entry, LedgerKey, SharedLedger, Superseded, Written},
    sink::{Sink, take_back},
};
use crate::Result;

/// Deletes rows of the entry's replaced batches once no more can arrive. Returns whether it changed the entry.
pub(super) async fn sweep(sink: &dyn Sink, entry: &mut Entry, now: Timestamp) -> Result<bool> {
    let (over, left): (Vec<Superseded>, Vec<Superseded>) =
        entry.superseded.iter().copied().partition(|batch| batch.until <= now);
    for Superseded { batch, .. } in &over {
        take_back(sink, *batch).await?;
    }
    entry.superseded = left;
    Ok(!over.is_empty())
}

/// Does the same for a shard that currently gets no batches. A worker that writes the entry meanwhile sweeps it, too.
pub(super) async fn sweep_idle(
    (sink, ledger): (&dyn Sink, &SharedLedger),
    key: &LedgerKey,
    mut entry: Entry,
    now: Timestamp,
) -> Result<()> {
    if !sweep(sink, &mut entry, now).await? {
        return Ok(());
    }
    let version = entry.version + 1;
    match ledger.write(key, &Entry { version, writer: Uuid::new_v4(), ..entry }).await? {
        Written::Done => {}
        Written::Conflict(_) => tracing::debug!(shard = key.shard, "Another worker changed the ledger."),
    }
    Ok(())
}
