//! Partition keys: a column, or one of ClickHouse's calendar functions of it.

use std::fmt;

use super::{Ident, column_function::ColumnFunction};
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

/// A column, or a calendar function of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Partition(ColumnFunction);

impl Partition {
    pub(crate) fn parse(text: &str, schema: &[Column]) -> Result<Self> {
        ColumnFunction::parse(text, FUNCTIONS, schema)?.map(Self).ok_or_else(|| {
            let message = format!(
                "the partition key is neither a column of the schema nor one of {} of one",
                FUNCTIONS.join(", ")
            );
            Error::invalid_input(message).with("partition key", text.trim())
        })
    }

    pub(crate) fn function(&self) -> Option<&'static str> {
        self.0.function
    }

    pub(crate) fn column(&self) -> &Ident {
        &self.0.column
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
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
