//! `POST /api/cancel-query`, `POST /api/query-progress`: queries that this server runs, by their names.
//!
//! Neither takes a slot: a server that is busy with queries must be able to end one.

use axum::{Json, extract::State};
use helios_core::{QueryId, QueryProgress};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::{
    caller::{Owner, Reader},
    error::{ApiError, ErrorBody},
    extract::JsonBody,
    openapi::answers::{QueryCancelledAnswer, QueryProgressAnswer},
    refusal::Refusal,
    state::AppState,
};

/// A query by its name.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct RunningQueryRequest {
    /// The name: `queryId` of the query, or the header `X-Helios-Query-Id` of its answer.
    #[schema(value_type = String, example = "report-7")]
    query_id: QueryId,
}

/// Ends a query that this server runs. Whoever reads its answer sees it break off.
#[utoipa::path(
    post,
    tag = "Helios",
    path = "/api/cancel-query",
    request_body = RunningQueryRequest,
    responses(
        (status = 200, body = QueryCancelledAnswer),
        (status = "4XX", body = ErrorBody),
        (status = "5XX", body = ErrorBody),
    )
)]
pub(crate) async fn cancel_query(
    State(state): State<AppState>,
    Reader(client): Reader,
    owner: Owner,
    JsonBody(RunningQueryRequest { query_id }): JsonBody<RunningQueryRequest>,
) -> Result<Json<QueryCancelledAnswer>, ApiError> {
    let found = state.queries().are_running(&query_id, &owner) && client.cancel_query(&query_id).await?.found;
    Ok(Json(QueryCancelledAnswer { query_id: query_id.into(), found }))
}

/// How far a query is that this server runs.
#[utoipa::path(
    post,
    tag = "Helios",
    path = "/api/query-progress",
    request_body = RunningQueryRequest,
    responses(
        (status = 200, body = QueryProgressAnswer),
        (status = 404, description = "No such query runs.", body = ErrorBody),
        (status = "4XX", body = ErrorBody),
        (status = "5XX", body = ErrorBody),
    )
)]
pub(crate) async fn query_progress(
    State(state): State<AppState>,
    Reader(client): Reader,
    owner: Owner,
    JsonBody(RunningQueryRequest { query_id }): JsonBody<RunningQueryRequest>,
) -> Result<Json<QueryProgress>, ApiError> {
    if !state.queries().are_running(&query_id, &owner) {
        return Err(Refusal::NoSuchQuery.into());
    }
    Ok(Json(client.query_progress(&query_id).await?.ok_or(Refusal::NoSuchQuery)?))
}
