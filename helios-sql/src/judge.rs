//! Whether a statement of a stranger only reads what strangers may read.
//!
//! Judged is ClickHouse's own syntax tree, as `EXPLAIN AST` writes it, by lists of what is allowed: kinds of statements,
//! functions, table functions, system tables. Nothing else passes, least of all a setting: `SETTINGS readonly = DEFAULT` within a
//! subquery switches ClickHouse's own protection off. Where the tree does not show a part of the statement, the tokens of its
//! text decide, by the same lists.

use std::{collections::HashSet, fmt, sync::LazyLock};

use crate::{
    lexer::{Kind, Lexer, Token},
    tree::{Node, Tree},
};

/// What a statement that reads begins with.
const BEGINNINGS: [&str; 8] = ["SELECT", "WITH", "FROM", "SHOW", "DESCRIBE", "DESC", "EXPLAIN", "EXISTS"];

/// So deep may brackets be nested: ClickHouse itself parses to this depth.
const MAX_NESTING: usize = 1_000;

/// So many tables may be in one statement. Each join is one level more of the plan.
const MAX_TABLES: usize = 200;

/// Functions, in lower case. Reviewed: none of them reads a file, opens a connection, or says what this process is made of.
static FUNCTIONS: LazyLock<HashSet<&str>> = LazyLock::new(|| include_str!("functions.txt").lines().collect());

/// What may be behind the name of an aggregate function.
const COMBINATORS: [&str; 15] = [
    "if",
    "array",
    "distinct",
    "ordefault",
    "ornull",
    "resample",
    "simplestate",
    "mergestate",
    "state",
    "merge",
    "foreach",
    "argmin",
    "argmax",
    "map",
    "null",
];

/// Table functions that make their rows themselves, or of another part of the statement.
const TABLE_FUNCTIONS: [&str; 9] = [
    "generate_series",
    "generaterandom",
    "generateseries",
    "null",
    "numbers",
    "numbers_mt",
    "values",
    "view",
    "viewifpermitted",
];

/// Tables of the database `system` that say what there is, not what others do.
const SYSTEM_TABLES: [&str; 34] = [
    "aggregate_function_combinators",
    "codecs",
    "collations",
    "columns",
    "completions",
    "contributors",
    "data_skipping_index_types",
    "data_skipping_indices",
    "data_type_families",
    "database_engines",
    "databases",
    "detached_parts",
    "dictionaries",
    "documentation",
    "formats",
    "functions",
    "keywords",
    "licenses",
    "merges",
    "numbers",
    "numbers_mt",
    "one",
    "parts",
    "parts_columns",
    "primes",
    "projection_parts",
    "projections",
    "settings",
    "table_engines",
    "table_functions",
    "tables",
    "time_zones",
    "zeros",
    "zeros_mt",
];

/// The options of `EXPLAIN`.
const EXPLAIN_OPTIONS: [&str; 24] = [
    "actions",
    "column_structure",
    "compact",
    "description",
    "distributed",
    "dump_ast",
    "dump_passes",
    "dump_tree",
    "estimates",
    "graph",
    "header",
    "indexes",
    "input_headers",
    "json",
    "keep_logical_steps",
    "oneline",
    "optimize",
    "passes",
    "pretty",
    "projections",
    "query_tree_passes",
    "run_passes",
    "run_query_tree_passes",
    "sorting",
];

/// Kinds of statement that have no parts the tree would show but the table that they are about.
const SHOWS: [&str; 14] = [
    "ExistsDatabaseQuery",
    "ExistsDictionaryQuery",
    "ExistsTableQuery",
    "ExistsViewQuery",
    "ShowColumns",
    "ShowCreateDatabaseQuery",
    "ShowCreateDictionaryQuery",
    "ShowCreateTableQuery",
    "ShowCreateViewQuery",
    "ShowEngineQuery",
    "ShowFunctions",
    "ShowIndexes",
    "ShowSetting",
    "ShowTables",
];

/// Nodes that are what their children are.
const PLAIN: [&str; 27] = [
    "ArrayJoin",
    "Asterisk",
    "ColumnsExceptTransformer",
    "ColumnsListMatcher",
    "ColumnsRegexpMatcher",
    "ColumnsReplaceTransformer",
    "ColumnsReplaceTransformer::Replacement",
    "ColumnsTransformerList",
    "ExpressionList",
    "InterpolateElement",
    "Literal",
    "OrderByElement",
    "QualifiedAsterisk",
    "QualifiedColumnsListMatcher",
    "QualifiedColumnsRegexpMatcher",
    "SampleRatio",
    "SelectIntersectExceptQuery",
    "SelectQuery",
    "SelectWithUnionQuery",
    "Subquery",
    "TableExpression",
    "TableJoin",
    "TablesInSelectQuery",
    "TablesInSelectQueryElement",
    "WindowDefinition",
    "WindowListElement",
    "WithElement",
];

