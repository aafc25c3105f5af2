//! Kinesis as it behaves when the emulator does not: throttling, expired iterators, tokens, closed shards.

use std::sync::{Arc, Mutex};

use aws_sdk_kinesis::config::retry::RetryConfig;
use helios_core::streams::{AwsSession, AwsSettings, Credentials};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// One request: the operation, and its body.
pub(crate) type Request = (String, Value);

/// An HTTP server that gives prepared answers to Kinesis' requests, in order.
#[derive(Clone)]
pub(crate) struct FakeKinesis {
    endpoint: String,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl FakeKinesis {
    /// Each answer is a status and a body. When there are no more, the last one is given again.
    pub(crate) async fn answering(answers: Vec<(u16, Value)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let fake = Self { endpoint, requests: Arc::default() };
        let requests = Arc::clone(&fake.requests);
        tokio::spawn(async move {
            let mut answers = answers.into_iter().peekable();
            loop {
                let (mut connection, _) = listener.accept().await.unwrap();
                let request = read(&mut connection).await;
                requests.lock().unwrap().push(request);
                let (status, body) = answers.peek().cloned().unwrap();
                if answers.len() > 1 {
                    answers.next();
                }
                write(&mut connection, status, &body.to_string()).await;
            }
        });
        fake
    }

    /// The requests so far.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    pub(crate) fn session(&self) -> AwsSession {
        AwsSession::new(AwsSettings {
            region: Some("eu-west-1".into()),
            endpoint_url: Some(self.endpoint.clone()),
            credentials: Credentials::keys("AKIAEXAMPLEEXAMPLE00", "secret"),
        })
    }

    /// A client that does not try again by itself.
    pub(crate) async fn client(&self) -> aws_sdk_kinesis::Client {
        let config = self.session().sdk_config().await.unwrap();
        let config = aws_sdk_kinesis::config::Builder::from(&config).retry_config(RetryConfig::disabled());
        aws_sdk_kinesis::Client::from_conf(config.build())
    }
}

async fn read(connection: &mut TcpStream) -> Request {
    let mut bytes = Vec::new();
    let head = loop {
        assert!(connection.read_buf(&mut bytes).await.unwrap() > 0, "the request ended early");
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
    };
    let text = String::from_utf8(bytes[..head].to_vec()).unwrap();
    let header = |name: &str| {
        let lines = text.lines().filter_map(|line| line.split_once(':'));
        lines
            .filter(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim().to_owned())
            .next()
    };
    let length: usize = header("content-length").unwrap().parse().unwrap();
    while bytes.len() < head + 4 + length {
        assert!(connection.read_buf(&mut bytes).await.unwrap() > 0, "the request ended early");
    }
    let operation = header("x-amz-target").unwrap().rsplit('.').next().unwrap().to_owned();
    (operation, serde_json::from_slice(&bytes[head + 4..]).unwrap())
}

async fn write(connection: &mut TcpStream, status: u16, body: &str) {
    let answer = format!(
        "HTTP/1.1 {status} X\r\ncontent-type: application/x-amz-json-1.1\r\ncontent-length: {}\r\n\
         x-amzn-requestid: request-1\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    connection.write_all(answer.as_bytes()).await.unwrap();
}
