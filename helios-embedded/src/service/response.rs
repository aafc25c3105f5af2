//! Answers.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use hyper::body::{Body, Frame, SizeHint};
use uuid::Uuid;

use super::{
    exception::Exception,
    rows::{CutShort, Rows},
};
use crate::driver::Counts;

const QUERY_ID: HeaderName = HeaderName::from_static("x-clickhouse-query-id");
const FORMAT: HeaderName = HeaderName::from_static("x-clickhouse-format");
const TIMEZONE: HeaderName = HeaderName::from_static("x-clickhouse-timezone");
const SUMMARY: HeaderName = HeaderName::from_static("x-clickhouse-summary");
const EXCEPTION_CODE: HeaderName = HeaderName::from_static("x-clickhouse-exception-code");
const EXCEPTION_TAG: HeaderName = HeaderName::from_static("x-clickhouse-exception-tag");

/// What the headers of an answer say.
#[derive(Clone, Debug, Default)]
pub(crate) struct Head {
    pub(crate) query_id: String,
    pub(crate) timezone: String,
    pub(crate) format: Option<String>,
    /// Known once the statement is done.
    pub(crate) counts: Option<Counts>,
}

/// A good answer.
pub(crate) struct Answer {
    head: Head,
    tag: Option<String>,
    body: AnswerBody,
}

impl Answer {
    /// An answer whose statement is done.
    pub(crate) fn whole(head: Head, body: Bytes) -> Self {
        Self { head, tag: None, body: AnswerBody::whole(body) }
    }

    /// An answer that begins before its statement is done. `rows` gets the tag of a late exception.
    pub(crate) fn rows(head: Head, rows: impl FnOnce(&str) -> Rows) -> Self {
        let tag = exception_tag();
        let body = AnswerBody::Rows(Box::new(rows(&tag)));
        Self { head, tag: Some(tag), body }
    }

    pub(crate) fn into_response(self) -> Response<AnswerBody> {
        let mut response = Response::new(self.body);
        let headers = response.headers_mut();
        let mut set = |name, value: &str| {
            // Values that no header can carry are left out: names of formats and time zones always can.
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(name, value);
            }
        };
        set(QUERY_ID, &self.head.query_id);
        set(TIMEZONE, &self.head.timezone);
        if let Some(format) = &self.head.format {
            set(FORMAT, format);
            set(header::CONTENT_TYPE, content_type(format));
        }
        if let Some(counts) = &self.head.counts {
            set(SUMMARY, &summary(counts));
        }
        if let Some(tag) = &self.tag {
            set(EXCEPTION_TAG, tag);
        }
        response
    }
}

/// A short answer of the service's own.
pub(crate) fn plain(status: StatusCode, text: impl Into<Bytes>) -> Response<AnswerBody> {
    let mut response = Response::new(AnswerBody::whole(text.into()));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=UTF-8"));
    response
}

/// A bad answer.
pub(crate) fn failure(exception: &Exception, query_id: &str) -> Response<AnswerBody> {
    let mut response = plain(exception.status(), format!("{}\n", exception.text.trim_end()));
    response.headers_mut().insert(EXCEPTION_CODE, exception.code.into());
    if let Ok(query_id) = HeaderValue::from_str(query_id) {
        response.headers_mut().insert(QUERY_ID, query_id);
    }
    if exception.status() == StatusCode::UNAUTHORIZED {
        let challenge = HeaderValue::from_static("Basic realm=\"ClickHouse server HTTP API\"");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    }
    response
}

/// Sixteen letters that no data can guess.
fn exception_tag() -> String {
    Uuid::new_v4().simple().to_string().bytes().take(16).map(letter).collect()
}

/// Hexadecimal digits as letters: tags are letters on a server.
fn letter(digit: u8) -> char {
    char::from(if digit.is_ascii_digit() { digit - b'0' + b'g' } else { digit })
}

fn summary(counts: &Counts) -> String {
    let Counts { read_rows, read_bytes, written_rows, written_bytes, result_rows, result_bytes } = counts;
    format!(
        r#"{{"read_rows":"{read_rows}","read_bytes":"{read_bytes}","written_rows":"{written_rows}","written_bytes":"{written_bytes}","result_rows":"{result_rows}","result_bytes":"{result_bytes}"}}"#
    )
}

/// The media type a server gives to a format.
fn content_type(format: &str) -> &'static str {
    match format {
        _ if format.starts_with("JSON") && format.contains("EachRow") => {
            "application/x-ndjson; charset=UTF-8"
        }
        _ if format.starts_with("JSON") => "application/json; charset=UTF-8",
        _ if format.starts_with("CSV") => "text/csv; charset=UTF-8",
        _ if format.starts_with("TabSeparated") || format.starts_with("TSV") => {
            "text/tab-separated-values; charset=UTF-8"
        }
        "XML" => "application/xml; charset=UTF-8",
        "Native"
        | "RowBinary"
        | "RowBinaryWithNames"
        | "RowBinaryWithNamesAndTypes"
        | "Parquet"
        | "Arrow"
        | "ArrowStream"
        | "ORC"
        | "Avro" => "application/octet-stream",
        _ => "text/plain; charset=UTF-8",
    }
}

/// The body of an answer.
pub(crate) enum AnswerBody {
    Whole(Option<Bytes>),
    Rows(Box<Rows>),
}

impl AnswerBody {
    fn whole(bytes: Bytes) -> Self {
        Self::Whole(Some(bytes).filter(|bytes| !bytes.is_empty()))
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = CutShort;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, CutShort>>> {
        match &mut *self {
            Self::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Rows(rows) => Pin::new(rows.as_mut()).poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(None))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Self::Rows(_) => SizeHint::default(),
        }
    }
}