/// Functions that are refused and have no argument, in lower case. As the name of a column each is harmless: no function of functions
/// can call it.
const WITHOUT_ARGUMENTS: [&str; 24] = [
    "authuser",
    "buildid",
    "connection_id",
    "connectionid",
    "currenthandler",
    "currentprofiles",
    "currentrequesturl",
    "currentroles",
    "defaultprofiles",
    "defaultroles",
    "displayname",
    "enabledprofiles",
    "enabledroles",
    "fqdn",
    "fullhostname",
    "getoskernelversion",
    "hostname",
    "serveruuid",
    "tcpport",
    "tid",
    "transactionid",
    "transactionlatestsnapshot",
    "uptime",
    "zookeepersessionuptime",
];

/// Why a statement is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    what: String,
    advice: &'static str,
}

impl Refusal {
    /// Of an `INSERT`.
    #[must_use]
    pub fn of_insert() -> Self {
        Self::new("INSERT is not allowed")
    }

    fn new(why: impl Into<String>) -> Self {
        Self { what: why.into(), advice: "" }
    }

    fn advising(self, advice: &'static str) -> Self {
        Self { advice, ..self }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in read-only mode", self.what)?;
        if self.advice.is_empty() { Ok(()) } else { write!(f, "; {}", self.advice) }
    }
}

impl std::error::Error for Refusal {}

type Judged = Result<(), Refusal>;

/// The nodes that are still to be judged.
type Work<'a> = Vec<(Node<'a>, Place)>;

/// A statement of a stranger.
#[derive(Debug)]
pub struct Statement<'a> {
    text: &'a str,
    tokens: Vec<Token>,
    /// The values of its parameters.
    parameters: Vec<&'a str>,
    /// The database of names that say none.
    database: &'a str,
}

impl<'a> Statement<'a> {
    /// A statement, with the values of its parameters.
    pub fn new(text: &'a str, parameters: impl IntoIterator<Item = &'a str>, database: &'a str) -> Self {
        let tokens = Lexer::new(text.as_bytes()).collect();
        Self { text, tokens, parameters: parameters.into_iter().collect(), database }
    }

    /// Whether it is an `INSERT`, of which ClickHouse cannot give a tree if its data follow.
    #[must_use]
    pub fn inserts(&self) -> bool {
        self.tokens.first().is_some_and(|first| self.is_word(first, "INSERT"))
    }

    /// Judges the statement by its tree: the lines that `EXPLAIN AST` of it gives.
    ///
    /// `functions` are the names of all functions that this ClickHouse has, in lower case.
    ///
    /// # Errors
    ///
    /// Why it is refused.
    pub fn judge(&self, lines: &[String], functions: &HashSet<String>) -> Result<(), Refusal> {
        self.check_text()?;
        let tree = Tree::read(lines);
        let tree =
            tree.ok_or_else(|| Refusal::new("A statement whose syntax tree cannot be read is not allowed"))?;
        let judge = Judge { statement: self, tree: &tree, functions, lambdas: tree.aliases_of_lambdas() };
        judge.root()
    }

    /// Refuses what begins with nothing that reads, more than one statement, and names that a tree could not be read with.
    fn check_text(&self) -> Judged {
        let first = self.tokens.iter().find(|token| token.kind != Kind::Symbol(b'('));
        if !first.is_some_and(|first| BEGINNINGS.iter().any(|word| self.is_word(first, word))) {
            let word = first
                .filter(|first| first.kind == Kind::Word)
                .map(|first| self.slice(first).to_ascii_uppercase());
            let what = word.map_or_else(
                || "This statement is not allowed".to_owned(),
                |word| format!("{word} is not allowed"),
            );
            return Err(Refusal::new(what).advising("use SELECT, SHOW, DESCRIBE, EXPLAIN or EXISTS"));
        }
        let mut behind = self.tokens.iter().skip_while(|token| token.kind != Kind::Symbol(b';'));
        if behind.any(|token| token.kind != Kind::Symbol(b';')) {
            return Err(Refusal::new("Only one statement at a time is allowed"));
        }
        self.check_nesting()?;
        let is_odd = |text: &str| text.contains(|letter: char| letter == '\\' || letter.is_control());
        if self.quoted_names().any(is_odd) {
            return Err(Refusal::new("A name with a backslash or a control character is not allowed"));
        }
        let has_names = self.tokens.iter().any(|token| self.is_word(token, "Identifier"));
        if has_names && self.parameters.iter().any(|value| is_odd(value)) {
            return Err(Refusal::new(
                "With a parameter of the type Identifier, no value with a backslash or a control character is allowed",
            ));
        }
        Ok(())
    }

