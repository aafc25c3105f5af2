//! Why a text is no JSON, or none that is read.

use std::{fmt, num::NonZeroU64};

use super::MAX_DEPTH;

/// What is wrong, and at which byte.
///
/// One word, in which the sort of it is above the place: reading is all about results with this error, and a result of it
/// and nothing fits into a register.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed(NonZeroU64);

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sort {
    /// It ends in the middle.
    Early = 1,
    /// A control character stands within a string.
    Control,
    /// Something else was to come.
    Unexpected,
    /// An escape stands for no character: half a surrogate pair.
    Escape,
    /// Its lists and objects are nested deeper than [`MAX_DEPTH`].
    TooDeep,
}

/// Places are below 2^56: no text is longer.
const PLACE_BITS: u32 = 56;

impl Malformed {
    pub(crate) const ESCAPE: Self = Self::new(Sort::Escape, 0);
    pub(crate) const TOO_DEEP: Self = Self::new(Sort::TooDeep, 0);

    /// What is wrong at this place of a text.
    #[cold]
    pub(crate) fn at(text: &str, at: usize) -> Self {
        let sort = match text.as_bytes().get(at) {
            None => Sort::Early,
            Some(..0x20) => Sort::Control,
            Some(_) => Sort::Unexpected,
        };
        Self::new(sort, at as u64)
    }

    const fn new(sort: Sort, at: u64) -> Self {
        let word = (sort as u64) << PLACE_BITS | (at & ((1 << PLACE_BITS) - 1));
        // No sort is 0.
        Self(NonZeroU64::MIN.saturating_add(word - 1))
    }

    fn sort(self) -> Sort {
        match self.0.get() >> PLACE_BITS {
            1 => Sort::Early,
            2 => Sort::Control,
            3 => Sort::Unexpected,
            4 => Sort::Escape,
            _ => Sort::TooDeep,
        }
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.0.get() & ((1 << PLACE_BITS) - 1);
        match self.sort() {
            Sort::Early => f.write_str("invalid JSON: unexpected end of input"),
            Sort::Control => write!(f, "invalid JSON: control character at byte {at}"),
            Sort::Unexpected => write!(f, "invalid JSON: unexpected character at byte {at}"),
            Sort::Escape => f.write_str("invalid JSON: an escape sequence that is not a character"),
            Sort::TooDeep => write!(f, "nested deeper than {MAX_DEPTH} levels"),
        }
    }
}

impl fmt::Debug for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
