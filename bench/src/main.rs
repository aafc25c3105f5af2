//! `make bench`: what Helios does beside its peers, in one run, as ratios.
//!
//! Absolute times say more of the machine than of the code. So ours and the peer's work take turns, on the same data, at
//! the same number of cores, and what counts is the ratio of the medians. Each part runs in a process of its own: how many
//! cores it has is set when it starts, and the engine has one data path a process.

mod delivery;
mod events;
mod heap;
mod infer;
mod measure;
mod query;
mod results;

use std::{
    path::PathBuf,
    process::{Command, ExitCode, Stdio},
};

use clap::{Parser, ValueEnum};
use helios_tests::Result;
use results::{Results, Row};

/// All memory that Rust takes is counted: for the rows about memory.
#[global_allocator]
static HEAP: peak_alloc::PeakAlloc = peak_alloc::PeakAlloc;

/// What Helios does beside its peers, in one run, as ratios.
#[derive(Parser)]
struct Arguments {
    /// Only this part. May be given several times.
    #[arg(long, value_enum)]
    part: Vec<Part>,
    /// Where the results are written.
    #[arg(long, default_value = "bench/results.json")]
    results: PathBuf,
    /// Runs the one part in this process, on so many cores, and prints its rows as JSON.
    #[arg(long, hide = true)]
    cores: Option<usize>,
    /// Decodes over and over, for a profiler: `flat` or `nested`.
    #[arg(long, value_enum)]
    profile: Option<events::Kind>,
    /// Infers over and over, for a profiler.
    #[arg(long, value_enum)]
    profile_infer: Option<events::Kind>,
}

/// As the engine's process of [`Part::EngineProcess`] this program is started with.
const ENGINE: &str = "engine";

/// What is measured together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// JSON into checked Arrow columns.
    Decode,
    /// Records into committed rows.
    Insert,
    /// What proof costs.
    Proof,
    /// The same on two cores.
    Overlap,
    /// Memory of the same.
    Memory,
    /// The delivery function: size, start, invocation.
    Function,
    /// The in-process consumer beside the trigger.
    Consumer,
    /// Inference beside the engine's own.
    Infer,
    /// The HTTP server's JSON beside the engine's own.
    QueryHttp,
    /// Memory of the same.
    QueryMemory,
    /// Record batches beside the engine's own bytes.
    QueryArrow,
    /// The engine in a process of its own beside the same in this one.
    EngineProcess,
    /// The C ABI beside the same calls in Rust.
    CAbi,
    /// The Python package beside its peers.
    Python,
}

impl Part {
    /// How many cores it has; none: all.
    const fn cores(self) -> usize {
        match self {
            Self::Decode | Self::Insert | Self::Proof | Self::Memory | Self::Infer => 1,
            Self::Python
            | Self::Overlap
            | Self::QueryHttp
            | Self::QueryMemory
            | Self::QueryArrow
            | Self::EngineProcess
            | Self::CAbi => 2,
            Self::Function | Self::Consumer => 0,
        }
    }
}

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some(ENGINE) {
        return helios_embedded::process::run_child();
    }
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            #[expect(clippy::print_stderr, reason = "a program's last words")]
            {
                eprintln!("The benchmark failed: {error}");
            }
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<()> {
    if let Some(kind) = arguments.profile {
        return delivery::decode::profile(kind);
    }
    if let Some(kind) = arguments.profile_infer {
        infer::profile(kind);
        return Ok(());
    }
    match (arguments.cores, arguments.part.as_slice()) {
        (Some(cores), [part]) => {
            measure::pin(cores)?;
            results::hand_over(&measured(*part)?)
        }
        (_, []) => all(Part::value_variants(), arguments),
        (_, parts) => all(parts, arguments),
    }
}

fn all(parts: &[Part], arguments: &Arguments) -> Result<()> {
    let mut results = Results::default();
    for part in parts {
        let name = part.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned());
        results::progress(&name);
        let mut child = Command::new(std::env::current_exe()?);
        child.args(["--part", &name, "--cores", &part.cores().to_string()]).stderr(Stdio::inherit());
        let output = child.output()?;
        if !output.status.success() {
            return Err(format!("the part {name} ended with {}", output.status).into());
        }
        results.take(serde_json::from_slice(&output.stdout)?);
    }
    results.print();
    results.write(&arguments.results)
}

fn measured(part: Part) -> Result<Vec<Row>> {
    let workers = part.cores().max(1);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(workers).enable_all().build()?;
    match part {
        Part::Decode => delivery::decode::rows(),
        Part::Proof => runtime.block_on(delivery::proof::rows()),
        Part::Insert => runtime.block_on(delivery::insert::rows()),
        Part::Overlap => runtime.block_on(delivery::insert::overlapped_rows()),
        Part::Memory => runtime.block_on(delivery::memory::rows()),
        Part::Function => runtime.block_on(delivery::function::rows()),
        Part::Consumer => runtime.block_on(delivery::consumer::rows()),
        Part::Infer => runtime.block_on(infer::rows()),
        Part::QueryHttp => runtime.block_on(query::http::rows()),
        Part::QueryMemory => runtime.block_on(query::memory::rows()),
        Part::Python => runtime.block_on(query::python::rows()),
        Part::QueryArrow => runtime.block_on(query::arrow::rows()),
        Part::EngineProcess => runtime.block_on(query::process::rows()),
        Part::CAbi => query::c_abi::rows(),
    }
}
