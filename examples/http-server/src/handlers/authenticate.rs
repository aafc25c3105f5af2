//! `POST /api/authenticate`

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};

use helios_core::streams::CredentialsRequest;

use crate::{
    error::{ApiError, ErrorBody},
    extract::JsonBody,
    handlers::credentials::credentials,
    openapi::answers::{AuthenticationAnswer, CredentialsRequest as CredentialsBody},
    session::SessionId,
    state::AppState,
};

/// Checks AWS credentials, lists the streams they see, and begins a session that acts with them.
#[utoipa::path(
    post,
    tag = "Helios",
    path = "/api/authenticate",
    request_body = CredentialsBody,
    responses(
        (status = 200, body = AuthenticationAnswer,
         headers(("set-cookie", description = "helios_session, for the requests that follow"))),
        (status = "4XX", body = ErrorBody),
        (status = "5XX", body = ErrorBody),
    )
)]
pub(crate) async fn authenticate(
    State(state): State<AppState>,
    headers: HeaderMap,
    JsonBody(request): JsonBody<CredentialsRequest>,
) -> Result<Response, ApiError> {
    let own = state.client();
    let credentials = credentials(request, state.config().run_as_operator)?;
    let client = credentials.map_or_else(|| own.clone(), |credentials| own.with_credentials(credentials));
    let mut answer = Json(client.authenticate().await?).into_response();

    // Another id after every log-in: one that somebody planted in the browser before is worth nothing.
    if let Some(id) = SessionId::of(&headers) {
        state.sessions().close(&id);
    }
    let cookie = state.sessions().open(client).set_cookie(state.config().behind_https);
    answer.headers_mut().extend(cookie.map(|cookie| (header::SET_COOKIE, cookie)));
    Ok(answer)
}
