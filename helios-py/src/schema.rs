//! Schemas, changed without a client.

use helios_core::{
    Result,
    schema::{Schema, SchemaEdit},
};
use pyo3::prelude::*;

use crate::{answer, error::raise};

/// Changes a schema; both are JSON.
#[pyfunction]
pub(crate) fn edit_schema(py: Python<'_>, schema: &str, edits: &str) -> PyResult<String> {
    edited(schema, edits).map_err(|error| raise(py, &error))
}

fn edited(schema: &str, edits: &str) -> Result<String> {
    let mut schema: Schema = answer::read(schema)?;
    let edits: Vec<SchemaEdit> = answer::read(edits)?;
    schema.edit(&edits)?;
    answer::write(&schema)
}
