//! The library's own types, as OpenAPI describes them. Never constructed: the library's are what is sent.

use serde::Serialize;
use utoipa::ToSchema;

/// The ClickHouse of the server.
#[derive(Serialize, ToSchema)]
#[schema(as = Engine)]
pub(crate) struct EngineAnswer {
    /// ClickHouse's version.
    #[schema(example = "26.7.2.1")]
    version: String,
    /// What the embedded engine is and where it was loaded from; `null` if ClickHouse is a server.
    #[schema(example = "libchdb, /opt/libchdb.so")]
    origin: Option<String>,
}

/// The result of a query.
#[derive(Serialize, ToSchema)]
#[schema(as = QueryResult)]
pub(crate) struct QueryAnswer {
    /// A JSON object per row, values under their columns' names.
    #[schema(value_type = Vec<Object>)]
    data: (),
    /// What the result is; it comes last on the wire.
    metadata: QueryMetadataAnswer,
}

/// What a result is.
#[derive(Serialize, ToSchema)]
#[schema(as = QueryMetadata)]
pub(crate) struct QueryMetadataAnswer {
    /// The SQL text as it was given.
    query: String,
    /// How many rows `data` has.
    row_count: u64,
    /// The columns' names, in order.
    column_names: Vec<String>,
    /// The columns' full ClickHouse types, in order.
    column_types: Vec<String>,
}

/// What came of cancelling a query.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = QueryCancelled)]
pub(crate) struct QueryCancelledAnswer {
    /// The query's name.
    #[schema(example = "report-7")]
    pub(crate) query_id: String,
    /// Whether it was running. It is told to end.
    pub(crate) found: bool,
}

/// How far a query is.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = QueryProgress)]
pub(crate) struct QueryProgressAnswer {
    /// The query's name.
    #[schema(example = "report-7")]
    query_id: String,
    /// Rows read so far.
    read_rows: u64,
    /// Bytes read so far, in memory.
    read_bytes: u64,
    /// About how many rows there are to read, by ClickHouse's own estimate.
    #[schema(required)]
    total_rows: Option<u64>,
    /// How long it has run.
    elapsed_seconds: f64,
    /// Bytes of memory that it holds.
    memory_usage: u64,
}

/// Keys, with what belongs to them. `profile`, and no keys at all, are for the operator's own use of the server.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CredentialsRequest {
    /// The access key id.
    #[schema(example = "AKIAIOSFODNN7EXAMPLE")]
    access_key: Option<String>,
    /// Its secret.
    #[schema(format = Password)]
    secret_key: Option<String>,
    /// The token of temporary keys.
    #[schema(format = Password)]
    session_token: Option<String>,
    /// The region of this session.
    #[schema(example = "eu-west-1")]
    region: Option<String>,
    /// A role to act in.
    role_arn: Option<String>,
    /// The external id that the role asks for.
    external_id: Option<String>,
    /// A profile of the AWS configuration on the server.
    profile: Option<String>,
}

/// Credentials that were accepted.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Authentication)]
pub(crate) struct AuthenticationAnswer {
    /// Always `true`: what fails is an error.
    authenticated: bool,
    /// Every stream of the region, sorted.
    stream_names: Vec<String>,
    /// The AWS account.
    account: String,
    /// The user or role.
    arn: String,
}

/// A column.
#[derive(Serialize, ToSchema)]
#[schema(as = Column)]
pub(crate) struct ColumnAnswer {
    /// The name.
    #[schema(example = "user_id")]
    name: String,
    /// The ClickHouse type.
    #[serde(rename = "type")]
    #[schema(example = "UInt64")]
    data_type: String,
    /// What stands in for an absent field: `null`, a boolean, a number, a text, or a list of such.
    #[schema(value_type = serde_json::Value, required = false)]
    default: (),
    /// The field of an event that it is filled from, as a JSON Pointer. Default: the top-level field of its name.
    #[schema(required = false, example = "/user/id")]
    field: Option<String>,
    /// In which unit numbers count the time since 1970, of a `DateTime` or `DateTime64`: `seconds`, `milliseconds`,
    /// `microseconds` or `nanoseconds`. Default: integers that are times of this century in one of them, and the type, decide.
    #[schema(required = false, example = "milliseconds")]
    unit: Option<String>,
}

/// Which stream to look into, and how far.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SampleRequest)]
pub(crate) struct SampleBody {
    /// The stream, by name or ARN.
    #[schema(example = "clicks")]
    stream_name: String,
    /// How to read, and how types are inferred.
    #[serde(flatten)]
    sampling: SamplingRequest,
}

