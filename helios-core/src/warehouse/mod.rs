//! ClickHouse: connection, identifiers, catalog, query, table.

mod catalog;
mod connection;
mod error;
mod identifier;
mod query;
mod row_lines;
pub mod types;

pub use catalog::Databases;
pub use connection::{Warehouse, WarehouseSettings};
pub use identifier::{Ident, TableName};
pub use query::{QueryMetadata, QueryOptions, QueryResult, QueryStream};

pub(crate) use error::from_clickhouse;
