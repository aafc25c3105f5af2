//! Pages of a shard, gathered into batches.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::super::batch::{Batch, Record};
use crate::{
    Error, Result,
    clock::SharedClock,
    streams::{Page, ShardReader},
};

/// A batch is handed over when it has this much, or sooner: of a shard that is read to its present end, at once.
const MAX_RECORDS: usize = 10_000;
const MAX_BYTES: usize = 16 * 1024 * 1024;
const MAX_AGE: Duration = Duration::from_secs(1);
/// A shard that has nothing new is asked less often, down to this: it allows five reads a second, to all its readers.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// What was gathered.
#[derive(Debug)]
pub(super) struct Gathered {
    pub(super) batch: Batch,
    pub(super) caught_up: bool,
    pub(super) ended: bool,
    /// Its place in memory, held until it is delivered.
    _place: Option<OwnedSemaphorePermit>,
}

/// Reads one shard, and gathers.
#[derive(Debug)]
pub(super) struct Gatherer {
    reader: ShardReader,
    stream_arn: String,
    shard: String,
    clock: SharedClock,
    places: Arc<Semaphore>,
    /// The last record that was gathered.
    last: Option<String>,
    empty_reads: u32,
}

impl Gatherer {
    pub(super) fn new(
        reader: ShardReader,
        (stream_arn, shard): (&str, &str),
        clock: SharedClock,
        places: Arc<Semaphore>,
    ) -> Self {
        let (stream_arn, shard) = (stream_arn.to_owned(), shard.to_owned());
        Self { reader, stream_arn, shard, clock, places, last: None, empty_reads: 0 }
    }

    /// The next batch. It is empty only when the shard is caught up or has ended.
    pub(super) async fn next(&mut self) -> Result<Gathered> {
        let (mut records, mut bytes, mut since) = (Vec::new(), 0, None::<Timestamp>);
        let mut place = None;
        loop {
            self.rest().await;
            if place.is_none() {
                let places = Arc::clone(&self.places);
                let closed = |error| Error::unexpected("the consumer's places are gone").caused_by(error);
                place = Some(places.acquire_owned().await.map_err(closed)?);
            }
            let page = self.reader.next_page(MAX_RECORDS - records.len()).await?;
            let Page { caught_up, ended, .. } = page;
            // A page without records says nothing while there is more.
            let has_nothing = page.records.is_empty() && caught_up;
            self.empty_reads = if has_nothing { self.empty_reads.saturating_add(1) } else { 0 };
            bytes += page.records.iter().map(|record| record.data.len()).sum::<usize>();
            records.extend(page.records.into_iter().map(Record::from));
            if records.is_empty() && !caught_up {
                // Whoever has nothing takes no place.
                place = None;
                continue;
            }
            let now = self.clock.now();
            let age = now.duration_since(*since.get_or_insert(now)).unsigned_abs();
            let is_full = records.len() >= MAX_RECORDS || bytes >= MAX_BYTES;
            if caught_up || is_full || age >= MAX_AGE {
                let follows = self.last.clone();
                self.last = records.last().map(|record| record.sequence_number.clone()).or(self.last.take());
                let (stream_arn, shard) = (self.stream_arn.clone(), self.shard.clone());
                let batch = Batch { stream_arn, shard, records, follows };
                return Ok(Gathered { batch, caught_up, ended, _place: place });
            }
        }
    }

    /// Waits until the shard may be read, and longer if it had nothing.
    async fn rest(&mut self) {
        if self.empty_reads > 0 {
            let pause = FIRST_PAUSE.saturating_mul(1 << (self.empty_reads - 1).min(8)).min(LONGEST_PAUSE);
            self.clock.sleep(pause).await;
        }
        self.reader.ready().await;
    }
}
