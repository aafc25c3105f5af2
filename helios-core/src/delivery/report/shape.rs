//! What a report says.

use jiff::Timestamp;
use serde::Serialize;
use uuid::Uuid;

use super::super::ledger::TroubleKind;
use crate::{Error, ErrorKind, Result};

/// What became of the events of a source.
///
/// `balanced` is the proof: in every shard received = inserted + quarantined + duplicates + abandoned, no event is known to
/// be missing or in doubt, no shard has stopped, no events have waited for more than half the stream's retention, and the
/// row count matches, if rows were counted.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct DeliveryReport {
    /// The stream's name.
    pub stream_name: String,
    /// The stream's ARN.
    #[serde(rename = "streamARN")]
    pub stream_arn: String,
    /// The table's name, without its database.
    pub table_name: String,
    /// The table's database.
    pub database_name: String,
    /// The table's UUID.
    #[serde(rename = "tableUUID")]
    pub table_uuid: Uuid,
    /// Whether all events that came are accounted for.
    pub balanced: bool,
    /// Events that came, as often as they came.
    pub received: u64,
    /// Events that became rows.
    pub inserted: u64,
    /// Events that went to quarantine.
    pub quarantined: u64,
    /// Events that came again, and were passed over.
    pub duplicates: u64,
    /// Events that somebody has given up.
    pub abandoned: u64,
    /// Each shard of the stream, and each that the ledger knows, by its id.
    pub shards: Vec<ShardReport>,
    /// What of all this is, or was, in quarantine.
    pub quarantine: QuarantineCounts,
    /// The number of rows in the table, compared with what was inserted. `null` unless `countRows` was set and the rows can
    /// be counted.
    pub counted: Option<RowCount>,
    /// What is wrong, for a person; empty if `balanced`.
    pub errors: Vec<String>,
    /// What puts the delivery at risk, for a person.
    pub warnings: Vec<String>,
}

impl DeliveryReport {
    /// Makes what is wrong an error.
    ///
    /// # Errors
    ///
    /// [`Conflict`](ErrorKind::Conflict) with the first of `errors`, unless the report is balanced.
    pub fn check(&self) -> Result<()> {
        let Some(first) = self.errors.first() else { return Ok(()) };
        Err(Error::new(ErrorKind::Conflict, first.clone())
            .at("delivery_report")
            .with("stream", &self.stream_name)
            .with("table", format!("{}.{}", self.database_name, self.table_name)))
    }
}

/// What became of the events of one shard.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ShardReport {
    /// The shard's id; `former` for the sum of all shards that the stream no longer has.
    pub shard: String,
    /// How it stands.
    pub state: ShardState,
    /// Events that came, as often as they came.
    pub received: u64,
    /// Events that became rows.
    pub inserted: u64,
    /// Events that went to quarantine.
    pub quarantined: u64,
    /// Events that came again, and were passed over.
    pub duplicates: u64,
    /// Events that somebody has given up.
    pub abandoned: u64,
    /// The first event that was delivered: sequence number, dot, place in the record.
    pub from: Option<String>,
    /// The last event that was delivered, and all between the two were.
    pub to: Option<String>,
    /// When the last event that was delivered arrived in the stream.
    pub last_event_time: Option<Timestamp>,
    /// How old the oldest undelivered event is; 0 if there is none, `null` if that could not be found out.
    pub lag_seconds: Option<f64>,
    /// After how long that event expires.
    pub expires_in_seconds: Option<f64>,
    /// The range that may be in the table, or not: first event, hyphen, last event.
    pub open_range: Option<String>,
    /// Why it does not go on.
    pub trouble: Option<DeliveryTrouble>,
    /// Ranges of events that were lost before they could be delivered.
    pub gaps: Vec<GapReport>,
}

/// How a shard stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum ShardState {
    /// All there is in it is delivered.
    CaughtUp,
    /// Somebody is inserting events of it.
    Delivering,
    /// It is closed, and all of it is delivered.
    Finished,
    /// There are events to be delivered, and at this moment nobody is inserting them.
    #[default]
    Waiting,
    /// ClickHouse does not take its events.
    Failing,
    /// Whether its open range is in the table cannot be known.
    Uncertain,
}

/// Why a shard does not go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct DeliveryTrouble {
    /// What sort of trouble.
    pub kind: DeliveryTroubleKind,
    /// ClickHouse's number, where it gave one.
    pub server_code: Option<u32>,
    /// Since when.
    pub since: Timestamp,
}

/// What sort of trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum DeliveryTroubleKind {
    /// ClickHouse does not take the events.
    Failing,
    /// Whether the open range is in the table cannot be known.
    Uncertain,
}

impl From<TroubleKind> for DeliveryTroubleKind {
    fn from(kind: TroubleKind) -> Self {
        match kind {
            TroubleKind::Failing => Self::Failing,
            TroubleKind::Uncertain => Self::Uncertain,
        }
    }
}

/// A range of events that were lost before they could be delivered; how many they were nobody knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GapReport {
    /// The last event before them.
    pub after: String,
    /// The first event after them.
    pub before: String,
    /// When that was found out.
    pub since: Timestamp,
}

/// How many rows Helios has inserted into a table, for all its sources.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RowCount {
    /// Rows that the table has.
    pub rows: u64,
    /// Rows that it must have at least: those whose insert has finished.
    pub expected: u64,
    /// Rows that it may have in addition: those whose insert is in progress.
    pub under_way: u64,
}

/// The quarantine of a table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct QuarantineCounts {
    /// Events in it now.
    pub events: u64,
    /// Events that were replayed into the table since.
    pub replayed: u64,
    /// Events that were discarded.
    pub discarded: u64,
}
