//! Queries, answered as Arrow: record batches of real types.
//!
//! ClickHouse's own Arrow carries some types in others (`DateTime` as a number, `Enum` as its number, `UUID` as bytes).
//! So the types of a result are asked for first, and each column becomes what its type says.

mod body;
mod c_interface;
mod convert;
mod integer;
mod result_types;
mod scalar;
mod stream;
mod transport;

pub(super) use body::ArrowBody;
pub use c_interface::check_c_names;
pub(super) use result_types::{ResultTypes, always_answers, selects, untold};
pub use stream::{ArrowStream, TYPE_KEY};
