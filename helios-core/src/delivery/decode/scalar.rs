//! What every kind of single value has in common.

use std::{cmp::Ordering, fmt::Debug};

use arrow_array::{ArrayRef, ArrowNativeTypeOp};
use arrow_buffer::NullBuffer;
use arrow_schema::DataType as ArrowType;

use super::fault::{Checked, Fault};
use crate::json::{Cursor, Number};

/// The values of a column, one JSON value each. A method that fails may leave half a value behind: `truncate` follows.
pub(super) trait Scalar: Debug + Send {
    /// Reads the value the cursor is at, which is not `null`.
    fn read(&mut self, cursor: &mut Cursor<'_>) -> Checked {
        match cursor.peek() {
            b'"' => {
                let text = cursor.string()?;
                if text.is_escaped() { self.text(&text.decoded()?) } else { self.text(text.raw) }
            }
            b'-' | b'0'..=b'9' | b'N' | b'I' => {
                let number = cursor.number()?;
                self.number(&number)
            }
            _ => Err(Fault::other(cursor, self.name())),
        }
    }

    /// A JSON string, without quotes and escapes.
    fn text(&mut self, _: &str) -> Checked {
        Err(Fault::mismatch("a text", &self.name()))
    }

    /// A JSON number.
    fn number(&mut self, _: &Number<'_>) -> Checked {
        Err(Fault::mismatch("a number", &self.name()))
    }

    /// The key of an object, for a map. JSON has only texts there.
    fn key(&mut self, text: &str) -> Checked {
        self.text(text)
    }

    /// How two values compare, in any order that calls equal what is stored as equal.
    fn compare(&self, left: usize, right: usize) -> Ordering;

    /// From here on takes nothing but texts, if it is one that would take other values as their JSON text.
    fn texts_only(&mut self) {}

    /// What takes the place of a null or of an absent value: the zero value of ClickHouse.
    fn placeholder(&mut self);

    /// The ClickHouse type, for messages.
    fn name(&self) -> &str;

    /// Forgets all values but the first `length`.
    fn truncate(&mut self, length: usize);

    /// Ends an event. Whether it has documents that those of earlier events would change in one insert.
    fn end_event(&mut self) -> bool {
        false
    }

    /// What `finish` makes.
    fn arrow_type(&self) -> ArrowType;

    /// The values so far; none are left.
    fn finish(&mut self, nulls: Option<NullBuffer>) -> Result<ArrayRef, arrow_schema::ArrowError>;
}

/// How two machine numbers compare; NaN is like NaN.
pub(super) fn compare<T: ArrowNativeTypeOp>(values: &[T], left: usize, right: usize) -> Ordering {
    match (values.get(left), values.get(right)) {
        (Some(left), Some(right)) => left.compare(*right),
        (left, right) => left.is_some().cmp(&right.is_some()),
    }
}

/// The values gathered, and room for as many again: the next batch is mostly like the last.
pub(super) fn take<T>(values: &mut Vec<T>) -> Vec<T> {
    let next = Vec::with_capacity(values.len());
    std::mem::replace(values, next)
}
