//! Queries: how they may run, and the forms their results come in.

mod format;
mod id;
mod json;
mod options;
mod result;

pub use format::ResultFormat;
pub use id::QueryId;
pub use json::QueryStream;
pub use options::{QueryOptions, TimeForm, WideIntegers};
pub use result::{QueryMetadata, QueryResult};

use super::{
    Warehouse,
    cancel::{QueryBytes, Running},
    from_clickhouse,
};
use crate::{Error, ErrorKind, Result};

/// A query that ClickHouse was given.
pub(super) struct StartedQuery {
    pub(super) cursor: QueryBytes,
    pub(super) id: QueryId,
}

impl Warehouse {
    /// Begins a query whose result comes in this format, under these settings beside those of its options.
    pub(in crate::warehouse) fn start_query<'a>(
        &self,
        sql: &str,
        options: &QueryOptions,
        format: &str,
        settings: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<StartedQuery> {
        if sql.trim().is_empty() {
            return Err(Error::new(ErrorKind::InvalidQuery, "the query is empty").at("query"));
        }
        options.validate().map_err(|error| error.at("query"))?;
        let mut client = self.client().clone();
        if let Some(database) = &options.database {
            client = client.with_database(database);
        }
        let mut query = client.query_raw(sql);
        for (name, value) in settings {
            query = query.with_setting(name, value);
        }
        for (name, value) in options.settings() {
            query = query.with_setting(name, value);
        }
        let id = options.query_id.clone().unwrap_or_else(QueryId::random);
        query = query.with_setting("query_id", id.as_str());
        let cursor = options.parameters.apply(query).fetch_bytes(format);
        let cursor = cursor.map_err(|error| from_clickhouse(error).at("query"))?;
        let running = Running::new(self, &id, options.read_only);
        Ok(StartedQuery { cursor: QueryBytes::new(cursor, running), id })
    }
}
