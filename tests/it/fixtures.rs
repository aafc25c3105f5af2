//! The fixtures themselves.

use std::{collections::HashMap, fs};

use aws_sdk_lambda::primitives::Blob;
use helios_tests::{Emulator, Function, deploy, stream_names};
use serde_json::{Value, json};

#[tokio::test]
async fn a_dropped_emulator_is_gone_with_its_files() {
    let emulator = Emulator::start(false).await.unwrap();
    let endpoint = emulator.endpoint().to_owned();
    emulator.account().create_stream("clicks", 1).await.unwrap();
    assert!(emulator.log().contains("Running on"));
    drop(emulator);
    assert!(reqwest::get(endpoint).await.unwrap_err().is_connect());
}

#[tokio::test]
async fn accounts_do_not_see_each_other() {
    let emulator = Emulator::shared(false).await.unwrap();
    let (a, b) = (emulator.account(), emulator.account());
    a.create_stream("clicks", 1).await.unwrap();
    assert_eq!(stream_names(&a.session()).await.unwrap(), ["clicks"]);
    assert_eq!(stream_names(&b.session()).await.unwrap(), Vec::<String>::new());
}

/// The Lambda runtime interface, and an answer made of the environment and the event.
const ECHO: &str = r#"#!/usr/bin/env python3
import json, os, urllib.request
api = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"] + "/2018-06-01/runtime/invocation/"
while True:
    with urllib.request.urlopen(api + "next") as invocation:
        event, request = json.load(invocation), invocation.headers["Lambda-Runtime-Aws-Request-Id"]
    names = ["GREETING", "AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_REGION", "CARGO_MANIFEST_DIR"]
    answer = {"event": event, "environment": {name: os.environ.get(name) for name in names}}
    urllib.request.urlopen(api + request + "/response", json.dumps(answer).encode()).close()
"#;

#[tokio::test]
async fn a_deployed_function_runs_with_its_environment_only() {
    let emulator = Emulator::shared(false).await.unwrap();
    let account = emulator.account();
    let directory = tempfile::tempdir().unwrap();
    let bootstrap = directory.path().join("echo.py");
    fs::write(&bootstrap, ECHO).unwrap();
    let function = Function {
        name: "echo",
        bootstrap: &bootstrap,
        environment: HashMap::from([("GREETING".to_owned(), "hello".to_owned())]),
        timeout_seconds: 10,
    };
    let arn = deploy(&account, function).await.unwrap();
    assert_eq!(arn, format!("arn:aws:lambda:{}:{}:function:echo", account.region(), account.id()));

    let event = Blob::new(json!({"n": 1}).to_string());
    let answer = account.lambda().invoke().function_name("echo").payload(event).send().await.unwrap();
    let answer: Value = serde_json::from_slice(answer.payload.unwrap().as_ref()).unwrap();
    let expected = json!({
        "GREETING": "hello",
        "AWS_ENDPOINT_URL": emulator.endpoint(),
        "AWS_ACCESS_KEY_ID": account.id(),
        "AWS_REGION": account.region(),
        "CARGO_MANIFEST_DIR": null,
    });
    assert_eq!(
        (&answer["event"], &answer["environment"]),
        (&json!({"n": 1}), &expected),
        "{}",
        emulator.log()
    );
}
