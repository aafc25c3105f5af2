#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod clock;
mod column;
mod config;
pub mod delivery;
mod error;
pub mod streams;
pub mod warehouse;

pub use column::Column;
pub use config::{ConfigKey, HeliosConfig};
pub use error::{Error, ErrorCode, ErrorKind, Result};
