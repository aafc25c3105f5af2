//! One entry of the ledger.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    super::{batch_column::BatchNumber, place::Identity},
    batches::Superseded,
    range::{OpenRange, Remainder, is_zero},
    rework::Rework,
};

/// How far one table has the events of one shard.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Entry {
    /// How often it was written.
    pub version: u64,
    /// Which write made this version.
    pub writer: Uuid,
    /// The last event that is committed, and all before it are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub committed: Option<Identity>,
    /// Events that may be committed, or not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open: Option<OpenRange>,
    /// What is left of ranges that were cut: one within the other, the innermost first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub remainders: Vec<Remainder>,
    /// The batch number of the range that was closed last.
    #[serde(skip_serializing_if = "BatchNumber::is_none")]
    pub last_batch: BatchNumber,
    /// Replaced batches, whose rows may still arrive and must then be removed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub superseded: Vec<Superseded>,
    /// What became of the events.
    pub counters: Counters,
    /// Why delivery has stopped, and since when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trouble: Option<Trouble>,
    /// What is being done with the rejects, in the entry of a table's quarantine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rework: Option<Rework>,
    /// The streams, by ARN, whose sources were removed while the table was kept: it has rows of them. In the entry of a table's
    /// quarantine.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub former_streams: Vec<String>,
    /// Ranges of events that were lost before they could be delivered, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub gaps: Vec<Gap>,
    /// When a reader of the shard last found nothing after `committed`: events that have expired since then arrived later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub caught_up_at: Option<Timestamp>,
    /// Where events may have expired unseen, the last such place: the event before it had expired when it was looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub doubt: Option<Gap>,
}

/// How many gaps are kept apart: an item of DynamoDB has its limit.
const MAX_GAPS: usize = 100;

/// Events that expired before they could be delivered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Gap {
    /// The last event before them.
    pub after: Identity,
    /// The first event after them.
    pub before: Identity,
    /// When that was found out.
    pub since: Timestamp,
}

impl Entry {
    /// The batch number that was assigned last: the next one is larger.
    pub(in super::super) fn latest_batch(&self) -> BatchNumber {
        self.open.as_ref().map_or(self.last_batch, |open| open.batches.current.max(self.last_batch))
    }

    /// Adds a gap. Beyond so many, the last one grows to include it: no lost event is left out.
    pub(in super::super) fn add_gap(&mut self, gap: Gap) {
        let is_full = self.gaps.len() >= MAX_GAPS;
        match self.gaps.last_mut() {
            Some(last) if is_full => last.before = gap.before,
            _ => self.gaps.push(gap),
        }
    }
}

/// What became of the events of a shard. received = inserted + quarantined + duplicates + abandoned.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Counters {
    /// Events that came, as often as they came.
    #[serde(skip_serializing_if = "is_zero")]
    pub received: u64,
    /// Events that are rows.
    #[serde(skip_serializing_if = "is_zero")]
    pub inserted: u64,
    /// Those of them whose rows can be counted in the table, by their batch.
    #[serde(skip_serializing_if = "is_zero")]
    pub counted: u64,
    /// Events that are in quarantine.
    #[serde(skip_serializing_if = "is_zero")]
    pub quarantined: u64,
    /// Events that came again and were passed over.
    #[serde(skip_serializing_if = "is_zero")]
    pub duplicates: u64,
    /// Events that somebody has given up: they are nowhere.
    #[serde(skip_serializing_if = "is_zero")]
    pub abandoned: u64,
    /// Rejects that have become rows, in the entry of a table's quarantine.
    #[serde(skip_serializing_if = "is_zero")]
    pub replayed: u64,
    /// Rejects that were thrown away, there too.
    #[serde(skip_serializing_if = "is_zero")]
    pub discarded: u64,
    /// Rows that were inserted and deleted again: materialized views of the table may still have them.
    #[serde(skip_serializing_if = "is_zero")]
    pub taken_back: u64,
    /// The first event that was committed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first: Option<Identity>,
    /// When the last committed event arrived in the stream, as far as is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_event_time: Option<Timestamp>,
}

/// Why the events of a shard do not get into the table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Trouble {
    /// What sort of trouble.
    pub kind: TroubleKind,
    /// ClickHouse's number, where it gave one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_code: Option<u32>,
    /// Since when.
    pub since: Timestamp,
    /// What is wrong and how to fix it, if more than the number is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// What sort of trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[non_exhaustive]
pub enum TroubleKind {
    /// ClickHouse, or a materialized view in it, does not take the rows. Every attempt is the same insert.
    Failing,
    /// Whether the open range is in the table cannot be known.
    Uncertain,
}
