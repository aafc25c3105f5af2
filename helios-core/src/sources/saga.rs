//! Mapping, table and trigger: all of them, or none.

use super::{
    Delivery, Mapping, MappingState, Sources,
    create::Request,
    mapping::Removal,
    trigger::{Trigger, TriggerOrder},
};
use crate::{
    Error, ErrorKind, Result,
    delivery::{ownership, quarantine},
    streams::Position,
    warehouse::TableDefinition,
};

/// One create under way, by whoever has the claim. Each step may be repeated: one that was interrupted is done again.
pub(super) struct Saga<'a> {
    sources: &'a Sources,
    request: &'a Request,
    definition: TableDefinition,
    mapping: Mapping,
    /// Whether the mapping is written down, or may be.
    is_written: bool,
}

impl<'a> Saga<'a> {
    pub(super) fn new(sources: &'a Sources, request: &'a Request, mapping: Mapping) -> Self {
        let definition = request.definition.clone().with_uuid(mapping.table_uuid);
        let definition = match ownership::account_of(&mapping.stream_arn) {
            Some(account) => definition.with_comment(ownership::comment_of_created(account)),
            None => definition,
        };
        Self { sources, request, definition, mapping, is_written: false }
    }

    /// Makes all of it, or leaves nothing. Returns the mapping as it is then.
    pub(super) async fn run(mut self) -> Result<Mapping> {
        match self.steps().await {
            Ok(()) => Ok(self.mapping),
            Err(error) => Err(self.undo(error).await),
        }
    }

    async fn steps(&mut self) -> Result<()> {
        let Sources { warehouse, mappings, triggers, .. } = self.sources;
        // The mapping may be one that an earlier create left, or that somebody wrote by hand.
        ownership::refuse_foreign(warehouse, &self.mapping.table).await?;
        let is_triggered = self.mapping.delivery == Delivery::Function;
        // What will be made is written down before it is: whether an attempt that failed took effect is unknown.
        let before = if is_triggered { triggers.find(&self.mapping.stream_arn).await? } else { None };
        self.mapping.made.trigger |= is_triggered && before.is_none();
        self.is_written = true;
        if !mappings.begin(&self.mapping).await? {
            // It has the table under another name, which somebody has changed by hand.
            self.is_written = false;
            let message =
                "the stream feeds this table already, under the name that it had before: `repair` its source";
            let error = Error::new(ErrorKind::AlreadyExists, message);
            return Err(error
                .with("stream", &self.mapping.stream_name)
                .with("table", self.mapping.table.plain()));
        }
        if self.mapping.made.table {
            let found = warehouse.describe_table(&self.mapping.table).await?;
            // Another one, which somebody has made by hand meanwhile, ClickHouse refuses to make again.
            if found.is_none_or(|found| found.uuid != self.mapping.table_uuid) {
                warehouse.create_table(&self.definition).await?;
            }
        } else {
            // Not undone on failure: rows may use the column by then, and `SELECT *` does not show it.
            self.sources.add_batch_column(self.request).await?;
        }
        if is_triggered {
            self.trigger(before).await?;
        }
        // It is not undone: tables of the same name in other databases share it.
        quarantine::ensure(warehouse, self.definition.name()).await?;
        if !self.mapping.made.table
            && let Some(account) = ownership::account_of(&self.mapping.stream_arn)
        {
            let cluster = self.request.spec.on_cluster.as_deref();
            ownership::adopt(warehouse, &self.mapping.table, cluster, account).await?;
        }
        self.mapping.state = MappingState::Active;
        self.sources.change_state(&self.mapping).await?;
        if is_triggered { self.sources.align(&self.mapping.stream_arn).await } else { Ok(()) }
    }

    /// The stream's trigger. All of its tables share it.
    async fn trigger(&mut self, before: Option<Trigger>) -> Result<()> {
        let order = TriggerOrder::of(self.request, self.mapping.created_on);
        let Some(found) = before else {
            // Making the table may have taken long: whoever has gone on meanwhile has made a trigger, too.
            self.sources.change_state(&self.mapping).await?;
            let made = self.sources.triggers.create(&self.mapping.stream_arn, &order).await?;
            if made.check().is_err() || !made.differences(&order).is_empty() {
                // Another one, made by hand between the look and the create: it is not undone with this create.
                self.mapping.made.trigger = false;
                self.sources.change_state(&self.mapping).await?;
                made.check()?;
                return fits(&made, &order);
            }
            return Ok(());
        };
        found.check()?;
        if self.mapping.made.trigger {
            return Ok(());
        }
        fits(&found, &order).map_err(|error| {
            error.with("stream", &self.mapping.stream_name).with("table", self.mapping.table.plain())
        })
    }

    /// Undoes in reverse. What cannot be undone is said, and the mapping stays: it is the only trace.
    async fn undo(mut self, error: Error) -> Error {
        if !self.is_written {
            return error;
        }
        self.mapping.state = MappingState::Removing;
        self.mapping.removal = Some(Removal::Undo);
        let undone = async {
            // If it is not there, the first write did not take effect; if it is not this operation's any more, somebody else
            // goes on with it.
            if !self.sources.mappings.rewrite(&self.mapping).await? {
                return Ok(());
            }
            self.sources.dismantle(&self.mapping).await
        };
        match undone.await {
            Ok(()) => error,
            Err(left) => {
                let table = self.mapping.table.plain();
                tracing::error!(error = %left, %table, "A failed create could not be undone.");
                error.with("not undone", left.to_string())
            }
        }
    }
}

/// Fails if a trigger that is there is not what is asked for.
pub(super) fn fits(found: &Trigger, order: &TriggerOrder) -> Result<()> {
    if order.position != Position::Now {
        let message = "the stream has a trigger already, which has gone past that position; \
                       a further table of it begins now: leave `startPosition` off";
        return Err(Error::new(ErrorKind::Conflict, message));
    }
    match found.differences(order).as_slice() {
        [] => Ok(()),
        differences => {
            let message = format!(
                "the stream has a trigger already, which its tables share, and {}: leave this off, or change the trigger",
                differences.join("; ")
            );
            Err(Error::new(ErrorKind::Conflict, message).with("trigger", &found.id))
        }
    }
}
