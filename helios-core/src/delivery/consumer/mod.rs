//! The in-process consumer: the delivery of a stream without a function.
//!
//! One task follows the stream's shards by their lineage, and one task for each shard reads it, gathers batches and hands
//! them to the [`Deliverer`](super::Deliverer). How far it has come is in the ledger, and nowhere else: a consumer that
//! is stopped, killed or started twice is for delivery what a function is that Lambda ends or invokes twice.

mod coordinator;
mod gather;
mod handle;
mod options;
mod progress;
mod report;
mod shard;
mod start;

pub use handle::{Consumer, StopConsumer};
pub use options::ConsumeOptions;
pub use progress::{ConsumeProgress, OnProgress, ShardProgress};
pub use report::{ConsumeEnd, ConsumeReport};

pub(crate) use coordinator::start_consumer;
