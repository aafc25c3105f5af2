//! The router: endpoints, and what surrounds them.

mod endpoints;

use axum::{
    BoxError, Router,
    error_handling::HandleErrorLayer,
    extract::Request,
    http::{HeaderValue, header},
    middleware,
    response::IntoResponse as _,
};
use tower::{ServiceBuilder, limit::GlobalConcurrencyLimitLayer, load_shed::error::Overloaded};
use tower_http::{
    ServiceBuilderExt as _,
    catch_panic::CatchPanicLayer,
    request_id::MakeRequestUuid,
    set_header::SetResponseHeaderLayer,
    trace::{DefaultOnFailure, DefaultOnResponse, TraceLayer},
};
use tracing::{Level, Span};

use crate::{
    browser::{HEADERS, refuse_cross_site, refuse_cross_site_reading, refuse_foreign_host},
    error::ApiError,
    framing::refuse_unclear,
    lingering::lingering,
    refusal::Refusal,
    state::AppState,
};
use endpoints::{always_answering, guarded};

pub(crate) use endpoints::{Endpoint, endpoints};

/// The whole server as a service, without a socket.
pub fn app(state: AppState) -> Router {
    surround(limit(guarded(&state), &state).merge(always_answering()), &state).with_state(state)
}

fn limit(router: Router<AppState>, state: &AppState) -> Router<AppState> {
    let limits = &state.config().request;
    router.layer(
        ServiceBuilder::new()
            .layer(HandleErrorLayer::new(refused_by_limit))
            .load_shed()
            .layer(GlobalConcurrencyLimitLayer::new(limits.max_requests.into()))
            .timeout(limits.request_timeout),
    )
}

async fn refused_by_limit(error: BoxError) -> ApiError {
    if error.is::<Overloaded>() { Refusal::Overloaded.into() } else { Refusal::RequestTimeout.into() }
}

/// What every answer passes through, those of the limits and the fallbacks included; the first layer is the outermost.
fn surround(router: Router<AppState>, state: &AppState) -> Router<AppState> {
    let trace = TraceLayer::new_for_http()
        .make_span_with(span)
        .on_response(DefaultOnResponse::new().level(Level::INFO))
        // What failed is logged where its cause is known.
        .on_failure(DefaultOnFailure::new().level(Level::DEBUG));
    let router = router
        .method_not_allowed_fallback(async || ApiError::from(Refusal::WrongMethod))
        .fallback(async || ApiError::from(Refusal::NoSuchEndpoint))
        .layer(
            ServiceBuilder::new()
                .map_request(lingering)
                .map_request(without_odd_id)
                .set_x_request_id(MakeRequestUuid)
                .sensitive_headers([header::COOKIE, header::SET_COOKIE, header::AUTHORIZATION])
                .layer(trace)
                .propagate_x_request_id()
                .layer(CatchPanicLayer::custom(|_| ApiError::from(Refusal::Panicked).into_response()))
                .layer(middleware::from_fn(refuse_unclear))
                .layer(middleware::from_fn_with_state(state.clone(), refuse_foreign_host))
                .layer(middleware::from_fn(refuse_cross_site_reading))
                .layer(refuse_cross_site()),
        );
    HEADERS.into_iter().fold(router, |router, (name, value)| {
        router.layer(SetResponseHeaderLayer::if_not_present(name, value))
    })
}

/// The longest id of a request that a caller may give it.
const MAX_REQUEST_ID: usize = 128;

/// The request without an id that no log should hold; it gets another.
fn without_odd_id(mut request: Request) -> Request {
    const ID: &str = "x-request-id";
    let is_odd =
        |id: &HeaderValue| id.len() > MAX_REQUEST_ID || !id.as_bytes().iter().all(u8::is_ascii_graphic);
    if request.headers().get_all(ID).iter().any(is_odd) {
        request.headers_mut().remove(ID);
    }
    request
}

/// Neither the query string nor any header but the request's id.
fn span(request: &Request) -> Span {
    let id = request.headers().get("x-request-id").and_then(|id| id.to_str().ok()).unwrap_or_default();
    tracing::info_span!("request", method = %request.method(), path = request.uri().path(), id)
}

#[cfg(test)]
mod tests;
