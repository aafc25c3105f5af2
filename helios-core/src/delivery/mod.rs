//! Records → table: every event becomes a row, or a reject in quarantine with its reason.

mod decode;

pub use decode::{Decoder, MAX_DEPTH, Reject, RejectKind};
