//! A result as bytes.

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
        arrow::{ArrowBody, ResultTypes, always_answers, selects, untold},
        error::located_in,
        row_lines,
    },
    ByteLimit, Judged, QueryId, QueryMetadata, QueryOptions, QueryResult, ResultFormat, StartedQuery,
    raw::{self, Csv, RawBody},
    rows::{self, RowsBody},
};
use crate::{Error, ErrorKind, Result};

/// How values become the documented JSON.
const JSON_SETTINGS: [(&str, &str); 5] = [
    ("output_format_json_escape_forward_slashes", "0"),
    ("output_format_json_map_as_array_of_tuples", "0"),
    ("output_format_json_named_tuples_as_objects", "1"),
    ("output_format_json_quote_decimals", "0"),
    ("output_format_json_quote_denormals", "0"),
];

/// CSV as RFC 4180 has it, but for the line break, which is `\n`; that a quote is doubled is what shows where a text ends.
const CSV_SETTINGS: [(&str, &str); 2] =
    [("format_csv_delimiter", ","), ("output_format_csv_crlf_end_of_line", "0")];

/// Texts as texts, whatever the user's profile says.
const PARQUET_SETTINGS: [(&str, &str); 1] = [("output_format_parquet_string_as_string", "1")];

impl Warehouse {
    /// Runs a query and streams its result as bytes of this form, in constant memory.
    ///
    /// | form | what comes | how it is known to be whole |
    /// |---|---|---|
    /// | [`Json`](ResultFormat::Json) | as [`query_json`](Self::query_json) | its end, the metadata |
    /// | [`NdJson`](ResultFormat::NdJson) | the same rows, one a line | the stream's end |
    /// | [`Csv`](ResultFormat::Csv) | a line of names, then one for each row; `\N` is null; texts, times and arrays are quoted | the stream's end |
    /// | [`Arrow`](ResultFormat::Arrow) | the batches of [`query_arrow`](Self::query_arrow) as an IPC stream | Arrow's end-of-stream marker |
    /// | [`Parquet`](ResultFormat::Parquet) | a file, its types as ClickHouse chooses them | its footer |
    ///
    /// The stream ends in an error wherever the result was cut off or ClickHouse gave up, in each form, and what came
    /// before is then not a whole result: a reader that hands bytes on must hand on that, too (over HTTP: by breaking the
    /// answer off). An error before the first row is returned here. Dropping the stream cancels the query.
    ///
    /// In JSON and CSV bytes that are not UTF-8 become U+FFFD, and times are as [`QueryOptions::times`] says.
    ///
    /// # Errors
    ///
    /// What ClickHouse says; [`InvalidQuery`](crate::ErrorKind::InvalidQuery) for an empty text or one with a `FORMAT`
    /// clause.
    pub async fn query_bytes(
        &self,
        sql: &str,
        options: &QueryOptions,
        format: ResultFormat,
    ) -> Result<QueryStream> {
        if format == ResultFormat::Json {
            return self.query_json(sql, options).await;
        }
        let judged = self.judge(sql, options).await.map_err(|error| error.at("query"))?;
        let started = match format {
            ResultFormat::Json | ResultFormat::NdJson => self.start_rows(judged, rows::Form::Lines).await,
            ResultFormat::Csv => self.start_csv(judged).await,
            ResultFormat::Parquet => self.start_parquet(judged).await,
            ResultFormat::Arrow => self.start_arrow_bytes(judged).await,
        };
        QueryStream::new(judged, format, started)
    }

    /// Runs a query and streams its documented JSON, `{"data": [row, …], "metadata": {…}}`, in constant memory.
    ///
    /// Data come first: how many rows there are is known at the end. Every value is valid JSON: NaN and infinities are
    /// `null`, times are as [`QueryOptions::times`] says, bytes that are not UTF-8 become U+FFFD (`hex(x)` or
    /// `base64Encode(x)` in the query keep them). An error before the first row is returned here; one after it ends the
    /// stream with an error. Dropping the stream cancels the query.
    ///
    /// # Errors
    ///
    /// What ClickHouse says; [`InvalidQuery`](crate::ErrorKind::InvalidQuery) for an empty text or one with a `FORMAT`
    /// clause.
    pub async fn query_json(&self, sql: &str, options: &QueryOptions) -> Result<QueryStream> {
        self.json_judged(self.judge(sql, options).await.map_err(|error| error.at("query"))?).await
    }

    async fn json_judged(&self, judged: Judged<'_>) -> Result<QueryStream> {
        let metadata = QueryMetadata { query: judged.sql.to_owned(), ..QueryMetadata::default() };
        let started = self.start_rows(judged, rows::Form::Document(metadata)).await;
        QueryStream::new(judged, ResultFormat::Json, started)
    }

    /// Runs a query and returns its result whole.
    ///
    /// # Errors
    ///
    /// As [`query_json`](Self::query_json).
    pub async fn query(&self, sql: &str, options: &QueryOptions) -> Result<QueryResult> {
        self.query_judged(self.judge(sql, options).await.map_err(|error| error.at("query"))?).await
    }

