//! Why a text is no JSON, or none that is read.

use std::fmt;

use super::MAX_DEPTH;

/// What is wrong, and at which byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Malformed {
    /// It ends in the middle.
    Early,
    /// A control character stands within a string.
    Control(usize),
    /// Something else was to come.
    Unexpected(usize),
    /// An escape stands for no character: half a surrogate pair.
    Escape,
    /// Its lists and objects are nested deeper than [`MAX_DEPTH`].
    TooDeep,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Early => f.write_str("not valid JSON: it ends too early"),
            Self::Control(at) => write!(f, "not valid JSON: a control character at byte {at}"),
            Self::Unexpected(at) => write!(f, "not valid JSON: not expected at byte {at}"),
            Self::Escape => f.write_str("not valid JSON: an escape that is no character"),
            Self::TooDeep => write!(f, "nested deeper than {MAX_DEPTH} levels"),
        }
    }
}
