//! The parent's side: starts the child, watches it, and starts it again.

use std::{
    fmt, io,
    os::unix::process::ExitStatusExt as _,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::UnixStream,
    process::{Child, ChildStdin, ChildStdout, Command},
    sync::watch,
    task::JoinHandle,
    time::{Instant, timeout},
};

use super::{
    EngineEnded, ProcessConnector, ProcessOptions, Sandbox, StuckStatement, memory,
    wire::{Door, Order, Report, STUCK},
};
use crate::{data_path, error::Error, library};

/// How long the engine may take to start: recovering a large data path takes a while.
const START_LIMIT: Duration = Duration::from_secs(120);
/// How long the child may take to end by itself.
const STOP_LIMIT: Duration = Duration::from_secs(7);
/// How often to look at the child's memory.
const LOOK: Duration = Duration::from_millis(100);
/// How often to ask the child whether it is there, and how long it may take to answer.
const ASK: Duration = Duration::from_secs(2);
const ANSWER_LIMIT: Duration = Duration::from_secs(10);
/// How long to wait for what a child said before it ended.
const LAST_WORDS_LIMIT: Duration = Duration::from_secs(1);
/// A child that ends sooner than this is started again after as long.
const SOON: Duration = Duration::from_millis(500);
/// How long to wait before a child that could not be started is started again, at first and at most.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// What the child is doing.
#[derive(Clone, Debug)]
pub(super) enum State {
    Starting,
    Ready { generation: u64 },
    Stopped,
}

/// What the supervisor and the connections share.
pub(super) struct Watch {
    states: watch::Sender<State>,
    /// How the last child ended.
    ending: Mutex<EngineEnded>,
    /// The process that answers now.
    pid: Mutex<Option<u32>>,
    socket: PathBuf,
}

impl Watch {
    pub(super) fn states(&self) -> watch::Receiver<State> {
        self.states.subscribe()
    }

    pub(super) fn socket(&self) -> &Path {
        &self.socket
    }

    pub(super) fn ending(&self) -> EngineEnded {
        self.ending.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set_ending(&self, ending: EngineEnded) {
        *self.ending.lock().unwrap_or_else(PoisonError::into_inner) = ending;
    }

    fn set_pid(&self, pid: Option<u32>) {
        *self.pid.lock().unwrap_or_else(PoisonError::into_inner) = pid;
    }
}

/// ClickHouse in a process of its own, which is started again when it ends.
///
/// Cheap to clone. When the last clone is dropped, or this process ends, the child ends.
#[derive(Clone)]
pub struct EngineProcess {
    inner: Arc<Inner>,
}

struct Inner {
    shared: Arc<Watch>,
    version: String,
    origin: String,
    sandbox: Sandbox,
    /// Never sent: closing it is the sign to stop.
    stop: Mutex<Option<watch::Sender<()>>>,
    supervisor: Mutex<Option<JoinHandle<()>>>,
}

impl EngineProcess {
    /// Starts the child, and returns when the engine answers.
    ///
    /// # Errors
    ///
    /// Those of [`Engine::open`](crate::Engine::open) for the library and the data path, and [`Error::ProcessFailed`] with the
    /// child's reason.
    pub async fn start(options: ProcessOptions) -> Result<Self, Error> {
        let path = data_path::prepare(&options.path)?;
        data_path::ensure_free(&path)?;
        let library = library::find(options.library.as_deref())?;
        // The child works in another folder. A bare name is for the system's loader.
        let library = match library.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => {
                std::path::absolute(&library).unwrap_or(library)
            }
            _ => library,
        };
        let failed =
            |what: &str, error: io::Error| Error::ProcessFailed { reason: format!("{what}: {error}") };
        // Nobody else may look into it.
        let folder = tempfile::Builder::new().prefix("helios-").tempdir();
        let folder = folder.map_err(|error| failed("no folder for its socket", error))?;
        let socket = folder.path().join("engine.sock");
        let shared = Arc::new(Watch {
            states: watch::Sender::new(State::Starting),
            ending: Mutex::new(EngineEnded::new("it has not been started yet")),
            pid: Mutex::default(),
            socket: socket.clone(),
        });
        let credentials = options.credentials.map(|given| (given.user, given.password));
        let order = Order { path, library, socket, require_sandbox: options.require_sandbox, credentials };
        let mut starter = Starter { arguments: options.arguments, order, _folder: folder };
        let mut child = starter.start().await.map_err(|reason| Error::ProcessFailed { reason })?;
        let Started { version, origin, sandbox } = child.started.clone();
        shared.set_pid(child.child.id());
        shared.states.send_replace(State::Ready { generation: 0 });
        let (stop, stopped) = watch::channel(());
        let supervisor = {
            let (shared, max_memory) = (Arc::clone(&shared), options.max_memory);
            tokio::spawn(async move {
                let mut generation = 0_u64;
                let mut stopped = stopped;
                let mut began = Instant::now();
                while let Some(ending) =
                    watch_over(&mut child, shared.socket(), max_memory, &mut stopped).await
                {
                    shared.set_pid(None);
                    shared.set_ending(ending.clone());
                    shared.states.send_replace(State::Starting);
                    log(&ending);
                    // One that ends as soon as it answers is not started as often as that.
                    if began.elapsed() < SOON {
                        tokio::time::sleep(SOON).await;
                    }
                    let Some(next) = restart(&mut starter, &mut stopped, &shared).await else { break };
                    began = Instant::now();
                    child = next;
                    generation += 1;
                    shared.set_pid(child.child.id());
                    shared.states.send_replace(State::Ready { generation });
                    tracing::info!(generation, "Restarted the engine's process.");
                }
                shared.states.send_replace(State::Stopped);
            })
        };
        Ok(Self {
            inner: Arc::new(Inner {
                shared,
                version,
                origin,
                sandbox,
                stop: Mutex::new(Some(stop)),
                supervisor: Mutex::new(Some(supervisor)),
            }),
        })
    }

