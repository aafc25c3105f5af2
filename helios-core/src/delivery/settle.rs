//! Settling what cannot be known: a person has looked, and says what became of an open range.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    batch_column::BatchNumber,
    ledger::{Batches, Entry, LedgerKey, OpenRange, OpenReplay, Rework, RowsByBatch, SharedLedger, Written},
    sink::{Sink, take_back},
    target::Target,
    token::renewed_token,
    worker::{arrives_until, closed},
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

/// What settling works on.
pub(super) struct Settling<'a> {
    pub(super) ledger: &'a SharedLedger,
    pub(super) clock: &'a SharedClock,
    pub(super) sink: &'a dyn Sink,
    pub(super) target: &'a Target,
}

impl Settling<'_> {
    /// Settles the open range of a shard and table. Refuses one that delivery can finish by itself, and an outcome
    /// that the table contradicts.
    pub(super) async fn settle(&self, key: &LedgerKey, outcome: Outcome) -> Result<RangeSettled> {
        let entry = self.ledger.read(key).await?;
        let conflict = |message: &str| Error::new(ErrorKind::Conflict, message).with("shard", &key.shard);
        // One without a worker may be of a shard that is gone.
        let is_left = entry.open.as_ref().is_some_and(|open| open.held_until < self.clock.now());
        if entry.trouble.is_none() && !is_left {
            return Err(conflict(
                "no range of this shard is UNCERTAIN, failing or abandoned: delivery continues by itself",
            ));
        }
        let now = self.clock.now();
        let (range, message, settled, given_up) = match (&entry.open, &entry.rework) {
            (Some(open), _) => {
                let by_batch = self.rows(&open.batches).await?;
                let rows = by_batch.as_ref().map(RowsByBatch::total);
                check(outcome, self.told(outcome, rows), open.rows)
                    .map_err(|error| error.with("shard", &key.shard))?;
                let (message, mut settled) =
                    settle_range(&entry, open, (outcome, rows), now, self.target.blocks);
                let until = arrives_until(open.held_until, now);
                // Its rows in the table, if there are any, stay.
                let given_up = match by_batch {
                    Some(_) if outcome != Outcome::Committed && rows == Some(0) => {
                        open.batches.replaced(until)
                    }
                    Some(rows) => open.batches.without_rows(&rows, until),
                    None => Vec::new(),
                };
                settled.superseded.extend(given_up.iter().copied());
                (format!("{}-{}", open.first, open.last), message, settled, given_up)
            }
            (None, Some(Rework::Replay(open))) if open.inserted && outcome != Outcome::Committed => {
                // ClickHouse may be deleting its rejects.
                return Err(conflict("the rows of this replay are in the table; replay again"));
            }
            (None, Some(Rework::Replay(open))) => {
                let by_batch = self.rows(&open.batches).await?;
                let rows = by_batch.as_ref().map(RowsByBatch::total);
                check(outcome, self.told(outcome, rows), open.rows)
                    .map_err(|error| error.with("shard", &key.shard))?;
                let (message, mut settled) = settle_replay(&entry, open, outcome);
                let until = arrives_until(open.held_until, now);
                let given_up = match by_batch {
                    // Its rejects are still in quarantine, so none of its rows may be in the table.
                    Some(_) if outcome != Outcome::Committed => open.batches.replaced(until),
                    Some(rows) => open.batches.without_rows(&rows, until),
                    None => Vec::new(),
                };
                settled.superseded.extend(given_up.iter().copied());
                (format!("{}-{}", open.first, open.last), message, settled, given_up)
            }
            (None, _) => {
                return Err(conflict("this shard has no open range; the next batch clears its error"));
            }
        };
        let settled = Entry { version: entry.version + 1, writer: Uuid::new_v4(), trouble: None, ..settled };
        match self.ledger.write(key, &settled).await? {
            Written::Done => {
                let given_up: Vec<_> = given_up.iter().map(|given_up| given_up.batch).collect();
                take_back(self.sink, self.target.uuid, &given_up).await?;
                Ok(RangeSettled { shard: key.shard.clone(), range, outcome, message: message.to_owned() })
            }
            Written::Conflict(_) => {
                Err(conflict("the ledger changed in the meantime; check the report and try again")
                    .retryable(true))
            }
        }
    }

    /// The count, if it says anything about the outcome: in a table that removes rows, missing rows prove nothing.
    fn told(&self, outcome: Outcome, rows: Option<u64>) -> Option<u64> {
        rows.filter(|_| self.target.keeps_rows || outcome != Outcome::Committed)
    }

    /// How many rows of the batches are in the table; `None` if they cannot be counted.
    async fn rows(&self, batches: &Batches) -> Result<Option<RowsByBatch>> {
        if batches.is_none() || !self.target.has_batch {
            return Ok(None);
        }
        let look = self.sink.look((&self.target.table, self.target.uuid), &batches.all()).await?;
        Ok(look.filter(|look| look.uuid == self.target.uuid).and_then(|look| look.rows))
    }
}

