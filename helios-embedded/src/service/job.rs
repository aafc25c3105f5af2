//! A statement at work on a thread of its own.

use std::{
    fs::File,
    io::{self, ErrorKind, Read},
    os::fd::OwnedFd,
    sync::{
        Arc, Mutex, PoisonError,
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
    sigpipe,
    stuck::StopReason,
    work::{Ending, Interrupt, NewStatement, Refused},
};

/// How a statement ended.
pub(crate) type Verdict = Result<Output, Exception>;

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
        tag: Uuid,
        new: NewStatement,
        work: impl FnOnce(&Self) -> Verdict + Send + 'static,
    ) -> Result<(Guard, oneshot::Receiver<Verdict>), Exception> {
        let engine = Arc::clone(kept.running());
        let (query_id, timed) = (new.query_id.clone(), new.time_limit.is_some());
        match engine.work().begin(tag, new) {
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
        if timed && let Err(error) = engine.control() {
            tracing::warn!(%error, "No thread to see that a statement keeps its time limit.");
        }
        let (sender, verdict) = oneshot::channel();
        let guard = Guard { kept, tag };
        let thread = thread::Builder::new().name("helios-query".into()).stack_size(STACK);
        let started = thread.spawn(move || {
            let job = Self { engine, tag, ended: false };
            let verdict = work(&job);
            let verdict = ended(job.end(), verdict);
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

    /// Fails if the statement has to stop.
    pub(crate) fn check(&self) -> Result<(), Exception> {
        self.engine.work().stopped(&self.tag).map_or(Ok(()), |reason| Err(stopped(reason)))
    }

    fn end(mut self) -> Ending {
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

/// The verdict on a statement that ended with this one, and so.
fn ended(ending: Ending, verdict: Verdict) -> Verdict {
    const CANCELLED: u32 = 394;
    match (ending.stopped, verdict) {
        (Some(reason), Ok(_)) if ending.spoiled => Err(stopped(reason)),
        // The engine knows that it was cancelled, and not why.
        (Some(reason), Err(exception)) if exception.code == CANCELLED => Err(stopped(reason)),
        (_, verdict) => verdict,
    }
}

fn stopped(reason: StopReason) -> Exception {
    match reason {
        StopReason::Abandoned => Exception::new(Code::QueryWasCancelled, "Query was cancelled"),
        StopReason::TimeLimit => Exception::new(
            Code::TimeoutExceeded,
            "Timeout exceeded: the query, with the time that its reader took, has passed max_execution_time",
        ),
    }
}

/// Stops a statement when it is dropped before the statement's end: the client is gone. Until then it keeps the engine
/// open.
pub(crate) struct Guard {
    kept: Arc<Kept>,
    tag: Uuid,
}

impl Drop for Guard {
    fn drop(&mut self) {
        // Whoever else waits for its end does so elsewhere.
        if let Err(error) = self.kept.running().stop(&self.tag) {
            tracing::warn!(%error, "No thread to cancel a statement that nobody waits for; it may run to its end.");
        }
    }
}

/// The pipe that a statement's output goes through.
pub(crate) struct Pipe {
    pub(crate) reader: Receiver,
    /// To be kept open, and its number to be kept valid, while the engine writes.
    pub(crate) writer: OwnedFd,
    /// Stops the writer: by closing the pipe, so that its next write fails, or, while the reader is there or `SIGPIPE` would end
    /// the process, by reading what it writes and forgetting it.
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

    /// Whether nothing reads the pipe any more: its reader holds a clone of this.
    fn is_unread(&self) -> bool {
        Arc::strong_count(&self.0) == 1
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
        let unwanted = Mutex::new(Some(File::from(reader.try_clone()?)));
        let spoiled = Spoiled::default();
        let spoils = spoiled.clone();
        let wake = Arc::new(move || {
            spoils.0.store(true, Ordering::SeqCst);
            let mut file = unwanted.lock().unwrap_or_else(PoisonError::into_inner);
            if file.is_some() && spoils.is_unread() && sigpipe::is_ignored() {
                // What a cancelled statement has of its block can be a gigabyte: it would be written to its end.
                *file = None;
            }
            match file.as_mut().map(drain) {
                Some(Ok(read)) => read,
                Some(Err(_)) => {
                    *file = None;
                    false
                }
                None => false,
            }
        });
        let drain = Interrupt { wake, spoils: true };
        Ok(Self { reader: Receiver::from_owned_fd(reader)?, writer, drain, spoiled })
    }
}

/// Reads what is there, without waiting; `true` if there was something. An error other than that nothing is there ends the
/// reading for good.
fn drain(file: &mut File) -> io::Result<bool> {
    let mut buffer = [0; 64 * 1024];
    let mut found = false;
    // Bounded, for a writer that is as quick: others wait for their turn.
    for _ in 0..16 {
        match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(_) => found = true,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}