    fn check_nesting(&self) -> Judged {
        let mut depth = 0_usize;
        for token in &self.tokens {
            match token.kind {
                Kind::Symbol(b'(' | b'[' | b'{') => depth += 1,
                Kind::Symbol(b')' | b']' | b'}') => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth > MAX_NESTING {
                return Err(Refusal::new(format!(
                    "More than {MAX_NESTING} brackets within each other are not allowed"
                )));
            }
        }
        Ok(())
    }

    fn slice(&self, token: &Token) -> &'a str {
        self.text.get(token.range.clone()).unwrap_or_default()
    }

    fn is_word(&self, token: &Token, word: &str) -> bool {
        token.kind == Kind::Word && self.slice(token).eq_ignore_ascii_case(word)
    }

    fn quoted_names(&self) -> impl Iterator<Item = &'a str> {
        self.tokens.iter().filter(|token| token.kind == Kind::QuotedName).map(|token| self.slice(token))
    }

    /// The name at a token, without its quotes.
    fn name(&self, token: &Token) -> Option<&'a str> {
        let slice = self.slice(token);
        match token.kind {
            Kind::Word => Some(slice),
            Kind::QuotedName => {
                let mut letters = slice.chars();
                letters.next();
                letters.next_back();
                Some(letters.as_str())
            }
            Kind::Text | Kind::Symbol(_) => None,
        }
    }

    fn places_of(&self, word: &'static str) -> impl Iterator<Item = usize> {
        let places = self.tokens.iter().enumerate().filter(move |(_, token)| self.is_word(token, word));
        places.map(|(place, _)| place)
    }

    fn symbol(&self, place: usize) -> Option<u8> {
        match self.tokens.get(place)?.kind {
            Kind::Symbol(symbol) => Some(symbol),
            _ => None,
        }
    }
}

/// Judges one statement.
struct Judge<'a> {
    statement: &'a Statement<'a>,
    tree: &'a Tree<'a>,
    functions: &'a HashSet<String>,
    /// The names that the statement gives to functions of its own.
    lambdas: HashSet<&'a str>,
}

/// Where a node is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// A table, which may be a table function.
    Table,
    /// What a table is looked for in: the right side of `IN`.
    Set,
    Elsewhere,
}

impl<'a> Judge<'a> {
    fn root(&self) -> Judged {
        let root = self.tree.root();
        // Not by recursion: a sum of 10,000 numbers is 10,000 levels deep.
        let mut work = Vec::new();
        match root.kind() {
            "SelectWithUnionQuery" => self.select(root, &mut work),
            "Explain" => self.explain(root, &mut work),
            "DescribeQuery" => self.nodes(root, &mut work),
            kind if SHOWS.contains(&kind) => self.show(root),
            _ => Err(Refusal::new("This kind of statement is not allowed")),
        }?;
        while let Some((node, place)) = work.pop() {
            self.node(node, place, &mut work)?;
        }
        self.check_settings()?;
        self.check_apply()?;
        let tables = self.tree.nodes().filter(|node| node.kind() == "TablesInSelectQueryElement").count();
        if tables > MAX_TABLES {
            return Err(Refusal::new(format!(
                "More than {MAX_TABLES} tables in one statement are not allowed"
            )));
        }
        Ok(())
    }

    /// A whole `SELECT`, behind which there may be a format. A text there is a file to write the result to.
    fn select(&self, root: Node<'a>, work: &mut Work<'a>) -> Judged {
        for child in self.tree.children(root) {
            match child.kind() {
                "ExpressionList" => work.push((child, Place::Elsewhere)),
                // The format, and settings, which are looked at for the whole statement.
                "Identifier" | "Set" => {}
                "Literal" => return Err(Refusal::new("INTO OUTFILE is not allowed")),
                kind => return Err(unknown(kind)),
            }
        }
        Ok(())
    }

