//! The cases through the HTTP server.

use std::sync::{Arc, Mutex};

use helios_tests::Lab;
use reqwest::{Client, StatusCode, header};
use serde_json::{Value, json};

use super::{
    case::{Case, digits, format_of},
    described::Described,
    face::{Face, Outcome, outcome},
};

/// A clone has the same session.
#[derive(Clone)]
pub(super) struct HttpFace {
    url: String,
    /// With the session of the account's root.
    browser: Client,
    described: Arc<Mutex<Described>>,
}

impl HttpFace {
    pub(super) async fn new(lab: &Lab, described: Arc<Mutex<Described>>) -> Self {
        let browser = Client::builder().cookie_store(true).build().unwrap();
        let url = lab.server().url().to_owned();
        let description = browser.get(format!("{url}/openapi.json")).send().await.unwrap();
        described.lock().unwrap().description = description.json().await.unwrap();
        let face = Self { url, browser, described };
        let root = json!({ "accessKey": lab.account().id(), "secretKey": lab.account().secret_key() });
        face.send(&face.browser, "POST", "authenticate", &root).await.unwrap();
        face
    }

    async fn send(&self, browser: &Client, method: &str, path: &str, body: &Value) -> Outcome {
        let (status, body) = self.ask(browser, method, path, body).await;
        self.read(method, path, status, &body)
    }

    /// Sends no body to a path that is described under another.
    async fn described_as(&self, method: &str, path: &str, described: &str) -> Outcome {
        let (status, body) = self.ask(&self.browser, method, path, &Value::Null).await;
        self.read(method, described, status, &body)
    }

    async fn ask(&self, browser: &Client, method: &str, path: &str, body: &Value) -> (StatusCode, Vec<u8>) {
        let response = browser
            .request(method.parse().unwrap(), format!("{}/api/{path}", self.url))
            .header(header::CONTENT_TYPE, "application/json")
            .body(body.to_string())
            .send()
            .await
            .unwrap();
        (response.status(), response.bytes().await.unwrap().to_vec())
    }

    fn read(&self, method: &str, path: &str, status: StatusCode, body: &[u8]) -> Outcome {
        let answer = serde_json::from_slice(body).unwrap();
        self.described.lock().unwrap().look(method, path, status.as_u16(), &answer);
        outcome(status.is_success(), body)
    }
}

impl Face for HttpFace {
    async fn call(&mut self, case: &Case) -> Outcome {
        let body = Value::from(case.arguments.clone());
        match case.operation.as_str() {
            operation @ ("databases" | "doctor" | "engine" | "sources" | "streams") => {
                self.send(&self.browser, "GET", operation, &body).await
            }
            operation @ ("pause" | "resume") => {
                let path = format!("sources/{}/{operation}", source_of(case));
                self.described_as("POST", &path, &format!("sources/{{source}}/{operation}")).await
            }
            "remove" => {
                let fate = case.arguments.get("table").and_then(Value::as_str);
                let query = fate.map_or_else(String::new, |fate| format!("?table={fate}"));
                let path = format!("sources/{}{query}", source_of(case));
                self.described_as("DELETE", &path, "sources/{source}").await
            }
            // Another browser: a log-in would change this one's session.
            "authenticate" if !case.arguments.is_empty() => {
                self.send(&Client::new(), "POST", "authenticate", &body).await
            }
            "authenticate" => panic!("{}: over HTTP somebody has to log in with something", case.name),
            operation if let Some(format) = format_of(operation) => {
                let mut body = case.arguments.clone();
                body.insert("format".to_owned(), json!(format));
                let (status, bytes) = self.ask(&self.browser, "POST", "query", &body.into()).await;
                match status.is_success() {
                    true => Ok(digits(&bytes).into()),
                    false => self.read("POST", "query", status, &bytes),
                }
            }
            operation => {
                let path = match operation.strip_prefix("quarantine_") {
                    Some(below) => format!("quarantine/{below}"),
                    None => operation.replace('_', "-"),
                };
                self.send(&self.browser, "POST", &path, &body).await
            }
        }
    }
}

/// The source of a case, as part of a path.
fn source_of(case: &Case) -> String {
    let source = case.arguments["source"].as_str().unwrap();
    url::form_urlencoded::byte_serialize(source.as_bytes()).collect::<String>().replace('+', "%20")
}
