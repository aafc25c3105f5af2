//! The streams of the account, and events for them.

use futures_util::FutureExt as _;

use super::HeliosClient;
use crate::{
    Result,
    streams::{self, EventsPut, PutEvents, Stream},
};

impl HeliosClient {
    /// Every stream that the credentials see in their region, by name.
    ///
    /// # Errors
    ///
    /// [`PermissionDenied`](crate::ErrorKind::PermissionDenied): it needs `kinesis:ListStreams`; what else AWS says.
    #[tracing::instrument(skip_all)]
    pub async fn streams(&self) -> Result<Vec<Stream>> {
        streams::list(&self.0.session).await.map_err(|error| error.at("streams"))
    }

    /// Puts events into a stream, as many as one likes. Nothing is put unless each of them can be; what a busy stream does not
    /// take at once is put again, after what follows it.
    ///
    /// ```no_run
    /// # async fn example(client: helios_core::HeliosClient) -> helios_core::Result<()> {
    /// use helios_core::PutEvents;
    /// use serde_json::{json, value::to_raw_value};
    ///
    /// let events = (0..1000).map(|id| to_raw_value(&json!({"id": id, "page": "/cart"}))).collect::<Result<_, _>>();
    /// let put = PutEvents::new("clicks", events.unwrap()).partition_key("/id".parse()?);
    /// println!("{} events are in the stream", client.put_events(&put).await?.events);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) for what is no JSON object or has no partition key, naming it by its
    /// number; [`NotFound`](crate::ErrorKind::NotFound); [`PermissionDenied`](crate::ErrorKind::PermissionDenied): it needs
    /// `kinesis:PutRecords`; [`LimitExceeded`](crate::ErrorKind::LimitExceeded) for a stream that goes on being busy. Where some
    /// of the events are in the stream, the context `not_put` says which are not, counted from 0: `"17, 33-35"`.
    #[tracing::instrument(skip_all, fields(stream = put.stream_name, events = put.events.len()))]
    pub async fn put_events(&self, put: &PutEvents) -> Result<EventsPut> {
        let done = streams::put_events(&self.0.session, put, &self.0.clock).boxed();
        done.await.map_err(|error| error.at("put_events").with("stream", &put.stream_name))
    }
}
