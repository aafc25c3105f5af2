//! Queries, answered as JSON: the documented form, as a stream or whole.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use clickhouse::query::BytesCursor;
use futures_util::{Stream, TryStreamExt as _};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{DeserializeOwned, Error as _},
};
use serde_json::value::RawValue;
use sync_wrapper::SyncWrapper;

use super::{
    Parameters, Warehouse, from_clickhouse,
    row_lines::{FORMAT, Line, RowLines},
};
use crate::{Error, ErrorKind, Result};

/// How a query may run. The default sets no limit.
///
/// On the wire every field is optional: `{"parameters": {"user": 42}, "database": "shop", "readOnly": true,
/// "maxExecutionSeconds": 1.5, "maxResultRows": 10, "maxResultBytes": 1000, "maxMemoryUsage": 1000000,
/// "quote64BitIntegers": true}`. A field that is not listed is refused by its name.
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
    /// Fail if the result has more bytes.
    pub max_result_bytes: Option<u64>,
    /// Fail if the query needs more memory, in bytes.
    pub max_memory_usage: Option<u64>,
    /// 64-bit integers as text in JSON, for readers whose numbers are doubles. Default: as numbers.
    #[serde(rename = "quote64BitIntegers")]
    pub quote_64bit_integers: bool,
}

fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    let seconds = Option::<f64>::deserialize(deserializer)?;
    seconds.map(Duration::try_from_secs_f64).transpose().map_err(D::Error::custom)
}

/// How values become the documented JSON.
const JSON_SETTINGS: [(&str, &str); 6] = [
    ("date_time_output_format", "iso"),
    ("output_format_json_escape_forward_slashes", "0"),
    ("output_format_json_map_as_array_of_tuples", "0"),
    ("output_format_json_named_tuples_as_objects", "1"),
    ("output_format_json_quote_decimals", "0"),
    ("output_format_json_quote_denormals", "0"),
];

/// Below it ClickHouse could round to zero, which stands for no limit.
const MIN_EXECUTION_TIME: Duration = Duration::from_millis(1);

impl QueryOptions {
    /// Checks the limits.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] for a limit of zero, which ClickHouse takes for none.
    pub fn validate(&self) -> Result<()> {
        let zero = |name: &str| {
            Err(Error::invalid_input(format!(
                "`{name}` is too small; leave it out if there shall be no limit"
            )))
        };
        if self.max_execution_time.is_some_and(|limit| limit < MIN_EXECUTION_TIME) {
            return zero("maxExecutionSeconds");
        }
        let limits = [
            ("maxResultRows", self.max_result_rows),
            ("maxResultBytes", self.max_result_bytes),
            ("maxMemoryUsage", self.max_memory_usage),
        ];
        match limits.into_iter().find(|(_, limit)| *limit == Some(0)) {
            Some((name, _)) => zero(name),
            None => Ok(()),
        }
    }

    fn settings(&self) -> Vec<(&'static str, String)> {
        // A reader that goes away takes its query with it.
        let mut settings = vec![("cancel_http_readonly_queries_on_client_close", "1".to_owned())];
        if let Some(limit) = self.max_execution_time {
            settings.push(("max_execution_time", limit.as_secs_f64().to_string()));
        }
        let limits = [
            ("max_result_rows", self.max_result_rows),
            ("max_result_bytes", self.max_result_bytes),
            ("max_memory_usage", self.max_memory_usage),
        ];
        settings.extend(limits.into_iter().filter_map(|(name, limit)| Some((name, limit?.to_string()))));
        if self.read_only {
            settings.push(("readonly", "1".to_owned()));
        }
        settings
    }
}

/// What a result is: its query, its size, its columns.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct QueryMetadata {
    /// The SQL text as it was given.
    pub query: String,
    /// How many rows `data` has.
    pub row_count: u64,
    /// The columns' names, in order.
    pub column_names: Vec<String>,
    /// The columns' full ClickHouse types, in order.
    pub column_types: Vec<String>,
}

/// A whole result: `{"metadata": {…}, "data": [{column: value}]}`.
#[derive(Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct QueryResult {
    /// What the result is.
    pub metadata: QueryMetadata,
    /// The rows as ClickHouse wrote them: numbers of any size keep every digit.
    pub data: Vec<Box<RawValue>>,
}

impl QueryResult {
    /// The rows as values of `T`, one JSON object each.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] if a row does not fit `T`, naming the row.
    pub fn rows<T: DeserializeOwned>(&self) -> Result<Vec<T>> {
        let read = |(index, row): (usize, &RawValue)| {
            serde_json::from_str(row.get()).map_err(|error| {
                Error::invalid_input(format!("row {index} does not fit the type it is read as: {error}"))
            })
        };
        self.data.iter().map(AsRef::as_ref).enumerate().map(read).collect()
    }
}

impl Warehouse {
    /// Runs a query and streams its documented JSON, `{"data": [row, …], "metadata": {…}}`, in constant memory.
    ///
    /// Data come first: how many rows there are is known at the end. Every value is valid JSON: NaN and infinities are
    /// `null`, times are ISO 8601 in UTC, bytes that are not UTF-8 become U+FFFD (`hex(x)` or `base64Encode(x)` in the
    /// query keep them). An error before the first row is returned here; one after it ends the stream with an error.
    /// Dropping the stream cancels the query.
    ///
    /// # Errors
    ///
    /// What ClickHouse says; [`ErrorKind::InvalidQuery`] for an empty text or one with a `FORMAT` clause.
    pub async fn query_stream(&self, sql: &str, options: &QueryOptions) -> Result<QueryStream> {
        let quoted = u8::from(options.quote_64bit_integers).to_string();
        let settings = JSON_SETTINGS.iter().map(|&(name, value)| (name, value));
        let settings = settings.chain([("output_format_json_quote_64bit_integers", quoted.as_str())]);
        let mut stream = QueryStream::new(sql, self.start_query(sql, options, FORMAT, settings)?);
        stream.read_head().await.map_err(|error| error.at("query"))?;
        Ok(stream)
    }

