//! `POST /api/create-table`

use axum::Json;
use helios_core::{CreateTable, TableCreated};
use tracing::Instrument as _;

use crate::{
    caller::Caller,
    error::{ApiError, ErrorBody},
    extract::JsonBody,
    openapi::answers::{CreateTableRequest, TableCreatedAnswer},
    refusal::Refusal,
};

/// Makes a table and lets a stream fill it, all or nothing.
#[utoipa::path(
    post,
    tag = "Helios",
    path = "/api/create-table",
    request_body = CreateTableRequest,
    responses(
        (status = 200, body = TableCreatedAnswer),
        (status = "4XX", body = ErrorBody),
        (status = "5XX", body = ErrorBody),
    )
)]
pub(crate) async fn create_table(
    Caller(client): Caller,
    JsonBody(spec): JsonBody<CreateTable>,
) -> Result<Json<TableCreated>, ApiError> {
    // In a task of its own: it has effects in three systems, and a reader that goes away must not cut it in the middle.
    let creation = tokio::spawn(async move { client.create_table(&spec).await }.in_current_span());
    Ok(Json(creation.await.map_err(|_| Refusal::Panicked)??))
}
