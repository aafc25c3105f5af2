//! The delivery function: how large it is, how soon it is ready, what an invocation costs.

use std::{
    collections::HashMap,
    fs,
    io::{BufRead as _, BufReader, Cursor, Write as _},
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use helios_core::{CreateTable, HeliosClient, HeliosConfig, sources::Delivery, streams::Position};
use helios_tests::{Answer, Function, Lab, LabOptions, Result, Runtime};
use serde_json::{Value, json};
use zip::{ZipWriter, write::SimpleFileOptions};

use crate::{
    events::Kind,
    measure::{ROUNDS, median},
    results::Row,
};

const RECORDS: usize = 100;
const INVOCATIONS: u32 = 500;

/// Package size, spawn to ready, and the processor's time for a warm invocation of 100 records.
pub(crate) async fn rows() -> Result<Vec<Row>> {
    let bootstrap = bootstrap()?;
    let calls = Calls::start(&bootstrap).await?;
    let [whole, one] = [calls.milliseconds(RECORDS).await?, calls.milliseconds(1).await?];
    Ok(vec![
        Row::at_most("delivery function, zipped", zipped_megabytes(&bootstrap)?, "MB", 8.0),
        Row::at_most("delivery function, spawn to ready", ready_milliseconds(&bootstrap)?, "ms", 15.0),
        // Both speak to AWS and ClickHouse as often: what is left is the work on the records.
        Row::at_most(
            "delivery function, 100 records of a warm invocation, without its calls",
            whole - one,
            "ms",
            1.0,
        ),
        Row::alone_told("delivery function, the same with its calls to AWS and ClickHouse", whole, "ms"),
    ])
}

/// The function as it is deployed: built with the profile `lambda`, beside this program.
fn bootstrap() -> Result<PathBuf> {
    let own = std::env::current_exe()?;
    let target = own.ancestors().nth(2).ok_or("this program is in no target folder")?;
    let path = target.join("lambda/bootstrap");
    if path.is_file() {
        return Ok(path);
    }
    Err("the function was not built: run `cargo build --profile lambda -p helios-lambda`, or `make bench`"
        .into())
}

#[expect(clippy::cast_precision_loss, reason = "a count of bytes")]
fn zipped_megabytes(bootstrap: &Path) -> Result<f64> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().unix_permissions(0o755).compression_level(Some(9));
    zip.start_file("bootstrap", options)?;
    zip.write_all(&fs::read(bootstrap)?)?;
    Ok(zip.finish()?.into_inner().len() as f64 / 1e6)
}

/// From its start until it asks for its first event.
fn ready_milliseconds(bootstrap: &Path) -> Result<f64> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let mut times = Vec::new();
    for _ in 0..ROUNDS * 3 {
        let start = Instant::now();
        let mut child = Command::new(bootstrap)
            .env_clear()
            .env("AWS_LAMBDA_RUNTIME_API", listener.local_addr()?.to_string())
            .env("AWS_LAMBDA_FUNCTION_NAME", "bench")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
            .env("HELIOS_CLICKHOUSE_URL", "http://127.0.0.1:1")
            .env("AWS_REGION", "eu-west-1")
            .env("AWS_ACCESS_KEY_ID", "AKIAEXAMPLEEXAMPLE00")
            .env("AWS_SECRET_ACCESS_KEY", "secret")
            .stdin(Stdio::null())
            .spawn()?;
        let (connection, _) = listener.accept()?;
        let mut line = String::new();
        BufReader::new(connection).read_line(&mut line)?;
        times.push(start.elapsed());
        child.kill()?;
        child.wait()?;
        if !line.contains("/invocation/next") {
            return Err(format!("the function asked for {line:?} first").into());
        }
    }
    Ok(median(&times) * 1e3)
}

/// A function that is warm, and what it speaks to.
struct Calls {
    _lab: Lab,
    runtime: Runtime,
    stream_arn: String,
    number: AtomicU64,
}

