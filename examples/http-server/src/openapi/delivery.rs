//! The library's words for delivery, as OpenAPI describes them. Never constructed.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// What to consume, and until when.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ConsumeOptions)]
pub(crate) struct ConsumeRequest {
    /// The stream, by name or ARN.
    #[schema(example = "clicks")]
    stream_name: String,
    /// Whether it ends when every shard is delivered to its present end. Default: yes.
    until_caught_up: Option<bool>,
    /// How many seconds it may run. Default, and at most: nine tenths of what a request may take.
    time_limit_seconds: Option<f64>,
    /// Where to begin in shards of which nothing was delivered yet: `oldest`, `now` or an ISO 8601 time. Default: where each
    /// source was created to begin.
    position: Option<String>,
}

/// What a consumer has done. Events are counted for each table: received = delivered + quarantined + duplicates skipped.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ConsumeReport)]
pub(crate) struct ConsumeReportAnswer {
    /// The stream's name.
    stream_name: String,
    /// The stream's ARN.
    #[serde(rename = "streamARN")]
    stream_arn: String,
    /// Why it ended: `caughtUp` or `timeLimit`.
    #[schema(example = "caughtUp")]
    ended: String,
    /// How long it ran.
    seconds: f64,
    /// Kinesis records that all tables have.
    records: u64,
    /// Events that came.
    received: u64,
    /// Events that became rows.
    delivered: u64,
    /// Events that went to quarantine.
    quarantined: u64,
    /// Events that a table had before.
    duplicates_skipped: u64,
    /// Each shard that was read, by its id.
    shards: Vec<ShardProgressAnswer>,
}

/// What a consumer has done with one shard.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ShardProgress)]
pub(crate) struct ShardProgressAnswer {
    /// The shard's id.
    shard: String,
    /// Kinesis records that all tables have.
    records: u64,
    /// Events that came.
    received: u64,
    /// Events that became rows.
    delivered: u64,
    /// Events that went to quarantine.
    quarantined: u64,
    /// Events that a table had before.
    duplicates_skipped: u64,
    /// The sequence number up to which all tables have the shard.
    to: Option<String>,
    /// Whether the shard is closed, and delivered to its end.
    ended: bool,
    /// Why it does not go on, where it does not.
    #[schema(required = false)]
    error: Option<String>,
}

/// Which source a report is about.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ReportOptions)]
pub(crate) struct DeliveryReportRequest {
    /// The table.
    table_name: String,
    /// Its database. Default: `default`.
    database_name: Option<String>,
    /// The stream, by name or ARN: needed only where several fill the table.
    stream_name: Option<String>,
    /// Counts the table's rows and compares them with what was inserted. This reads one column of the whole table. Default:
    /// no.
    count_rows: Option<bool>,
}

/// What became of the events of a source.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DeliveryReport)]
pub(crate) struct DeliveryReportAnswer {
    /// The stream's name.
    stream_name: String,
    /// The stream's ARN.
    #[serde(rename = "streamARN")]
    stream_arn: String,
    /// The table's name.
    table_name: String,
    /// The table's database.
    database_name: String,
    /// The table's UUID.
    #[serde(rename = "tableUUID")]
    table_uuid: Uuid,
    /// Whether all events that came are accounted for: in every shard received = inserted + quarantined + duplicates +
    /// abandoned, none is known to be missing or in doubt, no shard has stopped, no events have waited for more than half
    /// the stream's retention, and the row count matches, if rows were counted.
    balanced: bool,
    /// Events that came, as often as they came.
    received: u64,
    /// Events that became rows.
    inserted: u64,
    /// Events that went to quarantine.
    quarantined: u64,
    /// Events that came again, and were passed over.
    duplicates: u64,
    /// Events that somebody has given up.
    abandoned: u64,
    /// Each shard of the stream, and each that the ledger knows, by its id.
    shards: Vec<ShardReportAnswer>,
    /// What of all this is, or was, in quarantine.
    quarantine: QuarantineCountsAnswer,
    /// The number of rows in the table, compared with what was inserted. `null` unless `countRows` was set and the rows can
    /// be counted.
    counted: Option<RowCountAnswer>,
    /// What is wrong, for a person; empty if `balanced`.
    errors: Vec<String>,
    /// What puts the delivery at risk, for a person.
    warnings: Vec<String>,
}

