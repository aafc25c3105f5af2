//! What to create.

use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

use super::Delivery;
use crate::{
    Column, Result,
    delivery::{MissingFields, Policy, UnknownFields, batch_column_definition, provenance_columns},
    streams::Position,
    warehouse::{TableDefinition, TableName, TableOptions, default_database},
};

/// What to create: `{"streamName", "tableName", "databaseName", "schema": [{"name", "type"}], …}`. All but the stream, the
/// table and the schema may be left off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    /// The sorting key: columns that are not nullable; an empty list for none. Default: the first column that is a time and
    /// never null, else none.
    #[serde(default)]
    pub order_by: Option<Vec<String>>,
    /// The partition key: a column, or `toYYYYMM`, `toDate`, … of one. Default: none.
    #[serde(default)]
    pub partition_by: Option<String>,
    /// When rows are deleted: `at + INTERVAL 90 DAY`, of a column that is a time. Default: never.
    #[serde(default)]
    pub ttl: Option<String>,
    /// The engine: `MergeTree`, `ReplacingMergeTree(version)`, `ReplicatedMergeTree`, …. Default: `MergeTree`.
    #[serde(default)]
    pub engine: Option<String>,
    /// The cluster on whose nodes the table is made. Default: where the statement is run.
    #[serde(default)]
    pub on_cluster: Option<String>,
    /// Columns for where each row came from: `_shard`, `_sequence`, `_subsequence`, `_arrived_at`. Default: no.
    #[serde(default)]
    pub provenance: bool,
    /// Where in the stream to begin: `"now"`, `"oldest"` or an ISO 8601 time. Default: the moment of creation.
    #[serde(default = "default_position")]
    pub start_position: Position,
    /// Make the database if it does not exist. Default: no.
    #[serde(default)]
    pub create_database: bool,
    /// Whether a table that exists may be filled: `"allow"`, if it fits, or `"refuse"`. Default: `"allow"`.
    #[serde(default)]
    pub existing_table: ExistingTable,
    /// Adds the column `_helios_batch` to an existing table that does not have it, with an `ALTER` that the plan shows. A
    /// new table always has it. Default: no.
    #[serde(default)]
    pub add_batch_column: bool,
    /// Who delivers: `"function"` or `"consumer"`, for which no trigger is made. Default: the delivery function.
    #[serde(default)]
    pub delivery: Delivery,
    /// How many records the function gets at once, 1 to 10,000. Default: 10,000; Lambda cuts at 6 MB.
    #[serde(default)]
    pub batch_size: Option<NonZeroU32>,
    /// For how many seconds the function's records are gathered, 0 to 300. Default: so that a table sees at most ten inserts a
    /// second, and at least 1.
    #[serde(default)]
    pub batching_window_seconds: Option<u32>,
    /// Where Lambda sends what it gives up: the ARN of an SQS queue, an SNS topic or an S3 bucket. Default: nowhere.
    #[serde(default)]
    pub on_failure: Option<String>,
    /// What becomes of events with fields that the table has not: `"ignore"`, `"quarantine"`, `"addColumn"`. Default: the
    /// fields are ignored.
    #[serde(default)]
    pub unknown_fields: UnknownFields,
    /// What becomes of events that lack a field which cannot be null: `"reject"`, `"zeroValue"`. Default: they are
    /// rejected.
    #[serde(default)]
    pub missing_fields: MissingFields,
}

/// Whether a table that exists may be filled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum ExistingTable {
    /// If its columns, engine and deduplication window fit.
    #[default]
    Allow,
    /// No.
    Refuse,
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
            order_by: None,
            partition_by: None,
            ttl: None,
            engine: None,
            on_cluster: None,
            provenance: false,
            start_position: default_position(),
            create_database: false,
            existing_table: ExistingTable::default(),
            add_batch_column: false,
            delivery: Delivery::default(),
            batch_size: None,
            batching_window_seconds: None,
            on_failure: None,
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
        self.order_by = Some(columns.into_iter().map(Into::into).collect());
        self
    }

    /// Sets the partition key.
    #[must_use]
    pub fn partition_by(mut self, key: impl Into<String>) -> Self {
        self.partition_by = Some(key.into());
        self
    }

    /// Sets when rows are deleted.
    #[must_use]
    pub fn ttl(mut self, ttl: impl Into<String>) -> Self {
        self.ttl = Some(ttl.into());
        self
    }

    /// Sets the engine.
    #[must_use]
    pub fn engine(mut self, engine: impl Into<String>) -> Self {
        self.engine = Some(engine.into());
        self
    }

    /// Sets the cluster on whose nodes the table is made.
    #[must_use]
    pub fn on_cluster(mut self, cluster: impl Into<String>) -> Self {
        self.on_cluster = Some(cluster.into());
        self
    }

    /// Adds columns for where each row came from.
    #[must_use]
    pub fn provenance(mut self) -> Self {
        self.provenance = true;
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

    /// Fails if the table exists.
    #[must_use]
    pub fn refuse_existing_table(mut self) -> Self {
        self.existing_table = ExistingTable::Refuse;
        self
    }

    /// Adds to an existing table the column by which Helios counts its batches.
    #[must_use]
    pub fn add_batch_column(mut self) -> Self {
        self.add_batch_column = true;
        self
    }

    /// Sets who delivers.
    #[must_use]
    pub fn delivery(mut self, delivery: Delivery) -> Self {
        self.delivery = delivery;
        self
    }

    /// Sets how many records the function gets at once.
    #[must_use]
    pub fn batch_size(mut self, records: NonZeroU32) -> Self {
        self.batch_size = Some(records);
        self
    }

    /// Sets for how many seconds the function's records are gathered.
    #[must_use]
    pub fn batching_window_seconds(mut self, seconds: u32) -> Self {
        self.batching_window_seconds = Some(seconds);
        self
    }

    /// Sets where Lambda sends what it gives up.
    #[must_use]
    pub fn on_failure(mut self, arn: impl Into<String>) -> Self {
        self.on_failure = Some(arn.into());
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

    pub(super) fn policy(&self) -> Policy {
        Policy::new(self.unknown_fields, self.missing_fields)
    }

    pub(super) fn table(&self) -> Result<TableName> {
        TableName::new(&self.database_name, &self.table_name)
    }

    /// The table, with a window for so many inserts. ClickHouse would choose its identity.
    pub(crate) fn definition(&self, deduplication_window: u64) -> Result<TableDefinition> {
        let options = TableOptions {
            order_by: self.order_by.clone(),
            partition_by: self.partition_by.clone(),
            ttl: self.ttl.clone(),
            engine: self.engine.clone(),
            cluster: self.on_cluster.clone(),
            further_columns: if self.provenance { provenance_columns() } else { Vec::new() },
            hidden: batch_column_definition().into(),
            deduplication_window,
        };
        TableDefinition::new(self.table()?, uuid::Uuid::nil(), &self.schema, &options)
    }
}
