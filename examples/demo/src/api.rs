//! The documented HTTP calls.

use helios_tests::Result;
use serde_json::{Value, json};

/// The server, with the cookie of its session once there is one.
pub(crate) struct Api {
    http: reqwest::Client,
    url: String,
}

impl Api {
    pub(crate) fn new(url: &str) -> Result<Self> {
        Ok(Self { http: reqwest::Client::builder().cookie_store(true).build()?, url: url.to_owned() })
    }

    pub(crate) async fn get(&self, path: &str) -> Result<Value> {
        read(path, self.http.get(format!("{}{path}", self.url)).send().await?).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Result<Value> {
        read(path, self.http.post(format!("{}{path}", self.url)).json(body).send().await?).await
    }

    /// The rows of a query.
    pub(crate) async fn rows(&self, sql: &str) -> Result<Vec<Value>> {
        let answer = self.post("/api/query", &json!({ "query": sql })).await?;
        answer["data"].as_array().cloned().ok_or_else(|| "the answer of a query has no `data`".into())
    }

    /// How many rows a table has.
    pub(crate) async fn count(&self, table: &str) -> Result<u64> {
        let rows = self.rows(&format!("SELECT count() AS n FROM {table}")).await?;
        rows.first()
            .and_then(|row| row["n"].as_u64())
            .ok_or_else(|| "the answer of a count has no `n`".into())
    }
}

async fn read(path: &str, response: reqwest::Response) -> Result<Value> {
    let status = response.status();
    let body = response.text().await?;
    if status.is_success() {
        Ok(serde_json::from_str(&body)?)
    } else {
        Err(format!("{path} answered {status}: {body}").into())
    }
}
