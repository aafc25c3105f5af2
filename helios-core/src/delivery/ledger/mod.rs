//! The ledger: what was delivered, per stream, shard and table.
//!
//! Every write is conditional on the version that was read: whoever has slept through another's write cannot move it.

mod batches;
mod dynamo;
mod entry;
mod former;
mod memory;
mod range;
mod refused;
mod rework;
mod schemas;

use std::{fmt, sync::Arc};

use futures_util::future::BoxFuture;
use uuid::Uuid;

pub(super) use batches::RowsByBatch;
pub use batches::{Batches, Superseded};
pub use dynamo::{DEFAULT_LEDGER_TABLE, DynamoLedger};
pub use entry::{Counters, Entry, Gap, Trouble, TroubleKind};
pub(super) use former::{Listed, fold_former};
pub use memory::MemoryLedger;
pub use range::{OpenRange, Remainder};
pub use refused::{Offsets, RefusedEvents};
pub(super) use refused::{refused_behind, refused_within};
pub use rework::{OpenDiscard, OpenReplay, Rework};

use crate::Result;

/// What an entry is about: one shard of a stream, and one table that it fills.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LedgerKey {
    /// The stream's ARN.
    pub stream_arn: String,
    /// The shard's id.
    pub shard: String,
    /// The table's UUID.
    pub table: Uuid,
}

/// Whether a write took effect.
#[derive(Clone, Debug, PartialEq)]
pub enum Written {
    /// It did.
    Done,
    /// It did not: this is what somebody else wrote before.
    Conflict(Box<Entry>),
}

/// Where entries are kept.
pub trait Ledger: Send + Sync + fmt::Debug {
    /// The entry as it is now; of version 0 where there is none.
    fn read<'a>(&'a self, key: &'a LedgerKey) -> BoxFuture<'a, Result<Entry>>;

    /// Writes an entry if the one that is there has the version just below its own.
    ///
    /// Repeating a write that took effect is no conflict: its `writer` tells.
    fn write<'a>(&'a self, key: &'a LedgerKey, entry: &'a Entry) -> BoxFuture<'a, Result<Written>>;

    /// The entries of all shards of one source, by shard.
    fn of_source<'a>(
        &'a self,
        stream_arn: &'a str,
        table: Uuid,
    ) -> BoxFuture<'a, Result<Vec<(String, Entry)>>>;

    /// Writes the sum of entries, and deletes them, at once. `false` if one of them, or the sum, has another version by now:
    /// then nothing has happened.
    fn fold<'a>(
        &'a self,
        sum_key: &'a LedgerKey,
        entries: &'a [(String, Entry)],
        sum: &'a Entry,
    ) -> BoxFuture<'a, Result<bool>>;

    /// How many entries can be folded at once.
    fn most_folded(&self) -> usize {
        // A transaction of DynamoDB has at most 100 items, and the sum is one of them.
        99
    }
}

/// What the entry that sums up shards which no longer exist has in place of a shard's id.
pub const FORMER_SHARDS: &str = "former";

/// A shared ledger.
pub type SharedLedger = Arc<dyn Ledger>;
