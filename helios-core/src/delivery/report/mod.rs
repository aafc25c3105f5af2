//! The delivery report: what became of a source's events, and whether any are missing.
//!
//! The ledger says what was delivered; a look at the first record after it, in each shard, says what is still to come. The
//! two together are the number that proves that nothing was lost.

mod count;
mod look;
mod make;
mod options;
mod quarantine;
mod shape;
mod shard;

pub use options::ReportOptions;
pub use shape::{
    DeliveryReport, DeliveryTrouble, DeliveryTroubleKind, GapReport, QuarantineCounts, RowCount, ShardReport,
    ShardState,
};

pub(crate) use make::{delivery_report, is_made_anew};
