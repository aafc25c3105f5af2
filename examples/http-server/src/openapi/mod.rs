//! The endpoints in OpenAPI's words.

pub(crate) mod answers;
pub(crate) mod delivery;
pub(crate) mod quarantine;
pub(crate) mod schema;
pub(crate) mod sources;
pub(crate) mod streams;

use utoipa::{
    Modify, OpenApi,
    openapi::{
        OpenApi as Document,
        extensions::Extensions,
        security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme},
    },
};

use crate::{app::endpoints, error::ErrorBody, handlers};

#[derive(Debug, OpenApi)]
#[openapi(
    info(title = "Helios", description = "Kinesis streams as ClickHouse tables."),
    paths(
        handlers::health::health,
        handlers::health::readiness,
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
    components(schemas(ErrorBody)),
    modifiers(&Roles)
)]
pub(crate) struct Description;

const TOKEN: &str = "token";
/// The extension that has the role which an endpoint needs, where the operator names callers.
const ROLE: &str = "x-helios-role";

/// Says which role each endpoint needs.
struct Roles;

impl Modify for Roles {
    fn modify(&self, document: &mut Document) {
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
        let components = document.components.get_or_insert_default();
        components.add_security_scheme(TOKEN, SecurityScheme::Http(bearer));
        for (path, role, _) in endpoints() {
            let Some(item) = document.paths.paths.get_mut(path) else { continue };
            for operation in [&mut item.get, &mut item.post, &mut item.delete].into_iter().flatten() {
                // A token, or nothing: the operator may name nobody.
                let none = SecurityRequirement::default();
                operation.security = Some(vec![none, SecurityRequirement::new(TOKEN, [] as [&str; 0])]);
                let role = Extensions::builder().add(ROLE, role.as_str()).build();
                operation.extensions.get_or_insert_default().merge(role);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// What needs no role.
    const OPEN: [&str; 2] = ["/healthz", "/readyz"];

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
        let expected = expected.map(|name| format!("/api/{name}")).into_iter();
        assert_eq!(paths, expected.chain(OPEN.map(str::to_owned)).collect());
    }

    #[test]
    fn every_endpoint_says_its_role() {
        let description = description();
        let roles: Vec<_> = endpoints().map(|(path, role, _)| (path, role.as_str())).into();
        let paths = description["paths"].as_object().unwrap();
        for (path, item) in paths.iter().filter(|(path, _)| !OPEN.contains(&path.as_str())) {
            for operation in item.as_object().unwrap().values() {
                let role = operation[ROLE].as_str().unwrap_or_else(|| panic!("{path} has no role"));
                assert!(roles.contains(&(path.as_str(), role)), "{path} {role}");
                assert!(operation["security"][1][TOKEN].is_array(), "{path}");
            }
        }
        assert!(OPEN.iter().all(|path| paths[*path]["get"][ROLE].is_null()));
        assert_eq!(roles.len() + OPEN.len(), paths.len());
        let expected = |path: &str, role| roles.contains(&(path, role));
        assert!(expected("/api/query", "read") && expected("/api/create-table", "operate"));
        assert!(expected("/api/sources/{source}", "admin"));
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