    fn explain(&self, root: Node<'a>, work: &mut Work<'a>) -> Judged {
        let is_tree_only = root.line() == "Explain EXPLAIN AST";
        for child in self.tree.children(root) {
            match child.kind() {
                "Set" if self.is_option(child) => self.check_options()?,
                // Looked at for the whole statement.
                "Set" => {}
                "SelectWithUnionQuery" => self.select(child, work)?,
                "Identifier" => {}
                // Nothing of it is looked at but its text.
                _ if is_tree_only && self.tree.children(root).count() == 1 => {}
                _ => return Err(Refusal::new("EXPLAIN of anything but a SELECT is not allowed")),
            }
        }
        const KINDS: [&str; 6] = ["", " AST", " ESTIMATE", " PIPELINE", " PLAN", " QUERY TREE"];
        let what = root.line().strip_prefix("Explain EXPLAIN").unwrap_or("?");
        if KINDS.contains(&what) || what == " SYNTAX" {
            Ok(())
        } else {
            Err(Refusal::new("This kind of EXPLAIN is not allowed"))
        }
    }

    /// The tree of a `SHOW` does not have its `WHERE`.
    fn show(&self, root: Node<'a>) -> Judged {
        for child in self.tree.children(root) {
            if !matches!(child.kind(), "Identifier" | "Literal" | "TableIdentifier") {
                return Err(unknown(child.kind()));
            }
        }
        let hides = |token: &Token| {
            matches!(token.kind, Kind::Symbol(b'(')) || self.statement.is_word(token, "WHERE")
        };
        if self.statement.tokens.iter().any(hides) {
            return Err(Refusal::new("SHOW with WHERE or with brackets is not allowed")
                .advising("use a SELECT from a system table"));
        }
        Ok(())
    }

    fn nodes(&self, parent: Node<'a>, work: &mut Work<'a>) -> Judged {
        work.extend(self.tree.children(parent).map(|child| (child, Place::Elsewhere)));
        Ok(())
    }

    fn node(&self, node: Node<'a>, place: Place, work: &mut Work<'a>) -> Judged {
        match node.kind() {
            "Identifier" => self.identifier(node.name(), place),
            "TableIdentifier" => self.table(node.name()),
            "Function" => self.function(node, place, work),
            "TableExpression" => {
                work.extend(self.tree.children(node).map(|child| (child, Place::Table)));
                Ok(())
            }
            "SelectWithUnionQuery" => self.select(node, work),
            // Looked at for the whole statement.
            "Set" | "ColumnsApplyTransformer" => Ok(()),
            kind if PLAIN.contains(&kind) => self.nodes(node, work),
            kind => Err(unknown(kind)),
        }
    }

    fn function(&self, node: Node<'a>, place: Place, work: &mut Work<'a>) -> Judged {
        let name = node.name();
        let lower = name.to_ascii_lowercase();
        if place == Place::Table {
            if !TABLE_FUNCTIONS.contains(&lower.as_str()) {
                return Err(Refusal::new(format!(
                    "The table function `{name}` does not exist or is not allowed"
                )));
            }
            self.arguments(node, |_| Place::Elsewhere, work);
            return Ok(());
        }
        if !is_allowed(&lower) && !self.lambdas.contains(name) {
            return Err(Refusal::new(format!("The function `{name}` does not exist or is not allowed")));
        }
        let is_in = matches!(
            lower.as_str(),
            "in" | "notin"
                | "nullin"
                | "notnullin"
                | "globalin"
                | "globalnotin"
                | "globalnullin"
                | "globalnotnullin"
        );
        self.arguments(node, |at| if is_in && at == 1 { Place::Set } else { Place::Elsewhere }, work);
        Ok(())
    }

    fn arguments(&self, node: Node<'a>, place: impl Fn(usize) -> Place, work: &mut Work<'a>) {
        for child in self.tree.children(node) {
            if child.kind() == "ExpressionList" {
                let arguments = self.tree.children(child).enumerate();
                work.extend(arguments.map(|(at, argument)| (argument, place(at))));
            } else {
                work.push((child, Place::Elsewhere));
            }
        }
    }

    /// A name. It may be a column, or what a function of functions is given: `arrayMap(file, …)`, `WITH file AS f`.
    fn identifier(&self, name: &str, place: Place) -> Judged {
        let lower = name.to_ascii_lowercase();
        let is_harmless = is_allowed(&lower) || WITHOUT_ARGUMENTS.contains(&lower.as_str());
        if self.functions.contains(&lower) && !is_harmless {
            let refusal =
                Refusal::new(format!("The name `{name}`, which is also that of a function, is not allowed"));
            return Err(refusal.advising(
                "if it is a column, write its table before it, as in t.name; give an alias another name",
            ));
        }
        if place != Place::Elsewhere || is_of_system(name) { self.table(name) } else { Ok(()) }
    }

