//! A statement at work on a thread of its own.

use std::{
    fs::File,
    io::{self, ErrorKind, Read},
    os::fd::OwnedFd,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use tokio::{net::unix::pipe::Receiver, sync::oneshot};
use uuid::Uuid;

use super::exception::{Code, Exception};
use crate::{
    driver::Output,
    engine::{Kept, Running},
    work::{Interrupt, Refused},
};

/// How a statement ended.
pub(crate) type Verdict = Result<Output, Exception>;

/// What a statement is known by.
pub(crate) struct Name {
    pub(crate) tag: Uuid,
    pub(crate) query_id: String,
}

/// A running statement, as its own thread sees it.
pub(crate) struct Job {
    engine: Arc<Running>,
    tag: Uuid,
    ended: bool,
}

/// The stack of a statement's thread. ClickHouse parses, plans and prints by recursion, looks how much of the stack is left, and
/// counts on the 8 MiB of a server's threads; where it does not look, more room is what helps. Only what is used takes memory.
const STACK: usize = 64 * 1024 * 1024;

impl Job {
    /// Starts `work` on a thread of its own. Not on tokio's pool for blocking work: that one is bounded, and clients
    /// who hold results open while they wait for another statement would lock each other out.
    pub(crate) fn start(
        kept: Arc<Kept>,
        name: Name,
        interrupt: Interrupt,
        work: impl FnOnce(&Self) -> Verdict + Send + 'static,
    ) -> Result<(Guard, oneshot::Receiver<Verdict>), Exception> {
        let engine = Arc::clone(kept.running());
        let Name { tag, query_id } = name;
        match engine.work().begin(tag, query_id.clone(), interrupt) {
            Ok(()) => {}
            Err(Refused::Closed) => {
                return Err(Exception::new(Code::QueryWasCancelled, "The process is ending"));
            }
            Err(Refused::SameId) => {
                return Err(Exception::new(
                    Code::QueryWithSameIdIsAlreadyRunning,
                    format!("Query with id = {query_id} is already running"),
                ));
            }
        }
        let (sender, verdict) = oneshot::channel();
        let guard = Guard { kept, tag };
        let thread = thread::Builder::new().name("helios-query".into()).stack_size(STACK);
        let started = thread.spawn(move || {
            let job = Self { engine, tag, ended: false };
            let verdict = work(&job);
            let spoiled = job.end();
            let verdict = if spoiled { verdict.and(Err(cancelled())) } else { verdict };
            // Nobody may be waiting any more; then nobody needs it.
            drop(sender.send(verdict));
        });
        match started {
            Ok(_) => Ok((guard, verdict)),
            Err(error) => {
                guard.kept.running().work().end(&tag);
                Err(Exception::new(Code::CannotScheduleTask, format!("No thread for the query: {error}")))
            }
        }
    }

    pub(crate) fn engine(&self) -> &Running {
        &self.engine
    }

    /// Fails if nobody waits for the statement any more.
    pub(crate) fn check(&self) -> Result<(), Exception> {
        if self.engine.work().is_wanted(&self.tag) {
            return Ok(());
        }
        Err(cancelled())
    }

    /// `true` if the result was spoiled by an interruption.
    fn end(mut self) -> bool {
        self.ended = true;
        self.engine.ended(&self.tag)
    }
}

/// Also when the work panics.
impl Drop for Job {
    fn drop(&mut self) {
        if !self.ended {
            self.engine.ended(&self.tag);
        }
    }
}

fn cancelled() -> Exception {
    Exception::new(Code::QueryWasCancelled, "Query was cancelled")
}

/// Stops a statement when it is dropped before the statement's end: the client is gone. Until then it keeps the engine
/// open.
pub(crate) struct Guard {
    kept: Arc<Kept>,
    tag: Uuid,
}

impl Drop for Guard {
    fn drop(&mut self) {
        let engine = Arc::clone(self.kept.running());
        if !engine.work().is_under_way(&self.tag) {
            return;
        }
        if let Err(error) = stop(engine, self.tag) {
            tracing::warn!(%error, "No thread to cancel a statement that nobody waits for; it may run to its end.");
        }
    }
}

/// Stops a statement on a thread of its own. What is returned is closed at the statement's end.
pub(crate) fn stop(engine: Arc<Running>, tag: Uuid) -> io::Result<oneshot::Receiver<()>> {
    let (sender, stopped) = oneshot::channel();
    thread::Builder::new().name("helios-cancel".into()).spawn(move || {
        engine.stop(&tag);
        drop(sender);
    })?;
    Ok(stopped)
}

/// The pipe that a statement's output goes through.
pub(crate) struct Pipe {
    pub(crate) reader: Receiver,
    /// To be kept open, and its number to be kept valid, while the engine writes.
    pub(crate) writer: OwnedFd,
    /// Reads what nobody wants any more and forgets it. Closing the pipe under the writer instead would raise
    /// `SIGPIPE`, which ends a process that does not ignore it.
    pub(crate) drain: Interrupt,
    pub(crate) spoiled: Spoiled,
}

/// Whether draining has begun. What is read from the pipe after that does not follow what was read before.
#[derive(Clone, Default)]
pub(crate) struct Spoiled(Arc<AtomicBool>);

impl Spoiled {
    /// To be asked after a read, about what was read.
    pub(crate) fn get(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

/// Enough for the engine to go on writing while a chunk is on its way; small enough for dozens of results at a time
/// within Linux's 64 MiB of pipe buffers for each user.
const PIPE_CAPACITY: usize = 256 * 1024;

impl Pipe {
    pub(crate) fn new() -> Result<Self, Exception> {
        Self::open().map_err(|error| {
            Exception::new(Code::UnknownException, format!("No pipe for the result: {error}"))
        })
    }

    fn open() -> io::Result<Self> {
        let (reader, writer) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
        // A wish: a user has a limited number of pages for pipes, and the default capacity does too.
        if let Err(error) = rustix::pipe::fcntl_setpipe_size(&writer, PIPE_CAPACITY) {
            tracing::trace!(%error, "The pipe keeps its default capacity.");
        }
        let mut unwanted = Some(File::from(reader.try_clone()?));
        let spoiled = Spoiled::default();
        let spoils = spoiled.clone();
        let wake = Box::new(move || {
            spoils.0.store(true, Ordering::SeqCst);
            if unwanted.as_mut().is_some_and(|file| drain(file).is_err()) {
                unwanted = None;
            }
        });
        let drain = Interrupt { wake, spoils: true };
        Ok(Self { reader: Receiver::from_owned_fd(reader)?, writer, drain, spoiled })
    }
}

/// Reads what is there, without waiting. An error other than that nothing is there ends the reading for good.
fn drain(file: &mut File) -> io::Result<()> {
    let mut buffer = [0; 64 * 1024];
    // Bounded, for a writer that is as quick: the next call goes on.
    for _ in 0..64 {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
