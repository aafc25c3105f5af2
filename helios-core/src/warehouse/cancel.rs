//! Ending queries: by their names, and when nobody reads on.

use std::{
    fmt,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use clickhouse::{Client, query::BytesCursor};
use serde::Serialize;
use tokio::runtime::Handle;

use super::{Literal, QueryId, Warehouse, error::of_query, from_clickhouse};
use crate::Result;

/// What came of cancelling a query.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct QueryCancelled {
    /// The query's name.
    pub query_id: QueryId,
    /// Whether a query of this name was running, for this user. It is told to end; whoever reads it gets an error of the
    /// kind [`Cancelled`](crate::ErrorKind::Cancelled).
    pub found: bool,
}

impl Warehouse {
    /// Ends the query of this name, if it runs.
    ///
    /// On a server without other rights, a user can end their own queries. In a cluster it is found only on the node that
    /// is asked.
    ///
    /// # Errors
    ///
    /// What ClickHouse says. That there is no such query is no error.
    pub async fn cancel_query(&self, id: &QueryId) -> Result<QueryCancelled> {
        let found =
            kill(self.client(), id).await.map_err(|error| from_clickhouse(error).at("cancel_query"))?;
        Ok(QueryCancelled { query_id: id.clone(), found })
    }

    /// Whether the other side is a server. The embedded engine notices by itself when nobody reads on.
    pub(super) fn is_server(&self) -> bool {
        #[cfg(feature = "embedded")]
        return self.engine().is_none();
        #[cfg(not(feature = "embedded"))]
        true
    }
}

/// Tells ClickHouse to end a query. `false` if there is none of this name.
async fn kill(client: &Client, id: &QueryId) -> Result<bool, clickhouse::error::Error> {
    let statement = format!("KILL QUERY WHERE query_id = {} ASYNC", Literal(id.as_str()));
    let mut told = client.query_raw(&statement).fetch_bytes("TabSeparated")?;
    let mut found = false;
    while let Some(chunk) = told.next().await? {
        found |= !chunk.is_empty();
    }
    Ok(found)
}

/// Ends a query on a server when it is dropped before the query's end.
///
/// A server goes on with a query whose reader has left, unless it only reads and was told not to: see
/// [`QueryOptions::read_only`](super::QueryOptions::read_only).
pub(super) struct Running {
    id: QueryId,
    /// Until the query has ended, if the server has to be told.
    server: Option<Client>,
}

impl Running {
    pub(super) fn new(warehouse: &Warehouse, id: &QueryId, read_only: bool) -> Self {
        let server = (warehouse.is_server() && !read_only).then(|| warehouse.client().clone());
        Self { id: id.clone(), server }
    }

    /// Takes note of what came: something, or the end of the answer, or an error, which becomes ours. An answer that ended, or
    /// that ClickHouse ended with an error, has no query any more; that of a lost connection may still run.
    pub(super) fn note<T>(
        &mut self,
        came: Result<T, clickhouse::error::Error>,
        is_something: impl FnOnce(&T) -> bool,
    ) -> Result<T> {
        let has_ended = match &came {
            Ok(came) => !is_something(came),
            Err(error) => matches!(error, clickhouse::error::Error::BadResponse(_)),
        };
        if has_ended {
            self.server = None;
        }
        came.map_err(|error| of_query(&self.id, error))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let Some(client) = self.server.take() else { return };
        let id = self.id.clone();
        match Handle::try_current() {
            Ok(runtime) => {
                drop(runtime.spawn(async move {
                    if let Err(error) = kill(&client, &id).await {
                        tracing::warn!(%id, %error, "A query that nobody reads could not be ended.");
                    }
                }));
            }
            Err(_) => tracing::warn!(
                %id,
                "A query that nobody reads runs on: it was dropped outside of the runtime, where nothing can be sent."
            ),
        }
    }
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running").field("id", &self.id).finish_non_exhaustive()
    }
}

/// The bytes of a query's answer. Dropped before their end, they end the query.
pub(super) struct QueryBytes {
    cursor: BytesCursor,
    running: Running,
}

impl QueryBytes {
    pub(super) fn new(cursor: BytesCursor, running: Running) -> Self {
        Self { cursor, running }
    }

    /// The next bytes; `None` at their end.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>> {
        std::future::poll_fn(|cx| self.poll_next(cx)).await
    }

    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>>> {
        let outcome = ready!(self.cursor.poll_next(cx));
        Poll::Ready(self.running.note(outcome, Option::is_some))
    }
}
