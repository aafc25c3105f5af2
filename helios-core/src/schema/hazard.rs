//! Whether ClickHouse's `JSON` type would keep an object as it is.

use std::fmt;

/// Why the `JSON` type would refuse or alter a value. What it does was tried on ClickHouse 26.7.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Hazard {
    /// Refused.
    DuplicateKey,
    /// `{"a.b": 1}` becomes `{"a": {"b": 1}}`, and beside an `a` gives the same key twice.
    DottedKey,
    /// Refused beyond 64 bits.
    WideInteger,
    /// Rounded, or refused if infinite.
    LossyFloat,
    /// `-0` becomes 0.
    NegativeZero,
    /// Refused: JSON has no `NaN` and no `Infinity`.
    NotFinite,
    /// `[true, 1]` becomes `[1, 1]`, `[true, "a"]` becomes `["true", "a"]`.
    MixedBooleans,
    /// Integers beside floats become floats, rounded where they are large.
    MixedNumbers,
    /// `[[1], null]` becomes `[[1], []]`.
    NullBesideLists,
    /// Nested so deep that it was not looked at.
    TooDeep,
}

/// Levels of nesting within a `JSON`.
pub(super) const MAX_DEPTH: usize = 32;

impl fmt::Display for Hazard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DuplicateKey => "an object has the same key twice",
            Self::DottedKey => "a key contains a dot, which JSON would read as a path",
            Self::WideInteger => "an object holds an integer beyond 64 bits",
            Self::LossyFloat => "an object holds a number that a 64-bit float would alter",
            Self::NegativeZero => "an object holds the integer -0, which JSON would make 0",
            Self::NotFinite => "an object holds a NaN or an Infinity, which JSON has not",
            Self::MixedBooleans => {
                "an object holds an array of booleans and other values, which JSON would convert"
            }
            Self::MixedNumbers => {
                "an object holds an array of floats and integers that a 64-bit float would alter"
            }
            Self::NullBesideLists => {
                "an object holds an array of arrays and nulls, which JSON would make empty arrays"
            }
            Self::TooDeep => "the nesting is too deep",
        })
    }
}

/// What stands in one value, or in one list with the lists in it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Scalars {
    pub(super) boolean: bool,
    pub(super) not_boolean: bool,
    pub(super) float: bool,
    pub(super) inexact_integer: bool,
}

impl Scalars {
    pub(super) fn join(&mut self, other: Self) {
        self.boolean |= other.boolean;
        self.not_boolean |= other.not_boolean;
        self.float |= other.float;
        self.inexact_integer |= other.inexact_integer;
    }

    /// What is wrong with them together.
    pub(super) fn hazard(self) -> Option<Hazard> {
        if self.boolean && self.not_boolean {
            return Some(Hazard::MixedBooleans);
        }
        (self.float && self.inexact_integer).then_some(Hazard::MixedNumbers)
    }
}

/// The worse of two.
pub(super) fn worse(one: Option<Hazard>, other: Option<Hazard>) -> Option<Hazard> {
    one.into_iter().chain(other).min()
}
