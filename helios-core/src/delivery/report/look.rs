//! A look at the first record of a shard that is not delivered.

use std::{sync::Arc, time::Duration};

use aws_sdk_kinesis::Client;
use jiff::Timestamp;

use super::super::{
    batch::{Record, events},
    place::Identity,
};
use crate::{
    Result,
    backoff::pause,
    clock::SharedClock,
    streams::{Position, ShardReader, ShardStart},
};

/// How long to look at one shard: it may have long stretches without records.
const TIME_LIMIT: Duration = Duration::from_secs(10);
/// The record that was delivered last, and the one behind it.
const RECORDS: usize = 2;

/// Where delivery goes on in a shard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Behind this event.
    After(Identity),
    /// With this event, which was begun.
    With(Identity),
    /// At a position.
    At(Position),
}

/// What was seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    /// When the first undelivered record arrived.
    pub(super) arrival: Option<Timestamp>,
    /// Whether there is none, to the present end of the shard.
    pub(super) caught_up: bool,
    /// Whether the record that was delivered last is gone, and what was behind it perhaps with it.
    pub(super) is_unjoined: bool,
    /// Whether the range that was begun is gone, or its beginning.
    pub(super) is_open_gone: bool,
}

/// Looks, within a time limit and within Kinesis' limits.
///
/// If the event that was delivered last `is_kept` by the stream, an empty page does not prove that none follows it.
pub(super) async fn look(
    client: &Client,
    (stream_arn, shard): (&str, &str),
    (next, is_kept): (&Next, bool),
    clock: &SharedClock,
) -> Result<Seen> {
    let start = match next {
        Next::After(event) | Next::With(event) => ShardStart::At(event.sequence_number.clone()),
        Next::At(position) => ShardStart::Position(*position),
    };
    let mut reader = ShardReader::new(client.clone(), stream_arn, shard, start, Arc::clone(clock));
    let until = clock.now().saturating_add(TIME_LIMIT).unwrap_or(Timestamp::MAX);
    // The first record says whether what was delivered is still there.
    let mut seen = Seen::default();
    let (mut is_first, mut empty_pages) = (true, 0);
    while clock.now() < until {
        let page = reader.next_page(RECORDS).await?;
        for record in page.records.into_iter().map(Record::from) {
            if let Next::After(event) = next {
                let is_delivered = ends_with(&record, event);
                seen.is_unjoined |= is_first && record.sequence_number != event.sequence_number;
                is_first = false;
                if is_delivered {
                    continue;
                }
            }
            if let Next::With(event) = next {
                seen.is_open_gone = record.sequence_number != event.sequence_number;
            }
            seen.arrival = record.approximate_arrival;
            return Ok(seen);
        }
        let is_doubtful = is_first && is_kept && matches!(next, Next::After(_));
        if page.caught_up && is_doubtful {
            empty_pages += 1;
            clock.sleep(pause(empty_pages)).await;
        } else if page.caught_up {
            seen.is_open_gone = matches!(next, Next::With(_));
            seen.caught_up = true;
            return Ok(seen);
        }
    }
    Ok(seen)
}

/// Whether this is the last event of the record.
fn ends_with(record: &Record, event: &Identity) -> bool {
    record.sequence_number == event.sequence_number
        && events(std::slice::from_ref(record)).all(|found| found.place <= event.place())
}
