//! Compares the rows of the table with what was inserted.

use std::collections::BTreeSet;

use super::{
    super::{
        batch_column::BATCH_COLUMN,
        ledger::{LedgerKey, Rework, SharedLedger},
        target::Target,
    },
    shape::RowCount,
};
use crate::{
    Result,
    sources::Mapping,
    warehouse::{Warehouse, from_clickhouse},
};

/// Counts the rows that a table's sources have inserted. `None` if they cannot be counted: they do not name their
/// batch, or the table may have merged or deleted some.
pub(super) async fn row_count(
    warehouse: &Warehouse,
    ledger: &SharedLedger,
    target: &Target,
    sources: &[Mapping],
) -> Result<Option<RowCount>> {
    if !(target.has_batch && target.keeps_rows) {
        return Ok(None);
    }
    // Before the rows: what is finished is in the table.
    let rejects = ledger.read(&LedgerKey::of_quarantine(target.uuid)).await?;
    let streams: BTreeSet<String> =
        sources.iter().map(|source| source.stream_arn.clone()).chain(rejects.former_streams).collect();
    let mut expected = rejects.counters.counted;
    for stream in &streams {
        let entries = ledger.of_source(stream, target.uuid).await?;
        expected += entries.iter().map(|(_, entry)| entry.counters.counted).sum::<u64>();
    }
    let table = &target.table;
    let question = format!("SELECT count() FROM {table} WHERE {BATCH_COLUMN} != 0");
    let counted = warehouse.client().query_raw(&question).with_setting("select_sequential_consistency", "1");
    let rows: u64 =
        counted.fetch_one().await.map_err(|error| from_clickhouse(error).with("table", table.plain()))?;
    // And after the rows: others in the table are in progress, or finished by now.
    let rejects = ledger.read(&LedgerKey::of_quarantine(target.uuid)).await?;
    let mut at_most = rejects.counters.counted;
    if let Some(Rework::Replay(open)) = rejects.rework {
        at_most += open.rows;
    }
    for stream in &streams {
        for (_, entry) in ledger.of_source(stream, target.uuid).await? {
            at_most += entry.counters.counted + entry.open.map_or(0, |open| open.rows);
        }
    }
    Ok(Some(RowCount { rows, expected, under_way: at_most.saturating_sub(expected) }))
}

impl RowCount {
    /// What is wrong, for a person.
    pub(super) fn error(&self) -> Option<String> {
        let Self { rows, expected, under_way } = *self;
        if rows < expected {
            let missing = expected - rows;
            return Some(format!(
                "the table has {rows} of {expected} inserted rows: {missing} are missing, or were deleted by others"
            ));
        }
        (rows > expected + under_way).then(|| {
            format!("the table has {rows} rows; expected {expected}, and {under_way} in progress: some are doubled")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_that_are_missing_or_doubled_are_told() {
        for (rows, says) in [(10, None), (12, None), (9, Some("1 are missing")), (13, Some("doubled"))] {
            let error = RowCount { rows, expected: 10, under_way: 2 }.error();
            assert_eq!(error.is_some(), says.is_some(), "{error:?}");
            assert!(error.is_none_or(|error| error.contains(says.unwrap_or_default())));
        }
    }
}
