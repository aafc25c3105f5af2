//! The engine in a process of its own, for a program that serves SQL from strangers.
//!
//! The program starts itself once more, as a child that does nothing but run the engine ([`run_child`]). The child has an
//! empty environment, no network, no other files than those of the data path, and a bound for its memory. It answers ClickHouse's
//! HTTP on a Unix socket. When it ends, [`EngineProcess`] starts it again.

mod child;
mod door;
mod ending;
mod memory;
mod proxy;
mod sandbox;
mod supervisor;
mod wire;

use std::{ffi::OsString, path::PathBuf};

pub use self::{
    child::run_child,
    door::{ProcessConnector, ProcessStream},
    ending::{EngineEnded, StuckStatement},
    memory::default_max_memory,
    proxy::ProcessListener,
    sandbox::Sandbox,
    supervisor::EngineProcess,
};
use crate::access::Credentials;

/// What an engine in a process of its own is started with.
#[derive(Clone, Debug)]
pub struct ProcessOptions {
    /// The directory of the data, as of [`Options`](crate::Options).
    pub path: PathBuf,
    /// The file `libchdb.so`. Default: none, which means the places that [`Engine::open`](crate::Engine::open) lists.
    pub library: Option<PathBuf>,
    /// The arguments with which this program becomes the child, and calls [`run_child`].
    pub arguments: Vec<OsString>,
    /// Bytes of memory above which the child is ended and started again. Default: none.
    pub max_memory: Option<u64>,
    /// Whether to refuse to start where the kernel cannot confine the child. Default: `false`.
    pub require_sandbox: bool,
    /// Who may enter through [`EngineProcess::listen`].
    pub credentials: Option<Credentials>,
}

impl ProcessOptions {
    /// Data at `path`, in a child that this program becomes with `arguments`.
    pub fn new(path: impl Into<PathBuf>, arguments: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        Self {
            path: path.into(),
            library: None,
            arguments: arguments.into_iter().map(Into::into).collect(),
            max_memory: None,
            require_sandbox: false,
            credentials: None,
        }
    }
}
