//! JSON, read from its bytes by a place that moves forward.
//!
//! The grammar is RFC 8259's, to the letter, but for the numbers `NaN`, `Infinity` and `-Infinity`, as some writers (Python's among
//! them) put what JSON has no number for. Nothing is allocated, and numbers and texts are handed out as they are
//! written, beside what most columns need of them.

use std::borrow::Cow;

use super::{
    MAX_DEPTH, Malformed,
    escape::{self, escape_end},
    number::Number,
};

/// The outcome of reading.
type Read<T = ()> = Result<T, Malformed>;

/// A place in a JSON text.
#[derive(Clone, Debug)]
pub(crate) struct Cursor<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

/// A JSON string, without its quotes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Text<'a> {
    pub(crate) raw: &'a str,
    escapes: Escapes,
}

/// Whether there are escapes in a text. As wide as a word: the bytes that pad a byte are copied by their own, and each copy
/// then waits for the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
enum Escapes {
    None,
    Some,
}

impl<'a> Text<'a> {
    #[inline]
    pub(crate) fn new(raw: &'a str, escaped: bool) -> Self {
        Self { raw, escapes: if escaped { Escapes::Some } else { Escapes::None } }
    }

    /// Whether there are escapes in it.
    #[inline]
    pub(crate) fn is_escaped(self) -> bool {
        self.escapes == Escapes::Some
    }

