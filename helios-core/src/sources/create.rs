//! Creating a source: what is asked for, what is answered, and what is checked before anything is made.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    Delivery, Mapping, MappingState, MappingTable, Triggers,
    existing::check_existing,
    saga::{Saga, TablePlan},
};
use crate::{
    Column, Error, ErrorKind, Result,
    clock::SharedClock,
    delivery::{Decoder, MissingFields, Policy, UnknownFields, ledger::DynamoLedger, quarantine},
    streams::{self, AwsSession, Position},
    warehouse::{TableDefinition, TableName, Warehouse, default_database},
};

/// Databases that are no place for a source's table.
const RESERVED: [&str; 4] = [quarantine::DATABASE, "system", "information_schema", "INFORMATION_SCHEMA"];

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
    /// Who delivers: `"function"` or `"consumer"`, for which no trigger is made. Default: the delivery function.
    #[serde(default)]
    pub delivery: Delivery,
    /// What becomes of events with fields that the table has not: `"ignore"`, `"quarantine"`, `"addColumn"`. Default: the
    /// fields are ignored.
    #[serde(default)]
    pub unknown_fields: UnknownFields,
    /// What becomes of events that lack a field which cannot be null: `"reject"`, `"zeroValue"`. Default: they are
    /// rejected.
    #[serde(default)]
    pub missing_fields: MissingFields,
}

fn default_position() -> Position {
    Position::Now
}

impl CreateTable {
    /// A table in the database `default`, filled from the moment of creation.
    pub fn new(stream: impl Into<String>, table: impl Into<String>, schema: impl Into<Vec<Column>>) -> Self {
        Self {
            stream_name: stream.into(),
            table_name: table.into(),
            database_name: default_database(),
            schema: schema.into(),
            order_by: Vec::new(),
            partition_by: None,
            start_position: default_position(),
            create_database: false,
            delivery: Delivery::default(),
            unknown_fields: UnknownFields::default(),
            missing_fields: MissingFields::default(),
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

    /// Sets who delivers.
    #[must_use]
    pub fn delivery(mut self, delivery: Delivery) -> Self {
        self.delivery = delivery;
        self
    }

    /// Sets what becomes of events with fields that the table has not.
    #[must_use]
    pub fn unknown_fields(mut self, unknown_fields: UnknownFields) -> Self {
        self.unknown_fields = unknown_fields;
        self
    }

    /// Sets what becomes of events that lack a field which cannot be null.
    #[must_use]
    pub fn missing_fields(mut self, missing_fields: MissingFields) -> Self {
        self.missing_fields = missing_fields;
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
/// An existing table of the same columns is taken as it is, whatever its keys. The tables of one stream share its
/// trigger: only the first may choose where to begin. A failure undoes what this call made, and nothing else.
///
/// # Errors
///
/// [`ErrorKind::InvalidInput`] for a bad name, schema, key or position, [`ErrorKind::NotFound`] for the stream, the
/// database or the delivery function, [`ErrorKind::AlreadyExists`] if the stream feeds this table already,
/// [`ErrorKind::Conflict`] if the table exists with another schema, the stream has a trigger that does not fit, or
/// another create is under way.
pub async fn create_table(
    warehouse: &Warehouse,
    session: &AwsSession,
    (mappings, ledger): (&MappingTable, &DynamoLedger),
    triggers: &Triggers,
    clock: &SharedClock,
    spec: &CreateTable,
) -> Result<TableCreated> {
    let started = clock.now();
    let name = TableName::new(&spec.database_name, &spec.table_name)?;
    // Everything that can be known to fail is, before anything is made.
    check_database(&name)?;
    let planned = |uuid| {
        TableDefinition::new(name.clone(), uuid, &spec.schema, &spec.order_by, spec.partition_by.as_deref())
    };
    let definition = planned(Uuid::new_v4())?;
    Decoder::new(&definition.columns())?;
    let stream = streams::describe(session, &spec.stream_name).await?;
    if spec.delivery == Delivery::Function {
        triggers.check_function().await?;
    }
    ready_database(warehouse, &name, spec.create_database).await?;
    let found = warehouse.describe_table(&name).await?;
    mappings.ensure().await?;
    ledger.ensure().await?;
    let table = match found {
        Some(existing) => {
            check_existing(&definition, &existing)?;
            TablePlan { definition: planned(existing.uuid)?, existing: Some(existing) }
        }
        // A create that was interrupted before it made the table has left its claim: the table takes its identity.
        None => match mappings.pending(&stream.arn, &name).await? {
            Some(left) => TablePlan { definition: planned(left.table_uuid)?, existing: None },
            None => TablePlan { definition, existing: None },
        },
    };
    let mapping = Mapping {
        stream_arn: stream.arn,
        table_uuid: table.definition.uuid(),
        stream_name: stream.name,
        table: name,
        created_on: started,
        state: MappingState::Pending,
        operation_id: Uuid::new_v4(),
        schema: table.definition.columns(),
        delivery: spec.delivery,
        start_position: match spec.start_position {
            Position::Now => Position::At(started),
            position => position,
        },
        policy: Policy::new(spec.unknown_fields, spec.missing_fields),
    };
    Saga::new(warehouse, mappings, triggers, table, mapping).run(spec.start_position, clock).await
}

fn check_database(name: &TableName) -> Result<()> {
    let database = name.database().as_str();
    if RESERVED.contains(&database) {
        let message = "this database is not for tables of sources; choose another";
        return Err(Error::invalid_input(message).with("database", database));
    }
    Ok(())
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
