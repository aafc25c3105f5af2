//! What delivery does in ClickHouse, and nothing else: the tests put a model, or faults, in its place.

use std::{collections::BTreeSet, fmt, sync::Arc, time::Duration};

use arrow_array::RecordBatch;
use clickhouse::Row;
use futures_util::future::{BoxFuture, FutureExt as _};
use serde::Deserialize;
use tokio::sync::OnceCell;
use uuid::Uuid;

use super::{
    insert::Insert,
    ledger::{LedgerKey, OpenRange},
    place::Identity,
    place_sql::{bind, within},
    provenance, quarantine,
    settings::InsertSettings,
    target::Target,
};
use crate::{
    Column, Result,
    warehouse::{Ident, TableName, Warehouse, from_clickhouse, types::DataType},
};

/// The longest that an insert may take, however much time there is.
pub(super) const INSERT_TIMEOUT: Duration = Duration::from_secs(240);

/// One insert: one block for each partition.
#[derive(Clone, Copy, Debug)]
pub(super) struct Block<'a> {
    pub(super) table: &'a TableName,
    pub(super) rows: &'a RecordBatch,
    pub(super) token: &'a str,
    /// As of [`Insert`].
    pub(super) from_text: bool,
    pub(super) ignore_views: bool,
    pub(super) timeout: Duration,
}

pub(super) trait Sink: Send + Sync + fmt::Debug {
    /// The table as it is now.
    fn describe<'a>(&'a self, table: &'a TableName, uuid: Uuid) -> BoxFuture<'a, Result<Target>>;

    /// Adds columns to the table, of those that it has not.
    fn add_columns<'a>(&'a self, table: &'a TableName, columns: &'a [Column]) -> BoxFuture<'a, Result<()>>;

    fn insert<'a>(&'a self, block: Block<'a>) -> BoxFuture<'a, Result<()>>;

    /// Makes the quarantine of a table unless it is there.
    fn ensure_quarantine<'a>(&'a self, table: &'a TableName) -> BoxFuture<'a, Result<()>>;

    /// How many events of a range are rows of the table, which knows their provenance.
    fn count_rows<'a>(
        &'a self,
        table: &'a TableName,
        key: &'a LedgerKey,
        range: &'a OpenRange,
    ) -> BoxFuture<'a, Result<u64>>;

    /// Which events of a range are in quarantine.
    fn quarantined<'a>(
        &'a self,
        table: &'a TableName,
        key: &'a LedgerKey,
        range: &'a OpenRange,
    ) -> BoxFuture<'a, Result<BTreeSet<Identity>>>;
}

/// ClickHouse.
#[derive(Clone, Debug)]
pub(super) struct WarehouseSink {
    warehouse: Warehouse,
    settings: Arc<OnceCell<InsertSettings>>,
}

#[derive(Row, Deserialize)]
struct IdentityRow {
    sequence_number: String,
    sub_sequence: u64,
}

impl WarehouseSink {
    pub(super) fn new(warehouse: Warehouse) -> Self {
        Self { warehouse, settings: Arc::default() }
    }

    async fn add(&self, table: &TableName, columns: &[Column]) -> Result<()> {
        let additions = columns.iter().map(|column| {
            // The type is written anew from what was read of it: no text of an event gets into the statement.
            let data_type: DataType = column.data_type.parse()?;
            Ok(format!("ADD COLUMN IF NOT EXISTS {} {data_type}", Ident::new(&column.name)?))
        });
        let additions = additions.collect::<Result<Vec<_>>>()?.join(", ");
        let added = self.warehouse.execute(&format!("ALTER TABLE {table} {additions}")).await;
        added.map_err(|error| error.at("add columns").with("table", table.plain()))
    }

    async fn send(&self, block: Block<'_>) -> Result<()> {
        let settings = self.settings.get_or_try_init(|| InsertSettings::of(&self.warehouse)).await?;
        let Block { table, rows, token, from_text, ignore_views, timeout } = block;
        Insert { table, from_text, settings, token, ignore_views, timeout }.send(&self.warehouse, rows).await
    }

    /// A query about the events of a range.
    fn of_range(&self, question: &str, key: &LedgerKey, range: &OpenRange) -> clickhouse::query::Query {
        let query = self.warehouse.client().query_raw(question);
        let query = query.param("stream", &key.stream_arn).param("shard", &key.shard);
        bind(bind(query, "first", &range.first), "last", &range.last)
    }

    async fn count(&self, table: &TableName, key: &LedgerKey, range: &OpenRange) -> Result<u64> {
        let question = format!(
            "SELECT uniqExact({sequence}, {sub}) FROM {table} WHERE {shard} = {{shard:String}} AND {}",
            within(provenance::SEQUENCE, provenance::SUB_SEQUENCE),
            sequence = provenance::SEQUENCE,
            sub = provenance::SUB_SEQUENCE,
            shard = provenance::SHARD,
        );
        let counted = self.of_range(&question, key, range).fetch_one().await;
        counted.map_err(|error| from_clickhouse(error).with("table", table.plain()))
    }

    async fn rejects(
        &self,
        table: &TableName,
        key: &LedgerKey,
        range: &OpenRange,
    ) -> Result<BTreeSet<Identity>> {
        let quarantine = quarantine::table_of(table)?;
        let question = format!(
            "SELECT DISTINCT sequence_number, sub_sequence FROM {quarantine} WHERE original_table = {{table:String}} \
             AND stream = {{stream:String}} AND shard = {{shard:String}} AND {}",
            within("sequence_number", "sub_sequence")
        );
        let query = self.of_range(&question, key, range).param("table", table.plain());
        let rows: Vec<IdentityRow> = match query.fetch_all().await.map_err(from_clickhouse) {
            Ok(rows) => rows,
            Err(error) if error.kind() == crate::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error.with("table", quarantine.plain())),
        };
        let identities = rows
            .into_iter()
            .map(|row| Identity { sequence_number: row.sequence_number, sub_sequence: row.sub_sequence });
        Ok(identities.collect())
    }
}

impl Sink for WarehouseSink {
    fn describe<'a>(&'a self, table: &'a TableName, uuid: Uuid) -> BoxFuture<'a, Result<Target>> {
        Target::describe(&self.warehouse, table, uuid).boxed()
    }

    fn add_columns<'a>(&'a self, table: &'a TableName, columns: &'a [Column]) -> BoxFuture<'a, Result<()>> {
        self.add(table, columns).boxed()
    }

    fn insert<'a>(&'a self, block: Block<'a>) -> BoxFuture<'a, Result<()>> {
        self.send(block).boxed()
    }

    fn ensure_quarantine<'a>(&'a self, table: &'a TableName) -> BoxFuture<'a, Result<()>> {
        quarantine::ensure(&self.warehouse, table).boxed()
    }

    fn count_rows<'a>(
        &'a self,
        table: &'a TableName,
        key: &'a LedgerKey,
        range: &'a OpenRange,
    ) -> BoxFuture<'a, Result<u64>> {
        self.count(table, key, range).boxed()
    }

    fn quarantined<'a>(
        &'a self,
        table: &'a TableName,
        key: &'a LedgerKey,
        range: &'a OpenRange,
    ) -> BoxFuture<'a, Result<BTreeSet<Identity>>> {
        self.rejects(table, key, range).boxed()
    }
}
