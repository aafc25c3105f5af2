//! A way to ClickHouse that loses an answer, or holds it back: what was asked for is done, and whoever asked does not know.

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
    sync::watch,
};

/// How an insert is known: its statement is in the URL.
const INSERT: &[u8] = b"query=INSERT";

/// A proxy in front of a ClickHouse server.
pub(crate) struct LossyProxy {
    address: SocketAddr,
    /// How many inserts until the one whose answer is lost; 0 if none is.
    inserts_left: Arc<AtomicUsize>,
    /// Whether the answers of inserts are held back.
    holds: watch::Sender<bool>,
    /// How many inserts have passed.
    inserts: Arc<AtomicUsize>,
}

impl LossyProxy {
    pub(crate) async fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (inserts_left, inserts) = (Arc::default(), Arc::default());
        let proxy = Self { address, inserts_left, holds: watch::Sender::new(false), inserts };
        let way = Way {
            inserts_left: Arc::clone(&proxy.inserts_left),
            holds: proxy.holds.subscribe(),
            inserts: Arc::clone(&proxy.inserts),
        };
        tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let server = TcpStream::connect(server).await.unwrap();
                tokio::spawn(forward(client, server, way.clone()));
            }
        });
        proxy
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Holds back the answers of inserts, or lets them go.
    pub(crate) fn hold_answers(&self, holds: bool) {
        self.holds.send_replace(holds);
    }

    /// How many inserts have come so far.
    pub(crate) fn inserts(&self) -> usize {
        self.inserts.load(Ordering::SeqCst)
    }

    /// Loses the answer of the insert that is the `number`th from now on, counted from 1, and of no other.
    pub(crate) fn lose_answer_of_insert(&self, number: usize) {
        self.inserts_left.store(number, Ordering::SeqCst);
    }
}

/// What a connection needs of its proxy.
#[derive(Clone)]
struct Way {
    inserts_left: Arc<AtomicUsize>,
    holds: watch::Receiver<bool>,
    inserts: Arc<AtomicUsize>,
}

/// Copies both ways until one ends, or an answer is to be lost: then the connection ends in its place.
async fn forward(mut client: TcpStream, mut server: TcpStream, way: Way) {
    let Way { inserts_left, mut holds, inserts } = way;
    let mut inserting = false;
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
                    inserting = true;
                    inserts.fetch_add(1, Ordering::SeqCst);
                    lose |= inserts_left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, left) == Ok(1);
                }
                server.write_all(&request).await.unwrap();
                request.clear();
            }
            read = server.read_buf(&mut answer) => {
                if read.unwrap_or_default() == 0 || lose {
                    return;
                }
                // Whoever gives up meanwhile, the server has done what was asked for.
                if std::mem::take(&mut inserting) && holds.wait_for(|holds| !holds).await.is_err() {
                    return;
                }
                if client.write_all(&answer).await.is_err() {
                    return;
                }
                answer.clear();
            }
        }
    }
}
