//! One engine for all tests of this process, and raw HTTP beside the `clickhouse` client.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::OnceLock,
    time::Duration,
};

use bytes::Bytes;
use clickhouse::Client;
use helios_embedded::{Connector, Engine, Options};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use url::form_urlencoded;
use uuid::Uuid;

/// The engine that the tests of this process share: a process has one data path.
pub(crate) fn engine() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| {
        Engine::open(Options::new(scratch("engine"))).expect("the engine is set up (`make engine`)")
    })
}

/// A new directory for this process. Those of processes that have ended are swept away.
pub(crate) fn scratch(name: &str) -> PathBuf {
    let base = Path::new(env!("CARGO_TARGET_TMPDIR"));
    fs::create_dir_all(base).unwrap();
    for entry in fs::read_dir(base).unwrap().flatten() {
        let owner = entry.file_name().to_str().and_then(|name| name.split('-').next()?.parse::<u32>().ok());
        if owner.is_some_and(|pid| !Path::new("/proc").join(pid.to_string()).exists()) {
            // Another test process may be sweeping too.
            drop(fs::remove_dir_all(entry.path()));
        }
    }
    let path = base.join(format!("{}-{name}-{}", std::process::id(), Uuid::new_v4().simple()));
    fs::create_dir(&path).unwrap();
    path
}

/// A client of the shared engine, in a database of its own. It belongs to the runtime of the calling test.
pub(crate) async fn client() -> Client {
    let client = bare_client();
    let database = format!("test_{}", Uuid::new_v4().simple());
    client.query(&format!("CREATE DATABASE {database} ENGINE = Atomic")).execute().await.unwrap();
    client.with_database(database)
}

/// A client of the shared engine, in `default`.
pub(crate) fn bare_client() -> Client {
    Client::with_http_client(engine().http_client())
        .with_url("http://embedded")
        .with_compression(clickhouse::Compression::None)
}

pub(crate) async fn count(client: &Client, table: &str) -> u64 {
    client.query(&format!("SELECT count() FROM {table}")).fetch_one().await.unwrap()
}

/// The number in ClickHouse's `Code: N.`.
pub(crate) fn code<T: std::fmt::Debug>(outcome: Result<T, clickhouse::error::Error>) -> u32 {
    let clickhouse::error::Error::BadResponse(text) = outcome.unwrap_err() else { panic!("not an answer") };
    code_in(&text)
}

pub(crate) fn code_in(text: &str) -> u32 {
    let code = text.strip_prefix("Code: ").and_then(|rest| rest.split_once('.')?.0.parse().ok());
    code.unwrap_or_else(|| panic!("no code in {text:?}"))
}

/// How many statements with this text (`LIKE`) are running, apart from the one that asks.
pub(crate) async fn running(client: &Client, pattern: &str) -> u64 {
    client
        .query(
            "SELECT count() FROM system.processes WHERE query LIKE ? AND query NOT LIKE '%system.processes%'",
        )
        .bind(pattern)
        .fetch_one()
        .await
        .unwrap()
}

/// Waits until `condition` holds, and fails after a minute.
pub(crate) async fn eventually<Condition: AsyncFnMut() -> bool>(what: &str, mut condition: Condition) {
    let waiting = async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let outcome = tokio::time::timeout(Duration::from_secs(60), waiting).await;
    outcome.unwrap_or_else(|_| panic!("still not: {what}"));
}

/// HTTP without the `clickhouse` client.
pub(crate) struct Raw {
    client: hyper_util::client::legacy::Client<Connector, Full<Bytes>>,
}

/// An answer, with its body as far as it came.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// The chunks, as they arrived.
    pub(crate) chunks: Vec<Bytes>,
    /// Whether the body ended as it should.
    pub(crate) complete: bool,
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.chunks.concat()).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

pub(crate) fn raw() -> Raw {
    Raw { client: engine().http_client() }
}

impl Raw {
    pub(crate) async fn post(&self, parameters: &[(&str, &str)], body: impl Into<Bytes>) -> Answer {
        self.send(Method::POST, "/", parameters, &[], body).await
    }

    pub(crate) async fn get(&self, path: &str, parameters: &[(&str, &str)]) -> Answer {
        self.send(Method::GET, path, parameters, &[], "").await
    }

    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        parameters: &[(&str, &str)],
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Answer {
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
        let mut request = Request::builder().method(method).uri(format!("http://embedded{path}?{query}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(body.into())).unwrap();
        answer(self.client.request(request).await.unwrap()).await
    }
}

pub(crate) async fn answer(response: http::Response<hyper::body::Incoming>) -> Answer {
    let (parts, mut body) = response.into_parts();
    let mut answer =
        Answer { status: parts.status, headers: parts.headers, chunks: Vec::new(), complete: false };
    loop {
        match body.frame().await {
            Some(Ok(frame)) => answer.chunks.extend(frame.into_data().ok()),
            Some(Err(_)) => return answer,
            None => {
                answer.complete = true;
                return answer;
            }
        }
    }
}
