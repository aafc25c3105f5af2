//! Sources: a stream feeding a table, kept by a mapping (DynamoDB) and a trigger (Lambda).

mod check;
mod create;
mod drift;
mod existing;
mod list;
mod mapping;
mod saga;
mod trigger;

pub(crate) use check::check_schema;
pub use check::{SampleReject, SchemaCheck};
pub use create::{CreateTable, TableCreated, create_table};
pub(crate) use drift::drift;
pub use drift::{ChangedColumn, NewField, SchemaDrift};
pub use list::{Source, sources};
pub(crate) use mapping::the_one;
pub use mapping::{DEFAULT_MAPPING_TABLE, Delivery, Mapping, MappingState, MappingTable};
pub use trigger::{DEFAULT_FUNCTION, Triggers};
