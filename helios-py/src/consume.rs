//! Delivery from this process.

use std::future::Future;

use helios_core::{ConsumeOptions, HeliosClient, Result};
use pyo3::prelude::*;

use crate::{answer, awaitable::awaitable, client::Client, progress, runtime::block_on};

#[pymethods]
impl Client {
    /// Delivers a stream; `options` is the JSON of `ConsumeOptions`. `on_progress` gets the JSON of what was done so far, on
    /// the thread that waits. If it returns `False` the consumer stops, if it raises that is raised.
    #[pyo3(signature = (options, on_progress=None))]
    fn consume(&self, py: Python<'_>, options: String, on_progress: Option<Py<PyAny>>) -> PyResult<String> {
        block_on(py, consume(self, options, on_progress))
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

fn consume(
    client: &Client,
    options: String,
    on_progress: Option<Py<PyAny>>,
) -> impl Future<Output = Result<String>> + Send + use<> {
    let held = client.hold();
    client.run(async move |client: HeliosClient| {
        let options: ConsumeOptions = answer::read(&options)?;
        let (mut on_progress, raised) = progress::watch(on_progress);
        let consumer = client
            .consume(&options.stream_name)
            .options(options)
            // The consumer's tasks, which end a moment after they were told to, hold this as long as they use the engine.
            .on_progress(move |_| {
                let _held = &held;
            })
            .run_while(|so_far| on_progress.as_mut().is_none_or(|on_progress| on_progress.ask(so_far)));
        // Ctrl-C may be among what is raised: then no batch is waited for.
        answer::write(&raised.or(consumer).await?)
    })
}
