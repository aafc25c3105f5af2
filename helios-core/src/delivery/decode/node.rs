//! The values of one column, or of one level of it, and how they are filled from JSON.

use std::sync::Arc;

use arrow_array::{
    Array, ArrayRef, BooleanArray, DictionaryArray, Int32Array, ListArray, MapArray, StructArray,
    cast::AsArray,
};
use arrow_buffer::{NullBufferBuilder, OffsetBuffer};
use arrow_schema::{ArrowError, DataType as ArrowType, Field, FieldRef, Fields};

use super::{
    fault::{Checked, Fault, RejectKind},
    keys,
    members::Members,
    scalar::Scalar,
    union::Union,
};
use crate::json::Cursor;

/// Values of one type.
#[derive(Debug)]
pub(super) struct Node {
    /// The ClickHouse type.
    name: String,
    shape: Shape,
    /// Which values there are, if some may be null.
    present: Option<NullBufferBuilder>,
    /// Whether an event may say `null`. If not, a null stands for an absent field.
    takes_null: bool,
    /// Whether a `null` is the same as an absent field, which is empty.
    null_is_absent: bool,
    absent: Absent,
    dictionary: bool,
    length: usize,
}

#[derive(Debug)]
pub(super) enum Shape {
    Scalar(Box<dyn Scalar>),
    List {
        offsets: Vec<i32>,
        element: Box<Node>,
    },
    Map {
        offsets: Vec<i32>,
        key: Box<dyn Scalar>,
        value: Box<Node>,
    },
    Tuple(Members),
    Union(Union),
    /// No value, but an object whose fields fill several columns.
    Group(Members),
}

/// What becomes of a field that an event has not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Absent {
    /// The event is rejected.
    Missed,
    /// The event is rejected, whatever the policy: there is a default, which only ClickHouse knows, and no way to ask
    /// for it.
    Defaulted,
    /// The default, a JSON value that was read before.
    Literal(Arc<str>),
    /// A null, the type's own or one that ClickHouse replaces with the column's default; of a type without null the
    /// zero value: an empty list, map or object, 0, an empty text.
    Empty,
}

impl Node {
    pub(super) fn new(name: String, shape: Shape) -> Self {
        let absent = match &shape {
            Shape::List { .. } | Shape::Map { .. } => Absent::Empty,
            // Without any of its elements it is what an object without any of them is.
            Shape::Tuple(members) if members.nodes().all(|node| node.absent == Absent::Empty) => {
                Absent::Empty
            }
            Shape::Scalar(_) | Shape::Tuple(_) | Shape::Union(_) | Shape::Group(_) => Absent::Missed,
        };
        Self {
            name,
            shape,
            present: None,
            takes_null: false,
            null_is_absent: false,
            absent,
            dictionary: false,
            length: 0,
        }
    }

    pub(super) fn list(name: String, element: Self) -> Self {
        Self::new(name, Shape::List { offsets: vec![0], element: Box::new(element) })
    }

    pub(super) fn map(name: String, key: Box<dyn Scalar>, value: Self) -> Self {
        Self::new(name, Shape::Map { offsets: vec![0], key, value: Box::new(value) })
    }

    pub(super) fn group(members: Members) -> Self {
        Self::new("object".to_owned(), Shape::Group(members))
    }

    pub(super) fn as_group(&self) -> Option<&Members> {
        match &self.shape {
            Shape::Group(members) => Some(members),
            _ => None,
        }
    }

    pub(super) fn group_mut(&mut self) -> Option<&mut Members> {
        match &mut self.shape {
            Shape::Group(members) => Some(members),
            _ => None,
        }
    }

    pub(super) fn nullable(mut self, name: String) -> Self {
        self.name = name;
        self.takes_null = true;
        self.with_nulls()
    }

    /// The same, with nulls for absent values only.
    pub(super) fn with_nulls(mut self) -> Self {
        self.present.get_or_insert_with(|| NullBufferBuilder::new(0));
        self.when_absent(Absent::Empty)
    }

    pub(super) fn when_absent(mut self, absent: Absent) -> Self {
        self.absent = absent;
        self
    }

    /// The same as a field: a list, a map or a `JSON`, which have no null of their own, is empty where it is `null`.
    pub(super) fn into_field(mut self) -> Self {
        self.null_is_absent = self.absent == Absent::Empty && self.present.is_none();
        self
    }

    /// The same, but with its zero value instead of a missing one.
    pub(super) fn or_zero(&mut self) {
        match &mut self.shape {
            Shape::Group(members) => members.nodes_mut().for_each(Self::or_zero),
            _ if self.absent == Absent::Missed => self.absent = Absent::Empty,
            _ => {}
        }
    }

