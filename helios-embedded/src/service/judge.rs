//! Whether a statement of a read-only request only reads.

use helios_sql::Statement;

use super::{
    exception::{Code, Exception},
    request::Request,
    session::Session,
};
use crate::engine::Running;

/// Judges the statement of a request.
pub(crate) struct Judge {
    database: String,
    session: Session,
}

impl Judge {
    /// `session` is the one that the statement will run in.
    pub(crate) fn of(request: &Request, session: &Session, query_id: &str) -> Self {
        let database = request.database.clone().unwrap_or_default();
        Self { database, session: session.of_question(request, query_id) }
    }

    /// Asks the engine how it reads the statement, and refuses what would do more than read. Nothing of it runs.
    pub(crate) fn judge(&self, engine: &Running, text: &[u8]) -> Result<(), Exception> {
        let text = str::from_utf8(text).map_err(|_| {
            Exception::new(Code::Readonly, "A statement that is not UTF-8 is not allowed in read-only mode")
        })?;
        let explain = format!("EXPLAIN AST {text}");
        let parameters = &self.session.parameters;
        let mut connection = self.session.open(engine)?;
        let tree =
            connection.run(explain.as_bytes(), "TSVRaw", parameters).map_err(Exception::from_engine)?;
        let tree = String::from_utf8_lossy(&tree.printed);
        let lines: Vec<_> = tree.lines().map(str::to_owned).collect();
        let values = parameters.iter().map(|(_, value)| value.as_str());
        let judged = Statement::new(text, values, &self.database).judge(&lines, engine.functions());
        judged.map_err(|refusal| Exception::new(Code::Readonly, refusal.to_string()))
    }
}
