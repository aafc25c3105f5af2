//! A column, or one of some functions of it: what keys and deadlines of a table are written as.

use std::fmt;

use super::Ident;
use crate::{Column, Result};

/// `column` or `function(column)`. Not any expression: what is not one of these could be anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ColumnFunction {
    pub(super) function: Option<&'static str>,
    pub(super) column: Ident,
}

impl ColumnFunction {
    /// `None` for anything but a column of the schema, or one of the functions of one.
    pub(super) fn parse(text: &str, functions: &[&'static str], schema: &[Column]) -> Result<Option<Self>> {
        let text = text.trim();
        let (function, column) = match text.strip_suffix(')').and_then(|rest| rest.split_once('(')) {
            Some((name, column)) if functions.contains(&name) => {
                (functions.iter().find(|function| **function == name).copied(), column.trim())
            }
            _ => (None, text),
        };
        let column = column.strip_prefix('`').and_then(|rest| rest.strip_suffix('`')).unwrap_or(column);
        if !schema.iter().any(|known| known.name == column) {
            return Ok(None);
        }
        Ok(Some(Self { function, column: Ident::new(column)? }))
    }
}

impl fmt::Display for ColumnFunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.function {
            Some(function) => write!(f, "{function}({})", self.column),
            None => write!(f, "{}", self.column),
        }
    }
}
