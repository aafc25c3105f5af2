//! What `readonly=1` lets pass on an engine without users, and should not.
//!
//! A server has rights to take away and folders to stay in. This engine has neither, and its `readonly=1` stops the table
//! functions but not these: the function `file`, which reads any file of the process; `DESCRIBE` of a table function,
//! which fetches a URL or opens a file to see its columns; `KILL QUERY`, which stops what others run; `BACKUP`, which sends
//! tables to whatever address it is told; `UNDROP`, which brings a table back; `sqlite(…)`, which makes the file it names
//! before it is refused.

use super::{
    exception::{Code, Exception},
    lexer::{Kind, Lexer, Token},
};

/// What no statement that reads begins with. Most of them are refused by the engine, too.
const WRITERS: [&str; 22] = [
    "ALTER", "ATTACH", "BACKUP", "COPY", "CREATE", "DELETE", "DETACH", "DROP", "EXCHANGE", "EXECUTE",
    "GRANT", "KILL", "MOVE", "OPTIMIZE", "RENAME", "REPLACE", "RESTORE", "REVOKE", "SYSTEM", "TRUNCATE",
    "UNDROP", "UPDATE",
];

/// Refuses a statement that would reach outside.
///
/// # Errors
///
/// ClickHouse's own code for a statement in read-only mode, 164.
pub(crate) fn check(text: &[u8], parameters: &[(String, String)]) -> Result<(), Exception> {
    let tokens: Vec<Token> = Lexer::new(text).collect();
    // `arrayMap({f:Identifier}, …)`: a parameter may be a function's name, and its value may be written with `\x66`.
    let hides_file = parameters.iter().any(|(_, value)| value == "file" || value.contains('\\'));
    let named = |index: usize, name: &str| {
        tokens.get(index).is_some_and(|token| {
            token.kind == Kind::Word && slice(text, token).eq_ignore_ascii_case(name.as_bytes())
        })
    };
    // Elsewhere DESC is an order, behind which a clause may follow, with or without brackets.
    let begins = |index: usize| {
        named(index, "DESC")
            && !["EXCEPT", "INTERSECT", "LIMIT", "OFFSET", "UNION"]
                .iter()
                .any(|clause| named(index + 1, clause))
    };
    if let Some(writer) = WRITERS.iter().find(|writer| named(0, writer)) {
        return refuse(&format!("{writer} is not allowed in read-only mode"));
    }
    for (index, token) in tokens.iter().enumerate() {
        if (named(index, "DESCRIBE") || begins(index)) && {
            let table = index + 1 + usize::from(named(index + 1, "TABLE"));
            calls(&tokens, table)
        } {
            return refuse("DESCRIBE of a table function is not allowed in read-only mode");
        }
        // After a name and a dot it is a column. Everywhere else it may be the function, even without brackets: `APPLY file`.
        // A dot after digits is a number's: `SELECT TOP 1. file(…)`.
        let qualified = index >= 2
            && tokens.get(index - 1).is_some_and(|token| token.kind == Kind::Symbol(b'.'))
            && tokens.get(index - 2).is_some_and(|token| !is_number(text, token));
        if !qualified
            && calls(&tokens, index)
            && name(text, token).is_some_and(|name| name.eq_ignore_ascii_case(b"sqlite"))
        {
            return refuse("The table function `sqlite` is not allowed in read-only mode");
        }
        match name(text, token) {
            Some(b"Identifier") if hides_file => {
                return refuse("An identifier given as a parameter may not be `file` in read-only mode");
            }
            Some(b"file") if !qualified => {
                return refuse(
                    "The name `file` is not allowed in read-only mode, as the function of that name reads any file. \
                     If it is a column, write its table before it: t.file",
                );
            }
            // `\x66ile` is `file` too.
            Some(name) if name.windows(2).any(|pair| pair == br"\x") => {
                return refuse(
                    r"A name with \x is not allowed in read-only mode: write the character itself",
                );
            }
            _ => {}
        }
    }
    Ok(())
}

fn refuse(message: &str) -> Result<(), Exception> {
    Err(Exception::new(Code::Readonly, message))
}

/// Whether a name with an opening bracket stands here.
fn calls(tokens: &[Token], index: usize) -> bool {
    matches!(tokens.get(index..), Some([name, open, ..])
        if matches!(name.kind, Kind::Word | Kind::QuotedName) && open.kind == Kind::Symbol(b'('))
}

