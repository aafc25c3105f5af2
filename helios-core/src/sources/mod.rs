//! Sources: a stream feeding a table, kept by a mapping (DynamoDB) and a trigger (Lambda).

mod create;
mod existing;
mod list;
mod mapping;
mod saga;
mod trigger;

pub use create::{CreateTable, TableCreated, create_table};
pub use list::{Source, sources};
pub(crate) use mapping::the_one;
pub use mapping::{DEFAULT_MAPPING_TABLE, Delivery, Mapping, MappingState, MappingTable};
pub use trigger::{DEFAULT_FUNCTION, Triggers};
