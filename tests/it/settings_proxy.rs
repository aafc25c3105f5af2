//! A way to ClickHouse that sees the settings of every request, and may send others on.

use std::{
    collections::BTreeSet,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, header},
    response::Response,
};
use helios_core::HeliosClient;
use helios_embedded::Listener;
use tokio::net::TcpListener;
use url::Url;

use crate::shop::client;

/// What becomes of a parameter of the URL: its value, or nothing.
pub(crate) type Change = fn(name: &str, value: &str) -> Option<String>;

/// As it was sent.
pub(crate) const UNCHANGED: Change = |_, value| Some(value.to_owned());

/// `readonly=1`, written so that it is the engine's only: what the embedded service adds to it is left out. That is what a
/// server's `readonly` does by itself.
pub(crate) const BARE: Change =
    |name, value| Some(if name == "readonly" { format!("0{value}") } else { value.to_owned() });

/// A ClickHouse to which `readonly` means nothing.
pub(crate) const CARELESS: Change = |name, value| (name != "readonly").then(|| value.to_owned());

/// A proxy in front of the engine that the tests share.
pub(crate) struct SettingsProxy {
    address: SocketAddr,
    state: Arc<Passing>,
    _listener: Listener,
}

struct Passing {
    server: SocketAddr,
    change: Change,
    seen: Mutex<BTreeSet<String>>,
    http: reqwest::Client,
}

impl SettingsProxy {
    pub(crate) async fn start(change: Change) -> Self {
        let anywhere = (Ipv4Addr::LOCALHOST, 0);
        let listener = client().warehouse().engine().unwrap().listen(anywhere.into(), None).await.unwrap();
        let socket = TcpListener::bind(anywhere).await.unwrap();
        let address = socket.local_addr().unwrap();
        let state = Arc::new(Passing {
            server: listener.local_addr(),
            change,
            seen: Mutex::default(),
            http: reqwest::Client::new(),
        });
        let router = Router::new().fallback(pass).with_state(Arc::clone(&state));
        tokio::spawn(async move { axum::serve(socket, router).await.unwrap() });
        Self { address, state, _listener: listener }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A client that goes this way.
    pub(crate) fn client(&self) -> HeliosClient {
        HeliosClient::builder().clickhouse_url(self.url()).build().unwrap()
    }

    /// The names of all parameters that were sent.
    pub(crate) fn seen(&self) -> BTreeSet<String> {
        self.state.seen.lock().unwrap().clone()
    }
}

async fn pass(State(state): State<Arc<Passing>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let mut url = Url::parse(&format!("http://{}{}", state.server, head.uri.path())).unwrap();
    let sent = Url::parse(&format!("http://any{}", head.uri)).unwrap();
    for (name, value) in sent.query_pairs() {
        state.seen.lock().unwrap().insert(name.to_string());
        if let Some(value) = (state.change)(&name, &value) {
            url.query_pairs_mut().append_pair(&name, &value);
        }
    }
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let onward = state.http.request(head.method, url).headers(end_to_end(&head.headers)).body(body);
    let answer = onward.send().await.unwrap();
    let mut response = Response::builder().status(answer.status());
    *response.headers_mut().unwrap() = end_to_end(answer.headers());
    response.body(Body::from_stream(answer.bytes_stream())).unwrap()
}

/// What is not about one connection.
fn end_to_end(headers: &HeaderMap) -> HeaderMap {
    let mut headers = headers.clone();
    for name in [header::HOST, header::CONTENT_LENGTH, header::TRANSFER_ENCODING, header::CONNECTION] {
        headers.remove(name);
    }
    headers
}
