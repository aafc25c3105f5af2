//! Creating a source: table, mapping and trigger, all or nothing.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Mapping, MappingState, MappingTable, Triggers, trigger::TriggerId};
use crate::{
    Column, Error, ErrorKind, Result,
    clock::SharedClock,
    delivery::quarantine,
    streams::{self, AwsSession, Position, StreamDescription},
    warehouse::{DEDUPLICATION_WINDOW, TableDefinition, TableDescription, TableName, Warehouse},
};

/// A create that has not ended after this long was interrupted, and the next one may take over.
const ABANDONED_AFTER: Duration = Duration::from_secs(15 * 60);

/// What to create: `{"streamName", "tableName", "databaseName", "schema": [{"name", "type"}], …}`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct CreateTable {
    /// The stream, by name or ARN.
    pub stream_name: String,
    /// The table to fill.
    pub table_name: String,
    /// Its database. Default: `default`.
    #[serde(default = "default_database")]
    pub database_name: String,
    /// The columns.
    pub schema: Vec<Column>,
    /// The sorting key: columns that are not nullable. Default: none.
    #[serde(default)]
    pub order_by: Vec<String>,
    /// The partition key: a column, or `toYYYYMM`, `toDate`, … of one. Default: none.
    #[serde(default)]
    pub partition_by: Option<String>,
    /// Where in the stream to begin: `"now"`, `"oldest"` or an ISO 8601 time. Default: the moment of creation.
    #[serde(default = "default_position")]
    pub start_position: Position,
    /// Make the database if it does not exist. Default: no.
    #[serde(default)]
    pub create_database: bool,
}

fn default_database() -> String {
    "default".to_owned()
}

fn default_position() -> Position {
    Position::Now
}

impl CreateTable {
    /// A table in the database `default`, filled from the moment of creation.
    pub fn new(stream: impl Into<String>, table: impl Into<String>, schema: Vec<Column>) -> Self {
        Self {
            stream_name: stream.into(),
            table_name: table.into(),
            database_name: default_database(),
            schema,
            order_by: Vec::new(),
            partition_by: None,
            start_position: default_position(),
            create_database: false,
        }
    }

    /// Sets the database.
    #[must_use]
    pub fn database(mut self, database: impl Into<String>) -> Self {
        self.database_name = database.into();
        self
    }

    /// Sets the sorting key.
    #[must_use]
    pub fn order_by<C: Into<String>>(mut self, columns: impl IntoIterator<Item = C>) -> Self {
        self.order_by = columns.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the partition key.
    #[must_use]
    pub fn partition_by(mut self, key: impl Into<String>) -> Self {
        self.partition_by = Some(key.into());
        self
    }

    /// Sets where in the stream to begin.
    #[must_use]
    pub fn start_position(mut self, position: Position) -> Self {
        self.start_position = position;
        self
    }

    /// Makes the database if it does not exist.
    #[must_use]
    pub fn create_database(mut self) -> Self {
        self.create_database = true;
        self
    }
}

/// What was created.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct TableCreated {
    /// `true`: what fails is an error.
    pub success: bool,
    /// The table's statement.
    pub create_table_query: String,
    /// What was done, for a person.
    pub message: String,
    /// The table's UUID.
    #[serde(rename = "tableUUID")]
    pub table_uuid: Uuid,
    /// The stream's ARN.
    #[serde(rename = "streamARN")]
    pub stream_arn: String,
}

/// Makes a table and lets the stream fill it.
///
/// An existing table of the same schema is taken as it is. A failure undoes what this call made, and nothing else.
///
/// # Errors
///
/// [`ErrorKind::InvalidInput`] for a bad name, schema, key or position, [`ErrorKind::NotFound`] for the stream, the
/// database or the delivery function, [`ErrorKind::AlreadyExists`] if the stream feeds this table already,
/// [`ErrorKind::Conflict`] if the table exists with another schema or another create is under way.
pub async fn create_table(
    warehouse: &Warehouse,
    session: &AwsSession,
    mappings: &MappingTable,
    triggers: &Triggers,
    clock: &SharedClock,
    spec: &CreateTable,
) -> Result<TableCreated> {
    let started = clock.now();
    let name = TableName::new(&spec.database_name, &spec.table_name)?;
    let definition = |uuid| {
        TableDefinition::new(name.clone(), uuid, &spec.schema, &spec.order_by, spec.partition_by.as_deref())
    };
    // Everything that can be known to fail is, before anything is made.
    let planned = definition(Uuid::new_v4())?;
    let stream = streams::describe(session, &spec.stream_name).await?;
    triggers.check_function().await?;
    ready_database(warehouse, &name, spec.create_database).await?;
    let found = warehouse.describe_table(&name).await?;
    let table = match &found {
        Some(existing) => {
            check_existing(&planned, existing)?;
            definition(existing.uuid)?
        }
        None => planned,
    };
    mappings.ensure().await?;

    let mapping = Mapping {
        stream_arn: stream.arn.clone(),
        table_uuid: table.uuid(),
        stream_name: stream.name.clone(),
        table: name,
        created_on: started,
        state: MappingState::Pending,
        operation_id: Uuid::new_v4(),
        schema: table.columns(),
    };
    claim(mappings, &mapping, clock).await?;
    let mut saga =
        Saga { warehouse, mappings, triggers, table, made_table: false, made_trigger: None, mapping };
    match saga.run(found.is_none(), &stream, spec.start_position).await {
        Ok(()) => Ok(saga.report(&stream)),
        Err(error) => Err(saga.undo(error).await),
    }
}

