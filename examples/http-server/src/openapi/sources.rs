//! Sources, planned, created, shown and removed, in OpenAPI's words.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    answers::{ColumnAnswer, SamplingRequest},
    schema::SchemaCheckAnswer,
};

/// What to create.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CreateTable)]
pub(crate) struct CreateTableRequest {
    /// The stream, by name or ARN.
    stream_name: String,
    /// The table to fill.
    table_name: String,
    /// Its database. Default: `default`.
    database_name: Option<String>,
    /// The columns.
    schema: Vec<ColumnAnswer>,
    /// The sorting key: columns that are not nullable; an empty list for none. Default: the first column that is a time and
    /// never null, else none.
    order_by: Option<Vec<String>>,
    /// The partition key: a column, or `toYYYYMM`, `toDate`, … of one. Default: none.
    partition_by: Option<String>,
    /// When rows are deleted, counted from a column that is a time. Default: never.
    #[schema(example = "at + INTERVAL 90 DAY")]
    ttl: Option<String>,
    /// The engine: `MergeTree`, `ReplacingMergeTree(version)`, `ReplicatedMergeTree`, …. Default: `MergeTree`.
    engine: Option<String>,
    /// The cluster on whose nodes the table is made. Default: where the statement is run.
    on_cluster: Option<String>,
    /// Columns for where each row came from: `_shard`, `_sequence`, `_subsequence`, `_arrived_at`. Default: no.
    provenance: Option<bool>,
    /// Where in the stream to begin: `now`, `oldest` or an ISO 8601 time. Default: the moment of creation.
    start_position: Option<String>,
    /// Make the database if it does not exist. Default: no.
    create_database: Option<bool>,
    /// Whether a table that exists may be filled: `allow`, if it fits, or `refuse`. Default: `allow`.
    existing_table: Option<String>,
    /// Adds the column `_helios_batch` to an existing table that does not have it, with an `ALTER` that the plan shows. A
    /// new table always has it. Default: no.
    add_batch_column: Option<bool>,
    /// Who delivers: `function`, or `consumer`, for which no trigger is made. Default: the delivery function.
    delivery: Option<String>,
    /// How many records the function gets at once, 1 to 10000. Default: 10000.
    batch_size: Option<u32>,
    /// For how many seconds the function's records are gathered, 0 to 300. Default: so that a table sees at most ten inserts
    /// a second, and at least 1.
    batching_window_seconds: Option<u32>,
    /// Where Lambda sends what it gives up: the ARN of an SQS queue, an SNS topic or an S3 bucket. Default: nowhere.
    on_failure: Option<String>,
    /// What becomes of events with fields that the table has not: `ignore`, `quarantine` or `addColumn`. Default: the fields
    /// are ignored.
    unknown_fields: Option<String>,
    /// What becomes of events that lack a field which cannot be null: `reject` or `zeroValue`. Default: they are rejected.
    missing_fields: Option<String>,
}

/// What to plan: what is to be created, and how to sample the stream.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PlanTable)]
pub(crate) struct PlanRequest {
    #[serde(flatten)]
    create: CreateTableRequest,
    /// How the events are read that are held against the schema.
    sample: Option<SamplingRequest>,
}

/// What was created.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TableCreated)]
pub(crate) struct TableCreatedAnswer {
    /// Always `true`: what fails is an error.
    success: bool,
    /// The table's statement.
    create_table_query: String,
    /// What was done, for a person.
    message: String,
    /// The table's UUID.
    #[serde(rename = "tableUUID")]
    table_uuid: Uuid,
    /// The stream's ARN.
    #[serde(rename = "streamARN")]
    stream_arn: String,
    /// The source's id.
    source_id: Uuid,
    /// What puts the delivery at risk, for a person.
    warnings: Vec<String>,
}

/// What a create would do.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CreatePlan)]
pub(crate) struct CreatePlanAnswer {
    /// Whether nothing is known that would make it fail.
    possible: bool,
    /// What would make it fail, and what to do, for a person.
    obstacles: Vec<String>,
    /// What it would do, in order.
    steps: Vec<PlanStepAnswer>,
    /// The table's statement: the one that would be run, or the one of the table that is there.
    create_table_query: String,
    /// The stream's ARN. `null` if it may not be described.
    #[serde(rename = "streamARN")]
    stream_arn: Option<String>,
    /// How many open shards the stream has.
    shards: Option<u32>,
    /// How the stream's records would be put together for the function. `null` if a consumer delivers.
    batching: Option<BatchingAnswer>,
    /// How many inserts back the table would recognise a repeated one.
    deduplication_window: u64,
    /// What the table would make of the stream's present events. `null` if they could not be sampled.
    sample: Option<SchemaCheckAnswer>,
    /// The AWS permissions that are missing, or of which that could not be found out.
    permissions: Vec<CheckAnswer>,
    /// What puts the delivery at risk, for a person.
    warnings: Vec<String>,
}

