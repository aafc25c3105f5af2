//! The threads that run futures, and waiting for these.

use std::{future::Future, panic::AssertUnwindSafe, pin::pin, sync::OnceLock, time::Duration};

use futures_util::FutureExt as _;
use helios_core::{Error, ErrorKind, Result};
use pyo3::prelude::*;
use tokio::{
    runtime::{Builder, Runtime},
    time::timeout,
};

use crate::{error, exit, logs};

/// How often a blocking call looks for signals: Ctrl-C is only a note until somebody asks for it.
const SIGNAL_INTERVAL: Duration = Duration::from_millis(100);

/// The process whose threads the runtime and the engine have.
static OWNER: OnceLock<u32> = OnceLock::new();

/// Whether this is a fork of the process that used Helios first.
pub(crate) fn is_forked() -> bool {
    OWNER.get().is_some_and(|owner| *owner != std::process::id())
}

/// The threads that run futures.
///
/// In a fork of the process they are not there: whoever waited for them would wait for ever.
pub(crate) fn runtime() -> Result<&'static Runtime> {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    OWNER.get_or_init(std::process::id);
    refuse_fork()?;
    if let Some(runtime) = RUNTIME.get() {
        return Ok(runtime);
    }
    let runtime = Builder::new_multi_thread().thread_name("helios").enable_all().build();
    let runtime = runtime.map_err(|error| {
        Error::new(ErrorKind::Unexpected, "the threads of Helios cannot be started").caused_by(error)
    })?;
    // Of two that were made at once, one is let go of again, on its own threads.
    if let Err(other) = RUNTIME.set(runtime) {
        other.shutdown_background();
    }
    RUNTIME.get().ok_or_else(panicked)
}

/// # Errors
///
/// In a forked process.
pub(crate) fn refuse_fork() -> Result<()> {
    if !is_forked() {
        return Ok(());
    }
    let message = "this process is a fork of one that used Helios, and the threads of Helios are not in it; start it with \
                   the `spawn` or `forkserver` method of `multiprocessing`, or use Helios only after the fork";
    Err(Error::new(ErrorKind::Unavailable, message))
}

/// Waits for a future without holding up other Python threads.
///
/// A signal whose handler raises, such as Ctrl-C, drops the future, and that cancels what it waits for.
pub(crate) fn block_on<F, T>(py: Python<'_>, future: F) -> PyResult<T>
where
    F: Future<Output = Result<T>> + Send,
    T: Send,
{
    let runtime = runtime().map_err(|error| error::raise(py, &error))?;
    logs::begin(py);
    let outcome: PyResult<Result<T>> = py.detach(|| {
        let outcome = runtime.block_on(async {
            let mut future = pin!(unpanicked(future));
            loop {
                match timeout(SIGNAL_INTERVAL, future.as_mut()).await {
                    Ok(outcome) => return Ok(outcome),
                    Err(_) => match check_signals() {
                        Some(handled) => handled?,
                        None => return Ok(Err(Error::new(ErrorKind::Cancelled, "Python ends"))),
                    },
                }
            }
        });
        exit::stay_out();
        outcome
    });
    logs::hand_over(py);
    outcome?.map_err(|error| error::raise(py, &error))
}

/// Runs the handlers of the signals that have come; `None` if the interpreter ends.
#[expect(
    clippy::redundant_closure_for_method_calls,
    reason = "the method's interpreter has one lifetime only"
)]
fn check_signals() -> Option<PyResult<()>> {
    exit::attach(|py| py.check_signals())
}

/// Runs what blocks on a thread that may.
pub(crate) async fn unblocked<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(|_| panicked())
}

/// A panic is a defect, but no reason to end the process of Python.
pub(crate) async fn unpanicked<T>(future: impl Future<Output = Result<T>>) -> Result<T> {
    AssertUnwindSafe(future).catch_unwind().await.unwrap_or_else(|_| Err(panicked()))
}

fn panicked() -> Error {
    Error::new(
        ErrorKind::Unexpected,
        "Helios failed in a way that it should not; its reason is on standard error",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error() {
        let runtime = runtime().unwrap();
        let error = runtime.block_on(unpanicked::<()>(async { panic!("a defect") })).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unexpected);
        let error = runtime.block_on(unblocked(|| panic!("a defect"))).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unexpected);
    }
}
