//! What delivery does in ClickHouse, and nothing else: the tests put a model, or faults, in its place.

use std::{
    collections::{BTreeSet, HashMap},
    fmt,
    sync::Arc,
    time::Duration,
};

use arrow_array::RecordBatch;
use clickhouse::Row;
use futures_util::future::{BoxFuture, FutureExt as _, TryFutureExt as _};
use serde::Deserialize;
use tokio::sync::OnceCell;
use uuid::Uuid;

use super::{
    batch_column::{BATCH_COLUMN, BATCH_TYPE, BatchNumber},
    deletion::Deletion,
    insert::Insert,
    ledger::{LedgerKey, OpenRange, RowsByBatch},
    place::Identity,
    place_sql::{bind, within},
    provenance, quarantine,
    settings::InsertSettings,
    target::{MODIFIED, Target, definition},
    trial::{Computed, TRIAL_PREFIX, TrialKind, computed_columns, drop_trial, make_trial, remove_expression},
};
use crate::{
    Column, Error, ErrorKind, Result,
    warehouse::{Alteration, Ident, Literal, TableName, Warehouse, from_clickhouse},
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
    pub(super) batch: BatchNumber,
    pub(super) from_text: bool,
    pub(super) ignore_views: bool,
    pub(super) timeout: Duration,
}

/// The state of a table: enough to see whether it has changed, and which rows have arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Look {
    /// Of the table that has the name.
    pub(super) uuid: Uuid,
    /// As in [`Target::definition`].
    pub(super) definition: String,
    /// As in [`Target::modified`].
    pub(super) modified: u64,
    /// How many rows of each batch the table has whose UUID was asked for; `None` if that table has no batch column, or may not
    /// have the name.
    pub(super) rows: Option<RowsByBatch>,
}

impl Look {
    /// Whether the table is unchanged since it was described.
    pub(super) fn is_of(&self, target: &Target) -> bool {
        (self.uuid, &self.definition, self.modified) == (target.uuid, &target.definition, target.modified)
    }
}

/// A table that stores rows of batches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Having {
    /// The name that it had when the search began.
    pub(super) table: TableName,
    pub(super) uuid: Uuid,
    pub(super) rows: u64,
}

/// What a search for rows of batches has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Search {
    pub(super) having: Vec<Having>,
    /// Whether it has looked into the table that the rows were meant for. A detached table may have rows that nobody sees.
    pub(super) has_seen_own: bool,
}

/// Where a table is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Whereabouts {
    /// It has this name now.
    Named(TableName),
    /// `ATTACH TABLE` brings it back under this name.
    Detached(TableName),
    Dropped,
    /// It was dropped or detached: ClickHouse does not tell.
    Gone,
}

pub(super) trait Sink: Send + Sync + fmt::Debug {
    /// The table as it is now.
    fn describe<'a>(&'a self, table: &'a TableName, uuid: Uuid) -> BoxFuture<'a, Result<Target>>;

