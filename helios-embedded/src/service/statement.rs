//! What kind of statement a request carries, and where its clauses are.

use std::ops::Range;

use helios_sql::lexer::{Kind, Lexer, Token};

use super::exception::{Code, Exception};

/// A statement, as far as the service has to know it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Statement {
    /// An `INSERT` whose data follow it.
    Insert(Insert),
    /// Everything else, `INSERT … SELECT` among it.
    Query(Query),
}

/// An `INSERT` without its data.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Insert {
    /// The statement up to `FORMAT` or `VALUES`.
    pub(crate) head: Vec<u8>,
    /// Where in the head the data are read: `input(`, up to its structure.
    pub(crate) input: Option<Range<usize>>,
    pub(crate) format: String,
    /// Where in the text the data begin.
    pub(crate) data: usize,
}

/// A statement that is all text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Query {
    /// The text, up to the last token that is no semicolon.
    pub(crate) text: Vec<u8>,
    /// Whether it begins like one whose result may be large.
    pub(crate) selects: bool,
    /// What looks like its own `FORMAT` clause: where it begins, and the format.
    pub(crate) format: Option<(usize, String)>,
}

impl Statement {
    /// The `INSERT` with data of its own that the text begins with. With `whole` the text is complete; without, `None`
    /// may also mean that it takes more of it to know.
    ///
    /// # Errors
    ///
    /// A semicolon where data should begin.
    pub(crate) fn insert(text: &[u8], whole: bool) -> Result<Option<Insert>, Exception> {
        let mut reader = Reader { text, lexer: Lexer::new(text), whole };
        match reader.next() {
            Some(first) if is(text, &first, "INSERT") => reader.insert(),
            Some(_) | None => Ok(None),
        }
    }

    /// The text as one statement that is all text.
    ///
    /// # Errors
    ///
    /// What the service refuses to hand to the engine.
    pub(crate) fn query(text: &[u8]) -> Result<Self, Exception> {
        Query::read(text).map(Self::Query)
    }
}

/// Whether the token is this keyword.
fn is(text: &[u8], token: &Token, keyword: &str) -> bool {
    token.kind == Kind::Word && slice(text, token).eq_ignore_ascii_case(keyword.as_bytes())
}

fn is_any(text: &[u8], token: &Token, keywords: &[&str]) -> bool {
    keywords.iter().any(|keyword| is(text, token, keyword))
}

fn slice<'a>(text: &'a [u8], token: &Token) -> &'a [u8] {
    text.get(token.range.clone()).unwrap_or_default()
}

struct Reader<'a> {
    text: &'a [u8],
    lexer: Lexer<'a>,
    whole: bool,
}

