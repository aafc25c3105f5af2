//! JSON events → checked, typed Arrow columns. The check is the parse.
//!
//! No value is changed to make it fit: an event that a column cannot hold unchanged is a [`Reject`], with its reason,
//! the place in the event, the type that was wanted and the value that was there. What each type takes:
//!
//! | column | JSON |
//! |---|---|
//! | `Int8` to `Int32`, `UInt8` to `UInt32` | a number without fraction and exponent |
//! | `Int64` to `Int256`, `UInt64` to `UInt256` | the same, or its digits as a text |
//! | `Float64`, `Float32`, `BFloat16` | a number, rounded to the nearest, but not from something to nothing; an integer only if it is held exactly; the texts `"nan"`, `"inf"`, `"-inf"`, and `"NaN"`, `"Infinity"`, `"-Infinity"`, the last three also without quotes |
//! | `Decimal` | a number, or the same as a text, of which no digit but trailing zeros is lost |
//! | `Bool` | `true`, `false` |
//! | `String` | a text as it is; any other value but `null` as its JSON text |
//! | `FixedString(n)` | a text of exactly n bytes |
//! | `Date`, `Date32` | `"2024-06-15"` |
//! | `DateTime`, `DateTime64` | ISO 8601, also without seconds, or a date: midnight; without an offset in the column's zone, or in UTC if it names none, and not when the clocks are changed. The time since 1970 as a number, or its digits as a text, in the column's [unit](Column::unit). If the column does not say it: a fraction counts seconds; an integer that is a time between 2000 and 2100 in seconds, milliseconds, microseconds or nanoseconds counts these; any other the unit of the type: seconds in a `DateTime` or `DateTime64(0)`, milliseconds to 3 digits, microseconds to 6, nanoseconds beyond |
//! | `Time`, `Time64` | `"-12:34:56.789"`, to 999 hours |
//! | `UUID`, `IPv4`, `IPv6` | their usual text |
//! | `Enum8`, `Enum16` | one of the names |
//! | `LowCardinality(…)`, `SimpleAggregateFunction(…)` | as the type within |
//! | `Array`, `Nested`, `Ring`, … | a list; absent, or `null` in place of the whole: empty |
//! | `Map` | an object without equal keys; absent, or `null` in place of the whole: empty |
//! | `Tuple`, `Point` | an object with its names, or a list in its order; absent, or `null` in place of the whole: as an object without any of its elements |
//! | `JSON` | an object the column gives back as it was; absent, or `null` in place of the whole: `{}`. On a path with a type of its own only what that type writes in the same way: in a `JSON(a UInt8)` neither 1.5 nor `"7"` nor `null`; where the path is absent, ClickHouse has the type's default there |
//! | `Variant` | a value that one of its types takes: of several the first in ClickHouse's order, but the integer types come first, then `Float` and `Decimal`; a text is a `String` if that is among them. Of its types count: integers to 64 bits, `Float32`, `Float64`, `Decimal`, `Bool`, `String` (a text, nothing else), `Date32`, `DateTime64` of 3, 6 or 9 digits, and `Array(Nullable(…))` of these |
//! | `Dynamic` | a text as it is, a boolean, a number: `Int64`, else `UInt64`, else `Float64` as above; a list of one of these, with nulls or without; any other value but `null`, also a number beyond them, as its JSON text |
//! | `Variant`, `Dynamic` beside a `JSON` | in a table that has a `JSON`, or of a ClickHouse whose Arrow reader has no unions: a text, if the `Variant` has a `String`; of a `Dynamic` as of a `String` |
//! | `Nullable(…)` | `null`, or as above; absent: null |
//!
//! A column is filled from the field of its name, or from the one that [`Column::field`] leads to. An absent field gets the
//! column's `DEFAULT`, else what stands above, else the event is rejected; see [`Decoder::with_defaults`] and
//! [`Decoder::when_missing`]. Of a `Nullable`, a list, a map, a tuple, a `Dynamic` or a `Variant` it gets a `DEFAULT` that is
//! a literal the field could have; with any other the event is rejected. A `null` is empty only of a column without a
//! `DEFAULT`. The columns `n.a` and `n.b` of a `Nested` are also filled from a field `n`, a list of objects or an object of
//! lists. Fields the table has no column for are passed over, unless [`Decoder::when_unknown`] says otherwise. Names are
//! compared as they are, in their case.

mod column;
mod decimal;
mod epoch;
mod fault;
mod fixed;
mod float;
mod integer;
mod json;
mod keys;
mod members;
mod node;
mod scalar;
mod temporal;
mod text;
mod typed;
mod union;
mod unknown;
mod zone;

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use arrow_array::{RecordBatch, RecordBatchOptions};
use arrow_schema::{Schema, SchemaRef};
use column::Nodes;
pub(super) use column::has_json;
use fault::{Checked, Fault};
pub use fault::{MAX_PATH_BYTES, MAX_VALUE_BYTES, Reject, RejectKind};
use members::Members;
use unknown::Unknown;
pub(super) use unknown::can_be_column;
pub use unknown::{MAX_COLUMN_NAME_BYTES, MAX_COLUMNS};

