//! The typed path: rows as values of a Rust type, by the `clickhouse` crate's `Row`.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

use clickhouse::{RowOwned, RowRead, query::RowCursor};
use futures_util::{Stream, TryStreamExt as _};
use sync_wrapper::SyncWrapper;

use super::{
    super::{Warehouse, cancel::Running, error::located_in, from_clickhouse},
    ByteLimit, QueryId, QueryOptions,
};
use crate::Result;

impl Warehouse {
    /// Runs a query and streams its rows as values of `T`, in constant memory.
    ///
    /// `T` derives the `clickhouse` crate's [`Row`](clickhouse::Row), which this crate exports; columns are found by their
    /// names, and their types are compared with the fields' before the first row is read.
    ///
    /// ```no_run
    /// use helios_core::{HeliosClient, QueryOptions, clickhouse};
    ///
    /// #[derive(clickhouse::Row, serde::Deserialize)]
    /// #[clickhouse(crate = "helios_core::clickhouse")]
    /// struct Count {
    ///     event_type: String,
    ///     n: u64,
    /// }
    ///
    /// # async fn example(client: HeliosClient) -> helios_core::Result<()> {
    /// let sql = "SELECT event_type, count() AS n FROM clicks GROUP BY event_type";
    /// for row in client.query_as::<Count>(sql, &QueryOptions::default()).await?.all().await? {
    ///     println!("{}: {}", row.event_type, row.n);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// An error before the first row is returned here; one after it ends the stream with an error. Dropping the stream
    /// cancels the query. The format between has no end of its own: that a result is whole is known by the end of the compressed
    /// answer, and an exception by its frame. With [`Compression::None`](crate::Compression::None) a proxy that ends an
    /// answer properly in the midst of the rows would go unnoticed; Arrow notices that. A statement without a result, such as `CREATE TABLE`, runs and is an error here.
    ///
    /// # Errors
    ///
    /// What ClickHouse says; [`InvalidInput`](crate::ErrorKind::InvalidInput) if `T` does not fit the columns of the result,
    /// naming the column.
    pub async fn query_as<T>(&self, sql: &str, options: &QueryOptions) -> Result<RowStream<T>>
    where
        T: RowOwned + RowRead,
    {
        let judged = self.judge(sql, options).await.map_err(|error| error.at("query"))?;
        let (query, id) = self.prepare_query(judged, [])?;
        let cursor = query.fetch::<T>().map_err(from_clickhouse).map_err(|error| error.at("query"))?;
        let mut running = Running::new(self, &id, options.read_only);
        let mut cursor = SyncWrapper::new(cursor);
        let first = cursor.get_mut().try_next().await;
        let first = running.note(first, Option::is_some);
        let limit = options.byte_limit();
        let first = first.and_then(|row| limit.check_total(cursor.get_mut().decoded_bytes()).map(|()| row));
        let first = first.map_err(|error| located_in(sql, error).at("query"))?;
        let ended = first.is_none();
        Ok(RowStream { id, cursor, running, limit, first: SyncWrapper::new(first), ended })
    }
}

/// The rows of a result as values of `T`.
///
/// An error ends it; what came before is then not a whole result.
pub struct RowStream<T> {
    id: QueryId,
    /// Only ever used through `&mut`, which makes the stream `Sync` too.
    cursor: SyncWrapper<RowCursor<T>>,
    running: Running,
    limit: ByteLimit,
    /// Read to see an early error.
    first: SyncWrapper<Option<T>>,
    ended: bool,
}

/// No row is pinned: each is handed over.
impl<T> Unpin for RowStream<T> {}

impl<T> RowStream<T> {
    /// The name by which the query can be cancelled and watched.
    #[must_use]
    pub fn query_id(&self) -> &QueryId {
        &self.id
    }
}

impl<T: RowOwned + RowRead> RowStream<T> {
    /// All rows.
    ///
    /// # Errors
    ///
    /// What ended the stream before its end.
    pub async fn all(self) -> Result<Vec<T>> {
        self.try_collect().await
    }
}

impl<T: RowOwned + RowRead> Stream for RowStream<T> {
    type Item = Result<T>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if let Some(first) = this.first.get_mut().take() {
            return Poll::Ready(Some(Ok(first)));
        }
        if this.ended {
            return Poll::Ready(None);
        }
        let row = ready!(Stream::poll_next(Pin::new(this.cursor.get_mut()), cx));
        let row = this.running.note(row.transpose(), Option::is_some);
        let received = this.cursor.get_mut().decoded_bytes();
        let row = row.and_then(|row| this.limit.check_total(received).map(|()| row));
        this.ended = !matches!(row, Ok(Some(_)));
        Poll::Ready(row.map_err(|error| error.at("query")).transpose())
    }
}

impl<T> fmt::Debug for RowStream<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RowStream").field("id", &self.id).field("ended", &self.ended).finish_non_exhaustive()
    }
}
