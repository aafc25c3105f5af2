//! Ranges of events under way: what is written down before anything is inserted.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::super::{place::Identity, schema::TableSchema};

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
    /// What the events, and their split into rows and rejects, come to: equal for equal ones.
    pub digest: String,
    /// The schema it was opened with, and will be finished with.
    pub schema: TableSchema,
    /// Schemas whose rejects are in quarantine already, from ranges that this one was cut from.
    #[serde(default)]
    pub settled: Vec<TableSchema>,
    /// The table's definition when it was opened.
    pub definition: String,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// How many blocks had been inserted into the table then, or fewer.
    pub blocks: u64,
    /// Until when the worker that took it up last may have an insert of it under way.
    pub held_until: Timestamp,
    /// Until when the workers before that may.
    #[serde(default)]
    pub others_until: Option<Timestamp>,
    /// ClickHouse's number, if it has refused this, a single event, for good.
    #[serde(default)]
    pub refusal: Option<u32>,
}

/// What is left of a range that was refused and cut: its rejects are in quarantine already.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Remainder {
    /// The last event.
    pub last: Identity,
    /// As of [`OpenRange::settled`].
    pub settled: Vec<TableSchema>,
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
            digest: String::new(),
            schema: TableSchema::default(),
            settled: Vec::new(),
            definition: String::new(),
            opened_at: Timestamp::UNIX_EPOCH,
            blocks: 0,
            held_until: Timestamp::UNIX_EPOCH,
            others_until: None,
            refusal: None,
        }
    }
}
