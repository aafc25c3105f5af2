//! Trial tables: clones that evaluate what the table would, so that rows can be tried in them.
//!
//! ClickHouse's error number does not show whose fault a refused insert is: any expression of a table can fail for one row
//! with any number. So rows are tried in a clone, where they cost the table no part, and no place in its deduplication
//! window.

use clickhouse::Row;
use serde::Deserialize;
use uuid::Uuid;

use super::{batch_column::BATCH_COLUMN, quarantine};
use crate::{
    ErrorKind, Result,
    warehouse::{Ident, Literal, TableName, Warehouse, from_clickhouse},
};

/// What a clone evaluates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TrialKind {
    /// Defaults, materialized columns and constraints. It stores nothing, so it is quick.
    Expressions,
    /// All of that, and the keys, indexes, projections and TTLs. It stores the rows.
    Whole,
}

/// The prefix of trial tables. They are in the quarantine's database, where delivery may create tables.
pub(super) const TRIAL_PREFIX: &str = "_helios_trial_";
/// After this time the next trial drops a table that a killed process has left behind.
const ABANDONED_SECONDS: u64 = 3600;

/// Makes a clone of a table, without its rows.
pub(super) async fn make_trial(
    warehouse: &Warehouse,
    table: &TableName,
    kind: TrialKind,
) -> Result<TableName> {
    let name = format!("{TRIAL_PREFIX}{}", Uuid::new_v4().simple());
    let trial = TableName::new(quarantine::DATABASE, name)?;
    let engine = match kind {
        TrialKind::Expressions => "Null".to_owned(),
        TrialKind::Whole => plain_engine(&engine_of(warehouse, table).await?),
    };
    let comment = format!("Helios tries rows of {} here, then drops it", table.plain());
    let statement =
        format!("CREATE TABLE {trial} AS {table} ENGINE = {engine} COMMENT {}", Literal(&comment));
    let made = match warehouse.execute(&statement).await {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            warehouse.create_database(&Ident::new(quarantine::DATABASE)?, None).await?;
            warehouse.execute(&statement).await
        }
        made => made,
    };
    made.map_err(|error| error.at("try rows").with("table", table.plain()))?;
    Ok(trial)
}

/// A column that a table computes.
#[derive(Clone, Debug, PartialEq, Eq, Row, Deserialize)]
pub(super) struct Computed {
    pub(super) name: String,
    /// `MATERIALIZED` or `DEFAULT`.
    kind: String,
}

impl Computed {
    /// Whether it is computed only for a row that lacks it.
    pub(super) fn is_default(&self) -> bool {
        self.kind == "DEFAULT"
    }
}

/// The columns that a table computes, in their order.
pub(super) async fn computed_columns(warehouse: &Warehouse, table: &TableName) -> Result<Vec<Computed>> {
    let query = warehouse.client().query_raw(
        "SELECT name, default_kind AS kind FROM system.columns WHERE database = {database:String} \
         AND table = {table:String} AND default_kind IN ('MATERIALIZED', 'DEFAULT') AND name != {batch:String} \
         ORDER BY position",
    );
    let query = query.param("database", table.database().as_str()).param("table", table.table().as_str());
    let found = query.param("batch", BATCH_COLUMN).fetch_all().await;
    found.map_err(|error| from_clickhouse(error).with("table", table.plain()))
}

/// Takes a column's expression away from a clone: then it has the default value of its type.
pub(super) async fn remove_expression(
    warehouse: &Warehouse,
    trial: &TableName,
    Computed { name, kind }: &Computed,
) -> Result<()> {
    warehouse.execute(&format!("ALTER TABLE {trial} MODIFY COLUMN {} REMOVE {kind}", Ident::new(name)?)).await
}

/// Drops a clone, and those that killed processes have left behind. The next trial drops what cannot be dropped now.
pub(super) async fn drop_trial(warehouse: &Warehouse, trial: &TableName) {
    let dropped = warehouse.execute(&format!("DROP TABLE IF EXISTS {trial} SYNC")).await;
    let dropped = match dropped {
        Ok(()) => drop_abandoned(warehouse).await,
        error => error,
    };
    if let Err(error) = dropped {
        tracing::warn!(table = %trial.plain(), %error, "Failed to drop a trial table; the next trial retries.");
    }
}

async fn drop_abandoned(warehouse: &Warehouse) -> Result<()> {
    let query = warehouse.client().query_raw(
        "SELECT name FROM system.tables WHERE database = {database:String} AND startsWith(name, {prefix:String}) \
         AND metadata_modification_time < now() - {seconds:UInt64}",
    );
    let query = query.param("database", quarantine::DATABASE).param("prefix", TRIAL_PREFIX);
    let names = query.param("seconds", ABANDONED_SECONDS).fetch_all::<String>().await;
    for name in names.map_err(from_clickhouse)? {
        let table = TableName::new(quarantine::DATABASE, name)?;
        warehouse.execute(&format!("DROP TABLE IF EXISTS {table} SYNC")).await?;
    }
    Ok(())
}

async fn engine_of(warehouse: &Warehouse, table: &TableName) -> Result<String> {
    let query = warehouse.client().query_raw(
        "SELECT engine_full FROM system.tables WHERE database = {database:String} AND name = {table:String}",
    );
    let query = query.param("database", table.database().as_str()).param("table", table.table().as_str());
    query.fetch_one::<String>().await.map_err(from_clickhouse)
}

/// The engine of a table on one node, with the same clauses: a clone of a replicated table would be another replica of it.
fn plain_engine(engine: &str) -> String {
    let name_end = engine.find([' ', '(']).unwrap_or(engine.len());
    let (name, rest) = engine.split_at_checked(name_end).unwrap_or((engine, ""));
    let clauses = match rest.strip_prefix('(') {
        Some(arguments) => after_arguments(arguments),
        None => rest,
    };
    let clauses = clauses.trim();
    // How an engine merges rows does not affect which rows it accepts.
    let clauses = if name.ends_with("MergeTree") { clauses } else { "ORDER BY tuple()" };
    format!("MergeTree {clauses}")
}

/// What follows the bracket that closes an engine's arguments.
fn after_arguments(arguments: &str) -> &str {
    let (mut depth, mut quoted, mut escaped) = (1, false, false);
    for (at, character) in arguments.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '\'' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => {
                depth -= 1;
                if depth == 0 {
                    return arguments.get(at + 1..).unwrap_or_default();
                }
            }
            _ => {}
        }
    }
    ""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clone_is_a_plain_table_with_the_same_clauses() {
        for (engine, plain) in [
            ("MergeTree ORDER BY id SETTINGS a = 1", "MergeTree ORDER BY id SETTINGS a = 1"),
            (
                "ReplicatedMergeTree('/t(1)\\')', '{replica}') PARTITION BY f(x) ORDER BY id",
                "MergeTree PARTITION BY f(x) ORDER BY id",
            ),
            ("SharedReplacingMergeTree(at, (x)) ORDER BY (id, at)", "MergeTree ORDER BY (id, at)"),
            ("ReplicatedMergeTree ORDER BY id", "MergeTree ORDER BY id"),
            ("Memory", "MergeTree ORDER BY tuple()"),
        ] {
            assert_eq!(plain_engine(engine), plain);
        }
    }
}
