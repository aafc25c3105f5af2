//! Futures as awaitables of asyncio.
//!
//! `pyo3-async-runtimes` does the same, but comes back into the interpreter for a future that was cancelled, and does not
//! mind whether the interpreter ends meanwhile: a program that cancels its tasks at its end, as `asyncio.run` does,
//! sometimes crashed.

use std::future::Future;

use helios_core::Result;
use pyo3::{IntoPyObject, IntoPyObjectExt as _, intern, prelude::*};
use tokio::task::AbortHandle;

use crate::{
    error, exit, logs,
    runtime::{runtime, unpanicked},
};

/// The future as an awaitable of the running event loop. Cancelling the awaitable drops the future.
pub(crate) fn awaitable<F, T>(py: Python<'_>, future: F) -> PyResult<Bound<'_, PyAny>>
where
    F: Future<Output = Result<T>> + Send + 'static,
    T: for<'py> IntoPyObject<'py> + Send + 'static,
{
    let runtime = runtime().map_err(|error| error::raise(py, &error))?;
    logs::begin(py);
    let event_loop = py.import("asyncio")?.call_method0("get_running_loop")?;
    let awaitable = event_loop.call_method0("create_future")?;
    let waiting = Waiting { event_loop: event_loop.unbind(), awaitable: awaitable.clone().unbind() };
    let task = runtime.spawn(async move {
        let outcome = unpanicked(future).await;
        // The threads that run futures do not wait for the interpreter.
        runtime.spawn_blocking(|| waiting.tell(outcome));
    });
    awaitable.call_method1("add_done_callback", (Done(task.abort_handle()),))?;
    Ok(awaitable)
}

/// Who waits for an outcome.
struct Waiting {
    event_loop: Py<PyAny>,
    awaitable: Py<PyAny>,
}

impl Waiting {
    fn tell<T: for<'py> IntoPyObject<'py>>(self, outcome: Result<T>) {
        let told = exit::attach(|py| {
            logs::hand_over(py);
            let outcome = match outcome {
                Ok(value) => value.into_bound_py_any(py),
                Err(error) => Err(error::raise(py, &error)),
            };
            let (method, value) = match outcome {
                Ok(value) => (intern!(py, "set_result"), value),
                Err(error) => (intern!(py, "set_exception"), error.into_value(py).into_bound(py).into_any()),
            };
            let settle = wrap_pyfunction!(settle, py)?;
            let arguments = (settle, self.awaitable, method, value);
            self.event_loop.bind(py).call_method1(intern!(py, "call_soon_threadsafe"), arguments).map(drop)
        });
        // It fails if the loop is closed, and then nobody waits.
        drop(told);
    }
}

/// Called by the event loop.
#[pyfunction]
fn settle(awaitable: &Bound<'_, PyAny>, method: &str, value: &Bound<'_, PyAny>) -> PyResult<()> {
    // It may have been cancelled while this call was on its way.
    if !awaitable.call_method0("done")?.is_truthy()? {
        awaitable.call_method1(method, (value,))?;
    }
    Ok(())
}

/// Called by the event loop when an awaitable has its outcome, or is cancelled.
#[pyclass(frozen)]
struct Done(AbortHandle);

#[pymethods]
impl Done {
    fn __call__(&self, _awaitable: &Bound<'_, PyAny>) {
        self.0.abort();
    }
}
