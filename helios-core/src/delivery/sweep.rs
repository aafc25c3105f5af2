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
    /// Why rows of a replaced batch may still be there: while merges are stopped, ClickHouse deletes nothing, and in a detached
    /// table it finds none.
    pub(super) left: Option<Error>,
}

/// Deletes rows of the entry's replaced batches, and forgets those of which no more can arrive.
///
/// While nobody sees the table that they were meant for, none is forgotten: it may be detached, with their rows.
pub(super) async fn sweep(
    sink: &dyn Sink,
    own: Uuid,
    entry: &mut Entry,
    (which, now): (Sweep, Timestamp),
) -> Result<Swept> {
    let before = entry.superseded.len();
    let mut left = Vec::with_capacity(before);
    let mut why = None;
    for batch in entry.superseded.iter().copied() {
        let is_due = batch.until <= now;
        let deleted =
            if is_due || which == Sweep::All { take_back(sink, own, &[batch.batch]).await } else { Ok(0) };
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
///
/// Returns why a batch that was to be forgotten is not.
pub(super) async fn sweep_idle(
    (sink, ledger): (&dyn Sink, &SharedLedger),
    key: &LedgerKey,
    mut entry: Entry,
    now: Timestamp,
) -> Result<Option<Error>> {
    let Swept { is_changed, left } = sweep(sink, key.table, &mut entry, (Sweep::Due, now)).await?;
    if !is_changed {
        return Ok(left);
    }
    let version = entry.version + 1;
    match ledger.write(key, &Entry { version, writer: Uuid::new_v4(), ..entry }).await? {
        Written::Done => {}
        Written::Conflict(_) => tracing::debug!(shard = key.shard, "Another worker changed the ledger."),
    }
    Ok(left)
}
