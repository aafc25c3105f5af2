//! A running consumer, as whoever started it holds it.

use std::sync::Arc;

use tokio::{sync::watch, task::JoinHandle};

use super::{
    progress::{Board, ConsumeProgress},
    report::ConsumeReport,
};
use crate::{Error, ErrorKind, Result};

/// A running consumer. Dropping it ends it at once, as a crash would: nothing is lost or doubled by that.
#[derive(Debug)]
#[must_use = "a consumer ends when it is dropped"]
pub struct Consumer {
    task: JoinHandle<Result<ConsumeReport>>,
    board: Arc<Board>,
    stop: StopConsumer,
}

/// Stops a consumer from elsewhere, while somebody waits for its end.
#[derive(Clone, Debug)]
pub struct StopConsumer(watch::Sender<bool>);

impl StopConsumer {
    /// Asks the consumer to end. It does so within a second.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

impl Consumer {
    pub(super) fn new(
        task: JoinHandle<Result<ConsumeReport>>,
        board: Arc<Board>,
        stop: watch::Sender<bool>,
    ) -> Self {
        Self { task, board, stop: StopConsumer(stop) }
    }

    /// What it has done so far.
    #[must_use]
    pub fn progress(&self) -> ConsumeProgress {
        self.board.progress()
    }

    /// What stops it from elsewhere.
    #[must_use]
    pub fn stopper(&self) -> StopConsumer {
        self.stop.clone()
    }

    /// Stops it, within a second. What was being delivered is committed, or is left as an open range in the ledger, which
    /// the next consumer, or the delivery function, finishes.
    ///
    /// # Errors
    ///
    /// Why it had ended before.
    pub async fn stop(self) -> Result<ConsumeReport> {
        self.stop.stop();
        self.finished().await
    }

    /// Waits until it ends: by itself, by its time limit, or because it was stopped.
    ///
    /// # Errors
    ///
    /// What keeps a shard from being delivered, if it was to run until it has caught up and another attempt would not
    /// help; that the stream is gone.
    pub async fn finished(mut self) -> Result<ConsumeReport> {
        match (&mut self.task).await {
            Ok(report) => report.map_err(|error| error.at("consume")),
            Err(error) => {
                let message = "the consumer panicked; what it said is in the log before this";
                Err(Error::new(ErrorKind::Unexpected, message).at("consume").caused_by(error))
            }
        }
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        self.task.abort();
    }
}