impl Calls {
    async fn start(bootstrap: &Path) -> Result<Self> {
        let lab = Lab::start(LabOptions::default()).await?;
        let stream_arn = lab.account().create_stream("bench", 1).await?;
        let environment: HashMap<_, _> = lab.client_environment().into_iter().collect();
        let client = client(&lab)?;
        let mut spec = CreateTable::new("bench", "invocation", Kind::Flat.schema());
        spec = spec.start_position(Position::Oldest).delivery(Delivery::Function);
        client.create_table(&spec).await?;
        let function = Function { name: "bench", bootstrap, environment, timeout_seconds: 60 };
        let runtime = Runtime::start(&function).await?;
        Ok(Self { _lab: lab, runtime, stream_arn, number: AtomicU64::new(0) })
    }

    /// How long the process has the processor for an invocation of so many records. Waiting for ClickHouse and AWS is
    /// not in it.
    async fn milliseconds(&self, records: usize) -> Result<f64> {
        for _ in 0..5 {
            self.invoke(records).await?;
        }
        let before = processor_time(self.runtime.id())?;
        for _ in 0..INVOCATIONS {
            self.invoke(records).await?;
        }
        let spent = processor_time(self.runtime.id())?.saturating_sub(before);
        Ok(spent.as_secs_f64() * 1e3 / f64::from(INVOCATIONS))
    }

    async fn invoke(&self, records: usize) -> Result<()> {
        let first = self.number.fetch_add(records as u64, Ordering::Relaxed);
        let event = event(&self.stream_arn, first, records);
        match self.runtime.invoke(&event).await? {
            Answer::Response(answer) if answer == json!({"batchItemFailures": []}) => Ok(()),
            answer => Err(unexpected(&answer)),
        }
    }
}

fn unexpected(answer: &Answer) -> Box<dyn std::error::Error + Send + Sync> {
    format!("the function answered {answer:?}").into()
}

/// A client of the laboratory's engine and account.
pub(super) fn client(lab: &Lab) -> Result<HeliosClient> {
    let settings = lab.client_environment();
    let settings = settings
        .iter()
        .map(|(name, value)| (name.trim_start_matches("HELIOS_").to_lowercase(), value.as_str()));
    Ok(HeliosClient::from_config(HeliosConfig::from_map(settings)?)?)
}

fn event(stream_arn: &str, first: u64, records: usize) -> Value {
    use base64::{Engine as _, prelude::BASE64_STANDARD};
    let records: Vec<_> = (0..records)
        .zip(first..)
        .map(|(id, number)| {
            let sequence_number = format!("49600000000000000000000000000000000000000000000{number:09}");
            json!({
                "eventSource": "aws:kinesis",
                "eventVersion": "1.0",
                "eventName": "aws:kinesis:record",
                "awsRegion": "eu-west-1",
                "invokeIdentityArn": "arn:aws:iam::000000000000:role/bench",
                "eventSourceARN": stream_arn,
                "eventID": format!("shardId-000000000000:{sequence_number}"),
                "kinesis": {
                    "kinesisSchemaVersion": "1.0",
                    "partitionKey": "k",
                    "sequenceNumber": sequence_number,
                    "approximateArrivalTimestamp": 1_700_000_000.0,
                    "data": BASE64_STANDARD.encode(Kind::Flat.event(id)),
                },
            })
        })
        .collect();
    json!({"Records": records})
}

/// How long the threads of a process have run.
fn processor_time(process: u32) -> Result<Duration> {
    let mut nanoseconds = 0;
    for thread in fs::read_dir(format!("/proc/{process}/task"))? {
        let text = fs::read_to_string(thread?.path().join("schedstat"))?;
        nanoseconds += text.split(' ').next().unwrap_or_default().parse::<u64>()?;
    }
    Ok(Duration::from_nanos(nanoseconds))
}
