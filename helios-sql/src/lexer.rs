//! ClickHouse SQL cut into tokens: as much as it takes to tell clauses from text that only looks like them.

use std::ops::Range;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
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
pub struct Token {
    /// What it is.
    pub kind: Kind,
    /// Its bytes in the text.
    pub range: Range<usize>,
    /// Whether more text could make this another token: it touches the end, or its closing quote is missing.
    pub open: bool,
}

/// The tokens of a text, without white space and comments. Never fails: what is left open ends with the text.
#[derive(Debug)]
pub struct Lexer<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Lexer<'a> {
    /// The tokens of `text`.
    pub fn new(text: &'a [u8]) -> Self {
        Self { text, at: 0 }
    }

    fn rest(&self) -> &'a [u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Passes over white space and comments. `false` if the text ends inside a comment, or so that more text could
    /// make a comment of its last bytes.
    pub fn skip_trivia(&mut self) -> bool {
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
        let decided = match kind {
            // It begins a heredoc once the tag's second one comes.
            Kind::Symbol(b'$') => self.at + self.rest().iter().take_while(|byte| is_word(**byte)).count(),
            // It may be the start of a quote or of white space of up to three bytes.
            Kind::Symbol(0x80..) => self.text.len().min(self.at + 1),
            Kind::Word | Kind::Text | Kind::QuotedName | Kind::Symbol(_) => self.at,
        };
        let open = length.is_none() || decided == self.text.len();
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
pub fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tokens(text: &str) -> Vec<(Kind, &str)> {
        Lexer::new(text.as_bytes()).map(|token| (token.kind, text.get(token.range).unwrap())).collect()
    }

    #[test]
    fn quotes_hide_what_is_in_them() {
        for quoted in ["'a;b'", r"'it\'s;'", "'it''s;'", "$$a;'b$$", "$x$ $$ ; $y$ $x$", "‘a';b’"] {
            assert_eq!(
                tokens(&format!("{quoted};")),
                [(Kind::Text, quoted), (Kind::Symbol(b';'), ";")],
                "{quoted}"
            );
        }
        for quoted in ["`a;b`", r"`a\`;b`", "\"a\"\";b\"", "“a;b”"] {
            let expected = [(Kind::QuotedName, quoted), (Kind::Symbol(b';'), ";")];
            assert_eq!(tokens(&format!("{quoted};")), expected, "{quoted}");
        }
    }

    #[test]
    fn comments_and_white_space_are_no_tokens() {
        for text in [
            "-- ; '\na",
            "# ; '\na",
            "#! ; '\na",
            "/* ; ' /* nested */ ; */a",
            "\u{feff}\u{a0}\u{3000}a",
            "a -- '",
            "a /* '",
            "a --",
        ] {
            assert_eq!(tokens(text), [(Kind::Word, "a")], "{text}");
        }
        assert_eq!(tokens("1 - - 2 / * 3").len(), 7);
    }

    #[test]
    fn a_token_that_touches_the_end_is_open() {
        let open = |text: &str| Lexer::new(text.as_bytes()).last().unwrap().open;
        for text in ["a", "'a", "'a'", "`a", "$a$ $b$", "a ;", "‘a"] {
            assert!(open(text), "{text}");
        }
        for text in ["a ", "'a' ", "$a$ $a$\n", "; "] {
            assert!(!open(text), "{text}");
        }
    }

    fn sql() -> impl Strategy<Value = Vec<u8>> {
        let part = prop_oneof![
            Just("'"),
            Just("\\"),
            Just("`"),
            Just("\""),
            Just(";"),
            Just("--"),
            Just("\n"),
            Just("/*"),
            Just("*/"),
            Just("$"),
            Just("$a$"),
            Just("# "),
            Just("‘"),
            Just("’"),
            Just("“"),
            Just("”"),
            Just("FORMAT"),
            Just(" "),
            Just("x1"),
            Just("("),
            Just(")"),
            Just("\u{a0}"),
            Just("é"),
        ];
        let text = prop::collection::vec(part, 0..40).prop_map(|parts| parts.concat().into_bytes());
        let byte = prop::sample::select(b"'$a; \xE2\x80\x98\x99\xC2\xA0".as_slice());
        prop_oneof![text, prop::collection::vec(byte, 0..30), prop::collection::vec(any::<u8>(), 0..60)]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1_000))]

        /// Tokens lie in order, within the text, and are never empty: so lexing ends.
        #[test]
        fn tokens_are_ordered(text in sql()) {
            let mut at = 0;
            for token in Lexer::new(&text) {
                prop_assert!(at <= token.range.start && token.range.start < token.range.end);
                prop_assert!(token.range.end <= text.len());
                at = token.range.end;
            }
        }

        /// A token that is not open stays what it is, whatever follows.
        #[test]
        fn closed_tokens_are_final(text in sql(), more in sql()) {
            let longer = [text.clone(), more].concat();
            let mut longer = Lexer::new(&longer);
            for token in Lexer::new(&text).take_while(|token| !token.open) {
                prop_assert_eq!(longer.next(), Some(token));
            }
        }
    }
}
