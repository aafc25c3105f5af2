//! The table a batch goes to.

use clickhouse::Row;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::{
    batch_column::{BATCH_COLUMN, BATCH_TYPE, batch_column_definition},
    decode::{can_be_filled, is_type_default},
    literals::literals,
    ownership,
    partitions::Partitions,
    policy::Policy,
    provenance::Provenance,
    schema::{TableSchema, short},
    view::{View, describe_views},
    window::{ServerWindow, Window, is_replicated},
};
use crate::{
    Error, ErrorKind, Result,
    streams::Position,
    warehouse::{DEDUPLICATION_WINDOW, OnCluster, TableName, Warehouse, described_column, from_clickhouse},
};

/// A table that events go to, as it was when it was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Target {
    /// Its name.
    pub table: TableName,
    /// Its identity.
    pub uuid: Uuid,
    /// The columns that events fill.
    pub schema: TableSchema,
    /// The names of its other columns, which no event fills.
    pub(crate) other_columns: Vec<String>,
    /// How long it remembers the tokens of inserts.
    pub window: Window,
    /// The materialized views that are fed by it.
    pub views: Vec<View>,
    /// A hash of the statement that would make it again.
    pub(super) definition: String,
    /// When that statement last changed, in seconds since 1970. Shows a change even after it was undone.
    pub(super) modified: u64,
    /// How many blocks have been inserted so far, about, and never more than by the time a range is opened.
    pub(super) blocks: u64,
    /// What it is partitioned by.
    pub(super) partitions: Partitions,
    /// Whether its rows say where they came from.
    pub(super) provenance: Option<Provenance>,
    /// Whether its rows name their batch.
    pub(super) has_batch: bool,
    /// Whether merges combine rows of several batches, so that a batch cannot be counted or deleted.
    pub(super) combines_rows: bool,
    /// Whether rows stay until a person deletes them: no merge or TTL removes any.
    pub(super) keeps_rows: bool,
    /// Where in each shard its first event is.
    pub(super) begins: Option<Position>,
}

#[derive(Row, Deserialize)]
struct TableRow {
    #[serde(with = "clickhouse::serde::uuid")]
    uuid: Uuid,
    engine: String,
    statement: String,
    modified: u64,
    partition_key: String,
    view_databases: Vec<String>,
    view_names: Vec<String>,
    highest_block: i64,
    blocks_of_partitions: i64,
    window_blocks: u64,
    window_seconds: u64,
    unions: u64,
    has_batch: u64,
}

#[derive(Row, Deserialize)]
struct ColumnRow {
    name: String,
    r#type: String,
    default_kind: String,
    default_expression: String,
    comment: String,
}

impl ColumnRow {
    /// Whether events fill it. An `EPHEMERAL` column is not stored, but others are computed from it. A column of a type that no
    /// event can have gets its `DEFAULT`.
    fn is_filled(&self) -> bool {
        let is_computed = matches!(self.default_kind.as_str(), "MATERIALIZED" | "ALIAS");
        let is_possible = || self.r#type.parse().is_ok_and(|data_type| can_be_filled(&data_type));
        !is_computed && (self.default_kind != "DEFAULT" || is_possible())
    }

    /// Whether it is an `EPHEMERAL` column without an expression.
    fn is_plain_ephemeral(&self) -> bool {
        self.default_kind == "EPHEMERAL" && is_type_default(&self.default_expression)
    }
}

/// A number that grows with each change of a table: the second in which its statement was changed, and the last change of a type.
/// The second alone does not show a change that is undone at once.
pub(super) const MODIFIED: &str = "\
    toUInt64(toUnixTimestamp(metadata_modification_time)) * 1048576 \
    + ifNull((SELECT max(toUInt64OrZero(extract(mutation_id, '[0-9]+'))) FROM system.mutations \
     WHERE database = {database:String} AND table = {table:String} AND position(command, 'MODIFY COLUMN') > 0), 0) \
    % 1048576";

/// The reader that knows Arrow's unions came with the setting that asks for it.
///
/// Blocks are numbered through a plain `MergeTree`, and through each partition of a replicated one.
const TABLE: &str = "\
    SELECT tables.uuid AS uuid, tables.engine_full AS engine, tables.create_table_query AS statement, \
    {modified} AS modified, \
    tables.partition_key AS partition_key, \
    tables.dependencies_database AS view_databases, tables.dependencies_table AS view_names, \
    ifNull((SELECT max(max_block_number) FROM system.parts \
     WHERE database = {database:String} AND table = {table:String}), 0) AS highest_block, \
    ifNull((SELECT sum(last) FROM (SELECT max(max_block_number) + 1 AS last FROM system.parts \
     WHERE database = {database:String} AND table = {table:String} GROUP BY partition_id)), 0) AS blocks_of_partitions, \
    ifNull((SELECT toUInt64OrZero(any(value)) FROM system.replicated_merge_tree_settings \
     WHERE name = 'replicated_deduplication_window'), 0) AS window_blocks, \
    ifNull((SELECT toUInt64OrZero(any(value)) FROM system.replicated_merge_tree_settings \
     WHERE name = 'replicated_deduplication_window_seconds'), 0) AS window_seconds, \
    ifNull((SELECT count() FROM system.settings WHERE name = 'input_format_arrow_use_native_reader'), 0) AS unions, \
    ifNull((SELECT count() FROM system.columns WHERE database = {database:String} AND table = {table:String} \
     AND name = {batch:String} AND type = {batch_type:String} AND default_kind = 'MATERIALIZED'), 0) AS has_batch \
    FROM system.tables AS tables WHERE database = {database:String} AND name = {table:String}";

