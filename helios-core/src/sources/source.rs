//! What is shown of a source.

use jiff::Timestamp;
use serde::Serialize;
use uuid::Uuid;

use super::{Delivery, Trigger};
use crate::delivery::ledger::Entry;

/// One source: `{"streamName", "streamType": "kinesis", "tableName", "createdOn": "MM-DD-YYYY", …}`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Source {
    /// Its id, by which it is paused, resumed and removed. `null` for what cannot be read.
    pub id: Option<Uuid>,
    /// The stream's name.
    pub stream_name: String,
    /// `kinesis`.
    pub stream_type: String,
    /// The table's name, without its database.
    pub table_name: String,
    /// The day of creation in UTC, `MM-DD-YYYY`; empty if that is not known.
    pub created_on: String,
    /// The table's database.
    pub database_name: String,
    /// The stream's ARN.
    #[serde(rename = "streamARN")]
    pub stream_arn: String,
    /// The table's UUID.
    #[serde(rename = "tableUUID")]
    pub table_uuid: Option<Uuid>,
    /// How it stands.
    pub state: SourceState,
    /// Who delivers.
    pub delivery: Delivery,
    /// The user or role that created it, as AWS knows them.
    pub created_by: Option<String>,
    /// The trigger of its stream, which the stream's other tables share. `null` if there is none, or that could not be found
    /// out.
    pub trigger: Option<Trigger>,
    /// What was delivered, by the ledger. `null` if that could not be found out.
    pub delivered: Option<DeliverySummary>,
    /// What is wrong, and what to do, for a person.
    pub problems: Vec<String>,
}

/// How a source stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum SourceState {
    /// It is being created, or that was interrupted.
    Pending,
    /// Its events are delivered.
    Active,
    /// Its events are not delivered until somebody resumes it.
    Paused,
    /// Its events should be delivered, and are not.
    Failing,
    /// Its table or its trigger is gone, or its mapping cannot be read.
    Orphaned,
    /// It is being removed, or that was interrupted.
    Removing,
}

/// What was delivered of a source, of all shards together, by the ledger; `delivery_report` has each of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct DeliverySummary {
    /// Events that came, as often as they came.
    pub received: u64,
    /// Events that became rows.
    pub inserted: u64,
    /// Events that went to quarantine.
    pub quarantined: u64,
    /// Shards whose events ClickHouse does not take, or of which it is not known whether they are in the table.
    pub troubled_shards: u64,
    /// When the last event that was delivered arrived in the stream.
    pub last_event_time: Option<Timestamp>,
}

impl DeliverySummary {
    pub(super) fn of(entries: &[(String, Entry)]) -> Self {
        let sum = |part: fn(&Entry) -> u64| entries.iter().map(|(_, entry)| part(entry)).sum();
        Self {
            received: sum(|entry| entry.counters.received),
            inserted: sum(|entry| entry.counters.inserted),
            quarantined: sum(|entry| entry.counters.quarantined),
            troubled_shards: sum(|entry| u64::from(entry.trouble.is_some())),
            last_event_time: entries.iter().filter_map(|(_, entry)| entry.counters.last_event_time).max(),
        }
    }
}
