//! The embedded engine, in a process of its own: callers' SQL runs there, and what it does to that process it does to no other.

use std::process::ExitCode;

use clap::Args;
use helios_core::{Error, ErrorKind, HeliosConfig, Result, warehouse::DEFAULT_DATA_PATH};
use helios_embedded::{
    Credentials,
    process::{EngineProcess, ProcessOptions, default_max_memory, run_child},
};
use secrecy::ExposeSecret as _;

use crate::{
    ServerConfig,
    config::{EngineAccess, LogFormat},
    logging,
};

/// The command under which this program is the engine's process.
const COMMAND: &str = "engine";

/// How the engine's process logs. All else it hears on its standard input.
#[derive(Args, Clone, Debug)]
#[non_exhaustive]
pub struct EngineProcessArgs {
    /// What to log, as of the server.
    #[arg(long, value_name = "FILTER")]
    pub log: String,

    /// How to log, as of the server.
    #[arg(long, value_name = "FORMAT")]
    pub log_format: LogFormat,
}

/// Runs the engine's process to its end. To be called before there is another thread.
///
/// # Errors
///
/// [`ErrorKind::ConfigInvalid`] for a log filter that cannot be read.
pub fn engine(args: &EngineProcessArgs) -> Result<ExitCode> {
    logging::start(&args.log, args.log_format)?;
    Ok(run_child())
}

/// Starts the engine's process. What it is not given it cannot lose: it knows none of the server's secrets but the password
/// of its own door.
pub(crate) async fn start(
    config: &ServerConfig,
    settings: &HeliosConfig,
    access: Option<&EngineAccess>,
) -> Result<EngineProcess> {
    let path = settings.data_path.clone().unwrap_or_else(|| DEFAULT_DATA_PATH.into());
    let format = match config.log_format {
        LogFormat::Text => "text",
        LogFormat::Json => "json",
    };
    let mut options = ProcessOptions::new(path, [COMMAND, "--log", &config.log, "--log-format", format]);
    options.library.clone_from(&settings.chdb_lib);
    options.max_memory = config.engine.engine_max_memory_mib.map(|mib| mib << 20).or_else(default_max_memory);
    options.require_sandbox = config.engine.require_sandbox;
    options.credentials =
        access.map(|access| Credentials::new(&access.user, access.password.expose_secret()));
    // The text has its causes in it.
    let process = EngineProcess::start(options)
        .await
        .map_err(|error| Error::new(ErrorKind::EngineUnavailable, error.to_string()))?;
    let sandbox = process.sandbox();
    if sandbox.is_whole() {
        tracing::info!(%sandbox, pid = process.id(), "The engine runs in a process of its own.");
    } else {
        tracing::warn!(
            %sandbox,
            pid = process.id(),
            "The engine runs in a process of its own, which this kernel cannot confine as a whole; `--require-sandbox` refuses that."
        );
    }
    Ok(process)
}