impl Reader<'_> {
    /// The next token that no further text can change.
    fn next(&mut self) -> Option<Token> {
        self.lexer.next().filter(|token| self.whole || !token.open)
    }

    /// After `INSERT`: goes over the name and the columns to the clause that says where the rows come from.
    fn insert(&mut self) -> Result<Option<Insert>, Exception> {
        let text = self.text;
        let mut depth = 0_u32;
        let mut named = false;
        let mut previous: Option<Token> = None;
        while let Some(token) = self.next() {
            match token.kind {
                Kind::Symbol(b'(' | b'[' | b'{') => depth += 1,
                Kind::Symbol(b')' | b']' | b'}') => depth = depth.saturating_sub(1),
                Kind::Symbol(b';') => return Ok(None),
                // The first name may be a keyword too, and so may each of its parts after a dot.
                Kind::Word if depth == 0 && !named => {
                    named = !is_any(text, &token, &["INTO", "TABLE", "FUNCTION"]);
                    previous = Some(token);
                    continue;
                }
                Kind::Word if depth == 0 && !follows_dot(previous.as_ref()) => {
                    if is(text, &token, "FORMAT") {
                        return self.format(token.range.start, None);
                    }
                    if is(text, &token, "VALUES") {
                        let head = text.get(..token.range.start).unwrap_or_default().to_vec();
                        let (input, format) = (None, "Values".into());
                        return Ok(Some(Insert { head, input, format, data: token.range.end }));
                    }
                    if is_any(text, &token, &["SELECT", "WITH"]) {
                        return self.select();
                    }
                    if is_any(text, &token, &["FROM", "WATCH"]) {
                        return Ok(None);
                    }
                }
                Kind::Word
                    if depth == 1
                        && previous.as_ref().is_some_and(|previous| previous.kind == Kind::Symbol(b'('))
                        && is_any(text, &token, &["SELECT", "WITH"]) =>
                {
                    return Ok(None);
                }
                Kind::Word | Kind::Text | Kind::QuotedName | Kind::Symbol(_) => {}
            }
            named |= depth > 0 || token.kind == Kind::QuotedName;
            previous = Some(token);
        }
        Ok(None)
    }

    /// After `SELECT`: goes over the query, which may read the data through `input()`.
    fn select(&mut self) -> Result<Option<Insert>, Exception> {
        let text = self.text;
        let (mut depth, mut input) = (0_u32, None);
        let mut word: Option<Token> = None;
        while let Some(token) = self.next() {
            match token.kind {
                Kind::Symbol(b'(') => {
                    depth += 1;
                    let called = word.take().filter(|word| is(text, word, "input"));
                    input = input.or(called.map(|name| name.range.start..token.range.end));
                }
                Kind::Symbol(b'[' | b'{') => depth += 1,
                Kind::Symbol(b')' | b']' | b'}') => depth = depth.saturating_sub(1),
                Kind::Symbol(b';') => return Ok(None),
                Kind::Word if depth == 0 && input.is_some() && is(text, &token, "FORMAT") => {
                    return self.format(token.range.start, input);
                }
                Kind::Word | Kind::Text | Kind::QuotedName | Kind::Symbol(_) => {}
            }
            word = (token.kind == Kind::Word).then_some(token);
        }
        Ok(None)
    }

    /// After `FORMAT`: the format's name, and where its data begin.
    fn format(&mut self, clause: usize, input: Option<Range<usize>>) -> Result<Option<Insert>, Exception> {
        let Some(name) = self.next().filter(|name| name.kind == Kind::Word) else {
            return Ok(None);
        };
        let mut data = name.range.end;
        let mut byte = || {
            let byte = self.text.get(data).copied();
            data += usize::from(byte.is_some());
            byte
        };
        // As a server reads it: blanks, then at most one line break; everything after that is data.
        let mut last = byte();
        while matches!(last, Some(b' ' | b'\t' | 0x0C)) {
            last = byte();
        }
        if last == Some(b'\r') {
            last = byte();
        }
        match last {
            None if !self.whole => return Ok(None),
            None | Some(b'\n') => {}
            Some(b';') => {
                return Err(Exception::new(
                    Code::SyntaxError,
                    "You have excessive ';' symbol before data for INSERT",
                ));
            }
            Some(_) => data -= 1,
        }
        Ok(Some(Insert {
            head: self.text.get(..clause).unwrap_or_default().to_vec(),
            input,
            format: String::from_utf8_lossy(slice(self.text, &name)).into_owned(),
            data,
        }))
    }
}

fn follows_dot(previous: Option<&Token>) -> bool {
    previous.is_some_and(|previous| previous.kind == Kind::Symbol(b'.'))
}

impl Query {
    pub(crate) fn read(text: &[u8]) -> Result<Self, Exception> {
        let mut tokens: Vec<Token> = Lexer::new(text).collect();
        while tokens.last().is_some_and(|token| token.kind == Kind::Symbol(b';')) {
            tokens.pop();
        }
        let Some(last) = tokens.last() else {
            return Err(Exception::new(Code::SyntaxError, "Empty query"));
        };
        let text = text.get(..last.range.end).unwrap_or_default();
        refuse(text, &tokens)?;
        let first = tokens.iter().find(|token| token.kind != Kind::Symbol(b'('));
        Ok(Self {
            text: text.to_vec(),
            selects: first.is_some_and(|first| is_any(text, first, &["SELECT", "WITH", "FROM"])),
            format: format_clause(text, &tokens),
        })
    }

