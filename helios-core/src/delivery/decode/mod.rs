//! JSON events → checked, typed Arrow columns. The check is the parse.
//!
//! No value is changed to make it fit: an event that a column cannot hold unchanged is a [`Reject`] with its reason.
//! What each type takes:
//!
//! | column | JSON |
//! |---|---|
//! | integers | a number without fraction and exponent, or the same digits as a text |
//! | `Float32`, `Float64`, `BFloat16` | a number, rounded to the nearest; an integer only if it is held exactly; the same as a text, and `"nan"`, `"inf"`, `"-inf"` |
//! | `Decimal` | a number, or the same as a text, of which no digit but trailing zeros is lost |
//! | `Bool` | `true`, `false` |
//! | `String`, `Dynamic` | a text as it is; any other value but `null` as its JSON text |
//! | `FixedString(n)` | a text of exactly n bytes |
//! | `Date`, `Date32` | `"2024-06-15"` |
//! | `DateTime` | ISO 8601, without an offset UTC; seconds since 1970 as a number |
//! | `DateTime64` | ISO 8601, without an offset UTC |
//! | `Time`, `Time64` | `"-12:34:56.789"`, to 999 hours (596 for a `Time64` of one to three digits) |
//! | `UUID`, `IPv4`, `IPv6` | their usual text |
//! | `Enum8`, `Enum16` | one of the names |
//! | `Array`, `Nested`, `Ring`, … | a list; absent: empty |
//! | `Map` | an object without equal keys; absent: empty |
//! | `Tuple`, `Point` | an object with its names, or a list in its order |
//! | `JSON` | an object the column gives back as it was; absent: `{}` |
//! | `Variant` with a `String` | a text |
//! | `Nullable(…)` | `null`, or as above; absent: null |
//!
//! Fields the table has no column for are passed over. Names are compared as they are, in their case.

mod column;
mod decimal;
mod fault;
mod fixed;
mod float;
mod integer;
mod iso;
mod json;
mod keys;
mod members;
mod node;
mod raw;
mod scalar;
mod temporal;
mod text;

use std::sync::Arc;

use arrow_array::{RecordBatch, RecordBatchOptions};
use arrow_schema::{Schema, SchemaRef};
use serde::de::{Deserialize as _, Deserializer as _, MapAccess, Visitor};

use fault::{Failure, Fault};
pub use fault::{Reject, RejectKind};
use members::Members;

use crate::{Column, Error, ErrorKind, Result, warehouse::types::DataType};

/// How deep an event's lists and objects may be nested.
pub const MAX_DEPTH: usize = 64;

/// Reads events into the columns of one table.
#[derive(Debug)]
pub struct Decoder {
    schema: SchemaRef,
    members: Members,
    rows: usize,
    /// Columns that ClickHouse wants to have lists of equal length: those of one flattened `Nested`.
    nested: Vec<Vec<usize>>,
}

impl Decoder {
    /// A decoder for a table's columns, those that are inserted into.
    ///
    /// # Errors
    /// `InvalidInput` for a type that is none, for one that JSON events cannot fill (`AggregateFunction`, a type this
    /// version does not know), naming the column, and for a column named twice or no columns at all.
    pub fn new(columns: &[Column]) -> Result<Self> {
        Self::with_defaults(columns, &[])
    }