    /// Adds columns to the table, of those that it has not.
    fn add_columns<'a>(&'a self, table: &'a TableName, columns: &'a [Column]) -> BoxFuture<'a, Result<()>>;

    fn insert<'a>(&'a self, block: Block<'a>) -> BoxFuture<'a, Result<()>>;

    /// Looks at the table that has this name now, and counts the rows of batches in the table of this UUID, which may be another.
    /// `None` if no table has the name.
    fn look<'a>(
        &'a self,
        table: (&'a TableName, Uuid),
        batches: &'a [BatchNumber],
    ) -> BoxFuture<'a, Result<Option<Look>>>;

    /// Deletes the rows of a batch, and returns when they are gone, or when nothing deletes them: the name may have become another
    /// table's.
    fn take_back<'a>(&'a self, having: &'a Having, batch: BatchNumber) -> BoxFuture<'a, Result<()>>;

    /// All tables that store rows of these batches, and how many: another table may have had the name for a while. Only those of
    /// the `MergeTree` family, which are all that Helios fills. `own` is the table that the rows were meant for.
    fn tables_with<'a>(&'a self, own: Uuid, batches: &'a [BatchNumber]) -> BoxFuture<'a, Result<Search>>;

    /// Where the table of this UUID is. `name` is the name that it had.
    fn whereabouts<'a>(&'a self, uuid: Uuid, name: &'a TableName) -> BoxFuture<'a, Result<Whereabouts>>;

    /// Creates a clone of the table, to try rows in.
    fn make_trial<'a>(&'a self, table: &'a TableName, kind: TrialKind) -> BoxFuture<'a, Result<TableName>>;

    /// Inserts a row of the table, or one of default values, into a trial table. `false` if that fails because of the
    /// table's expressions. `given` are the columns that the refused rows have.
    fn try_own_row<'a>(
        &'a self,
        table: &'a TableName,
        trial: &'a TableName,
        given: &'a [String],
    ) -> BoxFuture<'a, Result<bool>>;

    /// The columns that a table computes: names, in the order of the columns. Not the batch column.
    fn computed_columns<'a>(&'a self, table: &'a TableName) -> BoxFuture<'a, Result<Vec<Computed>>>;

    /// Takes a column's expression away from a trial table.
    fn remove_expression<'a>(
        &'a self,
        trial: &'a TableName,
        column: &'a Computed,
    ) -> BoxFuture<'a, Result<()>>;

    /// Drops a trial table.
    fn drop_trial<'a>(&'a self, trial: &'a TableName) -> BoxFuture<'a, ()>;

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

/// How often to repeat a deletion, because the table may be renamed in between.
const MOST_TAKEN_BACK: usize = 10;

/// Deletes the rows of batches from every table, and checks that none is left. Returns how many these were.
///
/// `own` is the table that the rows were meant for.
///
/// # Errors
///
/// Retryable if rows may be left: [`NotFound`](ErrorKind::NotFound) if nobody sees the own table.
pub(super) async fn take_back(sink: &dyn Sink, own: Uuid, batches: &[BatchNumber]) -> Result<u64> {
    let mut deleted = 0;
    for batch in batches {
        deleted += take_back_one(sink, own, *batch).await?;
    }
    Ok(deleted)
}

async fn take_back_one(sink: &dyn Sink, own: Uuid, batch: BatchNumber) -> Result<u64> {
    // By the table's UUID: rows may be found again.
    let mut deleted: HashMap<Uuid, u64> = HashMap::new();
    for _ in 0..MOST_TAKEN_BACK {
        let Search { having, has_seen_own } = sink.tables_with(own, &[batch]).await?;
        if having.is_empty() && has_seen_own {
            return Ok(deleted.into_values().sum());
        }
        if having.is_empty() {
            let message = "the table that the rows of a replaced batch were inserted into is detached or was dropped, so \
                           they cannot be deleted: `ATTACH TABLE` brings back a detached one";
            let error = Error::new(ErrorKind::NotFound, message).retryable(true);
            return Err(error.with("uuid", own.to_string()).with("batch", batch.to_string()));
        }
        for having in having {
            let (table, rows) = (having.table.plain(), having.rows);
            tracing::warn!(table, %batch, rows, "Deleting rows of a replaced batch.");
            sink.take_back(&having, batch).await?;
            let most = deleted.entry(having.uuid).or_default();
            *most = rows.max(*most);
        }
    }
    let message = "ClickHouse reported that the rows of a batch were deleted, but they still exist";
    Err(Error::new(ErrorKind::Unavailable, message).retryable(true).with("batch", batch.to_string()))
}

/// ClickHouse.
#[derive(Clone, Debug)]
pub(super) struct WarehouseSink {
    warehouse: Warehouse,
    settings: Arc<OnceCell<InsertSettings>>,
    /// Whether this server reads a table by its UUID, if it is told to.
    reads_by_uuid: Arc<OnceCell<bool>>,
}

#[derive(Row, Deserialize)]
struct LookRow {
    #[serde(with = "clickhouse::serde::uuid")]
    uuid: Uuid,
    statement: String,
    modified: u64,
}

#[derive(Row, Deserialize)]
struct CountedRow {
    #[serde(with = "clickhouse::serde::uuid")]
    uuid: Uuid,
    statement: String,
    modified: u64,
    rows: Vec<u64>,
}

#[derive(Row, Deserialize)]
struct StoringRow {
    database: String,
    name: String,
    #[serde(with = "clickhouse::serde::uuid")]
    uuid: Uuid,
}

