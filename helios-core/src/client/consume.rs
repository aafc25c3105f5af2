//! A consumer in the making.

use std::{
    future::{Future, IntoFuture},
    pin::{Pin, pin},
    sync::Arc,
    time::Duration,
};

use tokio::sync::watch;

use super::HeliosClient;
use crate::{
    Result,
    clock::SharedClock,
    delivery::{
        ConsumeOptions, ConsumeProgress, ConsumeReport, Consumer, OnProgress, StopConsumer, start_consumer,
    },
    streams::Position,
};

/// How long [`Consume::run_while`] is silent where nothing happens.
const SILENCE: Duration = Duration::from_secs(1);

/// A consumer in the making: await it to run it to its end, or [`start`](Self::start) it.
#[derive(Clone, Debug)]
#[must_use = "a consumer runs when it is awaited or started"]
pub struct Consume {
    client: HeliosClient,
    options: ConsumeOptions,
    on_progress: Option<OnProgress>,
}

impl Consume {
    pub(super) fn new(client: HeliosClient, stream: String) -> Self {
        let options = ConsumeOptions { until_caught_up: false, ..ConsumeOptions::new(stream) };
        Self { client, options, on_progress: None }
    }

    /// Takes all options from `options`, in place of those set before.
    pub fn options(mut self, options: ConsumeOptions) -> Self {
        self.options = options;
        self
    }

    /// Ends when every shard is delivered to its present end. Default: it goes on with what arrives.
    pub fn until_caught_up(mut self) -> Self {
        self.options.until_caught_up = true;
        self
    }

    /// Ends after this long.
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.options.time_limit = Some(limit);
        self
    }

    /// Sets where to begin in shards of which nothing was delivered yet. Default: where each source was created to begin.
    pub fn position(mut self, position: Position) -> Self {
        self.options.position = Some(position);
        self
    }

    /// Sets what is called after each batch. It must not block.
    pub fn on_progress(mut self, call: impl Fn(&ConsumeProgress) + Send + Sync + 'static) -> Self {
        self.on_progress = Some(OnProgress::new(call));
        self
    }

    /// Starts it in the background.
    ///
    /// # Errors
    ///
    /// As [`HeliosClient::consume`], for what is known to be wrong before anything is read.
    pub async fn start(self) -> Result<Consumer> {
        let Self { client, options, on_progress } = self;
        let start = async {
            let mappings = client.mappings().await?;
            let deliverer = client.deliverer().await?;
            let clock = Arc::clone(client.clock());
            start_consumer(&client.0.session, &mappings, deliverer, clock, options, on_progress).await
        };
        start.await.map_err(|error| error.at("consume"))
    }

    /// Runs it to its end, and asks on the way whether to go on, showing what it has done so far: after batches, of several
    /// at once after the last, and once a second where none comes. It stops when the answer is `false`.
    ///
    /// It asks whoever awaits it, one question after the other: an answer that takes its time holds up no delivery.
    ///
    /// ```no_run
    /// # async fn example(client: helios_core::HeliosClient) -> helios_core::Result<()> {
    /// let report = client.consume("clicks").run_while(|so_far| so_far.received < 1_000_000).await?;
    /// println!("{} events, {} of them in quarantine", report.received, report.quarantined);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`HeliosClient::consume`].
    pub async fn run_while(self, go_on: impl FnMut(&ConsumeProgress) -> bool) -> Result<ConsumeReport> {
        self.start_watched().await?.run_while(go_on).await
    }

    /// Starts it in the background, to be asked on the way.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    pub async fn start_watched(mut self) -> Result<WatchedConsumer> {
        let (news, told) = watch::channel(ConsumeProgress::default());
        let besides = self.on_progress.take();
        let clock = Arc::clone(self.client.clock());
        let consumer = self.on_progress(move |so_far| {
            // Shards tell at the same time: what comes later may be the older figure.
            news.send_if_modified(|last| {
                let is_newer = so_far.records > last.records;
                if is_newer {
                    last.clone_from(so_far);
                }
                is_newer
            });
            if let Some(besides) = &besides {
                besides.call(so_far);
            }
        });
        Ok(WatchedConsumer { consumer: consumer.start().await?, told, clock })
    }
}

/// A running consumer that asks whoever awaits it whether to go on. Dropping it ends it at once, as a crash would: nothing is
/// lost or doubled by that.
#[derive(Debug)]
#[must_use = "a consumer ends when it is dropped"]
pub struct WatchedConsumer {
    consumer: Consumer,
    told: watch::Receiver<ConsumeProgress>,
    clock: SharedClock,
}

impl WatchedConsumer {
    /// What stops it from elsewhere.
    #[must_use]
    pub fn stopper(&self) -> StopConsumer {
        self.consumer.stopper()
    }

    /// Waits for its end, as [`Consume::run_while`].
    ///
    /// # Errors
    ///
    /// As [`HeliosClient::consume`].
    pub async fn run_while(self, mut go_on: impl FnMut(&ConsumeProgress) -> bool) -> Result<ConsumeReport> {
        let Self { consumer, mut told, clock } = self;
        let stop = consumer.stopper();
        let mut finished = pin!(consumer.finished());
        let mut goes_on = true;
        loop {
            tokio::select! {
                biased;
                Ok(()) = told.changed() => {}
                report = &mut finished => return report,
                () = clock.sleep(SILENCE) => {}
            }
            let so_far = told.borrow_and_update().clone();
            if goes_on && !go_on(&so_far) {
                goes_on = false;
                stop.stop();
            }
        }
    }
}

impl IntoFuture for Consume {
    type Output = Result<ConsumeReport>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { self.start().await?.finished().await })
    }
}
