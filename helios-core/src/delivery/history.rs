//! The records of a shard that a batch lacks.

use std::fmt;

use aws_sdk_kinesis::Client;
use futures_util::future::{BoxFuture, FutureExt as _};
use jiff::Timestamp;

use super::{
    batch::Record,
    ledger::{LedgerKey, OpenRange},
};
use crate::{
    Error, ErrorKind, Result,
    clock::SharedClock,
    streams::{Position, ShardReader, ShardStart, compare_sequence_numbers, is_refused_argument},
};

const PAGE: usize = 10_000;
/// The record that was asked for, and the one behind it.
const ENOUGH: usize = 2;
/// How often in a row Kinesis may refuse to answer; then the batch fails, and comes again.
const MAX_THROTTLED: u32 = 4;

/// Reads what the stream still has.
pub(super) trait History: Send + Sync + fmt::Debug {
    /// The records of a range, all of them; `None` if the stream has them no longer.
    fn read<'a>(
        &'a self,
        key: &'a LedgerKey,
        range: &'a OpenRange,
        deadline: Timestamp,
    ) -> BoxFuture<'a, Result<Option<Vec<Record>>>>;

    /// The records from here on: at most `limit`, and at least two if the stream has two now. `None` if there is no stream to
    /// look at.
    fn from<'a>(
        &'a self,
        key: &'a LedgerKey,
        start: &'a ShardStart,
        limit: usize,
        deadline: Timestamp,
    ) -> BoxFuture<'a, Result<Option<Vec<Record>>>>;
}

/// The stream in Kinesis.
#[derive(Clone, Debug)]
pub(super) struct KinesisHistory {
    pub(super) client: Client,
    pub(super) clock: SharedClock,
}

impl KinesisHistory {
    fn reader(&self, key: &LedgerKey, start: ShardStart) -> ShardReader {
        let clock = std::sync::Arc::clone(&self.clock);
        ShardReader::new(self.client.clone(), &key.stream_arn, &key.shard, start, clock)
    }

    async fn records(
        &self,
        key: &LedgerKey,
        range: &OpenRange,
        deadline: Timestamp,
    ) -> Result<Option<Vec<Record>>> {
        let (first, last) = (&range.first.sequence_number, &range.last.sequence_number);
        let mut reader = self.reader(key, ShardStart::At(first.clone()));
        let mut records = Vec::new();
        while self.clock.now() < deadline {
            let page = reader.next_page(PAGE).await?;
            for record in page.records {
                let order = compare_sequence_numbers(&record.sequence_number, last);
                if order.is_gt() {
                    return Ok(None);
                }
                records.push(Record::from(record));
                // A shard whose first records have expired begins with later ones.
                if records
                    .first()
                    .is_none_or(|record| compare_sequence_numbers(&record.sequence_number, first).is_ne())
                {
                    return Ok(None);
                }
                if order.is_eq() {
                    return Ok(Some(records));
                }
            }
            if page.caught_up {
                return Ok(None);
            }
        }
        let message = "the open range could not be read from the shard in time";
        Err(Error::new(ErrorKind::Timeout, message).retryable(true))
    }

    async fn first(
        &self,
        key: &LedgerKey,
        start: &ShardStart,
        limit: usize,
        deadline: Timestamp,
    ) -> Result<Vec<Record>> {
        let mut reader = self.reader(key, start.clone());
        let mut is_first = true;
        let (mut records, mut throttled) = (Vec::new(), 0);
        while self.clock.now() < deadline {
            let page = match reader.next_page(limit - records.len()).await {
                Ok(page) => page,
                Err(error) if is_first && is_refused_argument(&error) => {
                    is_first = false;
                    if matches!(start, ShardStart::Position(_)) {
                        // By Kinesis' clock, this time is in the future.
                        return Ok(Vec::new());
                    }
                    // The stream was created again, and the number belongs to the old one: all its records come after it.
                    reader = self.reader(key, ShardStart::Position(Position::Oldest));
                    continue;
                }
                Err(error) => return Err(error),
            };
            records.extend(page.records.into_iter().map(Record::from));
            // A page may be short though there is more.
            if page.caught_up || records.len() >= limit.min(ENOUGH) {
                return Ok(records);
            }
            throttled = if page.throttled { throttled + 1 } else { 0 };
            if throttled >= MAX_THROTTLED {
                let message =
                    "Kinesis throttles the shard, so what comes before the batch cannot be looked at";
                return Err(Error::new(ErrorKind::LimitExceeded, message).retryable(true));
            }
        }
        let message = "what comes before the batch could not be looked at in time";
        Err(Error::new(ErrorKind::Timeout, message).retryable(true))
    }
}

impl History for KinesisHistory {
    fn read<'a>(
        &'a self,
        key: &'a LedgerKey,
        range: &'a OpenRange,
        deadline: Timestamp,
    ) -> BoxFuture<'a, Result<Option<Vec<Record>>>> {
        self.records(key, range, deadline).boxed()
    }

    fn from<'a>(
        &'a self,
        key: &'a LedgerKey,
        start: &'a ShardStart,
        limit: usize,
        deadline: Timestamp,
    ) -> BoxFuture<'a, Result<Option<Vec<Record>>>> {
        async move { self.first(key, start, limit, deadline).await.map(Some) }.boxed()
    }
}

/// No stream: only what a batch has can be delivered.
#[derive(Clone, Copy, Debug)]
pub(super) struct NoHistory;

impl History for NoHistory {
    fn read<'a>(
        &'a self,
        _: &'a LedgerKey,
        _: &'a OpenRange,
        _: Timestamp,
    ) -> BoxFuture<'a, Result<Option<Vec<Record>>>> {
        let message = "the batch lacks a part of the open range, and there is no stream to read it from";
        std::future::ready(Err(Error::new(ErrorKind::Conflict, message))).boxed()
    }

    fn from<'a>(
        &'a self,
        _: &'a LedgerKey,
        _: &'a ShardStart,
        _: usize,
        _: Timestamp,
    ) -> BoxFuture<'a, Result<Option<Vec<Record>>>> {
        std::future::ready(Ok(None)).boxed()
    }
}
