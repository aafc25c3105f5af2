//! Rows that are deleted from a table, and waited for.

use std::time::Duration;

use clickhouse::query::Query;
use futures_util::future::BoxFuture;

use super::sink::{is_missing, lacks_column};
use crate::{
    Error, ErrorKind, Result,
    warehouse::{TableName, Warehouse, from_clickhouse},
};

/// How long to wait for rows to be deleted.
const TIMEOUT: Duration = Duration::from_secs(30);
/// The same if an earlier attempt, which has waited already, started the deletion.
const AGAIN_TIMEOUT: Duration = Duration::from_secs(1);
/// How long to wait before the first check, and at most between two checks.
const FIRST_PAUSE: Duration = Duration::from_millis(5);
/// From which pause on to check whether the rows are being deleted at all. A replica takes a moment to learn that they are to be.
const CHECKING_PAUSE: Duration = Duration::from_millis(160);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);
/// A condition with thousands of identities is longer than ClickHouse expects.
const MAX_QUERY_SIZE: (&str, &str) = ("max_query_size", "16777216");

/// Which rows to delete.
pub(super) struct Deletion<'a> {
    pub(super) table: &'a TableName,
    /// What the rows are, for the error.
    pub(super) what: &'a str,
    /// The condition that they meet.
    pub(super) condition: &'a str,
    /// Sets the parameters of the condition.
    pub(super) bind: &'a (dyn Fn(Query) -> Query + Sync),
    /// Counts those that are left in the table that is meant, if another may get its name: then the statement may reach that
    /// one, so that the rows may still be there afterwards.
    pub(super) left: Option<&'a (dyn Fn() -> BoxFuture<'a, Result<u64>> + Sync)>,
    /// A part of the condition by which `system.mutations` shows whether an earlier attempt has started this deletion.
    /// If another one has it too, this one only starts later.
    pub(super) mark: &'a str,
}

impl Deletion<'_> {
    /// Deletes the rows, and returns when they are gone, or when no statement is deleting them any more.
    pub(super) async fn run(&self, warehouse: &Warehouse) -> Result<()> {
        let Self { table, what, condition, .. } = self;
        let is_begun = self.is_begun(warehouse).await?;
        if !is_begun {
            let deleted = self.start(warehouse, &format!("DELETE FROM {table} WHERE {condition}")).await;
            // Some tables, such as those with projections, accept only the other statement.
            if deleted.is_err() {
                let statement = format!("ALTER TABLE {table} DELETE WHERE {condition}");
                match self.start(warehouse, &statement).await {
                    Err(error) if self.left.is_some() && is_missing(&error) => return Ok(()),
                    deleted => deleted?,
                }
            }
        }
        let (since, mut pause) = (tokio::time::Instant::now(), FIRST_PAUSE);
        while self.left(warehouse).await? > 0 {
            if self.left.is_some() && pause >= CHECKING_PAUSE && !self.is_begun(warehouse).await? {
                // The statement may have reached another table that had the name.
                return Ok(());
            }
            if since.elapsed() > if is_begun { AGAIN_TIMEOUT } else { TIMEOUT } {
                let message = format!(
                    "{what} are not deleted yet: ClickHouse does so in merges, which may be stopped or busy (see \
                     `system.mutations`; `SYSTEM START MERGES {table}` resumes them). The next attempt continues"
                );
                return Err(self.about(Error::new(ErrorKind::Unavailable, message).retryable(true)));
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        Ok(())
    }

    fn about(&self, error: Error) -> Error {
        error.with("table", self.table.plain())
    }

    /// Does not wait: while merges are stopped, that would never end.
    async fn start(&self, warehouse: &Warehouse, statement: &str) -> Result<()> {
        let query = (self.bind)(warehouse.client().query_raw(statement))
            .with_setting(MAX_QUERY_SIZE.0, MAX_QUERY_SIZE.1)
            .with_setting("lightweight_deletes_sync", "0")
            .with_setting("mutations_sync", "0");
        query.execute().await.map_err(|error| self.about(from_clickhouse(error)))
    }

    /// How many of the rows are left.
    async fn left(&self, warehouse: &Warehouse) -> Result<u64> {
        if let Some(left) = self.left {
            return left().await;
        }
        let question = format!("SELECT count() FROM {} WHERE {}", self.table, self.condition);
        let query = (self.bind)(warehouse.client().query_raw(&question))
            .with_setting(MAX_QUERY_SIZE.0, MAX_QUERY_SIZE.1)
            // A lagging replica does not prove that rows are absent.
            .with_setting("select_sequential_consistency", "1");
        match query.fetch_one().await.map_err(from_clickhouse) {
            Err(error) if is_missing(&error) || lacks_column(&error) => Ok(0),
            counted => counted.map_err(|error| self.about(error)),
        }
    }

    /// Whether an earlier attempt has started to delete the rows.
    async fn is_begun(&self, warehouse: &Warehouse) -> Result<bool> {
        let begun: u64 = warehouse
            .client()
            .query_raw(
                "SELECT count() FROM system.mutations WHERE database = {database:String} AND table = {table:String} \
                 AND NOT is_done AND position(command, {mark:String}) > 0",
            )
            .param("database", self.table.database().as_str())
            .param("table", self.table.table().as_str())
            .param("mark", self.mark)
            .fetch_one()
            .await
            .map_err(from_clickhouse)?;
        Ok(begun > 0)
    }
}