    /// Rejects events for fields that no tuple within has.
    pub(super) fn reject_unknown(&mut self) {
        match &mut self.shape {
            Shape::Tuple(members) | Shape::Group(members) => members.reject_unknown(),
            Shape::List { element, .. } => element.reject_unknown(),
            Shape::Map { value, .. } => value.reject_unknown(),
            // No member of a union is a tuple.
            Shape::Scalar(_) | Shape::Union(_) => {}
        }
    }

    /// The same, travelling as a dictionary, without which ClickHouse does not replace a null by the default.
    pub(super) fn with_dictionary(mut self) -> Self {
        self.dictionary = true;
        self
    }

    /// How many elements the last list has.
    pub(super) fn last_list_length(&self) -> Option<i32> {
        match &self.shape {
            Shape::List { offsets, .. } => match offsets.as_slice() {
                [.., start, end] => Some(end - start),
                _ => None,
            },
            _ => None,
        }
    }

    /// The same, of which no text takes anything but a text.
    pub(super) fn texts_only(&mut self) {
        match &mut self.shape {
            Shape::Scalar(values) => values.texts_only(),
            Shape::List { element, .. } => element.texts_only(),
            // No other type has its place beside others.
            Shape::Map { .. } | Shape::Tuple(_) | Shape::Union(_) | Shape::Group(_) => {}
        }
    }

    /// The ClickHouse type.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// How many values there are.
    pub(super) fn len(&self) -> usize {
        self.length
    }

    /// Reads the value the cursor is at.
    ///
    /// Left to itself the compiler makes a call of it, which a flat event pays with 5 % more instructions.
    #[inline(always)]
    pub(super) fn read(&mut self, cursor: &mut Cursor<'_>) -> Checked {
        let start = cursor.at();
        let filled = match &mut self.shape {
            Shape::Scalar(values) if cursor.peek() != b'n' => values.read(cursor),
            _ => return self.read_other(cursor),
        };
        match filled {
            Ok(()) => {
                self.pushed();
                Ok(())
            }
            Err(fault) => Err(self.explain(fault, cursor, start)),
        }
    }

    #[inline]
    fn pushed(&mut self) {
        if let Some(present) = &mut self.present {
            present.append_non_null();
        }
        self.length += 1;
    }

    fn read_other(&mut self, cursor: &mut Cursor<'_>) -> Checked {
        let start = cursor.at();
        self.fill(cursor).map_err(|fault| self.explain(fault, cursor, start))
    }

    fn fill(&mut self, cursor: &mut Cursor<'_>) -> Checked {
        let first = cursor.peek();
        match &mut self.shape {
            Shape::List { offsets, element } if first == b'[' => fill_list(cursor, offsets, element)?,
            Shape::Map { offsets, key, value } if first == b'{' => {
                fill_map(cursor, key.as_mut(), value)?;
                close(offsets, value.length)?;
            }
            Shape::Tuple(members) | Shape::Group(members) if first == b'{' => members.fill_by_name(cursor)?,
            Shape::Tuple(members) if first == b'[' => members.fill_in_order(cursor)?,
            Shape::Union(union) if first != b'n' => union.fill(cursor, &self.name)?,
            _ => return self.other(cursor),
        }
        self.pushed();
        Ok(())
    }

    /// A null, or a value of another kind than this one.
    #[cold]
    fn other(&mut self, cursor: &mut Cursor<'_>) -> Checked {
        if cursor.peek() != b'n' {
            return Err(Fault::other(cursor, &self.name));
        }
        cursor.word("null")?;
        if let Shape::Group(_) = &self.shape {
            return self.push_absent();
        }
        if !self.takes_null && !self.null_is_absent {
            let fault = Fault::new(RejectKind::NullValue, format!("{} does not take null", self.name));
            let can_be_nullable = matches!(self.shape, Shape::Scalar(_));
            return Err(if can_be_nullable {
                fault.advising("send a value, or make the type Nullable")
            } else {
                fault
            });
        }
        self.push_hidden();
        Ok(())
    }

    #[cold]
    fn explain(&self, fault: Box<Fault>, cursor: &Cursor<'_>, start: usize) -> Box<Fault> {
        if fault.is_of_grammar() {
            return fault;
        }
        let mut again = cursor.back_to(start);
        let end = again.value().map_or_else(|_| cursor.at(), |_| again.at());
        fault.expecting(&self.name, Some(cursor.between(start, end)))
    }

