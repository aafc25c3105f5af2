//! Delivery from this process, in the background.

use std::{
    future::Future,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use helios_core::{
    ConsumeOptions, Error, HeliosClient, Result, WatchedConsumer,
    delivery::{ConsumeProgress, StopConsumer},
};
use pyo3::{IntoPyObjectExt as _, prelude::*};
use tokio::{sync::watch, time::timeout};

use crate::{
    answer,
    awaitable::awaitable,
    client::{Client, closed_meanwhile},
    error::raise,
    exit,
    progress::{self, OnProgress, Raised},
    runtime::{block_on, runtime, unpanicked},
};

/// A consumer that runs in the background, or has.
#[pyclass(frozen, module = "helios._helios")]
pub(crate) struct Consumer {
    stop: StopConsumer,
    progress: Arc<Mutex<ConsumeProgress>>,
    end: watch::Receiver<Option<End>>,
}

/// What has become of it.
#[derive(Clone)]
struct End(Arc<Result<String>>);

impl<'py> IntoPyObject<'py> for End {
    type Target = PyAny;
    type Output = Bound<'py, PyAny>;
    type Error = PyErr;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Self::Output> {
        match &*self.0 {
            Ok(report) => report.as_str().into_bound_py_any(py),
            Err(error) => Err(raise(py, error)),
        }
    }
}

#[pymethods]
impl Client {
    /// Starts a consumer; `options` is the JSON of `ConsumeOptions`. `on_progress` gets the JSON of what was done so far, on a
    /// thread of Helios. If it returns `False` the consumer stops, if it raises that is raised by whoever waits.
    #[pyo3(signature = (options, on_progress=None))]
    fn consume(&self, py: Python<'_>, options: String, on_progress: Option<Py<PyAny>>) -> PyResult<Consumer> {
        block_on(py, start(self, options, on_progress))
    }

    /// `consume`, to be awaited.
    #[pyo3(signature = (options, on_progress=None))]
    fn consume_async<'py>(
        &self,
        py: Python<'py>,
        options: String,
        on_progress: Option<Py<PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        awaitable(py, start(self, options, on_progress))
    }
}

#[pymethods]
impl Consumer {
    /// Asks it to end, and does not wait for that.
    fn stop(&self) {
        self.stop.stop();
    }

    /// What it has done so far, as JSON.
    fn progress(&self, py: Python<'_>) -> PyResult<String> {
        let so_far = self.progress.lock().unwrap_or_else(PoisonError::into_inner).clone();
        answer::write(&so_far).map_err(|error| raise(py, &error))
    }

    #[getter]
    fn running(&self) -> bool {
        self.end.borrow().is_none()
    }

    /// Its report as JSON, when it has ended; `None` if it has not after so many seconds.
    #[pyo3(signature = (seconds=None))]
    fn wait<'py>(&self, py: Python<'py>, seconds: Option<f64>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let end = block_on(py, ended(self.end.clone(), seconds))?;
        end.map(|end| end.into_pyobject(py)).transpose()
    }

    /// `wait`, to be awaited.
    #[pyo3(signature = (seconds=None))]
    fn wait_async<'py>(&self, py: Python<'py>, seconds: Option<f64>) -> PyResult<Bound<'py, PyAny>> {
        awaitable(py, ended(self.end.clone(), seconds))
    }
}

async fn ended(mut end: watch::Receiver<Option<End>>, seconds: Option<f64>) -> Result<Option<End>> {
    let limit = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let end = async {
        // Its sender says so before it goes.
        end.wait_for(Option::is_some).await.ok().and_then(|end| end.clone())
    };
    Ok(match limit {
        Some(limit) => timeout(limit, end).await.ok().flatten(),
        None => end.await,
    })
}

fn start(
    client: &Client,
    options: String,
    on_progress: Option<Py<PyAny>>,
) -> impl Future<Output = Result<Consumer>> + Send + use<> {
    let (held, closing) = (client.hold(), client.closing());
    client.run(async move |client: HeliosClient| {
        let options: ConsumeOptions = answer::read(&options)?;
        let stream = options.stream_name.clone();
        let consumer = client
            .consume(&options.stream_name)
            .options(options)
            // The consumer's tasks, which end a moment after they were told to, hold this as long as they use the engine.
            .on_progress(move |_| {
                let _held = &held;
            })
            .start_watched();
        let consumer = consumer.await?;
        let stop = consumer.stopper();
        let progress = Arc::default();
        let (say, end) = watch::channel(None);
        let run = run(consumer, Arc::clone(&progress), progress::watch(on_progress));
        runtime()?.spawn(async move {
            let mut closing = closing;
            let client_closes = async {
                match &mut closing {
                    Some(closing) => drop(closing.wait_for(|closing| *closing).await),
                    None => std::future::pending().await,
                }
            };
            let outcome = tokio::select! {
                biased;
                outcome = unpanicked(run) => {
                    // Perhaps nobody ever waits for it. What the end of the program breaks off is no error.
                    if let Err(error) = &outcome
                        && !exit::has_begun()
                    {
                        tracing::warn!(target: "helios::consumer", stream, %error, "A consumer has ended with an error.");
                    }
                    outcome
                }
                () = client_closes => Err(closed_meanwhile().at("consume")),
            };
            say.send_replace(Some(End(Arc::new(outcome))));
            // Dropped last: closing the client waits for it.
            drop(closing);
        });
        Ok(Consumer { stop, progress, end })
    })
}

async fn run(
    consumer: WatchedConsumer,
    progress: Arc<Mutex<ConsumeProgress>>,
    (mut on_progress, raised): (Option<OnProgress>, Raised),
) -> Result<String, Error> {
    let report = consumer.run_while(move |so_far| {
        progress.lock().unwrap_or_else(PoisonError::into_inner).clone_from(so_far);
        on_progress.as_mut().is_none_or(|on_progress| on_progress.ask(so_far))
    });
    answer::write(&raised.or(report).await?)
}
