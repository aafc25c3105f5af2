//! What a table is, beyond its columns.

use std::fmt;

use crate::{Column, warehouse::Literal};

/// How many inserts back a table we create recognises a repeated one, at least.
///
/// ClickHouse's own default is 0: no insert of a plain `MergeTree` is ever recognised.
pub const DEDUPLICATION_WINDOW: u64 = 10_000;

/// What a table is, beyond its columns. Each has a default.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TableOptions {
    /// The sorting key: columns that are not nullable; empty for none. Default: the first column that is a time and never
    /// null, else none.
    pub order_by: Option<Vec<String>>,
    /// The partition key: a column, or `toYYYYMM`, `toDate`, … of one. Default: none.
    pub partition_by: Option<String>,
    /// When rows are deleted: `at + INTERVAL 90 DAY`. Default: never.
    pub ttl: Option<String>,
    /// The engine, see [`TableEngine`](super::TableEngine). Default: `MergeTree`.
    pub engine: Option<String>,
    /// The cluster on whose nodes it is made. Default: where the statement is run.
    pub cluster: Option<String>,
    /// Columns that no event fills, such as those of where a row came from. Default: none.
    pub further_columns: Vec<Column>,
    /// Columns and indexes that `SELECT *` does not show, as SQL definitions. Default: none.
    pub(crate) hidden: Vec<String>,
    /// How many inserts back a repeated one is recognised. Default: [`DEDUPLICATION_WINDOW`].
    pub deduplication_window: u64,
}

impl Default for TableOptions {
    fn default() -> Self {
        Self {
            order_by: None,
            partition_by: None,
            ttl: None,
            engine: None,
            cluster: None,
            further_columns: Vec::new(),
            hidden: Vec::new(),
            deduplication_window: DEDUPLICATION_WINDOW,
        }
    }
}

impl TableOptions {
    /// A table of these keys.
    #[must_use]
    pub fn keys(order_by: impl Into<Vec<String>>, partition_by: Option<String>) -> Self {
        Self { order_by: Some(order_by.into()), partition_by, ..Self::default() }
    }
}

/// The clause of a statement that is to be run on all nodes of a cluster; nothing, if none is named.
pub(crate) struct OnCluster<'a>(pub(crate) Option<&'a str>);

impl fmt::Display for OnCluster<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |cluster| write!(f, " ON CLUSTER {}", Literal(cluster)))
    }
}
