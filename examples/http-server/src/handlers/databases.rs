//! `GET /api/databases`

use axum::Json;
use helios_core::warehouse::Databases;

use crate::{
    caller::Reader,
    error::{ApiError, ErrorBody},
};

/// Every database with its tables, sorted.
#[utoipa::path(
    get,
    tag = "Helios",
    path = "/api/databases",
    responses(
        (status = 200, body = inline(std::collections::BTreeMap<String, Vec<String>>),
         example = json!({"default": ["events", "users"], "analytics": ["sessions"]})),
        (status = "4XX", body = ErrorBody),
        (status = "5XX", body = ErrorBody),
    )
)]
pub(crate) async fn databases(Reader(client): Reader) -> Result<Json<Databases>, ApiError> {
    Ok(Json(client.databases().await?))
}
