//! Tables that there are.

use std::collections::BTreeMap;

use clickhouse::Row;
use serde::Deserialize;
use uuid::Uuid;

use super::{TableDefinition, column::described_column, options::OnCluster};
use crate::{
    Column, Error, ErrorKind, Result,
    warehouse::{Ident, TableName, Warehouse, from_clickhouse},
};

/// A table as it is.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct TableDescription {
    /// Its identity, which outlives a rename. Zero in a database that keeps none.
    pub uuid: Uuid,
    /// The engine with its arguments and settings. Of a view or a dictionary only its name.
    pub engine: String,
    /// Its columns that an insert fills, in order, without their defaults.
    pub columns: Vec<Column>,
    /// Those of them that have a `DEFAULT`.
    pub defaults: Vec<String>,
    /// The expressions of these, and those of `EPHEMERAL` columns.
    pub(crate) expressions: BTreeMap<String, String>,
    /// Those of `columns` that are in the sorting, primary, partition or sampling key; ClickHouse does not allow changes of
    /// their types.
    pub keys: Vec<String>,
    /// Columns that ClickHouse fills by itself, and that `SELECT *` leaves out: each name with its type.
    pub materialized: Vec<(String, String)>,
    /// The statement that would make it again.
    pub create_statement: String,
}

impl TableDescription {
    /// How many inserts back a repeated one is recognised: 0 is never. `None` if the engine says nothing about it.
    #[must_use]
    pub fn deduplication_window(&self) -> Option<u64> {
        let (_, rest) = self.engine.split_once("deduplication_window = ")?;
        rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
    }
}

#[derive(Row, Deserialize)]
struct DescriptionRow {
    #[serde(with = "clickhouse::serde::uuid")]
    uuid: Uuid,
    engine: String,
    columns: Vec<(String, String, String)>,
    defaults: Vec<String>,
    expressions: Vec<(String, String)>,
    keys: Vec<String>,
    materialized: Vec<(String, String)>,
    create_statement: String,
}

#[derive(Row, Deserialize)]
struct IdentityRow {
    #[serde(with = "clickhouse::serde::uuid")]
    uuid: Uuid,
    database: String,
    name: String,
}

const DESCRIBE: &str = "\
    SELECT tables.uuid AS uuid, if(tables.engine_full = '', tables.engine, tables.engine_full) AS engine, \
    (SELECT groupArray((name, type, comment)) FROM (SELECT name, type, comment FROM system.columns \
     WHERE database = {database:String} AND table = {table:String} AND default_kind NOT IN ('MATERIALIZED', 'ALIAS') \
     ORDER BY position)) AS columns, \
    (SELECT groupArray(name) FROM system.columns WHERE database = {database:String} AND table = {table:String} \
     AND default_kind = 'DEFAULT') AS defaults, \
    (SELECT groupArray((name, default_expression)) FROM system.columns \
     WHERE database = {database:String} AND table = {table:String} \
     AND default_kind IN ('DEFAULT', 'EPHEMERAL')) AS expressions, \
    (SELECT groupArray(name) FROM system.columns WHERE database = {database:String} AND table = {table:String} \
     AND (is_in_partition_key OR is_in_sorting_key OR is_in_primary_key OR is_in_sampling_key)) AS keys, \
    (SELECT groupArray((name, type)) FROM system.columns WHERE database = {database:String} AND table = {table:String} \
     AND default_kind = 'MATERIALIZED') AS materialized, \
    tables.create_table_query AS create_statement \
    FROM system.tables AS tables WHERE database = {database:String} AND name = {table:String}";

impl Warehouse {
    /// A table's identity, engine and columns; `None` if there is no such table.
    ///
    /// # Errors
    ///
    /// Whatever keeps ClickHouse from answering.
    pub async fn describe_table(&self, name: &TableName) -> Result<Option<TableDescription>> {
        let row = self
            .client()
            .query_raw(DESCRIBE)
            .param("database", name.database().as_str())
            .param("table", name.table().as_str())
            .fetch_optional::<DescriptionRow>()
            .await
            .map_err(|error| from_clickhouse(error).with("table", name.plain()))?;
        let described = row.map(|row| {
            let column = |(name, data_type, comment): (String, String, String)| {
                described_column(name, data_type, &comment)
            };
            // ClickHouse quotes the name `Null`.
            let unquoted = row.engine.strip_prefix('`').and_then(|rest| rest.strip_suffix('`'));
            Ok(TableDescription {
                uuid: row.uuid,
                engine: unquoted.unwrap_or(&row.engine).to_owned(),
                columns: row.columns.into_iter().map(column).collect::<Result<_>>()?,
                defaults: row.defaults,
                expressions: row.expressions.into_iter().collect(),
                keys: row.keys,
                materialized: row.materialized,
                create_statement: row.create_statement,
            })
        });
        described.transpose()
    }

