//! A statement at work on a thread of its own, and how it is stopped.

use std::{
    fs::File,
    io::{self, ErrorKind, Read},
    os::fd::OwnedFd,
    sync::{
        Arc, Condvar, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use tokio::sync::oneshot;
use uuid::Uuid;

use super::exception::{Code, Exception};
use crate::{connection::Outcome, engine::Running};

/// How long the engine gets to notice one cancellation before the next: a statement that was not yet registered when
/// the first one came must not escape.
const RETRY: Duration = Duration::from_millis(10);

/// How a statement ended.
pub(crate) type Verdict = Result<Outcome, Exception>;

/// A running statement.
pub(crate) struct Job {
    engine: Arc<Running>,
    tag: Uuid,
    abandoned: AtomicBool,
    finished: Mutex<bool>,
    finish: Condvar,
}

impl Job {
    /// Starts `work` on a thread of its own. Not on tokio's pool for blocking work: that one is bounded, and clients
    /// who hold results open while they wait for another statement would lock each other out.
    pub(crate) fn start(
        engine: Arc<Running>,
        tag: Uuid,
        work: impl FnOnce(&Self) -> Verdict + Send + 'static,
    ) -> Result<(Arc<Self>, oneshot::Receiver<Verdict>), Exception> {
        let job = Arc::new(Self {
            engine,
            tag,
            abandoned: AtomicBool::new(false),
            finished: Mutex::new(false),
            finish: Condvar::new(),
        });
        let (sender, verdict) = oneshot::channel();
        let running = Arc::clone(&job);
        thread::Builder::new()
            .name("helios-query".into())
            .spawn(move || {
                let verdict = work(&running);
                running.set_finished();
                // Nobody may be waiting any more; then nobody needs it.
                drop(sender.send(verdict));
            })
            .map_err(|error| {
                Exception::new(Code::CannotScheduleTask, format!("No thread for the query: {error}"))
            })?;
        Ok((job, verdict))
    }

    pub(crate) fn engine(&self) -> &Running {
        &self.engine
    }

    /// Fails if nobody waits for the statement any more.
    pub(crate) fn check(&self) -> Result<(), Exception> {
        if self.abandoned.load(Ordering::Acquire) {
            return Err(Exception::new(Code::QueryWasCancelled, "Query was cancelled"));
        }
        Ok(())
    }

    fn set_finished(&self) {
        *self.finished.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.finish.notify_all();
    }

    fn is_finished(&self) -> bool {
        *self.finished.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Kills the statement again and again until it has ended.
    ///
    /// What it still writes is read and forgotten: closing the pipe under the writer would raise `SIGPIPE`, which ends
    /// a process that does not ignore it.
    fn stop(&self, mut output: Option<File>) {
        loop {
            self.engine.kill(&self.tag);
            if let Some(file) = &mut output
                && drain(file).is_err()
            {
                output = None;
            }
            let finished = self.finished.lock().unwrap_or_else(PoisonError::into_inner);
            let (finished, _) = self
                .finish
                .wait_timeout_while(finished, RETRY, |finished| !*finished)
                .unwrap_or_else(PoisonError::into_inner);
            if *finished {
                return;
            }
        }
    }
}

/// Reads what is there, without waiting. An error other than that nothing is there ends the reading for good.
fn drain(file: &mut File) -> io::Result<()> {
    let mut buffer = [0; 64 * 1024];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}

/// Stops a job when it is dropped before the job's end: the client is gone.
pub(crate) struct Guard {
    job: Arc<Job>,
    output: Option<tokio::net::unix::pipe::Receiver>,
}

impl Guard {
    pub(crate) fn new(job: Arc<Job>, output: tokio::net::unix::pipe::Receiver) -> Self {
        Self { job, output: Some(output) }
    }

    /// The read end of the statement's output.
    pub(crate) fn output(&self) -> Option<&tokio::net::unix::pipe::Receiver> {
        self.output.as_ref()
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if self.job.is_finished() {
            return;
        }
        self.job.abandoned.store(true, Ordering::Release);
        let output = self.output.take().and_then(|output| output.into_nonblocking_fd().ok()).map(File::from);
        let job = Arc::clone(&self.job);
        let stopping = thread::Builder::new().name("helios-cancel".into()).spawn(move || job.stop(output));
        if let Err(error) = stopping {
            tracing::warn!(%error, "No thread to cancel a statement that nobody waits for; it may run to its end.");
        }
    }
}

/// A pipe for a statement's output: the end to read from, and the one to keep open while the engine writes.
pub(crate) fn pipe() -> Result<(tokio::net::unix::pipe::Receiver, OwnedFd), Exception> {
    let failed =
        |error: io::Error| Exception::new(Code::UnknownException, format!("No pipe for the result: {error}"));
    let (reader, writer) =
        rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).map_err(|error| failed(error.into()))?;
    // A wish: a user has a limited number of pages for pipes, and the default capacity does too.
    if let Err(error) = rustix::pipe::fcntl_setpipe_size(&writer, PIPE_CAPACITY) {
        tracing::trace!(%error, "The pipe keeps its default capacity.");
    }
    let reader = tokio::net::unix::pipe::Receiver::from_owned_fd(reader).map_err(failed)?;
    Ok((reader, writer))
}

/// Enough for the engine to go on writing while a chunk is on its way; small enough for dozens of results at a time
/// within Linux's 64 MiB of pipe buffers for each user.
const PIPE_CAPACITY: usize = 256 * 1024;
