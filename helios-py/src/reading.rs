//! Results that are read piece by piece.

use std::{future::Future, mem, sync::Arc};

use futures_util::{StreamExt as _, stream::BoxStream};
use helios_core::{Error, ErrorKind, Result};
use tokio::sync::{Mutex, watch};

use crate::{client::closed_meanwhile, progress::Raised, runtime::is_forked};

/// The pieces of a result as they come.
pub(crate) struct Pieces<T> {
    pub(crate) stream: BoxStream<'static, Result<T>>,
    pub(crate) raised: Raised,
}

impl<T> Pieces<T> {
    /// The next piece; `None` at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<T>> {
        let Self { stream, raised } = self;
        raised.or(async { stream.next().await.transpose() }).await
    }
}

/// A result that is read. The query ends with the last of these, when it is stopped, and with its client.
///
/// A read that is given up, by Ctrl-C or a cancelled task, ends the query too.
pub(crate) struct Reading<T: Send + 'static>(Arc<Handle<T>>);

struct Handle<T: Send + 'static>(Arc<Shared<T>>);

struct Shared<T> {
    state: Mutex<State<T>>,
    stop: watch::Sender<Option<Stop>>,
}

enum State<T> {
    Open(Pieces<T>),
    /// Read to its end.
    Whole,
    /// Ended before that: nobody may take it for whole.
    Cut,
}

/// Who ended a query before its end.
#[derive(Clone, Copy)]
enum Stop {
    Reader,
    Client,
}

impl<T: Send + 'static> Reading<T> {
    /// Reads the result of a query of this client; called within the runtime.
    pub(crate) fn new(pieces: Pieces<T>, closing: Option<watch::Receiver<bool>>) -> Self {
        let shared =
            Arc::new(Shared { state: Mutex::new(State::Open(pieces)), stop: watch::Sender::new(None) });
        drop(tokio::spawn(end_when_told(Arc::clone(&shared), closing)));
        Self(Arc::new(Handle(shared)))
    }

    /// The next piece; `None` at the end of a whole result.
    pub(crate) fn next(&self) -> impl Future<Output = Result<Option<T>>> + Send + use<T> {
        let handle = Arc::clone(&self.0);
        async move { handle.0.next().await }
    }

    /// Ends the query. It may be called again.
    pub(crate) fn close(&self) -> impl Future<Output = Result<()>> + Send + use<T> {
        let shared = Arc::clone(&self.0.0);
        async move {
            shared.stop(Stop::Reader);
            shared.cut().await;
            Ok(())
        }
    }

    /// Ends the query, soon.
    pub(crate) fn stop(&self) {
        self.0.0.stop(Stop::Reader);
    }
}

impl<T: Send + 'static> Clone for Reading<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: Send + 'static> Drop for Handle<T> {
    fn drop(&mut self) {
        self.0.stop(Stop::Reader);
    }
}

impl<T: Send> Shared<T> {
    async fn next(&self) -> Result<Option<T>> {
        let mut stop = self.stop.subscribe();
        let mut state = self.state.lock().await;
        // Whoever gives up this read leaves nothing open behind.
        let mut pieces = match mem::replace(&mut *state, State::Cut) {
            State::Open(pieces) => pieces,
            State::Whole => {
                *state = State::Whole;
                return Ok(None);
            }
            State::Cut => return Err(ended(*self.stop.borrow())),
        };
        let piece = tokio::select! {
            biased;
            _ = stop.wait_for(Option::is_some) => return Err(ended(*self.stop.borrow())),
            piece = pieces.next() => piece?,
        };
        *state = if piece.is_some() { State::Open(pieces) } else { State::Whole };
        Ok(piece)
    }

    fn stop(&self, by: Stop) {
        // In a fork its threads are not there, nor whoever holds the lock.
        if !is_forked() {
            self.stop.send_if_modified(|stop| stop.is_none() && stop.replace(by).is_none());
        }
    }

    /// Drops what is not read.
    async fn cut(&self) {
        let mut state = self.state.lock().await;
        if matches!(*state, State::Open(_)) {
            *state = State::Cut;
        }
    }
}

/// A query is ended within the runtime: a server is told.
async fn end_when_told<T: Send>(shared: Arc<Shared<T>>, closing: Option<watch::Receiver<bool>>) {
    let mut stop = shared.stop.subscribe();
    // Dropped last: closing the client waits for it.
    let mut closing = closing;
    let client_closes = async {
        if let Some(closing) = &mut closing {
            drop(closing.wait_for(|closing| *closing).await);
        }
    };
    tokio::select! {
        biased;
        _ = stop.wait_for(Option::is_some) => {}
        () = client_closes => shared.stop(Stop::Client),
    }
    shared.cut().await;
}

/// Why there is no more of a result that is not whole.
fn ended(by: Option<Stop>) -> Error {
    match by {
        Some(Stop::Client) => closed_meanwhile(),
        Some(Stop::Reader) => {
            Error::new(ErrorKind::Cancelled, "the result was closed before its end; run the query again")
        }
        None => {
            let message = "the result ended before its end, in an error or a read that was given up; run the query again";
            Error::new(ErrorKind::Cancelled, message)
        }
    }
    .at("query")
}
