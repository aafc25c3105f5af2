//! Connections to the child.

use std::{
    fmt,
    future::Future,
    io::{self, IoSlice},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use futures_util::future::BoxFuture;
use http::Uri;
use hyper_util::{
    client::legacy::connect::{Connected, Connection},
    rt::TokioIo,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, ReadBuf},
    net::UnixStream,
    sync::watch,
    time::timeout,
};

use super::{
    EngineEnded,
    supervisor::{State, Watch},
    wire::Door,
};

/// How long a request waits for an engine that is being started.
const START_LIMIT: Duration = Duration::from_secs(15);
/// How soon to try again to connect.
const RETRY: Duration = Duration::from_millis(20);
/// How long after the end of a connection the end of the process is noticed.
const END_LIMIT: Duration = Duration::from_millis(200);

/// Connects to the child, through this door; waits while it is being started.
pub(super) async fn connect(shared: &Watch, door: Door) -> io::Result<(UnixStream, u64)> {
    let mut states = shared.states();
    let attempt = async {
        loop {
            let seen = states.borrow_and_update().clone();
            match seen {
                State::Ready { generation } => {
                    // It may have ended, which is noticed in a moment.
                    if let Ok(mut stream) = UnixStream::connect(shared.socket()).await
                        && stream.write_all(&[door.byte()]).await.is_ok()
                    {
                        return Ok((stream, generation));
                    }
                }
                State::Starting => {}
                State::Stopped => return Err(EngineEnded::by_shutdown().into()),
            }
            // Not only a change helps: too many may have connected at the same moment.
            if matches!(timeout(RETRY, states.changed()).await, Ok(Err(_))) {
                return Err(EngineEnded::by_shutdown().into());
            }
        }
    };
    match timeout(START_LIMIT, attempt).await {
        Ok(connected) => connected,
        Err(_) => Err(shared.ending().into()),
    }
}

/// Opens connections to an engine in a process of its own. Cheap to clone.
#[derive(Clone)]
pub struct ProcessConnector {
    pub(super) shared: Arc<Watch>,
}

impl fmt::Debug for ProcessConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProcessConnector").finish_non_exhaustive()
    }
}

impl tower_service::Service<Uri> for ProcessConnector {
    type Response = TokioIo<ProcessStream>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<TokioIo<ProcessStream>>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let shared = Arc::clone(&self.shared);
        Box::pin(async move {
            let (stream, generation) = connect(&shared, Door::Trusted).await?;
            Ok(TokioIo::new(ProcessStream { stream, generation, shared, ending: None }))
        })
    }
}

/// A connection to an engine in a process of its own, which knows why it ended. The engine closes a connection on purpose, too: in the middle of an answer that fails.
pub struct ProcessStream {
    stream: UnixStream,
    generation: u64,
    shared: Arc<Watch>,
    ending: Option<Ending>,
}

/// Why the stream has ended: to be found out, then known.
enum Ending {
    Sought(BoxFuture<'static, Option<EngineEnded>>),
    Known(Option<EngineEnded>),
}

impl fmt::Debug for ProcessStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProcessStream").field("generation", &self.generation).finish_non_exhaustive()
    }
}

impl Connection for ProcessStream {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl ProcessStream {
    fn poll_why(&mut self, context: &mut Context<'_>) -> Poll<Option<EngineEnded>> {
        let (generation, shared) = (self.generation, Arc::clone(&self.shared));
        let ending = self.ending.get_or_insert_with(|| {
            Ending::Sought(Box::pin(async move {
                let ended = ended(shared.states(), generation);
                timeout(END_LIMIT, ended).await.ok().map(|()| shared.ending())
            }))
        });
        if let Ending::Sought(seeking) = ending {
            let why = ready!(seeking.as_mut().poll(context));
            *ending = Ending::Known(why);
        }
        match ending {
            Ending::Known(why) => Poll::Ready(why.clone()),
            Ending::Sought(_) => Poll::Pending,
        }
    }

    fn poll_write_with(
        &mut self,
        context: &mut Context<'_>,
        write: impl FnOnce(Pin<&mut UnixStream>, &mut Context<'_>) -> Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if self.ending.is_none() {
            match ready!(write(Pin::new(&mut self.stream), context)) {
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
                outcome => return Poll::Ready(outcome),
            }
        }
        match ready!(self.poll_why(context)) {
            Some(ended) => Poll::Ready(Err(ended.into())),
            None => Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
        }
    }
}

/// Waits until the child of this generation is not the one that answers.
async fn ended(mut states: watch::Receiver<State>, generation: u64) {
    let is_over = |state: &State| !matches!(state, State::Ready { generation: now } if *now == generation);
    if let Err(error) = states.wait_for(is_over).await {
        tracing::trace!(%error, "Nobody watches the engine's process any more.");
    }
}

impl AsyncRead for ProcessStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut outcome = Ok(());
        if self.ending.is_none() {
            let before = buffer.filled().len();
            outcome = ready!(Pin::new(&mut self.stream).poll_read(context, buffer));
            if outcome.is_ok() && buffer.filled().len() > before {
                return Poll::Ready(Ok(()));
            }
        }
        match ready!(self.poll_why(context)) {
            Some(ended) => Poll::Ready(Err(ended.into())),
            None => Poll::Ready(outcome),
        }
    }
}

impl AsyncWrite for ProcessStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_with(context, |stream, context| stream.poll_write(context, data))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        data: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_with(context, |stream, context| stream.poll_write_vectored(context, data))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
