//! The client that Python holds.

use std::{
    future::Future,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use helios_core::{Error, ErrorKind, HeliosClient, Result};
use pyo3::prelude::*;
use tokio::sync::{Mutex as AsyncMutex, watch};

use crate::{
    awaitable::awaitable,
    error, exit,
    runtime::{block_on, is_forked, refuse_fork, unblocked},
};

/// A client, open or closed. Any thread may use it.
#[pyclass(frozen, module = "helios._helios")]
pub(crate) struct Client(Arc<Shared>);

pub(crate) struct Shared {
    /// `None` once it is closed.
    client: Mutex<Option<HeliosClient>>,
    /// Each operation under way has a receiver.
    closing: watch::Sender<bool>,
    one_at_a_time: AsyncMutex<()>,
    /// Where ClickHouse is, for `repr`.
    place: String,
    /// The embedded engine's version, and where it comes from.
    engine: Option<(String, String)>,
}

impl Client {
    pub(crate) fn new(client: HeliosClient, place: String) -> Self {
        let engine = client.warehouse().engine();
        let engine = engine.map(|engine| (engine.version().to_owned(), engine.origin().to_owned()));
        Self(Arc::new(Shared {
            client: Mutex::new(Some(client)),
            closing: watch::Sender::new(false),
            one_at_a_time: AsyncMutex::new(()),
            place,
            engine,
        }))
    }

    /// Another client of the same ClickHouse.
    pub(crate) fn sibling(&self, client: HeliosClient) -> Self {
        Self::new(client, self.0.place.clone())
    }

    /// The client, while it is open.
    pub(crate) fn open(&self, py: Python<'_>) -> PyResult<HeliosClient> {
        self.0.enter().map(|(client, _)| client).map_err(|error| error::raise(py, &error))
    }

    pub(crate) fn shared(&self) -> Arc<Shared> {
        Arc::clone(&self.0)
    }

    /// While this is there, closing the client waits. `None` if it is closed already.
    pub(crate) fn hold(&self) -> Option<impl Send + Sync + use<>> {
        self.closing()
    }

    /// Becomes `true` when the client is closed, which waits until this is dropped. `None` if it is closed already.
    pub(crate) fn closing(&self) -> Option<watch::Receiver<bool>> {
        self.0.enter().ok().map(|(_, closing)| closing)
    }

    /// An operation of the client. Closing the client ends it.
    pub(crate) fn run<O, F, T>(&self, operation: O) -> impl Future<Output = Result<T>> + Send + use<O, F, T>
    where
        O: FnOnce(HeliosClient) -> F + Send,
        F: Future<Output = Result<T>> + Send,
        T: Send,
    {
        let entered = self.0.enter();
        async move {
            // The receiver is dropped last: closing waits for it.
            let (client, mut closing) = entered?;
            tokio::select! {
                biased;
                outcome = operation(client) => outcome,
                _ = closing.wait_for(|closing| *closing) => Err(closed_meanwhile()),
            }
        }
    }
}

#[pymethods]
impl Client {
    /// Ends the operations under way and lets go of the engine.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        block_on(py, Arc::clone(&self.0).close())
    }

    /// `close`, to be awaited.
    fn close_async<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        awaitable(py, Arc::clone(&self.0).close())
    }

    #[getter]
    fn closed(&self) -> bool {
        *self.0.closing.borrow()
    }

    /// Where ClickHouse is: a URL without its password, or the path of the embedded engine.
    #[getter]
    fn place(&self) -> &str {
        &self.0.place
    }

    /// The version of the embedded engine, and where it comes from.
    #[getter]
    fn engine(&self) -> Option<(String, String)> {
        self.0.engine.clone()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Option<HeliosClient>> {
        self.client.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The client and the note that closes it.
    fn enter(&self) -> Result<(HeliosClient, watch::Receiver<bool>)> {
        // Before the lock: in a fork, the thread that holds it may not be there.
        refuse_fork()?;
        let client = self.lock();
        let closing = self.closing.subscribe();
        match &*client {
            Some(client) if !*closing.borrow() => Ok((client.clone(), closing)),
            _ => Err(closed()),
        }
    }

    /// Goes on as another client, unless it was closed meanwhile.
    pub(crate) fn become_client(&self, other: HeliosClient) {
        if let Some(client) = self.lock().as_mut() {
            *client = other;
        }
    }

    async fn close(self: Arc<Self>) -> Result<()> {
        {
            let _entering = self.lock();
            self.closing.send_replace(true);
        }
        let _one_at_a_time = self.one_at_a_time.lock().await;
        self.closing.closed().await;
        let client = self.lock().take();
        // Stopping the engine takes some milliseconds.
        unblocked(move || drop(client)).await
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let client = self.client.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if is_forked() {
            // Its threads are in the parent: to wait for their end would be for ever.
            #[expect(clippy::mem_forget, reason = "the process it belongs to is the parent")]
            mem::forget(client);
            return;
        }
        // Stopping the engine may need the interpreter on another thread.
        let mut client = Some(client);
        exit::attach(|py| py.detach(|| drop(client.take())));
    }
}

fn closed() -> Error {
    Error::new(ErrorKind::InvalidInput, "the client is closed; open another one with `helios.connect()`")
}

pub(crate) fn closed_meanwhile() -> Error {
    Error::new(ErrorKind::Cancelled, "the client was closed before the operation ended")
}

#[cfg(test)]
mod tests {
    use std::{future::pending, sync::mpsc};

    use futures_util::FutureExt as _;

    use super::*;
    use crate::runtime::runtime;

    struct HeldUntilTold(mpsc::Receiver<()>);

    impl Drop for HeldUntilTold {
        fn drop(&mut self) {
            self.0.recv().unwrap();
        }
    }

    #[test]
    fn closing_waits_for_what_is_held() {
        let server = HeliosClient::builder().clickhouse_url("http://127.0.0.1:9").build().unwrap();
        let client = Client::new(server, String::new());
        let held = client.hold();
        let mut closing = Box::pin(client.shared().close());
        let runtime = runtime().unwrap();
        assert!(runtime.block_on(async { (&mut closing).now_or_never() }).is_none());
        drop(held);
        runtime.block_on(closing).unwrap();
        assert!(client.hold().is_none());
    }

    #[test]
    fn closing_waits_until_what_is_under_way_has_ended() {
        let server = HeliosClient::builder().clickhouse_url("http://127.0.0.1:9").build().unwrap();
        let client = Client::new(server, String::new());
        let ((entered, has_entered), (tell, told)) = (mpsc::channel(), mpsc::channel());
        let operation = client.run(async move |_| -> Result<()> {
            let _held = HeldUntilTold(told);
            entered.send(()).unwrap();
            pending().await
        });
        let runtime = runtime().unwrap();
        let task = runtime.spawn(operation);
        has_entered.recv().unwrap();

        let mut closing = Box::pin(client.shared().close());
        assert!(runtime.block_on(async { (&mut closing).now_or_never() }).is_none());
        assert!(client.0.lock().is_some(), "the engine was let go of under an operation");
        tell.send(()).unwrap();
        runtime.block_on(closing).unwrap();
        let ended = runtime.block_on(task).unwrap();
        assert_eq!(ended.unwrap_err().kind(), ErrorKind::Cancelled);
        assert_eq!(client.0.enter().err().unwrap().kind(), ErrorKind::InvalidInput);
    }
}
