//! ClickHouse's data types: the one place that reads and writes their text.
//!
//! [`DataType`] is parsed with [`str::parse`] and printed, in ClickHouse's own canonical words, with [`Display`](std::fmt::Display).

mod alias;
mod data_type;
mod lexer;
mod parse;
mod text;

pub use data_type::{DataType, EnumValue, TupleField};
pub use parse::MAX_DEPTH;

#[cfg(test)]
mod tests;