const LOOK: &str = "SELECT uuid, create_table_query AS statement, \
    {modified} AS modified{rows} FROM system.tables \
    WHERE database = {database:String} AND name = {table:String}";

/// The setting that lets a query read a table by its UUID (`FROM name UUID '…'`). The newer analyzer accepts that syntax, too, but
/// reads by the name. 26.9 knows no other, and refuses the setting; another version may ignore it, so it is tried first.
const BY_UUID: (&str, &str) = ("allow_experimental_analyzer", "0");

/// How often to look at a table again that was missing for a moment.
const MOST_SEEN: usize = 5;

#[derive(Row, Deserialize)]
struct IdentityRow {
    sequence_number: String,
    sub_sequence: u64,
}

impl WarehouseSink {
    pub(super) fn new(warehouse: Warehouse) -> Self {
        Self { warehouse, settings: Arc::default(), reads_by_uuid: Arc::default() }
    }

    async fn add(&self, table: &TableName, columns: &[Column]) -> Result<()> {
        let alteration = Alteration::new(table.clone(), columns, &[])?.if_not_exists();
        let added = self.warehouse.execute(&alteration.to_string()).await;
        added.map_err(|error| error.at("add columns").with("table", table.plain()))
    }

    async fn send(&self, block: Block<'_>) -> Result<()> {
        let settings = self.settings.get_or_try_init(|| InsertSettings::of(&self.warehouse)).await?;
        let Block { table, rows, token, batch, from_text, ignore_views, timeout } = block;
        let insert = Insert { table, from_text, settings, token, batch, ignore_views, timeout };
        insert.send(&self.warehouse, rows).await
    }

    async fn see(&self, table: &TableName, uuid: Uuid, batches: &[BatchNumber]) -> Result<Option<Look>> {
        for _ in 0..MOST_SEEN {
            let by_uuid = self.by_uuid(uuid).await?;
            if by_uuid.is_none() {
                let before = self.glance(table).await?;
                if before.as_ref().is_none_or(|before| before.uuid != uuid) {
                    return Ok(before);
                }
            }
            let query = self.ask(table, &format!(", {} AS rows", counts(table, by_uuid, batches)));
            let found = of_batches(query, by_uuid, batches).fetch_optional::<CountedRow>().await;
            match found.map_err(from_clickhouse) {
                Ok(found) => {
                    return Ok(found.map(|row| Look {
                        uuid: row.uuid,
                        definition: definition(&row.statement),
                        modified: row.modified,
                        rows: Some(RowsByBatch::new(batches, row.rows)),
                    }));
                }
                Err(error) if lacks_column(&error) => return self.glance(table).await,
                Err(error) if is_missing(&error) => {
                    // If it has the name now, it was away only for a moment.
                    let now = self.glance(table).await?;
                    if now.as_ref().is_none_or(|now| now.uuid != uuid) {
                        return Ok(now);
                    }
                }
                Err(error) => return Err(error.with("table", table.plain())),
            }
        }
        Err(comes_and_goes(table))
    }

    /// Looks at the table that has this name, without its rows.
    async fn glance(&self, table: &TableName) -> Result<Option<Look>> {
        let found = self.ask(table, "").fetch_optional::<LookRow>().await;
        let found = found.map_err(|error| from_clickhouse(error).with("table", table.plain()))?;
        Ok(found.map(|row| Look {
            uuid: row.uuid,
            definition: definition(&row.statement),
            modified: row.modified,
            rows: None,
        }))
    }

    fn ask(&self, table: &TableName, rows: &str) -> clickhouse::query::Query {
        let question = LOOK.replace("{rows}", rows).replace("{modified}", MODIFIED);
        let query = self.warehouse.client().query_raw(&question);
        query.param("database", table.database().as_str()).param("table", table.table().as_str())
    }

    /// The UUID by which a table is to be read; `None` if it is to be read by its name.
    async fn by_uuid(&self, uuid: Uuid) -> Result<Option<Uuid>> {
        // Tables in a database without UUIDs cannot be exchanged.
        if uuid.is_nil() {
            return Ok(None);
        }
        let reads_by_uuid = self.reads_by_uuid.get_or_try_init(|| self.refuses_another_uuid()).await?;
        Ok(reads_by_uuid.then_some(uuid))
    }

