//! ClickHouse: connection, identifiers, catalog, query, table, types.

mod arrow;
mod cancel;
mod catalog;
mod column_function;
mod compression;
mod connection;
mod engine;
mod error;
mod identifier;
mod late_exception;
mod parameters;
mod partition;
mod progress;
mod query;
mod row_lines;
mod server_url;
mod table;
pub mod types;

pub use arrow::{ArrowStream, TYPE_KEY, check_c_names};
pub use cancel::QueryCancelled;
pub use catalog::Databases;
pub use compression::Compression;
#[cfg(feature = "embedded")]
pub use connection::DEFAULT_DATA_PATH;
pub use connection::{Warehouse, WarehouseSettings};
pub use engine::EngineInfo;
pub use identifier::{Ident, TableName};
pub use parameters::Parameters;
pub use progress::QueryProgress;
pub use query::{
    QueryId, QueryMetadata, QueryOptions, QueryResult, QueryStream, ResultFormat, RowStream, TimeForm,
    WideIntegers,
};
pub use server_url::ServerUrl;
pub(crate) use table::OnCluster;
pub use table::{DEDUPLICATION_WINDOW, TableDefinition, TableDescription, TableEngine, TableOptions};

pub(crate) use error::from_clickhouse;
#[cfg(test)]
pub(crate) use error::from_exception;
pub(crate) use identifier::{Literal, default_database};
pub(crate) use partition::Partition;
pub(crate) use table::{Alteration, described_column};
