//! ClickHouse SQL cut into tokens: as much as it takes to tell clauses from text that only looks like them.

use std::ops::Range;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A keyword, a name without quotes, or a number.
    Word,
    /// `'…'`, `‘…’`, or a heredoc `$tag$…$tag$`.
    Text,
    /// `` `…` ``, `"…"` or `“…”`.
    QuotedName,
    /// Any other single byte.
    Symbol(u8),
}

/// A token, with its place in the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) range: Range<usize>,
    /// Whether more text could make this another token: it touches the end, or its closing quote is missing.
    pub(crate) open: bool,
}

/// The tokens of a text, without white space and comments. Never fails: what is left open ends with the text.
pub(crate) struct Lexer<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Lexer<'a> {
    pub(crate) fn new(text: &'a [u8]) -> Self {
        Self { text, at: 0 }
    }

    /// Where the next token, comment or white space begins.
    fn rest(&self) -> &'a [u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Passes over white space and comments. `false` if the text ends inside a comment, or so that more text could
    /// make a comment of its last bytes.
    pub(crate) fn skip_trivia(&mut self) -> bool {
        loop {
            let rest = self.rest();
            let length = match rest {
                [] => return true,
                [b'-', b'-', comment @ ..] => match find(comment, b"\n") {
                    Some(end) => end + 3,
                    None => return self.skip_to_end(),
                },
                [b'#', b' ' | b'!', comment @ ..] => match find(comment, b"\n") {
                    Some(end) => end + 3,
                    None => return self.skip_to_end(),
                },
                [b'/', b'*', ..] => match block_comment(rest) {
                    Some(length) => length,
                    None => return self.skip_to_end(),
                },
                _ => match white_space(rest) {
                    0 => return true,
                    length => length,
                },
            };
            self.at += length;
        }
    }

    fn skip_to_end(&mut self) -> bool {
        self.at = self.text.len();
        false
    }
}

impl Iterator for Lexer<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        self.skip_trivia();
        let rest = self.rest();
        let start = self.at;
        let (kind, length) = match rest {
            [] => return None,
            [b'\'', ..] => (Kind::Text, quoted(rest, b'\'')),
            [quote @ (b'`' | b'"'), ..] => (Kind::QuotedName, quoted(rest, *quote)),
            [0xE2, 0x80, 0x98, ..] => (Kind::Text, closed_by(rest, "’".as_bytes())),
            [0xE2, 0x80, 0x9C, ..] => (Kind::QuotedName, closed_by(rest, "”".as_bytes())),
            [b'$', ..] => match heredoc(rest) {
                Some(length) => (Kind::Text, length),
                None => (Kind::Symbol(b'$'), Some(1)),
            },
            [first, ..] if is_word(*first) => {
                let length = rest.iter().take_while(|byte| is_word(**byte) || **byte == b'$').count();
                (Kind::Word, Some(length))
            }
            [symbol, ..] => (Kind::Symbol(*symbol), Some(1)),
        };
        self.at = length.map_or(self.text.len(), |length| start + length);
        let open = length.is_none() || self.at == self.text.len();
        Some(Token { kind, range: start..self.at, open })
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// The length of a quoted token, in which a backslash escapes and a doubled quote stands for itself.
fn quoted(text: &[u8], quote: u8) -> Option<usize> {
    let mut at = 1;
    loop {
        match text.get(at..)? {
            [b'\\', _, ..] => at += 2,
            [first, second, ..] if *first == quote && *second == quote => at += 2,
            [first, ..] if *first == quote => return Some(at + 1),
            [] => return None,
            _ => at += 1,
        }
    }
}

fn closed_by(text: &[u8], close: &[u8]) -> Option<usize> {
    find(text, close).map(|at| at + close.len())
}

/// The length of a heredoc: `$tag$…$tag$`, the tag being empty or a word.
fn heredoc(text: &[u8]) -> Option<Option<usize>> {
    let tag = text.get(1..)?.iter().take_while(|byte| is_word(**byte)).count();
    let mark = text.get(..tag + 2).filter(|mark| mark.ends_with(b"$"))?;
    let body = text.get(mark.len()..)?;
    Some(find(body, mark).map(|at| mark.len() + at + mark.len()))
}

/// The length of a block comment. Block comments nest.
fn block_comment(text: &[u8]) -> Option<usize> {
    let (mut depth, mut at) = (0_usize, 0);
    loop {
        match text.get(at..)? {
            [b'/', b'*', ..] => {
                depth += 1;
                at += 2;
            }
            [b'*', b'/', ..] => {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    return Some(at);
                }
            }
            [] => return None,
            _ => at += 1,
        }
    }
}

/// The length of the white space character at the start, or 0.
fn white_space(text: &[u8]) -> usize {
    let length = match text.first() {
        Some(b' ' | b'\t'..=b'\r') => return 1,
        Some(0xC2) => 2,
        Some(0xE1..=0xEF) => 3,
        _ => return 0,
    };
    let character = text.get(..length).and_then(|bytes| str::from_utf8(bytes).ok()?.chars().next());
    match character {
        Some('\u{180E}' | '\u{200B}'..='\u{200D}' | '\u{2060}' | '\u{FEFF}') => length,
        Some(character) if character.is_whitespace() => length,
        _ => 0,
    }
}

/// Where `wanted` first lies in `text`.
pub(crate) fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|window| window == wanted)
}
