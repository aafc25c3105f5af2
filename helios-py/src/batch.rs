//! A piece of a result, as Arrow.

use arrow_array::RecordBatch;
use arrow_schema::{Field, Schema};
use helios_core::warehouse::{TYPE_KEY, types::DataType as ClickHouseType};
use pyo3::{
    exceptions::PyIndexError,
    prelude::*,
    types::{PyCapsule, PyDict, PyList, PyString},
};

use crate::{capsule, values};

/// A record batch.
#[pyclass(frozen, module = "helios._helios")]
pub(crate) struct QueryBatch(RecordBatch);

impl QueryBatch {
    pub(crate) fn new(batch: RecordBatch) -> Self {
        Self(batch)
    }
}

#[pymethods]
impl QueryBatch {
    /// Its rows.
    fn rows<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let rows = PyList::empty(py);
        append_rows(py, &self.0, &rows)?;
        Ok(rows)
    }

    /// The values of one column.
    fn column<'py>(&self, py: Python<'py>, index: usize) -> PyResult<Vec<Bound<'py, PyAny>>> {
        column(py, &self.0, index)
    }

    /// Its first rows.
    fn head(&self, rows: usize) -> Self {
        Self(self.0.slice(0, rows.min(self.0.num_rows())))
    }

    fn __len__(&self) -> usize {
        self.0.num_rows()
    }

    /// The Arrow PyCapsule interface. The batch's own schema is given whatever is asked for, as the interface allows.
    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_array__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<(Bound<'py, PyCapsule>, Bound<'py, PyCapsule>)> {
        let _ = requested_schema;
        Ok((capsule::schema(py, self.0.schema_ref())?, capsule::array(py, &self.0)?))
    }
}

/// Names and ClickHouse types of the columns.
pub(crate) fn columns(schema: &Schema) -> Vec<(&str, &str)> {
    let fields = schema.fields().iter();
    fields.map(|field| (field.name().as_str(), clickhouse_type(field).unwrap_or_default())).collect()
}

/// The rows of a batch as dicts.
pub(crate) fn append_rows<'py>(
    py: Python<'py>,
    batch: &RecordBatch,
    rows: &Bound<'py, PyList>,
) -> PyResult<()> {
    let mut columns = Vec::with_capacity(batch.num_columns());
    for (index, field) in batch.schema_ref().fields().iter().enumerate() {
        columns.push((PyString::intern(py, field.name()), column(py, batch, index)?.into_iter()));
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

/// The values of one column of a batch.
pub(crate) fn column<'py>(
    py: Python<'py>,
    batch: &RecordBatch,
    index: usize,
) -> PyResult<Vec<Bound<'py, PyAny>>> {
    let (Some(field), Some(array)) = (batch.schema_ref().fields().get(index), batch.columns().get(index))
    else {
        return Err(PyIndexError::new_err(format!("there is no column {index}")));
    };
    let data_type = clickhouse_type(field).and_then(|text| text.parse::<ClickHouseType>().ok());
    values::column(py, array, data_type.as_ref())
}

fn clickhouse_type(field: &Field) -> Option<&str> {
    field.metadata().get(TYPE_KEY).map(String::as_str)
}
