//! A reader that is slow slows the engine down: what nobody takes is not made, on no path.

use futures_util::TryStreamExt as _;
use helios_core::{QueryId, QueryOptions, ResultFormat};
use serde_json::json;
use tokio::io::AsyncReadExt as _;

use crate::{serving::Serving, shop::client};

const ENDLESS: &str = "SELECT number, toString(number) AS s FROM system.numbers";

/// Far more rows than fit into all that is between the engine and its reader. Without back-pressure they are read in seconds.
const TOO_MANY: u64 = 20_000_000;

/// Waits until the query reads no more, and says how many rows it has read.
async fn stands_still(rows_read: impl AsyncFn() -> u64) -> u64 {
    let (mut last, mut looks_alike) = (0, 0);
    while looks_alike < 100 {
        let rows = rows_read().await;
        assert!(rows < TOO_MANY, "it reads on though nobody takes its rows: {rows}");
        looks_alike = if rows == last && rows > 0 { looks_alike + 1 } else { 0 };
        last = rows;
    }
    last
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_not_read_holds_its_query() {
    let client = client();
    for format in [ResultFormat::Json, ResultFormat::NdJson, ResultFormat::Csv, ResultFormat::Arrow] {
        let id = QueryId::random();
        let options = QueryOptions { query_id: Some(id.clone()), ..QueryOptions::default() };
        let mut stream = client.query_bytes(ENDLESS, &options, format).await.unwrap();
        stream.try_next().await.unwrap().unwrap();
        let rows_read = async || client.query_progress(&id).await.unwrap().unwrap().read_rows;
        let held_at = stands_still(rows_read).await;
        while rows_read().await == held_at {
            stream.try_next().await.unwrap().unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_of_the_server_that_does_not_read_holds_its_query() {
    let serving =
        Serving::start(&[("HELIOS_QUERY_MAX_ROWS", "1000000000"), ("HELIOS_QUERY_MAX_RESULT_MIB", "100000")]);
    let mut stream = serving.begin(&json!({"query": ENDLESS, "queryId": "slow"})).await;
    let mut chunk = vec![0; 1 << 16];
    stream.read_exact(&mut chunk).await.unwrap();
    assert!(chunk.starts_with(b"HTTP/1.1 200"));
    let rows_read = async || {
        let (status, progress) = serving.post("/api/query-progress", &json!({"queryId": "slow"})).await;
        assert_eq!(status, 200, "{progress}");
        progress["readRows"].as_u64().unwrap()
    };
    let held_at = stands_still(rows_read).await;
    while rows_read().await == held_at {
        stream.read_exact(&mut chunk).await.unwrap();
    }
}
