//! Fields by name: the columns of a row, the elements of a tuple.

use std::{collections::HashMap, fmt};

use arrow_array::ArrayRef;
use arrow_schema::{ArrowError, Fields};
use serde::de::{Deserialize as _, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::{
    fault::{Failure, Fault, RejectKind},
    node::{IntoNode, Node},
    raw,
};

/// Named nodes that are filled together.
#[derive(Debug)]
pub(super) struct Members {
    names: Vec<String>,
    nodes: Vec<Node>,
    index: HashMap<String, usize>,
    /// The object in which each was last seen, counted from 1.
    seen: Vec<u64>,
    objects: u64,
}

impl Members {
    pub(super) fn new(members: Vec<(String, Node)>) -> Self {
        let (names, nodes): (Vec<_>, Vec<_>) = members.into_iter().unzip();
        let index = names.iter().enumerate().map(|(at, name)| (name.clone(), at)).collect();
        let seen = vec![0; names.len()];
        Self { names, nodes, index, seen, objects: 0 }
    }

    pub(super) fn node(&self, at: usize) -> Option<&Node> {
        self.nodes.get(at)
    }

    pub(super) fn name(&self, at: usize) -> Option<&str> {
        self.names.get(at).map(String::as_str)
    }

    pub(super) fn fields(&self) -> Fields {
        self.names.iter().zip(&self.nodes).map(|(name, node)| node.field(name)).collect()
    }

    pub(super) fn finish(&mut self) -> Result<Vec<ArrayRef>, ArrowError> {
        self.nodes.iter_mut().map(Node::finish).collect()
    }

    pub(super) fn truncate(&mut self, length: usize) {
        for node in &mut self.nodes {
            node.truncate(length);
        }
    }

    pub(super) fn push_placeholders(&mut self) {
        for node in &mut self.nodes {
            node.push_hidden();
        }
    }

    /// Fills all from a list, which must have as many elements.
    pub(super) fn fill_in_order<'de, A: SeqAccess<'de>>(
        &mut self,
        elements: &mut A,
        failure: &mut Failure,
    ) -> Result<(), A::Error> {
        let wrong_length = |count: usize| {
            let message = format!("a list whose length is not that of the tuple, {count}");
            Fault::new(RejectKind::TypeMismatch, message)
        };
        for node in &mut self.nodes {
            if elements.next_element_seed(IntoNode { node, failure })?.is_none() {
                return Err(failure.stop(wrong_length(self.names.len())));
            }
        }
        match elements.next_element_seed(Skip)? {
            None => Ok(()),
            Some(_) => Err(failure.stop(wrong_length(self.names.len()))),
        }
    }

    /// Fills all from an object. Fields it has beyond these are passed over.
    pub(super) fn fill_by_name<'de, A: MapAccess<'de>>(
        &mut self,
        fields: &mut A,
        failure: &mut Failure,
    ) -> Result<(), A::Error> {
        self.objects += 1;
        let mut filled = 0;
        // Events of one stream mostly keep the order of their fields.
        let mut expected = 0;
        while let Some(found) = fields.next_key_seed(Find { members: self, expected })? {
            let Some(at) = found else {
                if let Err(fault) = fields.next_value_seed(Skip)? {
                    return Err(failure.stop(fault));
                }
                continue;
            };
            let (Some(node), Some(seen)) = (self.nodes.get_mut(at), self.seen.get_mut(at)) else { continue };
            if *seen == self.objects {
                failure.path.extend(self.names.get(at).cloned());
                return Err(failure.stop(Fault::new(RejectKind::DuplicateField, "the same field twice")));
            }
            *seen = self.objects;
            if let Err(error) = fields.next_value_seed(IntoNode { node, failure }) {
                failure.path.extend(self.names.get(at).cloned());
                return Err(error);
            }
            filled += 1;
            expected = at + 1;
        }
        if filled < self.nodes.len() {
            self.fill_absent(failure)?;
        }
        Ok(())
    }

    #[cold]
    fn fill_absent<E: serde::de::Error>(&mut self, failure: &mut Failure) -> Result<(), E> {
        for ((name, node), seen) in self.names.iter().zip(&mut self.nodes).zip(&self.seen) {
            if *seen == self.objects {
                continue;
            }
            if let Err(fault) = node.push_absent() {
                failure.path.push(name.clone());
                return Err(failure.stop(fault));
            }
        }
        Ok(())
    }
}

/// Finds the member a key names.
struct Find<'a> {
    members: &'a Members,
    expected: usize,
}

impl<'de> DeserializeSeed<'de> for Find<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Find<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a field")
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        if self.members.names.get(self.expected).is_some_and(|expected| expected == name) {
            return Ok(Some(self.expected));
        }
        Ok(self.members.index.get(name).copied())
    }
}

/// Passes over a value, checking that it is JSON.
pub(super) struct Skip;

impl<'de> DeserializeSeed<'de> for Skip {
    type Value = Result<(), Fault>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        let value = sonic_rs::LazyValue::deserialize(deserializer)?;
        Ok(raw::check_escapes(value.as_raw_str()))
    }
}
