//! `GET /api/sources`

use axum::Json;
use helios_core::Source;

use crate::{
    caller::Caller,
    error::{ApiError, ErrorBody},
    openapi::answers::SourceAnswer,
};

/// Every stream that feeds a table.
#[utoipa::path(
    get,
    tag = "Helios",
    path = "/api/sources",
    responses(
        (status = 200, body = Vec<SourceAnswer>),
        (status = "4XX", body = ErrorBody),
        (status = "5XX", body = ErrorBody),
    )
)]
pub(crate) async fn sources(Caller(client): Caller) -> Result<Json<Vec<Source>>, ApiError> {
    Ok(Json(client.sources().await?))
}
