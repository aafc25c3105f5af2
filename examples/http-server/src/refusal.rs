//! What the server itself refuses, before any operation runs.

use axum::http::StatusCode;

use crate::role::Role;

/// A request that never reached the library.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The body is not what the endpoint takes; the text says what is wrong with it.
    BadBody(String),
    /// The body exceeds [`MAX_BODY`](crate::extract::MAX_BODY).
    BodyTooLarge,
    /// The body did not arrive in time.
    BodyTimeout,
    /// No session, where one is needed.
    NoSession,
    /// The cookie names a session that has ended.
    SessionEnded,
    /// A name for a query that another one has.
    QueryIdTaken,
    /// No query of this name runs, or not for this caller.
    NoSuchQuery,
    /// `Accept` names no form that a result can have.
    NoSuchFormat,
    /// Something that callers may not ask of this server.
    NotAllowed(&'static str),
    /// The self-check found that callers' SQL could do more than read.
    NotSafe,
    /// ClickHouse does not answer, or the self-check has not passed.
    NotReady,
    /// The request breaks HTTP's own rules.
    BadRequest(&'static str),
    /// A `Host` that this server does not answer to.
    ForeignHost,
    /// A browser sent this on behalf of another site.
    CrossSite,
    /// No such endpoint.
    NoSuchEndpoint,
    /// The endpoint exists, the method does not.
    WrongMethod,
    /// No token, a wrong one, or a role that no proxy vouches for.
    NotAdmitted,
    /// The caller's role is not this one, or a higher one.
    RoleTooLow(Role),
    /// The address called `authenticate` too often; this many seconds are to be waited.
    TooManyLogins(u64),
    /// These keys have too many sessions.
    TooManySessions,
    /// There are too many sessions of all callers.
    SessionsFull,
    /// Too many requests at the same time.
    Overloaded,
    /// The answer did not begin in time.
    RequestTimeout,
    /// A handler panicked, or was cut off as the process ended.
    Panicked,
}

impl Refusal {
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::BadBody(_) | Self::BadRequest(_) => StatusCode::BAD_REQUEST,
            Self::NoSession | Self::SessionEnded | Self::NotAdmitted => StatusCode::UNAUTHORIZED,
            Self::NotAllowed(_) | Self::CrossSite | Self::RoleTooLow(_) => StatusCode::FORBIDDEN,
            Self::TooManyLogins(_) | Self::TooManySessions => StatusCode::TOO_MANY_REQUESTS,
            Self::NoSuchEndpoint | Self::NoSuchQuery => StatusCode::NOT_FOUND,
            Self::QueryIdTaken => StatusCode::CONFLICT,
            Self::NoSuchFormat => StatusCode::NOT_ACCEPTABLE,
            Self::WrongMethod => StatusCode::METHOD_NOT_ALLOWED,
            Self::BodyTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::ForeignHost => StatusCode::MISDIRECTED_REQUEST,
            Self::Panicked => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Overloaded | Self::NotSafe | Self::NotReady | Self::SessionsFull => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::RequestTimeout => StatusCode::GATEWAY_TIMEOUT,
        }
    }

    /// The stable name. Where the library has a kind for it, it is that kind's.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::BadBody(_) | Self::BadRequest(_) => "invalid_input",
            Self::BodyTooLarge => "body_too_large",
            Self::BodyTimeout => "body_timeout",
            Self::NoSession | Self::SessionEnded | Self::NotAdmitted => "unauthenticated",
            Self::NotAllowed(_) | Self::RoleTooLow(_) => "permission_denied",
            Self::ForeignHost => "foreign_host",
            Self::CrossSite => "cross_site",
            Self::NoSuchEndpoint | Self::NoSuchQuery => "not_found",
            Self::QueryIdTaken => "conflict",
            Self::NoSuchFormat => "not_acceptable",
            Self::WrongMethod => "method_not_allowed",
            Self::NotSafe | Self::NotReady => "unavailable",
            Self::TooManyLogins(_) | Self::TooManySessions => "limit_exceeded",
            Self::Overloaded | Self::SessionsFull => "overloaded",
            Self::RequestTimeout => "timeout",
            Self::Panicked => "unexpected",
        }
    }

    pub(crate) fn text(&self) -> &str {
        match self {
            Self::BadBody(text) => text,
            Self::BodyTooLarge => "the body is larger than 2 MB",
            Self::BodyTimeout => "the body did not arrive in time",
            Self::NoSession => "this needs AWS credentials; POST them to /api/authenticate first",
            Self::SessionEnded => "the session has ended; authenticate again",
            Self::NotAllowed(text) | Self::BadRequest(text) => text,
            Self::NotAdmitted => {
                "this server needs a valid token, as `Authorization: Bearer TOKEN`, or a role from its proxy: `read`, `operate` or `admin`"
            }
            Self::RoleTooLow(Role::Admin) => "this needs the role `admin`",
            Self::RoleTooLow(_) => "this needs the role `operate` or `admin`",
            Self::TooManyLogins(_) => "too many logins from this address; try again later",
            Self::TooManySessions => "these keys have too many sessions; log out of one, or try again later",
            Self::SessionsFull => "this server has too many sessions; try again later",
            Self::NotSafe => {
                "queries are not run: on this server's ClickHouse they could do more than read; its log says what"
            }
            Self::NotReady => "the server is not ready to run queries; its log says why",
            Self::ForeignHost => {
                "this server does not answer to that Host; its operator can allow it with --allowed-host"
            }
            Self::CrossSite => "requests on behalf of another site are refused",
            Self::QueryIdTaken => "a query of this `queryId` runs; choose another, or cancel that one",
            Self::NoSuchQuery => "no query of this `queryId` runs",
            Self::NoSuchFormat => {
                "a result is application/json, application/x-ndjson, text/csv, application/vnd.apache.arrow.stream or \
                 application/vnd.apache.parquet; `Accept` names none of them"
            }
            Self::NoSuchEndpoint => "there is no such endpoint; GET /openapi.json lists them",
            Self::WrongMethod => {
                "the endpoint does not take this method; the header `Allow` lists those it takes"
            }
            Self::Overloaded => "too many requests at the same time; try again",
            Self::RequestTimeout => "no answer in time; whether the operation took effect is unknown",
            Self::Panicked => UNEXPECTED,
        }
    }

    pub(crate) fn is_retryable(&self) -> bool {
        matches!(
            self,
            Self::BodyTimeout
                | Self::Overloaded
                | Self::NotReady
                | Self::QueryIdTaken
                | Self::TooManyLogins(_)
                | Self::TooManySessions
                | Self::SessionsFull
        )
    }

    /// After how many seconds it makes sense to try again.
    pub(crate) fn retry_after(&self) -> u64 {
        match self {
            Self::TooManyLogins(seconds) => (*seconds).max(1),
            Self::TooManySessions | Self::SessionsFull => 60,
            _ => 1,
        }
    }
}

/// Internals stay in the log; the header leads there.
pub(crate) const UNEXPECTED: &str =
    "something unexpected went wrong; the server's log has the cause, under this answer's x-request-id";