use super::policy::{MissingFields, UnknownFields};
pub use crate::json::MAX_DEPTH;
use crate::{
    Column, Error, ErrorKind, FieldPath, Result,
    json::Cursor,
    warehouse::types::{DataType, is_literal},
};

/// Reads events into the columns of one table.
#[derive(Debug)]
pub struct Decoder {
    schema: SchemaRef,
    members: Members,
    rows: usize,
    /// Whether there is a `JSON`.
    has_json: bool,
    /// The first row with a document that those of earlier rows would change in one insert.
    clash: Option<usize>,
    /// Columns that ClickHouse wants to have lists of equal length: those of one flattened `Nested`.
    nested: Vec<Vec<Placed>>,
}

/// Where the values of a column are, and the field that fills it.
#[derive(Debug)]
struct Placed {
    place: Vec<usize>,
    field: FieldPath,
}

impl Decoder {
    /// A decoder for a table's columns, those that are inserted into, with the defaults that they name.
    ///
    /// # Errors
    /// `InvalidInput` for a type that is none, for one that JSON events cannot fill (`AggregateFunction`, a type this
    /// version does not know), for a default that is no value of its column, and for a field that fills two, naming the
    /// column; for a column named twice or no columns at all.
    pub fn new(columns: &[Column]) -> Result<Self> {
        let mut plain = Self::build(columns, &[], true)?;
        let values = columns.iter().filter_map(|column| Some((column, column.default.as_ref()?.to_string())));
        let values: Vec<_> = values.collect();
        if values.is_empty() {
            return Ok(plain);
        }
        if let Some((column, _)) =
            values.iter().find(|(column, value)| plain.value(&column.name, value).is_none())
        {
            let error =
                Error::invalid_input("the default is no value that an event could have for this column");
            return Err(error.with("column", column.name.clone()).with("type", column.data_type.clone()));
        }
        let names: Vec<_> = values.iter().map(|(column, _)| column.name.clone()).collect();
        let decoder = Self::with_defaults(columns, &names)?;
        let unasked: HashSet<_> = decoder.unasked().map(str::to_owned).collect();
        let literals = values.into_iter().map(|(column, value)| (column.name.clone(), value));
        let literals = literals.filter(|(column, _)| unasked.contains(column)).collect();
        decoder.with_literals(&literals)
    }

