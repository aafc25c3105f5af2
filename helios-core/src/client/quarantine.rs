//! Operations on rejects, and on ranges that nobody can finish.

use std::collections::HashMap;

use super::HeliosClient;
use crate::{
    Error, ErrorKind, Result,
    delivery::{
        Policy, RangeSettled, SettleRange, Target,
        ledger::LedgerKey,
        ownership,
        quarantine::{
            Discarded, Quarantine, QuarantineSummary, RejectSelection, ReplayRejects, ReplayReport,
            Retention, ShowRejects, ShownRejects,
        },
    },
    sources::{Mapping, the_one},
    warehouse::TableName,
};

impl HeliosClient {
    /// What of a table's events is in quarantine, by reason and place.
    ///
    /// ```no_run
    /// # async fn example(client: helios_core::HeliosClient) -> helios_core::Result<()> {
    /// use helios_core::delivery::quarantine::RejectSelection;
    ///
    /// let rejects = client.quarantine(&RejectSelection::new("clicks")).await?;
    /// for group in rejects.groups {
    ///     println!("{} × {} at {:?}, such as {}", group.events, group.error_type, group.path, group.example.raw_data);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](ErrorKind::InvalidInput) for an unknown reason, [`NotFound`](ErrorKind::NotFound) if there is no
    /// such table and nothing of it in quarantine.
    #[tracing::instrument(skip_all, fields(table = selection.table_name))]
    pub async fn quarantine(&self, selection: &RejectSelection) -> Result<QuarantineSummary> {
        let summary = async {
            ownership::refuse_foreign(&self.0.warehouse, &table_of(selection)?).await?;
            Quarantine::new(self.0.warehouse.clone()).summary(selection).await
        };
        summary.await.map_err(|error| error.at("quarantine"))
    }

    /// Shows rejects with their bytes, the newest first.
    ///
    /// # Errors
    ///
    /// As [`quarantine`](Self::quarantine), and [`InvalidInput`](ErrorKind::InvalidInput) for a limit that is too large.
    #[tracing::instrument(skip_all, fields(table = show.selection.table_name))]
    pub async fn quarantine_show(&self, show: &ShowRejects) -> Result<ShownRejects> {
        let shown = async {
            ownership::refuse_foreign(&self.0.warehouse, &table_of(&show.selection)?).await?;
            Quarantine::new(self.0.warehouse.clone()).show(show).await
        };
        shown.await.map_err(|error| error.at("quarantine_show"))
    }

    /// Replays rejects: those that fit the table as it is now become rows, once, and leave the quarantine. With
    /// [`dry_run`](ReplayRejects::dry_run) it only says how many these are.
    ///
    /// Repeating it does nothing more; one that was interrupted is finished by the next. Rejects whose shard has not delivered
    /// their range yet stay, and the message counts them.
    ///
    /// # Errors
    ///
    /// [`NotFound`](ErrorKind::NotFound) for the table, [`Conflict`](ErrorKind::Conflict) with `state: UNCERTAIN` if it
    /// cannot be known what became of an interrupted replay; what ClickHouse and the ledger say.
    #[tracing::instrument(skip_all, fields(table = replay.selection.table_name, dry_run = replay.dry_run))]
    pub async fn quarantine_replay(&self, replay: &ReplayRejects) -> Result<ReplayReport> {
        let run = async {
            ownership::require_own(&self.0.warehouse, &table_of(&replay.selection)?).await?;
            let target =
                self.target_of(&replay.selection).await?.ok_or_else(|| no_table(&replay.selection))?;
            let mappings = self.mappings_of(&target).await?;
            let policies: HashMap<String, Policy> =
                mappings.into_iter().map(|mapping| (mapping.stream_arn, mapping.policy)).collect();
            self.deliverer().await?.replay(&target, &policies, replay).await
        };
        run.await.map_err(|error| error.at("quarantine_replay"))
    }