    /// What it means.
    pub(crate) fn decoded(self) -> Read<Cow<'a, str>> {
        if !self.is_escaped() {
            return Ok(Cow::Borrowed(self.raw));
        }
        let mut bytes = Vec::with_capacity(self.raw.len());
        escape::decode(self.raw, &mut bytes)?;
        String::from_utf8(bytes).map(Cow::Owned).map_err(|_| Malformed::ESCAPE)
    }

    /// Appends what it means. After a failure there may be half of it.
    #[inline]
    pub(crate) fn append_to(self, bytes: &mut Vec<u8>) -> Read {
        if self.is_escaped() {
            return escape::decode(self.raw, bytes);
        }
        bytes.extend_from_slice(self.raw.as_bytes());
        Ok(())
    }
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, at: 0, depth: 0 }
    }

    /// How far it is.
    #[inline]
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// A cursor where this one was.
    pub(crate) fn back_to(&self, at: usize) -> Self {
        Self { text: self.text, at, depth: 0 }
    }

    /// The next byte; 0, which is nowhere in JSON, at the end.
    #[inline]
    pub(crate) fn peek(&self) -> u8 {
        self.text.as_bytes().get(self.at).copied().unwrap_or(0)
    }

    /// What follows.
    #[inline]
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    /// Passes over so many bytes, which were looked at.
    #[inline]
    pub(crate) fn skip(&mut self, count: usize) {
        self.at += count;
    }

    /// Passes over white space.
    #[inline]
    pub(crate) fn space(&mut self) {
        if self.peek() <= b' ' {
            self.spaces();
        }
    }

    #[inline(never)]
    fn spaces(&mut self) {
        while matches!(self.peek(), b' ' | b'\n' | b'\r' | b'\t') {
            self.at += 1;
        }
    }

    /// Passes over exactly these bytes, if they are next.
    #[inline]
    pub(crate) fn passes(&mut self, expected: &[u8]) -> bool {
        let found = self.rest().starts_with(expected);
        if found {
            self.at += expected.len();
        }
        found
    }

    /// What is between two places that this cursor has been at.
    #[inline]
    pub(crate) fn between(&self, start: usize, end: usize) -> &'a str {
        self.text.get(start..end).unwrap_or_default()
    }

    /// Enters a list or an object, up to its first element; `false` if it is empty, and left again.
    #[inline]
    pub(crate) fn enter(&mut self, close: u8) -> Read<bool> {
        if self.depth == MAX_DEPTH {
            return Err(Malformed::TOO_DEEP);
        }
        self.at += 1;
        self.space();
        if self.peek() == close {
            self.at += 1;
            return Ok(false);
        }
        self.depth += 1;
        Ok(true)
    }

    /// After an element: up to the next one; `false` if there is none, and the list or object is left.
    #[inline]
    pub(crate) fn more(&mut self, close: u8) -> Read<bool> {
        self.space();
        let next = self.peek();
        if next == b',' {
            self.at += 1;
            self.space();
            return Ok(true);
        }
        if next == close {
            self.at += 1;
            self.depth -= 1;
            return Ok(false);
        }
        Err(self.unexpected())
    }

    /// The name of a field; then it is at the field's value.
    #[inline]
    pub(crate) fn name(&mut self) -> Read<Text<'a>> {
        let name = self.string()?;
        self.space();
        if self.peek() != b':' {
            return Err(self.unexpected());
        }
        self.at += 1;
        self.space();
        Ok(name)
    }

    /// A string.
    #[inline]
    pub(crate) fn string(&mut self) -> Read<Text<'a>> {
        if self.peek() != b'"' {
            return Err(self.unexpected());
        }
        let bytes = self.text.as_bytes();
        let start = self.at + 1;
        let mut end = plain_end(bytes, start);
        let mut escaped = false;
        while bytes.get(end) == Some(&b'\\') {
            escaped = true;
            end = escape_end(bytes, end).ok_or_else(|| self.unexpected_at(end))?;
            end = plain_end(bytes, end);
        }
        if bytes.get(end) != Some(&b'"') {
            return Err(self.unexpected_at(end));
        }
        self.at = end + 1;
        Ok(Text::new(self.between(start, end), escaped))
    }

    /// A number.
    #[inline]
    pub(crate) fn number(&mut self) -> Read<Number<'a>> {
        match Number::read(self.text, self.at) {
            Ok((number, end)) => {
                self.at = end;
                Ok(number)
            }
            Err(at) => self.non_finite().ok_or_else(|| self.unexpected_at(at)),
        }
    }

    #[cold]
    fn non_finite(&mut self) -> Option<Number<'a>> {
        let (number, end) = Number::non_finite(self.text, self.at)?;
        self.at = end;
        Some(number)
    }

    /// `null`, `true`, `false`.
    #[inline]
    pub(crate) fn word(&mut self, word: &'static str) -> Read {
        if self.passes(word.as_bytes()) { Ok(()) } else { Err(self.unexpected()) }
    }

    /// Passes over a value of any kind, and gives it as it is written. An escape in it may be half a surrogate pair.
    pub(crate) fn value(&mut self) -> Read<&'a str> {
        let start = self.at;
        self.pass()?;
        Ok(self.between(start, self.at))
    }

    fn pass(&mut self) -> Read {
        match self.peek() {
            b'"' => self.string().map(drop),
            b'{' => {
                let mut more = self.enter(b'}')?;
                while more {
                    self.name()?;
                    self.pass()?;
                    more = self.more(b'}')?;
                }
                Ok(())
            }
            b'[' => {
                let mut more = self.enter(b']')?;
                while more {
                    self.pass()?;
                    more = self.more(b']')?;
                }
                Ok(())
            }
            b'-' | b'0'..=b'9' | b'N' | b'I' => self.number().map(drop),
            b't' => self.word("true"),
            b'f' => self.word("false"),
            _ => self.word("null"),
        }
    }

    /// That nothing but white space is left.
    pub(crate) fn end(&mut self) -> Read {
        self.space();
        if self.at == self.text.len() { Ok(()) } else { Err(self.unexpected()) }
    }

    #[cold]
    fn unexpected(&self) -> Malformed {
        self.unexpected_at(self.at)
    }

    #[cold]
    fn unexpected_at(&self, at: usize) -> Malformed {
        Malformed::at(self.text, at)
    }
}

/// What sort of JSON starts so, for messages.
pub(crate) fn kind_of(first: u8) -> &'static str {
    match first {
        b'{' => "an object",
        b'[' => "a list",
        b't' | b'f' => "a boolean",
        b'"' => "a text",
        b'n' => "null",
        _ => "a number",
    }
}

