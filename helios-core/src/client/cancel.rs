//! Queries by their names: ended, and looked at.

use super::HeliosClient;
use crate::{
    Result,
    warehouse::{QueryCancelled, QueryId, QueryProgress},
};

impl HeliosClient {
    /// Ends the query of this name, if it runs, whichever client of this ClickHouse began it. See
    /// [`Warehouse::cancel_query`](crate::warehouse::Warehouse::cancel_query).
    ///
    /// ```no_run
    /// # async fn example(client: helios_core::HeliosClient) -> helios_core::Result<()> {
    /// let id = helios_core::QueryId::new("report-7")?;
    /// if client.cancel_query(&id).await?.found {
    ///     println!("the report will not come");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// What ClickHouse says. That there is no such query is no error.
    #[tracing::instrument(skip_all)]
    pub async fn cancel_query(&self, id: &QueryId) -> Result<QueryCancelled> {
        self.warehouse().cancel_query(id).await
    }

    /// How far the query of this name is; `None` if none runs. See
    /// [`Warehouse::query_progress`](crate::warehouse::Warehouse::query_progress).
    ///
    /// # Errors
    ///
    /// What ClickHouse says.
    #[tracing::instrument(skip_all)]
    pub async fn query_progress(&self, id: &QueryId) -> Result<Option<QueryProgress>> {
        self.warehouse().query_progress(id).await
    }
}
