//! One value of an event, read as far as the choice of a type needs.

use std::borrow::Cow;

use super::{
    json,
    number::Number,
    object::{self, Hazard},
};

/// Levels of nesting that are looked into. A deeper value is kept as its text.
pub(super) const MAX_DEPTH: usize = 32;

/// The value holds what no text in UTF-8 can say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unreadable;

/// One value.
#[derive(Debug)]
pub(super) enum Value<'a> {
    Null,
    Bool,
    Number(Number),
    String(Cow<'a, str>),
    Array(Vec<Self>),
    /// An object, or an array too deep to look into; with what keeps it from being `JSON`.
    Object(Option<Hazard>),
}

impl<'a> Value<'a> {
    /// Reads a valid JSON value.
    pub(super) fn read(json: &'a str) -> Result<Self, Unreadable> {
        Self::read_at(json, 0)
    }

    fn read_at(json: &'a str, depth: usize) -> Result<Self, Unreadable> {
        Ok(match json.as_bytes().first() {
            Some(b'{') => Self::Object(object::hazard(json, depth)?),
            Some(b'[') if depth >= MAX_DEPTH => Self::Object(Some(Hazard::TooDeep)),
            Some(b'[') => {
                let elements = json::elements(json).ok_or(Unreadable)?;
                let read = elements.into_iter().map(|element| Self::read_at(element, depth + 1));
                Self::Array(read.collect::<Result<_, _>>()?)
            }
            Some(b'"') => Self::String(json::text(json).ok_or(Unreadable)?),
            Some(b't' | b'f') => Self::Bool,
            Some(b'n') => Self::Null,
            _ => Self::Number(Number::read(json)),
        })
    }

    pub(super) const fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }
}
