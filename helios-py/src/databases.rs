//! Databases and their tables.

use std::future::Future;

use helios_core::{HeliosClient, Result};
use pyo3::prelude::*;

use crate::{answer, awaitable::awaitable, client::Client, runtime::block_on};

#[pymethods]
impl Client {
    /// `{"default": ["events", "users"]}`
    fn databases(&self, py: Python<'_>) -> PyResult<String> {
        block_on(py, databases(self))
    }

    /// `databases`, to be awaited.
    fn databases_async<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        awaitable(py, databases(self))
    }
}

fn databases(client: &Client) -> impl Future<Output = Result<String>> + Send + use<> {
    client.run(async |client: HeliosClient| answer::write(&client.databases().await?))
}
