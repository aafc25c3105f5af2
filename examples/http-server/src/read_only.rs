//! What ClickHouse's `readonly = 1` leaves open on a server: `DESCRIBE url(…)`, and every other table function, reaches
//! out to find the columns (measured on 26.7). The embedded engine sees to it itself.

use helios_core::{HeliosClient, QueryOptions, Result, SqlPosition};
use serde::Deserialize;

use crate::{error::ApiError, refusal::Refusal};

const REFUSED: &str = "DESCRIBE of a table function reaches outside; describe a table or a subquery";

/// Refuses a query that would look outside of ClickHouse.
pub(crate) async fn check(client: &HeliosClient, sql: &str, options: &QueryOptions) -> Result<(), ApiError> {
    let is_server = client.warehouse().engine().is_none();
    if is_server && may_describe(sql) && describes_function(&syntax_tree(client, sql, options).await?) {
        return Err(Refusal::NotAllowed(REFUSED).into());
    }
    Ok(())
}

/// Whether it is worth a question to the server, which alone knows how its SQL is read.
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
    fn only_what_may_be_a_description_costs_a_question() {
        assert!(may_describe("/* */ dEsCrIbE\ntable url ('http://x')"));
        assert!(!may_describe("SELECT count() FROM t") && !may_describe("SELECT a FROM t ORDER BY a DESC"));
    }
}
