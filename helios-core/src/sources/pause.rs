//! Pausing and resuming a source.

use super::{Delivery, Mapping, MappingState, Source, Sources};
use futures_util::FutureExt as _;

use crate::{Error, ErrorKind, Result};

impl Sources {
    /// Delivers a source's events no more, until it is resumed. What is under way comes to its end; nothing is lost, as long
    /// as the stream keeps it: while the trigger goes on for other tables, what this one misses is read from the stream later.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] for the source, [`ErrorKind::Conflict`] if it is being created or removed.
    pub async fn pause(&self, source: &str) -> Result<Source> {
        self.switch(source, MappingState::Paused).await
    }

    /// Goes on where [`pause`](Self::pause) has stopped.
    ///
    /// # Errors
    ///
    /// As [`pause`](Self::pause).
    pub async fn resume(&self, source: &str) -> Result<Source> {
        self.switch(source, MappingState::Active).await
    }

    async fn switch(&self, source: &str, state: MappingState) -> Result<Source> {
        let held = self.hold(self.find(source).await?, "change").await?;
        let change = async {
            let mapping = held.mapping().await?;
            if !matches!(mapping.state, MappingState::Active | MappingState::Paused) {
                let message = "the source is being created or removed, or that was interrupted: `repair` comes to its end";
                return Err(Error::new(ErrorKind::Conflict, message).with("source", source));
            }
            let is_triggered = mapping.delivery == Delivery::Function;
            // The trigger first, if it is to stop, as a function that is handed events for no active source fails.
            if is_triggered
                && state == MappingState::Paused
                && !self.is_shared(&mapping).await?
                && let Some(trigger) = self.triggers.find(&mapping.stream_arn).await?
            {
                self.triggers.set_enabled(&trigger, false).await?;
            }
            let mapping = Mapping { state, ..mapping };
            self.change_state(&mapping).await?;
            if is_triggered {
                self.align(&mapping.stream_arn).await?;
            }
            Ok(mapping)
        };
        self.show(held.work(change.boxed()).await?).await
    }

    /// Whether another table of the stream keeps its trigger running.
    async fn is_shared(&self, mapping: &Mapping) -> Result<bool> {
        let others = self.mappings.of_stream(&mapping.stream_arn).await?;
        let mut others = others.iter().filter(|other| other.table_uuid != mapping.table_uuid);
        Ok(others.any(|other| other.delivery == Delivery::Function))
    }

    /// Writes the state of a mapping, and fails if that is another operation's by now.
    pub(super) async fn change_state(&self, mapping: &Mapping) -> Result<()> {
        if self.mappings.rewrite(mapping).await? {
            return Ok(());
        }
        let message = "the source was changed by somebody else at the same time: look at `sources`";
        Err(Error::new(ErrorKind::Conflict, message).with("table", mapping.table.plain()))
    }
}
