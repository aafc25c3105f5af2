//! The process's one tokio runtime.
//!
//! Connections live on the runtime that opened them, so all clients share one, which is made by the first and stays: the
//! calling thread runs the call, the runtime's threads the connections. In a fork its threads are not there, and whoever
//! waited for them would wait forever; so the process it was made for is remembered.

use std::{
    fmt,
    future::Future,
    process,
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

use helios_core::{Error, ErrorKind};
use tokio::runtime::{Builder, EnterGuard, Runtime};

use crate::{error::Failure, log};

/// The process the runtime is made for. Not part of [`RUNTIME`]: a fork must not wait for a thread that is making it.
static OWNER: AtomicU32 = AtomicU32::new(0);
static RUNTIME: OnceLock<Result<Runtime, String>> = OnceLock::new();

/// This process is a fork of the one that called Helios before.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Forked {
    owner: u32,
}

impl fmt::Display for Forked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "this process was forked from process {}, which used Helios; its threads are not here. Use Helios after \
             the fork only, or in a program started anew (posix_spawn, exec)",
            self.owner
        )
    }
}

/// Makes this process the owner if there is none yet.
fn claim() -> Result<(), Failure> {
    let here = process::id();
    match OWNER.compare_exchange(0, here, Ordering::Relaxed, Ordering::Relaxed) {
        Err(owner) if owner != here => Err(Failure::Forked(Forked { owner })),
        Ok(_) | Err(_) => Ok(()),
    }
}

/// For what needs none of the threads, but a lock that one of them may have had at the fork.
pub(crate) fn refuse_fork() -> Result<(), Failure> {
    match OWNER.load(Ordering::Relaxed) {
        0 => Ok(()),
        owner if owner == process::id() => Ok(()),
        owner => Err(Failure::Forked(Forked { owner })),
    }
}

fn runtime() -> Result<&'static Runtime, Failure> {
    claim()?;
    log::refuse_reentry()?;
    let made = RUNTIME.get_or_init(|| {
        Builder::new_multi_thread()
            .thread_name("helios")
            .enable_all()
            .build()
            .map_err(|error| error.to_string())
    });
    made.as_ref().map_err(|reason| {
        Error::new(ErrorKind::Unexpected, format!("no threads for the runtime: {reason}")).into()
    })
}

/// Runs an operation to its end on the calling thread.
pub(crate) fn block_on<T>(operation: impl Future<Output = Result<T, Error>>) -> Result<T, Failure> {
    Ok(runtime()?.block_on(operation)?)
}

/// Runs an operation in the background.
pub(crate) fn spawn(operation: impl Future<Output = ()> + Send + 'static) -> Result<(), Failure> {
    drop(runtime()?.spawn(operation));
    Ok(())
}

/// For what needs the runtime around it without waiting: opening, and dropping.
pub(crate) fn enter() -> Result<EnterGuard<'static>, Failure> {
    Ok(runtime()?.enter())
}
