//! Names in SQL text. The only place that quotes.

use std::fmt::{self, Write as _};

use crate::{Error, Result};

/// The name of a database, table or column. `Display` quotes it, so that no name can leave its place in a statement.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ident(String);

impl Ident {
    /// Any text but the empty one, which ClickHouse has no way to write.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) if the name is empty.
    pub fn new(name: impl Into<String>) -> Result<Self> {
        let name = name.into();
        if name.is_empty() { Err(Error::invalid_input("a name is empty")) } else { Ok(Self(name)) }
    }

    /// The name itself, not quoted.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Ident {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_quoted(f, &self.0, '`')
    }
}

/// The database of a table for which none is named.
pub(crate) fn default_database() -> String {
    "default".to_owned()
}

/// A text in SQL, for where no parameter can be. `Display` quotes it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Literal<'a>(pub(crate) &'a str);

impl fmt::Display for Literal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_quoted(f, self.0, '\'')
    }
}

/// Writes a text in these quotes, so that ClickHouse reads the same text back.
pub(super) fn write_quoted(f: &mut fmt::Formatter<'_>, text: &str, quote: char) -> fmt::Result {
    f.write_char(quote)?;
    for character in text.chars() {
        match character {
            '\\' => f.write_str("\\\\")?,
            '\0' => f.write_str("\\0")?,
            '\x08' => f.write_str("\\b")?,
            '\x0c' => f.write_str("\\f")?,
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            '\t' => f.write_str("\\t")?,
            _ if character == quote => write!(f, "\\{quote}")?,
            _ => f.write_char(character)?,
        }
    }
    f.write_char(quote)
}

/// A table in its database. `Display` quotes both.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TableName {
    database: Ident,
    table: Ident,
}

impl TableName {
    /// A table in a database.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) if one of the names is empty, naming which.
    pub fn new(database: impl Into<String>, table: impl Into<String>) -> Result<Self> {
        let database =
            Ident::new(database).map_err(|_| Error::invalid_input("the database name is empty"))?;
        let table = Ident::new(table).map_err(|_| Error::invalid_input("the table name is empty"))?;
        Ok(Self { database, table })
    }

    /// The database.
    #[must_use]
    pub fn database(&self) -> &Ident {
        &self.database
    }

    /// The table.
    #[must_use]
    pub fn table(&self) -> &Ident {
        &self.table
    }

    /// `database.table`, not quoted: for people and logs, never for SQL.
    #[must_use]
    pub fn plain(&self) -> String {
        format!("{}.{}", self.database.0, self.table.0)
    }
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.database, self.table)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_and_escapes() {
        for (name, sql) in [
            ("events", "`events`"),
            ("a.b", "`a.b`"),
            ("select", "`select`"),
            ("a`b", "`a\\`b`"),
            ("a\\", "`a\\\\`"),
            ("\\`; DROP TABLE x --", "`\\\\\\`; DROP TABLE x --`"),
            ("two\nlines", "`two\\nlines`"),
            ("🦀 ü", "`🦀 ü`"),
        ] {
            assert_eq!(Ident::new(name).unwrap().to_string(), sql);
            let (quoted, literal) = (name.replace('`', "'"), sql.replace('`', "'"));
            assert_eq!(Literal(&quoted).to_string(), literal);
        }
    }

    #[test]
    fn an_empty_name_says_which() {
        assert_eq!(TableName::new("", "t").unwrap_err().message(), "the database name is empty");
        assert_eq!(TableName::new("d", "").unwrap_err().message(), "the table name is empty");
    }
}
