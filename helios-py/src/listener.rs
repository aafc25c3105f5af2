//! The embedded engine on a port, for other tools of this machine.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
};

use helios_core::{Error, ErrorKind, HeliosClient, Result};
use helios_embedded::Credentials;
use pyo3::prelude::*;

use crate::{awaitable::awaitable, client::Client, runtime::block_on};

/// A port that the embedded engine is served on.
#[pyclass(frozen, module = "helios._helios")]
pub(crate) struct Listener {
    url: String,
    /// `None` once it is closed.
    running: Arc<Mutex<Option<helios_embedded::Listener>>>,
}

#[pymethods]
impl Client {
    /// Serves the embedded engine on a port of this machine.
    #[pyo3(signature = (port, credentials))]
    fn listen(&self, py: Python<'_>, port: u16, credentials: Option<(String, String)>) -> PyResult<Listener> {
        block_on(py, self.run(move |client| listen(client, port, credentials)))
    }

    /// `listen`, to be awaited.
    #[pyo3(signature = (port, credentials))]
    fn listen_async<'py>(
        &self,
        py: Python<'py>,
        port: u16,
        credentials: Option<(String, String)>,
    ) -> PyResult<Bound<'py, PyAny>> {
        awaitable(py, self.run(move |client| listen(client, port, credentials)))
    }
}

#[pymethods]
impl Listener {
    #[getter]
    fn url(&self) -> &str {
        &self.url
    }

    #[getter]
    fn closed(&self) -> bool {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).is_none()
    }

    /// Takes no more requests, and waits for those under way.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        block_on(py, close(Arc::clone(&self.running)))
    }

    /// `close`, to be awaited.
    fn close_async<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        awaitable(py, close(Arc::clone(&self.running)))
    }
}

async fn listen(client: HeliosClient, port: u16, credentials: Option<(String, String)>) -> Result<Listener> {
    let Some(engine) = client.warehouse().engine() else {
        let message = "the client is connected to a server, which other tools can reach themselves; only the embedded \
                       engine can be served on a port";
        return Err(Error::new(ErrorKind::InvalidInput, message));
    };
    let credentials = credentials.map(|(user, password)| Credentials::new(user, password));
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let running = engine.listen(address, credentials).await.map_err(|error| {
        Error::new(ErrorKind::Unavailable, error.to_string()).at("listen").caused_by(error)
    })?;
    let url = format!("http://{}", running.local_addr());
    Ok(Listener { url, running: Arc::new(Mutex::new(Some(running))) })
}

async fn close(running: Arc<Mutex<Option<helios_embedded::Listener>>>) -> Result<()> {
    let listener = running.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(listener) = listener {
        listener.shutdown().await;
    }
    Ok(())
}
