//! What ClickHouse's `readonly = 1` leaves open on a server (measured on 26.7): `DESCRIBE url(…)`, and every other table
//! function, reaches out to find the columns; `BACKUP` sends tables to any address; `UNDROP` brings them back; `KILL` ends
//! queries of the same user, which are those of all callers. The embedded engine sees to it itself.

use helios_core::{HeliosClient, QueryOptions, Result, SqlPosition};
use serde::Deserialize;

use crate::{error::ApiError, refusal::Refusal};

const DESCRIBES: &str = "DESCRIBE of a table function reaches outside; describe a table or a subquery";
const WRITES: &str = "only statements that read are allowed";

/// Refuses a query that would look outside of ClickHouse, or do more than read.
pub(crate) async fn check(client: &HeliosClient, sql: &str, options: &QueryOptions) -> Result<(), ApiError> {
    let is_server = client.warehouse().engine().is_none();
    let is_plain = sql.trim().is_empty() || (is_refused_by_readonly(sql) && !may_describe(sql));
    if !is_server || is_plain {
        return Ok(());
    }
    let tree = syntax_tree(client, sql, options).await?;
    if describes_function(&tree) {
        return Err(Refusal::NotAllowed(DESCRIBES).into());
    }
    if !reads(&tree) {
        return Err(Refusal::NotAllowed(WRITES).into());
    }
    Ok(())
}

/// Whether `readonly` is enough for what begins with this word, or it only reads. Behind a comment any word may be the
/// first, and only the server knows how its SQL is read: that is worth a question.
fn is_refused_by_readonly(sql: &str) -> bool {
    const WORDS: [&str; 7] = ["SELECT", "WITH", "FROM", "SHOW", "EXISTS", "EXPLAIN", "INSERT"];
    let text = sql.trim_start_matches(|character: char| character == '(' || character.is_ascii_whitespace());
    let word = text
        .split(|character: char| !(character.is_ascii_alphanumeric() || character == '_'))
        .next()
        .unwrap_or_default();
    WORDS.iter().any(|known| word.eq_ignore_ascii_case(known))
}

fn may_describe(sql: &str) -> bool {
    sql.contains('(') && sql.to_ascii_lowercase().contains("desc")
}

const EXPLAIN: &str = "EXPLAIN AST ";

async fn syntax_tree(client: &HeliosClient, sql: &str, options: &QueryOptions) -> Result<Vec<String>> {
    #[derive(Deserialize)]
    struct Row {
        explain: String,
    }
    let result = client.query_with(&format!("{EXPLAIN}{sql}"), &options.of_question()).await;
    let result = result.map_err(|error| {
        let own = |place: SqlPosition| SqlPosition::of(sql, place.offset.saturating_sub(EXPLAIN.len()));
        let position = error.position().map(own);
        error.at_position(position)
    })?;
    Ok(result.rows::<Row>()?.into_iter().map(|row| row.explain).collect())
}

fn describes_function(tree: &[String]) -> bool {
    const PATTERN: [&str; 3] = ["DescribeQuery", "TableExpression", "Function"];
    tree.windows(PATTERN.len())
        .any(|lines| lines.iter().zip(PATTERN).all(|(line, node)| line.trim_start().starts_with(node)))
}

/// Whether the statement is of a kind that reads, or sets what `readonly` lets it.
fn reads(tree: &[String]) -> bool {
    const ROOTS: [&str; 8] = ["Select", "Show", "Describe", "Exists", "Explain", "Check", "Use", "Set"];
    tree.first().is_some_and(|root| ROOTS.iter().any(|known| root.starts_with(known)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tree_tells_a_table_function_from_a_table() {
        let tree = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>();
        assert!(describes_function(&tree(&[
            "DescribeQuery (children 1)",
            " TableExpression (children 1)",
            "  Function url (children 1)",
        ])));
        assert!(!describes_function(&tree(&[
            "DescribeQuery (children 1)",
            " TableExpression (children 1)",
            "  TableIdentifier default.x",
        ])));
    }

    #[test]
    fn only_what_may_be_dangerous_costs_a_question() {
        assert!(may_describe("/* */ dEsCrIbE\ntable url ('http://x')"));
        assert!(!may_describe("SELECT count() FROM t") && !may_describe("SELECT a FROM t ORDER BY a DESC"));
        for sql in ["SELECT 1", " (select 1)", "with(1) AS x SELECT x", "SHOW TABLES"] {
            assert!(is_refused_by_readonly(sql), "{sql}");
        }
        for sql in [
            "BACKUP TABLE t TO Null",
            "/* SELECT */ BACKUP TABLE t",
            "-- SELECT",
            "SELECT_ 1",
            "undrop t",
            "",
        ] {
            assert!(!is_refused_by_readonly(sql), "{sql}");
        }
    }

    #[test]
    fn the_root_of_the_tree_tells_what_reads() {
        let reads = |root: &str| reads(&[root.to_owned(), "  SelectQuery".to_owned()]);
        for root in ["SelectWithUnionQuery (children 1)", "ShowTables", "DescribeQuery (children 1)", "Set"] {
            assert!(reads(root), "{root}");
        }
        for root in [
            "KillQueryQuery Function_equals ASYNC (children 1)",
            "BackupQuery",
            "UndropQuery d t",
            "CreateQuery",
        ] {
            assert!(!reads(root), "{root}");
        }
        assert!(!super::reads(&[]));
    }
}
