//! Sources: a stream feeding a table, kept by a mapping (DynamoDB) and a trigger (Lambda).
//!
//! Whoever makes or changes the source of a table has a claim on it meanwhile. What was interrupted is finished or
//! undone by whoever comes next, or by [`Sources::repair`].

mod align;
mod batching;
mod check;
mod checked;
mod claim;
mod create;
mod doctor;
mod drift;
mod existing;
mod list;
mod mapping;
mod mapping_table;
mod patience;
mod pause;
mod permissions;
mod plan;
mod remove;
mod repair;
mod saga;
mod select;
mod source;
mod spec;
mod trigger;

pub use batching::Batching;
pub use check::{SampleReject, SchemaCheck};
pub(crate) use check::{Sampled, check_schema};
pub use checked::{Check, CheckStatus};
pub use create::TableCreated;
pub use doctor::Diagnosis;
pub(crate) use drift::drift;
pub use drift::{ChangedColumn, NewField, SchemaDrift};
pub use mapping::{Delivery, Made, Mapping, MappingState};
pub use mapping_table::{DEFAULT_MAPPING_TABLE, MappingTable};
pub use plan::{CreatePlan, PlanAction, PlanStep};
pub use remove::{RemoveSource, SourceRemoved, TableFate};
pub use repair::{Repair, RepairStep};
pub use select::NamedSource;
pub(crate) use select::the_one;
pub use source::{DeliverySummary, Source, SourceState};
pub use spec::{CreateTable, ExistingTable};
pub use trigger::{DEFAULT_FUNCTION, Trigger, Triggers};

use crate::{clock::SharedClock, delivery::ledger::DynamoLedger, streams::AwsSession, warehouse::Warehouse};

/// The sources of one account, region and ClickHouse: what is done to them, and what it is done with.
#[derive(Clone, Debug)]
pub struct Sources {
    pub(crate) warehouse: Warehouse,
    pub(crate) session: AwsSession,
    pub(crate) mappings: MappingTable,
    pub(crate) ledger: DynamoLedger,
    pub(crate) triggers: Triggers,
    pub(crate) clock: SharedClock,
}
