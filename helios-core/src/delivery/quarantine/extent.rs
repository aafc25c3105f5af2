//! How much there is of a selection.

use clickhouse::Row;
use jiff::Timestamp;
use serde::Deserialize;

use super::{Quarantine, selection::RejectSelection, stored::time};
use crate::{Error, ErrorKind, Result};

/// How many rejects, and from when to when.
#[derive(Debug, Default)]
pub(super) struct Extent {
    pub(super) events: u64,
    pub(super) oldest: Option<Timestamp>,
    pub(super) newest: Option<Timestamp>,
}

impl Extent {
    /// The selection without what comes into quarantine from now on: else there might be no end.
    pub(super) fn bound(&self, selection: &RejectSelection) -> RejectSelection {
        let behind =
            self.newest.and_then(|newest| newest.checked_add(jiff::SignedDuration::from_millis(1)).ok());
        let until = behind.into_iter().chain(selection.until).min();
        RejectSelection { until, ..selection.clone() }
    }
}

#[derive(Row, Deserialize)]
struct ExtentRow {
    events: u64,
    oldest: i64,
    newest: i64,
}

impl Quarantine {
    /// How much there is; fails for a table that never was, as nothing would be good news.
    pub(super) async fn extent(&self, selection: &RejectSelection) -> Result<Extent> {
        selection.check()?;
        let figures = "count() AS events, toUnixTimestamp64Milli(min(insertion_timestamp)) AS oldest, \
                       toUnixTimestamp64Milli(max(insertion_timestamp)) AS newest";
        let rows: Vec<ExtentRow> = self.select(figures, selection, "").await?;
        if let Some(ExtentRow { events: events @ 1.., oldest, newest }) = rows.first() {
            return Ok(Extent {
                events: *events,
                oldest: Some(time(*oldest)?),
                newest: Some(time(*newest)?),
            });
        }
        let table = selection.table()?;
        if self.warehouse.describe_table(&table).await?.is_none() {
            let message = "there is no such table, and nothing of it in quarantine";
            return Err(Error::new(ErrorKind::NotFound, message).with("table", table.plain()));
        }
        Ok(Extent::default())
    }
}