    /// Throws rejects away: they are lost. What comes into quarantine meanwhile stays.
    ///
    /// # Errors
    ///
    /// As [`quarantine_replay`](Self::quarantine_replay).
    #[tracing::instrument(skip_all, fields(table = selection.table_name))]
    pub async fn quarantine_discard(&self, selection: &RejectSelection) -> Result<Discarded> {
        let discard = async {
            ownership::require_own(&self.0.warehouse, &table_of(selection)?).await?;
            match self.target_of(selection).await? {
                Some(target) => self.deliverer().await?.discard(&target, selection).await,
                None => Quarantine::new(self.0.warehouse.clone()).discard_orphans(selection).await,
            }
        };
        discard.await.map_err(|error| error.at("quarantine_discard"))
    }

    /// Sets for how long the rejects of a table are kept. At first: for ever.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](ErrorKind::InvalidInput) for a number of days out of range, [`NotFound`](ErrorKind::NotFound)
    /// for the table.
    #[tracing::instrument(skip_all, fields(table = retention.table_name))]
    pub async fn quarantine_retention(&self, retention: &Retention) -> Result<Retention> {
        let retained = async {
            let table = TableName::new(&retention.database_name, &retention.table_name)?;
            ownership::require_own_quarantine(&self.0.warehouse, &table).await?;
            Quarantine::new(self.0.warehouse.clone()).retain(retention).await
        };
        retained.await.map_err(|error| error.at("quarantine_retention"))
    }

    /// Settles an open range that is `UNCERTAIN` or failing: somebody has looked into the table, and says what became
    /// of it.
    ///
    /// # Errors
    ///
    /// [`Conflict`](ErrorKind::Conflict) if no range of the shard needs it, or several streams feed the table and none
    /// is named, [`NotFound`](ErrorKind::NotFound) for the table or its source.
    #[tracing::instrument(skip_all, fields(table = settle.table_name, shard = settle.shard))]
    pub async fn settle_range(&self, settle: &SettleRange) -> Result<RangeSettled> {
        let run = async {
            let selection = RejectSelection::new(&settle.table_name).database(&settle.database_name);
            ownership::refuse_foreign(&self.0.warehouse, &table_of(&selection)?).await?;
            let target = self.target_of(&selection).await?.ok_or_else(|| no_table(&selection))?;
            let replays = LedgerKey::of_quarantine(target.uuid);
            let key = if settle.shard == replays.shard {
                replays
            } else {
                let mappings = self.mappings_of(&target).await?;
                let mapping = the_one(mappings, &target.table, settle.stream_name.as_deref())?;
                LedgerKey { stream_arn: mapping.stream_arn, shard: settle.shard.clone(), table: target.uuid }
            };
            ownership::require_own(&self.0.warehouse, &target.table).await?;
            self.deliverer().await?.settle(&key, &target, settle.outcome).await
        };
        run.await.map_err(|error| error.at("settle_range"))
    }

    /// The table as it is; `None` if there is no such table.
    async fn target_of(&self, selection: &RejectSelection) -> Result<Option<Target>> {
        let table = table_of(selection)?;
        match self.0.warehouse.describe_table(&table).await? {
            Some(found) => Target::describe(&self.0.warehouse, &table, found.uuid).await.map(Some),
            None => Ok(None),
        }
    }

    /// The sources that feed a table.
    async fn mappings_of(&self, target: &Target) -> Result<Vec<Mapping>> {
        let mut mappings = self.mappings().await?.all().await?;
        mappings.retain(|mapping| mapping.table_uuid == target.uuid);
        Ok(mappings)
    }
}

fn table_of(selection: &RejectSelection) -> Result<TableName> {
    TableName::new(&selection.database_name, &selection.table_name)
}

fn no_table(selection: &RejectSelection) -> Error {
    let table = format!("{}.{}", selection.database_name, selection.table_name);
    Error::new(ErrorKind::NotFound, "there is no such table").with("table", table)
}
