//! `helios-server`: settings from the command line, then [`helios_http_server::run`].

use std::{process::ExitCode, time::Duration};

use clap::Parser as _;
use helios_core::{Error, ErrorKind, Result};
use helios_http_server::{ServerConfig, config::Command, reader, run};
use tokio::runtime::Runtime;

/// For work that blocks and does not hear that it was cancelled.
const LAST_GRACE: Duration = Duration::from_secs(1);

#[expect(clippy::print_stderr, reason = "logging may be what failed")]
fn main() -> ExitCode {
    match start(ServerConfig::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("helios-server: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn start(mut config: ServerConfig) -> Result<()> {
    let runtime = Runtime::new()
        .map_err(|error| Error::new(ErrorKind::Unexpected, "threads cannot be started").caused_by(error))?;
    let result = match config.command.take() {
        Some(Command::Reader(args)) => runtime.block_on(reader(*args)),
        None => runtime.block_on(run(config)),
    };
    runtime.shutdown_timeout(LAST_GRACE);
    result
}
