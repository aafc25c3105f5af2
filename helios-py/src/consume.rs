//! Delivery from this process.

use std::future::Future;

use helios_core::{ConsumeOptions, HeliosClient, Result, delivery::ConsumeProgress};
use pyo3::{IntoPyObject, IntoPyObjectExt as _, prelude::*};
use tokio::{sync::oneshot, task::block_in_place};

use crate::{answer, awaitable::awaitable, client::Client, exit, runtime::block_on};

#[pymethods]
impl Client {
    /// Delivers a stream; `options` is the JSON of `ConsumeOptions`. `on_progress` gets the JSON of what was done so far, on
    /// the thread that waits. If it returns `False` the consumer stops, if it raises that is raised.
    #[pyo3(signature = (options, on_progress=None))]
    fn consume(&self, py: Python<'_>, options: String, on_progress: Option<Py<PyAny>>) -> PyResult<String> {
        block_on(py, consume(self, options, on_progress))?.0
    }

    /// `consume`, to be awaited. `on_progress` is called on a thread of Helios.
    #[pyo3(signature = (options, on_progress=None))]
    fn consume_async<'py>(
        &self,
        py: Python<'py>,
        options: String,
        on_progress: Option<Py<PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        awaitable(py, consume(self, options, on_progress))
    }
}

/// An answer, or what the caller's own function has raised.
struct Consumed(PyResult<String>);

impl<'py> IntoPyObject<'py> for Consumed {
    type Target = PyAny;
    type Output = Bound<'py, PyAny>;
    type Error = PyErr;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.0?.into_bound_py_any(py)
    }
}

fn consume(
    client: &Client,
    options: String,
    on_progress: Option<Py<PyAny>>,
) -> impl Future<Output = Result<Consumed>> + Send + use<> {
    let held = client.hold();
    client.run(async move |client: HeliosClient| {
        let options: ConsumeOptions = answer::read(&options)?;
        let (raise, mut raised) = oneshot::channel();
        let mut raise = Some(raise);
        let consumer = client
            .consume(&options.stream_name)
            .options(options)
            // The consumer's tasks, which end a moment after they were told to, hold this as long as they use the engine.
            .on_progress(move |_| {
                let _held = &held;
            })
            .run_while(|so_far| {
                let Some(call) = &on_progress else { return true };
                ask(call, so_far).unwrap_or_else(|error| {
                    // It cannot fail: whoever would receive it is here.
                    raise.take().map(|raise| raise.send(error));
                    false
                })
            });
        // Ctrl-C may be among what is raised: then no batch is waited for.
        let report = tokio::select! {
            biased;
            Ok(error) = &mut raised => return Ok(Consumed(Err(error))),
            report = consumer => report,
        };
        // Raised in the last moment.
        if let Ok(error) = raised.try_recv() {
            return Ok(Consumed(Err(error)));
        }
        Ok(Consumed(Ok(answer::write(&report?)?)))
    })
}

/// Whether to go on.
fn ask(call: &Py<PyAny>, so_far: &ConsumeProgress) -> PyResult<bool> {
    // Helios may be called in turn, and that waits. An interpreter that ends wants nobody to go on.
    let asked = block_in_place(|| {
        exit::attach(|py| {
            let progress = serde_json::to_string(so_far).unwrap_or_default();
            let said = call.bind(py).call1((progress,))?;
            Ok(said.extract::<bool>().unwrap_or(true))
        })
    });
    asked.unwrap_or(Ok(false))
}
