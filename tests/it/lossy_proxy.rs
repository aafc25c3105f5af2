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
    /// From which insert on, counted from 1, answers are held back.
    held_from: watch::Sender<usize>,
    /// How many inserts have passed.
    inserts: Arc<AtomicUsize>,
}

impl LossyProxy {
    pub(crate) async fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (inserts_left, inserts) = (Arc::default(), Arc::default());
        let proxy = Self { address, inserts_left, held_from: watch::Sender::new(usize::MAX), inserts };
        let way = Way {
            inserts_left: Arc::clone(&proxy.inserts_left),
            held_from: proxy.held_from.subscribe(),
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

    /// Holds back the answers of inserts, but for so many that are still to come.
    pub(crate) fn hold_answers(&self, but: usize) {
        self.held_from.send_replace(self.inserts() + but + 1);
    }

    /// Lets all answers go.
    pub(crate) fn let_go(&self) {
        self.held_from.send_replace(usize::MAX);
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
    held_from: watch::Receiver<usize>,
    inserts: Arc<AtomicUsize>,
}

/// Copies both ways until one ends, or an answer is to be lost: then the connection ends in its place.
async fn forward(mut client: TcpStream, mut server: TcpStream, way: Way) {
    let Way { inserts_left, mut held_from, inserts } = way;
    let mut inserting = None;
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
                    inserting = Some(inserts.fetch_add(1, Ordering::SeqCst) + 1);
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
                if let Some(insert) = inserting.take()
                    && held_from.wait_for(|from| insert < *from).await.is_err()
                {
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
