//! The library's words for the quarantine, as OpenAPI describes them. Never constructed.

use serde::Serialize;
use utoipa::ToSchema;

/// Which rejects of a table are meant: all, or those that meet every condition given.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RejectSelection)]
pub(crate) struct RejectSelectionRequest {
    /// The table that the events were meant for.
    table_name: String,
    /// Its database. Default: `default`.
    database_name: Option<String>,
    /// The reason.
    #[schema(example = "out_of_range")]
    error_type: Option<String>,
    /// The place in the event, elements of lists by their number, or as `[*]`.
    #[schema(example = "$.place.tags[*]")]
    path: Option<String>,
    /// The record it was in.
    sequence_number: Option<String>,
    /// In quarantine since this time, or later.
    #[schema(format = DateTime)]
    since: Option<String>,
    /// In quarantine before this time.
    #[schema(format = DateTime)]
    until: Option<String>,
}

/// Which rejects to show.
#[derive(Serialize, ToSchema)]
#[schema(as = ShowRejects)]
pub(crate) struct ShowRejectsRequest {
    #[serde(flatten)]
    selection: RejectSelectionRequest,
    /// How many at most, 1 to 1000. Default: 20.
    limit: Option<u32>,
    /// How many to pass over. Default: 0.
    offset: Option<u64>,
}

/// Which rejects to replay.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ReplayRejects)]
pub(crate) struct ReplayRejectsRequest {
    #[serde(flatten)]
    selection: RejectSelectionRequest,
    /// Only try whether they would fit. Default: no.
    dry_run: Option<bool>,
}

/// What of a table's events is in quarantine.
#[derive(Serialize, ToSchema)]
#[schema(as = QuarantineSummary)]
pub(crate) struct QuarantineSummaryAnswer {
    /// How many events.
    total: u64,
    /// When the first of them came into quarantine.
    #[schema(format = DateTime)]
    oldest: Option<String>,
    /// When the last of them did.
    #[schema(format = DateTime)]
    newest: Option<String>,
    /// The same by reason and place, the largest group first, at most 1000.
    groups: Vec<RejectGroupAnswer>,
}

/// Rejects of one reason and place.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RejectGroup)]
pub(crate) struct RejectGroupAnswer {
    /// The reason.
    #[schema(example = "out_of_range")]
    error_type: String,
    /// Where in the event, elements of lists as `[*]`.
    #[schema(example = "$.user_id")]
    path: Option<String>,
    /// The column it did not fit into.
    column: Option<String>,
    /// The ClickHouse type that was wanted.
    #[schema(example = "UInt8")]
    wanted: Option<String>,
    /// How many events.
    events: u64,
    /// When the first of them came into quarantine.
    #[schema(format = DateTime)]
    oldest: String,
    /// When the last of them did.
    #[schema(format = DateTime)]
    newest: String,
    /// One of them, the newest; of its bytes the first 4096.
    example: StoredRejectAnswer,
}

/// One event in quarantine, with its reason and its bytes.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = StoredReject)]
pub(crate) struct StoredRejectAnswer {
    /// The reason.
    #[schema(example = "out_of_range")]
    error_type: String,
    /// The reason, for a person.
    error_message: String,
    /// The column it did not fit into, if it was one column's fault.
    column: Option<String>,
    /// Where in the event.
    #[schema(example = "$.place.tags[2]")]
    path: Option<String>,
    /// The ClickHouse type that was wanted there.
    wanted: Option<String>,
    /// The JSON value that was there, or its beginning.
    value: Option<String>,
    /// The event as it came; bytes that are not UTF-8 are shown as U+FFFD.
    raw_data: String,
    /// The bytes of an event that is not UTF-8.
    raw_data_base64: Option<String>,
    /// When it was put into quarantine.
    #[schema(format = DateTime)]
    insertion_timestamp: String,
    /// The stream's ARN.
    stream: String,
    /// The shard.
    shard: String,
    /// The sequence number of its record.
    sequence_number: String,
    /// Its place in the record.
    sub_sequence: u64,
    /// When the record arrived in the stream, as far as is known.
    #[schema(format = DateTime)]
    arrived_at: Option<String>,
    /// The schema that it did not fit.
    schema_version: String,
}

/// Rejects, the newest first.
#[derive(Serialize, ToSchema)]
#[schema(as = ShownRejects)]
pub(crate) struct ShownRejectsAnswer {
    /// How many there are.
    total: u64,
    /// Those that were asked for.
    rejects: Vec<StoredRejectAnswer>,
}

/// What came of a replay.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ReplayReport)]
pub(crate) struct ReplayReportAnswer {
    /// Whether it was only tried.
    dry_run: bool,
    /// How many rejects were looked at.
    considered: u64,
    /// How many of them fit the table as it is now.
    fit: u64,
    /// How many events have become rows and left the quarantine.
    replayed: u64,
    /// The same for a person.
    #[schema(example = "1204 of 1207 would now fit")]
    message: String,
    /// Why the others do not fit, the largest group first.
    remaining: Vec<RemainingRejectsAnswer>,
}

/// Rejects that still do not fit, of one reason and place.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RemainingRejects)]
pub(crate) struct RemainingRejectsAnswer {
    /// The reason now.
    error_type: String,
    /// Where in the event, elements of lists as `[*]`.
    path: Option<String>,
    /// The column it does not fit into.
    column: Option<String>,
    /// The ClickHouse type that is wanted.
    wanted: Option<String>,
    /// How many events.
    events: u64,
}

/// What was thrown away.
#[derive(Serialize, ToSchema)]
#[schema(as = Discarded)]
pub(crate) struct DiscardedAnswer {
    /// How many events.
    discarded: u64,
}

/// For how long the rejects of a table are kept.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Retention)]
pub(crate) struct RetentionAnswer {
    /// The table that the events were meant for.
    table_name: String,
    /// Its database. Default: `default`.
    #[schema(required = false)]
    database_name: String,
    /// After so many days ClickHouse deletes them, 1 to 36,500; `null`: never, as at first.
    #[schema(required)]
    days: Option<u32>,
}
