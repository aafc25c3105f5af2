//! What to replay, and what came of it.

use std::collections::HashMap;

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use serde_json::{Map, Value};

use super::super::{
    super::decode::Reject,
    selection::RejectSelection,
    show::take,
    summary::{GroupKey, group_path},
};

/// Which rejects to replay: on the wire those of a [`RejectSelection`] with `dryRun`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReplayRejects {
    /// Which.
    pub selection: RejectSelection,
    /// Only try whether they would fit; nothing is changed. Default: no.
    pub dry_run: bool,
}

impl ReplayRejects {
    /// All that fit now become rows.
    #[must_use]
    pub fn new(selection: RejectSelection) -> Self {
        Self { selection, dry_run: false }
    }

    /// Only tries whether they would fit.
    #[must_use]
    pub fn dry_run(mut self) -> Self {
        self.dry_run = true;
        self
    }
}

impl<'de> Deserialize<'de> for ReplayRejects {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut members = Map::deserialize(deserializer)?;
        let dry_run = take(&mut members, "dryRun").map_err(D::Error::custom)?;
        let selection = serde_json::from_value(Value::Object(members)).map_err(D::Error::custom)?;
        Ok(Self { selection, dry_run: dry_run.unwrap_or(false) })
    }
}

/// What came of a replay.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ReplayReport {
    /// Whether it was only tried.
    pub dry_run: bool,
    /// How many rejects were looked at.
    pub considered: u64,
    /// How many of them fit the table as it is now.
    pub fit: u64,
    /// How many events have become rows and left the quarantine. More than fit if an interrupted replay was finished first.
    pub replayed: u64,
    /// The same for a person: `"1204 of 1207 would now fit"`.
    pub message: String,
    /// Why the others do not fit, the largest group first.
    pub remaining: Vec<RemainingRejects>,
}

/// Rejects that still do not fit, of one reason and place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RemainingRejects {
    /// The reason now: `"out_of_range"`.
    pub error_type: String,
    /// Where in the event, elements of lists as `[*]`.
    pub path: Option<String>,
    /// The column it does not fit into.
    pub column: Option<String>,
    /// The ClickHouse type that is wanted.
    pub wanted: Option<String>,
    /// How many events.
    pub events: u64,
}

/// A report under way.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) considered: u64,
    pub(super) fit: u64,
    pub(super) replayed: u64,
    /// Those of ranges that are not committed.
    pub(super) undelivered: u64,
    remaining: HashMap<GroupKey, u64>,
}

impl Tally {
    pub(super) fn remains(&mut self, reject: &Reject) {
        *self.remaining.entry(Self::key(reject)).or_default() += 1;
    }

    fn key(reject: &Reject) -> GroupKey {
        let text = |text: &Option<Box<str>>| text.as_deref().map(str::to_owned);
        GroupKey {
            error_type: reject.error_type.as_str().to_owned(),
            path: reject.path.as_deref().map(group_path),
            column: reject.column.clone(),
            wanted: text(&reject.wanted),
        }
    }

    /// A counted reject starts again.
    pub(super) fn remains_not(&mut self, reject: &Reject) {
        let key = Self::key(reject);
        if let Some(events) = self.remaining.get_mut(&key) {
            *events -= 1;
            if *events == 0 {
                self.remaining.remove(&key);
            }
        }
    }

    pub(super) fn into_report(self, dry_run: bool) -> ReplayReport {
        let Self { considered, fit, replayed, remaining, undelivered } = self;
        let mut remaining: Vec<_> = remaining
            .into_iter()
            .map(|(key, events)| {
                let GroupKey { error_type, path, column, wanted } = key;
                RemainingRejects { error_type, path, column, wanted, events }
            })
            .collect();
        remaining.sort_by(|a, b| {
            (b.events, &a.error_type, &a.path, &a.column).cmp(&(a.events, &b.error_type, &b.path, &b.column))
        });
        let mut message = if dry_run {
            format!("{fit} of {considered} would now fit")
        } else {
            format!("{fit} of {considered} fit now; {replayed} have become rows")
        };
        if undelivered > 0 {
            message += &format!(
                "; {undelivered} more can be replayed once their shard has delivered the range that they are in"
            );
        }
        ReplayReport { dry_run, considered, fit, replayed, message, remaining }
    }
}
