//! What every kind of single value has in common.

use std::fmt::Debug;

use arrow_array::ArrayRef;
use arrow_buffer::NullBuffer;
use arrow_schema::DataType as ArrowType;

use super::fault::Fault;

/// How a value is taken from the event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// As the parser understands it: a number is a machine number.
    Value,
    /// As it is written: all digits, and all kinds of JSON.
    Raw,
}

/// The values of a column, one JSON value each. A method that fails may leave half a value behind: `truncate` follows.
pub(super) trait Scalar: Debug + Send {
    /// How its values are to be taken.
    fn reading(&self) -> Reading {
        Reading::Value
    }

    /// A JSON string, without quotes and escapes.
    fn text(&mut self, text: &str) -> Result<(), Fault>;

    /// A JSON number without fraction and exponent, or any that fits.
    fn unsigned(&mut self, _: u64) -> Result<(), Fault> {
        Err(Fault::mismatch("a number", &self.name()))
    }

    /// A negative JSON number without fraction and exponent.
    fn signed(&mut self, _: i64) -> Result<(), Fault> {
        Err(Fault::mismatch("a number", &self.name()))
    }

    /// Any other JSON number.
    fn float(&mut self, _: f64) -> Result<(), Fault> {
        Err(Fault::mismatch("a number", &self.name()))
    }

    /// `true` or `false`.
    fn boolean(&mut self, _: bool) -> Result<(), Fault> {
        Err(Fault::mismatch("a boolean", &self.name()))
    }

    /// The text of a JSON value that is neither a string nor null, where the reading is `Raw`.
    fn json(&mut self, raw: &str) -> Result<(), Fault> {
        Err(Fault::mismatch(kind_of(raw), &self.name()))
    }

    /// Whether an absent value is the empty one, as for an object.
    fn is_empty_by_default(&self) -> bool {
        false
    }

    /// What takes the place of a null.
    fn placeholder(&mut self);

    /// The ClickHouse type, for messages.
    fn name(&self) -> String;

    /// Forgets all values but the first `length`.
    fn truncate(&mut self, length: usize);

    /// What `finish` makes.
    fn arrow_type(&self) -> ArrowType;

    /// The values so far; none are left.
    fn finish(&mut self, nulls: Option<NullBuffer>) -> Result<ArrayRef, arrow_schema::ArrowError>;
}

/// What sort of JSON a text is, for messages.
pub(super) fn kind_of(raw: &str) -> &'static str {
    match raw.as_bytes().first() {
        Some(b'{') => "an object",
        Some(b'[') => "a list",
        Some(b't' | b'f') => "a boolean",
        Some(b'"') => "a text",
        Some(b'n') => "null",
        _ => "a number",
    }
}
