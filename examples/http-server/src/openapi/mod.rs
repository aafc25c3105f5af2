//! The endpoints in OpenAPI's words.

pub(crate) mod answers;
pub(crate) mod delivery;
pub(crate) mod quarantine;
pub(crate) mod schema;
pub(crate) mod sources;
pub(crate) mod streams;

use utoipa::OpenApi;

use crate::{error::ErrorBody, handlers};

#[derive(Debug, OpenApi)]
#[openapi(
    info(title = "Helios", description = "Kinesis streams as ClickHouse tables."),
    paths(
        handlers::databases::databases,
        handlers::query::query,
        handlers::running_query::cancel_query,
        handlers::running_query::query_progress,
        handlers::authenticate::authenticate,
        handlers::logout::logout,
        handlers::streams::streams,
        handlers::streams::put_events,
        handlers::kinesis_sample::kinesis_sample,
        handlers::schema::check_schema,
        handlers::create_table::plan,
        handlers::create_table::create_table,
        handlers::schema::schema_drift,
        handlers::sources::sources,
        handlers::sources::pause,
        handlers::sources::resume,
        handlers::sources::remove,
        handlers::sources::repair,
        handlers::doctor::doctor,
        handlers::engine::engine,
        handlers::consume::consume,
        handlers::delivery::delivery_report,
        handlers::delivery::settle_range,
        handlers::quarantine::quarantine,
        handlers::quarantine::show,
        handlers::quarantine::replay,
        handlers::quarantine::discard,
        handlers::quarantine::retention,
    ),
    components(schemas(ErrorBody))
)]
pub(crate) struct Description;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn description() -> serde_json::Value {
        serde_json::to_value(Description::openapi()).unwrap()
    }

    #[test]
    fn every_endpoint_is_described() {
        let paths: BTreeSet<_> = description()["paths"].as_object().unwrap().keys().cloned().collect();
        let expected = [
            "authenticate",
            "cancel-query",
            "check-schema",
            "consume",
            "create-table",
            "databases",
            "delivery-report",
            "doctor",
            "engine",
            "kinesis-sample",
            "logout",
            "plan",
            "put-events",
            "quarantine",
            "quarantine/discard",
            "quarantine/replay",
            "quarantine/retention",
            "quarantine/show",
            "query",
            "query-progress",
            "repair",
            "schema-drift",
            "settle-range",
            "sources",
            "sources/{source}",
            "sources/{source}/pause",
            "sources/{source}/resume",
            "streams",
        ];
        assert_eq!(paths, expected.map(|name| format!("/api/{name}")).into());
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let description = description();
        let text = description.to_string();
        let references: BTreeSet<_> =
            text.split("\"$ref\":\"#").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        assert!(references.contains("/components/schemas/ErrorBody"));
        for reference in references {
            assert!(description.pointer(reference).is_some(), "{reference}");
        }
    }
}
