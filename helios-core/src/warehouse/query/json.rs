//! The JSON path: the documented form of a result, as a stream or whole.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures_util::{Stream, TryStreamExt as _};
use sync_wrapper::SyncWrapper;

use super::{
    super::{
        Warehouse,
        cancel::QueryBytes,
        error::located_in,
        from_clickhouse,
        row_lines::{FORMAT, Line, RowLines},
    },
    QueryId, QueryMetadata, QueryOptions, QueryResult, StartedQuery,
};
use crate::{Error, Result};

/// How values become the documented JSON.
const JSON_SETTINGS: [(&str, &str); 5] = [
    ("output_format_json_escape_forward_slashes", "0"),
    ("output_format_json_map_as_array_of_tuples", "0"),
    ("output_format_json_named_tuples_as_objects", "1"),
    ("output_format_json_quote_decimals", "0"),
    ("output_format_json_quote_denormals", "0"),
];

impl Warehouse {
    /// Runs a query and streams its documented JSON, `{"data": [row, …], "metadata": {…}}`, in constant memory.
    ///
    /// Data come first: how many rows there are is known at the end. Every value is valid JSON: NaN and infinities are
    /// `null`, times are as [`QueryOptions::times`] says, bytes that are not UTF-8 become U+FFFD (`hex(x)` or `base64Encode(x)` in the
    /// query keep them). An error before the first row is returned here; one after it ends the stream with an error.
    /// Dropping the stream cancels the query.
    ///
    /// # Errors
    ///
    /// What ClickHouse says; [`ErrorKind::InvalidQuery`] for an empty text or one with a `FORMAT` clause.
    pub async fn query_json(&self, sql: &str, options: &QueryOptions) -> Result<QueryStream> {
        let quoted = u8::from(options.quote_64bit_integers).to_string();
        let settings = JSON_SETTINGS.iter().map(|&(name, value)| (name, value));
        let settings = settings.chain([
            ("output_format_json_quote_64bit_integers", quoted.as_str()),
            ("date_time_output_format", options.times.setting()),
        ]);
        let StartedQuery { cursor, id } = self.start_query(sql, options, FORMAT, settings)?;
        let mut stream = QueryStream::new(sql, id, cursor);
        stream.read_head().await.map_err(|error| located_in(sql, error).at("query"))?;
        Ok(stream)
    }

    /// Runs a query and returns its result whole.
    ///
    /// # Errors
    ///
    /// As [`query_json`](Self::query_json).
    pub async fn query(&self, sql: &str, options: &QueryOptions) -> Result<QueryResult> {
        let bytes = self
            .query_json(sql, options)
            .await?
            .try_fold(Vec::new(), |mut all, chunk| async move {
                all.extend_from_slice(&chunk);
                Ok(all)
            })
            .await?;
        serde_json::from_slice(&bytes)
            .map_err(|error| Error::unexpected("ClickHouse answered what is no JSON").caused_by(error))
    }
}

/// The documented JSON of a result, chunk by chunk.
///
/// An error ends it; what came before is then not a whole result.
pub struct QueryStream {
    id: QueryId,
    /// Only ever used through `&mut`, which makes the stream `Sync` too.
    cursor: SyncWrapper<QueryBytes>,
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
    fn new(sql: &str, id: QueryId, cursor: QueryBytes) -> Self {
        let metadata = QueryMetadata { query: sql.to_owned(), ..QueryMetadata::default() };
        Self {
            id,
            cursor: SyncWrapper::new(cursor),
            lines: RowLines::default(),
            metadata,
            ready: None,
            state: State::Reading,
        }
    }

    /// The name by which the query can be cancelled and watched.
    #[must_use]
    pub fn query_id(&self) -> &QueryId {
        &self.id
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