    /// Texts with the same statement, its result redirected to `file`, each with the format it then has by its own
    /// clause. One of them is right, unless the statement cannot be redirected; the engine's parser knows which.
    pub(crate) fn redirected(&self, file: &str) -> Vec<(Vec<u8>, Option<&str>)> {
        let clause = format!("\nINTO OUTFILE '{file}' APPEND\n");
        let at = |position: usize| {
            let (before, after) = self.text.split_at(position.min(self.text.len()));
            [before, clause.as_bytes(), after].concat()
        };
        let before_format = self.format.iter().map(|(position, name)| (at(*position), Some(name.as_str())));
        before_format.chain([(at(self.text.len()), None)]).collect()
    }
}

/// What would reach beyond the engine, or carry data in its text.
fn refuse(text: &[u8], tokens: &[Token]) -> Result<(), Exception> {
    let starts = |keyword| tokens.first().is_some_and(|first| is(text, first, keyword));
    let has = |first, second| {
        tokens.windows(2).any(|pair| matches!(pair, [a, b] if is(text, a, first) && is(text, b, second)))
    };
    if has("INTO", "OUTFILE") {
        return Err(Exception::new(Code::IntoOutfileNotAllowed, "INTO OUTFILE is not allowed over HTTP"));
    }
    if starts("SYSTEM") && tokens.get(1).is_some_and(|second| is_any(text, second, &["SHUTDOWN", "KILL"])) {
        return Err(Exception::new(
            Code::AccessDenied,
            "SYSTEM SHUTDOWN and SYSTEM KILL would end the process that the engine runs in",
        ));
    }
    if starts("INSERT") || (starts("WITH") && has("INSERT", "INTO")) {
        if has("FROM", "INFILE") {
            return Err(Exception::new(Code::SupportIsDisabled, "FROM INFILE is not allowed over HTTP"));
        }
        if format_clause(text, tokens).is_some() || any_format(text, tokens) {
            return Err(Exception::new(
                Code::NotImplemented,
                "INSERT … SELECT with data of its own needs input() to read them: INSERT INTO t SELECT … FROM \
                 input('a UInt8') FORMAT CSV",
            ));
        }
    }
    Ok(())
}

/// `FORMAT name`, possibly with `SETTINGS …` after it, at the end.
fn format_clause(text: &[u8], tokens: &[Token]) -> Option<(usize, String)> {
    outside_brackets(tokens)
        .filter(|index| {
            matches!(tokens.get(*index..), Some([clause, name, rest @ ..])
                if is(text, clause, "FORMAT")
                    && name.kind == Kind::Word
                    && rest.first().is_none_or(|next| is(text, next, "SETTINGS")))
        })
        .last()
        .and_then(|index| {
            let name = tokens.get(index + 1)?;
            Some((tokens.get(index)?.range.start, String::from_utf8_lossy(slice(text, name)).into_owned()))
        })
}

/// `FORMAT name` anywhere outside of brackets: data may follow it.
fn any_format(text: &[u8], tokens: &[Token]) -> bool {
    outside_brackets(tokens).any(|index| {
        matches!(tokens.get(index..), Some([clause, name, ..])
            if is(text, clause, "FORMAT") && name.kind == Kind::Word)
    })
}

