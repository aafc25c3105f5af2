//! A result as ClickHouse wrote it, seen to be whole: CSV, Parquet.

use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};

use super::{
    super::{
        cancel::QueryBytes,
        error::cut_off,
        late_exception::{MARKER, Tail, exception_in},
    },
    utf8::Utf8,
};
use crate::{Error, ErrorKind, Result};

/// What ClickHouse wrote, chunk by chunk.
pub(super) struct RawBody {
    cursor: QueryBytes,
    form: Form,
    tail: Tail,
    /// What was read while looking for an early error.
    ready: Option<Bytes>,
    /// Whether an answer without anything is none.
    must_answer: bool,
    ended: bool,
}

/// How it is seen that nothing is missing.
pub(super) enum Form {
    /// Lines end in a line break, and what is quoted ends, too.
    Csv(Csv),
    /// It begins and ends with four letters.
    Parquet,
}

impl Form {
    /// How many bytes show that it is this form.
    const fn head(&self) -> usize {
        match self {
            Self::Csv(_) => 1,
            Self::Parquet => MAGIC.len(),
        }
    }
}

/// Where the text stands.
#[derive(Default)]
pub(super) struct Csv {
    /// Within quotes: each of them, a doubled one too, changes it.
    quoted: bool,
    utf8: Utf8,
}

const MAGIC: &[u8] = b"PAR1";
/// The letters at both ends, and the length of what is before the last ones.
const SHORTEST_PARQUET: usize = 12;

impl RawBody {
    /// Reads the beginning, so that an early error is seen before anything was answered.
    pub(super) async fn open(cursor: QueryBytes, form: Form, must_answer: bool) -> Result<Self> {
        let tail = Tail::default();
        let mut body = Self { cursor, form, tail, ready: None, must_answer, ended: false };
        let mut head = BytesMut::new();
        while head.len() < body.form.head() {
            match body.cursor.next().await? {
                Some(chunk) => head.extend_from_slice(&chunk),
                None => {
                    body.ended = true;
                    break;
                }
            }
        }
        let head = body.take(head.freeze());
        let begins_well = head.iter().zip(MAGIC).all(|(byte, expected)| byte == expected);
        if matches!(body.form, Form::Parquet) && !begins_well {
            return Err(exception_in(body.tail.bytes()).unwrap_or_else(own_format));
        }
        if body.ended {
            body.check_end()?;
        }
        body.ready = Some(head);
        Ok(body)
    }

    /// Whether nothing has come.
    pub(super) fn is_empty(&self) -> bool {
        self.tail.taken() == 0
    }

    /// The next piece, `None` at the end.
    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>>> {
        if let Some(ready) = self.ready.take() {
            return Poll::Ready(Ok(Some(ready)));
        }
        while !self.ended {
            let output = match ready!(self.cursor.poll_next(cx)) {
                Ok(Some(chunk)) => self.take(chunk),
                Ok(None) => {
                    self.ended = true;
                    self.check_end()?;
                    match &mut self.form {
                        Form::Csv(csv) => csv.utf8.finish(),
                        Form::Parquet => Bytes::new(),
                    }
                }
                Err(error) => return Poll::Ready(Err(self.broken(error))),
            };
            if !output.is_empty() {
                return Poll::Ready(Ok(Some(output)));
            }
        }
        Poll::Ready(Ok(None))
    }

    fn take(&mut self, chunk: Bytes) -> Bytes {
        self.tail.take(&chunk);
        match &mut self.form {
            Form::Csv(csv) => {
                csv.quoted ^= memchr::memchr_iter(b'"', &chunk).count() % 2 == 1;
                csv.utf8.feed(chunk)
            }
            Form::Parquet => chunk,
        }
    }

    /// The answer broke off by this error: why, if that was still to be read.
    fn broken(&self, error: Error) -> Error {
        if error.server_code().is_some() {
            return error;
        }
        exception_in(self.tail.bytes()).unwrap_or(error)
    }

    /// The answer is over: is it whole?
    fn check_end(&self) -> Result<()> {
        let bytes = self.tail.bytes();
        if bytes.is_empty() {
            return if self.must_answer { Err(cut_off()) } else { Ok(()) };
        }
        let is_whole = match &self.form {
            // Texts are quoted, so neither a frame nor the bare text of an exception is the end of a line.
            Form::Csv(csv) => {
                let is_line = !csv.quoted && bytes.ends_with(b"\n") && !bytes.ends_with(MARKER);
                is_line && !(bytes.ends_with(b")\n") && exception_in(bytes).is_some())
            }
            Form::Parquet => bytes.ends_with(MAGIC) && self.tail.taken() >= SHORTEST_PARQUET,
        };
        if is_whole { Ok(()) } else { Err(self.tail.verdict()) }
    }
}

fn own_format() -> Error {
    let message = "the query chose its own output format; leave the FORMAT clause off: the answer is Parquet";
    Error::new(ErrorKind::InvalidQuery, message)
}