    /// The version of ClickHouse, such as `26.7.2.1`.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.inner.version
    }

    /// Which ClickHouse it is and where it comes from, for people.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.inner.origin
    }

    /// What confines the child.
    #[must_use]
    pub fn sandbox(&self) -> Sandbox {
        self.inner.sandbox
    }

    /// The number of the process that runs the engine now; `None` while it is being started.
    #[must_use]
    pub fn id(&self) -> Option<u32> {
        *self.inner.shared.pid.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An HTTP client whose every request goes to this engine, for `clickhouse::Client::with_http_client`.
    #[must_use]
    pub fn http_client<B>(&self) -> Client<ProcessConnector, B>
    where
        B: hyper::body::Body + Send,
        B::Data: Send,
    {
        let connector = ProcessConnector { shared: Arc::clone(&self.inner.shared) };
        Client::builder(TokioExecutor::new()).build(connector)
    }

    /// Ends the child, which stops the statements under way; waits for it, seven seconds at most.
    pub async fn shutdown(&self) {
        // Before the connections end: so that they know why.
        self.inner.shared.set_ending(EngineEnded::by_shutdown());
        self.inner.shared.states.send_replace(State::Stopped);
        drop(self.inner.stop.lock().unwrap_or_else(PoisonError::into_inner).take());
        let supervisor = self.inner.supervisor.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(supervisor) = supervisor
            && let Err(error) = supervisor.await
        {
            tracing::warn!(%error, "What watched the engine's process had failed.");
        }
    }

    pub(super) fn shared(&self) -> &Arc<Watch> {
        &self.inner.shared
    }
}

impl fmt::Debug for EngineProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EngineProcess")
            .field("version", &self.version())
            .field("origin", &self.origin())
            .field("sandbox", &self.sandbox())
            .field("id", &self.id())
            .finish()
    }
}

/// Starts children.
struct Starter {
    arguments: Vec<std::ffi::OsString>,
    order: Order,
    /// Of the socket.
    _folder: TempDir,
}

/// A child that answers.
struct Running {
    child: Child,
    /// Its standard input, whose end tells it to stop.
    leash: Option<ChildStdin>,
    /// Its standard output.
    reports: BufReader<ChildStdout>,
    started: Started,
}

#[derive(Clone)]
struct Started {
    version: String,
    origin: String,
    sandbox: Sandbox,
}

