//! Fields by name: the columns of a row, the elements of a tuple.

use std::collections::HashMap;

use arrow_array::ArrayRef;
use arrow_schema::{ArrowError, Fields};

use super::{
    fault::{Checked, Fault, RejectKind},
    node::Node,
    unknown::Unknown,
};
use crate::json::{Cursor, Opening, Text};

/// How many members after the expected one are looked at before the index is: optional fields are often left out.
const NEAR: usize = 4;

/// Named nodes that are filled together.
#[derive(Debug)]
pub(super) struct Members {
    members: Vec<Member>,
    index: HashMap<String, usize>,
    /// How many objects were read.
    objects: u64,
    /// What is done about fields beyond these.
    unknown: Unknown,
}

#[derive(Debug)]
struct Member {
    name: String,
    opening: Opening,
    node: Node,
    /// The object in which it was last seen, counted from 1.
    seen: u64,
}

impl Members {
    pub(super) fn new(members: Vec<(String, Node)>) -> Self {
        let members: Vec<_> = members
            .into_iter()
            .map(|(name, node)| Member {
                opening: Opening::of(&name),
                name,
                node: node.into_field(),
                seen: 0,
            })
            .collect();
        let index = members.iter().enumerate().map(|(at, member)| (member.name.clone(), at)).collect();
        Self { members, index, objects: 0, unknown: Unknown::default() }
    }

    pub(super) fn when_unknown(&mut self, unknown: Unknown) {
        self.unknown = unknown;
    }

    /// Whether an object has a field beyond these.
    pub(super) fn has_unknown(&self, cursor: &mut Cursor<'_>) -> Checked<bool> {
        let mut expected = 0;
        let mut more = cursor.enter(b'}')?;
        while more {
            let Some(at) = self.next(cursor, expected)? else { return Ok(true) };
            expected = at + 1;
            cursor.value()?;
            more = cursor.more(b'}')?;
        }
        Ok(false)
    }

    pub(super) fn node(&self, at: usize) -> Option<&Node> {
        self.members.get(at).map(|member| &member.node)
    }

    pub(super) fn nodes_mut(&mut self) -> impl Iterator<Item = &mut Node> {
        self.members.iter_mut().map(|member| &mut member.node)
    }

    pub(super) fn node_of(&mut self, name: &str) -> Option<&mut Node> {
        let at = *self.index.get(name)?;
        self.members.get_mut(at).map(|member| &mut member.node)
    }

    pub(super) fn nodes(&self) -> impl Iterator<Item = (&str, &Node)> {
        self.members.iter().map(|member| (member.name.as_str(), &member.node))
    }

    pub(super) fn name(&self, at: usize) -> Option<&str> {
        self.members.get(at).map(|member| member.name.as_str())
    }

    pub(super) fn fields(&self) -> Fields {
        self.members.iter().map(|member| member.node.field(&member.name)).collect()
    }

    pub(super) fn finish(&mut self) -> Result<Vec<ArrayRef>, ArrowError> {
        self.members.iter_mut().map(|member| member.node.finish()).collect()
    }

    pub(super) fn truncate(&mut self, length: usize) {
        for member in &mut self.members {
            member.node.truncate(length);
        }
    }

    pub(super) fn push_hidden(&mut self) {
        for member in &mut self.members {
            member.node.push_hidden();
        }
    }

    /// Fills all from a list, which must have as many elements.
    pub(super) fn fill_in_order(&mut self, cursor: &mut Cursor<'_>) -> Checked {
        let mut more = cursor.enter(b']')?;
        for (index, member) in self.members.iter_mut().enumerate() {
            if !more {
                return Err(wrong_length());
            }
            member.node.read(cursor).map_err(|fault| fault.in_element(index))?;
            more = cursor.more(b']')?;
        }
        if more { Err(wrong_length()) } else { Ok(()) }
    }

    /// Fills all from an object.
    pub(super) fn fill_by_name(&mut self, cursor: &mut Cursor<'_>) -> Checked {
        self.objects += 1;
        let mut filled = 0;
        // Events of one stream mostly keep the order of their fields.
        let mut expected = 0;
        let mut unknown = None;
        let mut more = cursor.enter(b'}')?;
        while more {
            let start = cursor.at();
            if let Some(at) = self.next(cursor, expected)? {
                if let Some(member) = self.members.get_mut(at) {
                    if member.seen == self.objects {
                        return Err(twice(&member.name));
                    }
                    member.seen = self.objects;
                    member.node.read(cursor).map_err(|fault| fault.in_field(&member.name))?;
                    filled += 1;
                }
                expected = at + 1;
            } else {
                let value = cursor.value()?;
                if self.unknown != Unknown::Pass && unknown.is_none() {
                    unknown = self.unknown_field(&cursor.back_to(start), value)?;
                }
            }
            more = cursor.more(b'}')?;
        }
        if filled < self.members.len() {
            self.fill_absent()?;
        }
        unknown.map_or(Ok(()), Err)
    }

    /// What is wrong with a field beyond these, if anything is.
    #[cold]
    fn unknown_field(&self, field: &Cursor<'_>, value: &str) -> Checked<Option<Box<Fault>>> {
        let name = field.clone().name()?.decoded()?;
        let fault = || {
            let message = match self.unknown {
                Unknown::RejectUnlessName => "a field that the table has no column for, and can have none",
                Unknown::Pass | Unknown::Reject => "a field that the table has no column for",
            };
            Fault::new(RejectKind::UnknownField, message).with_value(value).in_field(&name)
        };
        Ok(self.unknown.rejects(&name).then(fault))
    }

    /// Reads the name of the next field, up to its value, and says which member it names.
    #[inline]
    fn next(&self, cursor: &mut Cursor<'_>, expected: usize) -> Checked<Option<usize>> {
        if let Some(member) = self.members.get(expected)
            && member.opening.passes(cursor).is_some()
        {
            return Ok(Some(expected));
        }
        let name = cursor.name()?;
        self.find(name, expected)
    }

    fn find(&self, name: Text<'_>, expected: usize) -> Checked<Option<usize>> {
        let name = name.decoded()?;
        let near = self.members.iter().enumerate().skip(expected).take(NEAR);
        for (at, member) in near {
            if member.name == *name {
                return Ok(Some(at));
            }
        }
        Ok(self.index.get(&*name).copied())
    }

    fn fill_absent(&mut self) -> Checked {
        for member in &mut self.members {
            if member.seen != self.objects {
                member.node.push_absent().map_err(|fault| fault.in_field(&member.name))?;
            }
        }
        Ok(())
    }
}

#[cold]
fn twice(name: &str) -> Box<Fault> {
    Fault::new(RejectKind::DuplicateField, "the same field twice").in_field(name)
}

#[cold]
fn wrong_length() -> Box<Fault> {
    Fault::new(RejectKind::TypeMismatch, "a list whose length is not that of the tuple")
}
