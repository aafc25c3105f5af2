//! `POST /api/query`

use std::collections::BTreeMap;

use axum::{
    body::Body,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use futures_util::StreamExt as _;
use helios_core::warehouse::QueryOptions;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::{
    caller::Reader,
    error::{ApiError, ErrorBody},
    extract::JsonBody,
    openapi::answers::QueryAnswer,
    read_only,
    state::AppState,
};

/// One statement.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct QueryRequest {
    /// The SQL text, without a FORMAT clause.
    #[schema(example = "SELECT event_type, count() AS n FROM events GROUP BY event_type")]
    query: String,
    /// Values of `{name:Type}` in the text, as text. They never become SQL.
    #[serde(default)]
    parameters: BTreeMap<String, String>,
    /// The database of tables named without one.
    database: Option<String>,
    /// 64-bit integers as text, for readers whose numbers are doubles.
    #[serde(default, rename = "quote64BitIntegers")]
    quote_64bit_integers: bool,
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
    let options = QueryOptions {
        parameters: request.parameters,
        database: request.database,
        quote_64bit_integers: request.quote_64bit_integers,
        ..state.config().query.options(state.config().allow_writes)
    };
    if options.read_only {
        read_only::check(&client, &request.query, &options).await?;
    }
    let chunks = client.query_stream(&request.query, &options).await?.map(move |chunk| {
        // The query runs, and holds its slot, until its last chunk is read or its reader is gone.
        let _slot = &slot;
        chunk.inspect_err(
            |error| tracing::warn!(kind = %error.kind(), "The query failed after its answer began."),
        )
    });
    Ok(([(header::CONTENT_TYPE, "application/json")], Body::from_stream(chunks)).into_response())
}