    /// The same, of a query that was judged.
    pub(in crate::warehouse) async fn query_judged(&self, judged: Judged<'_>) -> Result<QueryResult> {
        let bytes = self
            .json_judged(judged)
            .await?
            .try_fold(Vec::new(), |mut all, chunk| async move {
                all.extend_from_slice(&chunk);
                Ok(all)
            })
            .await?;
        serde_json::from_slice(&bytes)
            .map_err(|error| Error::unexpected("ClickHouse answered what is no JSON").caused_by(error))
    }

    async fn start_rows(&self, judged: Judged<'_>, form: rows::Form) -> Result<Started> {
        let Judged { sql, options } = judged;
        let quoted = u8::from(options.quote_64bit_integers).to_string();
        let settings = JSON_SETTINGS.iter().map(|&(name, value)| (name, value));
        let settings = settings.chain([
            ("output_format_json_quote_64bit_integers", quoted.as_str()),
            ("date_time_output_format", options.times.setting()),
        ]);
        let StartedQuery { cursor, id } = self.start_query(judged, row_lines::FORMAT, settings)?;
        Ok((id, Body::Rows(RowsBody::open(cursor, form, always_answers(sql), options.byte_limit()).await?)))
    }

    async fn start_csv(&self, judged: Judged<'_>) -> Result<Started> {
        let Judged { sql, options } = judged;
        // Lines show no format, so a clause that chose another is found by asking for the types: none may stand there.
        let types = if selects(sql) { Some(self.result_types(judged).await) } else { None };
        let settings = CSV_SETTINGS.into_iter().chain([("date_time_output_format", options.times.setting())]);
        let StartedQuery { cursor, id } = self.start_query(judged, "CSVWithNames", settings)?;
        let body = RawBody::open(cursor, raw::Form::Csv(Csv::default()), always_answers(sql)).await?;
        // The statement's own error came first, so this is about the question only.
        if let Some(ResultTypes::Unknown(cause)) = types
            && !body.is_empty()
            && let Some(error) = untold(sql, "CSV", cause)
        {
            return Err(error);
        }
        Ok((id, Body::Raw(body)))
    }

    async fn start_parquet(&self, judged: Judged<'_>) -> Result<Started> {
        let StartedQuery { cursor, id } = self.start_query(judged, "Parquet", PARQUET_SETTINGS)?;
        Ok((id, Body::Raw(RawBody::open(cursor, raw::Form::Parquet, always_answers(judged.sql)).await?)))
    }

    async fn start_arrow_bytes(&self, judged: Judged<'_>) -> Result<Started> {
        let stream = self.start_arrow(judged).await.map_err(|error| error.at("query"))?;
        Ok((stream.query_id().clone(), Body::Arrow(Box::new(ArrowBody::new(stream)?))))
    }
}

type Started = (QueryId, Body);

/// A result as bytes, chunk by chunk.
///
/// An error ends it; what came before is then not a whole result.
pub struct QueryStream {
    id: QueryId,
    format: ResultFormat,
    limit: ByteLimit,
    /// Only ever used through `&mut`, which makes the stream `Sync` too.
    body: SyncWrapper<Body>,
    ended: bool,
}

enum Body {
    Rows(RowsBody),
    Raw(RawBody),
    Arrow(Box<ArrowBody>),
}

impl QueryStream {
    fn new(
        Judged { sql, options }: Judged<'_>,
        format: ResultFormat,
        started: Result<Started>,
    ) -> Result<Self> {
        let (id, body) = started.map_err(|error| without_format(sql, located_in(sql, error)).at("query"))?;
        Ok(Self { id, format, limit: options.byte_limit(), body: SyncWrapper::new(body), ended: false })
    }

    /// The name by which the query can be cancelled and watched.
    #[must_use]
    pub fn query_id(&self) -> &QueryId {
        &self.id
    }

    /// What the bytes are.
    #[must_use]
    pub fn format(&self) -> ResultFormat {
        self.format
    }
}

/// A statement that chooses another form for its result, such as `FORMAT Null`, answers with what is none of the wanted form: that
/// is the statement's fault, and no answer that was cut off.
pub(in crate::warehouse) fn without_format(sql: &str, error: Error) -> Error {
    if error.server_code().is_some() || !error.is_retryable() || !helios_sql::chooses_format(sql) {
        return error;
    }
    let message = "a query can have no FORMAT clause: the form of the result is asked for beside the query";
    Error::new(ErrorKind::InvalidQuery, message).caused_by(error)
}

impl Stream for QueryStream {
    type Item = Result<Bytes>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if this.ended {
            return Poll::Ready(None);
        }
        let outcome = ready!(match this.body.get_mut() {
            Body::Rows(body) => body.poll_next(cx),
            Body::Raw(body) => body.poll_next(cx),
            Body::Arrow(body) => body.poll_next(cx),
        });
        let outcome = outcome.and_then(|chunk| {
            this.limit.take(chunk.as_ref().map_or(0, Bytes::len))?;
            Ok(chunk)
        });
        this.ended = !matches!(outcome, Ok(Some(_)));
        Poll::Ready(outcome.map_err(|error| error.at("query")).transpose())
    }
}

impl fmt::Debug for QueryStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueryStream")
            .field("id", &self.id)
            .field("format", &self.format)
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}
