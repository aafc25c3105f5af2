//! What is in quarantine, by reason.

use std::collections::HashMap;

use clickhouse::Row;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    Quarantine,
    selection::{GROUP_PATH, RejectSelection},
    stored::{StoredReject, StoredRow, columns, time},
};
use crate::Result;

/// The most groups that are listed, the largest first.
pub const MAX_GROUPS: usize = 1000;
/// How much of an example's bytes is shown.
const EXAMPLE_BYTES: usize = 4096;

/// What of a table's events is in quarantine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct QuarantineSummary {
    /// How many events.
    pub total: u64,
    /// When the first of them came into quarantine.
    pub oldest: Option<Timestamp>,
    /// When the last of them did.
    pub newest: Option<Timestamp>,
    /// The same by reason and place, the largest group first, at most [`MAX_GROUPS`].
    pub groups: Vec<RejectGroup>,
}

/// Rejects of one reason and place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RejectGroup {
    /// The reason: `"out_of_range"`.
    pub error_type: String,
    /// Where in the event, elements of lists as `[*]`.
    pub path: Option<String>,
    /// The column it did not fit into.
    pub column: Option<String>,
    /// The ClickHouse type that was wanted.
    pub wanted: Option<String>,
    /// How many events.
    pub events: u64,
    /// When the first of them came into quarantine.
    pub oldest: Timestamp,
    /// When the last of them did.
    pub newest: Timestamp,
    /// One of them, the newest; of its bytes the first 4096.
    pub example: StoredReject,
}

/// By what rejects are grouped.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct GroupKey {
    pub(super) error_type: String,
    pub(super) path: Option<String>,
    pub(super) column: Option<String>,
    pub(super) wanted: Option<String>,
}

#[derive(Row, Deserialize)]
struct GroupRow {
    error_type: String,
    group_path: String,
    column: Option<String>,
    wanted: Option<String>,
    events: u64,
    oldest: i64,
    newest: i64,
}

impl Quarantine {
    /// What is in quarantine, by reason and place.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for an unknown reason, `NotFound` if there is no such table and nothing of it in quarantine.
    pub async fn summary(&self, selection: &RejectSelection) -> Result<QuarantineSummary> {
        let extent = self.extent(selection).await?;
        let group = format!("error_type, {GROUP_PATH} AS group_path, column, wanted");
        let figures = "count() AS events, toUnixTimestamp64Milli(min(insertion_timestamp)) AS oldest, \
                       toUnixTimestamp64Milli(max(insertion_timestamp)) AS newest";
        let tail = format!(
            "GROUP BY error_type, group_path, column, wanted \
             ORDER BY events DESC, error_type, group_path, column LIMIT {MAX_GROUPS}"
        );
        let groups: Vec<GroupRow> = self.select(&format!("{group}, {figures}"), selection, &tail).await?;
        let tail = format!(
            "ORDER BY insertion_timestamp DESC, length(sequence_number) DESC, sequence_number DESC, sub_sequence DESC \
             LIMIT 1 BY error_type, {GROUP_PATH}, column, wanted"
        );
        let examples: Vec<StoredRow> = self.select(&columns(Some(EXAMPLE_BYTES)), selection, &tail).await?;
        let mut examples: HashMap<GroupKey, StoredRow> =
            examples.into_iter().map(|row| (GroupKey::of(&row), row)).collect();
        let mut found = Vec::with_capacity(groups.len());
        for group in groups {
            let GroupRow { error_type, group_path, column, wanted, events, oldest, newest } = group;
            let path = (!group_path.is_empty()).then_some(group_path);
            let key = GroupKey { error_type, path, column, wanted };
            // Gone between the two questions: replayed, or discarded.
            let Some(example) = examples.remove(&key) else { continue };
            let GroupKey { error_type, path, column, wanted } = key;
            let (oldest, newest) = (time(oldest)?, time(newest)?);
            let example = example.into_reject()?;
            found.push(RejectGroup { error_type, path, column, wanted, events, oldest, newest, example });
        }
        Ok(QuarantineSummary {
            total: extent.events,
            oldest: extent.oldest,
            newest: extent.newest,
            groups: found,
        })
    }
}

impl GroupKey {
    fn of(row: &StoredRow) -> Self {
        Self {
            error_type: row.error_type.clone(),
            path: row.path.as_deref().map(group_path),
            column: row.column.clone(),
            wanted: row.wanted.clone(),
        }
    }
}

/// A path without the numbers of elements.
pub(super) fn group_path(path: &str) -> String {
    let mut grouped = String::with_capacity(path.len());
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('[') {
        grouped.push_str(before);
        let digits = after.len() - after.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        match after.get(digits..).and_then(|tail| tail.strip_prefix(']')) {
            Some(tail) if digits > 0 => {
                grouped.push_str("[*]");
                rest = tail;
            }
            _ => {
                grouped.push('[');
                rest = after;
            }
        }
    }
    grouped.push_str(rest);
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_of_lists_are_one_group() {
        for (path, grouped) in [
            ("$.a", "$.a"),
            ("$.a[12].b[3]", "$.a[*].b[*]"),
            ("$[\"a[1\"]", "$[\"a[1\"]"),
            ("$.a[]", "$.a[]"),
            ("$.a[1", "$.a[1"),
        ] {
            assert_eq!(group_path(path), grouped, "{path}");
        }
    }
}
