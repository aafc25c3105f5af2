//! An address that nobody may connect to.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
    sync::watch,
};

/// To whoever speaks HTTP, a line of CSV.
const ANSWER: &[u8] =
    b"HTTP/1.1 200 OK\r\nContent-Type: text/csv\r\nContent-Length: 2\r\nConnection: close\r\n\r\n7\n";

/// Counts who connects.
pub(crate) struct Canary {
    address: SocketAddr,
    reached: watch::Receiver<usize>,
}

impl Canary {
    pub(crate) async fn start() -> Self {
        let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = socket.local_addr().unwrap();
        let (count, reached) = watch::channel(0);
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = socket.accept().await.unwrap();
                count.send_modify(|count| *count += 1);
                tokio::spawn(async move {
                    // At once: some protocols wait for the server to begin.
                    drop(stream.write_all(ANSWER).await);
                    drop(stream.shutdown().await);
                    drop(stream.read_to_end(&mut Vec::new()).await);
                });
            }
        });
        Self { address, reached }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many have connected.
    pub(crate) fn reached(&self) -> usize {
        *self.reached.borrow()
    }

    /// Those that connect from now on.
    pub(crate) fn more(&self) -> More {
        let mut reached = self.reached.clone();
        reached.mark_unchanged();
        More(reached)
    }
}

/// Connections that are still to come.
pub(crate) struct More(watch::Receiver<usize>);

impl More {
    pub(crate) async fn wait(&mut self) {
        self.0.changed().await.unwrap();
    }

    pub(crate) fn is_there(&self) -> bool {
        self.0.has_changed().unwrap()
    }
}
