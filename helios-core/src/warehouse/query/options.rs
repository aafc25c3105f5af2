//! How a query may run.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

use super::{super::Parameters, ByteLimit, QueryId};
use crate::{Error, Result};

/// How a query may run. The default sets no limit.
///
/// On the wire every field is optional: `{"parameters": {"user": 42}, "database": "shop", "readOnly": true,
/// "maxExecutionSeconds": 1.5, "maxResultRows": 10, "maxResultBytes": 1000, "maxMemoryUsage": 1000000,
/// "limit": 100, "quote64BitIntegers": true, "times": "iso", "wideIntegers": "text", "queryId": "report-7"}`. A field
/// that is not listed is refused by its name.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct QueryOptions {
    /// Values of the query's parameters, `{name:Type}` in the text.
    pub parameters: Parameters,
    /// The database of tables named without one.
    pub database: Option<String>,
    /// Refuse everything that writes or reaches outside (ClickHouse `readonly = 1`).
    pub read_only: bool,
    /// Stop after this long. On the wire: `maxExecutionSeconds`, a number.
    #[serde(rename = "maxExecutionSeconds", deserialize_with = "seconds")]
    pub max_execution_time: Option<Duration>,
    /// Fail if the result has more rows.
    pub max_result_rows: Option<u64>,
    /// Fail if the result has more bytes, as ClickHouse holds it or as it is read here. Rows of a Rust type
    /// ([`query_as`](crate::warehouse::Warehouse::query_as)) are counted by ClickHouse only.
    pub max_result_bytes: Option<u64>,
    /// Fail if the query needs more memory, in bytes.
    pub max_memory_usage: Option<u64>,
    /// The first so many rows of the result, and no more.
    pub limit: Option<u64>,
    /// 64-bit integers as text in JSON, for readers whose numbers are doubles. Default: as numbers.
    #[serde(rename = "quote64BitIntegers")]
    pub quote_64bit_integers: bool,
    /// How times are written in JSON and CSV. Arrow and Parquet have types for them.
    pub times: TimeForm,
    /// What 128 and 256-bit integers are in Arrow.
    pub wide_integers: WideIntegers,
    /// The name by which the query can be cancelled and watched. Default: a random one.
    pub query_id: Option<QueryId>,
}

/// How times are written in text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum TimeForm {
    /// ISO 8601 in UTC: `2026-01-31T10:00:00Z`. On the wire: `"iso"`.
    #[default]
    Iso,
    /// As ClickHouse writes them, in the column's zone: `2026-01-31 11:00:00`. On the wire: `"simple"`.
    Simple,
    /// Seconds since 1970, in JSON too as text: `"1769853600"`. On the wire: `"unixTimestamp"`.
    UnixTimestamp,
}

impl TimeForm {
    /// ClickHouse's `date_time_output_format`.
    pub(super) const fn setting(self) -> &'static str {
        match self {
            Self::Iso => "iso",
            Self::Simple => "simple",
            Self::UnixTimestamp => "unix_timestamp",
        }
    }
}

/// What 128 and 256-bit integers are in Arrow, which has none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum WideIntegers {
    /// Their digits. On the wire: `"text"`.
    #[default]
    Text,
    /// 128-bit ones `Decimal256(39, 0)`; 256-bit ones, which no decimal holds, 32 bytes, little-endian. On the wire:
    /// `"decimal"`.
    Decimal,
}

fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    let seconds = Option::<f64>::deserialize(deserializer)?;
    seconds.map(Duration::try_from_secs_f64).transpose().map_err(D::Error::custom)
}

fn is_parameter_name(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && name.bytes().next().is_some_and(|first| !first.is_ascii_digit())
}

/// Below it ClickHouse could round to zero, which stands for no limit.
const MIN_EXECUTION_TIME: Duration = Duration::from_millis(1);