    fn table(&self, name: &str) -> Judged {
        let (database, table) = match name.split_once('.') {
            Some((database, table)) => (database, table),
            None => (self.statement.database, name),
        };
        // Behind the table there may be a column.
        let table = table.split('.').next().unwrap_or(table);
        let is_hidden = match database {
            "system" => !SYSTEM_TABLES.contains(&table),
            database => database.starts_with("_temporary"),
        };
        if is_hidden {
            return Err(Refusal::new(format!("The table `{name}` does not exist or is not allowed")));
        }
        Ok(())
    }

    /// The tree shows that there are settings, not which. In read-only mode there is one that says what is so anyhow.
    fn check_settings(&self) -> Judged {
        let refused = || {
            Refusal::new("A statement that sets settings is not allowed")
                .advising("give limits in the options of the query")
        };
        let sets = self.tree.nodes().filter(|node| node.kind() == "Set" && !self.is_option(*node)).count();
        if sets == 0 {
            return Ok(());
        }
        let clauses: Vec<_> = self.statement.places_of("SETTINGS").collect();
        let is_harmless = |place: &usize| {
            let token = |at: usize| self.statement.tokens.get(place + at);
            let word =
                |at: usize, word: &str| token(at).is_some_and(|token| self.statement.is_word(token, word));
            let is_end = match token(4).map(|token| token.kind) {
                None | Some(Kind::Word | Kind::Symbol(b')' | b';')) => true,
                Some(_) => false,
            };
            word(1, "readonly") && self.statement.symbol(place + 2) == Some(b'=') && word(3, "1") && is_end
        };
        if clauses.len() == sets && clauses.iter().all(is_harmless) { Ok(()) } else { Err(refused()) }
    }

    /// Whether it is what stands before the query of an `EXPLAIN`. Behind the query there may be settings.
    fn is_option(&self, set: Node<'a>) -> bool {
        let parent = self.tree.parent(set).filter(|parent| parent.kind() == "Explain");
        let first = parent.and_then(|parent| self.tree.children(parent).next());
        first.is_some_and(|first| first.is(set))
    }

    /// The options of an `EXPLAIN` at the beginning: `EXPLAIN PLAN header = 1, actions = 1 SELECT …`.
    fn check_options(&self) -> Judged {
        let tokens = &self.statement.tokens;
        let is_assignment = |at: usize| self.statement.symbol(at + 1) == Some(b'=');
        let mut at = (0..tokens.len()).find(|at| is_assignment(*at)).unwrap_or(tokens.len());
        // An assignment further behind is a part of the query.
        const KINDS: [&str; 8] =
            ["EXPLAIN", "AST", "SYNTAX", "QUERY", "TREE", "PLAN", "PIPELINE", "ESTIMATE"];
        let is_kind = |token: &Token| KINDS.iter().any(|word| self.statement.is_word(token, word));
        let mut options = 0;
        if !tokens.iter().take(at).all(is_kind) {
            return Err(Refusal::new("These options of EXPLAIN are not allowed"));
        }
        while is_assignment(at) {
            let name = tokens.get(at).map(|token| self.statement.slice(token)).unwrap_or_default();
            let has_value = tokens.get(at + 2).is_some_and(|token| token.kind == Kind::Word);
            if !EXPLAIN_OPTIONS.contains(&name) || !has_value {
                return Err(Refusal::new(format!("The option `{name}` of EXPLAIN is not allowed")));
            }
            options += 1;
            at += 3;
            if self.statement.symbol(at) != Some(b',') {
                break;
            }
            at += 1;
        }
        if options == 0 { Err(Refusal::new("These options of EXPLAIN are not allowed")) } else { Ok(()) }
    }

    /// The tree shows that there is an `APPLY`, not of what.
    fn check_apply(&self) -> Judged {
        let applied = self.tree.nodes().filter(|node| node.kind() == "ColumnsApplyTransformer").count();
        if applied == 0 {
            return Ok(());
        }
        let places: Vec<_> = self.statement.places_of("APPLY").collect();
        if places.len() != applied {
            return Err(Refusal::new("This use of the word APPLY is not allowed"));
        }
        places.into_iter().try_for_each(|place| self.applied(place))
    }

