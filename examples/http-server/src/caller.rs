//! On whose behalf a request runs.

use std::convert::Infallible;

use axum::{extract::FromRequestParts, http::request::Parts};
use helios_core::HeliosClient;

use crate::{
    access::Granted, error::ApiError, refusal::Refusal, role::Role, session::SessionId, state::AppState,
};

/// The client of the request's session, for what touches AWS.
///
/// A request without a session gets no client, unless the operator set `--run-as-operator`. A session that has ended is not
/// replaced in silence either: its owner must know that it is over.
#[derive(Debug)]
pub(crate) struct Caller(pub(crate) HeliosClient);

impl FromRequestParts<AppState> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let client = match state.session_id(&parts.headers) {
            Some(id) => state.sessions().client(&id).ok_or(Refusal::SessionEnded)?,
            None if state.config().run_as_operator => state.client().clone(),
            None => return Err(Refusal::NoSession.into()),
        };
        Ok(Self(client))
    }
}

/// Permission to use ClickHouse, for endpoints that do not use AWS. Callers that a token or a trusted proxy admits have it. Without
/// either, every program on this machine has it, and on other addresses every session.
#[derive(Debug)]
pub(crate) struct Reader(pub(crate) HeliosClient);

impl FromRequestParts<AppState> for Reader {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        if !state.config().is_local() && !state.names_callers() {
            Caller::from_request_parts(parts, state).await?;
        }
        Ok(Self(state.client().clone()))
    }
}

/// The same for operations that send their own queries, under a query's limits of time and memory. With a session, the client stays
/// within the session's account.
#[derive(Debug)]
pub(crate) struct LimitedReader(pub(crate) HeliosClient);

impl FromRequestParts<AppState> for LimitedReader {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let client = if state.session_id(&parts.headers).is_some() {
            Caller::from_request_parts(parts, state).await?.0
        } else {
            Reader::from_request_parts(parts, state).await?.0
        };
        Ok(Self(client.with_limits(&state.config().query.of_reading())))
    }
}

/// The session or the token that began a query. Callers with neither cannot be told apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Owner {
    session: Option<SessionId>,
    token: Option<String>,
}

impl Owner {
    #[cfg(test)]
    pub(crate) fn of_token(name: &str) -> Self {
        Self { session: None, token: Some(name.to_owned()) }
    }
}

impl FromRequestParts<AppState> for Owner {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Infallible> {
        let token = parts.extensions.get::<Granted>().and_then(|granted| granted.name.clone());
        Ok(Self { session: state.session_id(&parts.headers), token })
    }
}

/// Whether the caller may run SQL that writes: an admin may, if the server allows it at all.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MayWrite(pub(crate) bool);

impl FromRequestParts<AppState> for MayWrite {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Infallible> {
        let is_admin = parts.extensions.get::<Granted>().is_some_and(|granted| granted.role == Role::Admin);
        Ok(Self(is_admin && state.config().allow_writes))
    }
}
