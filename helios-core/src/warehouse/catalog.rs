//! Which databases and tables there are.

use std::collections::BTreeMap;

use clickhouse::Row;
use serde::Deserialize;

use super::{Warehouse, from_clickhouse};
use crate::Result;

/// Database → its table names, sorted: `{"default": ["events", "users"]}`.
pub type Databases = BTreeMap<String, Vec<String>>;

const DATABASES: &str = "\
    SELECT databases.name AS database, arraySort(groupUniqArrayIf(tables.name, tables.name != '')) AS tables \
    FROM system.databases AS databases LEFT JOIN system.tables AS tables ON tables.database = databases.name \
    GROUP BY databases.name";

#[derive(Row, Deserialize)]
struct DatabaseRow {
    database: String,
    tables: Vec<String>,
}

impl Warehouse {
    /// Every database the user sees, those of ClickHouse itself among them, in one round trip.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](crate::ErrorKind::Unavailable) and the like: whatever keeps ClickHouse from answering.
    pub async fn databases(&self) -> Result<Databases> {
        let rows =
            self.client().query_raw(DATABASES).fetch_all::<DatabaseRow>().await.map_err(from_clickhouse)?;
        Ok(rows.into_iter().map(|row| (row.database, row.tables)).collect())
    }
}
