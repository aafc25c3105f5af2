//! The running engine, one a process.

use std::{
    collections::HashSet,
    fmt, io,
    path::{Path, PathBuf},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak},
    thread,
    time::{Duration, Instant},
};

use tokio::sync::oneshot;
use uuid::Uuid;

use crate::{
    control, data_path,
    default_database::{self, execute},
    driver::{Driver, DriverConnection},
    error::Error,
    exit,
    insert_way::InsertWay,
    libchdb::libchdb,
    options::Options,
    stuck::{OnStuck, Stuck},
    work::{Ending, Work},
};

/// ClickHouse, running in this process.
///
/// Cheap to clone; the clones, and the connectors, clients and listeners made from them, share one engine. Dropping the
/// last of them stops the engine before the drop returns, which takes some milliseconds: another data path can be opened
/// right after. Idle connections do not keep it open; a request on one is then answered with ClickHouse's error 236. A
/// result that is still being read does, until it is read to its end or dropped.
#[derive(Clone)]
pub struct Engine {
    open: Arc<Open>,
}

/// How long the statements under way may take to stop with the engine.
const STOP_LIMIT: Duration = Duration::from_secs(5);

/// How long opening another path waits for results that nobody is known to read: a connection's task has to notice first
/// that its client has dropped one.
const ANSWERS_LIMIT: Duration = Duration::from_secs(2);

impl Engine {
    /// Starts ClickHouse on a data path, or shares the engine that this process already runs on it.
    ///
    /// Blocks: about 0.1 s, and up to 0.5 s when the library is not in the page cache. In asynchronous code, call it
    /// before the runtime is busy or through `spawn_blocking`.
    ///
    /// The library is `options.library`; without it, what the environment variable `HELIOS_CHDB_LIB` names; without
    /// that, the file at [`setup_location`](crate::setup_location); and at last what the system's loader finds as
    /// `libchdb.so`. The first one loaded stays for the life of the process.
    ///
    /// After a `fork` the engine is of no use in the child, open or not: its threads are not there.
    ///
    /// # Errors
    ///
    /// [`Error::LibraryMissing`] and [`Error::LibraryInvalid`] for the library, [`Error::PathUnusable`],
    /// [`Error::PathInUse`] (another process has it) and [`Error::OtherPathOpen`] (this process has another one) for
    /// the data path, [`Error::EngineFailed`] if ClickHouse itself does not start, [`Error::Forked`] in the child of a
    /// process that has run it.
    #[expect(clippy::needless_pass_by_value, reason = "options are made to be given away")]
    pub fn open(options: Options) -> Result<Self, Error> {
        Self::open_by(&options.path, || libchdb(options.library.as_deref()))
    }

    /// Starts the ClickHouse that this process has by other means than libchdb, such as Python's package `chdb`, or
    /// shares the engine that this process already runs on the path, whichever way it was opened.
    ///
    /// Blocks, and calls the driver meanwhile: none of the host's locks that the driver needs may be held.
    ///
    /// # Errors
    ///
    /// As [`Engine::open`], without those for the library; [`Error::EngineFailed`] has the driver's own reason.
    pub fn open_with(path: impl AsRef<Path>, driver: Arc<dyn Driver>) -> Result<Self, Error> {
        Self::open_by(path.as_ref(), || Ok(driver))
    }