impl QueryOptions {
    /// The settings that ClickHouse is sent with queries, whatever their options and the form of their result, but for
    /// `readonly`, sorted. A user who is read-only by a profile needs leave to change them.
    pub const SETTINGS: [&str; 23] = [
        "cancel_http_readonly_queries_on_client_close",
        "date_time_output_format",
        "enable_http_compression",
        "format_csv_delimiter",
        "limit",
        "max_execution_time",
        "max_memory_usage",
        "max_result_bytes",
        "max_result_rows",
        "output_format_arrow_compression_method",
        "output_format_arrow_fixed_string_as_fixed_byte_array",
        "output_format_arrow_low_cardinality_as_dictionary",
        "output_format_arrow_string_as_string",
        "output_format_csv_crlf_end_of_line",
        "output_format_json_escape_forward_slashes",
        "output_format_json_map_as_array_of_tuples",
        "output_format_json_named_tuples_as_objects",
        "output_format_json_quote_64bit_integers",
        "output_format_json_quote_decimals",
        "output_format_json_quote_denormals",
        "output_format_parquet_string_as_string",
        "result_overflow_mode",
        "timeout_overflow_mode",
    ];

    /// Checks the limits, and the names of parameters.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) for a limit of zero, which ClickHouse takes for none, and for a
    /// parameter whose name cannot stand in `{name:Type}`.
    pub fn validate(&self) -> Result<()> {
        if let Some((name, _)) = self.parameters.iter().find(|(name, _)| !is_parameter_name(name)) {
            let message =
                format!("the parameter `{name}` is no name: letters, digits and `_`, and no digit first");
            return Err(Error::invalid_input(message));
        }
        let zero = |name: &str| {
            Err(Error::invalid_input(format!(
                "`{name}` is too small; leave it out if there shall be no limit"
            )))
        };
        if self.max_execution_time.is_some_and(|limit| limit < MIN_EXECUTION_TIME) {
            return zero("maxExecutionSeconds");
        }
        let limits = [
            ("limit", self.limit),
            ("maxResultRows", self.max_result_rows),
            ("maxResultBytes", self.max_result_bytes),
            ("maxMemoryUsage", self.max_memory_usage),
        ];
        match limits.into_iter().find(|(_, limit)| *limit == Some(0)) {
            Some((name, _)) => zero(name),
            None => Ok(()),
        }
    }

    /// The options of a question about a statement that has these: what limits the statement's own result must not cut the
    /// answer, nor is the question the query of that name.
    #[must_use]
    pub fn of_question(&self) -> Self {
        Self { limit: None, max_result_rows: None, max_result_bytes: None, query_id: None, ..self.clone() }
    }

    /// What its result may have, counted here.
    pub(in crate::warehouse) fn byte_limit(&self) -> ByteLimit {
        ByteLimit::new(self.max_result_bytes)
    }

    pub(in crate::warehouse) fn settings(&self) -> Vec<(&'static str, String)> {
        let mut settings = Vec::new();
        if let Some(limit) = self.max_execution_time {
            settings.push(("max_execution_time", limit.as_secs_f64().to_string()));
        }
        // Too much is an error, whatever the user's profile says: a result must not be cut in silence.
        settings.extend([
            ("result_overflow_mode", "throw".to_owned()),
            ("timeout_overflow_mode", "throw".to_owned()),
        ]);
        let limits = [
            ("limit", self.limit),
            ("max_result_rows", self.max_result_rows),
            ("max_result_bytes", self.max_result_bytes),
            ("max_memory_usage", self.max_memory_usage),
        ];
        settings.extend(limits.into_iter().filter_map(|(name, limit)| Some((name, limit?.to_string()))));
        if self.read_only {
            settings.push(("readonly", "1".to_owned()));
            // A reader that goes away takes its query with it. A server honours it only for queries that just read; the
            // others are ended by name.
            settings.push(("cancel_http_readonly_queries_on_client_close", "1".to_owned()));
        }
        settings
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    #[test]
    fn a_parameter_has_a_name() {
        let named = |name: &str| {
            let parameters = [(name, "1")].into_iter().collect();
            QueryOptions { parameters, ..QueryOptions::default() }.validate()
        };
        for name in ["a", "_", "user_id", "N2"] {
            named(name).unwrap();
        }
        for name in ["", "2", "a b", "a-b", "é", "a:UInt8}"] {
            assert_eq!(named(name).unwrap_err().kind(), ErrorKind::InvalidInput, "{name:?}");
        }
        // A list goes another way to ClickHouse, and has the same names.
        let parameters = serde_json::from_str("{\"a b\": [1]}").unwrap();
        let options = QueryOptions { parameters, ..QueryOptions::default() };
        assert_eq!(options.validate().unwrap_err().kind(), ErrorKind::InvalidInput);
    }
}
