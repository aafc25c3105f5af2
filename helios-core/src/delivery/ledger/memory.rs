//! The ledger of one process: gone when it ends.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use futures_util::future::{BoxFuture, FutureExt as _, ready};
use uuid::Uuid;

use super::{Entry, Ledger, LedgerKey, Written};
use crate::Result;

/// Entries in memory.
#[derive(Debug, Default)]
pub struct MemoryLedger(Mutex<HashMap<LedgerKey, Entry>>);

impl MemoryLedger {
    fn entries(&self) -> MutexGuard<'_, HashMap<LedgerKey, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ledger for MemoryLedger {
    fn read<'a>(&'a self, key: &'a LedgerKey) -> BoxFuture<'a, Result<Entry>> {
        ready(Ok(self.entries().get(key).cloned().unwrap_or_default())).boxed()
    }

    fn write<'a>(&'a self, key: &'a LedgerKey, entry: &'a Entry) -> BoxFuture<'a, Result<Written>> {
        let mut entries = self.entries();
        let stored = entries.get(key).cloned().unwrap_or_default();
        let written = if stored.version + 1 == entry.version {
            entries.insert(key.clone(), entry.clone());
            Written::Done
        } else if stored.version == entry.version && stored.writer == entry.writer {
            Written::Done
        } else {
            Written::Conflict(Box::new(stored))
        };
        ready(Ok(written)).boxed()
    }

    fn of_source<'a>(
        &'a self,
        stream_arn: &'a str,
        table: Uuid,
    ) -> BoxFuture<'a, Result<Vec<(String, Entry)>>> {
        let entries = self.entries();
        let of_source = entries.iter().filter(|(key, _)| key.stream_arn == stream_arn && key.table == table);
        let mut found: Vec<_> = of_source.map(|(key, entry)| (key.shard.clone(), entry.clone())).collect();
        found.sort_by(|(left, _), (right, _)| left.cmp(right));
        ready(Ok(found)).boxed()
    }

    fn fold<'a>(
        &'a self,
        sum_key: &'a LedgerKey,
        entries: &'a [(String, Entry)],
        sum: &'a Entry,
    ) -> BoxFuture<'a, Result<bool>> {
        let mut stored = self.entries();
        let key = |shard: &String| LedgerKey { shard: shard.clone(), ..sum_key.clone() };
        let version = |key: &LedgerKey| stored.get(key).map_or(0, |entry| entry.version);
        let is_same = version(sum_key) + 1 == sum.version
            && entries.iter().all(|(shard, entry)| version(&key(shard)) == entry.version);
        if is_same {
            for (shard, _) in entries {
                stored.remove(&key(shard));
            }
            stored.insert(sum_key.clone(), sum.clone());
        }
        ready(Ok(is_same)).boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_write_meets_the_version_it_was_made_from_or_nothing_happens() {
        let ledger = MemoryLedger::default();
        let key =
            LedgerKey { stream_arn: "arn".to_owned(), shard: "s".to_owned(), table: Uuid::from_u128(1) };
        assert_eq!(ledger.read(&key).await.unwrap(), Entry::default());
        let first = Entry { version: 1, writer: Uuid::from_u128(1), ..Entry::default() };
        let other = Entry { version: 1, writer: Uuid::from_u128(2), ..Entry::default() };
        assert_eq!(ledger.write(&key, &first).await.unwrap(), Written::Done);
        assert_eq!(ledger.write(&key, &first).await.unwrap(), Written::Done);
        assert_eq!(ledger.write(&key, &other).await.unwrap(), Written::Conflict(Box::new(first.clone())));
        assert_eq!(ledger.read(&key).await.unwrap(), first);
        let of_source = |table| ledger.of_source("arn", Uuid::from_u128(table));
        assert_eq!(of_source(1).await.unwrap(), [("s".to_owned(), first.clone())]);
        assert_eq!(of_source(2).await.unwrap(), []);
    }
}
