//! ClickHouse in process.
