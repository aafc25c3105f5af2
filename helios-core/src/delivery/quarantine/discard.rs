//! Rejects that nobody wants.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Quarantine, RejectSelection, RejectSet, Replay, extent::Extent, reject_set::HASH, table_of};
use crate::{
    Error, ErrorKind, Result,
    delivery::{
        deletion::Deletion,
        ledger::{Counters, Entry, LedgerKey, OpenDiscard, Rework, SharedLedger, Written},
    },
};

/// How many rejects are deleted at once: so many of their hashes the ledger has room for.
const MAX_EVENTS: u64 = 10_000;

/// What was thrown away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Discarded {
    /// How many events.
    pub discarded: u64,
}

impl Quarantine {
    /// Throws rejects away, once nothing else is under way. What comes into quarantine meanwhile stays, or is counted.
    pub(in crate::delivery) async fn discard(
        &self,
        (ledger, key): (&SharedLedger, &LedgerKey),
        mut pending: Replay<'_>,
        selection: &RejectSelection,
    ) -> Result<Discarded> {
        let mut entry = pending.finish_or_give_up().await?;
        let extent = self.extent(selection).await?;
        let bounded = extent.bound(selection);
        let mut discarded = 0;
        loop {
            let rejects = self.some(&bounded, &extent, discarded).await?;
            if rejects.is_empty() {
                return Ok(Discarded { discarded });
            }
            let open = OpenDiscard { selection: bounded.clone(), rejects };
            let done = async {
                self.begin_discard((ledger, key), entry, &open).await?;
                // Which deletes them, as it would after an interruption.
                pending.finish_pending().await
            };
            entry = done.await.map_err(|error| error.with("discarded", discarded.to_string()))?;
            discarded += count(&open.rejects);
        }
    }

    /// Throws away rejects of a dropped table: they cannot be replayed.
    pub(crate) async fn discard_orphans(&self, selection: &RejectSelection) -> Result<Discarded> {
        let extent = self.extent(selection).await?;
        let bounded = extent.bound(selection);
        let mut discarded = 0;
        loop {
            let rejects = self.some(&bounded, &extent, discarded).await?;
            if rejects.is_empty() {
                return Ok(Discarded { discarded });
            }
            let deleted = self.delete(&bounded, &rejects).await;
            deleted.map_err(|error| error.with("discarded", discarded.to_string()))?;
            discarded += count(&rejects);
        }
    }

    /// The next rejects to delete, after so many; never more in all than there were at first, so there is an end.
    async fn some(&self, selection: &RejectSelection, extent: &Extent, discarded: u64) -> Result<RejectSet> {
        let most = extent.events.saturating_sub(discarded).min(MAX_EVENTS);
        if most == 0 {
            return Ok(RejectSet::default());
        }
        let hashes = self.select(&format!("DISTINCT {HASH}"), selection, &format!("LIMIT {most}")).await?;
        Ok(RejectSet::new(hashes))
    }

    /// Writes down what is about to be deleted.
    async fn begin_discard(
        &self,
        (ledger, key): (&SharedLedger, &LedgerKey),
        entry: Entry,
        open: &OpenDiscard,
    ) -> Result<()> {
        let rework = Some(Rework::Discard(Box::new(open.clone())));
        let entry = Entry { version: entry.version + 1, writer: Uuid::new_v4(), rework, ..entry };
        match ledger.write(key, &entry).await? {
            Written::Done => Ok(()),
            Written::Conflict(_) => {
                let message = "somebody else replays or discards rejects of this table; try again";
                Err(Error::new(ErrorKind::Conflict, message).retryable(true))
            }
        }
    }

    /// Finishes a deletion that was begun: of these rejects, and no others.
    pub(super) async fn finish_discard(
        &self,
        ledger: &SharedLedger,
        key: &LedgerKey,
        entry: Entry,
        open: &OpenDiscard,
    ) -> Result<()> {
        let OpenDiscard { selection, rejects } = open;
        self.delete(selection, rejects).await?;
        let discarded = entry.counters.discarded + count(rejects);
        let counters = Counters { discarded, ..entry.counters.clone() };
        let version = entry.version + 1;
        let entry = Entry { version, writer: Uuid::new_v4(), rework: None, counters, ..entry };
        // If somebody else was faster, they have done the same.
        ledger.write(key, &entry).await.map(|_| ())
    }

    async fn delete(&self, selection: &RejectSelection, rejects: &RejectSet) -> Result<()> {
        if rejects.is_empty() {
            return Ok(());
        }
        let deletion = Deletion {
            table: &table_of(&selection.table()?)?,
            what: "discarded rejects",
            condition: &format!("{} AND {}", selection.condition(), rejects.condition()),
            bind: &|query| selection.apply(query),
            left: None,
            mark: &rejects.mark(),
        };
        deletion.run(&self.warehouse).await
    }
}

fn count(rejects: &RejectSet) -> u64 {
    crate::delivery::worker::count(rejects.len())
}
