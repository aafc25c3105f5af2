//! ClickHouse's data types: the one place that reads and writes their text.
//!
//! [`DataType`] is parsed with [`str::parse`] and printed, in ClickHouse's own canonical words, with [`Display`](std::fmt::Display).

mod alias;
mod data_type;
mod lexer;
mod literal;
mod parse;
mod text;

pub use data_type::{DataType, EnumValue, TupleField};
pub use parse::MAX_DEPTH;
pub(crate) use parse::typed_paths;

pub(super) use lexer::{Kind, Token, tokens};
pub(crate) use literal::is_literal;

#[cfg(test)]
mod tests;
