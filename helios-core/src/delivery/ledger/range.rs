//! Ranges of events under way: what is written down before anything is inserted.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    super::{place::Identity, schema::TableSchema},
    batches::Batches,
    refused::RefusedEvents,
};

/// Events that are being inserted, or were when somebody stopped: they may be in the table, or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct OpenRange {
    /// The first event.
    pub first: Identity,
    /// The last event.
    pub last: Identity,
    /// How many events these are.
    pub events: u64,
    /// How many of them are rows.
    pub rows: u64,
    /// By what ClickHouse knows its inserts, apart from what is inserted.
    pub token: String,
    /// The batch numbers of its rows, by which they are counted.
    #[serde(flatten)]
    pub batches: Batches,
    /// How often its token was replaced because it proved nothing.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub generation: u64,
    /// What the events, and their split into rows and rejects, come to: equal for equal ones.
    pub digest: String,
    /// The schema it was opened with, and will be finished with.
    pub schema: TableSchema,
    /// Schemas whose rejects are in quarantine already, from ranges that this one was cut from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub settled: Vec<TableSchema>,
    /// Its events that ClickHouse refuses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<RefusedEvents>,
    /// The table's definition when it was opened.
    pub definition: String,
    /// When that last changed, in seconds since 1970.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub modified: u64,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// How many blocks had been inserted into the table then, or fewer.
    pub blocks: u64,
    /// Until when the worker that took it up last may have an insert of it under way.
    pub held_until: Timestamp,
    /// Until when the workers before that may, if its rows cannot be counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub others_until: Option<Timestamp>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
pub(super) fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// What is left of a range that was refused and cut: its rejects are in quarantine already.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Remainder {
    /// The last event.
    pub last: Identity,
    /// As of [`OpenRange::settled`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub settled: Vec<TableSchema>,
    /// As in [`OpenRange::refused`], with places counted from the first event that is not committed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<RefusedEvents>,
}

#[cfg(test)]
impl OpenRange {
    /// One of which a test sets what matters to it.
    pub(in super::super) fn for_test() -> Self {
        Self {
            first: Identity::default(),
            last: Identity::default(),
            events: 0,
            rows: 0,
            token: String::new(),
            batches: Batches::default(),
            generation: 0,
            digest: String::new(),
            schema: TableSchema::default(),
            settled: Vec::new(),
            refused: Vec::new(),
            definition: String::new(),
            modified: 0,
            opened_at: Timestamp::UNIX_EPOCH,
            blocks: 0,
            held_until: Timestamp::UNIX_EPOCH,
            others_until: None,
        }
    }
}
