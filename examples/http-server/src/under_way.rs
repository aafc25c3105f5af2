//! A query from its start until ClickHouse has ended it, which can be later than its reader has left.

use std::{
    any::Any,
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::body::Bytes;
use futures_util::Stream;
use helios_core::{
    Error, ErrorKind, HeliosClient, QueryId, QueryStream, Result,
    clock::{Clock as _, SystemClock},
};
use tokio::runtime::Handle;

/// The first pause between two looks whether an abandoned query has ended. It doubles up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// After so many looks, about ten seconds, the log says that a query does not end; after so many, about ten minutes, its slot
/// is given back nevertheless.
const LOOKS_UNTIL_WARNED: u32 = 15;
const LOOKS_AT_MOST: u32 = 600;

/// Holds what a query takes of the server, its slot and its name, until the query has ended.
///
/// Dropped before, it ends the query by its name, and holds on until ClickHouse says that there is none.
pub(crate) struct UnderWay {
    client: HeliosClient,
    id: QueryId,
    /// Until the query has ended.
    held: Option<Box<dyn Any + Send + Sync>>,
}

impl UnderWay {
    /// A query of this name that is about to start.
    pub(crate) fn new(client: HeliosClient, id: QueryId, held: impl Any + Send + Sync) -> Self {
        Self { client, id, held: Some(Box::new(held)) }
    }

    /// The query has come to its end.
    fn ended(&mut self) {
        self.held = None;
    }

    /// The query has failed. What ClickHouse reports has ended; a query that was over a limit may not have stopped yet, and
    /// that of a lost connection may not have noticed.
    pub(crate) fn failed(mut self, error: &Error) {
        self.note(error);
    }

    fn note(&mut self, error: &Error) {
        let may_run = matches!(error.kind(), ErrorKind::LimitExceeded | ErrorKind::Timeout);
        if error.server_code().is_some() && !may_run {
            self.ended();
        }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let Some(held) = self.held.take() else { return };
        // Outside of a runtime the server is at its end.
        if let Ok(runtime) = Handle::try_current() {
            let (client, id) = (self.client.clone(), self.id.clone());
            drop(runtime.spawn(async move {
                end(&client, &id).await;
                drop(held);
            }));
        }
    }
}

/// Ends a query, and waits until it has.
async fn end(client: &HeliosClient, id: &QueryId) {
    let mut pause = FIRST_PAUSE;
    for look in 1..=LOOKS_AT_MOST {
        match client.cancel_query(id).await {
            Ok(cancelled) if !cancelled.found => return,
            Ok(_) => {}
            Err(error) => {
                tracing::debug!(%id, kind = %error.kind(), "Could not ask whether a query has ended.");
            }
        }
        if look == LOOKS_UNTIL_WARNED {
            tracing::warn!(%id, "A query that nobody reads does not end; it keeps its slot.");
        }
        SystemClock.sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
    tracing::error!(%id, "A query that nobody reads has not ended for minutes; its slot is given back.");
}

impl fmt::Debug for UnderWay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnderWay").field("id", &self.id).finish_non_exhaustive()
    }
}

/// The chunks of a query's result. Dropped before their end, they end the query.
#[derive(Debug)]
pub(crate) struct Chunks {
    // First: it is dropped before the end of the query is waited for.
    stream: QueryStream,
    under_way: UnderWay,
}

impl Chunks {
    pub(crate) fn new(stream: QueryStream, under_way: UnderWay) -> Self {
        Self { stream, under_way }
    }
}

impl Stream for Chunks {
    type Item = Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes>>> {
        let chunk = ready!(Pin::new(&mut self.stream).poll_next(cx));
        match &chunk {
            Some(Ok(_)) => {}
            Some(Err(error)) => {
                tracing::warn!(kind = %error.kind(), "The query failed after its answer began.");
                self.under_way.note(error);
            }
            None => self.under_way.ended(),
        }
        Poll::Ready(chunk)
    }
}
