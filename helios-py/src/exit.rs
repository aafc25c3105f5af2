//! The end of the interpreter.
//!
//! Daemon threads may wait for something then. They must not come back into an interpreter that is no more: that would
//! crash the process on its way out.

use std::{
    sync::OnceLock,
    thread::{self, ThreadId},
};

use pyo3::prelude::*;

/// The thread that ends the interpreter, once it does.
static ENDING: OnceLock<ThreadId> = OnceLock::new();

/// Has the end noticed.
pub(crate) fn watch(py: Python<'_>) -> PyResult<()> {
    let begin = wrap_pyfunction!(begin, py)?;
    py.import("atexit")?.call_method1("register", (begin,)).map(drop)
}

/// Called by Python once all threads but the daemons have ended.
#[pyfunction]
pub(crate) fn begin() {
    ENDING.get_or_init(|| thread::current().id());
}

/// Whether another thread ends the interpreter.
pub(crate) fn has_begun_elsewhere() -> bool {
    ENDING.get().is_some_and(|thread| *thread != thread::current().id())
}

/// Holds up a thread that has no interpreter to come back to.
pub(crate) fn stay_out() {
    while has_begun_elsewhere() {
        thread::park();
    }
}