    fn open_by(path: &Path, driver: impl FnOnce() -> Result<Arc<dyn Driver>, Error>) -> Result<Self, Error> {
        // First: in a forked child even the lock may be held for good.
        if exit::is_forked() {
            return Err(Error::Forked);
        }
        let path = data_path::prepare(path)?;
        let mut slot = SLOT.lock();
        let mut patience = None;
        while let Some(occupant) = slot.as_mut() {
            slot = if occupant.kept.strong_count() == 0 {
                // It is being stopped, and still has to let go of the path.
                SLOT.vacated.wait(slot).unwrap_or_else(PoisonError::into_inner)
            } else if occupant.path == path {
                match occupant.share() {
                    Some(engine) => return Ok(engine),
                    None => slot,
                }
            } else {
                let deadline = *patience.get_or_insert_with(|| Instant::now() + ANSWERS_LIMIT);
                let left = deadline.saturating_duration_since(Instant::now());
                if occupant.open.strong_count() > 0 || left.is_zero() {
                    return Err(Error::OtherPathOpen { open: occupant.path.clone(), requested: path });
                }
                SLOT.vacated.wait_timeout(slot, left).unwrap_or_else(PoisonError::into_inner).0
            };
        }
        let running = Arc::new(Running::start(path.clone(), driver()?)?);
        let engine = Self { open: Arc::new(Open { kept: Arc::new(Kept { running }) }) };
        *slot = Some(Occupant {
            path,
            open: Arc::downgrade(&engine.open),
            kept: Arc::downgrade(&engine.open.kept),
        });
        drop(slot);
        exit::stop_before();
        Ok(engine)
    }

    /// The directory of the data, absolute.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.running().path
    }

    /// The version of ClickHouse, such as `26.7.2.1`.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.running().version
    }

    /// Which ClickHouse it is and where it comes from, for people: `libchdb, /usr/lib/libchdb.so`, or `chdb 4.4.0, …`.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.running().origin
    }

    /// Has a function called, once for each, with statements that still run two seconds after they had to end: because
    /// nobody waits for them, or because the `max_execution_time` of their request has passed. They take their threads and
    /// their memory until they end by themselves or the process does. In place of a function given before; in any case
    /// there is a warning in the log.
    ///
    /// It is called on the thread that stops statements, so it should return soon. It may end the process.
    pub fn on_stuck(&self, callback: impl Fn(&Stuck) + Send + Sync + 'static) {
        *self.running().on_stuck.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(callback));
    }

    /// For connections, which do not keep the engine open.
    pub(crate) fn kept(&self) -> Weak<Kept> {
        Arc::downgrade(&self.open.kept)
    }

    fn running(&self) -> &Arc<Running> {
        &self.open.kept.running
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Engine")
            .field("path", &self.path())
            .field("version", &self.version())
            .field("origin", &self.origin())
            .finish()
    }
}

/// What the clones of an engine share, and what is made from them.
struct Open {
    kept: Arc<Kept>,
}

/// The engine for as long as it is kept open: by the clones, and by each answer on its way. Statements under way do not
/// keep it open.
pub(crate) struct Kept {
    running: Arc<Running>,
}

impl Kept {
    pub(crate) fn running(&self) -> &Arc<Running> {
        &self.running
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        if exit::is_forked() {
            leak(&self.running);
            return;
        }
        self.running.driver.wait(&mut || {
            // Held while the engine stops, so that the next one starts after it.
            let mut slot = SLOT.lock();
            self.running.stop_all();
            if slot.as_ref().is_some_and(|occupant| occupant.kept.strong_count() == 0) {
                *slot = None;
            }
            SLOT.vacated.notify_all();
        });
    }
}

/// In a forked child, closing an engine connection would wait for threads that are not there.
#[expect(clippy::mem_forget, reason = "the child has a copy of the connection that it cannot close")]
fn leak(running: &Arc<Running>) {
    std::mem::forget(Arc::clone(running));
}

/// The running engine.
pub(crate) struct Running {
    driver: Arc<dyn Driver>,
    path: PathBuf,
    /// Keeps the engine up between requests, and kills what the connections of requests run.
    control: Mutex<Option<Box<dyn DriverConnection>>>,
    work: Arc<Work>,
    on_stuck: Mutex<Option<OnStuck>>,
    version: String,
    origin: String,
    timezone: String,
    /// The names of all its functions, in lower case.
    functions: HashSet<String>,
    insert_way: InsertWay,
}

