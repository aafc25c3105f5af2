//! Columns for fields that the table lacks, before a range with such fields is opened.

use super::{
    super::{batch::Event, new_columns::new_columns, policy::UnknownFields},
    run::Run,
};
use crate::Result;

impl Run<'_> {
    /// Gives the table the columns it lacks for these events, if that is the policy. Whoever adds a column first decides
    /// its type; an open range is finished with the schema it was opened with.
    ///
    /// # Errors
    ///
    /// What keeps ClickHouse from adding them: without its column a field would be lost.
    pub(super) async fn add_columns(&mut self, events: &[Event<'_>]) -> Result<()> {
        let payloads = || events.iter().filter_map(|event| event.payload.as_ref().ok());
        let payloads = || payloads().map(|event| event.as_ref().as_ref());
        if self.target.schema.policy.unknown_fields != UnknownFields::AddColumn
            || new_columns(&self.target.schema, payloads())?.is_empty()
        {
            return Ok(());
        }
        // Somebody else may have added them since.
        self.look().await?;
        let columns = new_columns(&self.target.schema, payloads())?;
        let columns: Vec<_> = columns.into_iter().map(|new| new.column).collect();
        if columns.is_empty() {
            return Ok(());
        }
        self.worker.sink.add_columns(&self.target.table, &columns).await?;
        let names: Vec<_> = columns.iter().map(|column| column.name.as_str()).collect();
        tracing::info!(table = self.target.table.plain(), columns = ?names, "The table has got new columns.");
        self.look().await
    }
}
