//! A query that is watched while it runs.

use std::{
    fmt,
    future::{Future, IntoFuture},
    pin::{Pin, pin},
    task::{Context, Poll},
    time::Duration,
};

use clickhouse::{RowOwned, RowRead};
use futures_util::{Stream, future::BoxFuture};
use sync_wrapper::SyncWrapper;

use super::HeliosClient;
use crate::{
    Result,
    warehouse::{
        ArrowStream, QueryId, QueryOptions, QueryProgress, QueryResult, QueryStream, ResultFormat, RowStream,
    },
};

/// How often a query is looked at.
const INTERVAL: Duration = Duration::from_millis(250);

/// Is told how far the query is, and answers whether it shall go on.
type OnProgress = Box<dyn FnMut(&QueryProgress) -> bool + Send>;

/// A query that is watched: await it for the whole result. Made by [`Query::on_progress`](super::Query::on_progress).
#[must_use = "a query runs when it is awaited"]
pub struct WatchedQuery {
    client: HeliosClient,
    sql: String,
    options: QueryOptions,
    watcher: Watcher,
}

impl WatchedQuery {
    pub(super) fn new(client: HeliosClient, sql: String, options: QueryOptions, call: OnProgress) -> Self {
        let id = options.query_id.clone().unwrap_or_else(QueryId::random);
        let options = QueryOptions { query_id: Some(id.clone()), ..options };
        let watcher = Watcher { client: client.clone(), id, call, goes_on: true };
        Self { client, sql, options, watcher }
    }

    /// Answers with the documented JSON in chunks, in constant memory.
    ///
    /// # Errors
    ///
    /// As [`HeliosClient::query_json`]; [`Cancelled`](crate::ErrorKind::Cancelled) if it was not to go on.
    pub async fn json(mut self) -> Result<Watched<QueryStream>> {
        let query = self.client.query_json(&self.sql, &self.options);
        let stream = self.watcher.beside(query).await?;
        Ok(Watched::new(stream, self.watcher))
    }

    /// Answers with bytes of this form in chunks, in constant memory.
    ///
    /// # Errors
    ///
    /// As [`HeliosClient::query_bytes`]; [`Cancelled`](crate::ErrorKind::Cancelled) if it was not to go on.
    pub async fn bytes(mut self, format: ResultFormat) -> Result<Watched<QueryStream>> {
        let query = self.client.query_bytes(&self.sql, &self.options, format);
        let stream = self.watcher.beside(query).await?;
        Ok(Watched::new(stream, self.watcher))
    }

    /// Answers with Arrow record batches, in constant memory.
    ///
    /// # Errors
    ///
    /// As [`HeliosClient::query_arrow`]; [`Cancelled`](crate::ErrorKind::Cancelled) if it was not to go on.
    pub async fn arrow(mut self) -> Result<Watched<ArrowStream>> {
        let query = self.client.query_arrow(&self.sql, &self.options);
        let stream = self.watcher.beside(query).await?;
        Ok(Watched::new(stream, self.watcher))
    }

    /// Answers with rows of this type, in constant memory.
    ///
    /// # Errors
    ///
    /// As [`HeliosClient::query_as`]; [`Cancelled`](crate::ErrorKind::Cancelled) if it was not to go on.
    pub async fn rows_as<T: RowOwned + RowRead>(mut self) -> Result<Watched<RowStream<T>>> {
        let query = self.client.query_as(&self.sql, &self.options);
        let stream = self.watcher.beside(query).await?;
        Ok(Watched::new(stream, self.watcher))
    }
}

impl IntoFuture for WatchedQuery {
    type Output = Result<QueryResult>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(mut self) -> Self::IntoFuture {
        Box::pin(async move {
            let query = self.client.query_with(&self.sql, &self.options);
            self.watcher.beside(query).await
        })
    }
}

impl fmt::Debug for WatchedQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WatchedQuery")
            .field("sql", &self.sql)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

/// The stream of a result that is watched while it is read.
pub struct Watched<S> {
    stream: S,
    /// The wait for the next look, and the look. `None` once the stream has ended. Only ever used through `&mut`.
    look: SyncWrapper<Option<BoxFuture<'static, Watcher>>>,
}

impl<S> Watched<S> {
    fn new(stream: S, watcher: Watcher) -> Self {
        Self { stream, look: SyncWrapper::new(Some(Box::pin(watcher.waited()))) }
    }

    /// The stream, for what it knows beside its items.
    #[must_use]
    pub fn get_ref(&self) -> &S {
        &self.stream
    }
}

impl<S: Stream + Unpin> Stream for Watched<S> {
    type Item = S::Item;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        let look = this.look.get_mut();
        // First, or a result that is always ready would keep it from being asked.
        while let Some(waiting) = look
            && let Poll::Ready(watcher) = waiting.as_mut().poll(cx)
        {
            *look = Some(Box::pin(watcher.waited()));
        }
        let item = Pin::new(&mut this.stream).poll_next(cx);
        if matches!(item, Poll::Ready(None)) {
            *look = None;
        }
        item
    }
}

impl<S: fmt::Debug> fmt::Debug for Watched<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Watched").field(&self.stream).finish()
    }
}

/// Looks at a query, and asks whether it shall go on.
struct Watcher {
    client: HeliosClient,
    id: QueryId,
    call: OnProgress,
    goes_on: bool,
}

impl Watcher {
    /// Waits for the query, and looks at it meanwhile.
    async fn beside<T>(&mut self, query: impl Future<Output = Result<T>> + Send) -> Result<T> {
        let mut query = pin!(query);
        loop {
            let look = async {
                self.client.clock().sleep(INTERVAL).await;
                self.look().await;
            };
            tokio::select! {
                biased;
                outcome = &mut query => return outcome,
                () = look => {}
            }
        }
    }

    async fn waited(mut self) -> Self {
        self.client.clock().sleep(INTERVAL).await;
        self.look().await;
        self
    }

    /// Looks once. A query that shall not go on is cancelled again and again: it may have been between two statements.
    async fn look(&mut self) {
        if self.goes_on {
            match self.client.query_progress(&self.id).await {
                Ok(Some(progress)) => self.goes_on = (self.call)(&progress),
                Ok(None) => {}
                Err(error) => tracing::debug!(%error, "A query could not be looked at."),
            }
        }
        if !self.goes_on
            && let Err(error) = self.client.cancel_query(&self.id).await
        {
            tracing::debug!(%error, "A query could not be cancelled yet.");
        }
    }
}
