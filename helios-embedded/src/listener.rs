//! The same service on a loopback port, for any ClickHouse client.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Weak},
    time::Duration,
};

use hyper::server::conn::http1;
use hyper_util::{rt::TokioTimer, server::graceful::GracefulShutdown};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::JoinHandle,
    time::timeout,
};

use crate::{
    access::{Access, Credentials},
    engine::{Engine, Kept},
    error::Error,
    service::Service,
    wire::Wire,
};

/// How long a client may take over the head of a request, and hold an idle connection.
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);

/// How long requests under way may take after a shutdown was asked for.
const GRACE: Duration = Duration::from_secs(10);

/// After a failed `accept`, which is mostly a lack of file descriptors that others have to give back.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

impl Engine {
    /// Serves the engine on a loopback address, so that `clickhouse-client`-like tools, `curl` and drivers can look
    /// into it. Port 0 takes a free one; see [`Listener::local_addr`].
    ///
    /// Without credentials every local user and program may do everything the engine can, also read and write files as
    /// this process. Requests from web pages are refused either way (`Origin`, foreign `Host`).
    ///
    /// # Errors
    ///
    /// [`Error::NotLoopback`] for an address that other machines reach, [`Error::Listen`] if it cannot be bound.
    pub async fn listen(
        &self,
        address: SocketAddr,
        credentials: Option<Credentials>,
    ) -> Result<Listener, Error> {
        if !address.ip().is_loopback() {
            return Err(Error::NotLoopback { address });
        }
        let failed = |source| Error::Listen { address, source };
        let socket = TcpListener::bind(address).await.map_err(failed)?;
        let address = socket.local_addr().map_err(failed)?;
        let (stop, stopped) = oneshot::channel();
        let serving = Serving { engine: self.kept(), access: Arc::new(Access::new(credentials)) };
        let task = tokio::spawn(serving.run(socket, stopped));
        Ok(Listener { address, stop, task, _engine: self.clone() })
    }
}

/// A port that the engine is served on. Dropped, it takes no more connections; requests under way get 10 seconds.
#[derive(Debug)]
pub struct Listener {
    address: SocketAddr,
    /// Never sent: closing it is the sign to stop.
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
    /// Kept open by the listener itself, and not by its task, which goes on for a while when the listener is dropped.
    _engine: Engine,
}

impl Listener {
    /// The address in use, with its real port.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Takes no more connections, and waits until the requests under way are done, 10 seconds at most.
    pub async fn shutdown(self) {
        drop(self.stop);
        if let Err(error) = self.task.await {
            tracing::warn!(%error, "The listener of the embedded ClickHouse had failed.");
        }
    }
}

struct Serving {
    engine: Weak<Kept>,
    access: Arc<Access>,
}

impl Serving {
    async fn run(self, socket: TcpListener, mut stopped: oneshot::Receiver<()>) {
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT);
        let connections = GracefulShutdown::new();
        loop {
            tokio::select! {
                accepted = socket.accept() => match accepted {
                    Ok((stream, _)) => self.serve(stream, &http, &connections),
                    Err(error) => pause(&error).await,
                },
                _ = &mut stopped => break,
            }
        }
        drop(socket);
        if timeout(GRACE, connections.shutdown()).await.is_err() {
            tracing::warn!("Requests to the embedded ClickHouse outlived its listener.");
        }
    }

    fn serve(&self, stream: TcpStream, http: &http1::Builder, connections: &GracefulShutdown) {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "A connection keeps Nagle's algorithm.");
        }
        let service =
            Service::over_socket(Weak::clone(&self.engine), Wire::socket(), Arc::clone(&self.access));
        let connection = connections.watch(service.connection(http, stream));
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "A connection ended early.");
            }
        });
    }
}

async fn pause(error: &io::Error) {
    tracing::warn!(%error, "Could not accept a connection.");
    tokio::time::sleep(ACCEPT_PAUSE).await;
}
