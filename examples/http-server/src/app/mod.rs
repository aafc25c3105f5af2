//! The router: endpoints, and what surrounds them.

use axum::{
    BoxError, Router,
    error_handling::HandleErrorLayer,
    extract::Request,
    http::{HeaderValue, header},
    middleware,
    response::IntoResponse as _,
    routing::{delete, get, post},
};
use helios_core::ResultFormat;
use tower::{ServiceBuilder, limit::GlobalConcurrencyLimitLayer, load_shed::error::Overloaded};
use tower_http::{
    CompressionLevel, ServiceBuilderExt as _,
    catch_panic::CatchPanicLayer,
    compression::{
        CompressionLayer,
        predicate::{NotForContentType, Predicate, SizeAbove},
    },
    request_id::MakeRequestUuid,
    set_header::SetResponseHeaderLayer,
    trace::{DefaultOnFailure, DefaultOnResponse, TraceLayer},
};
use tracing::{Level, Span};

use crate::{
    browser::{HEADERS, refuse_cross_site, refuse_foreign_host},
    error::ApiError,
    handlers::{
        authenticate, consume, create_table, databases, delivery, doctor, engine, health, kinesis_sample,
        logout, openapi, quarantine, query, running_query, schema, sources, streams,
    },
    refusal::Refusal,
    state::AppState,
};

/// The whole server as a service, without a socket.
pub fn app(state: AppState) -> Router {
    surround(limit(endpoints(), &state).merge(always_answering()), &state).with_state(state)
}

fn endpoints() -> Router<AppState> {
    Router::new()
        .route("/api/engine", get(engine::engine))
        .route("/api/databases", get(databases::databases))
        .route("/api/query", post(query::query).layer(compressed()))
        .route("/api/cancel-query", post(running_query::cancel_query))
        .route("/api/query-progress", post(running_query::query_progress))
        .route("/api/authenticate", post(authenticate::authenticate))
        .route("/api/logout", post(logout::logout))
        .route("/api/streams", get(streams::streams))
        .route("/api/put-events", post(streams::put_events))
        .route("/api/kinesis-sample", post(kinesis_sample::kinesis_sample))
        .route("/api/check-schema", post(schema::check_schema))
        .route("/api/plan", post(create_table::plan))
        .route("/api/create-table", post(create_table::create_table))
        .route("/api/schema-drift", post(schema::schema_drift))
        .route("/api/sources", get(sources::sources))
        .route("/api/sources/{source}", delete(sources::remove))
        .route("/api/sources/{source}/pause", post(sources::pause))
        .route("/api/sources/{source}/resume", post(sources::resume))
        .route("/api/repair", post(sources::repair))
        .route("/api/doctor", get(doctor::doctor))
        .route("/api/consume", post(consume::consume))
        .route("/api/delivery-report", post(delivery::delivery_report))
        .route("/api/settle-range", post(delivery::settle_range))
        .route("/api/quarantine", post(quarantine::quarantine))
        .route("/api/quarantine/show", post(quarantine::show))
        .route("/api/quarantine/replay", post(quarantine::replay))
        .route("/api/quarantine/discard", post(quarantine::discard))
        .route("/api/quarantine/retention", post(quarantine::retention))
}

/// A result in the coding that `Accept-Encoding` prefers, at the level that keeps up with the engine. A result that breaks off
/// does so in each of them. Parquet is compressed already.
fn compressed() -> CompressionLayer<impl Predicate> {
    let worth_it = SizeAbove::default().and(NotForContentType::const_new(ResultFormat::Parquet.media_type()));
    CompressionLayer::new().quality(CompressionLevel::Fastest).compress_when(worth_it)
}

/// Endpoints that a busy server answers too.
fn always_answering() -> Router<AppState> {
    Router::new().route("/healthz", get(health::health)).route("/openapi.json", get(openapi::openapi))
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
                .map_request(without_odd_id)
                .set_x_request_id(MakeRequestUuid)
                .sensitive_headers([header::COOKIE, header::SET_COOKIE, header::AUTHORIZATION])
                .layer(trace)
                .propagate_x_request_id()
                .layer(CatchPanicLayer::custom(|_| ApiError::from(Refusal::Panicked).into_response()))
                .layer(middleware::from_fn_with_state(state.clone(), refuse_foreign_host))
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
