//! Removing a source, and what a failed create has made.

use futures_util::FutureExt as _;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Delivery, Mapping, MappingState, Sources, mapping::Removal};
use crate::{Error, ErrorKind, Result, delivery::ownership};

/// Which source to remove: `{"source": "shop.clicks", "table": "drop"}`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct RemoveSource {
    /// Its id, or its table: `clicks`, `shop.clicks`.
    pub source: String,
    /// What becomes of the table. Default: it stays.
    #[serde(default)]
    pub table: TableFate,
}

/// What becomes of the table of a source that is removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum TableFate {
    /// It stays, with its rows.
    #[default]
    Keep,
    /// It is dropped, with its rows, if Helios has made it.
    Drop,
}

impl RemoveSource {
    /// Removes a source and keeps its table.
    pub fn new(source: impl Into<String>) -> Self {
        Self { source: source.into(), table: TableFate::Keep }
    }

    /// Drops the table, too.
    #[must_use]
    pub fn drop_table(mut self) -> Self {
        self.table = TableFate::Drop;
        self
    }
}

/// What was removed.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SourceRemoved {
    /// The source's id.
    pub id: Uuid,
    /// The stream's ARN.
    #[serde(rename = "streamARN")]
    pub stream_arn: String,
    /// The table's database.
    pub database_name: String,
    /// The table's name.
    pub table_name: String,
    /// What became of the table.
    pub table: TableFate,
    /// Whether the stream's trigger was deleted: it was the last source.
    pub trigger_deleted: bool,
}

impl Sources {
    /// Removes a source. Its trigger goes with the last source of the stream. The quarantine stays.
    ///
    /// A table that is kept remembers what it has: if a source is made of it again, that goes on where this one ended.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] for the source, [`ErrorKind::Conflict`] if its table is to be dropped and Helios has not made
    /// it, or another stream fills it.
    pub async fn remove(&self, removal: &RemoveSource) -> Result<SourceRemoved> {
        let fate = removal.table;
        let held = self.hold(self.find(&removal.source).await?, "remove").await?;
        let remove = async {
            let mapping = held.mapping().await?;
            if fate == TableFate::Drop {
                self.check_drop(&mapping).await?;
            }
            let removal = match fate {
                TableFate::Keep => Removal::KeepTable,
                TableFate::Drop => Removal::DropTable,
            };
            let mapping = Mapping { state: MappingState::Removing, removal: Some(removal), ..mapping };
            self.change_state(&mapping).await?;
            self.dismantle(&mapping).await?;
            Ok(mapping)
        };
        let mapping = held.work(remove.boxed()).await?;
        let left = self.mappings.of_stream_in_any_state(&mapping.stream_arn).await?;
        let is_triggered = |mapping: &Mapping| mapping.delivery == Delivery::Function;
        Ok(SourceRemoved {
            id: mapping.id(),
            database_name: mapping.table.database().as_str().to_owned(),
            table_name: mapping.table.table().as_str().to_owned(),
            table: fate,
            trigger_deleted: is_triggered(&mapping) && !left.iter().any(is_triggered),
            stream_arn: mapping.stream_arn,
        })
    }

    async fn check_drop(&self, mapping: &Mapping) -> Result<()> {
        let refuse = |message: &str| {
            Err(Error::new(ErrorKind::Conflict, message).with("table", mapping.table.plain()))
        };
        ownership::require_made(&self.warehouse, &mapping.table, mapping.table_uuid).await?;
        if !mapping.made.table {
            return refuse(
                "Helios has not made this table, and does not drop it: keep it, and drop it yourself",
            );
        }
        let all = self.mappings.all().await?;
        if all.iter().any(|other| other.table_uuid == mapping.table_uuid && other.id() != mapping.id()) {
            return refuse("another stream fills this table: keep it, or remove that source first");
        }
        Ok(())
    }

    /// Undoes what a create has made.
    pub(super) async fn undo(&self, mapping: Mapping) -> Result<()> {
        let undo = Mapping { state: MappingState::Removing, removal: Some(Removal::Undo), ..mapping };
        self.change_state(&undo).await?;
        self.dismantle(&undo).await
    }

    /// Takes a source apart that is being removed: trigger, table, mapping. It may be repeated.
    pub(super) async fn dismantle(&self, mapping: &Mapping) -> Result<()> {
        let removal = mapping.removal.unwrap_or(Removal::KeepTable);
        if mapping.delivery == Delivery::Function {
            if removal == Removal::Undo && !mapping.made.trigger {
                self.align_but_keep(&mapping.stream_arn).await?;
            } else {
                self.align(&mapping.stream_arn).await?;
            }
        }
        let cluster = mapping.request.as_ref().and_then(|request| request.on_cluster.as_deref());
        let Mapping { table, table_uuid, .. } = mapping;
        match removal {
            Removal::Undo if mapping.made.table => {
                ownership::require_made(&self.warehouse, table, *table_uuid).await?;
                self.warehouse.drop_empty_table(table, *table_uuid, cluster).await?;
            }
            Removal::DropTable => {
                ownership::require_made(&self.warehouse, table, *table_uuid).await?;
                let found = self.warehouse.describe_table(table).await?;
                if found.is_some_and(|found| found.uuid == *table_uuid) {
                    self.warehouse.drop_table(table, cluster).await?;
                }
                self.ledger.forget(&mapping.stream_arn, *table_uuid).await?;
            }
            Removal::Undo | Removal::KeepTable => {}
        }
        if removal != Removal::DropTable {
            self.ledger.keep_stream(&mapping.stream_arn, *table_uuid).await?;
        }
        self.mappings.remove(mapping).await
    }
}
