//! The process of a server's engine, killed under delivery and queries. The server starts it again.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    time::Duration,
};

use helios_core::{
    CreateTable,
    clock::{Clock as _, SystemClock},
    sources::Delivery,
    streams::Position,
};
use helios_tests::{KinesisDouble, Server, ServerOptions, free_port};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tokio::{task::spawn_blocking, time::timeout};

use super::{ROUND, chance, consumer_process::ConsumerProcess, put::Put, rounds};
use crate::{
    consumer_source::{ClickHouse, STREAM, wait_for},
    delivery_source::USER,
    shop::{account, columns},
};

/// The process of the server's engine, if there is one now.
fn engine_of(server: u32) -> Option<u32> {
    let tasks = fs::read_dir(format!("/proc/{server}/task")).unwrap();
    let mut children = tasks.filter_map(|task| fs::read_to_string(task.ok()?.path().join("children")).ok());
    children.find_map(|children| children.split_whitespace().next()?.parse().ok())
}

fn kill(process: u32) {
    let pid = Pid::from_raw(process.try_into().unwrap()).unwrap();
    kill_process(pid, Signal::KILL).unwrap();
}

async fn start(data: &Path, address: SocketAddr, password: &str) -> Server {
    let options = ServerOptions::new(data)
        .set("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
        .set("AWS_REGION", "eu-west-1")
        .set("HELIOS_ENGINE_LISTEN", address.to_string())
        .set("HELIOS_ENGINE_USER", USER)
        .set("HELIOS_ENGINE_PASSWORD", password)
        .set("HELIOS_REQUIRE_SANDBOX", "true")
        .set("RUST_LOG", "off");
    spawn_blocking(move || Server::start(&options)).await.unwrap().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_servers_engine_that_is_killed_loses_and_doubles_nothing() {
    let mut chance = chance();
    let (folder, clickhouse) = (tempfile::tempdir().unwrap(), ClickHouse::new());
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port().unwrap()));
    let server = start(&folder.path().join("data"), address, clickhouse.password()).await;
    let double = KinesisDouble::start(&account().await, STREAM, 2).await.unwrap();
    let client = clickhouse.client(&double, address);
    let spec = CreateTable::new(STREAM, "events", columns(&[("id", "UInt64")]))
        .database("shop")
        .create_database()
        .delivery(Delivery::Consumer)
        .start_position(Position::Oldest);
    client.create_table(&spec).await.unwrap();
    client.warehouse().execute(&Put::constraint("shop.events")).await.unwrap();
    let mut put = Put::default();
    let consumer = ConsumerProcess::start(&clickhouse.environment(&double, address));
    let (http, url) = (reqwest::Client::new(), format!("{}/api/query", server.url()));
    let (mut answered, mut restarted) = (0, 0);
    for round in 0..rounds(10) {
        put.more(&double, 20 + chance.below(200));
        let victim = engine_of(server.id()).unwrap();
        // A statement that is under way at that moment, and those after it.
        let sql = "SELECT count() FROM numbers(10000000000) WHERE cityHash64(number) = 1";
        let under_way = http.post(&url).json(&json!({"query": sql})).send();
        let under_way = tokio::spawn(under_way);
        SystemClock.sleep(Duration::from_millis(chance.below(400))).await;
        kill(victim);
        let told = timeout(ROUND, under_way).await.unwrap().unwrap().unwrap();
        let (status, told) = (told.status().as_u16(), told.json::<Value>().await.unwrap());
        assert_eq!(
            (status, &told["code"], &told["retryable"]),
            (503, &json!("engine_restarted"), &json!(true))
        );
        restarted += 1;
        let query = json!({"query": "SELECT count() AS n FROM shop.events"});
        let next = timeout(ROUND, http.post(&url).json(&query).send()).await.unwrap().unwrap();
        let (status, body) = (next.status().as_u16(), next.json::<Value>().await.unwrap());
        assert!(status == 200 || status == 503 && body["code"] == "engine_restarted", "{status} {body}");
        answered += u64::from(status == 200);
        timeout(ROUND, wait_for(|| engine_of(server.id()).is_some_and(|engine| engine != victim)))
            .await
            .unwrap();
        timeout(ROUND, put.arrived(&client, "shop")).await.unwrap();
        println!("round {round}: {} events", put.count());
    }
    assert!(answered > 0 && restarted > 0);
    drop(consumer);
    timeout(ROUND, client.consume(STREAM).until_caught_up()).await.unwrap().unwrap();
    put.check(&client, "shop").await;
    let engine = engine_of(server.id()).unwrap();
    // The server, too, may be killed: the engine's process does not stay behind.
    drop(server);
    timeout(ROUND, wait_for(|| !Path::new(&format!("/proc/{engine}")).exists())).await.unwrap();
}
