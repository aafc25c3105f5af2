//! Fields by name: the columns of a row, the elements of a tuple, what columns are filled from within an object.

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
    /// The parts of each flattened `Nested`, by its name: which member each field of its objects fills.
    nested: HashMap<String, HashMap<String, usize>>,
    /// How many objects were read.
    objects: u64,
    /// What is done about fields beyond these.
    unknown: Unknown,
}

#[derive(Debug)]
struct Member {
    /// The field.
    name: String,
    /// What its values are called: the column, or the element of a tuple. That of a group is nothing.
    column: String,
    opening: Opening,
    node: Node,
    /// The object in which it was last seen, counted from 1.
    seen: u64,
}

impl Members {
    pub(super) fn new(members: Vec<(String, Node)>) -> Self {
        let mut made = Self::none();
        members.into_iter().for_each(|(name, node)| made.push(name.clone(), name, node));
        made
    }

    pub(super) fn none() -> Self {
        Self {
            members: Vec::new(),
            index: HashMap::new(),
            nested: HashMap::new(),
            objects: 0,
            unknown: Unknown::default(),
        }
    }

    /// Fills these columns, the parts of a flattened `Nested`, also from a field of the name of the whole. Not if another
    /// column is filled from that.
    pub(super) fn nest(&mut self, name: &str, parts: &[&str]) {
        if self.index.contains_key(name) {
            return;
        }
        let part = |part: &&str| Some(((*part).to_owned(), *self.index.get(&format!("{name}.{part}"))?));
        let parts: HashMap<_, _> = parts.iter().filter_map(part).collect();
        self.nested.insert(name.to_owned(), parts);
    }

    fn push(&mut self, name: String, column: String, node: Node) {
        self.index.insert(name.clone(), self.members.len());
        let opening = Opening::of(&name);
        self.members.push(Member { opening, name, column, node: node.into_field(), seen: 0 });
    }

    /// Adds a column that is filled from the field to which these keys lead; `None` if that field, one around it or one
    /// within it fills another.
    pub(super) fn add(&mut self, keys: &[String], column: &str, node: Node) -> Option<()> {
        let (key, within) = keys.split_first()?;
        let known = self.index.get(key).and_then(|at| self.members.get_mut(*at));
        match (known, within) {
            (Some(_), []) => return None,
            (Some(member), _) => return member.node.group_mut()?.add(within, column, node),
            (None, []) => self.push(key.clone(), column.to_owned(), node),
            (None, _) => {
                let mut group = Self::none();
                group.add(within, column, node)?;
                self.push(key.clone(), String::new(), Node::group(group));
            }
        }
        Some(())
    }

    pub(super) fn when_unknown(&mut self, unknown: Unknown) {
        self.unknown = unknown;
    }

    /// Rejects events for fields beyond these, and beyond those of the tuples within.
    pub(super) fn reject_unknown(&mut self) {
        self.unknown = Unknown::Reject;
        self.members.iter_mut().for_each(|member| member.node.reject_unknown());
    }

    /// Whether an object has a field beyond these.
    pub(super) fn has_unknown(&self, cursor: &mut Cursor<'_>) -> Checked<bool> {
        let mut expected = 0;
        let mut more = cursor.enter(b'}')?;
        while more {
            let start = cursor.at();
            match self.next(cursor, expected)? {
                Some(at) => expected = at + 1,
                None if self.nested.is_empty() => return Ok(true),
                None => {
                    let name = cursor.back_to(start).name()?.decoded()?;
                    if !self.nested.contains_key(&*name) {
                        return Ok(true);
                    }
                }
            }
            cursor.value()?;
            more = cursor.more(b'}')?;
        }
        Ok(false)
    }

    pub(super) fn nodes(&self) -> impl Iterator<Item = &Node> {
        self.members.iter().map(|member| &member.node)
    }

    pub(super) fn nodes_mut(&mut self) -> impl Iterator<Item = &mut Node> {
        self.members.iter_mut().map(|member| &mut member.node)
    }

