//! Columns for fields that the table lacks, before a range with such fields is opened.

use super::{
    super::{batch::Event, new_columns::new_columns, policy::UnknownFields},
    run::Run,
};
use crate::{Column, Error, ErrorKind, Result};

/// How often columns are asked for: others may add columns at the same time, so that a name is taken.
const ROUNDS: usize = 8;

impl Run<'_> {
    /// Gives the table the columns it lacks for these events, if that is the policy. Whoever adds a column first decides
    /// its type; an open range is finished with the schema it was opened with.
    ///
    /// # Errors
    ///
    /// What keeps ClickHouse from adding them: without its column a field would be lost.
    pub(super) async fn add_columns(&mut self, events: &[Event<'_>]) -> Result<()> {
        if self.target.schema.policy.unknown_fields != UnknownFields::AddColumn
            || self.lacking(events, &[])?.is_empty()
        {
            return Ok(());
        }
        // Names that the table did not take, although it has no such column: ClickHouse adds no `a` beside `a.b`.
        let mut refused = Vec::new();
        // Somebody else may have added them since.
        self.look().await?;
        for _ in 0..ROUNDS {
            let columns = self.lacking(events, &refused)?;
            if columns.is_empty() {
                return Ok(());
            }
            self.worker.sink.add_columns(&self.target.table, &columns).await?;
            self.look().await?;
            let target = &self.target;
            let has = |name: &String| {
                let known = target.schema.columns.iter().map(|known| &known.name);
                known.chain(&target.other_columns).any(|known| known == name)
            };
            let (added, others): (Vec<_>, Vec<_>) =
                columns.into_iter().map(|column| column.name).partition(has);
            if !added.is_empty() {
                tracing::info!(table = target.table.plain(), columns = ?added, "The table has got new columns.");
            }
            refused.extend(others);
        }
        let message = "the table did not get a column for each new field; check which columns it has, or change the \
                       source's `unknownFields`";
        let error = Error::new(ErrorKind::Conflict, message).retryable(true);
        Err(error.at("add columns").with("table", self.target.table.plain()))
    }

    /// The columns that the table lacks.
    fn lacking(&self, events: &[Event<'_>], refused: &[String]) -> Result<Vec<Column>> {
        let payloads = events.iter().filter_map(|event| event.payload.as_ref().ok());
        let payloads = payloads.map(|event| event.as_ref().as_ref());
        let others = [&self.target.other_columns, refused].concat();
        let columns = new_columns(&self.target.schema, &others, payloads)?;
        Ok(columns.into_iter().map(|new| new.column).collect())
    }
}
