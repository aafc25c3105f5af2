//! What is being done with a table's rejects: written down before it is done.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    super::{
        place::Identity,
        quarantine::{RejectSelection, RejectSet},
        schema::TableSchema,
    },
    Batches, LedgerKey, RefusedEvents,
    range::is_zero,
};

/// What the entry of a table's quarantine has in place of a stream and a shard.
const QUARANTINE: &str = "quarantine";

impl LedgerKey {
    /// The entry about a table's rejects.
    #[must_use]
    pub fn of_quarantine(table: Uuid) -> Self {
        Self { stream_arn: QUARANTINE.to_owned(), shard: QUARANTINE.to_owned(), table }
    }
}

/// What is being done with a table's rejects. One thing at a time: whoever comes finishes it first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Rework {
    /// Some of them become rows.
    Replay(Box<OpenReplay>),
    /// Some of them are deleted.
    Discard(Box<OpenDiscard>),
}

/// Rejects that are being inserted into the table: they may be in it, or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct OpenReplay {
    /// The stream they came from.
    pub stream_arn: String,
    /// The shard.
    pub shard: String,
    /// The first of them.
    pub first: Identity,
    /// The last of them.
    pub last: Identity,
    /// Which between these two.
    pub selection: RejectSelection,
    /// Exactly which: others may come into quarantine between them. Empty if an older Helios has begun it.
    #[serde(default, skip_serializing_if = "RejectSet::is_empty")]
    pub rejects: RejectSet,
    /// How many fit now.
    pub rows: u64,
    /// By what ClickHouse knows the insert.
    pub token: String,
    /// As of [`OpenRange::batches`](super::OpenRange::batches).
    #[serde(flatten)]
    pub batches: Batches,
    /// The rejects among them that ClickHouse refuses now, by their positions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<RefusedEvents>,
    /// What they, and which of them fit, come to: equal for equal ones.
    pub digest: String,
    /// The schema that they fit.
    pub schema: TableSchema,
    /// As of [`OpenRange::definition`](super::OpenRange::definition).
    #[serde(default)]
    pub definition: String,
    /// As of [`OpenRange::modified`](super::OpenRange::modified).
    #[serde(default, skip_serializing_if = "is_zero")]
    pub modified: u64,
    /// When it was begun.
    pub opened_at: Timestamp,
    /// Until when the replay that took it up last may send an insert.
    #[serde(default)]
    pub held_until: Timestamp,
    /// How many blocks the table had then.
    pub blocks: u64,
    /// Whether they are rows for certain; then they only have to leave the quarantine.
    pub inserted: bool,
}

/// Rejects that are being deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct OpenDiscard {
    /// What they were selected by.
    pub selection: RejectSelection,
    /// Which of these, and so how many. Empty if an older Helios has begun it: then nothing is deleted.
    #[serde(default)]
    pub rejects: RejectSet,
}
