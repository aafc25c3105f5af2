//! A process that dies while it delivers.

use std::sync::{Arc, Mutex};

use futures_util::future::BoxFuture;
use helios_core::{
    ErrorKind, Result,
    delivery::ledger::{Entry, Ledger, LedgerKey, MemoryLedger, Written},
};
use uuid::Uuid;

/// A ledger that loses touch after so many writes: before one takes effect, or after.
#[derive(Debug)]
pub(crate) struct FailingLedger {
    pub(crate) inner: Arc<MemoryLedger>,
    pub(crate) writes_left: Mutex<u32>,
    pub(crate) takes_effect: bool,
}

impl Ledger for FailingLedger {
    fn read<'a>(&'a self, key: &'a LedgerKey) -> BoxFuture<'a, Result<Entry>> {
        self.inner.read(key)
    }

    fn write<'a>(&'a self, key: &'a LedgerKey, entry: &'a Entry) -> BoxFuture<'a, Result<Written>> {
        let is_last = {
            let mut left = self.writes_left.lock().unwrap();
            let is_last = *left == 0;
            *left = left.saturating_sub(1);
            is_last
        };
        if !is_last {
            return self.inner.write(key, entry);
        }
        let crash = Err(helios_core::Error::new(ErrorKind::Unavailable, "the process dies here"));
        Box::pin(async move {
            if self.takes_effect {
                self.inner.write(key, entry).await?;
            }
            crash
        })
    }

    fn of_source<'a>(
        &'a self,
        stream_arn: &'a str,
        table: Uuid,
    ) -> BoxFuture<'a, Result<Vec<(String, Entry)>>> {
        self.inner.of_source(stream_arn, table)
    }

    fn fold<'a>(
        &'a self,
        sum_key: &'a LedgerKey,
        entries: &'a [(String, Entry)],
        sum: &'a Entry,
    ) -> BoxFuture<'a, Result<bool>> {
        self.inner.fold(sum_key, entries, sum)
    }
}
