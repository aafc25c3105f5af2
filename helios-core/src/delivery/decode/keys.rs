//! The keys of a map: no two alike.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Visitor};

use super::{
    fault::{Fault, RejectKind},
    scalar::Scalar,
};

/// The keys of the map being read. ClickHouse would keep both of two equal ones.
#[derive(Debug, Default)]
pub(super) struct Keys {
    text: String,
    ends: Vec<usize>,
}

impl Keys {
    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.ends.clear();
    }

    fn add(&mut self, key: &str) {
        self.text.push_str(key);
        self.ends.push(self.text.len());
    }

    /// That no key was there twice.
    pub(super) fn check(&self) -> Result<(), Fault> {
        if self.ends.len() < 2 {
            return Ok(());
        }
        let mut start = 0;
        let mut keys: Vec<&str> = self
            .ends
            .iter()
            .map(|end| self.text.get(std::mem::replace(&mut start, *end)..*end).unwrap_or_default())
            .collect();
        keys.sort_unstable();
        if keys.windows(2).any(|pair| matches!(pair, [first, second] if first == second)) {
            return Err(Fault::new(RejectKind::DuplicateField, "the same key twice in a map"));
        }
        Ok(())
    }
}

/// Reads one key.
pub(super) struct IntoKey<'a> {
    pub(super) key: &'a mut dyn Scalar,
    pub(super) keys: &'a mut Keys,
}

impl<'de> DeserializeSeed<'de> for IntoKey<'_> {
    type Value = Result<(), Fault>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for IntoKey<'_> {
    type Value = Result<(), Fault>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        self.keys.add(text);
        Ok(self.key.text(text))
    }
}
