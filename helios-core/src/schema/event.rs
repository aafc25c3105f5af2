//! One event, read whole before anything of it counts.

use super::{
    evidence::Seen,
    fields::Fields,
    observe::{Objects, Observed},
};
use crate::json::{Cursor, Malformed, Number, Text};

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
#[derive(Clone, Copy, Debug)]
pub(super) enum Token<'a> {
    Null,
    Bool(bool),
    Number(Number<'a>),
    /// A string, of which every escape is a character.
    Text(Text<'a>),
    /// A list; its elements follow, up to the token numbered `end`.
    List {
        json: &'a str,
        end: usize,
    },
    /// An object; each of its names follows, and behind it the value, up to the token numbered `end`.
    Object {
        json: &'a str,
        end: usize,
    },
    /// The name of a field; as for a string. If it is one of those that were known before the event, the place of it among
    /// them.
    Name {
        name: Text<'a>,
        known: Option<usize>,
    },
}

/// What is known of the place of a value.
#[derive(Clone, Copy)]
enum Known<'k> {
    Columns(&'k Fields<Seen>),
    Place(&'k Observed),
    Nothing,
}

impl<'k> Known<'k> {
    /// The names that an object is expected to have, and what is known of the value of each.
    #[inline]
    fn name<'a>(
        self,
        cursor: &mut Cursor<'a>,
        expected: usize,
    ) -> Result<(Text<'a>, Option<usize>, Self), Unreadable> {
        match self {
            Self::Columns(fields) => {
                let (name, known) = next(fields, cursor, expected)?;
                let seen = known.and_then(|known| fields.get(known));
                Ok((name, known, seen.map_or(Self::Nothing, |field| Self::Place(&field.seen.observed))))
            }
            Self::Place(Observed { objects: Some(objects), .. }) => match &**objects {
                Objects::Named(fields) => {
                    let (name, known) = next(fields, cursor, expected)?;
                    let seen = known.and_then(|known| fields.get(known));
                    Ok((name, known, seen.map_or(Self::Nothing, |field| Self::Place(&field.seen))))
                }
                Objects::Keyed(values) => Ok((text(cursor.name()?)?, None, Self::Place(values))),
                Objects::Unseen => Ok((text(cursor.name()?)?, None, Self::Nothing)),
            },
            Self::Place(_) | Self::Nothing => Ok((text(cursor.name()?)?, None, Self::Nothing)),
        }
    }

    #[inline]
    fn element(self) -> Self {
        match self {
            Self::Place(Observed { elements: Some(elements), .. }) => Self::Place(elements),
            _ => Self::Nothing,
        }
    }
}

/// The name of the next field, and its place if it is known.
#[inline]
fn next<'a, T: Default>(
    fields: &Fields<T>,
    cursor: &mut Cursor<'a>,
    expected: usize,
) -> Result<(Text<'a>, Option<usize>), Unreadable> {
    if let Some(name) = fields.passes(expected, cursor) {
        return Ok((name, Some(expected)));
    }
    let name = text(cursor.name()?)?;
    Ok((name, fields.find_written(name, expected)))
}

/// Reads events into tokens, and keeps its memory between them.
#[derive(Debug, Default)]
pub(super) struct Reader {
    tokens: Vec<Token<'static>>,
}

impl Reader {
    /// The tokens of an event; the first is the object that it is. Names may be there twice. `keep` wants them back.
    pub(super) fn read<'a>(
        &mut self,
        event: &'a [u8],
        columns: Option<&Fields<Seen>>,
    ) -> Result<Vec<Token<'a>>, Unreadable> {
        let text = simdutf8::basic::from_utf8(event).map_err(|_| Unreadable)?;
        let mut tokens = emptied(std::mem::take(&mut self.tokens));
        let mut cursor = Cursor::new(text);
        cursor.space();
        let known = columns.map_or(Known::Nothing, Known::Columns);
        let read =
            if cursor.peek() == b'{' { object(&mut tokens, &mut cursor, known) } else { Err(Unreadable) };
        match read.and_then(|()| Ok(cursor.end()?)) {
            Ok(()) => Ok(tokens),
            Err(unreadable) => {
                self.keep(tokens);
                Err(unreadable)
            }
        }
    }

    /// Takes tokens back, for the room that they have.
    pub(super) fn keep(&mut self, tokens: Vec<Token<'_>>) {
        self.tokens = emptied(tokens);
    }
}

