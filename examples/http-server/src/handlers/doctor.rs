//! `GET /api/doctor`

use axum::Json;
use helios_core::Diagnosis;

use crate::{
    caller::Caller,
    error::{ApiError, ErrorBody},
    openapi::sources::DiagnosisAnswer,
};

/// Looks at all that Helios needs, and says what is missing and what to do.
#[utoipa::path(
    get,
    tag = "Helios",
    path = "/api/doctor",
    responses(
        (status = 200, body = DiagnosisAnswer),
        (status = "4XX", body = ErrorBody),
        (status = "5XX", body = ErrorBody),
    )
)]
pub(crate) async fn doctor(Caller(client): Caller) -> Result<Json<Diagnosis>, ApiError> {
    Ok(Json(client.doctor().await?))
}
