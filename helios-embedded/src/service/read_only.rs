//! What `readonly=1` lets pass on an engine without users, and should not.
//!
//! A server has rights to take away and folders to stay in. This engine has neither, and its `readonly=1` stops the table
//! functions but not these: the function `file`, which reads any file of the process; `DESCRIBE` of a table function,
//! which fetches a URL or opens a file to see its columns; `KILL QUERY`, which stops what others run.

use super::{
    exception::{Code, Exception},
    lexer::{Kind, Lexer, Token},
};

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
    // Elsewhere DESC is an order.
    let begins = |index: usize| match index.checked_sub(1) {
        None => true,
        Some(before) => {
            tokens.get(before).is_some_and(|token| token.kind == Kind::Symbol(b'('))
                || named(before, "EXPLAIN")
        }
    };
    if named(0, "KILL") {
        return refuse("KILL is not allowed in read-only mode");
    }
    for (index, token) in tokens.iter().enumerate() {
        if (named(index, "DESCRIBE") || (begins(index) && named(index, "DESC"))) && {
            let table = index + 1 + usize::from(named(index + 1, "TABLE"));
            calls(&tokens, table)
        } {
            return refuse("DESCRIBE of a table function is not allowed in read-only mode");
        }
        // After a dot it is a column. Everywhere else it may be the function, even without brackets: `APPLY file`.
        let qualified =
            index > 0 && tokens.get(index - 1).is_some_and(|token| token.kind == Kind::Symbol(b'.'));
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
            "DESCRIBE url('http://127.0.0.1:1/', CSV)",
            "desc table s3('http://127.0.0.1:1/b/x.csv')",
            "(DESCRIBE TABLE `url`('http://127.0.0.1:1/'))",
            "(DESC url('http://127.0.0.1:1/'))",
            "((desc table `url`('http://127.0.0.1:1/')))",
            "SELECT * FROM (DESC url('http://127.0.0.1:1/'))",
            "EXPLAIN DESC url('http://127.0.0.1:1/')",
            "KILL QUERY WHERE 1",
            "/* x */ kill mutation WHERE 1",
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
            "SELECT t.file FROM t",
            "SELECT 'file(1)', \"profile\", filename FROM t",
            "SELECT a FROM t ORDER BY a DESC, f(b)",
            "SELECT a FROM t ORDER BY a DESC LIMIT (1)",
            "SELECT a FROM t ORDER BY (a) DESC, f(b)",
            "SELECT count(desc) FROM t",
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