/// The token's name, without its quotes.
fn name<'a>(text: &'a [u8], token: &Token) -> Option<&'a [u8]> {
    let slice = slice(text, token);
    match token.kind {
        Kind::Word => Some(slice),
        Kind::QuotedName => {
            // A quote of one byte, or a curly one of three.
            let quote = if slice.starts_with(&[0xE2]) { 3 } else { 1 };
            Some(slice.get(quote..slice.len().saturating_sub(quote)).unwrap_or(slice))
        }
        Kind::Text | Kind::Symbol(_) => None,
    }
}

fn is_number(text: &[u8], token: &Token) -> bool {
    token.kind == Kind::Word && slice(text, token).first().is_some_and(u8::is_ascii_digit)
}

fn slice<'a>(text: &'a [u8], token: &Token) -> &'a [u8] {
    text.get(token.range.clone()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_reaches_outside_is_refused() {
        for text in [
            "SELECT file('/etc/hostname')",
            "select `file`('/etc/hostname')",
            "SELECT \"file\" ('/etc/hostname')",
            "SELECT “file”('/etc/hostname')",
            r"SELECT `\x66ile`('/etc/hostname')",
            "SELECT * APPLY(file) FROM (SELECT '/etc/hostname')",
            "SELECT * APPLY file FROM (SELECT '/etc/hostname')",
            "SELECT arrayMap(file, ['/etc/hostname'])",
            "SELECT /* */ file /* */ ('/etc/hostname')",
            "SELECT TOP 1. file('/etc/hostname')",
            "SELECT TOP 0x1./**/`file`('/etc/hostname')",
            "DESCRIBE url('http://127.0.0.1:1/', CSV)",
            "desc table s3('http://127.0.0.1:1/b/x.csv')",
            "(DESCRIBE TABLE `url`('http://127.0.0.1:1/'))",
            "(DESC url('http://127.0.0.1:1/'))",
            "((desc table `url`('http://127.0.0.1:1/')))",
            "SELECT * FROM (DESC url('http://127.0.0.1:1/'))",
            "EXPLAIN DESC url('http://127.0.0.1:1/')",
            "SELECT 1 UNION ALL DESC url('http://127.0.0.1:1/')",
            "KILL QUERY WHERE 1",
            "/* x */ kill mutation WHERE 1",
            "BACKUP TABLE t TO S3('http://127.0.0.1:1/bucket/', 'a', 'b')",
            "/* /* */ */ undrop TABLE t",
            "SYSTEM STOP MERGES",
            "SELECT * FROM sqlite('/tmp/x', 't')",
            "SELECT * FROM `SQLite` /* */ ('/tmp/x', 't')",
        ] {
            assert!(check(text.as_bytes(), &[]).is_err(), "{text}");
        }
    }

    #[test]
    fn a_parameter_is_no_way_around() {
        let with = |text: &str, value: &str| check(text.as_bytes(), &[("f".to_owned(), value.to_owned())]);
        let identifier = "SELECT arrayMap({f:Identifier}, ['/etc/hostname'])";
        assert!(with(identifier, "file").is_err());
        assert!(with(identifier, r"\x66ile").is_err());
        assert!(with(identifier, "upper").is_ok());
        assert!(with("SELECT {f:String}", "file").is_ok());
    }

    #[test]
    fn what_only_looks_like_it_passes() {
        for text in [
            "SELECT t.file, `t`.`file`, t1.file, (t).file FROM t",
            "SELECT 'file(1)', \"profile\", filename FROM t",
            "SELECT a FROM t ORDER BY a DESC, f(b)",
            "SELECT a FROM t ORDER BY a DESC LIMIT (1)",
            "SELECT a FROM t ORDER BY a DESC UNION ALL (SELECT 1)",
            "SELECT a FROM t ORDER BY a desc except (SELECT 1)",
            "SELECT a FROM t ORDER BY (a) DESC, f(b)",
            "SELECT count(desc) FROM t",
            "SELECT sqlite FROM t",
            "(DESC t)",
            "DESCRIBE t",
            "DESCRIBE TABLE d.t",
            "DESCRIBE (SELECT 1)",
            "SELECT 'DESCRIBE url(1)' -- file(",
            "SELECT kill FROM t",
        ] {
            assert!(check(text.as_bytes(), &[]).is_ok(), "{text}");
        }
    }
}
