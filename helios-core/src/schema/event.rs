//! One event, read whole before anything of it counts.

use std::borrow::Cow;

use crate::json::{Cursor, Malformed, Number};

/// The event is no JSON object, or one that delivery would reject whatever its table: not UTF-8, a key twice, half a
/// surrogate pair, nested too deep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unreadable;

impl From<Malformed> for Unreadable {
    fn from(_: Malformed) -> Self {
        Self
    }
}

/// A piece of an event, in the order of its text.
#[derive(Debug)]
pub(super) enum Token<'a> {
    Null,
    Bool(bool),
    Number(Number<'a>),
    Text {
        /// What it means.
        text: Cow<'a, str>,
        /// As it is written, with its quotes.
        json: &'a str,
    },
    /// A list; its elements follow, up to the token numbered `end`.
    List {
        json: &'a str,
        end: usize,
    },
    /// An object; each of its names follows, and behind it the value, up to the token numbered `end`.
    Object {
        json: &'a str,
        end: usize,
        /// Whether a name is there twice.
        duplicates: bool,
    },
    Name(Cow<'a, str>),
}

impl Token<'_> {
    /// The value as it is written.
    pub(super) fn json(&self) -> &str {
        match self {
            Self::Null => "null",
            Self::Bool(true) => "true",
            Self::Bool(false) => "false",
            Self::Number(number) => number.text,
            Self::Text { json, .. } | Self::List { json, .. } | Self::Object { json, .. } => json,
            Self::Name(name) => name,
        }
    }
}

/// Reads events into tokens, and keeps its memory between them.
#[derive(Debug, Default)]
pub(super) struct Reader {
    tokens: Vec<Token<'static>>,
    /// Which tokens are the names of the objects that are open.
    names: Vec<usize>,
}

/// Up to so many names are compared each with each.
const FEW: usize = 12;

impl Reader {
    /// Hands the tokens of an event to `use_them`; the first is the object that the event is.
    pub(super) fn read<'a, T>(
        &mut self,
        event: &'a [u8],
        use_them: impl FnOnce(&[Token<'a>]) -> T,
    ) -> Result<T, Unreadable> {
        let text = simdutf8::basic::from_utf8(event).map_err(|_| Unreadable)?;
        self.names.clear();
        let mut tape = Tape { tokens: emptied(std::mem::take(&mut self.tokens)), names: &mut self.names };
        let mut cursor = Cursor::new(text);
        cursor.space();
        let read = if cursor.peek() == b'{' { tape.value(&mut cursor) } else { Err(Unreadable) };
        let read = read.and_then(|()| Ok(cursor.end()?));
        let tokens = tape.tokens;
        let used = match (read, tokens.first()) {
            (Ok(()), Some(Token::Object { duplicates: false, .. })) => Ok(use_them(&tokens)),
            _ => Err(Unreadable),
        };
        self.tokens = emptied(tokens);
        used
    }
}

/// The same room, for tokens of another event.
fn emptied<'b>(mut tokens: Vec<Token<'_>>) -> Vec<Token<'b>> {
    tokens.clear();
    tokens.into_iter().map(|_| Token::Null).collect()
}

struct Tape<'a, 'n> {
    tokens: Vec<Token<'a>>,
    names: &'n mut Vec<usize>,
}