/// How to sample a stream, and how types are inferred.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Sampling)]
pub(crate) struct SamplingRequest {
    /// How many events to read at most. Default: 100.
    max_events: Option<u64>,
    /// Where to begin: `oldest`, `now` or an ISO 8601 time. Default: recent history first, then new arrivals.
    #[schema(example = "oldest")]
    position: Option<String>,
    /// Up to when, an ISO 8601 time: what arrived before. Default: up to the present end.
    #[schema(example = "2026-01-31T12:00:00Z")]
    until: Option<String>,
    /// How many seconds to read at most, up to 30. Default: 10.
    time_limit_seconds: Option<f64>,
    /// How types are chosen, where there is a choice.
    inference: Option<InferenceRequest>,
}

/// What a stream holds.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = StreamSample)]
pub(crate) struct SampleAnswer {
    /// One typical event as it was sent; `null` if the sample has none.
    #[schema(value_type = Option<Object>)]
    sample_event: (),
    /// The columns that every sampled event fits.
    inferred_schema: Vec<ColumnAnswer>,
    /// The first events, and what was none: at most 10 of each.
    samples: Vec<SampleRecordAnswer>,
    /// What each column's type rests on, and how sure it is.
    columns: Vec<EvidenceAnswer>,
    /// Keys of a table with these columns.
    proposal: ProposalAnswer,
    /// The statement that would make such a table, of the stream's name.
    create_table_query: Option<String>,
    /// How many events were read.
    events_read: u64,
    /// How many of them are no JSON objects.
    unreadable: u64,
    /// Why there are no more: `max_events`, `max_bytes`, `end_of_stream`, `time_limit`; `no_records` if there is none at all.
    #[schema(example = "max_events")]
    ended_by: String,
    /// What else is worth knowing.
    notes: Vec<String>,
}

/// How types are chosen, where there is a choice.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Inference)]
pub(crate) struct InferenceRequest {
    /// `wide`, 64 bits and more, or `narrow`, as few as hold the sampled values. Default: `wide`.
    integers: Option<String>,
    /// What numbers with a fraction become: `float`, or `decimal`, numbers in quotes too. Default: `float`.
    decimals: Option<String>,
    /// Which columns may be null: those of which a value was (`whereMissing`), `never`, `always`. Default: `whereMissing`.
    nullable: Option<String>,
    /// What objects become: `auto` (tuples, maps, JSON), `flatten` (a column for each field), `json`,
    /// `text`. Default: `auto`.
    objects: Option<String>,
    /// Whether strings that repeat become `LowCardinality(String)`. Default: yes.
    low_cardinality: Option<bool>,
}

/// One sampled event, and where it was.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SampleRecord)]
pub(crate) struct SampleRecordAnswer {
    /// The shard.
    shard: String,
    /// The sequence number of its record.
    sequence_number: String,
    /// Its place in the record.
    sub_sequence: u64,
    /// When it arrived, roughly.
    arrived_at: String,
    /// The event as it was sent; `null` for what is none.
    #[schema(value_type = Option<Object>)]
    event: (),
    /// The first 256 bytes of what is no event.
    raw: Option<String>,
    /// Why it is none.
    why: Option<String>,
}

/// What the type of a column rests on.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ColumnEvidence)]
pub(crate) struct EvidenceAnswer {
    /// The column.
    name: String,
    /// Its ClickHouse type.
    #[serde(rename = "type")]
    data_type: String,
    /// Events with a value other than `null`.
    present: u64,
    /// Events with `null`.
    null: u64,
    /// Events without the key.
    absent: u64,
    /// How many values were of each kind.
    #[schema(value_type = Object)]
    kinds: (),
    /// The least number or the first string, as JSON text.
    min: Option<String>,
    /// The greatest number or the last string.
    max: Option<String>,
    /// How many different values: exact up to 1,024, else within some percent.
    distinct: Option<u64>,
    /// The first different values as JSON text.
    examples: Vec<String>,
    /// Why this type, and not a narrower one.
    why: String,
    /// How far the sample bears it out: `low`, `medium`, `high`.
    #[schema(example = "high")]
    confidence: String,
    /// What a person who knows the stream may prefer.
    suggestions: Vec<SuggestionAnswer>,
}

/// Another type that fits the sampled values.
#[derive(Serialize, ToSchema)]
#[schema(as = Suggestion)]
pub(crate) struct SuggestionAnswer {
    /// The type.
    #[serde(rename = "type")]
    data_type: String,
    /// What speaks for it, and what is lost if it is wrong.
    why: String,
    /// The unit in which the numbers count the time since 1970, for the column's `unit`.
    unit: Option<String>,
}

/// Keys of a table, and why these.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Proposal)]
pub(crate) struct ProposalAnswer {
    /// The sorting key: columns that are never null.
    order_by: Vec<String>,
    /// The partition key.
    partition_by: Option<String>,
    /// The column with the time of an event.
    time_column: Option<String>,
    /// A reason for each of these.
    why: Vec<String>,
}
