//! Partition keys: a column, or one of ClickHouse's calendar functions of it.

use std::fmt;

use super::Ident;
use crate::{Column, Error, Result};

const FUNCTIONS: &[&str] = &[
    "toDate",
    "toMonday",
    "toStartOfDay",
    "toStartOfHour",
    "toStartOfMonth",
    "toStartOfWeek",
    "toYYYYMM",
    "toYYYYMMDD",
    "toYear",
];

/// `column` or `function(column)`. Not any expression: what is not one of these could be anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Partition {
    function: Option<&'static str>,
    column: Ident,
}

impl Partition {
    pub(crate) fn parse(text: &str, schema: &[Column]) -> Result<Self> {
        let text = text.trim();
        let (function, column) = match text.strip_suffix(')').and_then(|rest| rest.split_once('(')) {
            Some((name, column)) if FUNCTIONS.contains(&name) => {
                (FUNCTIONS.iter().find(|function| **function == name).copied(), column.trim())
            }
            _ => (None, text),
        };
        let column = column.strip_prefix('`').and_then(|rest| rest.strip_suffix('`')).unwrap_or(column);
        if !schema.iter().any(|known| known.name == column) {
            let message = format!(
                "the partition key is neither a column of the schema nor one of {} of one",
                FUNCTIONS.join(", ")
            );
            return Err(Error::invalid_input(message).with("partition key", text));
        }
        Ok(Self { function, column: Ident::new(column)? })
    }

    pub(crate) fn function(&self) -> Option<&'static str> {
        self.function
    }

    pub(crate) fn column(&self) -> &Ident {
        &self.column
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.function {
            Some(function) => write!(f, "{function}({})", self.column),
            None => write!(f, "{}", self.column),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_and_calendar_functions_only() {
        let schema = [Column::new("at", "DateTime"), Column::new("a b", "UInt8")];
        for (text, sql) in [
            ("at", "`at`"),
            ("toYYYYMM(at)", "toYYYYMM(`at`)"),
            ("`a b`", "`a b`"),
            (" toDate( at ) ", "toDate(`at`)"),
        ] {
            assert_eq!(Partition::parse(text, &schema).unwrap().to_string(), sql);
        }
        for text in ["", "x", "sleep(at)", "toYYYYMM(at), rand()", "toYYYYMM(at) -- ", "toDate(toDate(at))"] {
            assert!(Partition::parse(text, &schema).is_err(), "{text}");
        }
    }
}