    /// Ends an event. Whether it has documents that those of earlier events would change in one insert.
    pub(super) fn end_event(&mut self) -> bool {
        let mut is_changed = false;
        for node in self.nodes_mut() {
            // Each of them ends the event.
            is_changed |= node.end_event();
        }
        is_changed
    }

    /// Where the node of a column is: the member, and the member of that.
    pub(super) fn place_of(&self, column: &str) -> Option<Vec<usize>> {
        self.members.iter().enumerate().find_map(|(at, member)| match member.node.as_group() {
            Some(group) => Some([vec![at], group.place_of(column)?].concat()),
            None => (member.column == column).then(|| vec![at]),
        })
    }

    pub(super) fn node(&self, place: &[usize]) -> Option<&Node> {
        let (at, within) = place.split_first()?;
        let node = &self.members.get(*at)?.node;
        if within.is_empty() { Some(node) } else { node.as_group()?.node(within) }
    }

    pub(super) fn node_mut(&mut self, place: &[usize]) -> Option<&mut Node> {
        let (at, within) = place.split_first()?;
        let node = &mut self.members.get_mut(*at)?.node;
        if within.is_empty() { Some(node) } else { node.group_mut()?.node_mut(within) }
    }

    /// The columns, and their nodes.
    pub(super) fn columns(&self) -> Vec<(&str, &Node)> {
        let mut columns = Vec::with_capacity(self.members.len());
        for member in &self.members {
            match member.node.as_group() {
                Some(group) => columns.extend(group.columns()),
                None => columns.push((member.column.as_str(), &member.node)),
            }
        }
        columns
    }