    /// A decoder for a table's columns, of which some have a `DEFAULT`. Where such a field is absent the batch has a
    /// null, to be inserted with `input_format_null_as_default`: ClickHouse puts the default there, whatever expression
    /// it is. Where a null cannot ask for it (`Nullable`, lists, maps, tuples, `Dynamic`, `Variant`) the event is
    /// rejected, under every policy: nothing but the default may stand in for it. Delivery asks ClickHouse for such
    /// defaults when it looks at the table, and fills in those that are literals.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn with_defaults(columns: &[Column], defaults: &[String]) -> Result<Self> {
        Self::build(columns, defaults, true)
    }

    /// The same for a ClickHouse that takes, or does not take, a `Variant` and a `Dynamic` as a union.
    pub(super) fn build(columns: &[Column], defaults: &[String], unions: bool) -> Result<Self> {
        let has_json = |column: &Column| column.data_type.parse().is_ok_and(|parsed| has_json(&parsed));
        let has_json = columns.iter().any(has_json);
        let nodes = Nodes::new(unions && !has_json);
        let mut members = Members::none();
        let mut names = HashSet::new();
        for column in columns {
            let context = |error: Error| {
                error.with("column", column.name.clone()).with("type", column.data_type.clone())
            };
            let data_type: DataType = column.data_type.parse().map_err(context)?;
            let node = nodes.counted_in(column.unit).node(&data_type).ok_or_else(|| {
                context(Error::new(
                    ErrorKind::InvalidInput,
                    "events cannot be decoded into a column of this type",
                ))
            })?;
            if !names.insert(column.name.as_str()) {
                return Err(context(Error::invalid_input("two columns have the same name")));
            }
            let node =
                if defaults.contains(&column.name) { column::defaulted(node, &data_type) } else { node };
            let field = column.source();
            members.add(field.keys(), &column.name, node).ok_or_else(|| {
                let message =
                    "another column is filled from the same field, from one around it or from one within it";
                context(Error::invalid_input(message)).with("field", field.to_string())
            })?;
        }
        if names.is_empty() {
            return Err(Error::invalid_input("a table without columns").at("decode"));
        }
        for (name, parts) in nested_parts(columns) {
            members.nest(name, &parts);
        }
        let schema = Arc::new(Schema::new(members.fields()));
        Ok(Self { schema, nested: nested(columns, &members), members, rows: 0, has_json, clash: None })
    }

    /// The columns with a default that no null can ask for.
    pub(super) fn unasked(&self) -> impl Iterator<Item = &str> {
        self.members.columns().into_iter().filter(|(_, node)| node.lacks_default()).map(|(name, _)| name)
    }

    fn node_of(&mut self, column: &str) -> Option<&mut node::Node> {
        let place = self.members.place_of(column)?;
        self.members.node_mut(&place)
    }

    /// What a value of a column becomes, as the column `value` of one row; `None` if the column does not take it.
    pub(super) fn value(&mut self, column: &str, value: &str) -> Option<RecordBatch> {
        let node = self.node_of(column)?;
        let array = node.only(value)?;
        RecordBatch::try_new(Arc::new(Schema::new(vec![node.field("value")])), vec![array]).ok()
    }

    /// The same decoder, with these defaults, as JSON, of columns for which no null can ask.
    ///
    /// # Errors
    /// `InvalidInput` for a value that its column does not take, naming the column.
    pub(super) fn with_literals(mut self, literals: &BTreeMap<String, String>) -> Result<Self> {
        for (column, value) in literals {
            let node = self.node_of(column).filter(|node| node.lacks_default());
            if node.and_then(|node| node.or_literal(value)).is_none() {
                let message = "a default that was taken before is none of the column's values";
                return Err(Error::invalid_input(message).with("column", column.clone()));
            }
        }
        Ok(self)
    }

    /// The same decoder, with this policy for absent fields of columns that have neither a default nor a null.
    #[must_use]
    pub fn when_missing(mut self, missing: MissingFields) -> Self {
        match missing {
            MissingFields::Reject => {}
            MissingFields::ZeroValue => self.members.nodes_mut().for_each(node::Node::or_zero),
        }
        self
    }

    /// The same decoder, with this policy for top-level fields that the table has no column for; under
    /// [`Quarantine`](UnknownFields::Quarantine) also for fields within objects that their `Tuple` has no element for, or,
    /// where columns are filled from within an object, no column. Under
    /// [`AddColumn`](UnknownFields::AddColumn) they are passed over, as whoever delivers adds the columns first; an event
    /// is rejected for a field that can have none: its name is empty or longer than [`MAX_COLUMN_NAME_BYTES`], or the table
    /// has [`MAX_COLUMNS`].
    #[must_use]
    pub fn when_unknown(mut self, unknown: UnknownFields) -> Self {
        if unknown == UnknownFields::Quarantine {
            self.members.reject_unknown();
        }
        self.members.when_unknown(Unknown::of(unknown, self.schema.fields().len()));
        self
    }

    /// The same decoder, which rejects events for fields within objects that no element of their `Tuple` takes.
    #[must_use]
    pub(crate) fn reject_unknown_within(mut self) -> Self {
        self.members.nodes_mut().for_each(node::Node::reject_unknown);
        self
    }

    /// Whether an event has a top-level field that the table has no column for.
    pub(super) fn has_unknown(&self, event: &[u8]) -> bool {
        let Ok(text) = simdutf8::basic::from_utf8(event) else { return false };
        let mut cursor = Cursor::new(text);
        cursor.space();
        cursor.peek() == b'{' && self.members.has_unknown(&mut cursor).unwrap_or_default()
    }

    /// Reads one event, a JSON object, as the next row.
    ///
    /// # Errors
    /// The reason why it does not fit. The rows read before stay as they are, and the next event may follow.
    pub fn decode(&mut self, event: &[u8]) -> Result<(), Reject> {
        match self.read(event) {
            Ok(()) => {
                if self.has_json && self.members.end_event() {
                    self.clash.get_or_insert(self.rows);
                }
                self.rows += 1;
                Ok(())
            }
            Err(fault) => {
                self.members.truncate(self.rows);
                Err(fault.into_reject(&self.members))
            }
        }
    }

    /// How many rows were read since the last batch.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The first row since the last batch that must not be in one insert with all before it: on a path of a `JSON`, it has a list
    /// that ClickHouse would change into the type of theirs.
    pub(super) fn clash(&self) -> Option<usize> {
        self.clash
    }

    /// The rows read since the last batch, as Arrow columns in the order given.
    ///
    /// # Errors
    /// `Unexpected` if Arrow does not accept what was built: a defect.
    pub fn finish(&mut self) -> Result<RecordBatch> {
        self.clash = None;
        let options = RecordBatchOptions::new().with_row_count(Some(std::mem::take(&mut self.rows)));
        self.members
            .finish()
            .and_then(|arrays| RecordBatch::try_new_with_options(Arc::clone(&self.schema), arrays, &options))
            .map_err(|error| {
                Error::unexpected("the decoded columns make no batch").at("decode").caused_by(error)
            })
    }

    fn read(&mut self, event: &[u8]) -> Checked {
        let text = simdutf8::basic::from_utf8(event).map_err(|_| not_utf8(event))?;
        let mut cursor = Cursor::new(text);
        cursor.space();
        if cursor.peek() != b'{' {
            return Err(no_object(&mut cursor));
        }
        self.members.fill_by_name(&mut cursor)?;
        cursor.end()?;
        if self.nested.is_empty() { Ok(()) } else { self.check_nested() }
    }

    fn check_nested(&self) -> Checked {
        for group in &self.nested {
            let length =
                |column: &Placed| self.members.node(&column.place).and_then(node::Node::last_list_length);
            let mut lengths = group.iter().map(|column| (column, length(column)));
            let Some((_, first)) = lengths.next() else { continue };
            if let Some((column, length)) = lengths.find(|(_, length)| *length != first) {
                let message = format!(
                    "the list has {} elements, another list of the same Nested has {}",
                    length.unwrap_or_default(),
                    first.unwrap_or_default()
                );
                let fault = Fault::new(RejectKind::OutOfRange, message).advising("send lists of one length");
                return Err(column.field.keys().iter().rev().fold(fault, |fault, key| fault.in_field(key)));
            }
        }
        Ok(())
    }
}

