//! `POST /api/query`

use std::time::Duration;

use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, header},
    response::{IntoResponse, Response},
};
use helios_core::{QueryId, QueryOptions, ResultFormat, TimeForm, WideIntegers, warehouse::Parameters};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::{
    accept,
    caller::{MayWrite, Owner, Reader},
    error::{ApiError, ErrorBody},
    extract::JsonBody,
    openapi::answers::QueryAnswer,
    refusal::Refusal,
    state::AppState,
    under_way::{Chunks, UnderWay},
};

/// The query's name, for those who did not choose it.
const QUERY_ID: HeaderName = HeaderName::from_static("x-helios-query-id");

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
    /// Fail if the result has more bytes, in ClickHouse or as it is sent.
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
    /// The form of the result: `json`, `ndjson`, `csv`, `arrow` or `parquet`. Default: by the header `Accept`, JSON without.
    #[schema(value_type = Option<String>, example = "csv")]
    format: Option<ResultFormat>,
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

/// Runs a query and streams its result: in JSON data first, metadata last. An error midway cuts the connection, so that no
/// reader takes half a result for a whole one. The header `X-Helios-Query-Id` has the query's name.
#[utoipa::path(
    post,
    tag = "Helios",
    path = "/api/query",
    request_body = QueryRequest,
    responses(
        (status = 200, content(
            (QueryAnswer = "application/json"),
            (String = "application/x-ndjson"),
            (String = "text/csv"),
            (Vec<u8> = "application/vnd.apache.arrow.stream"),
            (Vec<u8> = "application/vnd.apache.parquet"),
        )),
        (status = "4XX", body = ErrorBody),
        (status = "5XX", body = ErrorBody),
    )
)]
pub(crate) async fn query(
    State(state): State<AppState>,
    Reader(client): Reader,
    owner: Owner,
    MayWrite(may_write): MayWrite,
    headers: HeaderMap,
    JsonBody(request): JsonBody<QueryRequest>,
) -> Result<Response, ApiError> {
    let slot = state.query_slot()?;
    let format = request.format.map_or_else(|| accept::format(&headers), Ok)?;
    let (sql, asked) = request.into_parts()?;
    let mut options = state.config().query.within(asked, may_write)?;
    let id = options.query_id.get_or_insert_with(QueryId::random).clone();
    let noted = state.queries().begin(&id, &owner)?;
    state.check_itself().await?;
    // From here on the reader may leave at any moment, and the statement runs on.
    let under_way = UnderWay::new(client.clone(), id.clone(), (slot, noted));
    let answer = match client.query_bytes(&sql, &options, format).await {
        Ok(chunks) => {
            let chunks = Body::from_stream(Chunks::new(chunks, under_way));
            Ok(([(header::CONTENT_TYPE, format.media_type())], chunks))
        }
        Err(error) => {
            under_way.failed(&error);
            Err(ApiError::from(error))
        }
    };
    let mut response = answer.into_response();
    if let Ok(id) = HeaderValue::from_str(id.as_str()) {
        response.headers_mut().insert(QUERY_ID, id);
    }
    Ok(response)
}
