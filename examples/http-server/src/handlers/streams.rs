//! `GET /api/streams` and `POST /api/put-events`

use helios_core::{EventsPut, PutEvents, Stream};

use super::operation::{answer, answer_apart, operation};
use crate::openapi::streams::{EventsPutAnswer, PutEventsRequest, StreamAnswer};

operation! {
    /// Every stream that the caller sees in the region, by name.
    streams at get "/api/streams" for Caller:
    Vec<Stream> as Vec<StreamAnswer>,
    |client| answer(client.streams())
}

operation! {
    /// Puts events into a stream. Nothing is put unless each of them can be.
    put_events at "/api/put-events" for Caller:
    PutEvents as PutEventsRequest => EventsPut as EventsPutAnswer,
    |client, put| answer_apart(async move { client.put_events(&put).await })
}