    /// A decoder for a table's columns, of which some have a `DEFAULT`. Where such a field is absent the batch has a
    /// null, to be inserted with `input_format_null_as_default`. For the types where ClickHouse does not fill it
    /// (`Nullable`, `LowCardinality`, lists, maps, tuples, `JSON`) the event is rejected.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn with_defaults(columns: &[Column], defaults: &[String]) -> Result<Self> {
        let mut members = Vec::with_capacity(columns.len());
        for column in columns {
            let context = |error: Error| {
                error.with("column", column.name.clone()).with("type", column.data_type.clone())
            };
            let data_type: DataType = column.data_type.parse().map_err(context)?;
            let node = column::node(&data_type).ok_or_else(|| {
                context(Error::new(
                    ErrorKind::InvalidInput,
                    "events cannot be decoded into a column of this type",
                ))
            })?;
            if members.iter().any(|(name, _)| *name == column.name) {
                return Err(context(Error::invalid_input("two columns have the same name")));
            }
            let node = if defaults.contains(&column.name) {
                node.defaulted(column::null_means_default(&data_type))
            } else {
                node
            };
            members.push((column.name.clone(), node));
        }
        if members.is_empty() {
            return Err(Error::invalid_input("a table without columns").at("decode"));
        }
        let members = Members::new(members);
        let schema = Arc::new(Schema::new(members.fields()));
        Ok(Self { schema, nested: nested(columns), members, rows: 0 })
    }

    /// Reads one event, a JSON object, as the next row.
    ///
    /// # Errors
    /// The reason why it does not fit. The rows read before stay as they are, and the next event may follow.
    pub fn decode(&mut self, event: &[u8]) -> Result<(), Reject> {
        let read = self.read(event);
        match read {
            Ok(()) => self.rows += 1,
            Err(_) => self.members.truncate(self.rows),
        }
        read
    }

    /// How many rows were read since the last batch.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The rows read since the last batch, as Arrow columns in the order given.
    ///
    /// # Errors
    /// `Unexpected` if Arrow does not accept what was built: a defect.
    pub fn finish(&mut self) -> Result<RecordBatch> {
        let options = RecordBatchOptions::new().with_row_count(Some(std::mem::take(&mut self.rows)));
        self.members
            .finish()
            .and_then(|arrays| RecordBatch::try_new_with_options(Arc::clone(&self.schema), arrays, &options))
            .map_err(|error| {
                Error::unexpected("the decoded columns make no batch").at("decode").caused_by(error)
            })
    }

    fn read(&mut self, event: &[u8]) -> Result<(), Reject> {
        let reject = |fault: Fault| Reject { error_type: fault.kind, message: fault.message, column: None };
        let Ok(text) = std::str::from_utf8(event) else {
            return Err(reject(Fault::new(RejectKind::MalformedJson, "not valid UTF-8")));
        };
        if is_too_deep(event) {
            let message = format!("nested deeper than {MAX_DEPTH} levels");
            return Err(reject(Fault::new(RejectKind::TooDeep, message)));
        }
        let mut failure = Failure::default();
        let mut parser = sonic_rs::Deserializer::from_str(text);
        let row = Row { members: &mut self.members, failure: &mut failure };
        let read = parser.deserialize_map(row).and_then(|()| parser.end());
        if let Err(error) = read {
            return Err(failure.into_reject(&error, is_json(text)));
        }
        self.check_nested()
    }

    fn check_nested(&self) -> Result<(), Reject> {
        for group in &self.nested {
            let mut lengths =
                group.iter().map(|at| (at, self.members.node(*at).and_then(node::Node::last_list_length)));
            let Some((_, first)) = lengths.next() else { continue };
            if let Some((at, _)) = lengths.find(|(_, length)| *length != first) {
                return Err(Reject {
                    error_type: RejectKind::OutOfRange,
                    message: "a list of another length than those of the same Nested".to_owned(),
                    column: self.members.name(*at).map(ToOwned::to_owned),
                });
            }
        }
        Ok(())
    }
}

/// Columns `a.b` and `a.c`, both arrays, are what ClickHouse makes of a `Nested` column `a`.
fn nested(columns: &[Column]) -> Vec<Vec<usize>> {
    let mut groups: Vec<(&str, Vec<usize>)> = Vec::new();
    for (at, column) in columns.iter().enumerate() {
        let Some((prefix, _)) = column.name.split_once('.') else { continue };
        if !matches!(column.data_type.parse(), Ok(DataType::Array(_))) {
            continue;
        }
        match groups.iter_mut().find(|(name, _)| *name == prefix) {
            Some((_, group)) => group.push(at),
            None => groups.push((prefix, vec![at])),
        }
    }
    groups.into_iter().map(|(_, group)| group).filter(|group| group.len() > 1).collect()
}

/// Whether lists and objects are nested too deep. The parser passes over what is ignored by recursion without a limit.
fn is_too_deep(event: &[u8]) -> bool {
    let opening = event.iter().filter(|byte| matches!(byte, b'[' | b'{')).count();
    if opening <= MAX_DEPTH {
        return false;
    }
    let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
    for byte in event {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'[' | b'{' if !in_text => {
                depth += 1;
                if depth > MAX_DEPTH {
                    return true;
                }
            }
            b']' | b'}' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}

/// Whether a text follows JSON's grammar, whatever its numbers and escapes mean.
#[cold]
fn is_json(text: &str) -> bool {
    let mut parser = sonic_rs::Deserializer::from_str(text);
    sonic_rs::LazyValue::deserialize(&mut parser)
        .is_ok_and(|value| raw::check_escapes(value.as_raw_str()).is_ok())
        && parser.end().is_ok()
}

/// Reads the object that is a row.
struct Row<'a> {
    members: &'a mut Members,
    failure: &'a mut Failure,
}

impl<'de> Visitor<'de> for Row<'_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        self.members.fill_by_name(&mut fields, self.failure)
    }
}

#[cfg(test)]
mod tests;
