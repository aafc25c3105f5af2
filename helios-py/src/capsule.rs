//! The Arrow PyCapsule interface: Arrow's C structures, handed to whatever reads them.

use arrow_array::{
    Array as _, RecordBatch, RecordBatchReader, StructArray,
    ffi::{FFI_ArrowArray, FFI_ArrowSchema},
    ffi_stream::FFI_ArrowArrayStream,
};
use arrow_schema::{ArrowError, Schema};
use helios_core::{Error, ErrorKind, warehouse::check_c_names};
use pyo3::{prelude::*, types::PyCapsule};

use crate::error;

type Capsule<'py> = PyResult<Bound<'py, PyCapsule>>;

/// `arrow_schema`
pub(crate) fn schema<'py>(py: Python<'py>, schema: &Schema) -> Capsule<'py> {
    check_names(py, schema)?;
    let schema = FFI_ArrowSchema::try_from(schema).map_err(|error| unexpected(py, error))?;
    PyCapsule::new_with_value(py, schema, c"arrow_schema")
}

/// `arrow_array`
pub(crate) fn array<'py>(py: Python<'py>, batch: &RecordBatch) -> Capsule<'py> {
    let array = FFI_ArrowArray::new(&StructArray::from(batch.clone()).to_data());
    PyCapsule::new_with_value(py, array, c"arrow_array")
}

/// `arrow_array_stream`
pub(crate) fn stream<'py>(py: Python<'py>, reader: Box<dyn RecordBatchReader + Send>) -> Capsule<'py> {
    check_names(py, &reader.schema())?;
    PyCapsule::new_with_value(py, FFI_ArrowArrayStream::new(reader), c"arrow_array_stream")
}

fn check_names(py: Python<'_>, schema: &Schema) -> PyResult<()> {
    check_c_names(schema).map_err(|error| error::raise(py, &error))
}

fn unexpected(py: Python<'_>, cause: ArrowError) -> PyErr {
    error::raise(py, &Error::new(ErrorKind::Unexpected, "a schema cannot be handed on").caused_by(cause))
}
