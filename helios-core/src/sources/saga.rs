//! Table, mapping and trigger: all of them, or none.

use std::time::Duration;

use super::{Delivery, Mapping, MappingState, MappingTable, TableCreated, Triggers, trigger::Trigger};
use crate::{
    Error, ErrorKind, Result,
    clock::SharedClock,
    delivery::quarantine,
    streams::Position,
    warehouse::{TableDefinition, TableDescription, Warehouse},
};

/// A create that has not ended after this long was interrupted, and the next one may take over.
const ABANDONED_AFTER: Duration = Duration::from_secs(15 * 60);

/// The table of the source: to be made, or found.
pub(super) struct TablePlan {
    pub(super) definition: TableDefinition,
    pub(super) existing: Option<TableDescription>,
}

/// One create under way: what it made so far is what it may undo.
pub(super) struct Saga<'a> {
    warehouse: &'a Warehouse,
    mappings: &'a MappingTable,
    triggers: &'a Triggers,
    table: TablePlan,
    mapping: Mapping,
    /// Set before the attempt: whether one that failed took effect is unknown, and undoing looks at what there is.
    made_table: bool,
    made_trigger: Option<Trigger>,
}

impl<'a> Saga<'a> {
    pub(super) fn new(
        warehouse: &'a Warehouse,
        mappings: &'a MappingTable,
        triggers: &'a Triggers,
        table: TablePlan,
        mapping: Mapping,
    ) -> Self {
        Self { warehouse, mappings, triggers, table, mapping, made_table: false, made_trigger: None }
    }

    pub(super) async fn run(mut self, position: Position, clock: &SharedClock) -> Result<TableCreated> {
        match self.steps(position, clock).await {
            Ok(()) => Ok(self.report()),
            Err(error) => Err(self.undo(error).await),
        }
    }

    async fn steps(&mut self, position: Position, clock: &SharedClock) -> Result<()> {
        self.claim(clock).await?;
        if self.table.existing.is_none() {
            self.made_table = true;
            self.warehouse.create_table(&self.table.definition).await?;
        }
        let trigger = match self.mapping.delivery {
            Delivery::Function => Some(self.trigger(position).await?),
            Delivery::Consumer => None,
        };
        if let Some(trigger) = &trigger {
            self.triggers.settle(trigger).await?;
        }
        // Late, as it is not undone: tables of the same name in other databases share it.
        quarantine::ensure(self.warehouse, self.table.definition.name()).await?;
        self.mappings.confirm(&self.mapping).await?;
        match trigger {
            Some(trigger) => self.triggers.enable(&trigger).await,
            None => Ok(()),
        }
    }

    async fn claim(&self, clock: &SharedClock) -> Result<()> {
        let Some(holder) = self.mappings.claim(&self.mapping).await? else { return Ok(()) };
        match holder.state {
            MappingState::Active => {
                Err(self.refuse(ErrorKind::AlreadyExists, "the stream feeds this table already"))
            }
            MappingState::Pending if clock.now() > holder.created_on + ABANDONED_AFTER => {
                self.mappings.take_over(&holder, &self.mapping).await
            }
            MappingState::Pending => {
                let message =
                    "another create of this source is under way, or was interrupted less than 15 minutes ago";
                Err(self.refuse(ErrorKind::Conflict, message).retryable(true))
            }
        }
    }

    /// The stream's trigger. All of its tables share it.
    async fn trigger(&mut self, position: Position) -> Result<Trigger> {
        if let Some(trigger) = self.triggers.find(&self.mapping.stream_arn).await? {
            if position != Position::Now {
                let message = "the stream has a trigger already, which has gone past that position; \
                               a further table of it begins now: leave `startPosition` off";
                return Err(self.refuse(ErrorKind::Conflict, message));
            }
            return Ok(trigger);
        }
        let trigger =
            self.triggers.create(&self.mapping.stream_arn, position, self.mapping.created_on).await?;
        self.made_trigger = Some(trigger.clone());
        Ok(trigger)
    }

    fn refuse(&self, kind: ErrorKind, message: &str) -> Error {
        Error::new(kind, message)
            .with("stream", &self.mapping.stream_name)
            .with("table", self.mapping.table.plain())
    }

    /// Undoes in reverse. What cannot be undone is said, and the mapping stays: it is the only trace.
    async fn undo(&self, error: Error) -> Error {
        match self.try_undo().await {
            Ok(()) => error,
            Err(left) => {
                let table = self.mapping.table.plain();
                tracing::error!(error = %left, %table, "A failed create could not be undone.");
                error.with("not undone", left.to_string())
            }
        }
    }

    async fn try_undo(&self) -> Result<()> {
        if let Some(trigger) = &self.made_trigger
            // Another create may have found our trigger meanwhile, and rely on it.
            && !self.mappings.is_shared(&self.mapping).await?
        {
            self.triggers.delete(trigger).await?;
        }
        if self.made_table {
            self.warehouse.drop_empty_table(&self.mapping.table, self.mapping.table_uuid).await?;
        }
        self.mappings.release(&self.mapping).await
    }

    fn report(self) -> TableCreated {
        let Mapping { stream_arn, table_uuid, stream_name, table, .. } = self.mapping;
        let (what, create_table_query) = match self.table.existing {
            Some(existing) => ("found", existing.create_statement),
            None => ("created", self.table.definition.to_string()),
        };
        let message = format!("Table {} {what}; the stream {stream_name} fills it.", table.plain());
        TableCreated { success: true, create_table_query, message, table_uuid, stream_arn }
    }
}