impl Running {
    fn start(path: PathBuf, driver: Arc<dyn Driver>) -> Result<Self, Error> {
        data_path::ensure_free(&path)?;
        let failed = |reason| Error::EngineFailed { path: path.clone(), reason };
        let mut connection = match driver.connect(&path) {
            Ok(connection) => connection,
            Err(reason) => {
                // Another process may have been quicker.
                data_path::ensure_free(&path)?;
                return Err(failed(reason));
            }
        };
        let control = connection.as_mut();
        default_database::make_atomic(control, &path).map_err(failed)?;
        let version = execute(control, "SELECT version()").map_err(failed)?;
        let timezone = execute(control, "SELECT timezone()").map_err(failed)?;
        let functions = execute(control, "SELECT lower(name) FROM system.functions").map_err(failed)?;
        let insert_way = InsertWay::proven(control, &path).map_err(|wrong| {
            failed(format!(
                "ClickHouse {version} ({}) cannot be trusted with inserts: {wrong}",
                driver.origin()
            ))
        })?;
        // Once in advance, for the static objects it makes: at the end of the process, when it is needed most, those made
        // last are destroyed first.
        execute(control, &kill_statement(&[Uuid::nil()])).map_err(failed)?;
        tracing::debug!(path = %path.display(), version, origin = driver.origin(), "Started the embedded ClickHouse.");
        Ok(Self {
            origin: driver.origin(),
            driver,
            path,
            control: Mutex::new(Some(connection)),
            work: Arc::default(),
            on_stuck: Mutex::default(),
            version,
            timezone,
            functions: functions.lines().map(str::to_owned).collect(),
            insert_way,
        })
    }

    /// A connection of its own for one request.
    pub(crate) fn connect(&self) -> Result<Box<dyn DriverConnection>, String> {
        self.driver.connect(&self.path).or_else(|refusal| {
            if self.restore_default_database() { self.driver.connect(&self.path) } else { Err(refusal) }
        })
    }

    fn restore_default_database(&self) -> bool {
        let mut control = self.control.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(control) = control.as_mut() else { return false };
        match default_database::restore(control.as_mut()) {
            Ok(restored) => {
                if restored {
                    tracing::warn!(
                        "The database `default` was removed; it has been created again, because the engine needs it."
                    );
                }
                restored
            }
            Err(error) => {
                tracing::warn!(error, "The database `default` is missing, and could not be created.");
                false
            }
        }
    }

    pub(crate) fn timezone(&self) -> &str {
        &self.timezone
    }

    pub(crate) fn functions(&self) -> &HashSet<String> {
        &self.functions
    }

    pub(crate) fn insert_way(&self) -> &InsertWay {
        &self.insert_way
    }

    pub(crate) fn work(&self) -> &Work {
        &self.work
    }

    pub(crate) fn on_stuck(&self) -> Option<OnStuck> {
        self.on_stuck.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Has a statement stopped. What is returned is closed at its end; `None` if it has ended.
    pub(crate) fn stop(self: &Arc<Self>, tag: &Uuid) -> io::Result<Option<oneshot::Receiver<()>>> {
        let ended = self.work.stop(tag);
        if ended.is_some() {
            self.control()?;
        }
        Ok(ended)
    }

    /// Starts the thread that stops statements, unless it runs. It ends with the engine.
    pub(crate) fn control(self: &Arc<Self>) -> io::Result<()> {
        let Some(control) = self.work.control() else { return Ok(()) };
        let engine = Arc::clone(self);
        let thread = thread::Builder::new().name("helios-control".into());
        let started = thread.spawn(move || {
            control::run(&engine);
            // Before it is said that this thread has ended: it may be the last that holds the engine.
            drop(engine);
            drop(control);
        });
        started.map(drop)
    }

    /// Takes no more statements, stops those under way, and lets go of the path. `false` if one does not stop.
    fn stop_all(self: &Arc<Self>) -> bool {
        let deadline = Instant::now() + STOP_LIMIT;
        self.work.close(deadline);
        if !self.work.is_at_rest()
            && let Err(error) = self.control()
        {
            tracing::warn!(%error, "No thread to stop the statements under way.");
        }
        let stopped = self.work.wait_for_rest(deadline);
        // Where a cancellation takes for ever, the connection that it goes through stays open.
        if let Ok(mut control) = self.control.try_lock() {
            drop(control.take());
        }
        if !stopped {
            LEFT.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::downgrade(&self.work));
        }
        stopped
    }

