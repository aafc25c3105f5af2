//! ClickHouse SQL as far as Helios must understand it: its tokens, and whether a statement only reads.

mod judge;
pub mod lexer;
mod tree;

pub use judge::{Refusal, Statement, chooses_format};
