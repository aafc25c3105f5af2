//! R21: a query that nobody wants any more is gone within two seconds, however it came to that.

use std::{
    net::{Ipv4Addr, SocketAddr},
    pin::pin,
    time::{Duration, Instant},
};

use futures_util::TryStreamExt as _;
use helios_core::{ErrorKind, HeliosClient, QueryId, QueryOptions};
use helios_embedded::Listener;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    time::timeout,
};

use crate::{
    serving::Serving,
    shop::{client, rows},
};

/// What R21 asks for.
const SOON: Duration = Duration::from_secs(2);

/// Nothing to be seen before its end, which never comes.
fn silent(marker: &str) -> String {
    format!("SELECT sum(sipHash64(number)), '{marker}' FROM system.numbers")
}

/// Rows without end.
fn endless(marker: &str) -> String {
    format!("SELECT number, '{marker}' FROM system.numbers")
}

fn marker() -> String {
    format!("m{}", uuid::Uuid::new_v4().simple())
}

fn count_of(marker: &str) -> String {
    format!(
        "SELECT count() AS n FROM system.processes WHERE query LIKE '%{marker}%' AND query NOT LIKE '%system.processes%'"
    )
}

async fn running(marker: &str) -> bool {
    rows(&count_of(marker)).await != [r#"{"n":0}"#]
}

async fn until_running(marker: &str) {
    while !running(marker).await {
        tokio::task::yield_now().await;
    }
}

/// Waits until the query is gone, and says how long that took.
async fn gone(what: &str, marker: &str) {
    let started = Instant::now();
    let wait = async {
        while running(marker).await {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(60), wait).await.unwrap_or_else(|_| panic!("{what}: still running"));
    was_soon(what, started.elapsed());
}

#[expect(clippy::print_stdout, reason = "the figure of R21, for whoever asks for it with --nocapture")]
fn was_soon(what: &str, took: Duration) {
    println!("{what}: gone after {} ms", took.as_millis());
    assert!(took < SOON, "{what}: gone after {took:?} only");
}

/// Clients of the engine in this process: without a socket, over a listener, and by a way on which the server does not
/// notice that its reader is gone.
struct Ways {
    clients: [(&'static str, HeliosClient); 3],
    _listener: Listener,
}

impl Ways {
    async fn open() -> Self {
        let anywhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let listener = client().warehouse().engine().unwrap().listen(anywhere, None).await.unwrap();
        let deaf = deaf_way_to(listener.local_addr()).await;
        let over = |address: SocketAddr| {
            HeliosClient::builder().clickhouse_url(format!("http://{address}")).build().unwrap()
        };
        let clients =
            [("embedded", client()), ("listener", over(listener.local_addr())), ("deaf server", over(deaf))];
        Self { clients, _listener: listener }
    }
}

/// A proxy that holds on to the server when the client has gone, as a server does that is busy with a query.
async fn deaf_way_to(server: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut held = Vec::new();
        loop {
            let (client, _) = listener.accept().await.unwrap();
            let server = TcpStream::connect(server).await.unwrap();
            held.push(tokio::spawn(async move {
                let ((mut from_client, mut to_client), (mut from_server, mut to_server)) =
                    (client.into_split(), server.into_split());
                let asking = async {
                    let mut buffer = [0; 1 << 14];
                    while let Ok(read @ 1..) = from_client.read(&mut buffer).await {
                        to_server.write_all(buffer.get(..read).unwrap()).await.unwrap();
                    }
                    std::future::pending::<()>().await;
                };
                let answering = async {
                    let mut buffer = [0; 1 << 14];
                    while let Ok(read @ 1..) = from_server.read(&mut buffer).await {
                        if to_client.write_all(buffer.get(..read).unwrap()).await.is_err() {
                            std::future::pending::<()>().await;
                        }
                    }
                };
                tokio::select! {
                    () = asking => {}
                    () = answering => {}
                }
            }));
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_future_or_stream_ends_its_query() {
    let ways = Ways::open().await;
    for (way, client) in &ways.clients {
        let before = marker();
        let (sql, options) = (silent(&before), QueryOptions::default());
        {
            let query = pin!(client.query_with(&sql, &options));
            tokio::select! {
                outcome = query => panic!("{way}: {outcome:?}"),
                () = until_running(&before) => {}
            }
        }
        gone(&format!("{way}, future dropped before the first byte"), &before).await;

        let after = marker();
        let id = QueryId::random();
        let options = QueryOptions { query_id: Some(id.clone()), ..QueryOptions::default() };
        let sql = endless(&after);
        {
            let query = pin!(client.query_with(&sql, &options));
            let comes = async {
                // More than fits into all that is between the engine and its reader.
                while client
                    .query_progress(&id)
                    .await
                    .unwrap()
                    .is_none_or(|so_far| so_far.read_rows < 1_000_000)
                {}
            };
            tokio::select! {
                outcome = query => panic!("{way}: {outcome:?}"),
                () = comes => {}
            }
        }
        gone(&format!("{way}, future dropped after the first byte"), &after).await;

        let json = marker();
        let mut stream = client.query_json(&endless(&json), &QueryOptions::default()).await.unwrap();
        stream.try_next().await.unwrap().unwrap();
        assert!(running(&json).await, "{way}");
        drop(stream);
        gone(&format!("{way}, stream of JSON dropped"), &json).await;

        let arrow = marker();
        let mut stream = client.query_arrow(&endless(&arrow), &QueryOptions::default()).await.unwrap();
        stream.try_next().await.unwrap().unwrap();
        assert!(running(&arrow).await, "{way}");
        drop(stream);
        gone(&format!("{way}, stream of Arrow dropped"), &arrow).await;

        let typed = marker();
        let sql = endless(&typed);
        let mut stream = client.query(sql).rows_as::<(u64, String)>().await.unwrap();
        stream.try_next().await.unwrap().unwrap();
        assert!(running(&typed).await, "{way}");
        drop(stream);
        gone(&format!("{way}, stream of a type's rows dropped"), &typed).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_is_cancelled_by_its_name() {
    let ways = Ways::open().await;
    for (way, client) in &ways.clients {
        let (id, silent_one) = (QueryId::random(), marker());
        let options = QueryOptions { query_id: Some(id.clone()), ..QueryOptions::default() };
        let sql = silent(&silent_one);
        let cancel = async {
            until_running(&silent_one).await;
            let again = client.query_with("SELECT 1", &options).await.unwrap_err();
            assert_eq!(again.server_code(), Some(216), "{way}: {again}");
            client.cancel_query(&id).await.unwrap()
        };
        let (outcome, cancelled) = tokio::join!(client.query_with(&sql, &options), cancel);
        assert!(cancelled.found, "{way}");
        assert_eq!(
            serde_json::to_value(&cancelled).unwrap(),
            json!({"queryId": id.as_str(), "found": true}),
            "{way}"
        );
        let error = outcome.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Cancelled, "{way}: {error}");
        gone(&format!("{way}, cancelled"), &silent_one).await;
        assert!(!client.cancel_query(&id).await.unwrap().found, "{way}: it has ended");
        assert_eq!(client.query_progress(&id).await.unwrap(), None, "{way}: it has ended");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_stalls_keeps_no_query_from_being_cancelled() {
    let ways = Ways::open().await;
    for (way, client) in &ways.clients {
        let (id, stalled) = (QueryId::random(), marker());
        let options = QueryOptions { query_id: Some(id.clone()), ..QueryOptions::default() };
        let mut stream = client.query_json(&endless(&stalled), &options).await.unwrap();
        stream.try_next().await.unwrap().unwrap();
        assert!(running(&stalled).await, "{way}");
        assert!(client.cancel_query(&id).await.unwrap().found, "{way}");
        gone(&format!("{way}, cancelled while its reader stalls"), &stalled).await;
        // What is left of the result, and then why there is no more.
        let error = loop {
            match stream.try_next().await {
                Ok(Some(_)) => {}
                Ok(None) => panic!("{way}: a result that was cut passed for a whole one"),
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind(), ErrorKind::Cancelled, "{way}: {error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn progress_is_told_and_its_answer_is_heard() {
    const ROWS: u64 = 1_500;
    let slow =
        format!("SELECT sum(sleepEachRow(0.001)) AS s FROM numbers({ROWS}) SETTINGS max_block_size = 100");
    let ways = Ways::open().await;
    for (way, client) in &ways.clients {
        let (told, heard) = std::sync::mpsc::channel();
        let mut last = 0;
        let watched = client.query(&slow).on_progress(move |so_far| {
            assert!(so_far.read_rows >= last && so_far.read_rows <= ROWS, "{so_far:?} after {last}");
            last = so_far.read_rows;
            told.send((so_far.read_rows, so_far.total_rows)).is_ok()
        });
        assert_eq!(watched.await.unwrap().metadata.row_count, 1, "{way}");
        let looks: Vec<_> = heard.iter().collect();
        assert!(looks.len() > 1, "{way}: {looks:?}");
        assert!(looks.last().unwrap().0 > looks[0].0, "{way}: {looks:?}");

        let stopped = marker();
        let watched = client.query(silent(&stopped)).on_progress(|so_far| so_far.read_rows == 0);
        assert_eq!(watched.await.unwrap_err().kind(), ErrorKind::Cancelled, "{way}");
        gone(&format!("{way}, stopped by its watcher"), &stopped).await;

        let read = marker();
        let mut looks = 0;
        let watched = client.query(endless(&read)).on_progress(move |_| {
            looks += 1;
            looks < 2
        });
        let stream = watched.json().await.unwrap();
        let error = stream.try_for_each(async |_| Ok(())).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Cancelled, "{way}: {error}");
        gone(&format!("{way}, stopped while it was read"), &read).await;
    }
}

/// A query that only reads is ended by the server itself, which was told to.
#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_query_that_only_reads_is_left_to_the_server() {
    let ways = Ways::open().await;
    let [_, (way, client), _] = &ways.clients;
    let marker = marker();
    let options = QueryOptions { read_only: true, ..QueryOptions::default() };
    let mut stream = client.query_json(&endless(&marker), &options).await.unwrap();
    stream.try_next().await.unwrap().unwrap();
    drop(stream);
    gone(&format!("{way}, read only"), &marker).await;
}

/// A server whose two slots for queries show whether a query holds one.
struct TwoSlots(Serving);

impl TwoSlots {
    fn start() -> Self {
        // Which queries run is not for those who only read.
        Self(Serving::start(&[
            ("HELIOS_QUERY_MAX_CONCURRENT", "2"),
            ("HELIOS_ALLOW_WRITES", "true"),
            ("RUST_LOG", "warn"),
        ]))
    }

    async fn running(&self, marker: &str) -> bool {
        let count = json!({ "query": count_of(marker) });
        let ask = async {
            loop {
                let answer = self.0.post("/api/query", &count).await;
                // The query before has ended, and its slot comes back as soon as that is noticed.
                if answer.0 != 503 {
                    return answer;
                }
            }
        };
        let answer = timeout(Duration::from_secs(60), ask)
            .await
            .unwrap_or_else(|_| panic!("a slot is never given back"));
        assert_eq!(answer.0, 200, "{answer:?}");
        answer.1["data"] != json!([{"n": 0}])
    }

    async fn gone(&self, what: &str, marker: &str) {
        let started = Instant::now();
        let wait = async { while self.running(marker).await {} };
        timeout(Duration::from_secs(60), wait).await.unwrap_or_else(|_| panic!("{what}: still running"));
        was_soon(what, started.elapsed());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_that_leaves_frees_the_query_and_its_slot() {
    let serving = TwoSlots::start();
    for round in 0..3 {
        let before = marker();
        let stream = serving.0.begin(&json!({ "query": silent(&before), "readOnly": true })).await;
        while !serving.running(&before).await {}
        drop(stream);
        serving.gone("/api/query, left before the first byte", &before).await;

        let after = marker();
        let mut stream = serving
            .0
            .begin(&json!({ "query": endless(&after), "readOnly": true, "maxResultRows": 1_000_000 }))
            .await;
        let mut first = [0; 1024];
        assert!(stream.read(&mut first).await.unwrap() > 0);
        assert!(serving.running(&after).await, "round {round}");
        drop(stream);
        serving.gone("/api/query, left after the first byte", &after).await;
    }
    // Both slots are free: one is held, and the other is there to ask.
    let held = marker();
    let stream = serving.0.begin(&json!({ "query": silent(&held), "readOnly": true })).await;
    while !serving.running(&held).await {}
    drop(stream);
}
