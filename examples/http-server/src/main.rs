//! `helios-server`: settings from the command line, then [`helios_http_server::run`].

use std::{process::ExitCode, time::Duration};

use clap::Parser as _;
use helios_core::{Error, ErrorKind, Result};
use helios_http_server::{ServerConfig, config::Command, engine, reader, run};
use tokio::runtime::Runtime;

/// For work that blocks and does not hear that it was cancelled.
const LAST_GRACE: Duration = Duration::from_secs(1);

#[expect(clippy::print_stderr, reason = "logging may be what failed")]
fn main() -> ExitCode {
    let mut config = ServerConfig::parse();
    let started = match config.command.take() {
        // It confines itself before there is another thread.
        Some(Command::Engine(args)) => engine(&args),
        Some(Command::Reader(args)) => start(reader(*args)),
        None => start(run(config)),
    };
    match started {
        Ok(code) => code,
        Err(error) => {
            eprintln!("helios-server: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn start(work: impl Future<Output = Result<()>>) -> Result<ExitCode> {
    let runtime = Runtime::new()
        .map_err(|error| Error::new(ErrorKind::Unexpected, "threads cannot be started").caused_by(error))?;
    let result = runtime.block_on(work);
    runtime.shutdown_timeout(LAST_GRACE);
    result.map(|()| ExitCode::SUCCESS)
}
