//! HTTP connections to the engine that never leave the process.

use std::{
    future::{Ready, ready},
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use http::Uri;
use hyper::{
    rt::{Read, ReadBufCursor, Write},
    server::conn::http1,
};
use hyper_util::{
    client::legacy::{
        Client,
        connect::{Connected, Connection},
    },
    rt::{TokioExecutor, TokioIo},
};
use tokio::{io::DuplexStream, runtime::Handle};

use crate::{
    engine::Engine,
    exit,
    service::Service,
    wire::{ClientEnd, Wire},
};

/// How much may be on its way in each direction of a connection, in bytes.
const WIRE_CAPACITY: usize = 256 * 1024;

impl Engine {
    /// A connector for [`hyper_util`]'s HTTP client: whatever the URL, it connects to this engine.
    #[must_use]
    pub fn connector(&self) -> Connector {
        exit::note_thread();
        Connector { engine: self.clone() }
    }

    /// An HTTP client whose every request goes to this engine, for `clickhouse::Client::with_http_client`.
    ///
    /// Make one for each tokio runtime: its pooled connections live on the runtime that opened them. The runtime
    /// needs I/O enabled.
    #[must_use]
    pub fn http_client<B>(&self) -> Client<Connector, B>
    where
        B: hyper::body::Body + Send,
        B::Data: Send,
    {
        Client::builder(TokioExecutor::new()).build(self.connector())
    }
}

/// Opens connections to an engine in this process. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Connector {
    engine: Engine,
}

impl tower_service::Service<Uri> for Connector {
    type Response = InProcess;
    type Error = io::Error;
    type Future = Ready<io::Result<InProcess>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        exit::note_thread();
        let runtime = match Handle::try_current() {
            Ok(runtime) => runtime,
            Err(error) => return ready(Err(io::Error::other(error))),
        };
        let (client, server) = tokio::io::duplex(WIRE_CAPACITY);
        let wire = Wire::in_process();
        let service = Service::in_process(self.engine.kept(), Arc::clone(&wire));
        runtime.spawn(async move {
            if let Err(error) = service.connection(&http1::Builder::new(), server).await {
                tracing::debug!(%error, "A connection within the process ended early.");
            }
        });
        ready(Ok(InProcess { io: TokioIo::new(ClientEnd::new(client, wire)) }))
    }
}

/// A connection to an engine in this process.
#[derive(Debug)]
pub struct InProcess {
    io: TokioIo<ClientEnd<DuplexStream>>,
}

impl Connection for InProcess {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl Read for InProcess {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(context, buffer)
    }
}

impl Write for InProcess {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(context, data)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }
}
