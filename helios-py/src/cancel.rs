//! Queries by their names: ended, and looked at.

use std::future::Future;

use helios_core::{HeliosClient, QueryId, Result};
use pyo3::prelude::*;

use crate::{answer, awaitable::awaitable, client::Client, runtime::block_on};

#[pymethods]
impl Client {
    /// Ends the query of this name; whether one was running.
    fn cancel_query(&self, py: Python<'_>, query_id: String) -> PyResult<bool> {
        block_on(py, cancel_query(self, query_id))
    }

    /// `cancel_query`, to be awaited.
    fn cancel_query_async<'py>(&self, py: Python<'py>, query_id: String) -> PyResult<Bound<'py, PyAny>> {
        awaitable(py, cancel_query(self, query_id))
    }

    /// How far the query of this name is, as JSON; `None` if none runs.
    fn query_progress(&self, py: Python<'_>, query_id: String) -> PyResult<Option<String>> {
        block_on(py, query_progress(self, query_id))
    }

    /// `query_progress`, to be awaited.
    fn query_progress_async<'py>(&self, py: Python<'py>, query_id: String) -> PyResult<Bound<'py, PyAny>> {
        awaitable(py, query_progress(self, query_id))
    }
}

fn cancel_query(client: &Client, id: String) -> impl Future<Output = Result<bool>> + Send + use<> {
    client.run(async move |client: HeliosClient| {
        let id = QueryId::new(id).map_err(|error| error.at("cancel_query"))?;
        Ok(client.cancel_query(&id).await?.found)
    })
}

fn query_progress(
    client: &Client,
    id: String,
) -> impl Future<Output = Result<Option<String>>> + Send + use<> {
    client.run(async move |client: HeliosClient| {
        let id = QueryId::new(id).map_err(|error| error.at("query_progress"))?;
        client.query_progress(&id).await?.map(|progress| answer::write(&progress)).transpose()
    })
}
