//! `GET /openapi.json`

use axum::Json;
use utoipa::{OpenApi as _, openapi::OpenApi};

use crate::openapi::Description;

/// The description of all endpoints.
pub(crate) async fn openapi() -> Json<OpenApi> {
    Json(Description::openapi())
}
