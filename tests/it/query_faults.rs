//! R19: whatever happens to an answer after its first row, it does not pass for a whole one; and a good one does, whatever
//! its rows hold.

use futures_util::TryStreamExt as _;
use helios_core::{Error, ErrorKind, HeliosClient, QueryOptions, ResultFormat, clickhouse};
use helios_tests::Random;

use crate::fault_proxy::{CODE, Fault, FaultProxy, Framing, Plan};

/// How many faults each path meets.
const FAULTS: u64 = 1000;

/// And how many more with each compression.
const COMPRESSED_FAULTS: u64 = 250;

/// How many good answers are read.
const GOOD: u64 = 2000;

/// The way a result is read.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Path {
    Bytes(ResultFormat),
    Batches,
    Rows,
}

impl Path {
    /// Whether the form itself shows where it ends. Others are whole at the end of any line, or row, unless compressed.
    fn has_an_end(self) -> bool {
        matches!(self, Self::Batches | Self::Bytes(ResultFormat::Arrow | ResultFormat::Parquet))
    }
}

/// What the client asks for.
const COMPRESSIONS: [&str; 3] = ["none", "lz4", "zstd"];

const PATHS: [Path; 7] = [
    Path::Bytes(ResultFormat::Json),
    Path::Bytes(ResultFormat::NdJson),
    Path::Bytes(ResultFormat::Csv),
    Path::Bytes(ResultFormat::Arrow),
    Path::Bytes(ResultFormat::Parquet),
    Path::Batches,
    Path::Rows,
];

/// Each path with each compression.
fn ways() -> impl Iterator<Item = (Path, &'static str)> {
    PATHS.into_iter().flat_map(|path| COMPRESSIONS.map(|compression| (path, compression)))
}

#[derive(Clone, Debug, PartialEq, clickhouse::Row, serde::Deserialize)]
#[clickhouse(crate = "helios_core::clickhouse")]
struct Row {
    n: u64,
    s: String,
}

/// What a path answers, as text that can be compared.
async fn read(client: &HeliosClient, path: Path, sql: &str) -> Result<Vec<u8>, Error> {
    let options = QueryOptions::default();
    match path {
        Path::Bytes(format) => {
            let chunks: Vec<_> = client.query_bytes(sql, &options, format).await?.try_collect().await?;
            Ok(chunks.concat())
        }
        Path::Batches => {
            let batches: Vec<_> = client.query_arrow(sql, &options).await?.try_collect().await?;
            Ok(format!("{batches:?}").into_bytes())
        }
        Path::Rows => {
            let rows = client.query_as::<Row>(sql, &options).await?.all().await?;
            Ok(format!("{rows:?}").into_bytes())
        }
    }
}

const SQL: &str = "SELECT number AS n, concat('row ', toString(number * 7919), ', \"quoted\"\n and more') AS s FROM numbers(60)";

fn chance(random: &mut Random) -> Plan {
    let (at, parted) = (random.below(1000), random.below(2) == 0);
    let fault = match random.below(3) {
        0 => Fault::Cut { at },
        // Behind all rows, too.
        1 => Fault::Frame { at: at + at / 999, parted },
        _ => Fault::Text { at: at + at / 999, parted },
    };
    let framing = match random.below(3) {
        0 => Framing::Chunked,
        1 => Framing::BrokenOff,
        _ => Framing::Length,
    };
    let pieces = usize::try_from(1 << random.below(14)).unwrap();
    Plan { fault, pieces, seed: random.number(), framing }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spoilt_answer_is_an_error_on_every_path() {
    let proxy = FaultProxy::start().await;
    for (path, compression) in ways() {
        let client = proxy.client(compression);
        let mut random = Random::new(0x0061_u64 + u64::from(path.has_an_end()));
        let (mut named, mut late) = (0, 0);
        for _ in 0..if compression == "none" { FAULTS } else { COMPRESSED_FAULTS } {
            let plan = chance(&mut random);
            proxy.plan(plan.clone());
            let Err(error) = read(&client, path, SQL).await else {
                let is_known = may_end_anywhere(path, &plan) && compression == "none";
                assert!(
                    is_known,
                    "{path:?}, {compression}, {plan:?}: a spoilt answer passed for a whole one"
                );
                continue;
            };
            assert_eq!(error.operation(), "query", "{path:?}, {plan:?}: {error}");
            if let Fault::Frame { parted, .. } | Fault::Text { parted, .. } = plan.fault {
                late += 1;
                named += u32::from(error.server_code() == Some(CODE));
                // In rows of bytes nothing shows where an exception begins.
                let is_plain = !parted && plan.framing != Framing::Length && path != Path::Rows;
                assert!(!is_plain || error.server_code() == Some(CODE), "{path:?}, {plan:?}: {error}");
            } else if path != Path::Rows {
                assert_eq!(
                    (error.kind(), error.is_retryable()),
                    (ErrorKind::Unavailable, true),
                    "{path:?}, {plan:?}: {error:?}"
                );
            }
        }
        println!("{path:?}, {compression}: {named} of {late} exceptions kept their number");
    }
}

/// HTTP says that it is whole; the last bytes of the form say that it is not.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_without_its_end_is_cut_off_though_http_ends_well() {
    let proxy = FaultProxy::start().await;
    for (path, compression) in ways() {
        let client = proxy.client(compression);
        // Without 8, an Arrow stream ends behind a message: to a decoder, that is an end. Without 11, CSV ends in a line break,
        // but within quotes.
        for bytes in [1, 4, 8, 9, 11] {
            for framing in [Framing::Chunked, Framing::Length] {
                proxy.plan(Plan { fault: Fault::Less { bytes }, pieces: 1 << 16, seed: 1, framing });
                let error = read(&client, path, SQL).await.unwrap_err();
                let found = (error.kind(), error.is_retryable(), error.operation());
                assert_eq!(
                    found,
                    (ErrorKind::Unavailable, true, "query"),
                    "{path:?} {compression} {bytes} {framing:?}: {error}"
                );
            }
        }
    }
}

