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
    streams::{ShardReader, ShardStart, compare_sequence_numbers},
};

const PAGE: usize = 10_000;

/// Reads what the stream still has.
pub(super) trait History: Send + Sync + fmt::Debug {
    /// The records of a range, all of them; `None` if the stream has them no longer.
    fn read<'a>(
        &'a self,
        key: &'a LedgerKey,
        range: &'a OpenRange,
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
    async fn records(
        &self,
        key: &LedgerKey,
        range: &OpenRange,
        deadline: Timestamp,
    ) -> Result<Option<Vec<Record>>> {
        let (first, last) = (&range.first.sequence_number, &range.last.sequence_number);
        let start = ShardStart::At(first.clone());
        let (client, clock) = (self.client.clone(), std::sync::Arc::clone(&self.clock));
        let mut reader = ShardReader::new(client, &key.stream_arn, &key.shard, start, clock);
        let mut records = Vec::new();
        while self.clock.now() < deadline {
            let page = reader.next_page(PAGE).await?;
            for record in page.records {
                let order = compare_sequence_numbers(&record.sequence_number, last);
                if order.is_gt() {
                    return Ok(None);
                }
                records.push(Record {
                    sequence_number: record.sequence_number,
                    data: record.data,
                    approximate_arrival: Some(record.arrived_at),
                });
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
}
