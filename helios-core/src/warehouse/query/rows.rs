//! Rows as JSON: the documented form, or one a line.

use std::task::{Context, Poll, ready};

use bytes::Bytes;

use super::{
    super::{
        cancel::QueryBytes,
        error::cut_off,
        row_lines::{Line, RowLines},
    },
    ByteLimit, QueryMetadata,
    utf8::valid_utf8,
};
use crate::{Error, Result};

/// The rows of a result as JSON, chunk by chunk.
pub(super) struct RowsBody {
    cursor: QueryBytes,
    lines: RowLines,
    /// Of what waits for the end of its line: as much as that is held in memory.
    limit: ByteLimit,
    form: Form,
    /// Output that was made while looking for an early error.
    ready: Option<Bytes>,
    /// Whether an answer without anything is none.
    must_answer: bool,
    ended: bool,
}

/// What the rows become.
pub(super) enum Form {
    /// `{"data": [row, …], "metadata": {…}}`
    Document(QueryMetadata),
    /// One a line.
    Lines,
}

impl RowsBody {
    /// Reads until the first line is there, so that an early error is seen before anything was answered.
    pub(super) async fn open(
        cursor: QueryBytes,
        form: Form,
        must_answer: bool,
        limit: ByteLimit,
    ) -> Result<Self> {
        let lines = RowLines::default();
        let mut body = Self { cursor, lines, limit, form, ready: None, must_answer, ended: false };
        let mut output = match body.form {
            Form::Document(_) => b"{\"data\":[".to_vec(),
            Form::Lines => Vec::new(),
        };
        while !body.ended && !body.lines.headed() {
            let chunk = body.cursor.next().await;
            body.take(chunk, &mut output)?;
        }
        body.ready = Some(valid_utf8(output)).filter(|output| !output.is_empty());
        Ok(body)
    }

    /// The next piece of output, `None` at its end.
    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>>> {
        if let Some(ready) = self.ready.take() {
            return Poll::Ready(Ok(Some(ready)));
        }
        while !self.ended {
            let chunk = ready!(self.cursor.poll_next(cx));
            let length = chunk.as_ref().map_or(0, |chunk| chunk.as_ref().map_or(0, Bytes::len));
            let mut output = Vec::with_capacity(length + 256);
            self.take(chunk, &mut output)?;
            if !output.is_empty() {
                // It holds whole lines only, so no character is cut in two here.
                return Poll::Ready(Ok(Some(valid_utf8(output))));
            }
        }
        Poll::Ready(Ok(None))
    }

    /// Takes a chunk of the answer, `None` at its end, and turns it into output.
    fn take(&mut self, chunk: Result<Option<Bytes>>, output: &mut Vec<u8>) -> Result<()> {
        match chunk {
            Ok(Some(chunk)) => self.digest(&chunk, output),
            Ok(None) => self.finish(output),
            Err(error) => Err(self.lines.broken(error)),
        }
    }

    fn digest(&mut self, chunk: &[u8], output: &mut Vec<u8>) -> Result<()> {
        let form = &mut self.form;
        self.lines.feed(chunk, |line| {
            match (line, &mut *form) {
                (Line::Columns(columns), Form::Document(metadata)) => {
                    (metadata.column_names, metadata.column_types) =
                        columns.into_iter().map(|column| (column.name, column.data_type)).unzip();
                }
                (Line::Row(row), Form::Document(metadata)) => {
                    if metadata.row_count > 0 {
                        output.push(b',');
                    }
                    metadata.row_count += 1;
                    output.extend_from_slice(row);
                }
                (Line::Row(row), Form::Lines) => {
                    output.extend_from_slice(row);
                    output.push(b'\n');
                }
                (Line::Columns(_), Form::Lines) | (Line::Other, _) => {}
            }
            Ok(())
        })?;
        self.limit.check(self.lines.waiting())
    }

    fn finish(&mut self, output: &mut Vec<u8>) -> Result<()> {
        self.lines.finish()?;
        self.ended = true;
        if self.must_answer && !self.lines.headed() {
            return Err(cut_off());
        }
        if let Form::Document(metadata) = &self.form {
            output.extend_from_slice(b"],\"metadata\":");
            serde_json::to_writer(&mut *output, metadata)
                .map_err(|error| Error::unexpected("the metadata cannot be written").caused_by(error))?;
            output.push(b'}');
        }
        Ok(())
    }
}
