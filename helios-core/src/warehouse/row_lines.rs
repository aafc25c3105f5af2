//! ClickHouse's `JSONEachRowWithProgress`, line by line: names and types first, then rows, progress and a late exception.
//!
//! Every line is a JSON object and ends in a line break, so whatever is none is damage: a row that was cut, an exception
//! that was written between the rows.

use serde::{Deserialize, de::IgnoredAny};

use super::{
    error::{cut_off, from_exception},
    late_exception::{Tail, exception_in},
};
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
    /// What came from the first line on that is none.
    damage: Option<Tail>,
}

impl RowLines {
    /// Whether the first line was seen.
    pub(super) fn headed(&self) -> bool {
        self.headed
    }

    /// How many bytes of a line are there whose end is not.
    pub(super) fn waiting(&self) -> usize {
        self.tail.len()
    }

    /// Hands every line that this chunk completes to `each`.
    pub(super) fn feed(
        &mut self,
        mut chunk: &[u8],
        mut each: impl FnMut(Line<'_>) -> Result<()>,
    ) -> Result<()> {
        while self.damage.is_none()
            && let Some(end) = memchr::memchr(b'\n', chunk)
        {
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
        match &mut self.damage {
            None => self.tail.extend_from_slice(chunk),
            Some(damage) => {
                damage.take(chunk);
                // An exception is the last thing that comes: with nothing but more behind it, it is none.
                if damage.is_full() {
                    let other = if self.headed { malformed } else { foreign };
                    return Err(exception_in(damage.bytes()).unwrap_or_else(other));
                }
            }
        }
        Ok(())
    }

    /// The answer is over, and should be whole.
    pub(super) fn finish(&mut self) -> Result<()> {
        match self.lost() {
            Some(error) => Err(error),
            None if self.tail.is_empty() && self.damage.is_none() => Ok(()),
            None if !self.headed && !self.tail.starts_with(b"{") => Err(foreign()),
            None => Err(cut_off()),
        }
    }

    /// The answer broke off by this error: why, if that was still to be read.
    pub(super) fn broken(&mut self, error: Error) -> Error {
        if error.server_code().is_some() { error } else { self.lost().unwrap_or(error) }
    }

    /// The exception in what is no line, or in a line without an end.
    fn lost(&self) -> Option<Error> {
        exception_in(self.damage.as_ref().map_or(&self.tail, |damage| damage.bytes()))
    }

    fn line(&mut self, line: &[u8], each: &mut impl FnMut(Line<'_>) -> Result<()>) -> Result<()> {
        if line.is_empty() {
            return Ok(());
        }
        if line.starts_with(b"{\"row\":{") && line.ends_with(b"}}") {
            let row = line.strip_prefix(b"{\"row\":").and_then(|rest| rest.strip_suffix(b"}"));
            return if self.headed { each(Line::Row(row.unwrap_or(line))) } else { Err(foreign()) };
        }
        // What is no row is rare, and read whole.
        let Some(found) = Rare::read(line) else {
            return self.damaged(line);
        };
        if let Some(text) = found.exception {
            return Err(from_exception(&text));
        }
        match found.meta {
            Some(columns) if !self.headed => {
                self.headed = true;
                each(Line::Columns(columns))
            }
            // A slow query reports its progress even before names and types.
            None if !self.headed && found.progress.is_none() => Err(foreign()),
            _ => each(Line::Other),
        }
    }

    /// Begins to keep what comes, for the exception in it.
    fn damaged(&mut self, line: &[u8]) -> Result<()> {
        let mut damage = Tail::default();
        damage.take(line);
        damage.take(b"\n");
        // Before names and types it is another format, unless it is the first line of a frame.
        if !self.headed && !line.ends_with(b"\r") {
            return Err(exception_in(damage.bytes()).unwrap_or_else(foreign));
        }
        self.damage = Some(damage);
        Ok(())
    }
}

/// A line that is no row. Others than these are passed by: totals, extremes, logs.
#[derive(Deserialize)]
struct Rare {
    meta: Option<Vec<Column>>,
    exception: Option<String>,
    progress: Option<IgnoredAny>,
}

impl Rare {
    fn read(line: &[u8]) -> Option<Self> {
        let object = (line.starts_with(b"{") && line.ends_with(b"}")).then_some(line)?;
        // The text of an exception may quote bytes of any kind.
        serde_json::from_slice(object)
            .or_else(|_| serde_json::from_str(&String::from_utf8_lossy(object)))
            .ok()
    }
}

fn malformed() -> Error {
    Error::unexpected("ClickHouse answered what is no JSON, line by line")
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
        lines.finish()?;
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
        let answer = b"{\"meta\":[]}\n{\"exception\":\"Code: 395. DB::Exception: \xFF boom. (FUNCTION_THROW_IF_VALUE_IS_NON_ZERO)\"}\n";
        let error = read(&[answer]).unwrap_err();
        assert_eq!((error.server_code(), error.message()), (Some(395), "\u{fffd} boom"));
    }

    #[test]
    fn another_format_is_refused() {
        for answer in
            ["1\n", "{\"a\":1}\n", "{\"row\":{\"a\":1}}\n", "PAR1", "[1,null,{}]\n", "{\n", "1\r\n2\r\n"]
        {
            assert_eq!(read(&[answer.as_bytes()]).unwrap_err().kind(), ErrorKind::InvalidQuery, "{answer}");
        }
    }

    /// An answer is whole at the end of a line, and nowhere else.
    #[test]
    fn an_answer_that_is_cut_is_an_error_or_ends_with_a_line() {
        for end in 1..ANSWER.len() {
            let cut = &ANSWER.as_bytes()[..end];
            match read(&[cut]) {
                Ok(_) => assert!(cut.ends_with(b"\n"), "{end}"),
                Err(error) => {
                    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Unavailable, true), "{end}");
                }
            }
        }
    }

