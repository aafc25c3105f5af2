//! `make demo`: events into a Kinesis stream, through the documented HTTP calls into a table, and back out of a query.
//!
//! Everything is real but AWS, which is an emulator: the server, the engine in it, the delivery function.

mod api;
mod report;

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use api::Api;
use clap::Parser;
use helios_tests::{GeneratedEvent, Lab, LabOptions, Result, generate};
use indicatif::{ProgressBar, ProgressStyle};
use report::{Delivered, Report};
use serde_json::{Value, json};
use tokio::signal::unix::{SignalKind, signal};

const STREAM: &str = "user-activity";
const TABLE: &str = "user_activity";
const SHARDS: i32 = 4;
const EVENTS: usize = 27_000;
/// So many more are put while the source is paused.
const LATER_EVENTS: usize = 1_000;
/// One in a hundred is malformed.
const MALFORMED_SHARE: f64 = 0.01;
/// Delivery takes seconds; this long without a single new event means that it is stuck.
const PATIENCE: Duration = Duration::from_secs(60);
/// What a shell says of a program that Ctrl-C ended.
const INTERRUPTED: u8 = 130;
const POLL: Duration = Duration::from_millis(200);

/// Events from a stream to a table and back, through the documented HTTP calls.
#[derive(Parser)]
struct Arguments {
    /// Leave the server up when the demo is over, at HELIOS_ADDR.
    #[arg(long)]
    serve: bool,
    /// Where the server listens with --serve. Without, it takes a free port.
    #[arg(long, env = "HELIOS_ADDR", default_value = "127.0.0.1:8080")]
    addr: String,
}

#[tokio::main]
async fn main() -> ExitCode {
    let ended = tokio::select! {
        ended = run(Arguments::parse()) => ended,
        // What was started ends with `run`, whose future is dropped here.
        signal = interrupted() => match signal {
            Ok(()) => return ExitCode::from(INTERRUPTED),
            Err(error) => Err(error),
        },
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            #[expect(clippy::print_stderr, reason = "a program's last words")]
            {
                eprintln!("\nThe demo failed: {error}");
            }
            ExitCode::FAILURE
        }
    }
}

/// Waits for Ctrl-C or a request to end: then what was started is to be ended too.
async fn interrupted() -> Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        interrupt = tokio::signal::ctrl_c() => interrupt?,
        _ = terminate.recv() => {}
    }
    Ok(())
}

async fn run(arguments: Arguments) -> Result<()> {
    let address = if arguments.serve { arguments.addr } else { "127.0.0.1:0".to_owned() };
    report::title("Helios: from a Kinesis stream to a ClickHouse table");
    let mut lab = Lab::start(LabOptions { address, ..LabOptions::default() }).await?;
    report::step("server", &format!("{}, with the engine in a process of its own", lab.server().url()));
    report::step("AWS", &format!("{} (emulator)", lab.emulator().endpoint()));

    let api = Api::new(lab.server().url())?;
    lab.account().create_stream(STREAM, SHARDS).await?;
    let mut events = generate(EVENTS + LATER_EVENTS, 1, MALFORMED_SHARE);
    let later = events.split_off(EVENTS);
    put_events(&lab, &events).await?;
    report::step("stream", &format!("{STREAM}, {SHARDS} shards, {EVENTS} events put"));
    let credentials = json!({ "accessKey": lab.account().id(), "secretKey": lab.account().secret_key() });
    let session = api.post("/api/authenticate", &credentials).await?;
    report::step("authenticate", &format!("streams {}", session["streamNames"]));
    let started = Instant::now();
    create_table(&api).await?;
    let mut delivered = wait_until_delivered(&api, EVENTS as u64, started).await?;
    delivered.add(&pause_and_resume(&api, &lab, &later).await?);
    let put = (EVENTS + LATER_EVENTS) as u64;
    let report = collect(&api, put, delivered).await?;
    report.print();
    report.check()?;
    if arguments.serve {
        report::serving(lab.server().url(), &credentials);
        let status = lab.server_mut().ended().await?;
        return Err(format!("the server ended with {status}").into());
    }
    Ok(())
}

/// Puts events into the stream.
async fn put_events(lab: &Lab, events: &[GeneratedEvent]) -> Result<()> {
    let bar = progress("put", events.len() as u64);
    for batch in events.chunks(2_500) {
        let records = batch.iter().map(|event| (event.key.as_str(), event.data.as_slice()));
        lab.account().put_events(STREAM, records).await?;
        bar.inc(batch.len() as u64);
    }
    bar.finish_and_clear();
    Ok(())
}

