//! JSON, read from its bytes: what decoding and inference have in common.

mod cursor;
mod escape;
mod find;
mod malformed;
mod number;
mod opening;

pub(crate) use cursor::{Cursor, Text, kind_of};
pub(crate) use find::find;
pub(crate) use malformed::Malformed;
pub(crate) use number::Number;
pub(crate) use opening::Opening;

/// How deep an event's lists and objects may be nested.
pub const MAX_DEPTH: usize = 64;
