//! Queries.

use std::{future::Future, sync::Arc};

use futures_util::TryStreamExt as _;
use helios_core::{HeliosClient, QueryOptions, Result};
use pyo3::prelude::*;

use crate::{answer, awaitable::awaitable, client::Client, result::QueryResult, runtime::block_on};

#[pymethods]
impl Client {
    /// Runs a query; `options` is the JSON of `QueryOptions`.
    fn query(&self, py: Python<'_>, sql: String, options: String) -> PyResult<QueryResult> {
        block_on(py, query(self, sql, options))
    }

    /// `query`, to be awaited.
    fn query_async<'py>(&self, py: Python<'py>, sql: String, options: String) -> PyResult<Bound<'py, PyAny>> {
        awaitable(py, query(self, sql, options))
    }
}

fn query(
    client: &Client,
    sql: String,
    options: String,
) -> impl Future<Output = Result<QueryResult>> + Send + use<> {
    client.run(async move |client: HeliosClient| {
        let options: QueryOptions = answer::read(&options)?;
        let stream = client.query_arrow(&sql, &options).await?;
        let schema = Arc::clone(stream.schema());
        let batches = stream.try_collect().await?;
        Ok(QueryResult::new(sql, schema, batches))
    })
}
