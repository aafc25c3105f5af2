//! Lambda as a function sees it: a process, and the Runtime API that hands it one event after the other.

use std::{
    collections::HashMap,
    io::{PipeReader, Read as _, pipe},
    net::Ipv4Addr,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use helios_core::clock::{Clock as _, SystemClock};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use tokio::{
    net::TcpListener,
    sync::{Mutex as AsyncMutex, mpsc, oneshot, watch},
    task::JoinHandle,
    time,
};
use uuid::Uuid;

use crate::{Function, Result};

/// What a function made of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It succeeded, with this.
    Response(Value),
    /// It failed: Lambda sends the whole event again.
    Error(FunctionError),
}

/// A failed invocation, as Lambda reports it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FunctionError {
    /// Its kind.
    pub error_type: String,
    /// What happened.
    pub error_message: String,
}

/// A running function; dropping it ends the process.
///
/// The emulator's triggers take every answer for a success: what they cannot show is shown by invoking the function so.
#[derive(Debug)]
pub struct Runtime {
    child: Child,
    events: mpsc::UnboundedSender<Invocation>,
    /// Everything it printed, once it has ended.
    output: watch::Receiver<Option<String>>,
    api: JoinHandle<()>,
    timeout: Duration,
}

impl Runtime {
    /// Starts a function, with its environment variables and Lambda's own, none of this process's.
    ///
    /// # Errors
    ///
    /// If the binary cannot be started.
    pub async fn start(function: &Function<'_>) -> Result<Self> {
        let timeout = Duration::from_secs(function.timeout_seconds.try_into()?);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?.to_string();
        let (events, waiting) = mpsc::unbounded_channel();
        let served = Arc::new(Api { waiting: AsyncMutex::new(waiting), open: Mutex::default(), timeout });
        let (child, output) = spawn(function, &address)?;
        let api = tokio::spawn(async move {
            // It ends with this task only.
            drop(axum::serve(listener, routes(served)).await);
        });
        Ok(Self { child, events, output, api, timeout })
    }

    /// The process.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Hands over an event, and waits for the answer.
    ///
    /// # Errors
    ///
    /// If the process ends instead, or takes longer than the function may.
    pub async fn invoke(&self, event: &Value) -> Result<Answer> {
        let (answer, answered) = oneshot::channel();
        self.events.send(Invocation { event: event.to_string(), answer })?;
        let mut output = self.output.clone();
        tokio::select! {
            answer = answered => Ok(answer?),
            ended = output.wait_for(Option::is_some) => {
                let printed = ended?.clone().unwrap_or_default();
                Err(format!("the function ended without an answer: {printed}").into())
            }
            () = time::sleep(self.timeout) => Err("the function took longer than it may".into()),
        }
    }

    /// Waits until the process ends by itself, and returns all that it printed.
    ///
    /// # Errors
    ///
    /// If the process cannot be waited for.
    pub async fn wait(&mut self) -> Result<(ExitStatus, String)> {
        let printed = self.output.wait_for(Option::is_some).await?.clone().unwrap_or_default();
        Ok((self.child.wait()?, printed))
    }

    /// Ends the process at once, and returns all that it printed.
    ///
    /// # Errors
    ///
    /// If the process cannot be ended.
    pub async fn kill(mut self) -> Result<String> {
        self.child.kill()?;
        Ok(self.wait().await?.1)
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        self.api.abort();
        // It may have ended by itself: then there is nothing left to do.
        if self.child.kill().is_ok() {
            drop(self.child.wait());
        }
    }
}

fn spawn(function: &Function<'_>, api: &str) -> Result<(Child, watch::Receiver<Option<String>>)> {
    let (reader, writer) = pipe()?;
    let child = Command::new(function.bootstrap)
        .env_clear()
        .env("AWS_LAMBDA_RUNTIME_API", api)
        .env("AWS_LAMBDA_FUNCTION_NAME", function.name)
        .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
        .envs(&function.environment)
        .stdin(Stdio::null())
        .stdout(writer.try_clone()?)
        .stderr(writer)
        .spawn()?;
    let (sender, output) = watch::channel(None);
    thread::spawn(move || sender.send(Some(read(reader))));
    Ok((child, output))
}

fn read(mut reader: PipeReader) -> String {
    let mut printed = Vec::new();
    let failure = reader.read_to_end(&mut printed).err();
    let printed = String::from_utf8_lossy(&printed).into_owned();
    failure.map_or_else(|| printed.clone(), |error| format!("{printed}\n(the rest cannot be read: {error})"))
}

#[derive(Debug)]
struct Invocation {
    event: String,
    answer: oneshot::Sender<Answer>,
}

/// The Runtime API, as far as a function needs it.
struct Api {
    waiting: AsyncMutex<mpsc::UnboundedReceiver<Invocation>>,
    /// Handed over, not answered.
    open: Mutex<HashMap<String, oneshot::Sender<Answer>>>,
    timeout: Duration,
}

fn routes(api: Arc<Api>) -> Router {
    Router::new()
        .route("/2018-06-01/runtime/invocation/next", get(next))
        .route("/2018-06-01/runtime/invocation/{id}/response", post(response))
        .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
        .with_state(api)
}

async fn next(State(api): State<Arc<Api>>) -> Response {
    let Some(Invocation { event, answer }) = api.waiting.lock().await.recv().await else {
        return StatusCode::GONE.into_response();
    };
    let id = Uuid::new_v4().to_string();
    api.open().insert(id.clone(), answer);
    let deadline = SystemClock.now().as_millisecond().unsigned_abs() + api.timeout.as_secs() * 1000;
    let headers = [
        ("Lambda-Runtime-Aws-Request-Id", id),
        ("Lambda-Runtime-Deadline-Ms", deadline.to_string()),
        (
            "Lambda-Runtime-Invoked-Function-Arn",
            "arn:aws:lambda:eu-west-1:000000000000:function:f".to_owned(),
        ),
    ];
    (headers, event).into_response()
}

async fn response(State(api): State<Arc<Api>>, Path(id): Path<String>, body: Bytes) -> StatusCode {
    api.answer(&id, &body, Answer::Response)
}

async fn error(State(api): State<Arc<Api>>, Path(id): Path<String>, body: Bytes) -> StatusCode {
    api.answer(&id, &body, Answer::Error)
}

impl Api {
    fn answer<T: DeserializeOwned>(&self, id: &str, body: &[u8], answer: fn(T) -> Answer) -> StatusCode {
        let Ok(body) = serde_json::from_slice(body) else { return StatusCode::BAD_REQUEST };
        let Some(waiting) = self.open().remove(id) else { return StatusCode::NOT_FOUND };
        // Whoever invoked may have given up.
        waiting.send(answer(body)).map_or(StatusCode::GONE, |()| StatusCode::ACCEPTED)
    }

    fn open(&self) -> std::sync::MutexGuard<'_, HashMap<String, oneshot::Sender<Answer>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