const COLUMNS: &str = "\
    SELECT name, type, default_kind, default_expression, comment FROM system.columns \
    WHERE database = {database:String} AND table = {table:String} ORDER BY position";

impl Target {
    /// Looks at a table. `uuid` is the one its mapping knows it by, and part of every token.
    ///
    /// # Errors
    ///
    /// [`NotFound`](ErrorKind::NotFound) if there is no such table, [`Conflict`](ErrorKind::Conflict) if it is another
    /// of the same name, and whatever keeps ClickHouse from answering.
    pub async fn describe(warehouse: &Warehouse, table: &TableName, uuid: Uuid) -> Result<Self> {
        let described = Self::look(warehouse, table, uuid).await;
        described.map_err(|error| error.with("table", table.plain()))
    }

    async fn look(warehouse: &Warehouse, table: &TableName, uuid: Uuid) -> Result<Self> {
        ownership::refuse_foreign(warehouse, table).await?;
        let ask = |question: &str| {
            let query = warehouse.client().query_raw(question);
            query.param("database", table.database().as_str()).param("table", table.table().as_str())
        };
        let found = ask(&TABLE.replace("{modified}", MODIFIED))
            .param("batch", BATCH_COLUMN)
            .param("batch_type", BATCH_TYPE);
        let missing = || {
            let message = "the table does not exist, or has no column that events could fill";
            Error::new(ErrorKind::NotFound, message)
        };
        let found: Option<TableRow> = found.fetch_optional().await.map_err(from_clickhouse)?;
        let found = found.ok_or_else(missing)?;
        if found.uuid != uuid {
            return Err(replaced(found.uuid, uuid));
        }
        let rows: Vec<ColumnRow> = ask(COLUMNS).fetch_all().await.map_err(from_clickhouse)?;
        let names: Vec<_> = rows.iter().map(|row| row.name.clone()).collect();
        let rows: Vec<_> = rows.into_iter().filter(ColumnRow::is_filled).collect();
        if rows.is_empty() {
            return Err(missing());
        }
        let defaults: Vec<_> = rows.iter().filter(|row| !row.default_kind.is_empty()).collect();
        let expressions =
            defaults.iter().map(|row| (row.name.clone(), row.default_expression.clone())).collect();
        let defaults: Vec<_> = defaults.into_iter().map(|row| row.name.clone()).collect();
        let plain: Vec<_> =
            rows.iter().filter(|row| row.is_plain_ephemeral()).map(|row| row.name.clone()).collect();
        let column = |row: ColumnRow| described_column(row.name, row.r#type, &row.comment);
        let mut columns = rows.into_iter().map(column).collect::<Result<_>>()?;
        let provenance = Provenance::take(&mut columns);
        let views = found.view_databases.into_iter().zip(found.view_names).collect::<Vec<_>>();
        let server = ServerWindow { blocks: found.window_blocks, seconds: found.window_seconds };
        let blocks =
            if is_replicated(&found.engine) { found.blocks_of_partitions } else { found.highest_block };
        let mut schema =
            TableSchema { columns, defaults, unions: found.unions != 0, ..TableSchema::default() };
        // Of these nothing needs to ask for the default: it is what an absent field is without one.
        if let Ok(decoder) = schema.decoder() {
            let unasked: Vec<_> =
                decoder.unasked().filter(|name| plain.iter().any(|plain| plain == name)).collect();
            schema.defaults.retain(|name| !unasked.contains(&name.as_str()));
        }
        schema.literals = literals(warehouse, &schema, &expressions).await?;
        let is_other = |name: &String| schema.columns.iter().all(|column| column.name != *name);
        Ok(Self {
            other_columns: names.into_iter().filter(is_other).collect(),
            table: table.clone(),
            uuid,
            window: Window::of(&found.engine, server),
            views: describe_views(warehouse, &views, server).await?,
            definition: definition(&found.statement),
            modified: found.modified,
            partitions: Partitions::of(&found.partition_key, &schema.columns),
            blocks: u64::try_from(blocks).unwrap_or(0),
            provenance,
            has_batch: found.has_batch != 0 && !combines_rows(&found.engine),
            combines_rows: combines_rows(&found.engine),
            keeps_rows: keeps_rows(&found.engine),
            begins: None,
            schema,
        })
    }

    /// The same table, filled under this policy.
    #[must_use]
    pub fn with_policy(mut self, policy: Policy) -> Self {
        self.schema.policy = policy;
        self
    }

    /// The same table, whose first event in a shard is the first from here on: what lies between that and the first batch is
    /// read from the shard. Else the first batch begins it.
    #[must_use]
    pub fn beginning_at(mut self, position: Position) -> Self {
        self.begins = Some(position);
        self
    }

    /// Whether rows for one of the two also fit the other.
    pub(super) fn takes_rows_of(&self, other: &Self) -> bool {
        (self.uuid, &self.schema, self.provenance, self.has_batch)
            == (other.uuid, &other.schema, other.provenance, other.has_batch)
    }

    /// What about the table puts exactly-once at risk, for a person.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.combines_rows {
            let message = "merges of this table's engine combine rows, so the rows of an insert cannot be counted: if ClickHouse \
                           crashes, or the table changes during an insert, rows may be missing or duplicated";
            warnings.push(message.to_owned());
        } else if !self.has_batch {
            warnings.push(format!(
                "the table has no column `{BATCH_COLUMN}`, so the rows of an insert cannot be counted: if ClickHouse \
                 crashes, or the table changes during an insert, rows may be missing or duplicated. Run {}",
                add_batch_column(&self.table, None)
            ));
        }
        if self.window.blocks < DEDUPLICATION_WINDOW && !self.has_batch {
            warnings.push(format!(
                "the table's deduplication window is {}, less than {DEDUPLICATION_WINDOW}: an insert that is repeated \
                 late may be doubled, or be UNCERTAIN",
                self.window.blocks
            ));
        }
        warnings.extend(self.views.iter().filter_map(View::warning));
        warnings
    }

    /// Whether there are materialized views, and a repeated insert reaches those that lack its rows, and no others.
    pub(super) fn repeats_reach_views(&self) -> bool {
        !self.views.is_empty() && self.views.iter().all(|view| view.warning().is_none())
    }

    /// A warning if rows were deleted again that materialized views have passed on.
    pub(super) fn views_keep(&self, taken_back: u64) -> Option<String> {
        if taken_back == 0 || self.views.is_empty() {
            return None;
        }
        let names: Vec<_> = self.views.iter().map(|view| view.name.as_str()).collect();
        Some(format!(
            "{taken_back} rows were deleted from the table and delivered again; what its materialized views wrote of them was \
             not deleted and may be there twice: compare {} with the table, and fill them again if they differ",
            names.join(", ")
        ))
    }
}