/// One step of a create.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PlanStep)]
pub(crate) struct PlanStepAnswer {
    /// What it is about: `database`, `table`, `batchColumn`, `quarantine`, `mapping`, `trigger`.
    what: String,
    /// `create`, or `use` what is there.
    action: String,
    /// In words.
    detail: String,
}

/// How records are put together for the function.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Batching)]
pub(crate) struct BatchingAnswer {
    /// How many records at most are handed over at once.
    batch_size: u32,
    /// For how many seconds records are gathered.
    window_seconds: u32,
}

/// One thing that was looked at.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Check)]
pub(crate) struct CheckAnswer {
    /// What was looked at.
    #[schema(example = "lambda:CreateEventSourceMapping")]
    check: String,
    /// `ok`, `missing` or `unknown`.
    status: String,
    /// What was seen, for a person.
    detail: String,
    /// What to do, unless it is as it must be.
    remedy: Option<String>,
}

/// What was looked at.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Diagnosis)]
pub(crate) struct DiagnosisAnswer {
    /// Whether nothing is known to be missing.
    healthy: bool,
    /// Each thing that was looked at, in order.
    checks: Vec<CheckAnswer>,
}

/// A stream that feeds a table.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Source)]
pub(crate) struct SourceAnswer {
    /// Its id, by which it is paused, resumed and removed. `null` for what cannot be read.
    id: Option<Uuid>,
    /// The stream.
    stream_name: String,
    /// Always `kinesis`.
    stream_type: String,
    /// The table.
    table_name: String,
    /// The day of creation, `MM-DD-YYYY`; empty if that is not known.
    #[schema(example = "11-23-2026")]
    created_on: String,
    /// The table's database.
    database_name: String,
    /// The stream's ARN.
    #[serde(rename = "streamARN")]
    stream_arn: String,
    /// The table's UUID.
    #[serde(rename = "tableUUID")]
    table_uuid: Option<Uuid>,
    /// `pending`, `active`, `paused`, `failing`, `orphaned` or `removing`.
    state: String,
    /// Who delivers: `function` or `consumer`.
    delivery: String,
    /// The user or role that created it, as AWS knows them.
    created_by: Option<String>,
    /// The trigger of its stream, which the stream's other tables share.
    trigger: Option<TriggerAnswer>,
    /// What was delivered. `null` if that could not be found out.
    delivered: Option<DeliverySummaryAnswer>,
    /// What is wrong, and what to do, for a person.
    problems: Vec<String>,
}

/// The trigger of a stream.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Trigger)]
pub(crate) struct TriggerAnswer {
    /// Its UUID in AWS.
    id: String,
    /// AWS' word for its state.
    #[schema(example = "Enabled")]
    state: String,
    /// AWS' word for what became of the last batch.
    last_result: Option<String>,
    /// How many records at most are handed over at once.
    batch_size: u32,
    /// For how many seconds records are gathered.
    window_seconds: u32,
}

/// What was delivered of a source, of all shards together.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DeliverySummary)]
pub(crate) struct DeliverySummaryAnswer {
    /// Events that came, as often as they came.
    received: u64,
    /// Events that became rows.
    inserted: u64,
    /// Events that went to quarantine.
    quarantined: u64,
    /// Shards whose events ClickHouse does not take, or of which it is not known whether they are in the table.
    troubled_shards: u64,
    /// When the last event that was delivered arrived in the stream.
    last_event_time: Option<String>,
}

/// What was removed.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SourceRemoved)]
pub(crate) struct SourceRemovedAnswer {
    /// The source's id.
    id: Uuid,
    /// The stream's ARN.
    #[serde(rename = "streamARN")]
    stream_arn: String,
    /// The table's database.
    database_name: String,
    /// The table's name.
    table_name: String,
    /// What became of the table: `keep` or `drop`.
    table: String,
    /// Whether the stream's trigger was deleted: it was the last source.
    trigger_deleted: bool,
}

/// What was repaired, and what was not.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Repair)]
pub(crate) struct RepairAnswer {
    /// What was done, in order.
    done: Vec<RepairStepAnswer>,
    /// What is left for a person.
    left: Vec<RepairStepAnswer>,
}

/// One thing that was repaired, or was not.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RepairStep)]
pub(crate) struct RepairStepAnswer {
    /// The source's id, if it has one.
    id: Option<Uuid>,
    /// The table, `database.table`.
    table: String,
    /// What was done, or what is wrong and what to do.
    what: String,
}
