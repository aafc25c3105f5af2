//! Which rejects are meant.

use clickhouse::query::Query;
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

use super::super::decode::RejectKind;
use crate::{
    Error, Result,
    warehouse::{TableName, default_database},
};

/// Which rejects of a table are meant: all, or those that meet every condition given.
///
/// On the wire `{"tableName", "databaseName", "errorType", "path", "sequenceNumber", "since", "until"}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct RejectSelection {
    /// The table that the events were meant for.
    pub table_name: String,
    /// Its database. Default: `default`.
    #[serde(default = "default_database")]
    pub database_name: String,
    /// The reason: `"out_of_range"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_type: Option<String>,
    /// The place in the event: `"$.place.tags[2]"`, or `"$.place.tags[*]"` for any element of that list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The record it was in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequence_number: Option<String>,
    /// In quarantine since this time, or later.
    #[serde(default, deserialize_with = "time", skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// In quarantine before this time.
    #[serde(default, deserialize_with = "time", skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
    text.parse().map(Some).map_err(|_| {
        let message = "is no ISO 8601 time with its offset, such as 2026-01-31T12:00:00Z";
        D::Error::custom(format_args!("`{text}` {message}"))
    })
}

/// A path without the numbers of elements: what makes rejects a group.
pub(super) const GROUP_PATH: &str = "replaceRegexpAll(ifNull(path, ''), '\\\\[[0-9]+\\\\]', '[*]')";

impl RejectSelection {
    /// All rejects of a table of the database `default`.
    pub fn new(table: impl Into<String>) -> Self {
        Self {
            table_name: table.into(),
            database_name: default_database(),
            error_type: None,
            path: None,
            sequence_number: None,
            since: None,
            until: None,
        }
    }

    /// Sets the database.
    #[must_use]
    pub fn database(mut self, database: impl Into<String>) -> Self {
        self.database_name = database.into();
        self
    }

    /// Those with this reason only.
    #[must_use]
    pub fn error_type(mut self, kind: RejectKind) -> Self {
        self.error_type = Some(kind.as_str().to_owned());
        self
    }

    /// Those with this place only.
    #[must_use]
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.path = Some(path.into());
        self
    }

    /// Those of this record only.
    #[must_use]
    pub fn sequence_number(mut self, number: impl Into<String>) -> Self {
        self.sequence_number = Some(number.into());
        self
    }

    /// Those that are in quarantine since this time or later.
    #[must_use]
    pub fn since(mut self, time: Timestamp) -> Self {
        self.since = Some(time);
        self
    }

    /// Those that are in quarantine from before this time.
    #[must_use]
    pub fn until(mut self, time: Timestamp) -> Self {
        self.until = Some(time);
        self
    }

    pub(super) fn table(&self) -> Result<TableName> {
        TableName::new(&self.database_name, &self.table_name)
    }

    /// Fails for a reason that there is not: nothing would ever be found.
    pub(super) fn check(&self) -> Result<()> {
        let Some(wanted) = &self.error_type else { return Ok(()) };
        if RejectKind::ALL.iter().any(|kind| kind.as_str() == wanted) {
            return Ok(());
        }
        let known = RejectKind::ALL.map(RejectKind::as_str).join(", ");
        let message = format!("there is no such error type; there are {known}");
        Err(Error::invalid_input(message).with("errorType", wanted))
    }

    /// The condition, with parameters that [`apply`](Self::apply) sets.
    pub(super) fn condition(&self) -> String {
        let mut condition = "original_table = {original_table:String}".to_owned();
        let mut also = |is_given: bool, text: &str| {
            if is_given {
                condition.push_str(" AND ");
                condition.push_str(text);
            }
        };
        also(self.error_type.is_some(), "error_type = {error_type:String}");
        also(self.path.is_some(), &format!("(path = {{path:String}} OR {GROUP_PATH} = {{path:String}})"));
        also(self.sequence_number.is_some(), "sequence_number = {number:String}");
        let time = |name: &str| format!("fromUnixTimestamp64Milli({{{name}:Int64}}, 'UTC')");
        also(self.since.is_some(), &format!("insertion_timestamp >= {}", time("since")));
        also(self.until.is_some(), &format!("insertion_timestamp < {}", time("until")));
        condition
    }

    pub(super) fn apply(&self, query: Query) -> Query {
        let query = query.param("original_table", format!("{}.{}", self.database_name, self.table_name));
        let texts =
            [("error_type", &self.error_type), ("path", &self.path), ("number", &self.sequence_number)];
        let times = [("since", self.since), ("until", self.until)];
        let query = texts.into_iter().fold(query, |query, (name, value)| match value {
            Some(value) => query.param(name, value),
            None => query,
        });
        times.into_iter().fold(query, |query, (name, time)| match time {
            Some(time) => query.param(name, time.as_millisecond()),
            None => query,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wire_form_is_read_and_written_and_nothing_else_is_taken() {
        let text = r#"{"tableName":"t","databaseName":"d","errorType":"out_of_range","path":"$.a[*]","sequenceNumber":"7","since":"2026-01-01T00:00:00Z","until":"2026-02-01T00:00:00Z"}"#;
        let selection: RejectSelection = serde_json::from_str(text).unwrap();
        let built = RejectSelection::new("t")
            .database("d")
            .error_type(RejectKind::OutOfRange)
            .path("$.a[*]")
            .sequence_number("7")
            .since("2026-01-01T00:00:00Z".parse().unwrap())
            .until("2026-02-01T00:00:00Z".parse().unwrap());
        assert_eq!(selection, built);
        assert_eq!(serde_json::to_string(&built).unwrap(), text);
        assert!(serde_json::from_str::<RejectSelection>(r#"{"tableName":"t","errortype":"x"}"#).is_err());
    }

    #[test]
    fn a_time_that_is_none_is_named() {
        let read = serde_json::from_str::<RejectSelection>;
        let error = read(r#"{"tableName":"t","since":"yesterday"}"#).unwrap_err().to_string();
        assert!(error.contains("`yesterday` is no ISO 8601 time"), "{error}");
        assert_eq!(read(r#"{"tableName":"t","until":null}"#).unwrap(), RejectSelection::new("t"));
    }

    #[test]
    fn a_reason_that_there_is_not_is_refused() {
        assert!(RejectSelection::new("t").error_type(RejectKind::Refused).check().is_ok());
        let selection =
            RejectSelection { error_type: Some("outofrange".to_owned()), ..RejectSelection::new("t") };
        assert!(selection.check().unwrap_err().message().contains("out_of_range"));
    }

    #[test]
    fn each_condition_given_is_asked_for() {
        assert_eq!(RejectSelection::new("t").condition(), "original_table = {original_table:String}");
        let all = RejectSelection::new("t")
            .error_type(RejectKind::Refused)
            .path("$.a")
            .sequence_number("7")
            .since(Timestamp::UNIX_EPOCH)
            .until(Timestamp::UNIX_EPOCH);
        assert_eq!(all.condition().matches(" AND ").count(), 5);
    }
}
