//! Settling what cannot be known: a person has looked, and says what became of an open range.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    ledger::{Counters, Entry, LedgerKey, OpenRange, OpenReplay, Rework, SharedLedger, Written},
    target::Target,
};
use crate::{Error, ErrorKind, Result, clock::SharedClock, warehouse::default_database};

/// Which open range to settle, and how: `{"tableName", "databaseName", "streamName", "shard", "outcome"}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct SettleRange {
    /// The table.
    pub table_name: String,
    /// Its database. Default: `default`.
    #[serde(default = "default_database")]
    pub database_name: String,
    /// The stream, if several feed the table.
    #[serde(default)]
    pub stream_name: Option<String>,
    /// The shard; `quarantine` for a replay of rejects that was interrupted.
    pub shard: String,
    /// What became of the range.
    pub outcome: Outcome,
}

/// What became of an open range: somebody has looked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Outcome {
    /// Its rows are in the table: it is closed.
    Committed,
    /// None of its rows is in the table: they are inserted, as if for the first time.
    Absent,
    /// It is given up: what is not in the table is lost, and counted as abandoned. Rejects stay in quarantine.
    Abandon,
}

impl SettleRange {
    /// The open range of a shard, of the one stream that feeds this table of the database `default`.
    pub fn new(table: impl Into<String>, shard: impl Into<String>, outcome: Outcome) -> Self {
        Self {
            table_name: table.into(),
            database_name: default_database(),
            stream_name: None,
            shard: shard.into(),
            outcome,
        }
    }

    /// Sets the database.
    #[must_use]
    pub fn database(mut self, database: impl Into<String>) -> Self {
        self.database_name = database.into();
        self
    }

    /// Sets the stream.
    #[must_use]
    pub fn stream(mut self, stream: impl Into<String>) -> Self {
        self.stream_name = Some(stream.into());
        self
    }
}

/// A range that was settled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RangeSettled {
    /// The shard.
    pub shard: String,
    /// The first event of the range and its last.
    pub range: String,
    /// How.
    pub outcome: Outcome,
    /// What follows, for a person.
    pub message: String,
}

/// Settles the open range of a shard and table. One that delivery can finish by itself is left to it.
pub(super) async fn settle(
    (ledger, clock): (&SharedLedger, &SharedClock),
    key: &LedgerKey,
    target: &Target,
    outcome: Outcome,
) -> Result<RangeSettled> {
    let entry = ledger.read(key).await?;
    // One that nobody holds may be of a shard that is no more.
    let is_left = entry.open.as_ref().is_some_and(|open| open.held_until < clock.now());
    if entry.trouble.is_none() && !is_left {
        let message =
            "no range of this shard is UNCERTAIN, failing or left behind: delivery goes on by itself";
        return Err(Error::new(ErrorKind::Conflict, message).with("shard", &key.shard));
    }
    let now = (clock.now(), target.blocks);
    let (range, message, settled) = match (&entry.open, &entry.rework) {
        (Some(open), _) => {
            let (message, settled) = settle_range(&entry, open, outcome, now);
            (format!("{}-{}", open.first, open.last), message, settled)
        }
        (None, Some(Rework::Replay(open))) => {
            let (message, settled) = settle_replay(&entry, open, outcome);
            (format!("{}-{}", open.first, open.last), message, settled)
        }
        (None, _) => {
            let message = "no range of this shard is open: what troubles it goes away with the next batch";
            return Err(Error::new(ErrorKind::Conflict, message).with("shard", &key.shard));
        }
    };
    let settled = Entry { version: entry.version + 1, writer: Uuid::new_v4(), trouble: None, ..settled };
    match ledger.write(key, &settled).await? {
        Written::Done => {
            Ok(RangeSettled { shard: key.shard.clone(), range, outcome, message: message.to_owned() })
        }
        Written::Conflict(_) => {
            let message = "a delivery has moved the ledger meanwhile; look again";
            Err(Error::new(ErrorKind::Conflict, message).retryable(true).with("shard", &key.shard))
        }
    }
}

fn settle_range(
    entry: &Entry,
    open: &OpenRange,
    outcome: Outcome,
    (opened_at, blocks): (jiff::Timestamp, u64),
) -> (&'static str, Entry) {
    if outcome == Outcome::Absent {
        let open = OpenRange { opened_at, blocks, ..open.clone() };
        let message = "the next batch inserts the range again; it has to be in the stream still";
        return (message, Entry { open: Some(open), ..entry.clone() });
    }
    let quarantined = open.events.saturating_sub(open.rows);
    let mut counters = Counters {
        received: entry.counters.received + open.events,
        quarantined: entry.counters.quarantined + quarantined,
        first: entry.counters.first.clone().or_else(|| Some(open.first.clone())),
        ..entry.counters.clone()
    };
    let message = if outcome == Outcome::Committed {
        counters.inserted += open.rows;
        "the range is closed as delivered; delivery goes on behind it"
    } else {
        counters.abandoned += open.rows;
        "the range is given up; delivery goes on behind it"
    };
    let remainders = entry.remainders.iter().filter(|left| left.last > open.last).cloned().collect();
    let committed = Some(open.last.clone());
    (message, Entry { committed, open: None, remainders, counters, ..entry.clone() })
}

fn settle_replay(entry: &Entry, open: &OpenReplay, outcome: Outcome) -> (&'static str, Entry) {
    if outcome == Outcome::Committed {
        let open = OpenReplay { inserted: true, ..open.clone() };
        let message = "the next replay takes these events out of quarantine";
        return (message, Entry { rework: Some(Rework::Replay(Box::new(open))), ..entry.clone() });
    }
    ("the events are still in quarantine; replay or discard them", Entry { rework: None, ..entry.clone() })
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::delivery::{Identity, TableSchema};

    fn identity(number: u64) -> Identity {
        serde_json::from_value(serde_json::json!({"sequence_number": number.to_string(), "sub_sequence": 0}))
            .unwrap()
    }

    fn open() -> OpenRange {
        OpenRange {
            first: identity(5),
            last: identity(9),
            events: 5,
            rows: 3,
            token: "t".to_owned(),
            digest: "d".to_owned(),
            schema: TableSchema::default(),
            settled: Vec::new(),
            definition: String::new(),
            opened_at: Timestamp::UNIX_EPOCH,
            blocks: 1,
            held_until: Timestamp::UNIX_EPOCH,
            others_until: None,
            refusal: None,
        }
    }

    #[test]
    fn a_range_is_closed_inserted_again_or_given_up() {
        let open = open();
        let entry = Entry { open: Some(open.clone()), ..Entry::default() };
        let now = (Timestamp::MAX, 7);
        let (_, committed) = settle_range(&entry, &open, Outcome::Committed, now);
        assert_eq!((&committed.committed, &committed.open), (&Some(identity(9)), &None));
        let figures = |entry: &Entry| {
            let Counters { received, inserted, quarantined, abandoned, .. } = entry.counters;
            [received, inserted, quarantined, abandoned]
        };
        assert_eq!(figures(&committed), [5, 3, 2, 0]);
        let (_, abandoned) = settle_range(&entry, &open, Outcome::Abandon, now);
        assert_eq!(figures(&abandoned), [5, 0, 2, 3]);
        let (_, absent) = settle_range(&entry, &open, Outcome::Absent, now);
        let again = absent.open.unwrap();
        assert_eq!((again.opened_at, again.blocks, absent.committed), (Timestamp::MAX, 7, None));
        assert_eq!(again.token, open.token);
    }
}
