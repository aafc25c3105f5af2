//! The result of a query.

use arrow_array::{RecordBatch, RecordBatchIterator, ffi_stream::FFI_ArrowArrayStream};
use arrow_schema::{Field, SchemaRef};
use helios_core::warehouse::{TYPE_KEY, types::DataType as ClickHouseType};
use pyo3::{
    prelude::*,
    types::{PyCapsule, PyDict, PyList, PyString},
};

use crate::values;

/// A whole result, as Arrow.
#[pyclass(frozen, module = "helios._helios")]
pub(crate) struct QueryResult {
    sql: String,
    schema: SchemaRef,
    /// None of them empty.
    batches: Vec<RecordBatch>,
}

impl QueryResult {
    pub(crate) fn new(sql: String, schema: SchemaRef, mut batches: Vec<RecordBatch>) -> Self {
        batches.retain(|batch| batch.num_rows() > 0);
        Self { sql, schema, batches }
    }

    fn append_rows<'py>(
        &self,
        py: Python<'py>,
        batch: &RecordBatch,
        rows: &Bound<'py, PyList>,
    ) -> PyResult<()> {
        let mut columns = Vec::with_capacity(batch.num_columns());
        for (field, array) in self.schema.fields().iter().zip(batch.columns()) {
            let data_type = clickhouse_type(field).and_then(|text| text.parse::<ClickHouseType>().ok());
            let values = values::column(py, array, data_type.as_ref())?;
            columns.push((PyString::intern(py, field.name()), values.into_iter()));
        }
        for _ in 0..batch.num_rows() {
            let row = PyDict::new(py);
            for (name, values) in &mut columns {
                row.set_item(&*name, values.next())?;
            }
            rows.append(row)?;
        }
        Ok(())
    }
}

#[pymethods]
impl QueryResult {
    /// The SQL text.
    #[getter]
    fn sql(&self) -> &str {
        &self.sql
    }

    /// Names and ClickHouse types of the columns.
    #[getter]
    fn columns(&self) -> Vec<(&str, &str)> {
        let fields = self.schema.fields().iter();
        fields.map(|field| (field.name().as_str(), clickhouse_type(field).unwrap_or_default())).collect()
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
            self.append_rows(py, batch, &rows)?;
            py.check_signals()?;
        }
        Ok(rows)
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
        let stream = FFI_ArrowArrayStream::new(Box::new(reader));
        PyCapsule::new_with_value(py, stream, c"arrow_array_stream")
    }
}

fn clickhouse_type(field: &Field) -> Option<&str> {
    field.metadata().get(TYPE_KEY).map(String::as_str)
}