    /// Whether a table that exists is not read under a UUID that no table has.
    async fn refuses_another_uuid(&self) -> Result<bool> {
        let question = format!("SELECT count() FROM system.one UUID '{}'", Uuid::new_v4());
        let query = self.warehouse.client().query_raw(&question).with_setting(BY_UUID.0, BY_UUID.1);
        match query.fetch_one::<u64>().await.map_err(from_clickhouse) {
            Err(error) if error.is_retryable() => Err(error),
            Err(error) => Ok(is_missing(&error)),
            Ok(_) => Ok(false),
        }
    }

    /// How many rows of batches a table has; `None` if it is missing.
    async fn rows(&self, table: &TableName, uuid: Uuid, batches: &[BatchNumber]) -> Result<Option<u64>> {
        let Some(by_uuid) = self.by_uuid(uuid).await? else {
            return self.rows_by_name(table, uuid, batches).await;
        };
        let question = format!("SELECT arraySum({})", counts(table, Some(by_uuid), batches));
        let query = self.warehouse.client().query_raw(&question);
        let rows = of_batches(query, Some(by_uuid), batches).fetch_one::<u64>().await;
        match rows.map_err(from_clickhouse) {
            Ok(rows) => Ok(Some(rows)),
            Err(error) if lacks_column(&error) => Ok(Some(0)),
            Err(error) if is_missing(&error) => Ok(None),
            Err(error) => Err(error.with("table", table.plain())),
        }
    }

    /// The same where tables are read by their names, which may change meanwhile.
    async fn rows_by_name(
        &self,
        name: &TableName,
        uuid: Uuid,
        batches: &[BatchNumber],
    ) -> Result<Option<u64>> {
        let mut name = name.clone();
        for _ in 0..MOST_SEEN {
            let look = self.see(&name, uuid, batches).await?;
            if let Some(look) = look.filter(|look| look.uuid == uuid) {
                return Ok(Some(look.rows.map_or(0, |rows| rows.total())));
            }
            match self.warehouse.tables_of(&[uuid]).await?.into_iter().next() {
                Some((_, now)) if !uuid.is_nil() => name = now,
                _ => return Ok(None),
            }
        }
        Err(comes_and_goes(&name))
    }

    async fn search(&self, own: Uuid, batches: &[BatchNumber]) -> Result<Search> {
        // A table over others, such as a `Merge`, a `Buffer` or a `Distributed`, shows the rows of others as its own; one that
        // was made `AS` a table of Helios has the column, too.
        let tables: Vec<StoringRow> = self
            .warehouse
            .client()
            .query_raw(
                "SELECT database, name, uuid FROM system.tables \
                 WHERE engine LIKE '%MergeTree' AND NOT startsWith(name, {trial:String}) \
                 AND (database, name) IN (SELECT database, table FROM system.columns \
                 WHERE name = {batch:String} AND type = {batch_type:String} AND default_kind = 'MATERIALIZED') \
                 OR toString(uuid) = {own:String} \
                 ORDER BY database, name",
            )
            .param("own", own.to_string())
            .param("batch", BATCH_COLUMN)
            .param("batch_type", BATCH_TYPE)
            .param("trial", TRIAL_PREFIX)
            .fetch_all()
            .await
            .map_err(from_clickhouse)?;
        let mut search = Search { having: Vec::new(), has_seen_own: false };
        for StoringRow { database, name, uuid } in tables {
            let table = TableName::new(database, name)?;
            let rows = match self.rows(&table, uuid, batches).await {
                // What Helios may not read it cannot delete from. Another user's table must not stop a shard.
                Err(error) if uuid != own && error.kind() == ErrorKind::PermissionDenied => {
                    tracing::warn!(table = table.plain(), %error, "A table cannot be searched for rows of replaced batches.");
                    continue;
                }
                rows => rows?,
            };
            // It may have been detached or dropped meanwhile.
            let Some(rows) = rows else { continue };
            search.has_seen_own |= uuid == own;
            if rows > 0 {
                search.having.push(Having { table, uuid, rows });
            }
        }
        Ok(search)
    }