    /// Notes that a statement has ended.
    pub(crate) fn ended(&self, tag: &Uuid) -> Ending {
        exit::note_progress();
        self.work.end(tag)
    }

    /// Asks the engine to end the statements whose sessions carry these tags. Returns at once.
    pub(crate) fn kill(&self, tags: &[Uuid]) {
        let mut control = self.control.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(control) = control.as_mut()
            && let Err(error) = execute(control.as_mut(), &kill_statement(tags))
        {
            tracing::warn!(error, "Could not cancel statements that nobody waits for.");
        }
    }
}

/// A tag is the first word of its session's `log_comment`.
fn kill_statement(tags: &[Uuid]) -> String {
    let tags: Vec<String> = tags.iter().map(|tag| format!("'{}'", tag.simple())).collect();
    let tags = tags.join(", ");
    format!("KILL QUERY WHERE splitByChar(' ', Settings['log_comment'])[1] IN ({tags}) ASYNC")
}

/// Stops this process's engine, if it runs one: cancels the statements under way, and takes no more. At the end of the
/// process this happens by itself; a host whose own end comes first, so that its [`Driver`] stops working before the
/// process ends, calls this while it still works.
///
/// Blocks, and calls the driver meanwhile: none of the host's locks that the driver needs may be held. `false` if after five
/// seconds a statement goes on, or another thread that is stopping the engine is not done.
pub fn stop_before_exit() -> bool {
    exit::is_forked() || stop()
}

/// Stops this process's engine, if it runs one. `false` if it does not within [`STOP_LIMIT`], or if one that was closed before
/// has left statements that go on.
pub(crate) fn stop() -> bool {
    let stopped = stop_open();
    let left = LEFT.lock().unwrap_or_else(PoisonError::into_inner);
    stopped && left.iter().filter_map(Weak::upgrade).all(|work| work.is_at_rest())
}

/// The statements that did not end with their engines.
static LEFT: Mutex<Vec<Weak<Work>>> = Mutex::new(Vec::new());

fn stop_open() -> bool {
    let deadline = Instant::now() + STOP_LIMIT;
    let mut slot = SLOT.lock();
    while let Some(occupant) = slot.as_ref() {
        if let Some(kept) = occupant.kept.upgrade() {
            drop(slot);
            let mut stopped = false;
            kept.running.driver.wait(&mut || stopped = kept.running.stop_all());
            return stopped;
        }
        // Another thread is stopping it, or about to.
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return false;
        }
        slot = SLOT.vacated.wait_timeout(slot, left).unwrap_or_else(PoisonError::into_inner).0;
    }
    true
}

/// The place of the process's one engine.
static SLOT: Slot = Slot { occupant: Mutex::new(None), vacated: Condvar::new() };

struct Slot {
    occupant: Mutex<Option<Occupant>>,
    vacated: Condvar,
}

/// The engine that runs.
struct Occupant {
    path: PathBuf,
    open: Weak<Open>,
    kept: Weak<Kept>,
}

impl Occupant {
    /// A clone, unless the engine is being stopped.
    fn share(&mut self) -> Option<Engine> {
        let open = self.open.upgrade().or_else(|| {
            // Only answers have kept it open.
            let open = Arc::new(Open { kept: self.kept.upgrade()? });
            self.open = Arc::downgrade(&open);
            Some(open)
        });
        open.map(|open| Engine { open })
    }
}

impl Slot {
    fn lock(&self) -> MutexGuard<'_, Option<Occupant>> {
        self.occupant.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