async fn ready_database(warehouse: &Warehouse, name: &TableName, create: bool) -> Result<()> {
    let database = name.database();
    if warehouse.has_database(database).await? {
        return Ok(());
    }
    if create {
        return warehouse.create_database(database).await;
    }
    let message = "the database does not exist; create it, or ask for it with `createDatabase`";
    Err(Error::new(ErrorKind::NotFound, message).with("database", database.as_str()))
}

/// An existing table is good if an insert of the schema fits it without change and is recognised when repeated.
fn check_existing(planned: &TableDefinition, existing: &TableDescription) -> Result<()> {
    let conflict =
        |message: String| Err(Error::new(ErrorKind::Conflict, message).with("table", planned.name().plain()));
    let differing = differing_columns(&planned.columns(), &existing.columns);
    if !differing.is_empty() {
        return conflict(format!("the table exists with another schema: {}", differing.join("; ")));
    }
    if !existing.engine.contains("MergeTree") {
        return conflict(format!(
            "the table exists with the engine {}, which recognises no repeated insert",
            existing.engine
        ));
    }
    let replicated = existing.engine.starts_with("Replicated") || existing.engine.starts_with("Shared");
    let window = existing.deduplication_window();
    if window.unwrap_or(if replicated { DEDUPLICATION_WINDOW } else { 0 }) < DEDUPLICATION_WINDOW {
        return conflict(format!(
            "the table exists with a deduplication window of {}; events could be doubled. Run ALTER TABLE {} MODIFY \
             SETTING non_replicated_deduplication_window = {DEDUPLICATION_WINDOW}",
            window.unwrap_or(0),
            planned.name()
        ));
    }
    if existing.uuid.is_nil() {
        return conflict("the table exists in a database that keeps no UUIDs; use an Atomic one".to_owned());
    }
    Ok(())
}

fn differing_columns(wanted: &[Column], existing: &[Column]) -> Vec<String> {
    let type_in = |columns: &[Column], name: &str| {
        columns.iter().find(|column| column.name == name).map(|column| column.data_type.clone())
    };
    let mut differing = Vec::new();
    for column in wanted {
        match type_in(existing, &column.name) {
            None => differing.push(format!("`{}` is missing", column.name)),
            Some(found) if found != column.data_type => {
                differing.push(format!("`{}` is {found}, not {}", column.name, column.data_type));
            }
            Some(_) => {}
        }
    }
    let extra = existing.iter().filter(|column| type_in(wanted, &column.name).is_none());
    differing.extend(extra.map(|column| format!("`{}` is not in the schema", column.name)));
    differing
}

async fn claim(mappings: &MappingTable, mapping: &Mapping, clock: &SharedClock) -> Result<()> {
    let Some(holder) = mappings.claim(mapping).await? else { return Ok(()) };
    let about =
        |error: Error| error.with("stream", &mapping.stream_name).with("table", mapping.table.plain());
    match holder.state {
        MappingState::Active => {
            Err(about(Error::new(ErrorKind::AlreadyExists, "the stream feeds this table already")))
        }
        MappingState::Pending if clock.now() > holder.created_on + ABANDONED_AFTER => {
            mappings.take_over(&holder, mapping).await
        }
        MappingState::Pending => {
            let message =
                "another create of this source is under way, or was interrupted less than 15 minutes ago";
            Err(about(Error::new(ErrorKind::Conflict, message).retryable(true)))
        }
    }
}

/// One create under way: what it made so far is what it may undo.
struct Saga<'a> {
    warehouse: &'a Warehouse,
    mappings: &'a MappingTable,
    triggers: &'a Triggers,
    table: TableDefinition,
    made_table: bool,
    made_trigger: Option<TriggerId>,
    mapping: Mapping,
}

impl Saga<'_> {
    async fn run(&mut self, make_table: bool, stream: &StreamDescription, position: Position) -> Result<()> {
        if make_table {
            self.warehouse.create_table(&self.table).await?;
            self.made_table = true;
        }
        quarantine::ensure(self.warehouse, self.table.name()).await?;
        let trigger = match self.triggers.find(&stream.arn).await? {
            Some(trigger) => trigger,
            None => {
                let trigger = self.triggers.create(&stream.arn, position, self.mapping.created_on).await?;
                self.made_trigger = Some(trigger.clone());
                trigger
            }
        };
        self.mappings.confirm(&self.mapping).await?;
        self.triggers.enable(&trigger).await
    }

    /// Undoes in reverse. What cannot be undone is said, and the mapping stays: it is the only trace.
    async fn undo(&self, error: Error) -> Error {
        match self.try_undo().await {
            Ok(()) => error,
            Err(left) => {
                tracing::error!(error = %left, table = %self.table.name().plain(), "A failed create could not be undone.");
                error.with("not undone", left.to_string())
            }
        }
    }

    async fn try_undo(&self) -> Result<()> {
        if let Some(trigger) = &self.made_trigger {
            self.triggers.delete(trigger).await?;
        }
        if self.made_table {
            self.warehouse.drop_empty_table(self.table.name(), self.table.uuid()).await?;
        }
        self.mappings.release(&self.mapping).await
    }

    fn report(&self, stream: &StreamDescription) -> TableCreated {
        let what = if self.made_table { "created" } else { "found" };
        TableCreated {
            success: true,
            create_table_query: self.table.to_string(),
            message: format!(
                "Table {} {what}; the stream {} fills it.",
                self.table.name().plain(),
                stream.name
            ),
            table_uuid: self.table.uuid(),
            stream_arn: stream.arn.clone(),
        }
    }
}
