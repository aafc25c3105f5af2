//! `POST /api/logout`

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use serde_json::json;

use crate::{session::SessionId, state::AppState};

/// Ends the session, if there is one.
#[utoipa::path(
    post,
    tag = "Helios",
    path = "/api/logout",
    responses((status = 200, body = inline(serde_json::Value), example = json!({"authenticated": false})))
)]
pub(crate) async fn logout(State(state): State<AppState>, headers: HeaderMap) -> Response {
    if let Some(id) = state.session_id(&headers) {
        state.sessions().close(&id);
    }
    let mut answer = Json(json!({"authenticated": false})).into_response();
    let cookie = SessionId::clear_cookie(state.config().behind_https);
    answer.headers_mut().extend(cookie.map(|cookie| (header::SET_COOKIE, cookie)));
    answer
}
