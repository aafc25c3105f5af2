//! Errors as exceptions of `helios.exceptions`.

use std::error::Error as _;

use helios_core::{Error, ErrorKind};
use pyo3::{prelude::*, sync::PyOnceLock, types::PyDict};

/// The exception that says what the error says; what the caller's own function has raised, as it was.
pub(crate) fn raise(py: Python<'_>, error: &Error) -> PyErr {
    if let Some(raised) = error.source().and_then(|source| source.downcast_ref::<PyErr>()) {
        return raised.clone_ref(py);
    }
    exception(py, error).map_or_else(|failure| failure, |exception| PyErr::from_value(exception.into_any()))
}

fn exception<'py>(py: Python<'py>, error: &Error) -> PyResult<Bound<'py, PyAny>> {
    static OF_KIND: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let context = PyDict::new(py);
    for (key, value) in error.context() {
        context.set_item(key, value)?;
    }
    let details = PyDict::new(py);
    details.set_item("operation", error.operation())?;
    details.set_item("context", context)?;
    details.set_item("retryable", error.is_retryable())?;
    details.set_item("server_code", error.server_code())?;
    details.set_item("server_error_name", error.server_error_name())?;
    let position = error.position().map(|position| (position.offset, position.line, position.column));
    details.set_item("position", position)?;
    details.set_item("aws_code", error.aws_code())?;
    OF_KIND
        .import(py, "helios.exceptions", "of_kind")?
        .call((error.kind().as_str(), error.text()), Some(&details))
}

/// Every kind of error, by its name.
#[pyfunction]
pub(crate) fn error_kinds() -> Vec<&'static str> {
    ErrorKind::ALL.iter().map(|kind| kind.as_str()).collect()
}
