//! What the log says of a request besides its method, path and status: who sent it, if it may change something, and why it was
//! refused.

use axum::{extract::Request, response::Response};
use tracing::Span;

use crate::{
    access::{Granted, Peer},
    app::Endpoint,
    refusal::Refusal,
    role::Role,
    session::Identity,
    state::AppState,
};

/// What changes something, although the role `read` is enough for it.
const CHANGES: [&str; 3] = ["/api/authenticate", "/api/logout", "/api/cancel-query"];
/// Their errors may quote AWS keys, SQL, which may hold passwords, or events.
const CONFIDENTIAL: [&str; 4] = ["/api/authenticate", "/api/query", "/api/put-events", "/api/check-schema"];

/// Why a request failed. Only the endpoint knows whether the log may have the text.
#[derive(Clone, Debug)]
pub(crate) struct Cause {
    pub(crate) code: &'static str,
    /// `None` if it may hold a secret, whatever the endpoint.
    pub(crate) text: Option<String>,
}

/// Says in the log why a request failed.
pub(crate) fn explain(endpoint: Endpoint, response: &Response) {
    let Some(Cause { code, text }) = response.extensions().get() else { return };
    let error = text.as_deref().filter(|_| !CONFIDENTIAL.contains(&endpoint.path));
    tracing::debug!(code, error, "The request was answered with an error.");
}

/// A line in the log for a request that may change something. If no answer comes, it says that instead.
#[derive(Debug)]
pub(crate) struct Audit(Option<Line>);

#[derive(Debug)]
struct Line {
    caller: String,
    role: Option<Role>,
    peer: Option<Peer>,
    path: String,
    span: Span,
}

impl Audit {
    /// To be called before the request runs, which may end its session.
    pub(crate) fn begin(
        state: &AppState,
        endpoint: Endpoint,
        granted: Result<&Granted, &Refusal>,
        request: &Request,
    ) -> Self {
        let granted = granted.ok();
        let role = granted.map(|granted| granted.role);
        let writes =
            endpoint.path == "/api/query" && role == Some(Role::Admin) && state.config().allow_writes;
        if endpoint.role < Role::Operate && !CHANGES.contains(&endpoint.path) && !writes {
            return Self(None);
        }
        let session = state.session_id(request.headers()).and_then(|id| state.sessions().identity(&id));
        let names = granted.and_then(Granted::caller).into_iter().chain(session.map(|Identity(arn)| arn));
        Self(Some(Line {
            caller: names.collect::<Vec<_>>().join(" "),
            role,
            peer: request.extensions().get().copied(),
            path: request.uri().path().to_owned(),
            span: Span::current(),
        }))
    }

    pub(crate) fn end(mut self, response: &Response) {
        let Some(mut line) = self.0.take() else { return };
        // Who has just logged in.
        if let Some(Identity(arn)) = response.extensions().get() {
            line.caller = format!("{} {arn}", line.caller).trim_start().to_owned();
        }
        line.write(Some(response.status().as_u16()));
    }
}

impl Line {
    fn write(&self, status: Option<u16>) {
        let caller = if self.caller.is_empty() { "anonymous" } else { &self.caller };
        let role = self.role.map_or("none", Role::as_str);
        let peer = self.peer.map(|Peer(address)| tracing::field::display(address));
        let path = self.path.as_str();
        if let Some(status) = status {
            tracing::info!(parent: &self.span, caller, role, peer, path, status, "Audit: the request was answered.");
        } else {
            tracing::info!(
                parent: &self.span,
                caller,
                role,
                peer,
                path,
                "Audit: the client left, or the time was over. The request may have taken effect."
            );
        }
    }
}

impl Drop for Audit {
    fn drop(&mut self) {
        if let Some(line) = self.0.take() {
            line.write(None);
        }
    }
}
