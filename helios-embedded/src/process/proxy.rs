//! A loopback port for ClickHouse clients, in front of the child, which has no network of its own.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    task::JoinSet,
    time::timeout,
};

use super::{
    door::connect,
    supervisor::{EngineProcess, Watch},
    wire::Door,
};
use crate::error::Error;

/// How long connections may stay after a shutdown was asked for.
const GRACE: Duration = Duration::from_secs(3);
/// Each takes two of the server's open files.
const MAX_CONNECTIONS: usize = 128;
/// After a failed `accept`, which is mostly a lack of file descriptors that others have to give back.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

impl EngineProcess {
    /// Serves the engine on a loopback address, as [`Engine::listen`](crate::Engine::listen) does, with the credentials of
    /// [`ProcessOptions`](super::ProcessOptions). The child itself checks them, with each request.
    ///
    /// # Errors
    ///
    /// [`Error::NotLoopback`] for an address that other machines reach, [`Error::Listen`] if it cannot be bound.
    pub async fn listen(&self, address: SocketAddr) -> Result<ProcessListener, Error> {
        if !address.ip().is_loopback() {
            return Err(Error::NotLoopback { address });
        }
        let failed = |source| Error::Listen { address, source };
        let socket = TcpListener::bind(address).await.map_err(failed)?;
        let address = socket.local_addr().map_err(failed)?;
        let (stop, stopped) = watch::channel(());
        let task = tokio::spawn(serve(Arc::clone(self.shared()), socket, stopped));
        Ok(ProcessListener { address, stop, task })
    }
}

/// A port that the engine's process is served on. Dropped, it takes no more connections.
#[derive(Debug)]
pub struct ProcessListener {
    address: SocketAddr,
    /// Never sent: closing it is the sign to stop.
    stop: watch::Sender<()>,
    task: tokio::task::JoinHandle<()>,
}

impl ProcessListener {
    /// The address in use, with its real port.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Takes no more connections, and waits until those that are open end, 3 seconds at most.
    pub async fn shutdown(self) {
        drop(self.stop);
        if let Err(error) = self.task.await {
            tracing::warn!(%error, "The listener of the engine's process had failed.");
        }
    }
}

async fn serve(shared: Arc<Watch>, socket: TcpListener, mut stopped: watch::Receiver<()>) {
    let mut connections = JoinSet::new();
    let slots = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        // Those that come when all are taken wait to be accepted.
        let accept = async {
            let slot = Arc::clone(&slots).acquire_owned().await.map_err(io::Error::other)?;
            Ok::<_, io::Error>((socket.accept().await?, slot))
        };
        tokio::select! {
            accepted = accept => match accepted {
                Ok(((client, _), slot)) => drop(connections.spawn(pass(Arc::clone(&shared), client, slot))),
                Err(error) => {
                    tracing::warn!(%error, "Could not accept a connection.");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
            _ = stopped.changed() => break,
            Some(_) = connections.join_next() => {}
        }
    }
    drop(socket);
    let all = async { while connections.join_next().await.is_some() {} };
    if timeout(GRACE, all).await.is_err() {
        tracing::warn!("Connections to the engine's process outlived its listener.");
    }
}

async fn pass(shared: Arc<Watch>, mut client: TcpStream, _slot: OwnedSemaphorePermit) {
    let passed = async {
        client.set_nodelay(true)?;
        let (mut engine, _) = connect(&shared, Door::Guarded).await?;
        copy_bidirectional(&mut client, &mut engine).await
    };
    let passed: io::Result<_> = passed.await;
    if let Err(error) = passed {
        tracing::debug!(%error, "A connection to the engine's process ended early.");
    }
}
