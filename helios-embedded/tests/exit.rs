//! A process that ends while statements are under way ends cleanly.
//!
//! Without the test harness, whose tests do not run on the main thread, as programs do.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test fails by panicking, and says what it does"
)]

use std::{
    env,
    path::Path,
    process::{Command, ExitCode},
    time::Duration,
};

use clickhouse::Client;
use helios_embedded::{Engine, Options};
use tokio::runtime::Runtime;

/// Says, in a child, what is under way when it ends.
const PART: &str = "HELIOS_TEST_PART";

fn main() -> ExitCode {
    if let Ok(part) = env::var(PART) {
        child(&part);
        return ExitCode::SUCCESS;
    }
    let arguments: Vec<String> = env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "--list") {
        if !arguments.iter().any(|argument| argument == "--ignored") {
            println!("a_process_ends_cleanly: test");
        }
        return ExitCode::SUCCESS;
    }
    for part in ["idle", "querying", "reading", "inserting", "reading, runtime kept"] {
        for _ in 0..4 {
            let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
            let mut command = Command::new(env::current_exe().unwrap());
            let output = command.env(PART, part).current_dir(&directory).output().unwrap();
            let reached_the_end = output.stdout.ends_with(b"ready\n");
            if !reached_the_end || !output.status.success() {
                println!("{part}: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr));
                return ExitCode::FAILURE;
            }
        }
        println!("test a_process_ends_cleanly ({part}) ... ok");
    }
    ExitCode::SUCCESS
}

/// Ends with an engine that is never dropped, as in a program that keeps it in a static, and with a statement under way.
fn child(part: &str) {
    let engine: &'static Engine = Box::leak(Box::new(Engine::open(Options::new(Path::new("data"))).unwrap()));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let client = Client::with_http_client(engine.http_client()).with_url("http://embedded");
    match part {
        "idle" => runtime.block_on(client.query("SELECT 1").execute()).unwrap(),
        "querying" => {
            let query = client.query("SELECT sum(sipHash64(number)) AS busy FROM system.numbers_mt");
            runtime.spawn(query.execute());
            wait_for(&runtime, &client, "%AS busy%");
        }
        "inserting" => {
            let insert = runtime.block_on(async {
                client
                    .query("CREATE TABLE t (a UInt8) ENGINE = MergeTree ORDER BY a")
                    .execute()
                    .await
                    .unwrap();
                let mut insert = client.insert_formatted_with("INSERT INTO t FORMAT CSV");
                insert.send("1\n2\n".into()).await.unwrap();
                insert
            });
            Box::leak(Box::new(insert));
            wait_for(&runtime, &client, "INSERT INTO t%");
        }
        _ => {
            let rows = runtime.block_on(async {
                let mut rows = client.query("SELECT number FROM system.numbers").fetch::<u64>().unwrap();
                assert_eq!(rows.next().await.unwrap(), Some(0));
                rows
            });
            Box::leak(Box::new(rows));
        }
    }
    if part.ends_with("runtime kept") {
        Box::leak(Box::new(runtime));
    }
    println!("ready");
}

/// Waits until a statement with this text runs.
fn wait_for(runtime: &Runtime, client: &Client, pattern: &str) {
    let waiting = async {
        let count =
            "SELECT count() FROM system.processes WHERE query LIKE ? AND query NOT LIKE '%system.processes%'";
        while client.query(count).bind(pattern).fetch_one::<u64>().await.unwrap() == 0 {
            tokio::task::yield_now().await;
        }
    };
    runtime.block_on(async { tokio::time::timeout(Duration::from_secs(60), waiting).await }).unwrap();
}
