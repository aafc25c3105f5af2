//! Sources: streams that fill tables.

use std::future::Future;

use helios_core::{HeliosClient, Result};
use pyo3::prelude::*;

use crate::{answer, awaitable::awaitable, client::Client, runtime::block_on};

#[pymethods]
impl Client {
    /// Lists the sources.
    fn sources(&self, py: Python<'_>) -> PyResult<String> {
        block_on(py, sources(self))
    }

    /// `sources`, to be awaited.
    fn sources_async<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        awaitable(py, sources(self))
    }
}

fn sources(client: &Client) -> impl Future<Output = Result<String>> + Send + use<> {
    client.run(async |client: HeliosClient| answer::write(&client.sources().await?))
}