#[cold]
fn not_utf8(event: &[u8]) -> Box<Fault> {
    let at = str::from_utf8(event).map_or_else(|error| error.valid_up_to(), |_| 0);
    let message = format!("invalid UTF-8 at byte {at}");
    Fault::new(RejectKind::MalformedJson, message).advising("send JSON in UTF-8")
}

#[cold]
fn no_object(cursor: &mut Cursor<'_>) -> Box<Fault> {
    match cursor.value().and_then(|value| cursor.end().map(|()| value)) {
        Ok(value) => Fault::new(RejectKind::NotAnObject, "the event is not a JSON object").with_value(value),
        Err(malformed) => malformed.into(),
    }
}

/// The flattened `Nested` columns of a table, as far as they are filled from fields of their names: each with its parts, two
/// at least.
pub(crate) fn nested_parts(columns: &[Column]) -> Vec<(&str, Vec<&str>)> {
    let mut groups: Vec<(&str, Vec<&str>)> = Vec::new();
    for column in columns.iter().filter(|column| column.field.is_none()) {
        let Some((name, part)) = column.name.split_once('.') else { continue };
        if !matches!(column.data_type.parse(), Ok(DataType::Array(_))) {
            continue;
        }
        match groups.iter_mut().find(|(known, _)| *known == name) {
            Some((_, parts)) => parts.push(part),
            None => groups.push((name, vec![part])),
        }
    }
    groups.into_iter().filter(|(_, parts)| parts.len() > 1).collect()
}

/// Whether a column with this `DEFAULT` gets it where the field is absent.
pub(crate) fn is_default_filled(column: &Column, expression: &str) -> bool {
    let is_known = is_literal(expression) || is_type_default(expression);
    // A column of a type that no event can have is left to ClickHouse.
    is_known
        || Decoder::with_defaults(std::slice::from_ref(column), std::slice::from_ref(&column.name))
            .map_or(true, |decoder| decoder.unasked().next().is_none())
}

/// Whether this is the expression of an `EPHEMERAL` column that was made without one.
pub(super) fn is_type_default(expression: &str) -> bool {
    expression.starts_with("defaultValueOfTypeName(")
}

/// Whether events can fill a column of this type.
pub(super) fn can_be_filled(data_type: &DataType) -> bool {
    [false, true].into_iter().any(|unions| Nodes::new(unions).node(data_type).is_some())
}

/// Columns `a.b` and `a.c`, both arrays, are what ClickHouse makes of a `Nested` column `a`.
fn nested(columns: &[Column], members: &Members) -> Vec<Vec<Placed>> {
    let mut groups: Vec<(&str, Vec<Placed>)> = Vec::new();
    for column in columns {
        let Some((prefix, _)) = column.name.split_once('.') else { continue };
        if !matches!(column.data_type.parse(), Ok(DataType::Array(_))) {
            continue;
        }
        let Some(place) = members.place_of(&column.name) else { continue };
        let placed = Placed { place, field: column.source() };
        match groups.iter_mut().find(|(name, _)| *name == prefix) {
            Some((_, group)) => group.push(placed),
            None => groups.push((prefix, vec![placed])),
        }
    }
    groups.into_iter().map(|(_, group)| group).filter(|group| group.len() > 1).collect()
}

#[cfg(test)]
mod tests;
