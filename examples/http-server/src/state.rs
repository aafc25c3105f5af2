//! What every handler shares.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, request::Parts},
};
use governor::clock::DefaultClock;
use helios_core::{HeliosClient, QueryOptions, clock::SharedClock};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use crate::{
    ServerConfig,
    error::ApiError,
    login_limit::LoginLimit,
    queries::Queries,
    readiness::Readiness,
    refusal::Refusal,
    self_check::{SelfCheck, Trouble},
    session::{SessionId, Sessions},
    tokens::Tokens,
};

/// In which ClickHouse must answer `SELECT 1`, for the server to be ready.
const PATIENCE: Duration = Duration::from_secs(2);

/// The library's client, the sessions and the settings. A clone is the same state.
#[derive(Clone)]
pub struct AppState {
    client: HeliosClient,
    config: Arc<ServerConfig>,
    sessions: Sessions,
    logins: Arc<LoginLimit>,
    tokens: Arc<Tokens>,
    query_slots: Arc<Semaphore>,
    queries: Queries,
    self_check: Arc<SelfCheck>,
    readiness: Arc<Readiness>,
}

impl AppState {
    /// State around a client. Its AWS credentials serve no request unless the settings say so.
    #[must_use]
    pub fn new(client: HeliosClient, config: ServerConfig, clock: SharedClock) -> Self {
        let query_slots = Arc::new(Semaphore::new(config.query.query_max_concurrent.into()));
        let (sessions, queries) = (Sessions::new(clock), Queries::default());
        let (self_check, readiness) = (Arc::default(), Arc::default());
        let logins = Arc::new(LoginLimit::new(config.request.max_logins_per_minute, DefaultClock::default()));
        let tokens = Arc::default();
        let config = Arc::new(config);
        Self { client, config, sessions, logins, tokens, query_slots, queries, self_check, readiness }
    }

    /// The same state for callers with these tokens.
    pub(crate) fn with_tokens(self, tokens: Tokens) -> Self {
        Self { tokens: Arc::new(tokens), ..self }
    }

    /// Drops the credentials of ended sessions as time goes by. Never returns: run it beside the server.
    pub async fn sweep_sessions(&self) {
        self.sessions.sweep(|| self.logins.forget()).await;
    }

    pub(crate) fn client(&self) -> &HeliosClient {
        &self.client
    }

    pub(crate) fn config(&self) -> &ServerConfig {
        &self.config
    }

    /// The session that a request's cookie names.
    pub(crate) fn session_id(&self, headers: &HeaderMap) -> Option<SessionId> {
        SessionId::of(headers, self.config.behind_https)
    }

    pub(crate) fn logins(&self) -> &LoginLimit {
        &self.logins
    }

    pub(crate) fn tokens(&self) -> &Tokens {
        &self.tokens
    }

    /// Whether the operator says who may call.
    pub(crate) fn names_callers(&self) -> bool {
        !self.tokens.is_empty() || self.config.access.trusted_role_header.is_some()
    }

    pub(crate) fn sessions(&self) -> &Sessions {
        &self.sessions
    }

    pub(crate) fn queries(&self) -> &Queries {
        &self.queries
    }

    /// Sees that callers' SQL can do no harm, the first time.
    pub(crate) async fn check_itself(&self) -> Result<(), Trouble> {
        self.self_check.pass(&self.client, &self.config).await
    }

    /// Whether queries can run: ClickHouse answers, and the self-check has passed.
    pub(crate) async fn is_ready(&self) -> bool {
        let look = async {
            let limits =
                QueryOptions { max_execution_time: Some(PATIENCE), ..self.config.query.of_reading() };
            let asked = timeout(PATIENCE, self.client.query_with("SELECT 1", &limits)).await;
            let answered = asked.map_err(|_| "ClickHouse does not answer".to_owned())?;
            answered.map_err(|error| format!("{error:#}"))?;
            self.check_itself().await.map_err(|trouble| ApiError::from(trouble).body().error)
        };
        self.readiness.ask(Instant::now, look).await
    }

    /// Leave to run one query, until dropped.
    pub(crate) fn query_slot(&self) -> Result<OwnedSemaphorePermit, Refusal> {
        Arc::clone(&self.query_slots).try_acquire_owned().map_err(|_| Refusal::Overloaded)
    }
}

/// Leave to run one query, taken before anything else is done for a request, and held to its end.
pub(crate) struct QuerySlot {
    _permit: OwnedSemaphorePermit,
}

impl FromRequestParts<AppState> for QuerySlot {
    type Rejection = ApiError;

    async fn from_request_parts(_: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        Ok(Self { _permit: state.query_slot()? })
    }
}

impl fmt::Debug for AppState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AppState").field("sessions", &self.sessions).finish_non_exhaustive()
    }
}
