//! Closing: when the engine stops, what keeps it open, and what a closed one answers.

use std::path::Path;

use bytes::Bytes;
use clickhouse::Client;
use helios_embedded::{Engine, Error, Options};
use http::Request;
use http_body_util::Full;
use hyper_util::rt::TokioIo;
use tokio::runtime::Runtime;

use crate::{
    child::{again, block_on, client, part, run},
    support::{answer, code_in, eventually, scratch},
};

/// Enough for a race to show.
const ROUNDS: usize = 25;

fn open(path: &Path) -> Engine {
    Engine::open(Options::new(path)).unwrap()
}

async fn use_it(client: &Client) {
    assert_eq!(client.query("SELECT 1").fetch_one::<u8>().await.unwrap(), 1);
    // Streamed, and read to its end.
    let rows = client.query("SELECT number FROM numbers(200000)").fetch_all::<u64>().await.unwrap();
    assert_eq!(rows.len(), 200_000);
    client.query("SELECT nosuch").execute().await.unwrap_err();
    let mut insert = client.insert_formatted_with("INSERT INTO FUNCTION null('a UInt8') FORMAT CSV");
    insert.send("1\n".into()).await.unwrap();
    insert.end().await.unwrap();
}

#[test]
fn another_path_can_be_opened_right_after_the_last_drop() {
    const TEST: &str = "close::another_path_can_be_opened_right_after_the_last_drop";
    let Some((part, base)) = part() else {
        for part in ["within", "without", "single"] {
            run(again(TEST, part, &scratch("close")));
        }
        return;
    };
    let paths = [base.join("one"), base.join("two")];
    let rounds = async || {
        for round in 0..ROUNDS {
            let engine = open(&paths[round % 2]);
            let client = client(&engine);
            drop(engine);
            use_it(&client).await;
        }
    };
    match part.as_str() {
        // While the runtime that the connections live on is running, by one of its tasks…
        "within" => block_on(rounds()),
        // …the only one that could end connections…
        "single" => {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(rounds());
        }
        // …and from outside.
        _ => {
            let runtime = Runtime::new().unwrap();
            for round in 0..ROUNDS {
                let engine = open(&paths[round % 2]);
                let client = client(&engine);
                runtime.block_on(use_it(&client));
                drop((client, engine));
            }
        }
    }
}

#[test]
fn a_dropped_result_gives_way_to_another_path() {
    const TEST: &str = "close::a_dropped_result_gives_way_to_another_path";
    let Some((_, base)) = part() else {
        run(again(TEST, "all", &scratch("way")));
        return;
    };
    let paths = [base.join("one"), base.join("two")];
    let runtime = Runtime::new().unwrap();
    for round in 0..ROUNDS {
        let client = client(&open(&paths[round % 2]));
        let rows = runtime.block_on(async {
            let mut rows = client.query("SELECT number FROM system.numbers").fetch::<u64>().unwrap();
            assert_eq!(rows.next().await.unwrap(), Some(0));
            rows
        });
        drop((client, rows));
    }
}

#[test]
fn a_result_keeps_the_engine_open_until_its_end() {
    const TEST: &str = "close::a_result_keeps_the_engine_open_until_its_end";
    const ROWS: u64 = 3_000_000;
    let Some((_, base)) = part() else {
        run(again(TEST, "all", &scratch("kept")));
        return;
    };
    let (one, two) = (base.join("one"), base.join("two"));
    block_on(async {
        let client = client(&open(&one));
        let mut rows = client.query("SELECT number FROM numbers(?)").bind(ROWS).fetch::<u64>().unwrap();
        assert_eq!(rows.next().await.unwrap(), Some(0));
        drop(client);
        let elsewhere = tokio::task::spawn_blocking(move || Engine::open(Options::new(two))).await.unwrap();
        assert!(matches!(elsewhere, Err(Error::OtherPathOpen { .. })), "{elsewhere:?}");
        // The same path is shared, and closed again.
        use_it(&crate::child::client(&open(&one))).await;
        for number in 1..ROWS {
            assert_eq!(rows.next().await.unwrap(), Some(number));
        }
        assert_eq!(rows.next().await.unwrap(), None);
        drop(open(&base.join("two")));
    });
}

#[test]
fn a_request_on_a_closed_engine_says_so() {
    const TEST: &str = "close::a_request_on_a_closed_engine_says_so";
    let Some((_, base)) = part() else {
        run(again(TEST, "all", &scratch("closed")));
        return;
    };
    block_on(async {
        let engine = open(&base);
        let io = tower_service::Service::call(&mut engine.connector(), "http://embedded".parse().unwrap());
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(io.await.unwrap()).await.unwrap();
        tokio::spawn(connection);
        let listener = engine.listen("127.0.0.1:0".parse().unwrap(), None).await.unwrap();
        let socket = tokio::net::TcpStream::connect(listener.local_addr()).await.unwrap();
        let (mut remote, connection) =
            hyper::client::conn::http1::handshake::<_, Full<Bytes>>(TokioIo::new(socket)).await.unwrap();
        tokio::spawn(connection);
        let request = || {
            let request = Request::post("/").header("host", "localhost");
            request.body(Full::new(Bytes::from("SELECT 1"))).unwrap()
        };
        for sender in [&mut sender, &mut remote] {
            assert_eq!(answer(sender.send_request(request()).await.unwrap()).await.text(), "1\n");
        }
        drop(engine);
        // The listener keeps it open by itself.
        assert_eq!(answer(sender.send_request(request()).await.unwrap()).await.text(), "1\n");
        drop(listener);
        let closed = answer(sender.send_request(request()).await.unwrap()).await;
        assert_eq!(code_in(&closed.text()), 236);
        assert!(closed.text().contains("closed"), "{}", closed.text());
        eventually("the idle connection of the dropped listener ends", async || remote.is_closed()).await;
    });
}

#[test]
fn a_runtime_may_end_before_the_engine() {
    const TEST: &str = "close::a_runtime_may_end_before_the_engine";
    let Some((_, base)) = part() else {
        run(again(TEST, "all", &scratch("runtimes")));
        return;
    };
    let opener = Runtime::new().unwrap();
    let engine = opener.block_on(async { open(&base) });
    let client = client(&engine);
    opener.block_on(use_it(&client));
    drop(opener);
    // The same client, whose idle connections ended with the first runtime, and then a new one.
    block_on(use_it(&client));
    block_on(use_it(&crate::child::client(&engine)));
}
