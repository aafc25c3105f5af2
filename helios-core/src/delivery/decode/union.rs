//! One of several types: `Variant`, `Dynamic`.

use std::sync::Arc;

use arrow_array::{ArrayRef, UnionArray};
use arrow_schema::{ArrowError, DataType as ArrowType, UnionFields, UnionMode};

use super::{
    fault::{Checked, Fault, RejectKind},
    node::Node,
    scalar::take,
};
use crate::json::Cursor;

/// Values of which each is of one of some types: Arrow's dense union. A value is of the first type that takes it, but a
/// text is of the type for texts, where there is one.
#[derive(Debug)]
pub(super) struct Union {
    /// In the order in which they are tried.
    members: Vec<Node>,
    /// The member for texts, and for what stands behind a value that is not there.
    text: Option<usize>,
    /// Whose each value is.
    types: Vec<i8>,
    /// How many values its member had before each.
    offsets: Vec<i32>,
}

impl Union {
    /// A union of these; `None` if there are none, or more than Arrow counts.
    pub(super) fn new(members: Vec<Node>, text: Option<usize>) -> Option<Self> {
        i8::try_from(members.len()).ok().filter(|count| *count > 0)?;
        Some(Self { members, text, types: Vec::new(), offsets: Vec::new() })
    }

    pub(super) fn fill(&mut self, cursor: &mut Cursor<'_>, name: &str) -> Checked {
        let is_text = cursor.peek() == b'"';
        let only = self.text.filter(|_| is_text);
        let candidates = only.map_or(0..self.members.len(), |text| text..text + 1);
        let mut nearest: Option<Box<Fault>> = None;
        for at in candidates {
            let Some(member) = self.members.get_mut(at) else { continue };
            let length = member.len();
            let mut reading = cursor.clone();
            match member.read(&mut reading) {
                Ok(()) => {
                    *cursor = reading;
                    return self.close(at, length);
                }
                Err(fault) => {
                    member.truncate(length);
                    if fault.is_of_grammar() {
                        return Err(fault);
                    }
                    // That a type is of another kind says less than that it is too small.
                    if fault.kind != RejectKind::TypeMismatch {
                        nearest.get_or_insert(fault);
                    }
                }
            }
        }
        Err(nearest.unwrap_or_else(|| Fault::other(cursor, name)))
    }

    fn close(&mut self, at: usize, before: usize) -> Checked {
        let offset = i32::try_from(before)
            .map_err(|_| Fault::new(RejectKind::OutOfRange, "more than 2^31 values in one column"))?;
        self.types.push(i8::try_from(at).unwrap_or(i8::MAX));
        self.offsets.push(offset);
        Ok(())
    }

    pub(super) fn push_hidden(&mut self) {
        let at = self.text.unwrap_or(0);
        let Some(member) = self.members.get_mut(at) else { return };
        let before = member.len();
        member.push_hidden();
        // What is beyond 2^31 was refused before, value by value.
        self.types.push(i8::try_from(at).unwrap_or(i8::MAX));
        self.offsets.push(i32::try_from(before).unwrap_or(i32::MAX));
    }

    pub(super) fn truncate(&mut self, length: usize) {
        while self.types.len() > length
            && let (Some(member), Some(before)) = (self.types.pop(), self.offsets.pop())
        {
            let at = usize::try_from(member).unwrap_or_default();
            if let Some(member) = self.members.get_mut(at) {
                member.truncate(usize::try_from(before).unwrap_or_default());
            }
        }
    }

    fn fields(&self) -> Result<UnionFields, ArrowError> {
        let numbered = self.members.iter().zip(0_i8..);
        let (numbers, fields): (Vec<_>, Vec<_>) =
            numbered.map(|(member, number)| (number, member.field(member.name()))).unzip();
        UnionFields::try_new(numbers, fields)
    }

    pub(super) fn arrow_type(&self) -> ArrowType {
        // They are numbered from 0: there is nothing to refuse.
        ArrowType::Union(self.fields().unwrap_or_else(|_| UnionFields::empty()), UnionMode::Dense)
    }

    pub(super) fn finish(&mut self) -> Result<ArrayRef, ArrowError> {
        let fields = self.fields()?;
        let children = self.members.iter_mut().map(Node::finish).collect::<Result<Vec<_>, _>>()?;
        let (types, offsets) = (take(&mut self.types), take(&mut self.offsets));
        Ok(Arc::new(UnionArray::try_new(fields, types.into(), Some(offsets.into()), children)?))
    }
}
