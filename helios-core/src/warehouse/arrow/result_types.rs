//! Which ClickHouse types the columns of a result have, known before it is read.

use serde::Deserialize;

use crate::{
    Column, Error, ErrorKind,
    warehouse::{Warehouse, query::Judged},
};

/// The columns of a result.
pub(in crate::warehouse) enum ResultTypes {
    /// What the statement selects.
    Known(Vec<Column>),
    /// It selects nothing (`SHOW`, `EXPLAIN`, DDL), or cannot be asked; this is what ClickHouse answered.
    Unknown(Error),
}

#[derive(Deserialize)]
struct Described {
    name: String,
    r#type: String,
}

impl Warehouse {
    /// Asks for the columns of the statement's result, without running it.
    ///
    /// A statement in brackets behind `DESCRIBE` cannot have effects: only a `SELECT` may stand there.
    pub(in crate::warehouse) async fn result_types(
        &self,
        Judged { sql, options }: Judged<'_>,
    ) -> ResultTypes {
        // The line break ends a comment at the end of the text.
        let describe = format!("DESCRIBE (\n{}\n)", without_semicolons(sql));
        let options = options.of_question();
        // What is in the brackets was judged.
        let described = self.query_judged(Judged { sql: &describe, options: &options }).await;
        let described = described.and_then(|result| result.rows::<Described>());
        match described {
            Ok(rows) => {
                ResultTypes::Known(rows.into_iter().map(|row| Column::new(row.name, row.r#type)).collect())
            }
            Err(error) => ResultTypes::Unknown(error),
        }
    }
}

/// The error for a result that came although its types could not be told.
///
/// To guess them from the transport would show an enum as a number.
pub(in crate::warehouse) fn untold(sql: &str, form: &str, cause: Error) -> Option<Error> {
    if !selects(sql) {
        return None;
    }
    Some(if cause.kind() == ErrorKind::InvalidQuery {
        let message = format!(
            "a query that is read as {form} can have no FORMAT clause, and nothing behind its last semicolon"
        );
        Error::new(ErrorKind::InvalidQuery, message).caused_by(cause)
    } else {
        cause
    })
}

fn without_semicolons(sql: &str) -> &str {
    sql.trim_end_matches(|character: char| character == ';' || character.is_whitespace())
}

/// Whether the first word is that of a statement that selects.
pub(in crate::warehouse) fn selects(sql: &str) -> bool {
    is_one_of(first_word(sql), &["SELECT", "WITH", "FROM"])
}

/// Whether the statement answers with a result, if only an empty one. An `INSERT` may begin with `WITH`.
pub(in crate::warehouse) fn always_answers(sql: &str) -> bool {
    is_one_of(first_word(sql), &["SELECT", "FROM"])
}

fn is_one_of(word: &str, keywords: &[&str]) -> bool {
    keywords.iter().any(|keyword| word.eq_ignore_ascii_case(keyword))
}

fn first_word(sql: &str) -> &str {
    let mut rest = sql;
    loop {
        rest = rest.trim_start_matches(|character: char| character == '(' || character.is_whitespace());
        rest = if let Some(comment) = rest.strip_prefix("/*") {
            comment.split_once("*/").map_or("", |(_, after)| after)
        } else if rest.starts_with("--") || rest.starts_with("# ") || rest.starts_with("#!") {
            rest.split_once('\n').map_or("", |(_, after)| after)
        } else {
            break;
        };
    }
    rest.split(|character: char| !character.is_ascii_alphabetic()).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_that_selects_is_known_by_its_first_word() {
        for sql in [
            "SELECT 1",
            " select(1)",
            "((SELECT 1))",
            "WITH 1 AS x SELECT x",
            "-- SHOW\nSELECT 1",
            "/* a */ # b\n from t",
        ] {
            assert!(selects(sql), "{sql}");
        }
        for sql in ["SHOW TABLES", "", "-- SELECT 1", "/* SELECT", "INSERT INTO t SELECT 1", "SELECTED"] {
            assert!(!selects(sql), "{sql}");
        }
    }

    #[test]
    fn semicolons_at_the_end_are_left_out() {
        assert_eq!(without_semicolons("SELECT ';' ; \n;"), "SELECT ';'");
    }
}
