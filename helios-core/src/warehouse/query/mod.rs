//! Queries: how they may run, and the forms their results come in.

mod byte_limit;
mod format;
mod id;
mod judge;
mod options;
mod raw;
mod result;
mod rows;
mod stream;
mod typed;
mod utf8;

pub(in crate::warehouse) use byte_limit::ByteLimit;
use clickhouse::query::Query;
pub use format::ResultFormat;
pub use id::QueryId;
pub(in crate::warehouse) use judge::{FunctionNames, Judged};
pub use options::{QueryOptions, TimeForm, WideIntegers};
pub use result::{QueryMetadata, QueryResult};
pub use stream::QueryStream;
pub(in crate::warehouse) use stream::without_format;
pub use typed::RowStream;

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
        judged: Judged<'_>,
        format: &str,
        settings: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<StartedQuery> {
        let (query, id) = self.prepare_query(judged, settings)?;
        let cursor = query.fetch_bytes(format).map_err(|error| from_clickhouse(error).at("query"))?;
        let running = Running::new(self, &id, judged.options.read_only);
        Ok(StartedQuery { cursor: QueryBytes::new(cursor, running), id })
    }

    /// A query with everything but the format of its result.
    fn prepare_query<'a>(
        &self,
        Judged { sql, options }: Judged<'_>,
        settings: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<(Query, QueryId)> {
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
        Ok((options.parameters.apply(query), id))
    }
}
