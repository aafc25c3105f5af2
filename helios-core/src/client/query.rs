//! A query in the making.

use std::{
    fmt,
    future::{Future, IntoFuture},
    pin::Pin,
    time::Duration,
};

use clickhouse::{RowOwned, RowRead};

use super::{HeliosClient, WatchedQuery};
use crate::{
    Result,
    warehouse::{
        ArrowStream, QueryId, QueryOptions, QueryProgress, QueryResult, QueryStream, ResultFormat, RowStream,
        TimeForm, WideIntegers,
    },
};

/// A query: await it for the whole result.
#[derive(Clone, Debug)]
#[must_use = "a query runs when it is awaited"]
pub struct Query {
    client: HeliosClient,
    sql: String,
    options: QueryOptions,
}

impl Query {
    pub(super) fn new(client: HeliosClient, sql: String) -> Self {
        Self { client, sql, options: QueryOptions::default() }
    }

    /// Sets all options, in place of those set before.
    pub fn options(mut self, options: QueryOptions) -> Self {
        self.options = options;
        self
    }

    /// Sets a parameter, `{name:Type}` in the text. The value never becomes SQL text.
    pub fn param(mut self, name: impl Into<String>, value: impl fmt::Display) -> Self {
        self.options.parameters.insert(name, value.to_string());
        self
    }

    /// Sets the database of tables named without one.
    pub fn database(mut self, database: impl Into<String>) -> Self {
        self.options.database = Some(database.into());
        self
    }

    /// Refuses everything that writes or reaches outside.
    pub fn read_only(mut self) -> Self {
        self.options.read_only = true;
        self
    }

    /// Stops the query after this long.
    pub fn max_execution_time(mut self, limit: Duration) -> Self {
        self.options.max_execution_time = Some(limit);
        self
    }

    /// Fails if the result has more rows.
    pub fn max_result_rows(mut self, limit: u64) -> Self {
        self.options.max_result_rows = Some(limit);
        self
    }

    /// Fails if the result has more bytes.
    pub fn max_result_bytes(mut self, limit: u64) -> Self {
        self.options.max_result_bytes = Some(limit);
        self
    }

    /// Fails if the query needs more memory, in bytes.
    pub fn max_memory_usage(mut self, limit: u64) -> Self {
        self.options.max_memory_usage = Some(limit);
        self
    }

    /// Answers with the first so many rows, and no more.
    pub fn limit(mut self, rows: u64) -> Self {
        self.options.limit = Some(rows);
        self
    }

    /// Writes times in this form.
    pub fn times(mut self, form: TimeForm) -> Self {
        self.options.times = form;
        self
    }

    /// Makes 128 and 256-bit integers this in Arrow.
    pub fn wide_integers(mut self, form: WideIntegers) -> Self {
        self.options.wide_integers = form;
        self
    }

    /// Gives the query a name, by which it can be cancelled and watched.
    pub fn query_id(mut self, id: QueryId) -> Self {
        self.options.query_id = Some(id);
        self
    }

    /// Answers with 64-bit integers as text, for readers whose numbers are doubles.
    pub fn quote_64bit_integers(mut self) -> Self {
        self.options.quote_64bit_integers = true;
        self
    }

    /// Asks on the way whether the query shall go on, four times a second, showing how far it is. When the answer is
    /// `false` it is cancelled. It asks whoever awaits the result, or reads it.
    ///
    /// ```no_run
    /// # async fn example(client: helios_core::HeliosClient) -> helios_core::Result<()> {
    /// let query = client.query("SELECT count() FROM clicks WHERE page LIKE '%checkout%'");
    /// let result = query.on_progress(|so_far| so_far.read_rows < 1_000_000_000).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn on_progress(self, call: impl FnMut(&QueryProgress) -> bool + Send + 'static) -> WatchedQuery {
        WatchedQuery::new(self.client, self.sql, self.options, Box::new(call))
    }

    /// Answers with the documented JSON in chunks, in constant memory.
    ///
    /// # Errors
    ///
    /// As [`HeliosClient::query_json`].
    pub async fn json(self) -> Result<QueryStream> {
        self.client.query_json(&self.sql, &self.options).await
    }

    /// Answers with bytes of this form in chunks, in constant memory.
    ///
    /// # Errors
    ///
    /// As [`HeliosClient::query_bytes`].
    pub async fn bytes(self, format: ResultFormat) -> Result<QueryStream> {
        self.client.query_bytes(&self.sql, &self.options, format).await
    }

    /// Answers with rows of this type, in constant memory.
    ///
    /// # Errors
    ///
    /// As [`HeliosClient::query_as`].
    pub async fn rows_as<T: RowOwned + RowRead>(self) -> Result<RowStream<T>> {
        self.client.query_as(&self.sql, &self.options).await
    }

    /// Answers with Arrow record batches, in constant memory.
    ///
    /// # Errors
    ///
    /// As [`HeliosClient::query_arrow`].
    pub async fn arrow(self) -> Result<ArrowStream> {
        self.client.query_arrow(&self.sql, &self.options).await
    }
}

impl IntoFuture for Query {
    type Output = Result<QueryResult>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { self.client.query_with(&self.sql, &self.options).await })
    }
}
