//! `POST /api/query`

use std::time::Duration;

use axum::{
    body::Body,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use futures_util::StreamExt as _;
use helios_core::warehouse::{Parameters, QueryId, QueryOptions, TimeForm, WideIntegers};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::{
    caller::Reader,
    error::{ApiError, ErrorBody},
    extract::JsonBody,
    openapi::answers::QueryAnswer,
    read_only,
    refusal::Refusal,
    state::AppState,
};

/// One statement, and how it may run. The limits may be lower than the server's, not higher.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct QueryRequest {
    /// The SQL text, without a FORMAT clause.
    #[schema(example = "SELECT event_type, count() AS n FROM events GROUP BY event_type")]
    query: String,
    /// Values of `{name:Type}` in the text: texts, numbers, truth values, lists of these. They never become SQL.
    #[serde(default)]
    #[schema(value_type = Option<std::collections::BTreeMap<String, String>>)]
    parameters: Parameters,
    /// The database of tables named without one.
    database: Option<String>,
    /// Refuse what writes, also where the server allows it.
    #[serde(default)]
    read_only: bool,
    /// Seconds that the query may take.
    max_execution_seconds: Option<f64>,
    /// Fail if the result has more rows.
    max_result_rows: Option<u64>,
    /// Fail if the result has more bytes.
    max_result_bytes: Option<u64>,
    /// Fail if the query needs more memory, in bytes.
    max_memory_usage: Option<u64>,
    /// The first so many rows, and no more.
    limit: Option<u64>,
    /// 64-bit integers as text, for readers whose numbers are doubles.
    #[serde(default, rename = "quote64BitIntegers")]
    quote_64bit_integers: bool,
    /// How times are written in text: `iso`, `simple` or `unixTimestamp`.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "iso")]
    times: TimeForm,
    /// What 128 and 256-bit integers are in Arrow: `text` or `decimal`.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "text")]
    wide_integers: WideIntegers,
    /// The name by which the query can be cancelled and watched.
    #[schema(value_type = Option<String>, example = "report-7")]
    query_id: Option<QueryId>,
}

impl QueryRequest {
    fn into_parts(self) -> Result<(String, QueryOptions), Refusal> {
        let seconds = self.max_execution_seconds.map(Duration::try_from_secs_f64).transpose();
        let max_execution_time =
            seconds.map_err(|error| Refusal::BadBody(format!("`maxExecutionSeconds`: {error}")))?;
        let options = QueryOptions {
            parameters: self.parameters,
            database: self.database,
            read_only: self.read_only,
            max_execution_time,
            max_result_rows: self.max_result_rows,
            max_result_bytes: self.max_result_bytes,
            max_memory_usage: self.max_memory_usage,
            limit: self.limit,
            quote_64bit_integers: self.quote_64bit_integers,
            times: self.times,
            wide_integers: self.wide_integers,
            query_id: self.query_id,
        };
        Ok((self.query, options))
    }
}

/// Runs a query and streams its result: data first, metadata last. An error midway cuts the connection, so that no
/// reader takes half a result for a whole one.
#[utoipa::path(
    post,
    tag = "Helios",
    path = "/api/query",
    request_body = QueryRequest,
    responses(
        (status = 200, body = QueryAnswer),
        (status = "4XX", body = ErrorBody),
        (status = "5XX", body = ErrorBody),
    )
)]
pub(crate) async fn query(
    State(state): State<AppState>,
    Reader(client): Reader,
    JsonBody(request): JsonBody<QueryRequest>,
) -> Result<Response, ApiError> {
    let slot = state.query_slot()?;
    let (sql, asked) = request.into_parts()?;
    let options = state.config().query.within(asked, state.config().allow_writes)?;
    if options.read_only {
        read_only::check(&client, &sql, &options).await?;
    }
    let chunks = client.query_json(&sql, &options).await?.map(move |chunk| {
        // The query runs, and holds its slot, until its last chunk is read or its reader is gone.
        let _slot = &slot;
        chunk.inspect_err(
            |error| tracing::warn!(kind = %error.kind(), "The query failed after its answer began."),
        )
    });
    Ok(([(header::CONTENT_TYPE, "application/json")], Body::from_stream(chunks)).into_response())
}
