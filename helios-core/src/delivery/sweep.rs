//! Deletes rows of replaced batches that have arrived late.

use jiff::Timestamp;
use uuid::Uuid;

use super::{
    ledger::{Entry, LedgerKey, SharedLedger, Written},
    sink::{Sink, take_back},
};
use crate::{Error, Result};

/// Which of an entry's replaced batches are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sweep {
    /// Those of which no more rows can arrive: the worker that replaced the others has deleted what was there.
    Due,
    /// All: the worker that replaced them may have been killed before it deleted their rows.
    All,
}

/// What a sweep has done.
#[derive(Debug)]
pub(super) struct Swept {
    /// Whether it changed the entry.
    pub(super) is_changed: bool,
    /// Why rows of a replaced batch are still there: while merges are stopped, ClickHouse deletes nothing.
    pub(super) left: Option<Error>,
}

/// Deletes rows of the entry's replaced batches, and forgets those of which no more can arrive.
pub(super) async fn sweep(
    sink: &dyn Sink,
    entry: &mut Entry,
    (which, now): (Sweep, Timestamp),
) -> Result<Swept> {
    let before = entry.superseded.len();
    let mut left = Vec::with_capacity(before);
    let mut why = None;
    for batch in entry.superseded.iter().copied() {
        let is_due = batch.until <= now;
        let deleted =
            if is_due || which == Sweep::All { take_back(sink, &[batch.batch]).await } else { Ok(0) };
        if let Ok(rows) = &deleted {
            entry.counters.taken_back += rows;
        }
        match deleted {
            Ok(_) if is_due => {}
            Ok(_) => left.push(batch),
            Err(error) if error.is_retryable() => {
                tracing::warn!(batch = %batch.batch, %error, "Rows of a replaced batch are not deleted yet.");
                left.push(batch);
                why = Some(error);
            }
            Err(error) => return Err(error),
        }
    }
    entry.superseded = left;
    Ok(Swept { is_changed: entry.superseded.len() < before, left: why })
}

/// Does the same for a shard that currently gets no batches. A worker that writes the entry meanwhile sweeps it, too.
pub(super) async fn sweep_idle(
    (sink, ledger): (&dyn Sink, &SharedLedger),
    key: &LedgerKey,
    mut entry: Entry,
    now: Timestamp,
) -> Result<bool> {
    let Swept { is_changed, .. } = sweep(sink, &mut entry, (Sweep::Due, now)).await?;
    let is_clean = entry.superseded.iter().all(|batch| batch.until > now);
    if !is_changed {
        return Ok(is_clean);
    }
    let version = entry.version + 1;
    match ledger.write(key, &Entry { version, writer: Uuid::new_v4(), ..entry }).await? {
        Written::Done => {}
        Written::Conflict(_) => tracing::debug!(shard = key.shard, "Another worker changed the ledger."),
    }
    Ok(is_clean)
}
