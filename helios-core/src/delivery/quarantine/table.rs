//! The table of rejects.

use crate::{
    Result,
    warehouse::{DEDUPLICATION_WINDOW, Ident, TableName, Warehouse},
};

/// The database of all quarantine tables.
pub const DATABASE: &str = "quarantine";

/// The quarantine of a table. Tables of the same name in several databases share one; `original_table` tells them apart.
///
/// # Errors
///
/// As [`TableName::new`]; never for a name that a table can have.
pub fn table_of(table: &TableName) -> Result<TableName> {
    TableName::new(DATABASE, table.table().as_str())
}

/// Makes the quarantine of a table, or the columns that an older one lacks, unless they are there.
///
/// # Errors
///
/// What ClickHouse says, among it [`crate::ErrorKind::PermissionDenied`].
pub async fn ensure(warehouse: &Warehouse, table: &TableName) -> Result<()> {
    warehouse.create_database(&Ident::new(DATABASE)?, None).await?;
    let quarantine = table_of(table)?;
    for statement in [definition(&quarantine), additions(&quarantine)] {
        let done = warehouse.execute(&statement).await;
        done.map_err(|error| error.with("table", quarantine.plain()))?;
    }
    Ok(())
}

/// Columns of the first version, and those that came later.
const COLUMNS: [(&str, &str); 11] = [
    ("error_type", "LowCardinality(String)"),
    ("error_message", "String"),
    ("raw_data", "String"),
    ("original_table", "LowCardinality(String)"),
    ("insertion_timestamp", "DateTime64(3, 'UTC')"),
    ("stream", "LowCardinality(String)"),
    ("shard", "LowCardinality(String)"),
    ("sequence_number", "String"),
    ("sub_sequence", "UInt64"),
    ("column", "Nullable(String)"),
    ("schema_version", "LowCardinality(String)"),
];
const LATER: [(&str, &str); 4] = [
    ("path", "Nullable(String)"),
    ("wanted", "LowCardinality(Nullable(String))"),
    ("value", "Nullable(String)"),
    ("arrived_at", "Nullable(DateTime64(3, 'UTC'))"),
];

fn definition(quarantine: &TableName) -> String {
    let columns = COLUMNS.iter().chain(&LATER).map(|(name, data_type)| format!("    {name} {data_type}"));
    let columns = columns.collect::<Vec<_>>().join(",\n");
    format!(
        "CREATE TABLE IF NOT EXISTS {quarantine}\n(\n{columns}\n)\n\
         ENGINE = MergeTree\n\
         ORDER BY (original_table, insertion_timestamp)\n\
         SETTINGS non_replicated_deduplication_window = {DEDUPLICATION_WINDOW}"
    )
}

fn additions(quarantine: &TableName) -> String {
    let columns =
        LATER.iter().map(|(name, data_type)| format!("ADD COLUMN IF NOT EXISTS {name} {data_type}"));
    format!("ALTER TABLE {quarantine} {}", columns.collect::<Vec<_>>().join(", "))
}