    async fn find(&self, uuid: Uuid, name: &TableName) -> Result<Whereabouts> {
        if let Some((_, name)) = self.warehouse.tables_of(&[uuid]).await?.into_iter().next() {
            return Ok(Whereabouts::Named(name));
        }
        // Older versions do not have this table. Those of a detached database are not in it.
        let detached = self
            .warehouse
            .client()
            .query_raw(
                "SELECT database, table FROM system.detached_tables WHERE toString(uuid) = {uuid:String} LIMIT 1",
            )
            .param("uuid", uuid.to_string())
            .fetch_optional::<(String, String)>()
            .await
            .map_err(from_clickhouse);
        let detached = match detached {
            Ok(detached) => detached,
            Err(error) if error.is_retryable() => return Err(error),
            Err(_) => return Ok(Whereabouts::Gone),
        };
        if let Some((database, table)) = detached {
            return Ok(Whereabouts::Detached(TableName::new(database, table)?));
        }
        let databases: u64 = self
            .warehouse
            .client()
            .query_raw("SELECT count() FROM system.databases WHERE name = {database:String}")
            .param("database", name.database().as_str())
            .fetch_one()
            .await
            .map_err(from_clickhouse)?;
        Ok(if databases > 0 { Whereabouts::Dropped } else { Whereabouts::Gone })
    }

    async fn delete(&self, having: &Having, batch: BatchNumber) -> Result<()> {
        let Having { table, uuid, .. } = having;
        let mark = batch.to_string();
        let batches = [batch];
        let left = || self.rows(table, *uuid, &batches).map_ok(Option::unwrap_or_default).boxed();
        let deletion = Deletion {
            table,
            what: "rows of a replaced batch",
            // A literal would be a Float64.
            condition: &format!("{BATCH_COLUMN} = to{BATCH_TYPE}('{mark}')"),
            bind: &|query| query,
            left: Some(&left),
            mark: &mark,
        };
        deletion.run(&self.warehouse).await.map_err(|error| error.with("batch", &mark))
    }

    async fn own_row(&self, table: &TableName, trial: &TableName, given: &[String]) -> Result<bool> {
        let settings = self.settings.get_or_try_init(|| InsertSettings::of(&self.warehouse)).await?;
        let run = async |statement: String| {
            let query = self.warehouse.client().query_raw(&statement);
            let settings = settings.for_insert(false);
            let query = settings.fold(query, |query, (name, value)| query.with_setting(name, value));
            query.execute().await.map_err(from_clickhouse)
        };
        let rows: u64 = self
            .warehouse
            .client()
            .query_raw(&format!("SELECT count() FROM (SELECT 1 FROM {table} LIMIT 1)"))
            .fetch_one()
            .await
            .map_err(from_clickhouse)?;
        let tried = if rows > 0 {
            let copied = run(format!("INSERT INTO {trial} SELECT * FROM {table} LIMIT 1")).await;
            // A stored row has the values of its `DEFAULT` columns; those of an event that lacks them are computed.
            let computed = computed_columns(&self.warehouse, table).await?;
            let computed =
                computed.iter().filter(|column| column.is_default() && !given.contains(&column.name));
            let computed = computed.map(|column| Ident::new(&column.name)).collect::<Result<Vec<_>>>()?;
            if copied.is_ok() && !computed.is_empty() {
                let computed = computed.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
                let others = format!("* EXCEPT ({computed})");
                run(format!("INSERT INTO {trial} ({others}) SELECT {others} FROM {table} LIMIT 1")).await
            } else {
                copied
            }
        } else {
            // The first column that an insert fills, with the default value of its type.
            let filled: Option<(String, String)> = self
                .warehouse
                .client()
                .query_raw(
                    "SELECT name, type FROM system.columns WHERE database = {database:String} AND table = {table:String} \
                     AND default_kind = '' ORDER BY position LIMIT 1",
                )
                .param("database", table.database().as_str())
                .param("table", table.table().as_str())
                .fetch_optional()
                .await
                .map_err(from_clickhouse)?;
            let Some((name, data_type)) = filled else { return Ok(false) };
            let (name, data_type) = (Ident::new(&name)?, Literal(&data_type));
            run(format!("INSERT INTO {trial} ({name}) SELECT defaultValueOfTypeName({data_type})")).await
        };
        match tried {
            Ok(()) => Ok(true),
            Err(error) if super::refusal::verdict(&error) == super::refusal::Verdict::Try => Ok(false),
            Err(error) => Err(error),
        }
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

    fn look<'a>(
        &'a self,
        (table, uuid): (&'a TableName, Uuid),
        batches: &'a [BatchNumber],
    ) -> BoxFuture<'a, Result<Option<Look>>> {
        self.see(table, uuid, batches).boxed()
    }

