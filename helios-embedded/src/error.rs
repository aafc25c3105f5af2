//! What can go wrong before a request is served.

use std::{io, net::SocketAddr, path::PathBuf};

/// Why an engine could not be opened, or its service not be put on a port.
///
/// Errors of statements are not among them: those travel as HTTP answers, with ClickHouse's own code and text.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// None of the places where the library may lie has it.
    #[error(
        "no embedded ClickHouse (libchdb) found; tried {}. Run `make engine` to download it, \
         or point HELIOS_CHDB_LIB at libchdb.so {}",
        tried.join(", "),
        crate::library::ENGINE_VERSION
    )]
    LibraryMissing {
        /// The places looked at, in order, as text for people.
        tried: Vec<String>,
    },

    /// A file was found, but it is no libchdb of a version that fits.
    #[error(
        "{} is not a usable libchdb: {reason}. Run `make engine` to download version {}",
        path.display(),
        crate::library::ENGINE_VERSION
    )]
    LibraryInvalid {
        /// The file.
        path: PathBuf,
        /// What the loader said, or the symbol that is missing.
        reason: String,
    },

    /// The data path is not a directory that can be created, read and written.
    #[error("data path {} cannot be used: {source}", path.display())]
    PathUnusable {
        /// The data path as given.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },

    /// Another process has the data path open.
    #[error(
        "data path {} is in use by another process{}. A data path belongs to one process at a time",
        path.display(),
        holder.map(|pid| format!(" (pid {pid})")).unwrap_or_default()
    )]
    PathInUse {
        /// The data path.
        path: PathBuf,
        /// The process that has it, where that is known.
        holder: Option<u32>,
    },

    /// This process already runs an engine on another data path.
    #[error(
        "cannot open {}: this process already runs an engine on {}, and a process has one data path. \
         Drop every clone of that engine first",
        requested.display(),
        open.display()
    )]
    OtherPathOpen {
        /// The data path that is open.
        open: PathBuf,
        /// The data path that was asked for.
        requested: PathBuf,
    },

    /// The engine refused to start, or failed while it was being prepared.
    #[error("the embedded ClickHouse did not start on {}: {reason}", path.display())]
    EngineFailed {
        /// The data path.
        path: PathBuf,
        /// What the engine said. Its reason for refusing a connection goes to standard error only.
        reason: String,
    },

    /// This process is a fork of one that has run an engine.
    #[error(
        "no embedded ClickHouse in a forked process: its threads stayed in the process that was forked. Open it in one \
         process only, or start the other as a new program (in Python: multiprocessing's start method \"spawn\")"
    )]
    Forked,

    /// A listener was asked for on an address that other machines can reach.
    #[error("refusing to listen on {address}: only loopback addresses are allowed, such as 127.0.0.1:8123")]
    NotLoopback {
        /// The address asked for.
        address: SocketAddr,
    },

    /// The engine's own process did not start.
    #[error("the engine's process did not start: {reason}")]
    ProcessFailed {
        /// What it said, or how it ended.
        reason: String,
    },

    /// The port could not be bound.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// What the operating system said.
        source: io::Error,
    },
}
