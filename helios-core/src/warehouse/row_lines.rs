//! ClickHouse's `JSONEachRowWithProgress`, line by line: names and types first, then rows, progress and a late exception.

use serde::Deserialize;

use super::error::from_exception;
use crate::{Column, Error, ErrorKind, Result};

/// The format's name.
pub(super) const FORMAT: &str = "JSONEachRowWithProgress";

/// What a line says.
#[derive(Debug, PartialEq)]
pub(super) enum Line<'a> {
    /// Names and types: the first line.
    Columns(Vec<Column>),
    /// One row, a JSON object as ClickHouse wrote it.
    Row(&'a [u8]),
    /// Progress, totals, extremes.
    Other,
}

/// Cuts chunks of any size into lines.
#[derive(Debug, Default)]
pub(super) struct RowLines {
    tail: Vec<u8>,
    headed: bool,
}

impl RowLines {
    /// Whether the first line was seen.
    pub(super) fn headed(&self) -> bool {
        self.headed
    }

    /// Hands every line that this chunk completes to `each`.
    pub(super) fn feed(
        &mut self,
        mut chunk: &[u8],
        mut each: impl FnMut(Line<'_>) -> Result<()>,
    ) -> Result<()> {
        while let Some(end) = memchr::memchr(b'\n', chunk) {
            let (line, rest) = chunk.split_at(end);
            chunk = rest.get(1..).unwrap_or_default();
            if self.tail.is_empty() {
                self.line(line, &mut each)?;
            } else {
                let mut whole = std::mem::take(&mut self.tail);
                whole.extend_from_slice(line);
                self.line(&whole, &mut each)?;
                whole.clear();
                self.tail = whole;
            }
        }
        self.tail.extend_from_slice(chunk);
        Ok(())
    }

    /// The answer is over: hands out a last line without a newline.
    pub(super) fn finish(&mut self, mut each: impl FnMut(Line<'_>) -> Result<()>) -> Result<()> {
        let tail = std::mem::take(&mut self.tail);
        self.line(&tail, &mut each)
    }

    fn line(&mut self, line: &[u8], each: &mut impl FnMut(Line<'_>) -> Result<()>) -> Result<()> {
        let line = line.trim_ascii();
        if line.is_empty() {
            return Ok(());
        }
        if let Some(row) = line.strip_prefix(b"{\"row\":").and_then(|rest| rest.strip_suffix(b"}")) {
            return if self.headed { each(Line::Row(row)) } else { Err(foreign()) };
        }
        if let Some(exception) =
            line.strip_prefix(b"{\"exception\":").and_then(|rest| rest.strip_suffix(b"}"))
        {
            let text = serde_json::from_slice::<String>(exception)
                .unwrap_or_else(|_| String::from_utf8_lossy(exception).into_owned());
            return Err(from_exception(&text));
        }
        if line.starts_with(b"{\"progress\":") {
            // A slow query reports it even before names and types.
            return each(Line::Other);
        }
        if !self.headed {
            self.headed = true;
            let head: Head = serde_json::from_slice(line).map_err(|_| foreign())?;
            return each(Line::Columns(head.meta));
        }
        each(Line::Other)
    }
}

#[derive(Deserialize)]
struct Head {
    meta: Vec<Column>,
}

fn foreign() -> Error {
    let message = "the query chose its own output format, or the server is older than 25.1; \
                   leave the FORMAT clause off: the answer is JSON";
    Error::new(ErrorKind::InvalidQuery, message)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ANSWER: &str = "{\"progress\":{\"read_rows\":\"0\"}}\n{\"meta\":[{\"name\":\"a\",\"type\":\"UInt8\"}]}\n{\"row\":{\"a\":1}}\n\
                          {\"progress\":{\"read_rows\":\"1\"}}\n{\"row\":{\"a\":\"}\\n{\"}}\n";

    fn read(chunks: &[&[u8]]) -> Result<(Vec<Column>, Vec<String>)> {
        let (mut lines, mut columns, mut rows) = (RowLines::default(), Vec::new(), Vec::new());
        let mut each = |line: Line<'_>| {
            match line {
                Line::Columns(found) => columns = found,
                Line::Row(row) => rows.push(String::from_utf8(row.to_vec()).unwrap()),
                Line::Other => {}
            }
            Ok(())
        };
        for chunk in chunks {
            lines.feed(chunk, &mut each)?;
        }
        lines.finish(&mut each)?;
        Ok((columns, rows))
    }

    proptest! {
        #[test]
        fn chunk_boundaries_do_not_matter(cuts in proptest::collection::vec(0..ANSWER.len(), 0..6)) {
            let mut cuts = cuts;
            cuts.extend([0, ANSWER.len()]);
            cuts.sort_unstable();
            let chunks: Vec<_> = cuts.windows(2).map(|pair| &ANSWER.as_bytes()[pair[0]..pair[1]]).collect();
            let (columns, rows) = read(&chunks).unwrap();
            prop_assert_eq!(columns, vec![Column::new("a", "UInt8")]);
            prop_assert_eq!(rows, vec!["{\"a\":1}", "{\"a\":\"}\\n{\"}"]);
        }

        #[test]
        fn nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            // Whether it is an error depends on the bytes; that it ends is what counts.
            if let Ok((columns, rows)) = read(&[&bytes]) {
                prop_assert!(rows.is_empty() || !columns.is_empty());
            }
        }
    }

    #[test]
    fn a_late_exception_is_an_error() {
        let answer = b"{\"meta\":[]}\n{\"exception\":\"Code: 395. DB::Exception: boom. (FUNCTION_THROW_IF_VALUE_IS_NON_ZERO)\"}\n";
        let error = read(&[answer]).unwrap_err();
        assert_eq!(error.server_code(), Some(395));
    }

    #[test]
    fn another_format_is_refused() {
        for answer in ["1\n", "{\"a\":1}\n", "{\"row\":{\"a\":1}}\n", "PAR1"] {
            assert_eq!(read(&[answer.as_bytes()]).unwrap_err().kind(), ErrorKind::InvalidQuery, "{answer}");
        }
    }
}