    /// Whether there is such a database.
    ///
    /// # Errors
    ///
    /// Whatever keeps ClickHouse from answering.
    pub async fn has_database(&self, database: &Ident) -> Result<bool> {
        let found: u64 = self
            .client()
            .query_raw("SELECT count() FROM system.databases WHERE name = {database:String}")
            .param("database", database.as_str())
            .fetch_one()
            .await
            .map_err(from_clickhouse)?;
        Ok(found > 0)
    }

    /// Makes a database unless it exists, on all nodes of the cluster if one is named.
    ///
    /// # Errors
    ///
    /// What ClickHouse says, among it [`ErrorKind::PermissionDenied`].
    pub async fn create_database(&self, database: &Ident, cluster: Option<&str>) -> Result<()> {
        self.execute(&format!("CREATE DATABASE IF NOT EXISTS {database}{}", OnCluster(cluster))).await
    }

    /// The tables of these identities that there are, whatever they are called now.
    ///
    /// # Errors
    ///
    /// What ClickHouse says.
    pub(crate) async fn tables_of(&self, identities: &[Uuid]) -> Result<Vec<(Uuid, TableName)>> {
        let texts: Vec<_> = identities.iter().map(Uuid::to_string).collect();
        let query = self.client().query_raw(
            "SELECT uuid, database, name FROM system.tables WHERE has({identities:Array(String)}, toString(uuid))",
        );
        let rows =
            query.param("identities", texts).fetch_all::<IdentityRow>().await.map_err(from_clickhouse)?;
        rows.into_iter().map(|row| Ok((row.uuid, TableName::new(row.database, row.name)?))).collect()
    }

    /// Makes the table. It must not exist.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::AlreadyExists`], [`ErrorKind::NotFound`] for the database, [`ErrorKind::InvalidQuery`] for a type
    /// that ClickHouse does not know.
    pub async fn create_table(&self, table: &TableDefinition) -> Result<()> {
        self.execute(&table.to_string()).await.map_err(|error| error.with("table", table.name().plain()))
    }

    /// Drops the table if it exists and still has this identity, on all nodes of the cluster if one is named.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Conflict`] if it has rows: then it stays. What ClickHouse says.
    pub async fn drop_empty_table(&self, name: &TableName, uuid: Uuid, cluster: Option<&str>) -> Result<()> {
        if self.describe_table(name).await?.is_none_or(|found| found.uuid != uuid) {
            return Ok(());
        }
        let count = self.client().query_raw(&format!("SELECT count() FROM {name}")).fetch_one();
        let rows: u64 = count.await.map_err(from_clickhouse)?;
        if rows > 0 {
            let error = Error::new(ErrorKind::Conflict, "the table has rows and was kept");
            return Err(error.with("table", name.plain()));
        }
        self.drop_table(name, cluster).await
    }

    /// Drops the table if it exists, with all its rows, on all nodes of the cluster if one is named.
    ///
    /// # Errors
    ///
    /// What ClickHouse says.
    pub async fn drop_table(&self, name: &TableName, cluster: Option<&str>) -> Result<()> {
        let drop = self.execute(&format!("DROP TABLE IF EXISTS {name}{} SYNC", OnCluster(cluster))).await;
        drop.map_err(|error| error.with("table", name.plain()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_is_read_from_the_engine() {
        let window = |engine: &str| {
            TableDescription {
                uuid: Uuid::nil(),
                engine: engine.to_owned(),
                columns: Vec::new(),
                defaults: Vec::new(),
                expressions: BTreeMap::new(),
                keys: Vec::new(),
                materialized: Vec::new(),
                create_statement: String::new(),
            }
            .deduplication_window()
        };
        assert_eq!(
            window("MergeTree ORDER BY id SETTINGS non_replicated_deduplication_window = 100, x = 1"),
            Some(100)
        );
        assert_eq!(window("MergeTree ORDER BY id"), None);
    }
}
