//! `KILL QUERY` by the client's own name for a query, of which the engine does not know.

use std::sync::Arc;

use helios_sql::lexer::{Kind, Lexer, Token};

use super::{
    exception::{Code, Exception},
    statement::Query,
};
use crate::engine::Running;

/// `KILL QUERY WHERE query_id = '…' [ASYNC | SYNC] [FORMAT …]`, these words and no others. Any other `KILL` is the
/// engine's.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Kill {
    query_id: String,
    /// Whether the answer waits for the query's end.
    sync: bool,
    format: Option<String>,
}

impl Kill {
    pub(crate) fn read(text: &[u8]) -> Option<Self> {
        let tokens: Vec<Token> = Lexer::new(text).collect();
        let (clause, rest) = tokens.split_at_checked(6)?;
        let [kill, query, condition, column, equals, id] = clause else { return None };
        let is = |token: &Token, word: &str| {
            token.kind == Kind::Word && slice(text, token).eq_ignore_ascii_case(word)
        };
        let begins = is(kill, "KILL") && is(query, "QUERY") && is(condition, "WHERE");
        if !begins || slice(text, column) != "query_id" || equals.kind != Kind::Symbol(b'=') {
            return None;
        }
        let (sync, rest) = match rest {
            [mode, rest @ ..] if is(mode, "SYNC") => (true, rest),
            [mode, rest @ ..] if is(mode, "ASYNC") => (false, rest),
            rest => (false, rest),
        };
        let format = match rest {
            [] => None,
            [clause, name] if is(clause, "FORMAT") && name.kind == Kind::Word => {
                Some(slice(text, name).to_owned())
            }
            _ => return None,
        };
        Some(Self { query_id: plain_text(slice(text, id))?, sync, format })
    }

    /// Stops the query, and answers with the statement whose result is what a server's `KILL` prints.
    pub(crate) async fn run(self, engine: &Arc<Running>) -> Result<Query, Exception> {
        let tag = engine.work().find(&self.query_id);
        if let Some(tag) = tag {
            let ended = engine.stop(&tag).map_err(|error| {
                Exception::new(Code::CannotScheduleTask, format!("No thread to stop the query: {error}"))
            })?;
            if self.sync
                && let Some(ended) = ended
            {
                // It is closed, never sent to.
                drop(ended.await);
            }
        }
        let status = if self.sync { "finished" } else { "waiting" };
        let (id, rows) = (&self.query_id, u8::from(tag.is_some()));
        let mut text = format!(
            "SELECT '{status}' AS kill_status, '{id}' AS query_id, currentUser() AS user, '' AS query FROM numbers({rows})"
        );
        if let Some(format) = &self.format {
            text.push_str(&format!(" FORMAT {format}"));
        }
        Query::read(text.as_bytes())
    }
}

fn slice<'a>(text: &'a [u8], token: &Token) -> &'a str {
    text.get(token.range.clone()).and_then(|slice| str::from_utf8(slice).ok()).unwrap_or_default()
}

/// What stands between the quotes, if it stands there as it is.
fn plain_text(literal: &str) -> Option<String> {
    let inner = literal.strip_prefix('\'')?.strip_suffix('\'')?;
    (!inner.contains(['\'', '\\'])).then(|| inner.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn these_words_and_no_others() {
        let read = |text: &str| {
            let kill = Kill::read(text.as_bytes())?;
            Some((kill.query_id, kill.sync, kill.format))
        };
        let id = || "a.b:c-1".to_owned();
        assert_eq!(read("KILL QUERY WHERE query_id = 'a.b:c-1'"), Some((id(), false, None)));
        assert_eq!(read("/* */ kill query\nwhere query_id='a.b:c-1' async -- x"), Some((id(), false, None)));
        assert_eq!(
            read("KILL QUERY WHERE query_id = 'a.b:c-1' SYNC FORMAT JSON"),
            Some((id(), true, Some("JSON".into())))
        );
        for other in [
            "KILL QUERY WHERE query_id = 'a' OR 1",
            "KILL QUERY WHERE query_id = 'a' TEST",
            "KILL QUERY WHERE query_id = 'a' SYNC ASYNC",
            "KILL QUERY WHERE query_id != 'a'",
            "KILL QUERY WHERE user = 'a'",
            "KILL QUERY WHERE query_id = a",
            "KILL QUERY WHERE query_id = 'it''s'",
            r"KILL QUERY WHERE query_id = '\x61'",
            "KILL QUERY WHERE query_id =",
            "KILL MUTATION WHERE query_id = 'a'",
            "KILL QUERY ON CLUSTER c WHERE query_id = 'a'",
            "SELECT 1",
        ] {
            assert_eq!(Kill::read(other.as_bytes()), None, "{other}");
        }
    }
}