impl<'a> Tape<'a, '_> {
    #[inline]
    fn value(&mut self, cursor: &mut Cursor<'a>) -> Result<(), Unreadable> {
        let token = match cursor.peek() {
            b'"' => {
                let start = cursor.at();
                let text = cursor.string()?;
                Token::Text { text: text.decoded()?, json: cursor.between(start, cursor.at()) }
            }
            b'-' | b'0'..=b'9' => Token::Number(cursor.number()?),
            b'{' => return self.object(cursor),
            b'[' => return self.list(cursor),
            b't' => {
                cursor.word("true")?;
                Token::Bool(true)
            }
            b'f' => {
                cursor.word("false")?;
                Token::Bool(false)
            }
            _ => {
                cursor.word("null")?;
                Token::Null
            }
        };
        self.tokens.push(token);
        Ok(())
    }

    fn list(&mut self, cursor: &mut Cursor<'a>) -> Result<(), Unreadable> {
        let (at, start) = self.open(cursor);
        let mut more = cursor.enter(b']')?;
        while more {
            self.value(cursor)?;
            more = cursor.more(b']')?;
        }
        let list = Token::List { json: cursor.between(start, cursor.at()), end: self.tokens.len() };
        self.close(at, list);
        Ok(())
    }

    fn object(&mut self, cursor: &mut Cursor<'a>) -> Result<(), Unreadable> {
        let (at, start) = self.open(cursor);
        let outer = self.names.len();
        let mut more = cursor.enter(b'}')?;
        while more {
            let name = cursor.name()?.decoded()?;
            self.names.push(self.tokens.len());
            self.tokens.push(Token::Name(name));
            self.value(cursor)?;
            more = cursor.more(b'}')?;
        }
        let duplicates = self.has_duplicates(outer);
        self.names.truncate(outer);
        let json = cursor.between(start, cursor.at());
        self.close(at, Token::Object { json, end: self.tokens.len(), duplicates });
        Ok(())
    }

    fn open(&mut self, cursor: &Cursor<'a>) -> (usize, usize) {
        self.tokens.push(Token::Null);
        (self.tokens.len() - 1, cursor.at())
    }

    fn close(&mut self, at: usize, token: Token<'a>) {
        if let Some(opened) = self.tokens.get_mut(at) {
            *opened = token;
        }
    }

    fn has_duplicates(&self, outer: usize) -> bool {
        let names = self.names.get(outer..).unwrap_or_default();
        let name = |at: &usize| self.tokens.get(*at).map_or("", Token::json);
        if names.len() <= FEW {
            let is_twice =
                |(at, one): (usize, &usize)| names.iter().take(at).any(|before| name(before) == name(one));
            return names.iter().enumerate().any(is_twice);
        }
        let mut sorted: Vec<_> = names.iter().map(name).collect();
        sorted.sort_unstable();
        sorted.windows(2).any(|pair| matches!(pair, [one, next] if one == next))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_read(event: &[u8]) -> bool {
        Reader::default().read(event, |_| ()).is_ok()
    }

    #[test]
    fn tokens_are_in_the_order_of_the_text() {
        let mut reader = Reader::default();
        let text = r#" {"a" : [1, {"b":"\u00e4"}], "c":null} "#;
        let written = reader.read(text.as_bytes(), |tokens| {
            tokens.iter().map(|token| token.json().to_owned()).collect::<Vec<_>>()
        });
        assert_eq!(
            written.unwrap(),
            [
                text.trim(),
                "a",
                r#"[1, {"b":"\u00e4"}]"#,
                "1",
                r#"{"b":"\u00e4"}"#,
                "b",
                r#""\u00e4""#,
                "c",
                "null"
            ]
        );
        let ends = reader.read(text.as_bytes(), |tokens| {
            let end = |token: &Token<'_>| match token {
                Token::List { end, .. } | Token::Object { end, .. } => Some(*end),
                _ => None,
            };
            tokens.iter().filter_map(end).collect::<Vec<_>>()
        });
        assert_eq!(ends.unwrap(), [9, 7, 7]);
    }

    #[test]
    fn what_delivery_would_reject_anywhere_is_unreadable() {
        let deep = |levels: usize| format!(r#"{{"a":{}{}}}"#, "[".repeat(levels), "]".repeat(levels));
        let wide = |last: usize| {
            let names: Vec<_> = (0..20).chain([last]).map(|at| format!(r#""k{at}":1"#)).collect();
            format!("{{{}}}", names.join(","))
        };
        for event in ["{}", r#"{"a":{"b":1,"b":1}}"#, &deep(63), &wide(20)] {
            assert!(is_read(event.as_bytes()), "{event}");
        }
        let events: [&[u8]; 18] = [
            b"",
            b"null",
            b"[]",
            b"1",
            b"\"{}\"",
            b"{",
            b"{}{}",
            b"{} x",
            b"{\"a\":}",
            b"{\"a\":007}",
            b"{\"a\":NaN}",
            b"{'a':1}",
            b"{\"a\":1,}",
            b"{\"a\":\"\n\"}",
            b"\xef\xbb\xbf{}",
            b"{\"a\":\"\xff\"}",
            b"{\"\xff\":1}",
            br#"{"a":[{"b":"\ud800"}]}"#,
        ];
        for event in events {
            assert!(!is_read(event), "{}", String::from_utf8_lossy(event));
        }
        for event in [r#"{"a":1,"\u0061":2}"#, &deep(64), &deep(100_000), &wide(7)] {
            assert!(!is_read(event.as_bytes()), "{event:.80}");
        }
    }
}
