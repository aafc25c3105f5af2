//! The server tries out what callers' SQL may do, and says what it found.

use std::{
    net::Ipv4Addr,
    process::{Command, Output, Stdio},
};

use helios_tests::{Server, ServerOptions, binary};
use reqwest::Client;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};

use crate::settings_proxy::{BARE, CARELESS, SettingsProxy, UNCHANGED};

/// The server over this ClickHouse. It ends, or it serves and is ended.
async fn start(url: String, args: &'static [&'static str]) -> (bool, String) {
    let mut command = Command::new(binary("helios-server").unwrap());
    command
        .env_clear()
        .envs([("HELIOS_ADDR", "127.0.0.1:0"), ("HELIOS_CLICKHOUSE_URL", &url), ("RUST_LOG", "info")])
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    tokio::task::spawn_blocking(move || {
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        let out = child.stdout.as_mut().unwrap();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(out), &mut line).unwrap();
        let serves = line.starts_with("Helios is serving on http://");
        if serves {
            child.kill().unwrap();
        }
        let Output { stderr, .. } = child.wait_with_output().unwrap();
        (serves, String::from_utf8(stderr).unwrap())
    })
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn it_says_in_a_line_what_it_found() {
    let proxy = SettingsProxy::start(UNCHANGED).await;
    let (serves, log) = start(proxy.url(), &[]).await;
    assert!(serves, "{log}");
    let line = log.lines().find(|line| line.contains("What read-only SQL must not do is refused")).unwrap();
    for part in ["INFO", "user=\"default\"", "version=\"26.", "readonly=\"1\"", "tried=13"] {
        assert!(line.contains(part), "{part} is missing in {line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clickhouse_that_does_not_heed_readonly_ends_the_start() {
    let proxy = SettingsProxy::start(CARELESS).await;
    let (serves, log) = start(proxy.url(), &[]).await;
    assert!(!serves, "{log}");
    let line = log.lines().find(|line| line.starts_with("helios-server: ")).unwrap();
    for part in
        ["config_invalid", "can write, lift a limit, use url()", "helios-server reader", "--allow-writes"]
    {
        assert!(line.contains(part), "{part} is missing in {line}");
    }
    // What `readonly` has nothing to do with is refused there, too.
    for part in ["row too many", "DESCRIBE", "end a query"] {
        assert!(!line.contains(part), "{line}");
    }
    let (serves, log) = start(proxy.url(), &["--allow-writes"]).await;
    assert!(serves && log.contains("Read-only SQL can do more than read"), "{log}");
}

/// This one heeds `readonly`, and would read any file: our own judge does not let such a statement come to it.
#[tokio::test(flavor = "multi_thread")]
async fn what_readonly_leaves_open_is_refused_all_the_same() {
    let proxy = SettingsProxy::start(BARE).await;
    let (serves, log) = start(proxy.url(), &[]).await;
    assert!(serves && log.contains("What read-only SQL must not do is refused."), "{log}");
}

async fn ask(server: &Server) -> (u16, Value) {
    let request = Client::new().post(format!("{}/api/query", server.url()));
    let response = request.body(json!({"query": "SELECT 1 AS n"}).to_string()).send().await.unwrap();
    let status = response.status().as_u16();
    (status, serde_json::from_slice(&response.bytes().await.unwrap()).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clickhouse_that_comes_later_is_checked_before_the_first_query() {
    for (change, served) in [(UNCHANGED, true), (CARELESS, false)] {
        let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = socket.local_addr().unwrap();
        drop(socket);
        let options = ServerOptions::default()
            .set("HELIOS_ADDR", "127.0.0.1:0")
            .set("HELIOS_CLICKHOUSE_URL", format!("http://{address}"))
            .set("RUST_LOG", "off");
        let server = Server::start(&options).unwrap();
        let (status, answer) = ask(&server).await;
        assert_eq!((status, &answer["code"]), (503, &json!("unavailable")), "{answer}");

        let proxy = SettingsProxy::start(change).await;
        let there = TcpListener::bind(address).await.unwrap();
        let onward = proxy.address();
        tokio::spawn(async move {
            loop {
                let (mut near, _) = there.accept().await.unwrap();
                tokio::spawn(async move {
                    let mut far = TcpStream::connect(onward).await.unwrap();
                    drop(tokio::io::copy_bidirectional(&mut near, &mut far).await);
                });
            }
        });
        let (status, answer) = ask(&server).await;
        if served {
            assert_eq!((status, &answer["data"]), (200, &json!([{"n": 1}])), "{answer}");
        } else {
            assert_eq!((status, &answer["code"]), (503, &json!("unavailable")), "{answer}");
            assert!(answer["error"].as_str().unwrap().contains("could do more than read"), "{answer}");
        }
    }
}
