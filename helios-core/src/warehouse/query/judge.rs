//! Whether a query that must only read does, asked before ClickHouse gets to run it.

use std::{collections::HashSet, sync::Arc};

use clickhouse::{Row, query::Query};
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
        let tree = read(query).await.map_err(|error| {
            let error = located_in(&explain, error);
            let own = |place: SqlPosition| SqlPosition::of(sql, place.offset.saturating_sub(EXPLAIN.len()));
            let position = error.position().map(own);
            error.at_position(position)
        })?;
        // A literal may hold any bytes.
        let tree = String::from_utf8_lossy(&tree);
        let lines: Vec<_> = tree.lines().map(str::to_owned).collect();
        statement.judge(&lines, self.function_names().await?).map_err(|refusal| {
            if helios_sql::chooses_format(sql) {
                // The tree came in that format, and could not be read.
                Error::new(
                    ErrorKind::InvalidQuery,
                    "a read-only query cannot have a FORMAT clause; request the format separately",
                )
            } else {
                refused(refusal)
            }
        })
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

/// A whole answer, as it is printed.
async fn read(query: Query) -> Result<Vec<u8>> {
    let mut cursor = query.fetch_bytes("TSVRaw").map_err(from_clickhouse)?;
    let mut answer = Vec::new();
    while let Some(chunk) = cursor.next().await.map_err(from_clickhouse)? {
        answer.extend_from_slice(&chunk);
    }
    Ok(answer)
}

/// ClickHouse's number for what is not allowed in read-only mode.
const READONLY: u32 = 164;
