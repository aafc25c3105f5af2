//! Records → table: every event becomes a row, or a reject in quarantine with its reason, once.
//!
//! [`Deliverer::deliver`] takes one [`Batch`], records of one shard in order, to one [`Target`]. For every batch
//! delivered + quarantined + duplicates skipped = received. What is about to be inserted is written into the [`ledger`]
//! first, with the token by which ClickHouse knows it: whatever happens in between, and however the batch is cut the next
//! time, the same events are inserted with the same token.

mod batch;
mod batch_column;
mod batch_report;
mod cast;
mod consumer;
mod decode;
mod deletion;
mod deliverer;
mod history;
mod insert;
pub mod ledger;
mod literals;
#[cfg(test)]
mod model;
mod new_columns;
pub(crate) mod ownership;
mod partitions;
mod place;
mod place_sql;
mod plan;
mod policy;
mod provenance;
pub mod quarantine;
mod refusal;
mod report;
mod schema;
mod settings;
mod settle;
mod sink;
mod split;
mod sweep;
mod target;
mod targets;
mod token;
mod trial;
mod tried;
mod view;
mod window;
mod worker;

pub use batch::{Batch, Record};
pub use batch_column::BatchNumber;
pub use batch_report::{BatchReport, Undelivered};
pub use consumer::{
    ConsumeEnd, ConsumeOptions, ConsumeProgress, ConsumeReport, Consumer, OnProgress, ShardProgress,
    StopConsumer,
};
pub use decode::{
    Decoder, MAX_COLUMN_NAME_BYTES, MAX_COLUMNS, MAX_DEPTH, MAX_PATH_BYTES, MAX_VALUE_BYTES, Reject,
    RejectKind,
};
pub use deliverer::Deliverer;
pub(crate) use new_columns::{NewColumn, new_columns_within};
pub use place::Identity;
pub use policy::{MissingFields, Policy, UnknownFields};
pub use report::{
    DeliveryReport, DeliveryTrouble, DeliveryTroubleKind, GapReport, QuarantineCounts, ReportOptions,
    RowCount, ShardReport, ShardState,
};
pub use schema::TableSchema;
pub use settle::{Outcome, RangeSettled, SettleRange};
pub use target::Target;
pub use targets::Targets;
pub use view::View;
pub use window::Window;

pub(crate) use batch_column::{BATCH_COLUMN, BATCH_TYPE, batch_column_definition};
pub(crate) use consumer::start_consumer;
pub(crate) use decode::{is_default_filled, nested_parts};
pub(crate) use provenance::{Provenance, provenance_columns};
pub(crate) use report::{delivery_report, is_made_anew};
pub(crate) use settings::{Unheeded, unheeded_settings};
#[cfg(test)]
pub(crate) use split::part_for_tests;
pub(crate) use target::add_batch_column;
