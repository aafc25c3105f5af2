//! Whether a query that must only read does, asked before ClickHouse gets to run it.

use std::{collections::HashSet, sync::Arc};

use clickhouse::Row;
use helios_sql::Statement;
use serde::Deserialize;
use tokio::sync::OnceCell;

use super::{
    super::{Warehouse, error::located_in, from_clickhouse},
    QueryOptions,
};
use crate::{Error, ErrorCode, ErrorKind, Result, SqlPosition};

/// A query that may run: it only reads, or it need not.
#[derive(Clone, Copy)]
pub(in crate::warehouse) struct Judged<'a> {
    pub(in crate::warehouse) sql: &'a str,
    pub(in crate::warehouse) options: &'a QueryOptions,
}

/// The names of all functions of a server, in lower case, once they were asked for.
pub(in crate::warehouse) type FunctionNames = Arc<OnceCell<HashSet<String>>>;

const EXPLAIN: &str = "EXPLAIN AST ";

#[derive(Row, Deserialize)]
struct Line {
    explain: String,
}

#[derive(Row, Deserialize)]
struct FunctionName {
    name: String,
}

impl Warehouse {
    /// Refuses a read-only query that would do more than read. The embedded engine judges what it is given itself.
    ///
    /// # Errors
    ///
    /// [`PermissionDenied`](ErrorKind::PermissionDenied) if it would, and what ClickHouse says of a query that it cannot parse.
    pub(in crate::warehouse) async fn judge<'a>(
        &self,
        sql: &'a str,
        options: &'a QueryOptions,
    ) -> Result<Judged<'a>> {
        if options.read_only && self.is_server() && !sql.trim().is_empty() {
            self.judge_on_server(sql, options).await?;
        }
        Ok(Judged { sql, options })
    }

    async fn judge_on_server(&self, sql: &str, options: &QueryOptions) -> Result<()> {
        let refused = |refusal: helios_sql::Refusal| {
            let code = ErrorCode::ClickHouse { code: READONLY, name: Some("READONLY".to_owned()) };
            Error::new(ErrorKind::PermissionDenied, refusal.to_string()).with_code(code)
        };
        let database = options.database.as_deref().or_else(|| self.client().database()).unwrap_or_default();
        let values = options.parameters.iter().map(|(_, value)| value);
        let statement = Statement::new(sql, values, database);
        if statement.inserts() {
            return Err(refused(helios_sql::Refusal::of_insert()));
        }
        let question = options.of_question();
        let explain = format!("{EXPLAIN}{sql}");
        let unjudged = Judged { sql: &explain, options: &question };
        let (query, _) = self.prepare_query(unjudged, [])?;
        let lines: Vec<Line> = query.fetch_all().await.map_err(|error| {
            let error = located_in(&explain, from_clickhouse(error));
            if error.server_code().is_none() && error.kind() == ErrorKind::Unexpected {
                let message = "a read-only query can have no FORMAT clause";
                return Error::new(ErrorKind::InvalidQuery, message).caused_by(error);
            }
            let own = |place: SqlPosition| SqlPosition::of(sql, place.offset.saturating_sub(EXPLAIN.len()));
            let position = error.position().map(own);
            error.at_position(position)
        })?;
        let lines: Vec<_> = lines.into_iter().map(|line| line.explain).collect();
        statement.judge(&lines, self.function_names().await?).map_err(refused)
    }

    async fn function_names(&self) -> Result<&HashSet<String>> {
        self.functions
            .get_or_try_init(async || {
                let question = "SELECT name FROM system.functions";
                let names = self.client().query_raw(question).fetch_all::<FunctionName>().await;
                let names = names.map_err(from_clickhouse)?;
                Ok(names.into_iter().map(|row| row.name.to_ascii_lowercase()).collect())
            })
            .await
    }
}

/// ClickHouse's number for what is not allowed in read-only mode.
const READONLY: u32 = 164;