    /// Runs a query and returns its result whole.
    ///
    /// # Errors
    ///
    /// As [`query_stream`](Self::query_stream).
    pub async fn query(&self, sql: &str, options: &QueryOptions) -> Result<QueryResult> {
        let bytes = self
            .query_stream(sql, options)
            .await?
            .try_fold(Vec::new(), |mut all, chunk| async move {
                all.extend_from_slice(&chunk);
                Ok(all)
            })
            .await?;
        serde_json::from_slice(&bytes)
            .map_err(|error| Error::unexpected("ClickHouse answered what is no JSON").caused_by(error))
    }

    /// Begins a query whose result comes in this format, under these settings beside those of its options.
    pub(super) fn start_query<'a>(
        &self,
        sql: &str,
        options: &QueryOptions,
        format: &str,
        settings: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<BytesCursor> {
        if sql.trim().is_empty() {
            return Err(Error::new(ErrorKind::InvalidQuery, "the query is empty").at("query"));
        }
        options.validate().map_err(|error| error.at("query"))?;
        let mut query = self.client().query_raw(sql);
        for (name, value) in settings {
            query = query.with_setting(name, value);
        }
        for (name, value) in options.settings() {
            query = query.with_setting(name, value);
        }
        if let Some(database) = &options.database {
            query = query.with_setting("database", database);
        }
        options
            .parameters
            .apply(query)
            .fetch_bytes(format)
            .map_err(|error| from_clickhouse(error).at("query"))
    }
}

/// The documented JSON of a result, chunk by chunk.
///
/// An error ends it; what came before is then not a whole result.
pub struct QueryStream {
    /// Only ever used through `&mut`, which makes the stream `Sync` too.
    cursor: SyncWrapper<BytesCursor>,
    lines: RowLines,
    metadata: QueryMetadata,
    /// Output that was made while looking for an early error.
    ready: Option<Bytes>,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Reading,
    Ended,
}

impl QueryStream {
    fn new(sql: &str, cursor: BytesCursor) -> Self {
        let metadata = QueryMetadata { query: sql.to_owned(), ..QueryMetadata::default() };
        Self {
            cursor: SyncWrapper::new(cursor),
            lines: RowLines::default(),
            metadata,
            ready: None,
            state: State::Reading,
        }
    }

    /// Reads until the first line is there, so that an early error is seen before anything was answered.
    async fn read_head(&mut self) -> Result<()> {
        let mut output = b"{\"data\":[".to_vec();
        while self.state == State::Reading && !self.lines.headed() {
            let chunk = self.cursor.get_mut().next().await.map_err(from_clickhouse)?;
            self.digest(chunk.as_deref(), &mut output)?;
        }
        self.ready = Some(valid_utf8(output));
        Ok(())
    }

    /// Turns a chunk of the answer, `None` at its end, into output.
    fn digest(&mut self, chunk: Option<&[u8]>, output: &mut Vec<u8>) -> Result<()> {
        let metadata = &mut self.metadata;
        let each = |line: Line<'_>| {
            match line {
                Line::Columns(columns) => {
                    (metadata.column_names, metadata.column_types) =
                        columns.into_iter().map(|column| (column.name, column.data_type)).unzip();
                }
                Line::Row(row) => {
                    if metadata.row_count > 0 {
                        output.push(b',');
                    }
                    metadata.row_count += 1;
                    output.extend_from_slice(row);
                }
                Line::Other => {}
            }
            Ok(())
        };
        match chunk {
            Some(chunk) => self.lines.feed(chunk, each),
            None => {
                self.lines.finish(each)?;
                self.state = State::Ended;
                output.extend_from_slice(b"],\"metadata\":");
                serde_json::to_writer(&mut *output, &self.metadata)
                    .map_err(|error| Error::unexpected("the metadata cannot be written").caused_by(error))?;
                output.push(b'}');
                Ok(())
            }
        }
    }
}

impl Stream for QueryStream {
    type Item = Result<Bytes>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if let Some(ready) = this.ready.take() {
            return Poll::Ready(Some(Ok(ready)));
        }
        while this.state == State::Reading {
            let chunk = ready!(this.cursor.get_mut().poll_next(cx)).map_err(from_clickhouse);
            let mut output = Vec::with_capacity(
                chunk.as_ref().map_or(0, |chunk| chunk.as_ref().map_or(0, Bytes::len) + 256),
            );
            if let Err(error) = chunk.and_then(|chunk| this.digest(chunk.as_deref(), &mut output)) {
                this.state = State::Ended;
                return Poll::Ready(Some(Err(error.at("query"))));
            }
            if !output.is_empty() {
                return Poll::Ready(Some(Ok(valid_utf8(output))));
            }
        }
        Poll::Ready(None)
    }
}

impl fmt::Debug for QueryStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueryStream")
            .field("metadata", &self.metadata)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

/// Output holds whole lines only, so no character is cut in two here.
fn valid_utf8(output: Vec<u8>) -> Bytes {
    match String::from_utf8(output) {
        Ok(text) => Bytes::from(text),
        Err(error) => Bytes::from(String::from_utf8_lossy(error.as_bytes()).into_owned()),
    }
}