    /// Puts something in the place of a field that is absent.
    pub(super) fn push_absent(&mut self) -> Checked {
        if let Shape::Group(members) = &mut self.shape {
            members.push_absent()?;
            self.pushed();
            return Ok(());
        }
        let advice = match &self.absent {
            Absent::Empty => {
                self.push_hidden();
                return Ok(());
            }
            Absent::Literal(value) => {
                let value = Arc::clone(value);
                return self.read(&mut Cursor::new(&value));
            }
            Absent::Missed if matches!(self.shape, Shape::Scalar(_)) => "send it, or make the type Nullable",
            Absent::Missed => "send it",
            Absent::Defaulted => {
                "Helios cannot fill in the DEFAULT of this type: send the field, or make the DEFAULT a literal that the \
                 field itself could have"
            }
        };
        let message = format!("the field is missing, and {} has no null", self.name);
        Err(Fault::new(RejectKind::MissingField, message).advising(advice).expecting(&self.name, None))
    }

    /// Whether there is a default that nothing can ask for.
    pub(super) fn lacks_default(&self) -> bool {
        self.absent == Absent::Defaulted
    }

    /// The values of a node that has none yet, if this is one of its.
    pub(super) fn only(&mut self, value: &str) -> Option<ArrayRef> {
        let mut cursor = Cursor::new(value);
        let read = self.read(&mut cursor).and_then(|()| Ok(cursor.end()?));
        let values = read.is_ok().then(|| self.finish());
        self.truncate(0);
        values?.ok()
    }

    /// The same, of a node that has no values yet, with this one in the place of an absent one; `None` if it is none of
    /// its.
    pub(super) fn or_literal(&mut self, value: &str) -> Option<()> {
        self.only(value)?;
        let is_hidden = match &self.shape {
            Shape::List { .. } => value == "[]",
            Shape::Map { .. } => value == "{}",
            Shape::Scalar(_) | Shape::Tuple(_) | Shape::Union(_) | Shape::Group(_) => value == "null",
        };
        self.absent = if is_hidden { Absent::Empty } else { Absent::Literal(value.into()) };
        Some(())
    }

    /// A null, or the zero value of a type that has none.
    pub(super) fn push_hidden(&mut self) {
        if let Some(present) = &mut self.present {
            present.append_null();
        }
        match &mut self.shape {
            Shape::Scalar(values) => values.placeholder(),
            Shape::List { offsets, .. } | Shape::Map { offsets, .. } => {
                offsets.extend(offsets.last().copied());
            }
            Shape::Tuple(members) | Shape::Group(members) => members.push_hidden(),
            Shape::Union(union) => union.push_hidden(),
        }
        self.length += 1;
    }

    /// Forgets all values but the first `length`, and any half value.
    pub(super) fn truncate(&mut self, length: usize) {
        if let Some(present) = &mut self.present {
            present.truncate(length);
        }
        self.length = length;
        match &mut self.shape {
            Shape::Scalar(values) => values.truncate(length),
            Shape::List { offsets, element } => element.truncate(reopen(offsets, length)),
            Shape::Map { offsets, key, value } => {
                let entries = reopen(offsets, length);
                key.truncate(entries);
                value.truncate(entries);
            }
            Shape::Tuple(members) | Shape::Group(members) => members.truncate(length),
            Shape::Union(union) => union.truncate(length),
        }
    }

    /// Ends an event. Whether it has documents that those of earlier events would change in one insert.
    pub(super) fn end_event(&mut self) -> bool {
        match &mut self.shape {
            Shape::Scalar(values) => values.end_event(),
            Shape::List { element: within, .. } | Shape::Map { value: within, .. } => within.end_event(),
            Shape::Tuple(members) | Shape::Group(members) => members.end_event(),
            // No member of a union is a document.
            Shape::Union(_) => false,
        }
    }

    pub(super) fn field(&self, name: &str) -> FieldRef {
        Arc::new(Field::new(name, self.arrow_type(), self.present.is_some()))
    }

    fn arrow_type(&self) -> ArrowType {
        match &self.shape {
            Shape::Scalar(values) if self.dictionary => {
                ArrowType::Dictionary(Box::new(ArrowType::Int32), Box::new(values.arrow_type()))
            }
            Shape::Scalar(values) => values.arrow_type(),
            Shape::List { element, .. } => ArrowType::List(element.field("item")),
            Shape::Map { key, value, .. } => ArrowType::Map(entries_field(key.as_ref(), value), false),
            Shape::Tuple(members) | Shape::Group(members) => ArrowType::Struct(members.fields()),
            Shape::Union(union) => union.arrow_type(),
        }
    }

    /// The values so far of the column, or of each column that an object fills; none are left.
    pub(super) fn finish_into(&mut self, arrays: &mut Vec<ArrayRef>) -> Result<(), ArrowError> {
        match &mut self.shape {
            Shape::Group(members) => {
                self.length = 0;
                arrays.extend(members.finish()?);
            }
            _ => arrays.push(self.finish()?),
        }
        Ok(())
    }

