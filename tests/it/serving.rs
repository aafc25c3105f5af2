//! The example server with an engine of its own, and no AWS.

use helios_tests::{Server, ServerOptions};
use reqwest::{Client, Response};
use serde_json::Value;
use tokio::{io::AsyncWriteExt as _, net::TcpStream};

pub(crate) struct Serving {
    server: Server,
    _data: tempfile::TempDir,
}

impl Serving {
    /// Starts it with these variables in its environment.
    pub(crate) fn start(variables: &[(&str, &str)]) -> Self {
        let data = tempfile::tempdir().unwrap();
        let options = ServerOptions::new(data.path())
            .set("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
            .set("AWS_REGION", "eu-west-1")
            .set("RUST_LOG", "error");
        let options = variables.iter().fold(options, |options, (name, value)| options.set(name, *value));
        Self { server: Server::start(&options).unwrap(), _data: data }
    }

    pub(crate) async fn send(&self, path: &str, headers: &[(&str, &str)], body: &Value) -> Response {
        let request = Client::new().post(format!("{}{path}", self.server.url())).body(body.to_string());
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        request.send().await.unwrap()
    }

    /// The status, and the answer as JSON.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        json_of(self.send(path, &[], body).await).await
    }

    /// Sends a query and leaves its answer to be read.
    pub(crate) async fn begin(&self, body: &Value) -> TcpStream {
        let address = self.server.url().strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(address).await.unwrap();
        let body = body.to_string();
        let head =
            format!("POST /api/query HTTP/1.1\r\nHost: {address}\r\nContent-Length: {}\r\n\r\n", body.len());
        stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
        stream
    }
}

/// The status of an answer, and the answer as JSON.
pub(crate) async fn json_of(response: Response) -> (u16, Value) {
    (response.status().as_u16(), serde_json::from_slice(&response.bytes().await.unwrap()).unwrap())
}
