//! Sockets: connections with deadlines, and an end in good order.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, body::Body, extract::Request};
use hyper::{body::Incoming, server::conn::http1};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::{GracefulShutdown, Watcher},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tokio_io_timeout::TimeoutStream;
use tower::ServiceBuilder;

use crate::{
    access::Peer,
    config::RequestLimits,
    framing::{FramedStream, Verdicts},
    open_files::max_connections,
};

/// When the process has no file descriptor left, accepting again at once would only spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves until `stop` is ready, then lets requests under way end, up to the limit for that.
///
/// `axum::serve` has no deadline for a request's head, so 200 silent sockets could hold it; this has.
pub async fn serve(
    listener: TcpListener,
    app: Router,
    limits: &RequestLimits,
    stop: impl Future<Output = ()>,
) {
    let connections = GracefulShutdown::new();
    let slots = Arc::new(Semaphore::new(max_connections()));
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(limits.header_timeout);
    let mut stop = std::pin::pin!(stop);
    loop {
        let (stream, peer, slot) = tokio::select! {
            biased;
            () = &mut stop => break,
            accepted = accept(&listener, &slots) => accepted,
        };
        tokio::spawn(converse(
            (stream, peer),
            slot,
            http.clone(),
            app.clone(),
            limits.write_timeout,
            connections.watcher(),
        ));
    }
    drop(listener);
    let open = connections.count();
    tracing::info!(open, "The server is stopping.");
    if tokio::time::timeout(limits.shutdown_timeout, connections.shutdown()).await.is_err() {
        tracing::warn!("Requests were still under way when the time to stop was over.");
    }
}

async fn accept(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
) -> (TcpStream, SocketAddr, Option<OwnedSemaphorePermit>) {
    // A semaphore that nobody closes always gives a permit.
    let slot = Arc::clone(slots).acquire_owned().await.ok();
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => return (stream, peer, slot),
            // The client gave up while it waited.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => {
                tracing::error!(%error, "No connection can be accepted.");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn converse(
    (stream, peer): (TcpStream, SocketAddr),
    _slot: Option<OwnedSemaphorePermit>,
    http: http1::Builder,
    app: Router,
    write_timeout: Duration,
    watcher: Watcher,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "The connection ended at once.");
        return;
    }
    let verdicts = Verdicts::default();
    let mut stream = TimeoutStream::new(FramedStream::new(stream, verdicts.clone()));
    // A client that stops reading would hold its query without end.
    stream.set_write_timeout(Some(write_timeout));
    let app = ServiceBuilder::new()
        .map_request(move |mut request: hyper::Request<Incoming>| -> Request {
            request.extensions_mut().insert(Peer(peer.ip()));
            request.extensions_mut().insert(verdicts.next());
            request.map(Body::new)
        })
        .service(app);
    let connection = http.serve_connection(TokioIo::new(Box::pin(stream)), TowerToHyperService::new(app));
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!(%error, "The connection ended early.");
    }
}
