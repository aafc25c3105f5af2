//! Streams: who may see them, and what they hold.

use std::future::Future;

use helios_core::{
    HeliosClient, KinesisSampleOptions, Result,
    streams::{Credentials, CredentialsRequest},
};
use pyo3::prelude::*;

use crate::{answer, awaitable::awaitable, client::Client, error, runtime::block_on};

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

    /// Samples a stream; `options` is the JSON of `KinesisSampleOptions`.
    fn kinesis_sample(&self, py: Python<'_>, stream: String, options: String) -> PyResult<String> {
        block_on(py, kinesis_sample(self, stream, options))
    }

    /// `kinesis_sample`, to be awaited.
    fn kinesis_sample_async<'py>(
        &self,
        py: Python<'py>,
        stream: String,
        options: String,
    ) -> PyResult<Bound<'py, PyAny>> {
        awaitable(py, kinesis_sample(self, stream, options))
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
) -> impl Future<Output = Result<String>> + Send + use<> {
    client.run(async move |client: HeliosClient| {
        let options: KinesisSampleOptions = answer::read(&options)?;
        answer::write(&client.kinesis_sample_with(&stream, &options).await?)
    })
}
