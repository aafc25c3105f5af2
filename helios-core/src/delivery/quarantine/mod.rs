//! The quarantine: events that did not fit, with their reason, in `quarantine.<table>`.
//!
//! [`Quarantine`] lists them, shows them, tries whether they would fit now, replays those that do, once, and discards
//! those that nobody wants.

mod discard;
mod extent;
mod reject_set;
mod rejects;
mod replay;
mod retention;
mod selection;
mod show;
mod stored;
mod summary;
mod table;

use std::fmt;

use clickhouse::{RowOwned, RowRead};

pub use discard::Discarded;
pub use reject_set::RejectSet;
pub(super) use rejects::{Origin, Rejects};
pub(super) use replay::Replay;
pub use replay::{RemainingRejects, ReplayRejects, ReplayReport};
pub use retention::Retention;
pub use selection::RejectSelection;
pub use show::{MAX_SHOWN, ShowRejects, ShownRejects};
pub use stored::StoredReject;
pub use summary::{MAX_GROUPS, QuarantineSummary, RejectGroup};
pub use table::{DATABASE, ensure, table_of};

use crate::{
    ErrorKind, Result,
    warehouse::{Warehouse, from_clickhouse},
};

/// The quarantine of a ClickHouse.
#[derive(Clone)]
pub struct Quarantine {
    warehouse: Warehouse,
}

impl Quarantine {
    /// The quarantine of this ClickHouse.
    #[must_use]
    pub fn new(warehouse: Warehouse) -> Self {
        Self { warehouse }
    }

    /// Rows about a selection of rejects; none if there is no quarantine.
    async fn select<T>(&self, columns: &str, selection: &RejectSelection, tail: &str) -> Result<Vec<T>>
    where
        T: RowOwned + RowRead,
    {
        let quarantine = table_of(&selection.table()?)?;
        let question = format!("SELECT {columns} FROM {quarantine} WHERE {} {tail}", selection.condition());
        let query = selection.apply(self.warehouse.client().query_raw(&question));
        match query.fetch_all().await.map_err(from_clickhouse) {
            Ok(rows) => Ok(rows),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error.with("table", quarantine.plain())),
        }
    }
}

impl fmt::Debug for Quarantine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Quarantine").finish_non_exhaustive()
    }
}