/// The same room, for tokens of another event.
fn emptied<'b>(mut tokens: Vec<Token<'_>>) -> Vec<Token<'b>> {
    tokens.clear();
    tokens.into_iter().map(|_| Token::Null).collect()
}

#[inline]
fn value<'a>(
    tokens: &mut Vec<Token<'a>>,
    cursor: &mut Cursor<'a>,
    known: Known<'_>,
) -> Result<(), Unreadable> {
    let token = match cursor.peek() {
        b'"' => Token::Text(text(cursor.string()?)?),
        b'-' | b'0'..=b'9' | b'N' | b'I' => Token::Number(cursor.number()?),
        b'{' => return object(tokens, cursor, known),
        b'[' => return list(tokens, cursor, known.element()),
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
    tokens.push(token);
    Ok(())
}

/// The same text, if all its escapes are characters.
#[inline]
fn text(text: Text<'_>) -> Result<Text<'_>, Unreadable> {
    if text.is_escaped() {
        text.decoded()?;
    }
    Ok(text)
}

fn list<'a>(
    tokens: &mut Vec<Token<'a>>,
    cursor: &mut Cursor<'a>,
    element: Known<'_>,
) -> Result<(), Unreadable> {
    let (at, start) = (tokens.len(), cursor.at());
    tokens.push(Token::Null);
    let mut more = cursor.enter(b']')?;
    while more {
        value(tokens, cursor, element)?;
        more = cursor.more(b']')?;
    }
    let token = Token::List { json: cursor.between(start, cursor.at()), end: tokens.len() };
    close(tokens, at, token);
    Ok(())
}

fn object<'a>(
    tokens: &mut Vec<Token<'a>>,
    cursor: &mut Cursor<'a>,
    known: Known<'_>,
) -> Result<(), Unreadable> {
    let (at, start) = (tokens.len(), cursor.at());
    tokens.push(Token::Null);
    let mut expected = 0;
    let mut more = cursor.enter(b'}')?;
    while more {
        let (name, place, within) = known.name(cursor, expected)?;
        expected = place.map_or(expected, |place| place + 1);
        tokens.push(Token::Name { name, known: place });
        value(tokens, cursor, within)?;
        more = cursor.more(b'}')?;
    }
    let token = Token::Object { json: cursor.between(start, cursor.at()), end: tokens.len() };
    close(tokens, at, token);
    Ok(())
}

#[inline]
fn close<'a>(tokens: &mut [Token<'a>], at: usize, token: Token<'a>) {
    if let Some(opened) = tokens.get_mut(at) {
        *opened = token;
    }
}

/// Where the token behind the value at `at` is.
#[inline]
pub(super) fn behind(tokens: &[Token<'_>], at: usize) -> usize {
    match tokens.get(at) {
        Some(Token::List { end, .. } | Token::Object { end, .. }) => *end,
        _ => at + 1,
    }
}

/// Up to so many names are compared each with each.
const FEW: usize = 12;

/// Whether a name is twice in the object at `at`.
pub(super) fn has_duplicates(tokens: &[Token<'_>], at: usize) -> bool {
    let mut names = Vec::new();
    let mut next = at + 1;
    while let Some(Token::Name { name, .. }) = tokens.get(next).filter(|_| next < behind(tokens, at)) {
        names.push(name.decoded().unwrap_or_default());
        next = behind(tokens, next + 1);
    }
    if names.len() <= FEW {
        return names.iter().enumerate().any(|(at, one)| names.iter().take(at).any(|before| before == one));
    }
    names.sort_unstable();
    names.windows(2).any(|pair| matches!(pair, [one, next] if one == next))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_read(event: &[u8]) -> bool {
        Reader::default().read(event, None).is_ok_and(|tokens| !has_duplicates(&tokens, 0))
    }

    #[test]
    fn tokens_are_in_the_order_of_the_text() {
        let mut reader = Reader::default();
        let text = r#" {"a" : [1, {"b":"\u00e4"}], "c":null} "#;
        for _ in 0..2 {
            let tokens = reader.read(text.as_bytes(), None).unwrap();
            let read = format!("{tokens:?}");
            let pieces = ["Object", "\"a\"", "List", "Number", "Object", "\"b\"", "u00e4", "\"c\"", "Null"];
            assert!(pieces.iter().all(|piece| read.contains(piece)), "{read}");
            let ends: Vec<_> = (0..tokens.len()).map(|at| behind(&tokens, at)).collect();
            assert_eq!(ends, [9, 2, 7, 4, 7, 6, 7, 8, 9]);
            reader.keep(tokens);
        }
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
            b"{\"a\":nan}",
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