/// Fails if the table contradicts the outcome.
fn check(outcome: Outcome, rows: Option<u64>, expected: u64) -> Result<()> {
    let message = match (outcome, rows) {
        (Outcome::Committed, Some(rows)) if rows < expected => {
            format!("the table has {rows} of the range's {expected} rows, so the range is not committed")
        }
        (Outcome::Absent, Some(rows)) if rows > 0 => {
            format!("the table has {rows} of the range's {expected} rows, so the range is not absent")
        }
        _ => return Ok(()),
    };
    let message = format!("{message}; delivery completes the range by itself when it resumes");
    Err(Error::new(ErrorKind::Conflict, message))
}

fn settle_range(
    entry: &Entry,
    open: &OpenRange,
    (outcome, rows): (Outcome, Option<u64>),
    now: Timestamp,
    blocks: u64,
) -> (&'static str, Entry) {
    if outcome == Outcome::Absent {
        // Under the old token ClickHouse could ignore the insert. Its last worker has ended, or the ledger fences it.
        let generation = open.generation + 1;
        let token = renewed_token(&open.token, generation);
        let batches = if open.batches.is_none() {
            Batches::default()
        } else {
            Batches::new(BatchNumber::new(now, &token, entry.latest_batch()))
        };
        let open = OpenRange { opened_at: now, blocks, token, generation, batches, ..open.clone() };
        let message = "the next batch inserts the range again; its events must still be in the stream";
        return (message, Entry { open: Some(open), ..entry.clone() });
    }
    let quarantined = open.events.saturating_sub(open.rows);
    // Rows in the table count as inserted, even if abandoned.
    let inserted = if outcome == Outcome::Committed { open.rows } else { rows.unwrap_or(0).min(open.rows) };
    let message = if outcome == Outcome::Committed {
        "range marked as delivered; delivery resumes after it"
    } else {
        "range abandoned; delivery resumes after it"
    };
    (message, closed(entry, open, (inserted, quarantined, open.rows - inserted), 0, None))
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
    use super::*;
    use crate::delivery::{Identity, ledger::Counters};

    fn identity(number: u64) -> Identity {
        serde_json::from_value(serde_json::json!({"sequence_number": number.to_string(), "sub_sequence": 0}))
            .unwrap()
    }

    fn number() -> BatchNumber {
        BatchNumber::new(Timestamp::UNIX_EPOCH, "t", BatchNumber::default())
    }

    fn open(batch: BatchNumber) -> OpenRange {
        OpenRange {
            first: identity(5),
            last: identity(9),
            events: 5,
            rows: 3,
            token: "t".to_owned(),
            batches: Batches::new(batch),
            ..OpenRange::for_test()
        }
    }

    fn figures(entry: &Entry) -> [u64; 4] {
        let Counters { received, inserted, quarantined, abandoned, .. } = entry.counters;
        [received, inserted, quarantined, abandoned]
    }

    #[test]
    fn a_range_is_closed_inserted_again_or_given_up() {
        for batch in [BatchNumber::default(), number()] {
            let open = open(batch);
            let entry = Entry { open: Some(open.clone()), last_batch: number(), ..Entry::default() };
            let now = Timestamp::UNIX_EPOCH;
            let settle = |outcome, rows| settle_range(&entry, &open, (outcome, rows), now, 9).1;
            let committed = settle(Outcome::Committed, None);
            assert_eq!((&committed.committed, &committed.open), (&Some(identity(9)), &None));
            assert_eq!(figures(&committed), [5, 3, 2, 0]);
            assert_eq!(figures(&settle(Outcome::Abandon, None)), [5, 0, 2, 3]);
            assert_eq!(
                figures(&settle(Outcome::Abandon, Some(2))),
                [5, 2, 2, 1],
                "what is there is inserted"
            );
            let absent = settle(Outcome::Absent, None);
            let again = absent.open.unwrap();
            assert_eq!((again.opened_at, again.blocks, absent.committed), (now, 9, None));
            assert_ne!(again.token, open.token, "ClickHouse may treat the old one as repeated");
            assert_eq!((again.batches.current > number(), again.generation), (!batch.is_none(), 1));
        }
    }

    #[test]
    fn what_the_table_contradicts_is_refused() {
        for (outcome, rows, is_refused) in [
            (Outcome::Committed, Some(3), false),
            (Outcome::Committed, Some(2), true),
            (Outcome::Committed, None, false),
            (Outcome::Absent, Some(0), false),
            (Outcome::Absent, Some(1), true),
            (Outcome::Absent, None, false),
            (Outcome::Abandon, Some(1), false),
        ] {
            assert_eq!(check(outcome, rows, 3).is_err(), is_refused, "{outcome:?} {rows:?}");
        }
    }
}
