//! Whether the open range may be inserted once more, and whether it is in the table already.

use super::{
    super::ledger::{Entry, OpenRange, TroubleKind},
    count,
    run::Run,
};
use crate::{Error, ErrorKind, Result};

/// What is known of an open range before its insert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Proof {
    /// It was never inserted, or ClickHouse knows its token: inserting it does what is needed.
    Known,
    /// Its token may be forgotten, and it is not in the table: inserting it is right, once.
    Absent,
    /// It is in the table.
    Committed,
    /// Another worker has moved the ledger meanwhile.
    Conflict,
}

impl Run<'_> {
    /// Finds out whether the open range may be inserted.
    ///
    /// # Errors
    ///
    /// `Conflict` if that cannot be known: the range is `UNCERTAIN`.
    pub(super) async fn prove(&mut self, open: &OpenRange) -> Result<Proof> {
        if self.fresh.as_ref() == Some(&open.token) {
            return Ok(Proof::Known);
        }
        self.look().await?;
        let now = (self.worker.clock.now(), self.target.blocks);
        if self.target.window.reaches((open.opened_at, open.blocks), now) {
            return Ok(Proof::Known);
        }
        match self.find(open).await? {
            Some(true) => Ok(Proof::Committed),
            Some(false) => {
                let open = OpenRange { opened_at: now.0, blocks: now.1, ..open.clone() };
                let is_written = self.begin(Entry { open: Some(open), ..self.entry.clone() }).await?;
                Ok(if is_written { Proof::Absent } else { Proof::Conflict })
            }
            None => Err(self.uncertain(
                "it was opened so long ago, or so many inserts ago, that its token proves nothing any more",
            )),
        }
    }

    /// Looks at the table again.
    pub(super) async fn look(&mut self) -> Result<()> {
        let (table, uuid, policy) = (self.target.table.clone(), self.target.uuid, self.target.schema.policy);
        let begins = self.target.begins;
        self.target = self.worker.sink.describe(&table, uuid).await?.with_policy(policy);
        self.target.begins = begins;
        Ok(())
    }

    /// Whether the range is in the table; `None` if its rows do not tell where they came from, or only some are there.
    pub(super) async fn find(&mut self, open: &OpenRange) -> Result<Option<bool>> {
        if open.rows == 0 {
            // Nothing of it goes into the table, and the quarantine knows where its rows came from.
            return Ok(Some(false));
        }
        if self.target.provenance.is_none() {
            return Ok(None);
        }
        let found = self.worker.sink.count_rows(&self.target.table, &self.key, open).await?;
        Ok(match found {
            0 => Some(false),
            found if found == open.rows => Some(true),
            _ => None,
        })
    }

    /// Settles an open range that neither batch nor shard have the events of.
    pub(super) async fn settle_without_events(&mut self, open: &OpenRange) -> Result<()> {
        self.look().await?;
        if open.rows > 0 && self.find(open).await? == Some(true) {
            // Its rejects were in quarantine before its rows were in the table.
            return self.close(open, open.events - open.rows.min(open.events), None).await;
        }
        if open.rows == 0 {
            let present = self.worker.sink.quarantined(&self.target.table, &self.key, open).await?;
            if count(present.len()) == open.events {
                return self.close(open, open.events, None).await;
            }
        }
        Err(self.uncertain("the stream has its records no longer"))
    }

    pub(super) fn uncertain(&mut self, why: &str) -> Error {
        let message = format!(
            "whether the open range is in the table is UNCERTAIN: {why}. Nothing is acknowledged; look into the table, \
             and close the range in the ledger"
        );
        let error = Error::new(ErrorKind::Conflict, message).with("state", "UNCERTAIN");
        self.troubled(TroubleKind::Uncertain, error)
    }
}
