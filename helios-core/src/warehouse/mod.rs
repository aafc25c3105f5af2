//! ClickHouse.

pub mod types;
