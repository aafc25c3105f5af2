//! Tables: made, described, compared.

mod alteration;
mod column;
mod definition;
mod description;
mod engine;
mod options;
mod ttl;

pub use definition::TableDefinition;
pub use description::TableDescription;
pub use engine::TableEngine;
pub(crate) use options::OnCluster;
pub use options::{DEDUPLICATION_WINDOW, TableOptions};

pub(crate) use alteration::Alteration;
pub(crate) use column::described_column;