    /// One function, in brackets or not, or a lambda in brackets, in which every name that is called is an allowed function.
    fn applied(&self, place: usize) -> Judged {
        let statement = self.statement;
        let (first, mut depth) = match statement.symbol(place + 1) {
            Some(b'(') => (place + 2, 1_usize),
            _ => (place + 1, 0),
        };
        let name_at = |at: usize| statement.tokens.get(at).and_then(|token| statement.name(token));
        let allowed = |name: &str| {
            if is_allowed(&name.to_ascii_lowercase()) {
                Ok(())
            } else {
                Err(Refusal::new(format!("The function `{name}` does not exist or is not allowed")))
            }
        };
        let is_lambda = depth > 0
            && (statement.symbol(first) == Some(b'(')
                || (statement.symbol(first + 1) == Some(b'-') && statement.symbol(first + 2) == Some(b'>')));
        if !is_lambda {
            return name_at(first).map_or_else(|| Err(Refusal::new("This APPLY is not allowed")), allowed);
        }
        let mut at = first;
        while depth > 0 {
            match statement.tokens.get(at).map(|token| token.kind) {
                None => break,
                Some(Kind::Symbol(b'(')) => depth += 1,
                Some(Kind::Symbol(b')')) => depth -= 1,
                Some(Kind::Word | Kind::QuotedName) => {
                    let name = name_at(at).unwrap_or_default();
                    let lower = name.to_ascii_lowercase();
                    if statement.symbol(at + 1) == Some(b'(') {
                        allowed(name)?;
                    } else if (self.functions.contains(&lower) && !is_allowed(&lower))
                        || ["select", "from", "with", "settings"].contains(&lower.as_str())
                    {
                        return Err(Refusal::new(format!("`{name}` within an APPLY is not allowed")));
                    }
                }
                Some(Kind::Text | Kind::Symbol(_)) => {}
            }
            at += 1;
        }
        Ok(())
    }
}

/// Whether a statement says at its end in which form its result comes: `… FORMAT CSV`, also with settings behind it.
#[must_use]
pub fn chooses_format(text: &str) -> bool {
    let statement = Statement::new(text, [], "");
    let clause = statement.places_of("FORMAT").last();
    clause.is_some_and(|place| {
        let word = |at: usize| statement.tokens.get(at).filter(|token| token.kind == Kind::Word);
        let is_end = match statement.tokens.get(place + 2) {
            None => true,
            Some(token) => token.kind == Kind::Symbol(b';') || statement.is_word(token, "SETTINGS"),
        };
        place > 0 && word(place + 1).is_some() && is_end
    })
}

fn unknown(kind: &str) -> Refusal {
    Refusal::new(format!("A statement with a part of the kind `{kind}` is not allowed"))
}

fn is_of_system(name: &str) -> bool {
    name.split_once('.')
        .is_some_and(|(database, _)| database == "system" || database.starts_with("_temporary"))
}

