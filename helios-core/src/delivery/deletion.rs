//! Rows that are deleted from a table, and waited for.

use std::time::Duration;

use clickhouse::query::Query;

use super::sink::is_missing;
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
    /// A part of the condition by which `system.mutations` shows whether an earlier attempt has started this deletion.
    /// If another one has it too, this one only starts later.
    pub(super) mark: &'a str,
}

impl Deletion<'_> {
    /// Deletes the rows, and returns when they are gone.
    pub(super) async fn run(&self, warehouse: &Warehouse) -> Result<()> {
        let Self { table, what, condition, .. } = self;
        let is_begun = self.is_begun(warehouse).await?;
        if !is_begun {
            let deleted = self.start(warehouse, &format!("DELETE FROM {table} WHERE {condition}")).await;
            // Some tables, such as those with projections, accept only the other statement.
            if deleted.is_err() {
                self.start(warehouse, &format!("ALTER TABLE {table} DELETE WHERE {condition}")).await?;
            }
        }
        let (since, mut pause) = (tokio::time::Instant::now(), FIRST_PAUSE);
        while self.left(warehouse).await? > 0 {
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
        let question = format!("SELECT count() FROM {} WHERE {}", self.table, self.condition);
        let query = (self.bind)(warehouse.client().query_raw(&question))
            .with_setting(MAX_QUERY_SIZE.0, MAX_QUERY_SIZE.1)
            // A lagging replica does not prove that rows are absent.
            .with_setting("select_sequential_consistency", "1");
        match query.fetch_one().await.map_err(from_clickhouse) {
            Err(error) if is_missing(&error) => Ok(0),
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
