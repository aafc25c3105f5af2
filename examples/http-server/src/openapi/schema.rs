//! Schemas, checked and compared, in OpenAPI's words.

use serde::Serialize;
use utoipa::ToSchema;

use super::answers::{ColumnAnswer, SamplingRequest};

/// What to check: the events of a stream's sample, or events that are at hand, and the columns they should fit.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CheckSchema)]
pub(crate) struct CheckSchemaRequest {
    /// The stream to sample, by name or ARN.
    stream_name: Option<String>,
    /// The events, in place of a sample.
    #[schema(value_type = Option<Vec<Object>>)]
    events: (),
    /// The columns. Default: those that are inferred from the events.
    schema: Option<Vec<ColumnAnswer>>,
    /// What to change of the columns first, each one of `{"rename": {"column", "to"}}`, `{"retype": {"column", "type"}}`,
    /// `{"unit": {"column", "value"}}`,
    /// `{"default": {"column", "value"}}`, `{"drop": {"column"}}`, `{"add": {"column": {"name", "type", …}}}`.
    #[schema(value_type = Option<Vec<Object>>)]
    edits: (),
    /// The table. Default: the name of the stream.
    table_name: Option<String>,
    /// Its database. Default: `default`.
    database_name: Option<String>,
    /// The sorting key; an empty list for none. Default: the first column that is a time and never null, else none.
    order_by: Option<Vec<String>>,
    /// The partition key. Default: none.
    partition_by: Option<String>,
    /// What becomes of events with fields that the table has not: `ignore`, `quarantine` or `addColumn`. Default: the fields
    /// are ignored.
    unknown_fields: Option<String>,
    /// What becomes of events that lack a field which cannot be null: `reject` or `zeroValue`. Default: they are rejected.
    missing_fields: Option<String>,
    /// How to sample the stream, and how types are inferred.
    sample: Option<SamplingRequest>,
}

/// What a table would make of sampled events.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SchemaCheck)]
pub(crate) struct SchemaCheckAnswer {
    /// The columns, as they were edited.
    schema: Vec<ColumnAnswer>,
    /// How many events were looked at.
    events: u64,
    /// How many of them would be rows.
    fitting: u64,
    /// How many would be rejected.
    rejected: u64,
    /// The first 100 of these.
    rejects: Vec<SampleRejectAnswer>,
    /// Top-level fields for which there is no column, and how many events have each.
    #[schema(value_type = Object)]
    unknown_fields: (),
    /// The statement that would make the table.
    create_table_query: String,
}

/// Why a sampled event would be rejected.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SampleReject)]
pub(crate) struct SampleRejectAnswer {
    /// Which event, counted from 0.
    event: u64,
    /// The word for what is wrong.
    #[schema(example = "out_of_range")]
    error_type: String,
    /// What is wrong, for a person.
    message: String,
    /// The column that it does not fit into, if it is one column's fault.
    column: Option<String>,
    /// Where in the event.
    #[schema(example = "$.place.tags[2]")]
    path: Option<String>,
    /// The ClickHouse type that was wanted there.
    wanted: Option<String>,
    /// The JSON value that was there, cut at 256 bytes.
    value: Option<String>,
}

/// Which table to compare, and with which events.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DriftOptions)]
pub(crate) struct DriftRequest {
    /// The table.
    table_name: String,
    /// Its database. Default: `default`.
    database_name: Option<String>,
    /// The stream, by name or ARN: needed only where several fill the table, or none of Helios'.
    stream_name: Option<String>,
    /// The events, in place of a sample.
    #[schema(value_type = Option<Vec<Object>>)]
    events: (),
    /// How to sample the stream, and how types are inferred.
    sample: Option<SamplingRequest>,
}

/// How later events differ from the table that they go to, and what would mend it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SchemaDrift)]
pub(crate) struct SchemaDriftAnswer {
    /// The stream's ARN; `null` if the events were given.
    #[serde(rename = "streamARN")]
    stream_arn: Option<String>,
    /// The table's database.
    database_name: String,
    /// The table.
    table_name: String,
    /// How many events were looked at.
    events: u64,
    /// How many of them are rows of the table as it is.
    fitting: u64,
    /// How many are rejected.
    rejected: u64,
    /// The first 100 of these.
    rejects: Vec<SampleRejectAnswer>,
    /// Fields that the table has no column for.
    new_fields: Vec<NewFieldAnswer>,
    /// Columns that do not hold what some events have for them.
    changed: Vec<ChangedColumnAnswer>,
    /// Columns for which no event has a value.
    unsent: Vec<String>,
    /// The statement that mends what can be mended; `null` if there is nothing of it.
    alter: Option<String>,
}

/// A field that the table has no column for.
#[derive(Serialize, ToSchema)]
#[schema(as = NewField)]
pub(crate) struct NewFieldAnswer {
    /// Where it is in an event, as a JSON Pointer.
    #[schema(example = "/user/plan")]
    field: String,
    /// The column that it would have.
    column: ColumnAnswer,
    /// How many events have a value for it.
    events: u64,
    /// Why the type.
    why: String,
    /// Some of its values, as JSON text.
    examples: Vec<String>,
}

/// A column that does not hold what some events have for it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ChangedColumn)]
pub(crate) struct ChangedColumnAnswer {
    /// Its name.
    column: String,
    /// Its type.
    #[serde(rename = "type")]
    data_type: String,
    /// How many events it does not hold the value of, or not the whole.
    events: u64,
    /// What is wrong with the first of them: the word.
    #[schema(example = "out_of_range")]
    error_type: String,
    /// The same, for a person.
    message: String,
    /// Where in the event that is.
    path: Option<String>,
    /// The type that would hold what is stored and all of the events; `null` if there is none.
    proposed: Option<String>,
    /// Why that type, or why none.
    why: String,
}