    /// The column that the field to which some names lead, or a field around it, fills.
    pub(super) fn column_of<'a>(&self, mut names: impl Iterator<Item = &'a str>) -> Option<&str> {
        let member = self.members.get(*self.index.get(names.next()?)?)?;
        member.node.as_group().map_or(Some(&member.column), |group| group.column_of(names))
    }

    pub(super) fn fields(&self) -> Fields {
        self.columns().into_iter().map(|(column, node)| node.field(column)).collect()
    }

    pub(super) fn finish(&mut self) -> Result<Vec<ArrayRef>, ArrowError> {
        let mut arrays = Vec::with_capacity(self.members.len());
        for member in &mut self.members {
            member.node.finish_into(&mut arrays)?;
        }
        Ok(arrays)
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
        let elements = self.members.len();
        let mut more = cursor.enter(b']')?;
        for (index, member) in self.members.iter_mut().enumerate() {
            if !more {
                return Err(wrong_length(elements));
            }
            member.node.read(cursor).map_err(|fault| fault.in_element(index))?;
            more = cursor.more(b']')?;
        }
        if more { Err(wrong_length(elements)) } else { Ok(()) }
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
            } else if let Some(parts) = self.fill_nested(cursor, start)? {
                filled += parts;
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

    /// Fills the columns of a flattened `Nested` from a field of its name, and says how many; `None` if the field is of none.
    fn fill_nested(&mut self, cursor: &mut Cursor<'_>, start: usize) -> Checked<Option<usize>> {
        if self.nested.is_empty() {
            return Ok(None);
        }
        let name = cursor.back_to(start).name()?.decoded()?.into_owned();
        // Taken and put back, as the members are filled by it.
        let Some(parts) = self.nested.remove(&name) else { return Ok(None) };
        let filled = self.fill_parts(cursor, &parts).map_err(|fault| fault.in_field(&name));
        self.nested.insert(name, parts);
        filled.map(Some)
    }

    #[cold]
    fn fill_parts(&mut self, cursor: &mut Cursor<'_>, parts: &HashMap<String, usize>) -> Checked<usize> {
        let lists = match cursor.peek() {
            b'n' => {
                cursor.word("null")?;
                return Ok(0);
            }
            b'{' => self.parts_of(cursor, parts)?,
            b'[' => self.columns_of(cursor, parts)?,
            _ => {
                let fault = Fault::mismatch("a value", &"a list of objects or an object of lists");
                return Err(fault.with_value(cursor.value()?));
            }
        };
        for (part, at, list) in &lists {
            let Some(member) = self.members.get_mut(*at) else { continue };
            if member.seen == self.objects {
                return Err(twice(part));
            }
            member.seen = self.objects;
            member.node.read(&mut Cursor::new(list)).map_err(|fault| fault.in_field(part))?;
        }
        Ok(lists.len())
    }

    /// The lists of an object of lists, each with its part and the member that it fills.
    fn parts_of(
        &self,
        cursor: &mut Cursor<'_>,
        parts: &HashMap<String, usize>,
    ) -> Checked<Vec<(String, usize, String)>> {
        let mut lists: Vec<(String, usize, String)> = Vec::new();
        let mut more = cursor.enter(b'}')?;
        while more {
            let name = cursor.name()?.decoded()?.into_owned();
            let value = cursor.value()?;
            match parts.get(&name) {
                Some(_) if lists.iter().any(|(known, ..)| *known == name) => return Err(twice(&name)),
                Some(at) => lists.push((name, *at, value.to_owned())),
                None => self.pass_part(&name, value)?,
            }
            more = cursor.more(b'}')?;
        }
        Ok(lists)
    }

    /// The lists of a list of objects: of each part the values of all objects, null where it is absent.
    fn columns_of(
        &self,
        cursor: &mut Cursor<'_>,
        parts: &HashMap<String, usize>,
    ) -> Checked<Vec<(String, usize, String)>> {
        let mut lists: Vec<_> =
            parts.iter().map(|(name, at)| (name.clone(), *at, String::from("["))).collect();
        let mut more = cursor.enter(b']')?;
        let mut index = 0;
        while more {
            if cursor.peek() != b'{' {
                let fault = Fault::mismatch("a value", &"an object");
                return Err(fault.with_value(cursor.value()?).in_element(index));
            }
            let values = self.parts_of(cursor, parts).map_err(|fault| fault.in_element(index))?;
            for (name, _, list) in &mut lists {
                let value = values.iter().find(|(known, ..)| known == name);
                list.push_str(if index > 0 { "," } else { "" });
                list.push_str(value.map_or("null", |(_, _, value)| value));
            }
            index += 1;
            more = cursor.more(b']')?;
        }
        lists.iter_mut().for_each(|(_, _, list)| list.push(']'));
        Ok(lists)
    }

    /// What is done about a field of a `Nested` that matches no part of it.
    fn pass_part(&self, name: &str, value: &str) -> Checked {
        if self.unknown == Unknown::Reject {
            return Err(unknown().with_value(value).in_field(name));
        }
        Ok(())
    }

    /// What is wrong with a field beyond these, if anything is.
    #[cold]
    fn unknown_field(&self, field: &Cursor<'_>, value: &str) -> Checked<Option<Box<Fault>>> {
        let name = field.clone().name()?.decoded()?;
        let fault = || {
            let fault = match self.unknown {
                Unknown::RejectUnlessName => {
                    let message = "the table has no column for this field, and can have none of this name";
                    Fault::new(RejectKind::UnknownField, message).advising("send it under another name")
                }
                Unknown::Pass | Unknown::Reject => unknown(),
            };
            fault.with_value(value).in_field(&name)
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

    /// Puts something in the place of all that an object without any of these would have had.
    pub(super) fn push_absent(&mut self) -> Checked {
        self.objects += 1;
        self.fill_absent()
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
    Fault::new(RejectKind::DuplicateField, "the field occurs twice").in_field(name)
}

#[cold]
fn unknown() -> Box<Fault> {
    let fault = Fault::new(RejectKind::UnknownField, "the table has no column for this field");
    fault.advising("add one, or let the source ignore unknown fields")
}

#[cold]
fn wrong_length(elements: usize) -> Box<Fault> {
    Fault::new(RejectKind::TypeMismatch, format!("expected a list of {elements} elements"))
}