    const EXCEPTION: &str = "Code: 395. DB::Exception: boom. (FUNCTION_THROW_IF_VALUE_IS_NON_ZERO) (version 26.7.2.1 (official build))\n";

    /// Behind any part of an answer, parted anywhere, with its number wherever its text is there.
    #[test]
    fn an_exception_between_the_rows_is_an_error() {
        let frame = format!(
            "\r\n__exception__\r\nabcdefghijklmnop\r\n{EXCEPTION}{} abcdefghijklmnop\r\n__exception__\r\n",
            EXCEPTION.len()
        );
        for late in [EXCEPTION, &frame] {
            for end in 0..=ANSWER.len() {
                let answer = [&ANSWER.as_bytes()[..end], late.as_bytes()].concat();
                for cut in 0..=answer.len() {
                    let error = read(&[&answer[..cut], &answer[cut..]]).unwrap_err();
                    assert_eq!(error.server_code(), Some(395), "{end} {cut}: {error}");
                }
            }
        }
    }

    #[test]
    fn the_exception_is_read_when_the_connection_breaks() {
        let mut lines = RowLines::default();
        lines.feed(ANSWER.as_bytes(), |_| Ok(())).unwrap();
        assert_eq!(lines.broken(cut_off()).server_code(), None);
        lines.feed(b"\r\n__exception__\r\nabcdefghijklmnop\r\nCode: 241. DB::", |_| Ok(())).unwrap();
        assert_eq!(lines.broken(cut_off()).server_code(), Some(241));
        assert_eq!(lines.broken(from_exception("Code: 159. DB::Exception: x")).server_code(), Some(159));
    }

    #[test]
    fn what_is_no_row_and_no_exception_is_not_kept_for_long() {
        let mut lines = RowLines::default();
        lines.feed(ANSWER.as_bytes(), |_| Ok(())).unwrap();
        let endless = (0..).map(|_| lines.feed(b"1,2,3\n", |_| Ok(())));
        let error = endless.take(100_000).find_map(Result::err).unwrap();
        assert_eq!(error.kind(), ErrorKind::Unexpected);
    }

    #[test]
    fn other_objects_are_passed_by() {
        let answer = "{\"meta\":[]}\n{\"totals\":{\"a\":1}}\n{\"min\":{\"a\":1}}\n{\"rows_before_limit_at_least\":7}\n{\"later\":[{}]}\n\n";
        assert_eq!(read(&[answer.as_bytes()]).unwrap(), (vec![], vec![]));
    }

    #[test]
    fn rows_that_look_like_an_exception_are_rows() {
        let row = r#"{"row":{"a":"\r\n__exception__\r\nabcdefghijklmnop\r\nCode: 60. DB::Exception: x (version 1 (y))\n","b":{}}}"#;
        let answer = format!("{{\"meta\":[]}}\n{row}\n{row}\n");
        for cut in 0..answer.len() {
            let (_, rows) = read(&[&answer.as_bytes()[..cut], &answer.as_bytes()[cut..]]).unwrap();
            assert_eq!(rows.len(), 2);
        }
    }
}
