//! Sources: streams that fill tables.

use std::future::Future;

use helios_core::{CreateTable, HeliosClient, Result};
use pyo3::prelude::*;

use crate::{answer, awaitable::awaitable, client::Client, runtime::block_on};

#[pymethods]
impl Client {
    /// Creates a table and lets a stream fill it; `spec` is the JSON of `CreateTable`.
    fn create_table(&self, py: Python<'_>, spec: String) -> PyResult<String> {
        block_on(py, create_table(self, spec))
    }

    /// `create_table`, to be awaited.
    fn create_table_async<'py>(&self, py: Python<'py>, spec: String) -> PyResult<Bound<'py, PyAny>> {
        awaitable(py, create_table(self, spec))
    }

    /// Lists the sources.
    fn sources(&self, py: Python<'_>) -> PyResult<String> {
        block_on(py, sources(self))
    }

    /// `sources`, to be awaited.
    fn sources_async<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        awaitable(py, sources(self))
    }
}

fn create_table(client: &Client, spec: String) -> impl Future<Output = Result<String>> + Send + use<> {
    client.run(async move |client: HeliosClient| {
        let spec: CreateTable = answer::read(&spec)?;
        answer::write(&client.create_table(&spec).await?)
    })
}

fn sources(client: &Client) -> impl Future<Output = Result<String>> + Send + use<> {
    client.run(async |client: HeliosClient| answer::write(&client.sources().await?))
}
