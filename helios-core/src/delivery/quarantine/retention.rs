//! For how long rejects are kept.

use serde::{Deserialize, Serialize};

use super::{Quarantine, ensure, table_of};
use crate::{
    Error, ErrorKind, Result,
    warehouse::{TableName, default_database},
};

/// For how long the rejects of a table are kept: `{"tableName", "databaseName", "days"}`.
///
/// Tables of the same name in several databases share a quarantine, and this.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct Retention {
    /// The table that the events were meant for.
    pub table_name: String,
    /// Its database. Default: `default`.
    #[serde(default = "default_database")]
    pub database_name: String,
    /// After so many days ClickHouse deletes them, 1 to 36,500; none: never, as at first. To be said, if as `null`: what
    /// was left out by mistake must not lift a retention.
    #[serde(deserialize_with = "Option::deserialize")]
    pub days: Option<u32>,
}

const MAX_DAYS: u32 = 36_500;

impl Retention {
    /// Rejects of a table of the database `default` are kept for so many days, or for ever.
    pub fn new(table: impl Into<String>, days: Option<u32>) -> Self {
        Self { table_name: table.into(), database_name: default_database(), days }
    }

    /// Sets the database.
    #[must_use]
    pub fn database(mut self, database: impl Into<String>) -> Self {
        self.database_name = database.into();
        self
    }
}

impl Quarantine {
    /// Sets for how long the rejects of a table are kept. Makes its quarantine if there is none yet.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for a number of days that is out of range, `NotFound` for the table, `PermissionDenied`.
    pub async fn retain(&self, retention: &Retention) -> Result<Retention> {
        let table = TableName::new(&retention.database_name, &retention.table_name)?;
        if let Some(days) = retention.days
            && !(1..=MAX_DAYS).contains(&days)
        {
            let message = format!("`days` is 1 to {MAX_DAYS}, or null: for ever");
            return Err(Error::invalid_input(message).with("days", days.to_string()));
        }
        if self.warehouse.describe_table(&table).await?.is_none() {
            let message = "there is no such table";
            return Err(Error::new(ErrorKind::NotFound, message).with("table", table.plain()));
        }
        ensure(&self.warehouse, &table).await?;
        let quarantine = table_of(&table)?;
        let change = match retention.days {
            Some(days) => format!("MODIFY TTL toDateTime(insertion_timestamp) + toIntervalDay({days})"),
            // To remove what is not there is an error.
            None if self.has_ttl(&quarantine).await? => "REMOVE TTL".to_owned(),
            None => return Ok(retention.clone()),
        };
        self.warehouse.execute(&format!("ALTER TABLE {quarantine} {change}")).await?;
        Ok(retention.clone())
    }

    async fn has_ttl(&self, quarantine: &TableName) -> Result<bool> {
        let described = self.warehouse.describe_table(quarantine).await?;
        Ok(described.is_some_and(|table| table.engine.contains(" TTL ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn for_ever_is_said_and_not_left_out() {
        let read = |text| serde_json::from_str::<Retention>(text).map_err(|error| error.to_string());
        assert_eq!(read(r#"{"tableName":"t","days":null}"#).unwrap(), Retention::new("t", None));
        assert_eq!(read(r#"{"tableName":"t","days":7}"#).unwrap(), Retention::new("t", Some(7)));
        assert!(read(r#"{"tableName":"t"}"#).unwrap_err().contains("missing field `days`"));
    }
}
