//! Rejects that nobody wants.

use clickhouse::query::Query;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Quarantine, RejectSelection, table_of};
use crate::{
    Error, ErrorKind, Result,
    delivery::ledger::{Counters, Entry, LedgerKey, OpenDiscard, Rework, SharedLedger, Written},
    warehouse::{TableName, from_clickhouse},
};

/// What was thrown away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Discarded {
    /// How many events.
    pub discarded: u64,
}

impl Quarantine {
    /// Throws rejects away, once nothing else is under way. What comes into quarantine meanwhile stays.
    pub(in crate::delivery) async fn discard(
        &self,
        ledger: &SharedLedger,
        key: &LedgerKey,
        entry: Entry,
        selection: &RejectSelection,
    ) -> Result<Discarded> {
        let extent = self.extent(selection).await?;
        if extent.events == 0 {
            return Ok(Discarded::default());
        }
        let open = OpenDiscard { selection: extent.bound(selection), events: extent.events };
        let rework = Some(Rework::Discard(Box::new(open.clone())));
        let entry = Entry { version: entry.version + 1, writer: Uuid::new_v4(), rework, ..entry };
        match ledger.write(key, &entry).await? {
            Written::Done => self.finish_discard(ledger, key, entry, &open).await?,
            Written::Conflict(_) => {
                let message = "somebody else replays or discards rejects of this table; try again";
                return Err(Error::new(ErrorKind::Conflict, message).retryable(true));
            }
        }
        Ok(Discarded { discarded: extent.events })
    }

    /// Throws away rejects of a table that is no more: there is nothing that they could be replayed into.
    pub(crate) async fn discard_orphans(&self, selection: &RejectSelection) -> Result<Discarded> {
        let extent = self.extent(selection).await?;
        self.delete(&extent.bound(selection)).await?;
        Ok(Discarded { discarded: extent.events })
    }

    /// Deletes what somebody has begun to delete.
    pub(super) async fn finish_discard(
        &self,
        ledger: &SharedLedger,
        key: &LedgerKey,
        entry: Entry,
        open: &OpenDiscard,
    ) -> Result<()> {
        let OpenDiscard { selection, events } = open;
        self.delete(selection).await?;
        let counters = Counters { discarded: entry.counters.discarded + events, ..entry.counters.clone() };
        let version = entry.version + 1;
        let entry = Entry { version, writer: Uuid::new_v4(), rework: None, counters, ..entry };
        // If somebody else was faster, they have done the same.
        ledger.write(key, &entry).await.map(|_| ())
    }

    async fn delete(&self, selection: &RejectSelection) -> Result<()> {
        let quarantine = table_of(&selection.table()?)?;
        let query = self.deletion(&quarantine, &selection.condition());
        let deleted = selection.apply(query).execute().await;
        deleted.map_err(|error| from_clickhouse(error).with("table", quarantine.plain()))
    }

    /// Deletes rejects when it is run, and answers when they are gone.
    pub(super) fn deletion(&self, quarantine: &TableName, condition: &str) -> Query {
        let statement = format!("DELETE FROM {quarantine} WHERE {condition}");
        let query = self.warehouse.client().query_raw(&statement);
        DELETE.iter().fold(query, |query, (name, value)| query.with_setting(*name, *value))
    }
}

/// A statement with all identities of a chunk is longer than ClickHouse expects.
const DELETE: [(&str, &str); 3] =
    [("lightweight_deletes_sync", "2"), ("mutations_sync", "2"), ("max_query_size", "16777216")];
