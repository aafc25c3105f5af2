//! Strings, and what travels as a string: JSON, Dynamic, Variant.

use std::sync::Arc;

use arrow_array::{ArrayRef, BinaryArray};
use arrow_buffer::{NullBuffer, OffsetBuffer};
use arrow_schema::{ArrowError, DataType as ArrowType};

use super::{
    fault::{Fault, RejectKind},
    json,
    scalar::{Reading, Scalar, kind_of},
};

/// What a text column takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taking {
    /// `String`, `Dynamic`: a text as it is; a number, boolean, list or object as its JSON text.
    Anything,
    /// `Variant` with a `String`: a text, nothing else.
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
}

impl Texts {
    pub(super) fn new(name: String, taking: Taking) -> Self {
        Self { name, taking, bytes: Vec::new(), offsets: vec![0] }
    }

    fn push(&mut self, text: &str) -> Result<(), Fault> {
        self.bytes.extend_from_slice(text.as_bytes());
        let end = i32::try_from(self.bytes.len()).map_err(|_| {
            Fault::new(RejectKind::OutOfRange, "a batch of more than 2 GiB of text in one column")
        })?;
        self.offsets.push(end);
        Ok(())
    }
}

impl Scalar for Texts {
    fn reading(&self) -> Reading {
        Reading::Raw
    }

    fn text(&mut self, text: &str) -> Result<(), Fault> {
        match self.taking {
            Taking::Anything | Taking::Text => self.push(text),
            Taking::Object => Err(Fault::mismatch("a text", &self.name)),
        }
    }

    fn json(&mut self, raw: &str) -> Result<(), Fault> {
        match self.taking {
            Taking::Anything => self.push(raw),
            Taking::Object if raw.starts_with('{') => {
                json::check(raw)?;
                self.push(raw)
            }
            Taking::Text | Taking::Object => Err(Fault::mismatch(kind_of(raw), &self.name)),
        }
    }

    fn is_empty_by_default(&self) -> bool {
        self.taking == Taking::Object
    }

    fn placeholder(&mut self) {
        if self.taking == Taking::Object {
            self.bytes.extend_from_slice(b"{}");
        }
        // Two bytes more cannot pass the limit that the last value was under by less than a batch.
        let end = i32::try_from(self.bytes.len()).unwrap_or(i32::MAX);
        self.offsets.push(end);
    }

    fn name(&self) -> String {
        self.name.clone()
    }

    fn truncate(&mut self, length: usize) {
        self.offsets.truncate(length + 1);
        let end = self.offsets.last().and_then(|end| usize::try_from(*end).ok()).unwrap_or_default();
        self.bytes.truncate(end);
    }

    fn arrow_type(&self) -> ArrowType {
        // Not Utf8: ClickHouse takes both alike, and this one is not checked a second time.
        ArrowType::Binary
    }

    fn finish(&mut self, nulls: Option<NullBuffer>) -> Result<ArrayRef, ArrowError> {
        let offsets = OffsetBuffer::new(std::mem::replace(&mut self.offsets, vec![0]).into());
        Ok(Arc::new(BinaryArray::try_new(offsets, std::mem::take(&mut self.bytes).into(), nulls)?))
    }
}
