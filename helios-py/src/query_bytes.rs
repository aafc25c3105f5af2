//! The result of a query as bytes, chunk by chunk.

use std::convert::Infallible;

use bytes::Bytes;
use futures_util::FutureExt as _;
use helios_core::QueryId;
use pyo3::{prelude::*, types::PyBytes};

use crate::{awaitable::awaitable, client::Client, reading::Reading, runtime::block_on};

/// A result that is read as bytes.
#[pyclass(frozen, module = "helios._helios")]
pub(crate) struct QueryBytes {
    id: QueryId,
    reading: Reading<Bytes>,
    /// A client that nobody closes stays open as long as its results are read.
    _client: Py<Client>,
}

impl QueryBytes {
    pub(crate) fn new(id: QueryId, reading: Reading<Bytes>, client: Py<Client>) -> Self {
        Self { id, reading, _client: client }
    }
}

#[pymethods]
impl QueryBytes {
    /// The name of the query.
    #[getter]
    fn query_id(&self) -> &str {
        self.id.as_str()
    }

    /// The next bytes; `None` at the end of a whole result.
    fn next(&self, py: Python<'_>) -> PyResult<Option<Chunk>> {
        block_on(py, self.reading.next().map(|chunk| Ok(chunk?.map(Chunk))))
    }

    /// `next`, to be awaited.
    fn next_async<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        awaitable(py, self.reading.next().map(|chunk| Ok(chunk?.map(Chunk))))
    }

    /// Ends the query.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        block_on(py, self.reading.close())
    }

    /// `close`, to be awaited.
    fn close_async<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        awaitable(py, self.reading.close())
    }
}

/// Bytes of a result as Python's.
pub(crate) struct Chunk(pub(crate) Bytes);

impl<'py> IntoPyObject<'py> for Chunk {
    type Target = PyBytes;
    type Output = Bound<'py, PyBytes>;
    type Error = Infallible;

    fn into_pyobject(self, py: Python<'py>) -> Result<Bound<'py, PyBytes>, Infallible> {
        Ok(PyBytes::new(py, &self.0))
    }
}
