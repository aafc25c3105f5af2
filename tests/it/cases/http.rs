//! The cases through the HTTP server.

use helios_tests::Lab;
use reqwest::{Client, header};
use serde_json::{Value, json};

use super::{
    case::Case,
    face::{Face, Outcome, outcome},
};

pub(super) struct HttpFace {
    url: String,
    /// With the session of the account's root.
    browser: Client,
}

impl HttpFace {
    pub(super) async fn new(lab: &Lab) -> Self {
        let browser = Client::builder().cookie_store(true).build().unwrap();
        let face = Self { url: lab.server().url().to_owned(), browser };
        let root = json!({ "accessKey": lab.account().id(), "secretKey": lab.account().secret_key() });
        face.send(&face.browser, "POST", "authenticate", &root).await.unwrap();
        face
    }

    async fn send(&self, browser: &Client, method: &str, path: &str, body: &Value) -> Outcome {
        let response = browser
            .request(method.parse().unwrap(), format!("{}/api/{path}", self.url))
            .header(header::CONTENT_TYPE, "application/json")
            .body(body.to_string())
            .send()
            .await
            .unwrap();
        let answered = response.status().is_success();
        outcome(answered, &response.bytes().await.unwrap())
    }
}

impl Face for HttpFace {
    async fn call(&mut self, case: &Case) -> Outcome {
        let body = Value::from(case.arguments.clone());
        match case.operation.as_str() {
            operation @ ("databases" | "sources") => self.send(&self.browser, "GET", operation, &body).await,
            // Another browser: a log-in would change this one's session.
            "authenticate" if !case.arguments.is_empty() => {
                self.send(&Client::new(), "POST", "authenticate", &body).await
            }
            "authenticate" => panic!("{}: over HTTP somebody has to log in with something", case.name),
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
