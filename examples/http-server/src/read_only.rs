//! What ClickHouse's `readonly = 1` leaves open, measured on 26.7: two ways to look outside.
//!
//! - The function `file('/path')` reads a file. A server confines it to one folder, the embedded engine does not.
//! - `DESCRIBE url(…)`, and every other table function, reaches out to find the columns.

use std::{borrow::Cow, collections::BTreeMap};

use helios_core::{HeliosClient, QueryOptions, Result};
use serde::Deserialize;

use crate::{error::ApiError, refusal::Refusal};

const FILE: &str = "this query may read files of the server: it names `file`. Qualify a column (`t.file`), and give \
                    a text as a parameter (`{name:String}`)";
const DESCRIBE: &str = "DESCRIBE of a table function reaches outside; describe a table or a subquery";

/// Refuses a query that would look outside of ClickHouse.
pub(crate) async fn check(client: &HeliosClient, sql: &str, options: &QueryOptions) -> Result<(), ApiError> {
    if client.warehouse().engine().is_some() && may_call_file(sql, &options.parameters) {
        return Err(Refusal::OperatorOnly(FILE).into());
    }
    if may_describe(sql) && describes_function(&syntax_tree(client, sql, options).await?) {
        return Err(Refusal::OperatorOnly(DESCRIBE).into());
    }
    Ok(())
}

/// Whether the word stands anywhere, in texts and comments too: a guard that parses SQL other than ClickHouse does is
/// none. Names can be written with `\x66`, and a function can be the argument of another, or of a parameter's type.
fn may_call_file(sql: &str, parameters: &BTreeMap<String, String>) -> bool {
    let decoded = decode_hex(sql);
    if has_word_file(sql) || has_word_file(&decoded) {
        return true;
    }
    decoded.contains("Identifier") && parameters.values().any(|value| has_word_file(&decode_hex(value)))
}

/// `t.file` is a column: no function's name is qualified.
fn has_word_file(text: &str) -> bool {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.match_indices("file").any(|(at, word)| {
        let before = text.get(..at).and_then(|text| text.chars().next_back());
        let after = text.get(at + word.len()..).and_then(|text| text.chars().next());
        !before.is_some_and(|c| is_word(c) || c == '.') && !after.is_some_and(is_word)
    })
}

fn decode_hex(text: &str) -> Cow<'_, str> {
    if !text.contains("\\x") {
        return Cow::Borrowed(text);
    }
    let mut parts = text.split("\\x");
    let mut decoded = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let byte = part.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match byte {
            Some(byte) => {
                decoded.push(char::from(byte));
                decoded.push_str(part.get(2..).unwrap_or_default());
            }
            None => decoded.push_str(part),
        }
    }
    Cow::Owned(decoded)
}

fn may_describe(sql: &str) -> bool {
    sql.contains('(') && sql.to_ascii_lowercase().contains("desc")
}

async fn syntax_tree(client: &HeliosClient, sql: &str, options: &QueryOptions) -> Result<Vec<String>> {
    #[derive(Deserialize)]
    struct Row {
        explain: String,
    }
    let result = client.query_with(&format!("EXPLAIN AST {sql}"), options).await?;
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

    fn calls_file(sql: &str) -> bool {
        may_call_file(sql, &BTreeMap::new())
    }

    #[test]
    fn every_spelling_that_the_engine_takes_is_found() {
        for sql in [
            "SELECT file('/etc/passwd')",
            "SELECT file ('/etc/passwd')",
            "SELECT file/**/('/etc/passwd')",
            "SELECT `file`('/etc/passwd')",
            "SELECT \"file\"('/etc/passwd')",
            "SELECT “file”('/etc/passwd')",
            r"SELECT `\x66ile`('/etc/passwd')",
            r"SELECT `\x66\x69\x6C\x65`('/etc/passwd')",
            "SELECT arrayMap(file, ['/etc/passwd'])",
            "SELECT * APPLY(file) FROM (SELECT '/etc/passwd')",
            "SELECT COLUMNS('.*') APPLY file FROM (SELECT '/etc/passwd')",
            "EXPLAIN SELECT file('/etc/passwd')",
            "DESCRIBE file('/etc/passwd', 'CSVWithNames')",
            "SELECT 1 -- .\nfile('/etc/passwd')",
        ] {
            assert!(calls_file(sql), "{sql}");
        }
    }

    #[test]
    fn a_parameter_may_be_its_name() {
        let parameters = |value: &str| BTreeMap::from([("f".to_owned(), value.to_owned())]);
        let sql = "SELECT arrayMap({f:Identifier}, ['/etc/passwd'])";
        assert!(may_call_file(sql, &parameters("file")));
        assert!(!may_call_file(sql, &parameters("upper")));
        assert!(!may_call_file("SELECT {f:String}", &parameters("file")));
    }

    #[test]
    fn other_words_are_left_alone() {
        for sql in [
            "SELECT t.file FROM uploads AS t",
            "SELECT profile, files, file_name, file2, FILE FROM uploads",
            r"SELECT '\x41', '\xzz', '\x'",
            "SELECT 1",
        ] {
            assert!(!calls_file(sql), "{sql}");
        }
    }

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
}
