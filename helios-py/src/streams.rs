//! Streams: who may see them, and what they hold.

use std::{future::Future, mem};

use helios_core::{
    HeliosClient, KinesisSampleOptions, Result,
    streams::{Credentials, CredentialsRequest},
};
use pyo3::prelude::*;

use crate::{
    answer, awaitable::awaitable, client::Client, error, progress, runtime::block_on, sample::SampledEvents,
};

#[pymethods]
impl Client {
    /// Checks credentials, and goes on with them if they are accepted; without any, checks the client's own.
    #[pyo3(signature = (credentials=None))]
    fn authenticate(&self, py: Python<'_>, credentials: Option<String>) -> PyResult<String> {
        block_on(py, authenticate(self, credentials))
    }

    /// `authenticate`, to be awaited.
    #[pyo3(signature = (credentials=None))]
    fn authenticate_async<'py>(
        &self,
        py: Python<'py>,
        credentials: Option<String>,
    ) -> PyResult<Bound<'py, PyAny>> {
        awaitable(py, authenticate(self, credentials))
    }

    /// Another client that acts with these credentials.
    fn with_credentials(&self, py: Python<'_>, credentials: &str) -> PyResult<Self> {
        let client = self.open(py)?;
        let credentials = read(credentials).map_err(|error| error::raise(py, &error))?;
        Ok(self.sibling(client.with_credentials(credentials)))
    }

    /// Samples a stream: the answer as JSON, and the events. `options` is the JSON of `KinesisSampleOptions`. `on_progress` gets the JSON of how far it is, on
    /// the thread that waits. If it returns `False` the sample is what was found by then, if it raises that is raised.
    #[pyo3(signature = (stream, options, on_progress=None))]
    fn kinesis_sample(
        &self,
        py: Python<'_>,
        stream: String,
        options: String,
        on_progress: Option<Py<PyAny>>,
    ) -> PyResult<(String, SampledEvents)> {
        block_on(py, kinesis_sample(self, stream, options, on_progress))
    }

    /// `kinesis_sample`, to be awaited. `on_progress` is called on a thread of Helios.
    #[pyo3(signature = (stream, options, on_progress=None))]
    fn kinesis_sample_async<'py>(
        &self,
        py: Python<'py>,
        stream: String,
        options: String,
        on_progress: Option<Py<PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        awaitable(py, kinesis_sample(self, stream, options, on_progress))
    }
}

fn read(credentials: &str) -> Result<Credentials> {
    let credentials = answer::read::<CredentialsRequest>(credentials)?.credentials()?;
    credentials.validate()?;
    Ok(credentials)
}

fn authenticate(
    client: &Client,
    credentials: Option<String>,
) -> impl Future<Output = Result<String>> + Send + use<> {
    let shared = client.shared();
    client.run(async move |client: HeliosClient| {
        let Some(credentials) = credentials else {
            return answer::write(&client.authenticate().await?);
        };
        let other = client.with_credentials(read(&credentials)?);
        let accepted = answer::write(&other.authenticate().await?)?;
        shared.become_client(other);
        Ok(accepted)
    })
}

fn kinesis_sample(
    client: &Client,
    stream: String,
    options: String,
    on_progress: Option<Py<PyAny>>,
) -> impl Future<Output = Result<(String, SampledEvents)>> + Send + use<> {
    client.run(async move |client: HeliosClient| {
        let options: KinesisSampleOptions = answer::read(&options)?;
        let (mut on_progress, raised) = progress::watch(on_progress);
        let sample = client
            .kinesis_sample(stream)
            .options(options)
            .run_while(|so_far| on_progress.as_mut().is_none_or(|on_progress| on_progress.ask(so_far)));
        let mut sample = raised.or(sample).await?;
        let events = SampledEvents::new(mem::take(&mut sample.events));
        Ok((answer::write(&sample)?, events))
    })
}
