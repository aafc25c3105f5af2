//! The engine of a table.

use std::fmt;

use crate::{
    Column, Error, Result,
    warehouse::{
        Ident, Literal,
        types::{Kind, Token, tokens},
    },
};

/// The engines that recognise a repeated insert, and keep every row until a merge.
const ENGINES: [&str; 6] = [
    "MergeTree",
    "ReplacingMergeTree",
    "ReplicatedMergeTree",
    "ReplicatedReplacingMergeTree",
    "SharedMergeTree",
    "SharedReplacingMergeTree",
];

/// The engine of a table: `MergeTree`, `ReplacingMergeTree(version)`, `ReplicatedMergeTree('/path', '{replica}')`, ….
///
/// `Display` is what a statement says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableEngine {
    name: &'static str,
    /// The path in Keeper, and the name of the replica.
    replica: Option<(String, String)>,
    /// The version of a row, and whether it is deleted.
    columns: Vec<Ident>,
}

impl Default for TableEngine {
    fn default() -> Self {
        Self { name: "MergeTree", replica: None, columns: Vec::new() }
    }
}

impl TableEngine {
    /// Reads an engine as a person writes it. Columns are those of the schema.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) for another engine, and for arguments that it has not.
    pub fn parse(text: &str, schema: &[Column]) -> Result<Self> {
        Self::read(text, schema).map_err(|error| error.with("engine", text))
    }

    fn read(text: &str, schema: &[Column]) -> Result<Self> {
        let unknown =
            || Error::invalid_input(format!("a table of a source is one of {}", ENGINES.join(", ")));
        let tokens = tokens(text).map_err(|_| unknown())?;
        let Some((Kind::Word(word), rest)) = tokens.split_first().map(|(first, rest)| (&first.kind, rest))
        else {
            return Err(unknown());
        };
        let name = ENGINES.into_iter().find(|engine| engine == word).ok_or_else(unknown)?;
        let (mut texts, mut columns) = (Vec::new(), Vec::new());
        for argument in arguments(rest)? {
            match argument {
                Kind::Text(text) if columns.is_empty() => texts.push(text.clone()),
                Kind::Word(column) => columns.push((*column).to_owned()),
                Kind::Name(column) => columns.push(column.clone()),
                _ => return Err(misplaced()),
            }
        }
        let replica = match (<[String; 2]>::try_from(texts), name.starts_with("Replicated")) {
            (Ok([path, replica]), true) => Some((path, replica)),
            (Err(texts), _) if texts.is_empty() => None,
            _ => return Err(misplaced()),
        };
        if columns.len() > if name.contains("Replacing") { 2 } else { 0 } {
            return Err(misplaced());
        }
        if let Some(column) = columns.iter().find(|column| schema.iter().all(|known| known.name != **column))
        {
            let message = "the engine names a column that is not in the schema";
            return Err(Error::invalid_input(message).with("column", column));
        }
        let columns = columns.into_iter().map(Ident::new).collect::<Result<_>>()?;
        Ok(Self { name, replica, columns })
    }

    /// The engine's name, without its arguments.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The setting that says how many inserts back a repeated one is recognised.
    pub(super) fn window_setting(&self) -> &'static str {
        if self.name.starts_with("Replicated") || self.name.starts_with("Shared") {
            "replicated_deduplication_window"
        } else {
            "non_replicated_deduplication_window"
        }
    }

    /// The setting for how many seconds a repeated insert is recognised. `None` for an engine without a time limit.
    pub(super) fn window_seconds_setting(&self) -> Option<&'static str> {
        let is_replicated = self.name.starts_with("Replicated") || self.name.starts_with("Shared");
        is_replicated.then_some("replicated_deduplication_window_seconds")
    }
}

fn misplaced() -> Error {
    Error::invalid_input(
        "ReplacingMergeTree takes the columns of a row's version and of whether it is deleted; Replicated engines take \
         before them, as texts, the path in Keeper and the replica, or nothing; the others take nothing",
    )
}

/// What stands between the parentheses, if there are any.
fn arguments<'a>(tokens: &'a [Token<'a>]) -> Result<Vec<&'a Kind<'a>>> {
    let kinds: Vec<_> = tokens.iter().map(|token| &token.kind).collect();
    match kinds.as_slice() {
        [] | [Kind::Sign('('), Kind::Sign(')')] => Ok(Vec::new()),
        [Kind::Sign('('), inner @ .., Kind::Sign(')')] => inner
            .chunks(2)
            .enumerate()
            .map(|(at, chunk)| match chunk {
                [argument, Kind::Sign(',')] if at * 2 + 2 < inner.len() => Ok(*argument),
                [argument] => Ok(*argument),
                _ => Err(misplaced()),
            })
            .collect(),
        _ => Err(misplaced()),
    }
}

impl fmt::Display for TableEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)?;
        let replica = self.replica.iter().flat_map(|(path, replica)| [path, replica]);
        let texts = replica.map(|text| Literal(text).to_string());
        let arguments: Vec<_> = texts.chain(self.columns.iter().map(Ident::to_string)).collect();
        if arguments.is_empty() { Ok(()) } else { write!(f, "({})", arguments.join(", ")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<String> {
        let schema = [Column::new("at", "DateTime"), Column::new("is gone", "UInt8")];
        TableEngine::parse(text, &schema).map(|engine| engine.to_string())
    }

    #[test]
    fn engines_that_recognise_a_repeated_insert() {
        for (text, sql) in [
            ("MergeTree", "MergeTree"),
            ("MergeTree()", "MergeTree"),
            (" ReplacingMergeTree ( at ) ", "ReplacingMergeTree(`at`)"),
            ("ReplacingMergeTree(at, `is gone`)", "ReplacingMergeTree(`at`, `is gone`)"),
            ("ReplicatedMergeTree", "ReplicatedMergeTree"),
            (
                "ReplicatedMergeTree('/t/{uuid}', '{replica}')",
                "ReplicatedMergeTree('/t/{uuid}', '{replica}')",
            ),
            (
                "ReplicatedReplacingMergeTree('/it''s', 'r', at)",
                r"ReplicatedReplacingMergeTree('/it\'s', 'r', `at`)",
            ),
            ("SharedReplacingMergeTree(at)", "SharedReplacingMergeTree(`at`)"),
        ] {
            assert_eq!(parse(text).unwrap(), sql);
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "Memory",
            "mergetree",
            "SummingMergeTree",
            "MergeTree ORDER BY x",
            "MergeTree(at)",
            "MergeTree) --",
            "MergeTree('/p', 'r')",
            "ReplacingMergeTree(nope)",
            "ReplacingMergeTree(at, at, at)",
            "ReplacingMergeTree(at,)",
            "ReplacingMergeTree(at at)",
            "ReplacingMergeTree(sleep(3))",
            "ReplicatedMergeTree('/p')",
            "ReplicatedReplacingMergeTree(at, '/p', 'r')",
            "MergeTree'",
        ] {
            let error = parse(text).unwrap_err();
            assert_eq!(error.kind(), crate::ErrorKind::InvalidInput, "{text}");
            assert!(error.to_string().contains("engine: "), "{error}");
        }
    }
}