/// Pauses the source, puts events, and resumes it: none is missing.
async fn pause_and_resume(api: &Api, lab: &Lab, events: &[GeneratedEvent]) -> Result<Delivered> {
    let source = format!("/api/sources/{TABLE}");
    let paused = api.post(&format!("{source}/pause"), &json!({})).await?;
    put_events(lab, events).await?;
    let waiting = format!("{}, and {} more events put meanwhile", text(&paused["state"]), events.len());
    report::step("pause", &waiting);
    let started = Instant::now();
    let resumed = api.post(&format!("{source}/resume"), &json!({})).await?;
    let delivered = wait_until_delivered(api, (EVENTS + LATER_EVENTS) as u64, started).await?;
    report::step("resume", &format!("{}, and they are there", text(&resumed["state"])));
    Ok(delivered)
}

/// Samples the stream, plans a table of the schema that was found, and makes it.
async fn create_table(api: &Api) -> Result<()> {
    let sample = api.post("/api/kinesis-sample", &json!({ "streamName": STREAM })).await?;
    report::step("sample", &format!("{} events read, one of them:", sample["eventsRead"]));
    report::json(&sample["sampleEvent"]);
    report::schema(&sample["inferredSchema"]);
    let spec = json!({
        "streamName": STREAM,
        "tableName": TABLE,
        "databaseName": "default",
        "schema": sample["inferredSchema"],
        "orderBy": sample["proposal"]["orderBy"],
        "partitionBy": sample["proposal"]["partitionBy"],
        "startPosition": "oldest",
    });
    let plan = api.post("/api/plan", &spec).await?;
    report::plan(&plan);
    let created = api.post("/api/create-table", &spec).await?;
    report::step(
        "create-table",
        &format!("{} UUID {}", text(&created["message"]), text(&created["tableUUID"])),
    );
    Ok(())
}

async fn wait_until_delivered(api: &Api, put: u64, started: Instant) -> Result<Delivered> {
    let bar = progress("delivered", put);
    let quarantine = format!("quarantine.{TABLE}");
    let mut last_change = Instant::now();
    loop {
        let (rows, rejects) = (api.count(TABLE).await?, api.count(&quarantine).await?);
        let arrived = rows + rejects;
        if arrived > bar.position() {
            last_change = Instant::now();
        }
        bar.set_position(arrived);
        if arrived >= put {
            bar.finish_and_clear();
            return Ok(Delivered { rows, rejects, seconds: started.elapsed().as_secs_f64() });
        }
        if last_change.elapsed() > PATIENCE {
            return Err(format!("{arrived} of {put} events arrived, then none for a minute").into());
        }
        tokio::time::sleep(POLL).await;
    }
}

async fn collect(api: &Api, put: u64, delivered: Delivered) -> Result<Report> {
    // What came twice would hide what is missing.
    let distinct = api.rows(&format!("SELECT uniqExact(event_id) AS n FROM {TABLE}")).await?;
    let distinct =
        distinct.first().and_then(|row| row["n"].as_u64()).ok_or("the answer of a count has no `n`")?;
    let query = format!(
        "SELECT event_type, count() AS events, uniq(user_id) AS users FROM {TABLE} GROUP BY event_type ORDER BY events DESC"
    );
    let answer = api.rows(&query).await?;
    let rejects = api.post("/api/quarantine", &json!({ "tableName": TABLE })).await?;
    let sources = api.get("/api/sources").await?;
    let delivery = delivery_report(api, put).await?;
    Ok(Report { put, delivered, distinct, query, answer, rejects, sources, delivery })
}

/// The account of the delivery. What it says follows the rows: the ledger is written after the insert.
async fn delivery_report(api: &Api, put: u64) -> Result<Value> {
    let asked = Instant::now();
    loop {
        let report = api.post("/api/delivery-report", &json!({ "tableName": TABLE })).await?;
        let accounted = report["inserted"].as_u64().zip(report["quarantined"].as_u64());
        if accounted.is_some_and(|(inserted, quarantined)| inserted + quarantined == put) {
            return Ok(report);
        }
        if asked.elapsed() > PATIENCE {
            return Err(
                format!("the delivery report does not account for the {put} events put: {report}").into()
            );
        }
        tokio::time::sleep(POLL).await;
    }
}

fn progress(what: &'static str, total: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("  {msg:<14} {wide_bar} {pos}/{len}")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(total).with_style(style).with_message(what)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
