//! Strings, and what travels as a string: JSON; Dynamic and Variant where there is no other way.

use std::{cmp::Ordering, sync::Arc};

use arrow_array::{ArrayRef, BinaryArray};
use arrow_buffer::NullBuffer;
use arrow_schema::{ArrowError, DataType as ArrowType};

use super::{
    fault::{Checked, Fault, RejectKind},
    json,
    node::take_offsets,
    scalar::{Scalar, take},
    typed::TypedPaths,
};
use crate::json::Cursor;

/// What a text column takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taking {
    /// `String`: a text as it is; a number, boolean, list or object as its JSON text.
    Anything,
    /// A `String` beside other types: a text, nothing else.
    Text,
    /// `JSON`: an object the column gives back as it was.
    Object,
}

/// Values of any length.
#[derive(Debug)]
pub(super) struct Texts {
    name: String,
    taking: Taking,
    bytes: Vec<u8>,
    offsets: Vec<i32>,
    objects: json::Check,
}

impl Texts {
    pub(super) fn new(name: String, taking: Taking) -> Self {
        Self { name, taking, bytes: Vec::new(), offsets: vec![0], objects: json::Check::default() }
    }

    /// Documents of a `JSON` with these typed paths.
    pub(super) fn documents(name: String, typed: TypedPaths) -> Self {
        Self { objects: json::Check::new(typed), ..Self::new(name, Taking::Object) }
    }

    #[inline]
    fn close(&mut self) -> Checked {
        let end = i32::try_from(self.bytes.len()).map_err(|_| {
            Fault::new(RejectKind::OutOfRange, "a batch of more than 2 GiB of text in one column")
        })?;
        self.offsets.push(end);
        Ok(())
    }

    fn get(&self, at: usize) -> Option<&[u8]> {
        let end = |at: usize| self.offsets.get(at).and_then(|end| usize::try_from(*end).ok());
        self.bytes.get(end(at)?..end(at + 1)?)
    }

    fn push(&mut self, text: &str) -> Checked {
        self.bytes.extend_from_slice(text.as_bytes());
        self.close()
    }
}

impl Scalar for Texts {
    fn read(&mut self, cursor: &mut Cursor<'_>) -> Checked {
        match (self.taking, cursor.peek()) {
            (Taking::Anything | Taking::Text, b'"') => {
                cursor.string()?.append_to(&mut self.bytes)?;
                self.close()
            }
            (Taking::Anything, _) => self.push(cursor.value()?),
            (Taking::Object, b'{') => {
                let object = self.objects.object(cursor)?;
                self.push(object)
            }
            (Taking::Text | Taking::Object, _) => Err(Fault::other(cursor, &self.name)),
        }
    }

    fn text(&mut self, text: &str) -> Checked {
        self.push(text)
    }

    fn compare(&self, left: usize, right: usize) -> Ordering {
        self.get(left).cmp(&self.get(right))
    }

    fn texts_only(&mut self) {
        if self.taking == Taking::Anything {
            self.taking = Taking::Text;
        }
    }

    fn placeholder(&mut self) {
        if self.taking == Taking::Object {
            self.bytes.extend_from_slice(b"{}");
        }
        // Two bytes more cannot pass the limit that the last value was under by less than a batch.
        let end = i32::try_from(self.bytes.len()).unwrap_or(i32::MAX);
        self.offsets.push(end);
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn truncate(&mut self, length: usize) {
        self.offsets.truncate(length + 1);
        let end = self.offsets.last().and_then(|end| usize::try_from(*end).ok()).unwrap_or_default();
        self.bytes.truncate(end);
        self.objects.forget_event();
    }

    fn end_event(&mut self) -> bool {
        self.objects.end_event()
    }

    fn arrow_type(&self) -> ArrowType {
        // Not Utf8: ClickHouse takes both alike, and this one is not checked a second time.
        ArrowType::Binary
    }

    fn finish(&mut self, nulls: Option<NullBuffer>) -> Result<ArrayRef, ArrowError> {
        let offsets = take_offsets(&mut self.offsets);
        self.objects.forget();
        Ok(Arc::new(BinaryArray::try_new(offsets, take(&mut self.bytes).into(), nulls)?))
    }
}
