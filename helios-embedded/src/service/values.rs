//! The data of `INSERT … VALUES`, kept to one statement.

use bytes::Bytes;

use super::{
    exception::{Code, Exception},
    lexer::{Kind, Lexer},
};

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