/// The first place from `at` on with a quote, a backslash or a control character, or the end. Eight bytes at a time.
#[inline]
fn plain_end(bytes: &[u8], mut at: usize) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    while let Some(chunk) = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let word = u64::from_le_bytes(*chunk);
        let quote = word ^ (ONES * b'"' as u64);
        let backslash = word ^ (ONES * b'\\' as u64);
        // The lowest bit set is right; a borrow may set others above it.
        let found = ((quote.wrapping_sub(ONES) & !quote)
            | (backslash.wrapping_sub(ONES) & !backslash)
            | (word.wrapping_sub(ONES * 0x20) & !word))
            & HIGH;
        if found != 0 {
            return at + (found.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    while bytes.get(at).is_some_and(|byte| !matches!(byte, b'"' | b'\\' | ..0x20)) {
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::de::IgnoredAny;

    use super::*;

    fn is_json(text: &str) -> bool {
        let mut cursor = Cursor::new(text);
        cursor.space();
        cursor.value().is_ok() && cursor.end().is_ok()
    }

    #[test]
    fn a_text_ends_where_its_quote_is() {
        for length in 0..40 {
            for special in ["\"", "\\", "\n", "\u{1f}", ""] {
                let text = format!("{}{special}{}", "é".repeat(length), "x\"".repeat(9));
                let expected =
                    text.bytes().position(|byte| matches!(byte, b'"' | b'\\' | ..0x20)).unwrap_or(text.len());
                assert_eq!(plain_end(text.as_bytes(), 0), expected, "{text}");
            }
        }
        assert_eq!(plain_end(b"abc", 0), 3);
        assert_eq!(plain_end(b"", 7), 7);
    }

    #[test]
    fn numbers_that_are_none_in_json_are_numbers() {
        for text in ["NaN", "[Infinity,-Infinity]", r#"{"a":NaN}"#] {
            assert!(is_json(text), "{text}");
        }
        for text in ["-NaN", "nan", "+Infinity", "Inf", "NaNs", "Infinity1", "-Inf", "N", "{NaN:1}"] {
            assert!(!is_json(text), "{text}");
        }
        let number = Cursor::new("-Infinity").number().unwrap();
        assert!(number.negative && !number.is_finite() && number.to_f64().is_none() && !number.is_integer());
        assert!(Number::parse("NaN").is_none(), "a string is not such a number");
    }

    #[test]
    fn white_space_is_passed_over_between_all_tokens() {
        let text = " \t\r\n{ \"a\" : [ 1 , { } , [ ] ] , \"b\" : null } ";
        assert!(is_json(text));
        assert!(!is_json("\u{a0}1") && !is_json("1\u{b}"));
    }

    proptest! {
        /// What is JSON is what another parser takes for JSON.
        #[test]
        fn the_grammar_is_that_of_another_parser(
            text in r#"[\[\]{},: \n0-9eE.+\-"\\u/bdtrfalsn]{0,24}|[\[{]"[\\u0-9a-f]{0,8}":?-?[0-9]{0,3}[.eE]?[0-9]{0,3}[\]}]"#
        ) {
            prop_assert_eq!(is_json(&text), serde_json::from_str::<IgnoredAny>(&text).is_ok(), "{}", text);
        }

        #[test]
        fn texts_mean_what_another_parser_says(text in r#"(\\["\\/bfnrt]|\\u[0-9a-fA-F]{4}|\\u[dD][89a-fA-F][0-9a-fA-F]{2}|[^"\\\x00-\x1f]){0,12}"#) {
            let json = format!("\"{text}\"");
            let ours = Cursor::new(&json).string().and_then(Text::decoded);
            let theirs = serde_json::from_str::<String>(&json);
            prop_assert_eq!(ours.ok().map(Cow::into_owned), theirs.ok(), "{}", json);
        }
    }
}
