//! A way to ClickHouse that loses an answer: what was asked for is done, and whoever asked does not know.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

/// How an insert is known: its statement is in the URL.
const INSERT: &[u8] = b"query=INSERT";

/// A proxy in front of a ClickHouse server.
pub(crate) struct LossyProxy {
    address: SocketAddr,
    /// How many inserts until the one whose answer is lost; 0 if none is.
    inserts_left: Arc<AtomicUsize>,
}

impl LossyProxy {
    pub(crate) async fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let proxy = Self { address: listener.local_addr().unwrap(), inserts_left: Arc::default() };
        let inserts_left = Arc::clone(&proxy.inserts_left);
        tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let server = TcpStream::connect(server).await.unwrap();
                tokio::spawn(forward(client, server, Arc::clone(&inserts_left)));
            }
        });
        proxy
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Loses the answer of the insert that is the `number`th from now on, counted from 1, and of no other.
    pub(crate) fn lose_answer_of_insert(&self, number: usize) {
        self.inserts_left.store(number, Ordering::SeqCst);
    }
}

/// Copies both ways until one ends, or an answer is to be lost: then the connection ends in its place.
async fn forward(mut client: TcpStream, mut server: TcpStream, inserts_left: Arc<AtomicUsize>) {
    // Large enough for the head of a request in one read.
    let (mut request, mut answer) = (Vec::with_capacity(1 << 16), Vec::with_capacity(1 << 16));
    let mut lose = false;
    loop {
        tokio::select! {
            read = client.read_buf(&mut request) => {
                if read.unwrap_or_default() == 0 {
                    return;
                }
                if request.windows(INSERT.len()).any(|window| window == INSERT) {
                    let left = |left: usize| left.checked_sub(1);
                    lose |= inserts_left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, left) == Ok(1);
                }
                server.write_all(&request).await.unwrap();
                request.clear();
            }
            read = server.read_buf(&mut answer) => {
                if read.unwrap_or_default() == 0 || lose {
                    return;
                }
                client.write_all(&answer).await.unwrap();
                answer.clear();
            }
        }
    }
}