/// What became of the events of one shard.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ShardReport)]
pub(crate) struct ShardReportAnswer {
    /// The shard's id.
    shard: String,
    /// How it stands: `caughtUp`, `delivering`, `finished`, `waiting`, `failing` or `uncertain`.
    #[schema(example = "caughtUp")]
    state: String,
    /// Events that came, as often as they came.
    received: u64,
    /// Events that became rows.
    inserted: u64,
    /// Events that went to quarantine.
    quarantined: u64,
    /// Events that came again, and were passed over.
    duplicates: u64,
    /// Events that somebody has given up.
    abandoned: u64,
    /// The first event that was delivered: sequence number, dot, place in the record.
    from: Option<String>,
    /// The last event that was delivered, and all between the two were.
    to: Option<String>,
    /// When the last event that was delivered arrived in the stream.
    #[schema(format = DateTime)]
    last_event_time: Option<String>,
    /// How old the oldest undelivered event is; 0 if there is none, `null` if that could not be found out.
    lag_seconds: Option<f64>,
    /// After how long that event expires.
    expires_in_seconds: Option<f64>,
    /// The range that may be in the table, or not: first event, hyphen, last event.
    open_range: Option<String>,
    /// Why it does not go on.
    trouble: Option<DeliveryTroubleAnswer>,
    /// Ranges of events that were lost before they could be delivered.
    gaps: Vec<GapReportAnswer>,
}

/// Why a shard does not go on.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DeliveryTrouble)]
pub(crate) struct DeliveryTroubleAnswer {
    /// `failing`: ClickHouse does not take the events. `uncertain`: whether the range is in the table cannot be known.
    kind: String,
    /// ClickHouse's number, where it gave one.
    server_code: Option<u32>,
    /// Since when.
    #[schema(format = DateTime)]
    since: String,
}

/// A range of events that were lost; how many they were nobody knows.
#[derive(Serialize, ToSchema)]
#[schema(as = GapReport)]
pub(crate) struct GapReportAnswer {
    /// The last event before them.
    after: String,
    /// The first event after them.
    before: String,
    /// When that was found out.
    #[schema(format = DateTime)]
    since: String,
}

/// How many rows Helios has inserted into a table, for all its sources.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RowCount)]
pub(crate) struct RowCountAnswer {
    /// Rows that the table has.
    rows: u64,
    /// Rows that it must have at least: those whose insert has finished.
    expected: u64,
    /// Rows that it may have in addition: those whose insert is in progress.
    under_way: u64,
}

/// The quarantine of a table.
#[derive(Serialize, ToSchema)]
#[schema(as = QuarantineCounts)]
pub(crate) struct QuarantineCountsAnswer {
    /// Events in it now.
    events: u64,
    /// Events that were replayed into the table since.
    replayed: u64,
    /// Events that were discarded.
    discarded: u64,
}

/// Which open range to settle, and how.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SettleRange)]
pub(crate) struct SettleRangeRequest {
    /// The table.
    table_name: String,
    /// Its database. Default: `default`.
    database_name: Option<String>,
    /// The stream, if several feed the table.
    stream_name: Option<String>,
    /// The shard; `quarantine` for a replay of rejects that was interrupted.
    shard: String,
    /// What became of the range: `committed`, its rows are in the table; `absent`, none of them is; `abandon`, it is given up.
    #[schema(example = "committed")]
    outcome: String,
}

/// A range that was settled.
#[derive(Serialize, ToSchema)]
#[schema(as = RangeSettled)]
pub(crate) struct RangeSettledAnswer {
    /// The shard.
    shard: String,
    /// The first event of the range and its last.
    range: String,
    /// How: `committed`, `absent` or `abandon`.
    outcome: String,
    /// What follows, for a person.
    message: String,
}
