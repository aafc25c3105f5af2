//! An engine connection made ready for one request.

use std::time::Duration;

use uuid::Uuid;

use super::{
    exception::{Code, Exception},
    request::Request,
};
use crate::{driver::DriverConnection, engine::Running};

/// What a request's connection is set to before its statement runs.
#[derive(Debug)]
pub(crate) struct Session {
    /// Names the request's statements for [`Running::kill`]. Random, so that no client can hit another's.
    pub(crate) tag: Uuid,
    pub(crate) parameters: Vec<(String, String)>,
    /// The request's `max_execution_time`.
    pub(crate) time_limit: Option<Duration>,
    statements: Vec<String>,
}

impl Session {
    /// `query_id` is the client's name for the request. The engine makes names of its own, so it is told in the comment,
    /// where `system.processes` shows it.
    pub(crate) fn new(request: &Request, query_id: &str) -> Self {
        Self::tagged(Uuid::new_v4(), request, request.settings.iter(), query_id)
    }

    fn tagged<'a>(
        tag: Uuid,
        request: &Request,
        settings: impl Iterator<Item = &'a (String, String)>,
        query_id: &str,
    ) -> Self {
        let mut statements = Vec::new();
        if let Some(database) = request.database.as_deref().filter(|database| !database.is_empty()) {
            statements.push(format!("USE {}", quote(database, '`')));
        }
        // One statement for all: after `readonly=1` no other setting could be changed.
        // The engine takes a bare expression for a SELECT; a server does not.
        let mut set = "SET implicit_select = 0".to_owned();
        for (name, value) in settings {
            set.push_str(&format!(", {name} = {}", quote(value, '\'')));
        }
        let mut comment = format!("{} {query_id}", tag.simple());
        if let Some(besides) = &request.log_comment {
            comment.push(' ');
            comment.push_str(besides);
        }
        set.push_str(&format!(", log_comment = {}", quote(&comment, '\'')));
        statements.push(set);
        Self { tag, parameters: request.parameters.clone(), time_limit: time_limit(request), statements }
    }

    /// The same state for a question about the statement: what limits the statement's own result must not cut the answer.
    pub(crate) fn of_question(&self, request: &Request, query_id: &str) -> Self {
        const OF_RESULT: [&str; 4] = ["limit", "offset", "max_result_rows", "max_result_bytes"];
        let settings = request.settings.iter().filter(|(name, _)| !OF_RESULT.contains(&name.as_str()));
        Self::tagged(self.tag, request, settings, query_id)
    }

    /// A connection in this state.
    pub(crate) fn open(&self, engine: &Running) -> Result<Box<dyn DriverConnection>, Exception> {
        let mut connection = engine.connect().map_err(|reason| {
            Exception::new(Code::UnknownException, format!("No connection to the embedded engine: {reason}"))
        })?;
        for statement in &self.statements {
            connection.run(statement.as_bytes(), "Null", &[]).map_err(Exception::from_engine)?;
        }
        Ok(connection)
    }
}

/// What is no number of seconds the engine refuses itself; zero stands for no limit.
fn time_limit(request: &Request) -> Option<Duration> {
    let (_, seconds) = request.settings.iter().rfind(|(name, _)| name == "max_execution_time")?;
    let limit = Duration::try_from_secs_f64(seconds.parse().ok()?).ok()?;
    (!limit.is_zero()).then_some(limit)
}

/// A name or a text as ClickHouse reads it back.
fn quote(text: &str, quote: char) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push(quote);
    for character in text.chars() {
        if character == quote || character == '\\' {
            quoted.push('\\');
        }
        quoted.push(character);
    }
    quoted.push(quote);
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_and_backslashes_are_escaped() {
        assert_eq!(quote(r"it's \ `x`", '\''), r"'it\'s \\ `x`'");
        assert_eq!(quote(r"it's \ `x`", '`'), r"`it's \\ \`x\``");
    }
}
