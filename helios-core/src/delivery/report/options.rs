//! Which source a report is about.

use serde::Deserialize;

use crate::warehouse::default_database;

/// Which source a report is about: `{"tableName": "clicks", "databaseName": "default", "streamName": "clicks", "countRows":
/// true}`, of which only the table is needed.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReportOptions {
    /// The table.
    pub table_name: String,
    /// Its database. Default: `default`.
    #[serde(default = "default_database")]
    pub database_name: String,
    /// The stream, by name or ARN: needed only where several fill the table.
    #[serde(default)]
    pub stream_name: Option<String>,
    /// Counts the table's rows and compares them with what was inserted. This reads one column of the whole table. Default:
    /// no.
    #[serde(default)]
    pub count_rows: bool,
}

impl ReportOptions {
    /// The one source of a table in the database `default`.
    #[must_use]
    pub fn new(table: impl Into<String>) -> Self {
        Self {
            table_name: table.into(),
            database_name: default_database(),
            stream_name: None,
            count_rows: false,
        }
    }

    /// Counts the table's rows and compares them with what was inserted.
    #[must_use]
    pub fn count_rows(mut self) -> Self {
        self.count_rows = true;
        self
    }

    /// Sets the database.
    #[must_use]
    pub fn database(mut self, database: impl Into<String>) -> Self {
        self.database_name = database.into();
        self
    }

    /// Sets the stream.
    #[must_use]
    pub fn stream(mut self, stream: impl Into<String>) -> Self {
        self.stream_name = Some(stream.into());
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_table_is_needed() {
        let read = serde_json::from_str::<ReportOptions>;
        assert_eq!(read(r#"{"tableName":"clicks"}"#).unwrap(), ReportOptions::new("clicks"));
        let all = r#"{"tableName":"t","databaseName":"d","streamName":"s","countRows":true}"#;
        assert_eq!(read(all).unwrap(), ReportOptions::new("t").database("d").stream("s").count_rows());
        for wrong in ["{}", r#"{"tableName":"t","table":"t"}"#] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
