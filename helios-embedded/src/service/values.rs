//! The data of `INSERT … VALUES`, kept to one statement.

use bytes::Bytes;

use helios_sql::lexer::{Kind, Lexer};

use super::exception::{Code, Exception};

/// Lets tuples through and refuses a second statement after them, which the engine would pass over in silence.
#[derive(Debug, Default)]
pub(crate) struct Values {
    pending: Vec<u8>,
    ended: bool,
}

impl Values {
    /// Takes more of the data and gives back what may go to the engine. With `last` nothing is held back.
    pub(crate) fn push(&mut self, data: &[u8], last: bool) -> Result<Bytes, Exception> {
        self.pending.extend_from_slice(data);
        let mut lexer = Lexer::new(&self.pending);
        let (mut safe, mut allowed) = (0, None);
        loop {
            if !lexer.skip_trivia() && !last {
                break;
            }
            let Some(token) = lexer.next() else {
                safe = self.pending.len();
                break;
            };
            if token.open && !last {
                break;
            }
            match token.kind {
                Kind::Symbol(b';') => {
                    self.ended = true;
                    allowed.get_or_insert(token.range.start);
                }
                _ if self.ended => {
                    return Err(Exception::new(
                        Code::SyntaxError,
                        "Syntax error (Multi-statements are not allowed): there is text after the semicolon that \
                         ends the values",
                    ));
                }
                Kind::Word | Kind::Text | Kind::QuotedName | Kind::Symbol(_) => {}
            }
            safe = token.range.end;
        }
        let rest = self.pending.split_off(safe);
        let mut out = std::mem::replace(&mut self.pending, rest);
        match allowed {
            Some(allowed) => out.truncate(allowed),
            None if self.ended => out.clear(),
            None => {}
        }
        Ok(out.into())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pass(pieces: &[&[u8]]) -> Result<Vec<u8>, Exception> {
        let mut values = Values::default();
        let mut out = Vec::new();
        for piece in pieces {
            out.extend_from_slice(&values.push(piece, false)?);
        }
        out.extend_from_slice(&values.push(&[], true)?);
        Ok(out)
    }

    #[test]
    fn a_semicolon_may_only_end_the_values() {
        assert_eq!(pass(&[b"(1, 'a;b'), (2, '')"]).unwrap(), b"(1, 'a;b'), (2, '')");
        assert_eq!(pass(&[b"(1);"]).unwrap(), b"(1)");
        assert_eq!(pass(&[b"(1) ;", b" ; -- the end\n "]).unwrap(), b"(1) ");
        assert_eq!(pass(&[b"(1);", b" INSERT INTO t VALUES (2)"]).unwrap_err().code, 62);
        assert_eq!(pass(&[b"(1); /* */ DROP TABLE t"]).unwrap_err().code, 62);
    }

    proptest! {
        /// The cuts between pieces change nothing.
        #[test]
        fn cuts_do_not_matter(text in "[(1),'; \\\\n/*-]{0,60}", cut in 0_usize..60) {
            let text = text.as_bytes();
            let (left, right) = text.split_at(cut.min(text.len()));
            prop_assert_eq!(pass(&[left, right]), pass(&[text]));
        }
    }
}
