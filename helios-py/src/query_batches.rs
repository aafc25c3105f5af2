//! The result of a query as record batches, one by one.

use std::{
    io,
    sync::atomic::{AtomicBool, Ordering},
};

use arrow_array::{RecordBatch, RecordBatchReader};
use arrow_schema::{ArrowError, SchemaRef};
use futures_util::FutureExt as _;
use helios_core::{Error, ErrorKind, QueryId};
use pyo3::{exceptions::PyKeyboardInterrupt, prelude::*, types::PyCapsule};

use crate::{
    awaitable::awaitable,
    batch::{self, QueryBatch},
    capsule,
    client::Client,
    error, exit,
    reading::Reading,
    runtime::block_on,
};

/// A result that is read as record batches.
#[pyclass(frozen, module = "helios._helios")]
pub(crate) struct QueryBatches {
    id: QueryId,
    schema: SchemaRef,
    reading: Reading<RecordBatch>,
    /// A client that nobody closes stays open as long as its results are read.
    client: Py<Client>,
    /// Whether it is read from C.
    handed_over: AtomicBool,
}

impl QueryBatches {
    pub(crate) fn new(
        id: QueryId,
        schema: SchemaRef,
        reading: Reading<RecordBatch>,
        client: Py<Client>,
    ) -> Self {
        Self { id, schema, reading, client, handed_over: AtomicBool::new(false) }
    }

    /// Two readers would each have a part, and take it for the whole.
    fn check_reader(&self, py: Python<'_>, handed_over: bool) -> PyResult<()> {
        if !handed_over {
            return Ok(());
        }
        let message =
            "the result was handed over as an Arrow stream, which can be read once; run the query again";
        Err(error::raise(py, &Error::new(ErrorKind::InvalidInput, message).at("query")))
    }
}

#[pymethods]
impl QueryBatches {
    /// The name of the query.
    #[getter]
    fn query_id(&self) -> &str {
        self.id.as_str()
    }

    /// Names and ClickHouse types of the columns.
    #[getter]
    fn columns(&self) -> Vec<(&str, &str)> {
        batch::columns(&self.schema)
    }

    /// The next batch; `None` at the end of a whole result.
    fn next(&self, py: Python<'_>) -> PyResult<Option<QueryBatch>> {
        self.check_reader(py, self.handed_over.load(Ordering::Relaxed))?;
        block_on(py, self.reading.next().map(|batch| Ok(batch?.map(QueryBatch::new))))
    }

    /// `next`, to be awaited.
    fn next_async<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.check_reader(py, self.handed_over.load(Ordering::Relaxed))?;
        awaitable(py, self.reading.next().map(|batch| Ok(batch?.map(QueryBatch::new))))
    }

    /// Ends the query.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        block_on(py, self.reading.close())
    }

    /// `close`, to be awaited.
    fn close_async<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        awaitable(py, self.reading.close())
    }

    /// The schema of every batch.
    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        capsule::schema(py, &self.schema)
    }

    /// The Arrow PyCapsule interface: the batches that were not read yet, once. The result's own schema is given whatever
    /// is asked for, as the interface allows.
    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        let _ = requested_schema;
        self.check_reader(py, self.handed_over.swap(true, Ordering::Relaxed))?;
        let reader = Reader {
            schema: SchemaRef::clone(&self.schema),
            reading: self.reading.clone(),
            failed: None,
            _client: self.client.clone_ref(py),
        };
        capsule::stream(py, Box::new(reader))
    }
}

/// The batches of a result, one after the other, for whoever calls from C, from any thread.
struct Reader {
    schema: SchemaRef,
    reading: Reading<RecordBatch>,
    /// Why it ended early. Told again at every call, so that nobody takes the next call's answer for the end.
    failed: Option<String>,
    _client: Py<Client>,
}

impl Iterator for Reader {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed.is_none() {
            let read = exit::visit(|py| {
                block_on(py, self.reading.next()).map_err(|error| {
                    let text = error.to_string();
                    raise_later(py, &error);
                    text
                })
            });
            match read.unwrap_or_else(|| Err("Python ends".to_owned())) {
                Ok(batch) => return batch.map(Ok),
                Err(text) => self.failed = Some(text),
            }
        }
        let text = self.failed.clone().unwrap_or_default();
        Some(Err(ArrowError::IoError(text.clone(), io::Error::other(text))))
    }
}

/// C has no exceptions, and what comes of an error is up to the caller. Ctrl-C is for the whole program, and comes again.
fn raise_later(py: Python<'_>, error: &PyErr) {
    if error.is_instance_of::<PyKeyboardInterrupt>(py) {
        // It fails only where there is no such module.
        drop(py.import("_thread").and_then(|thread| thread.call_method0("interrupt_main")));
    }
}

impl RecordBatchReader for Reader {
    fn schema(&self) -> SchemaRef {
        SchemaRef::clone(&self.schema)
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.reading.stop();
    }
}