/// The indices of the tokens that no bracket encloses.
fn outside_brackets(tokens: &[Token]) -> impl Iterator<Item = usize> {
    let mut depth = 0_u32;
    tokens.iter().enumerate().filter_map(move |(index, token)| {
        match token.kind {
            Kind::Symbol(b'(' | b'[' | b'{') => depth += 1,
            Kind::Symbol(b')' | b']' | b'}') => depth = depth.saturating_sub(1),
            Kind::Word | Kind::Text | Kind::QuotedName | Kind::Symbol(_) => {}
        }
        (depth == 0).then_some(index)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn insert(text: &str) -> Option<(String, String, String)> {
        let insert = Statement::insert(text.as_bytes(), true).unwrap()?;
        let data = text.get(insert.data..).unwrap().to_owned();
        Some((String::from_utf8(insert.head).unwrap(), insert.format, data))
    }

    fn query(text: &str) -> Result<Query, Exception> {
        match Statement::query(text.as_bytes())? {
            Statement::Query(query) => Ok(query),
            Statement::Insert(insert) => panic!("{insert:?}"),
        }
    }

    #[test]
    fn the_data_of_an_insert_are_apart() {
        for (text, head, format, data) in [
            ("INSERT INTO t FORMAT CSV", "INSERT INTO t ", "CSV", ""),
            ("insert into t format JSONEachRow {\"a\":1}", "insert into t ", "JSONEachRow", "{\"a\":1}"),
            ("INSERT INTO t FORMAT TSV\n\n1", "INSERT INTO t ", "TSV", "\n1"),
            ("INSERT INTO t FORMAT TSV \r\n 1", "INSERT INTO t ", "TSV", " 1"),
            ("INSERT INTO d.t (a, b) VALUES (1, 2)", "INSERT INTO d.t (a, b) ", "Values", " (1, 2)"),
            ("INSERT INTO format FORMAT CSV 1", "INSERT INTO format ", "CSV", "1"),
            ("INSERT INTO values.format VALUES (1)", "INSERT INTO values.format ", "Values", " (1)"),
            ("INSERT INTO `format CSV` FORMAT TSV 1", "INSERT INTO `format CSV` ", "TSV", "1"),
            ("INSERT INTO {t:Identifier} FORMAT TSV 1", "INSERT INTO {t:Identifier} ", "TSV", "1"),
            (
                "INSERT INTO t (format) SETTINGS a = 'FORMAT x' FORMAT TSV 1",
                "INSERT INTO t (format) SETTINGS a = 'FORMAT x' ",
                "TSV",
                "1",
            ),
            (
                "INSERT INTO FUNCTION null('a UInt8') VALUES (1)",
                "INSERT INTO FUNCTION null('a UInt8') ",
                "Values",
                " (1)",
            ),
            (
                "/* c */ INSERT -- FORMAT x\n INTO TABLE t FORMAT TSV 1; 2",
                "/* c */ INSERT -- FORMAT x\n INTO TABLE t ",
                "TSV",
                "1; 2",
            ),
        ] {
            let expected = Some((head.to_owned(), format.to_owned(), data.to_owned()));
            assert_eq!(insert(text), expected, "{text}");
        }
    }

    #[test]
    fn the_data_of_an_input_function_are_apart() {
        for (text, head, input, format, data) in [
            (
                "INSERT INTO t SELECT a + 1 FROM input('a UInt8') FORMAT CSV 1",
                "INSERT INTO t SELECT a + 1 FROM input('a UInt8') ",
                "input(",
                "CSV",
                "1",
            ),
            (
                "INSERT INTO t (a) WITH 'FORMAT x' AS x SELECT a, format(x, input) FROM (SELECT * FROM Input ()) format TSV\n1",
                "INSERT INTO t (a) WITH 'FORMAT x' AS x SELECT a, format(x, input) FROM (SELECT * FROM Input ()) ",
                "Input (",
                "TSV",
                "1",
            ),
        ] {
            let found = Statement::insert(text.as_bytes(), true).unwrap().unwrap();
            assert_eq!(text.get(found.input.unwrap()).unwrap(), input, "{text}");
            assert_eq!((found.head, found.format.as_str()), (head.as_bytes().to_vec(), format), "{text}");
            assert_eq!(text.get(found.data..).unwrap(), data);
        }
    }

    #[test]
    fn an_insert_of_a_select_is_all_text() {
        for text in [
            "INSERT INTO t SELECT input FROM x FORMAT TSV",
            "INSERT INTO t SELECT 1 FORMAT TSV",
            "INSERT INTO t SELECT 1",
            "INSERT INTO t (a) SELECT 1",
            "INSERT INTO t (SELECT 1)",
            "INSERT INTO t WITH 1 AS x SELECT x",
            "INSERT INTO t",
            "INSERT INTO t FORMAT",
            "SELECT 'INSERT INTO t FORMAT TSV'",
        ] {
            assert_eq!(insert(text), None, "{text}");
        }
    }

    #[test]
    fn the_beginning_of_an_insert_is_waited_for() {
        let whole = b"INSERT INTO t (a) FORMAT JSONEachRow \n{}";
        for end in 0..whole.len() - 2 {
            let text = whole.get(..end).unwrap();
            assert_eq!(Statement::insert(text, false).unwrap(), None, "{}", String::from_utf8_lossy(text));
        }
        let found = Statement::insert(whole, false).unwrap().unwrap();
        assert_eq!(whole.get(found.data..).unwrap(), b"{}");
    }

    #[test]
    fn a_semicolon_before_the_data_is_refused() {
        assert_eq!(Statement::insert(b"INSERT INTO t FORMAT CSV; 1", true).unwrap_err().code, 62);
    }

    #[test]
    fn a_format_clause_is_found_at_the_end_only() {
        for (text, format) in [
            ("SELECT 1 FORMAT JSON", Some("JSON")),
            ("SELECT 1 FORMAT JSON ; -- end", Some("JSON")),
            ("SELECT 1 format JSON settings max_threads = 1, x = 'FORMAT CSV'", Some("JSON")),
            ("SELECT 1 SETTINGS max_threads = 1 FORMAT CSV", Some("CSV")),
            ("SELECT format FROM t", None),
            ("SELECT 1 AS format", None),
            ("SELECT 'x FORMAT JSON'", None),
            ("SELECT 1 -- FORMAT JSON", None),
            ("SELECT * FROM (SELECT 1 FORMAT JSON)", None),
            ("SELECT $$ FORMAT JSON $$", None),
            ("SELECT format('{}', 1) FORMAT TSV", Some("TSV")),
        ] {
            let found = query(text).unwrap().format.map(|(_, format)| format);
            assert_eq!(found.as_deref(), format, "{text}");
        }
    }

    #[test]
    fn the_result_is_redirected_before_the_format() {
        let query = query("SELECT 1 FORMAT JSON SETTINGS a = 1; -- x").unwrap();
        let texts: Vec<_> = query
            .redirected("/f")
            .into_iter()
            .map(|(text, format)| (String::from_utf8(text).unwrap(), format.map(str::to_owned)))
            .collect();
        let first = "SELECT 1 \nINTO OUTFILE '/f' APPEND\nFORMAT JSON SETTINGS a = 1";
        let second = "SELECT 1 FORMAT JSON SETTINGS a = 1\nINTO OUTFILE '/f' APPEND\n";
        assert_eq!(texts, [(first.to_owned(), Some("JSON".to_owned())), (second.to_owned(), None)]);
    }

    #[test]
    fn what_reaches_beyond_the_engine_is_refused() {
        for (text, code) in [
            ("SELECT 1 INTO OUTFILE '/tmp/x'", 358),
            ("SELECT 1 into /* */ outfile '/tmp/x' FORMAT CSV", 358),
            ("INSERT INTO t FROM INFILE '/etc/passwd' FORMAT LineAsString", 344),
            ("SYSTEM SHUTDOWN", 497),
            ("system kill", 497),
            ("INSERT INTO t SELECT * FROM x FORMAT CSV 1", 48),
            ("WITH x AS (SELECT 1) INSERT INTO t SELECT * FROM x FORMAT CSV 1", 48),
            ("", 62),
            (" ;; -- nothing", 62),
        ] {
            assert_eq!(query(text).unwrap_err().code, code, "{text}");
        }
        for text in [
            "SELECT 'INTO OUTFILE'",
            "SELECT * FROM infile",
            "SYSTEM FLUSH LOGS",
            "SELECT 1 AS `into` -- outfile",
        ] {
            query(text).unwrap();
        }
    }
}
