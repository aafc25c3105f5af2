//! Every endpoint, with the role that it needs.

use axum::{
    Router, middleware,
    routing::{MethodRouter, delete, get, post},
};
use helios_core::ResultFormat;
use tower_http::{
    CompressionLevel,
    compression::{
        CompressionLayer,
        predicate::{NotForContentType, Predicate, SizeAbove},
    },
};

use crate::{
    access::admit,
    handlers::{
        authenticate, consume, create_table, databases, delivery, doctor, engine, health, kinesis_sample,
        logout, openapi, quarantine, query, running_query, schema, sources, streams,
    },
    role::Role::{self, Admin, Operate, Read},
    state::AppState,
};

/// Each path, who may call it, and what answers. The description of the endpoints has the roles from here, too.
pub(crate) fn endpoints() -> [(&'static str, Role, MethodRouter<AppState>); 28] {
    [
        ("/api/engine", Read, get(engine::engine)),
        ("/api/databases", Read, get(databases::databases)),
        // With SQL that writes, where the server allows it, for admins only.
        ("/api/query", Read, post(query::query).layer(compressed())),
        ("/api/cancel-query", Read, post(running_query::cancel_query)),
        ("/api/query-progress", Read, post(running_query::query_progress)),
        ("/api/authenticate", Read, post(authenticate::authenticate)),
        ("/api/logout", Read, post(logout::logout)),
        ("/api/streams", Read, get(streams::streams)),
        ("/api/put-events", Operate, post(streams::put_events)),
        ("/api/kinesis-sample", Read, post(kinesis_sample::kinesis_sample)),
        ("/api/check-schema", Read, post(schema::check_schema)),
        ("/api/plan", Read, post(create_table::plan)),
        ("/api/create-table", Operate, post(create_table::create_table)),
        ("/api/schema-drift", Read, post(schema::schema_drift)),
        ("/api/sources", Read, get(sources::sources)),
        ("/api/sources/{source}", Admin, delete(sources::remove)),
        ("/api/sources/{source}/pause", Operate, post(sources::pause)),
        ("/api/sources/{source}/resume", Operate, post(sources::resume)),
        ("/api/repair", Operate, post(sources::repair)),
        ("/api/doctor", Read, get(doctor::doctor)),
        ("/api/consume", Operate, post(consume::consume)),
        ("/api/delivery-report", Read, post(delivery::delivery_report)),
        ("/api/settle-range", Operate, post(delivery::settle_range)),
        ("/api/quarantine", Read, post(quarantine::quarantine)),
        ("/api/quarantine/show", Read, post(quarantine::show)),
        ("/api/quarantine/replay", Operate, post(quarantine::replay)),
        ("/api/quarantine/discard", Operate, post(quarantine::discard)),
        ("/api/quarantine/retention", Operate, post(quarantine::retention)),
    ]
}

/// An endpoint: its path, as in [`endpoints`], and who may call it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Endpoint {
    pub(crate) path: &'static str,
    pub(crate) role: Role,
}

/// All of them, each behind its role.
pub(super) fn guarded(state: &AppState) -> Router<AppState> {
    endpoints().into_iter().fold(Router::new(), |router, (path, role, methods)| {
        let admit = middleware::from_fn_with_state((state.clone(), Endpoint { path, role }), admit);
        router.route(path, methods.route_layer(admit))
    })
}

/// Endpoints that a busy server answers, too, and for which no caller needs a role.
pub(super) fn always_answering() -> Router<AppState> {
    Router::new()
        .route("/healthz", get(health::health))
        .route("/readyz", get(health::readiness))
        .route("/openapi.json", get(openapi::openapi))
}

/// A result in the coding that `Accept-Encoding` prefers, at the level that keeps up with the engine. A result that breaks off
/// does so in each of them. Parquet is compressed already.
fn compressed() -> CompressionLayer<impl Predicate> {
    let worth_it = SizeAbove::default().and(NotForContentType::const_new(ResultFormat::Parquet.media_type()));
    CompressionLayer::new().quality(CompressionLevel::Fastest).compress_when(worth_it)
}
