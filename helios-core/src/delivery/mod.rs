//! Records → table: every event becomes a row, or a reject in quarantine with its reason.
//!
//! [`Deliverer::deliver`] takes one [`Batch`], records of one shard in order, to one [`Target`]. For every batch
//! delivered + quarantined = received. The same batch may be delivered again after a failure: its rows and its rejects
//! carry a token by which ClickHouse knows them.

mod batch;
mod decode;
mod deliverer;
mod events;
mod insert;
pub mod quarantine;
mod settings;
mod target;
mod token;

pub use batch::{Batch, Record};
pub use decode::{Decoder, MAX_DEPTH, MAX_PATH_BYTES, MAX_VALUE_BYTES, Missing, Reject, RejectKind};
pub use deliverer::{Deliverer, DeliveryReport};
pub use target::Target;
