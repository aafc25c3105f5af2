//! The child: a program that runs the engine, and ends when nobody wants it any more.

use std::{
    fs,
    io::{self, BufRead as _, Read as _, Write as _},
    os::unix::net::UnixListener,
    process::ExitCode,
    sync::Arc,
    thread,
    time::Duration,
};

use hyper::server::conn::http1;
use hyper_util::rt::TokioTimer;
use tokio::{
    io::AsyncReadExt as _,
    net::{UnixListener as AsyncListener, UnixStream},
    runtime::Runtime,
};

use super::{
    sandbox::{Sandbox, confine},
    wire::{Door, Order, Report, STUCK},
};
use crate::{
    access::{Access, Credentials},
    engine::Engine,
    exit,
    options::Options,
    service::Service,
    wire::Wire,
};

/// After a failed `accept`, which is mostly a lack of file descriptors that others have to give back.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How long a client of the listener may take over the head of a request, and hold an idle connection.
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);

/// Runs the engine for the [`EngineProcess`](super::EngineProcess) that started this program, until that lets go of it.
///
/// To be called from `main`, before there is another thread: what confines this process holds for the threads that are
/// started after it.
#[must_use]
pub fn run_child() -> ExitCode {
    let order = match read_order() {
        Ok(order) => order,
        Err(reason) => return fail(&reason),
    };
    match prepare(&order) {
        Ok((listener, sandbox)) => match Runtime::new() {
            Ok(runtime) => runtime.block_on(serve(order, listener, sandbox)),
            Err(error) => fail(&format!("threads cannot be started: {error}")),
        },
        Err(reason) => fail(&reason),
    }
}

fn read_order() -> Result<Order, String> {
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line).map_err(|error| format!("the order cannot be read: {error}"))?;
    serde_json::from_str(&line)
        .map_err(|_| "this command is for the server itself, not for people".to_owned())
}

/// Everything that the confined process could not do.
fn prepare(order: &Order) -> Result<(UnixListener, Sandbox), String> {
    raise_file_limit();
    prefer_as_victim();
    if let Err(error) = fs::remove_file(&order.socket)
        && error.kind() != io::ErrorKind::NotFound
    {
        return Err(format!("the old socket cannot be removed: {error}"));
    }
    let listener =
        UnixListener::bind(&order.socket).map_err(|error| format!("the socket cannot be bound: {error}"))?;
    listener.set_nonblocking(true).map_err(|error| format!("the socket cannot be used: {error}"))?;
    let sandbox = confine(&order.path, &order.library)?;
    if order.require_sandbox && !sandbox.is_whole() {
        return Err(format!("this kernel cannot confine the engine; its sandbox would be: {sandbox}"));
    }
    Ok((listener, sandbox))
}

fn raise_file_limit() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::debug!(%error, "The limit of open files stays as it is.");
    }
}

/// If memory runs out, the kernel ends this process, which is started again, and not the server.
fn prefer_as_victim() {
    if let Err(error) = fs::write("/proc/self/oom_score_adj", "800") {
        tracing::debug!(%error, "The kernel treats the engine's process as any other when memory runs out.");
    }
}

async fn serve(order: Order, listener: UnixListener, sandbox: Sandbox) -> ExitCode {
    let options = Options::new(&order.path).with_library(&order.library);
    let engine = match tokio::task::spawn_blocking(|| Engine::open(options)).await {
        Ok(Ok(engine)) => engine,
        Ok(Err(error)) => return fail(&error.to_string()),
        Err(error) => return fail(&format!("opening the engine failed: {error}")),
    };
    let listener = match AsyncListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => return fail(&format!("the socket cannot be used: {error}")),
    };
    engine.on_stuck(|stuck| {
        // So that the server can answer the one who sent it. The log is the server's to write.
        let report = Report::Stuck { query_id: stuck.query_id.clone(), reason: stuck.reason };
        if let Err(error) = tell(&report) {
            tracing::debug!(%error, "The server does not hear which statement does not stop.");
        }
        // Its threads listen no more, so nothing is left to be put in order.
        exit::at_once(STUCK);
    });
    let report =
        Report::Ready { version: engine.version().to_owned(), origin: engine.origin().to_owned(), sandbox };
    if tell(&report).is_err() {
        return ExitCode::FAILURE;
    }
    let credentials = order.credentials.map(|(user, password)| Credentials::new(user, password));
    let guard = credentials.map(|credentials| Arc::new(Access::new(Some(credentials))));
    tokio::select! {
        () = accept(&engine, &listener, guard) => {}
        () = parent_left() => {}
    }
    drop(listener);
    // Stops what is under way.
    drop(engine);
    ExitCode::SUCCESS
}

async fn accept(engine: &Engine, listener: &AsyncListener, guard: Option<Arc<Access>>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => drop(tokio::spawn(converse(engine.clone(), stream, guard.clone()))),
            Err(error) => {
                tracing::warn!(%error, "Could not accept a connection.");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn converse(engine: Engine, mut stream: UnixStream, guard: Option<Arc<Access>>) {
    let Ok(byte) = stream.read_u8().await else { return };
    let wire = Wire::socket();
    let service = match (Door::of(byte), guard) {
        (Some(Door::Trusted), _) => Service::in_process(engine.kept(), wire),
        (Some(Door::Guarded), Some(access)) => Service::over_socket(engine.kept(), wire, access),
        (Some(Door::Guarded), None) | (None, _) => return,
    };
    // Idle connections do not keep the engine open.
    drop(engine);
    let mut http = http1::Builder::new();
    if byte == Door::Guarded.byte() {
        // Who has shown no password yet must not hold a connection for ever.
        http.timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT);
    }
    if let Err(error) = service.connection(&http, stream).await {
        tracing::debug!(%error, "A connection ended early.");
    }
}

/// The end of the standard input: the parent has let go, or has ended.
async fn parent_left() {
    let (sender, left) = tokio::sync::oneshot::channel::<()>();
    let waiting = thread::Builder::new().name("helios-parent".into()).spawn(move || {
        let mut rest = [0];
        while matches!(io::stdin().lock().read(&mut rest), Ok(1..)) {}
        drop(sender);
    });
    if let Err(error) = waiting {
        tracing::error!(%error, "No thread to see when the server ends.");
        return;
    }
    // Nothing is ever sent: it is closed.
    drop(left.await);
}

fn tell(report: &Report) -> io::Result<()> {
    let mut line = serde_json::to_vec(report)?;
    line.push(b'\n');
    let mut out = io::stdout().lock();
    out.write_all(&line).and_then(|()| out.flush())
}

fn fail(reason: &str) -> ExitCode {
    if let Err(error) = tell(&Report::Failed(reason.to_owned())) {
        tracing::error!(%error, reason, "Nobody hears why the engine does not start.");
    }
    ExitCode::FAILURE
}