    fn take_back<'a>(&'a self, having: &'a Having, batch: BatchNumber) -> BoxFuture<'a, Result<()>> {
        self.delete(having, batch).boxed()
    }

    fn tables_with<'a>(&'a self, own: Uuid, batches: &'a [BatchNumber]) -> BoxFuture<'a, Result<Search>> {
        self.search(own, batches).boxed()
    }

    fn whereabouts<'a>(&'a self, uuid: Uuid, name: &'a TableName) -> BoxFuture<'a, Result<Whereabouts>> {
        self.find(uuid, name).boxed()
    }

    fn make_trial<'a>(&'a self, table: &'a TableName, kind: TrialKind) -> BoxFuture<'a, Result<TableName>> {
        make_trial(&self.warehouse, table, kind).boxed()
    }

    fn try_own_row<'a>(
        &'a self,
        table: &'a TableName,
        trial: &'a TableName,
        given: &'a [String],
    ) -> BoxFuture<'a, Result<bool>> {
        self.own_row(table, trial, given).boxed()
    }

    fn computed_columns<'a>(&'a self, table: &'a TableName) -> BoxFuture<'a, Result<Vec<Computed>>> {
        computed_columns(&self.warehouse, table).boxed()
    }

    fn remove_expression<'a>(
        &'a self,
        trial: &'a TableName,
        column: &'a Computed,
    ) -> BoxFuture<'a, Result<()>> {
        remove_expression(&self.warehouse, trial, column).boxed()
    }

    fn drop_trial<'a>(&'a self, trial: &'a TableName) -> BoxFuture<'a, ()> {
        drop_trial(&self.warehouse, trial).boxed()
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

/// Counts the rows of batches, in the table of the UUID if one is given: the name may be another's by the time ClickHouse reads it.
fn counts(table: &TableName, uuid: Option<Uuid>, batches: &[BatchNumber]) -> String {
    let uuid = uuid.map_or_else(String::new, |uuid| format!(" UUID '{uuid}'"));
    let counts = (0..batches.len()).map(|at| {
        format!(
            "assumeNotNull((SELECT count() FROM {table}{uuid} WHERE {BATCH_COLUMN} = {{batch{at}:{BATCH_TYPE}}}))"
        )
    });
    format!("[{}]", counts.collect::<Vec<_>>().join(", "))
}

/// A query with [`counts`].
fn of_batches(
    mut query: clickhouse::query::Query,
    by_uuid: Option<Uuid>,
    batches: &[BatchNumber],
) -> clickhouse::query::Query {
    for (at, batch) in batches.iter().enumerate() {
        query = query.param(&format!("batch{at}"), batch.to_string());
    }
    if by_uuid.is_some() {
        query = query.with_setting(BY_UUID.0, BY_UUID.1);
    }
    // A lagging replica does not prove that rows are absent.
    query.with_setting("select_sequential_consistency", "1")
}

/// Whether ClickHouse does not find the table or its database.
pub(super) fn is_missing(error: &Error) -> bool {
    // UNKNOWN_TABLE, UNKNOWN_DATABASE
    matches!(error.server_code(), Some(60 | 81))
}

/// Whether the table does not have the batch column.
pub(super) fn lacks_column(error: &Error) -> bool {
    // UNKNOWN_IDENTIFIER, NO_SUCH_COLUMN_IN_TABLE
    matches!(error.server_code(), Some(47 | 16))
}

fn comes_and_goes(table: &TableName) -> Error {
    let message = "the table comes and goes while its rows are counted";
    Error::new(ErrorKind::Unavailable, message).retryable(true).with("table", table.plain())
}