impl Starter {
    async fn start(&mut self) -> Result<Running, String> {
        let mut child = Command::new(own_program()?)
            .arg0("helios-engine")
            .args(&self.arguments)
            .env_clear()
            // Relative names in SQL are not to mean the server's folder.
            .current_dir(&self.order.path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| format!("the program cannot be started: {error}"))?;
        let (Some(mut stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err("the program has no standard input or output".to_owned());
        };
        let mut order = serde_json::to_vec(&self.order).map_err(|error| format!("its order: {error}"))?;
        order.push(b'\n');
        let mut reports = BufReader::new(stdout);
        let conversation = async {
            stdin.write_all(&order).await?;
            stdin.flush().await?;
            let mut line = String::new();
            reports.read_line(&mut line).await?;
            Ok::<_, io::Error>(line)
        };
        let line = match timeout(START_LIMIT, conversation).await {
            Ok(line) => line.map_err(|error| format!("the program does not listen: {error}"))?,
            Err(_) => return Err(format!("it does not answer within {} s", START_LIMIT.as_secs())),
        };
        match serde_json::from_str(&line) {
            Ok(Report::Ready { version, origin, sandbox }) => {
                let started = Started { version, origin, sandbox };
                Ok(Running { child, leash: Some(stdin), reports, started })
            }
            Ok(Report::Failed(reason)) => Err(reason),
            Ok(Report::Stuck { .. }) | Err(_) => match timeout(STOP_LIMIT, child.wait()).await {
                Ok(Ok(status)) => Err(ending(status)),
                Ok(Err(_)) | Err(_) => Err("it ended without a word".to_owned()),
            },
        }
    }
}

/// This very program, also when its file has been replaced meanwhile.
fn own_program() -> Result<PathBuf, String> {
    if cfg!(target_os = "linux") {
        return Ok(PathBuf::from("/proc/self/exe"));
    }
    std::env::current_exe().map_err(|error| format!("this program's own file is not known: {error}"))
}

/// Waits for the child's end, and says how it ended. `None` if it was asked to.
async fn watch_over(
    running: &mut Running,
    socket: &Path,
    max_memory: Option<u64>,
    stopped: &mut watch::Receiver<()>,
) -> Option<EngineEnded> {
    let child = &mut running.child;
    let mut looks = tokio::time::interval(LOOK);
    let mut silence = std::pin::pin!(silence(socket));
    loop {
        tokio::select! {
            ended = child.wait() => {
                let ended = match ended {
                    Ok(status) => EngineEnded::new(ending(status)),
                    Err(error) => EngineEnded::new(format!("its end is not known: {error}")),
                };
                return Some(ended.because_of(last_words(&mut running.reports).await));
            }
            _ = looks.tick() => {
                let in_use = child.id().and_then(memory::of_process);
                if let (Some(in_use), Some(most)) = (in_use, max_memory)
                    && in_use > most
                {
                    kill(child).await;
                    let (in_use, most) = (in_use >> 20, most >> 20);
                    return Some(EngineEnded::new(format!("it took {in_use} MiB of memory, over its bound of {most} MiB")));
                }
            }
            () = &mut silence => {
                kill(child).await;
                return Some(EngineEnded::new(format!("it did not answer for {} s", ANSWER_LIMIT.as_secs())));
            }
            _ = stopped.changed() => {
                drop(running.leash.take());
                if timeout(STOP_LIMIT, child.wait()).await.is_err() {
                    tracing::warn!("The engine's process does not end by itself, and is killed.");
                    kill(child).await;
                }
                return None;
            }
        }
    }
}

/// The statement that a child which has ended says it ended because of.
async fn last_words(reports: &mut BufReader<ChildStdout>) -> Option<StuckStatement> {
    let mut line = String::new();
    match timeout(LAST_WORDS_LIMIT, reports.read_line(&mut line)).await {
        Ok(Ok(_)) => {}
        // It was killed: it had no time to say anything.
        Ok(Err(_)) | Err(_) => return None,
    }
    match serde_json::from_str(&line) {
        Ok(Report::Stuck { query_id, reason }) => Some(StuckStatement { query_id, reason }),
        Ok(Report::Ready { .. } | Report::Failed(_)) | Err(_) => None,
    }
}

fn log(ending: &EngineEnded) {
    match ending.stuck_statement() {
        Some(StuckStatement { query_id, reason }) => tracing::error!(
            query_id,
            %reason,
            "A statement did not stop, so the engine's process was ended. Restarting it."
        ),
        None => tracing::error!(why = ending.why(), "The engine's process ended. Restarting it."),
    }
}

/// Asks the child again and again whether it is there; returns when it has not answered in time.
async fn silence(socket: &Path) {
    loop {
        tokio::time::sleep(ASK).await;
        match timeout(ANSWER_LIMIT, ask(socket)).await {
            Ok(Ok(())) => {}
            // It has ended, or has no file left for one more connection.
            Ok(Err(error)) => {
                tracing::debug!(%error, "The engine's process could not be asked whether it is there.");
            }
            Err(_) => return,
        }
    }
}

/// One `GET /ping`.
async fn ask(socket: &Path) -> io::Result<()> {
    let mut stream = UnixStream::connect(socket).await?;
    stream.write_all(&[Door::Trusted.byte()]).await?;
    stream.write_all(b"GET /ping HTTP/1.1\r\nHost: embedded\r\nConnection: close\r\n\r\n").await?;
    stream.read_u8().await.map(drop)
}

async fn kill(child: &mut Child) {
    if let Err(error) = child.kill().await {
        tracing::warn!(%error, "The engine's process could not be killed.");
    }
}

/// Starts the child again, as often as it takes. `None` if it is not wanted any more.
async fn restart(
    starter: &mut Starter,
    stopped: &mut watch::Receiver<()>,
    shared: &Watch,
) -> Option<Running> {
    let mut pause = FIRST_PAUSE;
    loop {
        let began = Instant::now();
        tokio::select! {
            started = starter.start() => match started {
                Ok(running) => return Some(running),
                Err(reason) => {
                    tracing::error!(reason, after = ?began.elapsed(), "The engine's process does not start.");
                    shared.set_ending(EngineEnded::new(reason));
                }
            },
            _ = stopped.changed() => return None,
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => pause = (pause * 2).min(LONGEST_PAUSE),
            _ = stopped.changed() => return None,
        }
    }
}

fn ending(status: ExitStatus) -> String {
    if status.code() == Some(i32::from(STUCK)) {
        return "a statement did not stop".to_owned();
    }
    match (status.signal(), status.code()) {
        (Some(signal), _) => format!("signal {signal}"),
        (None, Some(code)) => format!("status {code}"),
        (None, None) => "without a status".to_owned(),
    }
}
