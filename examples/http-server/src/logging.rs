//! Log lines, on standard error.

use std::io::IsTerminal as _;

use helios_core::{Error, ErrorKind, Result};
use tracing_subscriber::EnvFilter;

use crate::config::LogFormat;

/// Libraries that write requests and connections at low levels. What the operator's filter says about them comes after.
const QUIET: &str = "aws=warn,h2=warn,hyper=warn,rustls=warn";

/// Starts logging, once for the process.
///
/// # Errors
///
/// [`ErrorKind::ConfigInvalid`] for a filter that cannot be read, [`ErrorKind::Unexpected`] if the process logs already.
pub(crate) fn start(filter: &str, format: LogFormat) -> Result<()> {
    let filter = EnvFilter::try_new(format!("{QUIET},{filter}")).map_err(|error| {
        Error::new(ErrorKind::ConfigInvalid, "the log filter cannot be read; `info` is one")
            .with("filter", filter)
            .caused_by(error)
    })?;
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    let started = match format {
        LogFormat::Text => lines.try_init(),
        LogFormat::Json => lines.json().try_init(),
    };
    started.map_err(|error| Error::new(ErrorKind::Unexpected, "logging cannot start").caused_by(error))
}