/// Whether a function, in lower case, is on the list, with combinators or without.
fn is_allowed(name: &str) -> bool {
    FUNCTIONS.contains(name)
        || COMBINATORS.iter().any(|combinator| {
            name.strip_suffix(combinator).is_some_and(|rest| !rest.is_empty() && is_allowed(rest))
        })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn judged_in(database: &str, text: &str, tree: &str) -> Judged {
        let lines: Vec<_> = tree.lines().map(str::to_owned).collect();
        let functions = ["file", "sum", "hostname"].map(str::to_owned).into();
        Statement::new(text, [], database).judge(&lines, &functions)
    }

    fn judged(text: &str, tree: &str) -> Judged {
        judged_in("default", text, tree)
    }

    /// A `SELECT` of one expression, the lines of which are given without their place.
    fn select(text: &str, expression: &str) -> Judged {
        let lines: Vec<_> = expression.lines().map(|line| format!("    {line}")).collect();
        let head = "SelectWithUnionQuery (children 1)\n ExpressionList (children 1)\n  SelectQuery (children 1)\n   ExpressionList";
        judged(text, &format!("{head} (children 1)\n{}", lines.join("\n")))
    }

    #[test]
    fn the_first_word_and_the_number_of_statements_count() {
        const ONE: &str = "SelectWithUnionQuery (children 1)\n ExpressionList (children 1)\n  SelectQuery (children 1)\n   \
                           ExpressionList (children 1)\n    Literal UInt64_1\n";
        for text in ["SELECT 1", "/* x */ (select 1)", "FROM t SELECT 1", "SELECT 1;;", "SELECT ';'"] {
            judged(text, ONE).unwrap();
        }
        for text in [
            "",
            "INSERT INTO t SELECT 1",
            "SELECT 1; SELECT 2",
            "`SELECT` 1",
            "SELECT_ 1",
            "KILL QUERY WHERE 1",
        ] {
            judged(text, ONE).unwrap_err();
        }
        let nested = |depth: usize| format!("SELECT {}1{}", "(".repeat(depth), ")".repeat(depth));
        judged(&nested(1_000), ONE).unwrap();
        judged(&nested(1_001), ONE).unwrap_err();
    }

    #[test]
    fn a_format_is_the_last_clause() {
        for text in ["SELECT 1 FORMAT Null", "select 1 format CSV;", "SELECT 1 FORMAT JSON SETTINGS a = 1"] {
            assert!(chooses_format(text), "{text}");
        }
        for text in [
            "SELECT format FROM t",
            "SELECT 1 AS format",
            "SELECT 'FORMAT Null'",
            "FORMAT Null",
            "SELECT format(a, b)",
        ] {
            assert!(!chooses_format(text), "{text}");
        }
    }

    #[test]
    fn functions_are_on_the_list_or_refused() {
        for name in
            ["sum", "SUM", "sumIf", "quantilesTDigestStateIf", "uniqMergeStateOrNull", "_CAST", "lambda"]
        {
            select("SELECT f", &format!("Function {name} (children 1)\n ExpressionList")).unwrap();
        }
        for name in [
            "file",
            "FILE",
            "if",
            "fileIf",
            "State",
            "aiGenerate",
            "hostName",
            "my_function",
            "viewExplain",
            "",
        ] {
            let judged = select("SELECT f", &format!("Function {name} (children 1)\n ExpressionList"));
            assert_eq!(judged.is_ok(), name == "if", "{name}");
        }
        // The name of a function is as good as a call of it.
        select("SELECT x", "Identifier file").unwrap_err();
        select("SELECT x", "Identifier t.file").unwrap();
        // Nothing can call this one.
        select("SELECT x", "Identifier hostname").unwrap();
        select("SELECT x", "Function f (children 1)\n ExpressionList").unwrap_err();
        let lambda = "Function lambda (alias f) (children 1)\n ExpressionList";
        select("SELECT x", lambda).unwrap();
    }

    #[test]
    fn tables_of_the_system_are_on_the_list_or_refused() {
        let table = |database: &str, name: &str| {
            let text = "DESCRIBE t";
            judged_in(
                database,
                text,
                &format!("DescribeQuery (children 1)\n TableExpression (children 1)\n  {name}"),
            )
        };
        for (database, name) in [
            ("default", "TableIdentifier t"),
            ("default", "TableIdentifier processes"),
            ("default", "TableIdentifier system.one"),
            ("system", "TableIdentifier one"),
            ("system", "TableIdentifier shop.processes"),
            (
                "default",
                "Function numbers (children 1)\n   ExpressionList (children 1)\n    Literal UInt64_1",
            ),
        ] {
            table(database, name).unwrap();
        }
        for (database, name) in [
            ("default", "TableIdentifier system.processes"),
            ("system", "TableIdentifier processes"),
            ("default", "TableIdentifier _temporary_and_external_tables.x"),
            ("default", "Function url (children 1)\n   ExpressionList"),
            ("default", "Function sum (children 1)\n   ExpressionList"),
        ] {
            table(database, name).unwrap_err();
        }
        let in_set = |name: &str| {
            select(
                "SELECT 1 IN x",
                &format!(
                    "Function in (children 1)\n ExpressionList (children 2)\n  Literal UInt64_1\n  {name}"
                ),
            )
        };
        in_set("Identifier system.processes").unwrap_err();
        in_set("Identifier shop.names").unwrap();
    }

    #[test]
    fn settings_options_and_files_are_refused() {
        const SET: &str = "SelectWithUnionQuery (children 1)\n ExpressionList (children 1)\n  SelectQuery (children 2)\n   \
                           ExpressionList (children 1)\n    Literal UInt64_1\n   Set";
        judged("SELECT 1 SETTINGS readonly = 1", SET).unwrap();
        for text in [
            "SELECT 1 SETTINGS readonly = 0",
            "SELECT 1 SETTINGS readonly = 1, max_threads = 1",
            "SELECT 1 SETTINGS readonly = 1 SETTINGS readonly = 0",
            "SELECT 1 SETTINGS readonly = 1.0",
            "SELECT 1 SETTINGS readonly = 1 - 1",
            "SELECT 1 AS settings",
        ] {
            judged(text, SET).unwrap_err();
        }
        const EXPLAIN: &str =
            "Explain EXPLAIN (children 2)\n Set\n SelectWithUnionQuery (children 1)\n  ExpressionList";
        judged("EXPLAIN header = 1, actions = 1 SELECT 1", EXPLAIN).unwrap();
        judged("EXPLAIN readonly = 0 SELECT 1", EXPLAIN).unwrap_err();
        judged("EXPLAIN (SELECT header = 1) SETTINGS readonly = DEFAULT", EXPLAIN).unwrap_err();
        const BEHIND: &str =
            "Explain EXPLAIN (children 3)\n Set\n SelectWithUnionQuery (children 1)\n  ExpressionList\n Set";
        judged("EXPLAIN header = 1 (SELECT 1) SETTINGS readonly = DEFAULT", BEHIND).unwrap_err();
        judged("EXPLAIN header = 1 (SELECT 1) SETTINGS readonly = 1", BEHIND).unwrap();
        judged("EXPLAIN header = (1) SELECT 1", EXPLAIN).unwrap_err();
        judged(
            "SELECT 1 INTO OUTFILE 'x'",
            "SelectWithUnionQuery (children 2)\n ExpressionList\n Literal 'x'",
        )
        .unwrap_err();
        judged("SHOW TABLES LIKE 'a'", "ShowTables").unwrap();
        judged("SHOW TABLES WHERE file('x')", "ShowTables").unwrap_err();
        judged("SHOW PROCESSLIST", "ShowProcesslistQuery").unwrap_err();
    }

    #[test]
    fn what_is_applied_is_on_the_list() {
        const APPLY: &str =
            "Asterisk (children 1)\n ColumnsTransformerList (children 1)\n  ColumnsApplyTransformer";
        for text in [
            "SELECT * APPLY sum",
            "SELECT * APPLY(sum)",
            "SELECT * APPLY(quantile(0.5))",
            "SELECT * APPLY(x -> sum(x) + 1)",
        ] {
            select(text, APPLY).unwrap();
        }
        for text in [
            "SELECT * APPLY file",
            "SELECT * APPLY(`file`)",
            "SELECT * APPLY(x -> file(x))",
            "SELECT * APPLY((x) -> file(x))",
            "SELECT * APPLY(x -> arrayMap(file, [x]))",
            "SELECT * APPLY(x -> (SELECT 1))",
            "SELECT * APPLY(sum), apply",
            "SELECT *",
        ] {
            select(text, APPLY).unwrap_err();
        }
    }

    #[test]
    fn a_tree_cannot_be_forged() {
        let whole = "SelectWithUnionQuery (children 1)\n ExpressionList";
        judged("SELECT 1", whole).unwrap();
        for tree in [
            "",
            "SelectWithUnionQuery (children 2)\n ExpressionList",
            "SelectWithUnionQuery\n ExpressionList",
            "SelectWithUnionQuery (children 1)\n  ExpressionList",
            "SelectWithUnionQuery (children 1)\n ExpressionList\nSet",
            " SelectWithUnionQuery (children 1)\n  ExpressionList",
        ] {
            judged("SELECT 1", tree).unwrap_err();
        }
        for text in ["SELECT 1 AS `a\n Set`", r"SELECT `\x66ile`('x')", "SELECT \"a\u{7}\""] {
            judged(text, whole).unwrap_err();
        }
        let names = Statement::new("SELECT {f:Identifier}", ["a\n Set"], "default");
        names.judge(&["SelectWithUnionQuery".to_owned()], &HashSet::new()).unwrap_err();
    }

    #[test]
    fn a_sum_of_many_numbers_needs_no_deep_stack() {
        let mut tree = String::from("SelectWithUnionQuery (children 1)\n ExpressionList (children 1)\n");
        for level in 0..5_000_usize {
            let indent = " ".repeat(2 + level);
            tree.push_str(&format!(
                "{indent}{} (children 1)\n",
                if level % 2 == 0 { "Function plus" } else { "ExpressionList" }
            ));
        }
        tree.push_str(&format!("{}Literal UInt64_1\n", " ".repeat(5_002)));
        judged("SELECT 1", &tree).unwrap();
    }

    proptest! {
        /// Whatever the text and the tree are, there is a verdict.
        #[test]
        fn nothing_panics(text in "SELECT [a-z`\"'(){},;= \n\\\\]{0,40}|\\PC{0,40}", tree in "( {0,3}(Function|Set|Identifier|Explain|Literal)?[a-z() 0-9]{0,12}\n?){0,8}") {
            let _judged = judged(&text, &tree);
        }
    }
}
