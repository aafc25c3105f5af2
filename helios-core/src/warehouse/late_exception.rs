//! An exception that ClickHouse wrote into a result it had begun.
//!
//! Since 25.11 it is a frame: `\r\n__exception__\r\n<tag>\r\nCode: …\n<length> <tag>\r\n__exception__\r\n`; before, the
//! bare text `Code: … (version …)\n`. The `clickhouse` crate knows either where it is the end of one chunk. What is
//! here finds those that a read has parted, and says nothing of data that only look like one: it is asked when the
//! result is known to be damaged.

use memchr::memmem;

use super::error::{cut_off, from_exception};
use crate::Error;

/// What a frame begins and ends with.
pub(super) const MARKER: &[u8] = b"\r\n__exception__\r\n";

/// The end of what has arrived: as much as a frame may have, twice over.
#[derive(Debug, Default)]
pub(super) struct Tail {
    bytes: Vec<u8>,
    /// How many bytes were taken in all.
    taken: usize,
}

impl Tail {
    /// ClickHouse writes 16 KiB of an exception at most.
    pub(super) const CAPACITY: usize = 32 * 1024;

    /// Takes what came next.
    pub(super) fn take(&mut self, chunk: &[u8]) {
        self.taken = self.taken.saturating_add(chunk.len());
        let kept = chunk.get(chunk.len().saturating_sub(Self::CAPACITY)..).unwrap_or(chunk);
        let surplus = (self.bytes.len() + kept.len()).saturating_sub(Self::CAPACITY);
        self.bytes.drain(..surplus.min(self.bytes.len()));
        self.bytes.extend_from_slice(kept);
    }

    /// The last bytes that have arrived.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How many bytes have arrived.
    pub(super) fn taken(&self) -> usize {
        self.taken
    }

    /// Whether so much has come that an exception would have been seen.
    pub(super) fn is_full(&self) -> bool {
        self.taken >= Self::CAPACITY
    }

    /// Why the result ended here, where it should not have.
    pub(super) fn verdict(&self) -> Error {
        exception_in(&self.bytes).unwrap_or_else(cut_off)
    }
}

/// The exception at the end of a damaged result.
pub(super) fn exception_in(bytes: &[u8]) -> Option<Error> {
    framed(bytes).or_else(|| bare(bytes))
}

/// The last frame. If it is whole, nothing is behind it; if it was cut, nothing but its text.
fn framed(bytes: &[u8]) -> Option<Error> {
    memmem::rfind_iter(bytes, MARKER).find_map(|at| {
        let behind = bytes.get(at + MARKER.len()..)?;
        let text = behind.get(memmem::find(behind, b"\r\n")? + 2..)?;
        let text = match memmem::find(text, MARKER) {
            Some(end) if end + MARKER.len() == text.len() => text.get(..end)?,
            Some(_) => return None,
            None if text.contains(&0) => return None,
            None => text,
        };
        exception(text)
    })
}

/// A bare text is an exception only whole: anything may stand in the middle of a value that was cut.
fn bare(bytes: &[u8]) -> Option<Error> {
    let text = bytes.get(memmem::rfind(bytes, CODE)?..)?;
    let is_whole = text.ends_with(b")\n")
        && memmem::find(text, b"Exception: ").is_some()
        && memmem::find(text, b" (version ").is_some();
    is_whole.then(|| exception(text)).flatten()
}

const CODE: &[u8] = b"Code: ";

/// The text as an error, if its number is whole.
fn exception(text: &[u8]) -> Option<Error> {
    let digits = text.strip_prefix(CODE)?;
    let end = digits.iter().position(|byte| !byte.is_ascii_digit())?;
    (end > 0 && digits.get(end) == Some(&b'.')).then(|| from_exception(&String::from_utf8_lossy(text)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    const BARE: &[u8] =
        b"Code: 395. DB::Exception: boom. (FUNCTION_THROW_IF_VALUE_IS_NON_ZERO) (version 24.8.1.1 (official build))\n";

    fn frame() -> Vec<u8> {
        let tag = b"abcdefghijklmnop";
        let length = BARE.len().to_string();
        [MARKER, tag, b"\r\n", BARE, length.as_bytes(), b" ", tag, MARKER].concat()
    }

    fn code(bytes: &[u8]) -> Option<u32> {
        exception_in(bytes)?.server_code()
    }

    #[test]
    fn both_forms_are_found_behind_data() {
        for data in ["", "{\"a\":1}\n", "{\"a\":\"Code: 60. DB::Exception: x (version 1 (y))\\n", "1,\"abc"] {
            assert_eq!(code(&[data.as_bytes(), BARE].concat()), Some(395), "{data}");
            assert_eq!(code(&[data.as_bytes(), &frame()].concat()), Some(395), "{data}");
        }
        let error = exception_in(&frame()).unwrap();
        assert_eq!(
            (error.kind(), error.message(), error.server_error_name()),
            (ErrorKind::InvalidQuery, "boom", Some("FUNCTION_THROW_IF_VALUE_IS_NON_ZERO"))
        );
    }

    #[test]
    fn a_frame_keeps_its_number_as_soon_as_that_is_there() {
        let frame = frame();
        let number_ends = memmem::find(&frame, b"395.").unwrap() + 4;
        for end in 0..=frame.len() {
            assert_eq!(code(&frame[..end]), (end >= number_ends).then_some(395), "{end}");
        }
    }

    #[test]
    fn a_value_that_was_cut_is_no_exception() {
        for data in [
            "{\"a\":\"Code: 60. DB::Exception: x (UNKNOWN_TABLE) (version 1 (y))",
            "Code: 60. DB::Exception: x",
            "__exception__\r\n",
            "\r\n__exception__\r\n",
            "Code: none (version 1)\n",
            "\r\n__exception__\r\nabc\r\nCode: 60. DB::Exception: x\n9 abc\r\n__exception__\r\n and more",
            "\r\n__exception__\r\nabc\r\nCode: 60. DB::Exception: x\0\0\0",
            "",
        ] {
            assert_eq!(code(data.as_bytes()), None, "{data}");
        }
    }

    #[test]
    fn the_tail_is_the_end() {
        let mut tail = Tail::default();
        for _ in 0..3 {
            tail.take(&[b'x'; Tail::CAPACITY / 2 + 1]);
        }
        assert!(tail.is_full());
        tail.take(BARE);
        assert_eq!(
            (tail.bytes().len(), tail.taken()),
            (Tail::CAPACITY, 3 * (Tail::CAPACITY / 2 + 1) + BARE.len())
        );
        assert_eq!(tail.verdict().server_code(), Some(395));
        tail.take(&[b'y'; 3 * Tail::CAPACITY]);
        assert_eq!(tail.bytes(), [b'y'; Tail::CAPACITY]);
        assert_eq!((tail.verdict().kind(), tail.verdict().is_retryable()), (ErrorKind::Unavailable, true));
    }
}
