//! On whose behalf a request runs.

use axum::{extract::FromRequestParts, http::request::Parts};
use helios_core::HeliosClient;

use crate::{error::ApiError, refusal::Refusal, session::SessionId, state::AppState};

/// The client of the request's session, for what touches AWS.
///
/// Without a session that is nobody, never the server itself, unless it was set up to run as its operator. A session
/// that has ended is not replaced in silence either: who had one must know that it is over.
#[derive(Debug)]
pub(crate) struct Caller(pub(crate) HeliosClient);

impl FromRequestParts<AppState> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let client = match SessionId::of(&parts.headers) {
            Some(id) => state.sessions().client(&id).ok_or(Refusal::SessionEnded)?,
            None if state.config().run_as_operator => state.client().clone(),
            None => return Err(Refusal::NoSession.into()),
        };
        Ok(Self(client))
    }
}

/// Leave to use ClickHouse, for what does not touch AWS: anybody on this machine, elsewhere those with a session.
#[derive(Debug)]
pub(crate) struct Reader(pub(crate) HeliosClient);

impl FromRequestParts<AppState> for Reader {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        if !state.config().is_local() {
            Caller::from_request_parts(parts, state).await?;
        }
        Ok(Self(state.client().clone()))
    }
}

/// The same for what asks ClickHouse on its own, under the limits that a query has of time and memory.
#[derive(Debug)]
pub(crate) struct LimitedReader(pub(crate) HeliosClient);

impl FromRequestParts<AppState> for LimitedReader {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let Reader(client) = Reader::from_request_parts(parts, state).await?;
        Ok(Self(client.with_limits(&state.config().query.of_reading())))
    }
}
