//! ClickHouse: connection, identifiers, catalog, query, table, types.

mod catalog;
mod connection;
mod error;
mod identifier;
mod partition;
mod query;
mod row_lines;
mod server_url;
mod table;
pub mod types;

pub use catalog::Databases;
pub use connection::{Warehouse, WarehouseSettings};
pub use identifier::{Ident, TableName};
pub use query::{QueryMetadata, QueryOptions, QueryResult, QueryStream};
pub use server_url::ServerUrl;
pub use table::{DEDUPLICATION_WINDOW, TableDefinition, TableDescription};

pub(crate) use error::from_clickhouse;
