//! The result of a query.

use arrow_array::{RecordBatch, RecordBatchIterator};
use arrow_schema::SchemaRef;
use helios_core::QueryId;
use pyo3::{
    prelude::*,
    types::{PyCapsule, PyList},
};

use crate::{
    batch::{self, QueryBatch},
    capsule,
};

/// A whole result, as Arrow.
#[pyclass(frozen, module = "helios._helios")]
pub(crate) struct QueryResult {
    sql: String,
    id: QueryId,
    schema: SchemaRef,
    /// None of them empty.
    batches: Vec<RecordBatch>,
}

impl QueryResult {
    pub(crate) fn new(sql: String, id: QueryId, schema: SchemaRef, batches: Vec<RecordBatch>) -> Self {
        Self { sql, id, schema, batches }
    }
}

#[pymethods]
impl QueryResult {
    /// The SQL text.
    #[getter]
    fn sql(&self) -> &str {
        &self.sql
    }

    /// The name that the query had.
    #[getter]
    fn query_id(&self) -> &str {
        self.id.as_str()
    }

    /// Names and ClickHouse types of the columns.
    #[getter]
    fn columns(&self) -> Vec<(&str, &str)> {
        batch::columns(&self.schema)
    }

    fn __len__(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }

    /// How many pieces the rows come in.
    #[getter]
    fn batches(&self) -> usize {
        self.batches.len()
    }

    /// The rows of one piece, of all without a number.
    #[pyo3(signature = (batch=None))]
    fn rows<'py>(&self, py: Python<'py>, batch: Option<usize>) -> PyResult<Bound<'py, PyList>> {
        let rows = PyList::empty(py);
        let batches = match batch {
            Some(number) => self.batches.get(number..=number).unwrap_or_default(),
            None => &self.batches,
        };
        for batch in batches {
            batch::append_rows(py, batch, &rows)?;
            py.check_signals()?;
        }
        Ok(rows)
    }

    /// The values of one column.
    fn column<'py>(&self, py: Python<'py>, index: usize) -> PyResult<Vec<Bound<'py, PyAny>>> {
        let mut values = Vec::with_capacity(self.__len__());
        for batch in &self.batches {
            values.extend(batch::column(py, batch, index)?);
            py.check_signals()?;
        }
        Ok(values)
    }

    /// One piece of it.
    fn batch(&self, index: usize) -> Option<QueryBatch> {
        self.batches.get(index).cloned().map(QueryBatch::new)
    }

    /// The Arrow PyCapsule interface. The result's own schema is given whatever is asked for, as the interface allows.
    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        let _ = requested_schema;
        let batches: Vec<_> = self.batches.iter().cloned().map(Ok).collect();
        let reader = RecordBatchIterator::new(batches, SchemaRef::clone(&self.schema));
        capsule::stream(py, Box::new(reader))
    }
}