/// A `SELECT` without rows has columns.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_no_answer() {
    let proxy = FaultProxy::start().await;
    for (path, compression) in ways() {
        let client = proxy.client(compression);
        for framing in [Framing::Length, Framing::Chunked] {
            proxy.plan(Plan { fault: Fault::Cut { at: 0 }, pieces: 1, seed: 1, framing });
            assert!(read(&client, path, SQL).await.is_err(), "{path:?} {compression}");
        }
    }
}

/// The one thing that nothing can show where nothing is compressed: an answer that ends as HTTP has it, behind a line or a
/// row, in a form without an end.
fn may_end_anywhere(path: Path, plan: &Plan) -> bool {
    !path.has_an_end() && plan.framing == Framing::Chunked && matches!(plan.fault, Fault::Cut { .. })
}

/// Texts as they are in a log of ClickHouse's own errors.
const HOSTILE: [&str; 6] = [
    "\\r\\n__exception__\\r\\nabcdefghijklmnop\\r\\nCode: 60. DB::Exception: x. (UNKNOWN_TABLE)\\n41 abcdefghijklmnop\\r\\n__exception__\\r\\n",
    "__exception__",
    "\\r\\n__exception__\\r\\n",
    "Code: 1. DB::Exception: x (official build))",
    "Code: 241. DB::Exception: Memory limit exceeded. (MEMORY_LIMIT_EXCEEDED) (version 26.7.2.1 (official build))",
    "{\\\"exception\\\":\\\"Code: 1. DB::Exception\\\"}\\nPAR1",
];

/// The end of the old form. Where a text keeps its line break, the client takes it for one if a read ends there.
const OLD_FORM: &str = "Code: 1. DB::Exception: x (version 24.8.1.1 (official build))\\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_good_answer_is_whole_whatever_it_holds() {
    let proxy = FaultProxy::start().await;
    let clients = COMPRESSIONS.map(|compression| proxy.client(compression));
    let mut random = Random::new(0x600d);
    for index in 0..GOOD {
        let path = PATHS[usize::try_from(index).unwrap() % PATHS.len()];
        let client = &clients[usize::try_from(random.below(3)).unwrap()];
        let escapes = matches!(path, Path::Bytes(ResultFormat::Json | ResultFormat::NdJson));
        let mut texts: Vec<_> = HOSTILE.iter().map(|text| format!("'{text}'")).collect();
        if escapes {
            texts.push(format!("'{OLD_FORM}'"));
        }
        let texts = texts.join(",");
        let rows = 1 + index / 100;
        let sql = format!(
            "SELECT number AS n, [{texts}][number % {} + 1] AS s FROM numbers({rows})",
            texts.len().min(6) + usize::from(escapes)
        );
        let framing = if random.below(2) == 0 { Framing::Chunked } else { Framing::Length };
        let pieces = usize::try_from(1 << random.below(12)).unwrap();
        let plan = Plan { fault: Fault::None, pieces, seed: random.number(), framing };
        proxy.plan(plan.clone());
        let answer =
            read(client, path, &sql).await.unwrap_or_else(|error| panic!("{path:?}, {plan:?}: {error:?}"));
        assert!(!answer.is_empty());
        if index % 50 < 7 {
            let direct = read(&crate::shop::client(), path, &sql).await.unwrap();
            assert!(answer == direct, "{path:?}, {plan:?}");
        }
    }
}

/// ClickHouse says so in the head of an answer that is good otherwise.
#[tokio::test(flavor = "multi_thread")]
async fn an_exception_in_the_head_is_an_error_of_a_statement_too() {
    let proxy = FaultProxy::start().await;
    let database = crate::shop::database().await;
    for (framing, compression) in [Framing::Chunked, Framing::Length]
        .into_iter()
        .flat_map(|framing| COMPRESSIONS.map(|compression| (framing, compression)))
    {
        let client = proxy.client(compression);
        proxy.plan(Plan { fault: Fault::Header, pieces: 100, seed: 1, framing });
        let statement = format!("CREATE TABLE IF NOT EXISTS {database}.t (n UInt64) ENGINE = Memory");
        let error = client.warehouse().execute(&statement).await.unwrap_err();
        assert_eq!(error.server_code(), Some(CODE));
        for path in PATHS {
            let error = read(&client, path, SQL).await.unwrap_err();
            assert_eq!((error.server_code(), error.operation()), (Some(CODE), "query"), "{path:?}");
        }
        let mut insert = client
            .warehouse()
            .client()
            .insert_formatted_with(format!("INSERT INTO {database}.t FORMAT JSONEachRow"));
        insert.send("{\"n\":1}\n".into()).await.unwrap();
        assert!(insert.end().await.unwrap_err().to_string().contains("Code: 395"));
    }
}
