//! Kinesis: credentials and session, list, shard reader, sample, record.

mod compression;
mod credentials;
mod describe;
pub(crate) mod error;
mod identity;
mod kpl;
mod list;
mod position;
mod record;
mod session;

pub use credentials::Credentials;
pub use describe::{StreamDescription, describe};
pub use identity::{CallerIdentity, caller_identity};
pub use list::list;
pub use position::Position;
pub use record::{Defect, MAX_UNPACKED_BYTES, Unpacked, UnreadableRecord, UserRecord, unpack};
pub use session::{AwsSession, AwsSettings};
