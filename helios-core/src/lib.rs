#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod clock;
mod column;
mod error;
pub mod schema;
pub mod streams;

pub use column::Column;
pub use error::{Error, ErrorCode, ErrorKind, Result};
