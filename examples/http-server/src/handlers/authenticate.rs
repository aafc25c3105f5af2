//! `POST /api/authenticate`

use std::net::IpAddr;

use axum::{
    Extension, Json,
    extract::State,
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};

use helios_core::streams::CredentialsRequest;

use crate::{
    access::Peer,
    error::{ApiError, ErrorBody},
    extract::JsonBody,
    handlers::credentials::credentials,
    openapi::answers::{AuthenticationAnswer, CredentialsRequest as CredentialsBody},
    refusal::Refusal,
    session::Identity,
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
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
    JsonBody(request): JsonBody<CredentialsRequest>,
) -> Result<Response, ApiError> {
    // Requests without a connection, as tests have them, share a place.
    let peer = peer.map_or(IpAddr::from([0, 0, 0, 0]), |Extension(Peer(peer))| peer);
    let counted = state.logins().count(peer);
    counted.map_err(|wait| Refusal::TooManyLogins(wait.as_secs() + 1))?;
    let own = state.client();
    let credentials = credentials(request, state.config().run_as_operator)?;
    let is_operator = credentials.is_none();
    let client = credentials.map_or_else(|| own.clone(), |credentials| own.with_credentials(credentials));
    let authenticated = client.authenticate().await?;
    let client = if is_operator { client } else { client.within_account(&authenticated.account) };

    // Another id after every log-in: one that was planted in the browser before is worth nothing.
    if let Some(id) = state.session_id(&headers) {
        state.sessions().close(&id);
    }
    let session = state.sessions().open(client, &authenticated.arn)?;
    let identity = Identity(authenticated.arn.clone());
    let mut answer = Json(authenticated).into_response();
    answer.extensions_mut().insert(identity);
    let cookie = session.set_cookie(state.config().behind_https);
    answer.headers_mut().extend(cookie.map(|cookie| (header::SET_COOKIE, cookie)));
    Ok(answer)
}
