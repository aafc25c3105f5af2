//! A consumer in the making.

use std::{
    future::{Future, IntoFuture},
    pin::Pin,
    sync::Arc,
    time::Duration,
};

use super::HeliosClient;
use crate::{
    Result,
    delivery::{ConsumeOptions, ConsumeProgress, ConsumeReport, Consumer, OnProgress, start_consumer},
    streams::Position,
};

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

    /// Ends when every shard is delivered to its present end. Otherwise it goes on with what arrives.
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
}

impl IntoFuture for Consume {
    type Output = Result<ConsumeReport>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { self.start().await?.finished().await })
    }
}