    /// The values so far; none are left.
    pub(super) fn finish(&mut self) -> Result<ArrayRef, ArrowError> {
        let nulls = self.present.as_mut().and_then(NullBufferBuilder::finish);
        let length = std::mem::take(&mut self.length);
        match &mut self.shape {
            Shape::Scalar(values) if self.dictionary => dictionary(&values.finish(nulls)?),
            Shape::Scalar(values) => values.finish(nulls),
            Shape::List { offsets, element } => {
                let field = element.field("item");
                Ok(Arc::new(ListArray::try_new(field, take_offsets(offsets), element.finish()?, nulls)?))
            }
            Shape::Map { offsets, key, value } => {
                let field = entries_field(key.as_ref(), value);
                let ArrowType::Struct(fields) = field.data_type().clone() else {
                    return Err(ArrowError::SchemaError("the entries of a map are a struct".to_owned()));
                };
                let entries = StructArray::try_new(fields, vec![key.finish(None)?, value.finish()?], None)?;
                Ok(Arc::new(MapArray::try_new(field, take_offsets(offsets), entries, nulls, false)?))
            }
            Shape::Tuple(members) | Shape::Group(members) => {
                let fields = members.fields();
                let arrays = members.finish()?;
                Ok(Arc::new(if arrays.is_empty() {
                    StructArray::new_empty_fields(length, nulls)
                } else {
                    StructArray::try_new(fields, arrays, nulls)?
                }))
            }
            Shape::Union(union) => union.finish(),
        }
    }
}

fn fill_list(cursor: &mut Cursor<'_>, offsets: &mut Vec<i32>, element: &mut Node) -> Checked {
    let start = element.length;
    let mut more = cursor.enter(b']')?;
    while more {
        element.read(cursor).map_err(|fault| fault.in_element(element.length - start))?;
        more = cursor.more(b']')?;
    }
    close(offsets, element.length)
}

fn fill_map(cursor: &mut Cursor<'_>, key: &mut dyn Scalar, value: &mut Node) -> Checked {
    let start = value.length;
    let mut more = cursor.enter(b'}')?;
    while more {
        let name = cursor.name()?;
        let name = name.decoded()?;
        key.key(&name).map_err(|fault| wrong_key(fault, &name, key.name()))?;
        value.read(cursor).map_err(|fault| fault.in_field(&name))?;
        more = cursor.more(b'}')?;
    }
    keys::check(key, start..value.length)
}

/// A key that its type does not take.
#[cold]
fn wrong_key(fault: Box<Fault>, name: &str, data_type: &str) -> Box<Fault> {
    let json = serde_json::Value::from(name).to_string();
    fault.expecting(data_type, Some(&json)).in_field(name)
}

fn entries_field(key: &dyn Scalar, value: &Node) -> FieldRef {
    let fields =
        Fields::from(vec![Arc::new(Field::new("key", key.arrow_type(), false)), value.field("value")]);
    Arc::new(Field::new("entries", ArrowType::Struct(fields), false))
}

/// The values with each different one once, as ClickHouse demands of a dictionary. Nulls are not among them.
fn dictionary(values: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    if let Some(values) = values.as_boolean_opt() {
        let keys = Int32Array::from_iter(values.iter().map(|value| value.map(i32::from)));
        let both = BooleanArray::from(vec![false, true]);
        return Ok(Arc::new(DictionaryArray::try_new(keys, Arc::new(both))?));
    }
    let data_type = values.data_type().clone();
    arrow_cast::cast(values, &ArrowType::Dictionary(Box::new(ArrowType::Int32), Box::new(data_type)))
}

/// Ends a list whose elements are all there.
#[inline]
fn close(offsets: &mut Vec<i32>, length: usize) -> Checked {
    let end = i32::try_from(length)
        .map_err(|_| Fault::new(RejectKind::OutOfRange, "more than 2^31 elements in one column"))?;
    offsets.push(end);
    Ok(())
}

/// Keeps the first `length` lists, and says how many elements they have.
fn reopen(offsets: &mut Vec<i32>, length: usize) -> usize {
    offsets.truncate(length + 1);
    offsets.last().and_then(|end| usize::try_from(*end).ok()).unwrap_or_default()
}

/// The offsets gathered, and room for as many again.
pub(super) fn take_offsets(offsets: &mut Vec<i32>) -> OffsetBuffer<i32> {
    let mut next = Vec::with_capacity(offsets.len());
    next.push(0);
    OffsetBuffer::new(std::mem::replace(offsets, next).into())
}
