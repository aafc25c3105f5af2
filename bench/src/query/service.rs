//! The HTTP server with the embedded engine, and the engine's own HTTP interface in the same process.

use std::{
    net::{Ipv4Addr, TcpListener},
    time::Duration,
};

use helios_tests::{Result, Server, ServerOptions};
use reqwest::{Client, Response};
use serde_json::json;
use uuid::Uuid;

pub(crate) const USER: &str = "bench";

/// What both sides are asked: a table of five columns.
pub(crate) const TABLE: &str = "CREATE TABLE bench.readings \
     (id UInt64, name String, at DateTime, value Float64, flag Bool) ENGINE = MergeTree ORDER BY id";

/// So many rows into it.
pub(crate) fn fill(rows: u64) -> String {
    format!(
        "INSERT INTO bench.readings SELECT number, concat('user-', toString(number * 7919 % 1000000)), \
         toDateTime('2026-01-01 00:00:00', 'UTC') + number % 1000000, number / 8, number % 2 = 0 FROM numbers({rows})"
    )
}

/// A server that reads through an engine, which answers by itself too.
pub(crate) struct Service {
    server: Server,
    engine: String,
    password: String,
    client: Client,
    _data: Option<tempfile::TempDir>,
}

impl Service {
    /// With the engine in it.
    pub(crate) async fn embedded() -> Result<Self> {
        let data = tempfile::tempdir()?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let engine = listener.local_addr()?.to_string();
        drop(listener);
        let password = Uuid::new_v4().simple().to_string();
        let options = limits(ServerOptions::new(data.path()))
            .set("HELIOS_ENGINE_LISTEN", &engine)
            .set("HELIOS_ENGINE_USER", USER)
            .set("HELIOS_ENGINE_PASSWORD", &password);
        Self::start(options, engine, password, Some(data)).await
    }

    /// A second server, which has no engine in it and reads through this one's.
    pub(crate) async fn remote(&self) -> Result<Self> {
        let (engine, password) = (self.engine.clone(), self.password.clone());
        let options = limits(ServerOptions::default())
            .set("HELIOS_ADDR", "127.0.0.1:0")
            .set("HELIOS_CLICKHOUSE_URL", format!("http://{engine}"))
            .set("HELIOS_CLICKHOUSE_USER", USER)
            .set("HELIOS_CLICKHOUSE_PASSWORD", &password);
        Self::start(options, engine, password, None).await
    }

    async fn start(
        options: ServerOptions,
        engine: String,
        password: String,
        data: Option<tempfile::TempDir>,
    ) -> Result<Self> {
        let server = tokio::task::spawn_blocking(move || Server::start(&options)).await??;
        let client = Client::builder().pool_idle_timeout(Duration::from_secs(60)).build()?;
        Ok(Self { server, engine, password, client, _data: data })
    }

    /// The server's process.
    pub(crate) fn process(&self) -> u32 {
        self.server.id()
    }

    /// Where the engine answers itself.
    pub(crate) fn engine_url(&self) -> String {
        format!("http://{}", self.engine)
    }

    /// The engine's password, for [`USER`].
    pub(crate) fn password(&self) -> &str {
        &self.password
    }

    /// The documented JSON of a query, and how many bytes it has.
    pub(crate) async fn ours(&self, sql: &str) -> Result<usize> {
        let url = format!("{}/api/query", self.server.url());
        read(self.client.post(url).json(&json!({ "query": sql })).send().await?).await
    }

    /// The engine's own answer, and how many bytes it has.
    pub(crate) async fn engine(&self, sql: &str) -> Result<usize> {
        let url = format!("{}/?default_format=JSONEachRow", self.engine_url());
        let request = self.client.post(url).header("X-ClickHouse-User", USER);
        read(request.header("X-ClickHouse-Key", &self.password).body(sql.to_owned()).send().await?).await
    }
}

/// More than is measured, so that no limit is.
fn limits(options: ServerOptions) -> ServerOptions {
    options
        .set("HELIOS_QUERY_MAX_ROWS", "100000000")
        .set("HELIOS_QUERY_MAX_RESULT_MIB", "100000")
        .set("HELIOS_QUERY_TIMEOUT", "300")
        .set("HELIOS_QUERY_MAX_CONCURRENT", "256")
        .set("RUST_LOG", "warn")
}

/// Reads an answer to its end and throws it away.
async fn read(mut response: Response) -> Result<usize> {
    if !response.status().is_success() {
        return Err(format!("{}: {}", response.status(), response.text().await?).into());
    }
    let mut bytes = 0;
    while let Some(chunk) = response.chunk().await? {
        bytes += chunk.len();
    }
    Ok(bytes)
}