/// The statement that adds the batch column to a table.
pub(crate) fn add_batch_column(table: &TableName, cluster: Option<&str>) -> String {
    let [column, index] = batch_column_definition();
    let index = index.replacen("INDEX ", "INDEX IF NOT EXISTS ", 1);
    format!("ALTER TABLE {table}{} ADD COLUMN IF NOT EXISTS {column}, ADD {index}", OnCluster(cluster))
}

/// A table of the same name with another identity.
pub(super) fn replaced(found: Uuid, expected: Uuid) -> Error {
    let message = "the table was replaced by another of the same name, which has no source: \
                   create a source for it, or restore the original table";
    let error = Error::new(ErrorKind::Conflict, message);
    error.with("uuid", found.to_string()).with("expected", expected.to_string())
}

/// A hash of a table's statement.
pub(super) fn definition(statement: &str) -> String {
    short(Sha256::new_with_prefix(statement))
}

/// An engine's kind, whether it is replicated or not.
fn kind(engine: &str) -> &str {
    let name = engine.split([' ', '(']).next().unwrap_or_default();
    name.strip_prefix("Replicated").or_else(|| name.strip_prefix("Shared")).unwrap_or(name)
}

/// Whether an engine with its clauses keeps every row. Engines that replace or sum rows do not, nor does a TTL.
fn keeps_rows(engine: &str) -> bool {
    kind(engine) == "MergeTree" && !engine.contains(" TTL ")
}

/// Whether an engine combines several rows into one. One that replaces rows keeps the last unchanged.
fn combines_rows(engine: &str) -> bool {
    !matches!(kind(engine), "MergeTree" | "ReplacingMergeTree")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn engines_are_told_apart_by_what_they_do_to_rows() {
        for (engine, keeps, combines) in [
            ("MergeTree ORDER BY id", true, false),
            ("MergeTree ORDER BY at TTL at + toIntervalDay(1)", false, false),
            ("ReplicatedMergeTree('/p', '{replica}') ORDER BY id", true, false),
            ("SharedReplacingMergeTree(at) ORDER BY id", false, false),
            ("ReplacingMergeTree ORDER BY id", false, false),
            ("SummingMergeTree ORDER BY id", false, true),
            ("ReplicatedAggregatingMergeTree('/p', '{replica}') ORDER BY id", false, true),
            ("VersionedCollapsingMergeTree(sign, version) ORDER BY id", false, true),
            ("Memory", false, true),
        ] {
            assert_eq!((keeps_rows(engine), combines_rows(engine)), (keeps, combines), "{engine}");
        }
    }
}
