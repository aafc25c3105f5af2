//! The words, literals and signs of a text: a type's, or a literal's.

use crate::error::{Error, Result};

/// One token and where it stands, in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Token<'a> {
    pub(in super::super) kind: Kind<'a>,
    pub(super) start: usize,
    pub(super) end: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) enum Kind<'a> {
    /// A bare word: `Array`, `max_types`.
    Word(&'a str),
    /// A name in backticks or double quotes, without them.
    Name(String),
    /// A string literal, without its quotes.
    Text(String),
    /// Digits, with a sign, a fraction and an exponent where there is one.
    Number(&'a str),
    /// `(`, `)`, `,`, `=`, `.` or any other printable sign.
    Sign(char),
}

/// Takes `text` apart.
///
/// # Errors
/// `InvalidInput` for a quote that is not closed, an unknown escape, or a control character.
pub(in super::super) fn tokens(text: &str) -> Result<Vec<Token<'_>>> {
    let mut lexer = Lexer { text, position: 0 };
    let mut found = Vec::new();
    while let Some(token) = lexer.next()? {
        found.push(token);
    }
    Ok(found)
}

/// An error that names the place.
pub(super) fn malformed(message: &str, position: usize) -> Error {
    Error::invalid_input(format!("{message} at byte {position} of the type")).at("parse_type")
}

struct Lexer<'a> {
    text: &'a str,
    position: usize,
}

impl<'a> Lexer<'a> {
    fn next(&mut self) -> Result<Option<Token<'a>>> {
        self.take_while(|next| next.is_ascii_whitespace());
        let start = self.position;
        let Some(first) = self.peek() else { return Ok(None) };
        let kind = match first {
            '\'' => Kind::Text(self.quoted('\'')?),
            '`' | '"' => {
                let name = self.quoted(first)?;
                if name.is_empty() {
                    return Err(malformed("empty name", start));
                }
                Kind::Name(name)
            }
            '0'..='9' | '-' | '+' => {
                self.bump();
                self.take_while(|next| next.is_ascii_alphanumeric() || next == '.');
                if self.since(start).ends_with('e') && matches!(self.peek(), Some('-' | '+')) {
                    self.bump();
                    self.take_while(|next| next.is_ascii_digit());
                }
                Kind::Number(self.since(start))
            }
            _ if first.is_ascii_alphabetic() || first == '_' => {
                self.take_while(|next| next.is_ascii_alphanumeric() || next == '_');
                Kind::Word(self.since(start))
            }
            _ if first.is_ascii_graphic() => {
                self.bump();
                Kind::Sign(first)
            }
            _ => return Err(malformed("unexpected character", start)),
        };
        Ok(Some(Token { kind, start, end: self.position }))
    }

    fn peek(&self) -> Option<char> {
        self.text.get(self.position..)?.chars().next()
    }

    fn bump(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.position += next.len_utf8();
        Some(next)
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) {
        while self.peek().is_some_and(&wanted) {
            self.bump();
        }
    }

    fn since(&self, start: usize) -> &'a str {
        self.text.get(start..self.position).unwrap_or_default()
    }

    /// What stands between quotes; a doubled quote stands for itself, a backslash escapes.
    fn quoted(&mut self, quote: char) -> Result<String> {
        let start = self.position;
        self.bump();
        let mut content = String::new();
        loop {
            match self.bump() {
                None => return Err(malformed("unclosed quote", start)),
                Some('\\') => content.push(self.escape(start)?),
                Some(next) if next == quote => {
                    if self.peek() != Some(quote) {
                        return Ok(content);
                    }
                    self.bump();
                    content.push(quote);
                }
                Some(next) => content.push(next),
            }
        }
    }

    fn escape(&mut self, start: usize) -> Result<char> {
        let position = self.position;
        Ok(match self.bump() {
            None => return Err(malformed("unclosed quote", start)),
            Some('0') => '\0',
            Some('a') => '\x07',
            Some('b') => '\x08',
            Some('e') => '\x1b',
            Some('f') => '\x0c',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('v') => '\x0b',
            Some('x') => {
                let digits = self.text.get(self.position..self.position + 2);
                let code = digits
                    .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
                    .and_then(|digits| u8::from_str_radix(digits, 16).ok())
                    .filter(u8::is_ascii);
                let Some(code) = code else {
                    return Err(malformed("escape that is no ASCII character", position));
                };
                self.position += 2;
                char::from(code)
            }
            Some(other @ ('\\' | '\'' | '"' | '`' | '/' | '=')) => other,
            Some(_) => return Err(malformed("unknown escape", position)),
        })
    }
}
