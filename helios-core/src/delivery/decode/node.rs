//! The values of one column, or of one level of it, and how the parser fills them.

use std::{fmt, sync::Arc};

use arrow_array::{ArrayRef, ListArray, MapArray, StructArray, builder::BooleanBufferBuilder};
use arrow_buffer::{NullBuffer, OffsetBuffer};
use arrow_schema::{ArrowError, DataType as ArrowType, Field, FieldRef, Fields};
use serde::de::{Deserialize as _, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::{
    fault::{Failure, Fault, RejectKind},
    keys::Keys,
    members::Members,
    raw,
    scalar::{Reading, Scalar},
};

/// Values of one type.
#[derive(Debug)]
pub(super) struct Node {
    shape: Shape,
    /// Which values there are, if some may be null.
    present: Option<BooleanBufferBuilder>,
    /// Whether an event may say `null`. If not, a null stands for an absent field.
    takes_null: bool,
    /// Whether it has a default that only ClickHouse knows, so that nothing else may stand in for an absent value.
    required: bool,
    length: usize,
}

#[derive(Debug)]
pub(super) enum Shape {
    Scalar(Box<dyn Scalar>),
    List { offsets: Vec<i32>, element: Box<Node> },
    Map { offsets: Vec<i32>, key: Box<dyn Scalar>, value: Box<Node>, keys: Keys },
    Tuple(Members),
}

impl Node {
    pub(super) fn new(shape: Shape) -> Self {
        Self { shape, present: None, takes_null: false, required: false, length: 0 }
    }

    pub(super) fn list(element: Self) -> Self {
        Self::new(Shape::List { offsets: vec![0], element: Box::new(element) })
    }

    pub(super) fn map(key: Box<dyn Scalar>, value: Self) -> Self {
        Self::new(Shape::Map { offsets: vec![0], key, value: Box::new(value), keys: Keys::default() })
    }

    pub(super) fn nullable(mut self) -> Self {
        self.present = Some(BooleanBufferBuilder::new(0));
        self.takes_null = true;
        self
    }

    /// The same, for a column with a `DEFAULT`: an absent value becomes a null, which ClickHouse fills, where it does;
    /// elsewhere it is missed.
    pub(super) fn defaulted(mut self, filled_by_clickhouse: bool) -> Self {
        if filled_by_clickhouse {
            self.present = Some(BooleanBufferBuilder::new(0));
        } else {
            self.required = true;
        }
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

    /// What an absent field becomes: null, or an empty list, map or object. Anything else is missed.
    pub(super) fn push_absent(&mut self) -> Result<(), Fault> {
        let missing = || Fault::new(RejectKind::MissingField, "the field is missing");
        match &mut self.shape {
            _ if self.required => return Err(missing()),
            _ if self.present.is_some() => {
                self.push_hidden();
                return Ok(());
            }
            Shape::List { offsets, element } => close(offsets, element.length)?,
            Shape::Map { offsets, value, .. } => close(offsets, value.length)?,
            Shape::Scalar(values) if values.is_empty_by_default() => values.placeholder(),
            Shape::Scalar(_) | Shape::Tuple(_) => return Err(missing()),
        }
        self.pushed();
        Ok(())
    }

    fn push_null(&mut self) -> Result<(), Fault> {
        if !self.takes_null {
            let message = format!("null where {} was expected", self.name());
            return Err(Fault::new(RejectKind::NullValue, message));
        }
        self.push_hidden();
        Ok(())
    }

    fn push_placeholder(&mut self) {
        match &mut self.shape {
            Shape::Scalar(values) => values.placeholder(),
            Shape::List { offsets, .. } | Shape::Map { offsets, .. } => {
                offsets.extend(offsets.last().copied());
            }
            Shape::Tuple(members) => members.push_placeholders(),
        }
    }

    /// A null, or below a null whatever there is.
    pub(super) fn push_hidden(&mut self) {
        if let Some(present) = &mut self.present {
            present.append(false);
        }
        self.push_placeholder();
        self.length += 1;
    }

    fn pushed(&mut self) {
        if let Some(present) = &mut self.present {
            present.append(true);
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
            Shape::Map { offsets, key, value, .. } => {
                let entries = reopen(offsets, length);
                key.truncate(entries);
                value.truncate(entries);
            }
            Shape::Tuple(members) => members.truncate(length),
        }
    }

    fn name(&self) -> String {
        match &self.shape {
            Shape::Scalar(values) => values.name(),
            Shape::List { .. } => "a list".to_owned(),
            Shape::Map { .. } => "a map".to_owned(),
            Shape::Tuple(_) => "a tuple".to_owned(),
        }
    }

    pub(super) fn field(&self, name: &str) -> FieldRef {
        Arc::new(Field::new(name, self.arrow_type(), self.present.is_some()))
    }

    fn arrow_type(&self) -> ArrowType {
        match &self.shape {
            Shape::Scalar(values) => values.arrow_type(),
            Shape::List { element, .. } => ArrowType::List(element.field("item")),
            Shape::Map { key, value, .. } => ArrowType::Map(entries_field(key.as_ref(), value), false),
            Shape::Tuple(members) => ArrowType::Struct(members.fields()),
        }
    }

    /// The values so far; none are left.
    pub(super) fn finish(&mut self) -> Result<ArrayRef, ArrowError> {
        let nulls = self.present.as_mut().map(|present| NullBuffer::new(present.finish()));
        let length = std::mem::take(&mut self.length);
        match &mut self.shape {
            Shape::Scalar(values) => values.finish(nulls),
            Shape::List { offsets, element } => {
                let field = element.field("item");
                Ok(Arc::new(ListArray::try_new(field, taken(offsets), element.finish()?, nulls)?))
            }
            Shape::Map { offsets, key, value, .. } => {
                let field = entries_field(key.as_ref(), value);
                let ArrowType::Struct(fields) = field.data_type().clone() else {
                    return Err(ArrowError::SchemaError("the entries of a map are a struct".to_owned()));
                };
                let entries = StructArray::try_new(fields, vec![key.finish(None)?, value.finish()?], None)?;
                Ok(Arc::new(MapArray::try_new(field, taken(offsets), entries, nulls, false)?))
            }
            Shape::Tuple(members) => {
                let fields = members.fields();
                let arrays = members.finish()?;
                Ok(Arc::new(if arrays.is_empty() {
                    StructArray::new_empty_fields(length, nulls)
                } else {
                    StructArray::try_new(fields, arrays, nulls)?
                }))
            }
        }
    }
}

fn entries_field(key: &dyn Scalar, value: &Node) -> FieldRef {
    let fields =
        Fields::from(vec![Arc::new(Field::new("key", key.arrow_type(), false)), value.field("value")]);
    Arc::new(Field::new("entries", ArrowType::Struct(fields), false))
}

/// Ends a list whose elements are all there.
fn close(offsets: &mut Vec<i32>, length: usize) -> Result<(), Fault> {
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

fn taken(offsets: &mut Vec<i32>) -> OffsetBuffer<i32> {
    OffsetBuffer::new(std::mem::replace(offsets, vec![0]).into())
}

/// Reads one value into a node.
pub(super) struct IntoNode<'a> {
    pub(super) node: &'a mut Node,
    pub(super) failure: &'a mut Failure,
}

impl IntoNode<'_> {
    fn scalar<E: serde::de::Error>(
        self,
        found: &str,
        push: impl FnOnce(&mut dyn Scalar) -> Result<(), Fault>,
    ) -> Result<(), E> {
        let pushed = match &mut self.node.shape {
            Shape::Scalar(values) => push(values.as_mut()),
            _ => Err(Fault::mismatch(found, &self.node.name())),
        };
        match pushed {
            Ok(()) => {
                self.node.pushed();
                Ok(())
            }
            Err(fault) => Err(self.failure.stop(fault)),
        }
    }
}

impl<'de> DeserializeSeed<'de> for IntoNode<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        let Shape::Scalar(values) = &mut self.node.shape else {
            return deserializer.deserialize_any(self);
        };
        if values.reading() == Reading::Value {
            return deserializer.deserialize_any(self);
        }
        let value = sonic_rs::LazyValue::deserialize(deserializer)?;
        let pushed = match raw::Value::of(value.as_raw_str()) {
            Ok(raw::Value::Null) => {
                return self.node.push_null().map_err(|fault| self.failure.stop(fault));
            }
            Ok(raw::Value::Text(text)) => values.text(&text),
            Ok(raw::Value::Other(raw)) => values.json(raw),
            Err(fault) => Err(fault),
        };
        match pushed {
            Ok(()) => {
                self.node.pushed();
                Ok(())
            }
            Err(fault) => Err(self.failure.stop(fault)),
        }
    }
}

impl<'de> Visitor<'de> for IntoNode<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.node.name())
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        self.node.push_null().map_err(|fault| self.failure.stop(fault))
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<(), E> {
        self.scalar("a boolean", |values| values.boolean(value))
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<(), E> {
        self.scalar("a number", |values| values.unsigned(value))
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<(), E> {
        self.scalar("a number", |values| values.signed(value))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<(), E> {
        self.scalar("a number", |values| values.float(value))
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<(), E> {
        self.scalar("a text", |values| values.text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        let Self { node, failure } = self;
        match &mut node.shape {
            Shape::List { offsets, element } => {
                while elements.next_element_seed(IntoNode { node: element, failure })?.is_some() {}
                close(offsets, element.length).map_err(|fault| failure.stop(fault))?;
            }
            Shape::Tuple(members) => members.fill_in_order(&mut elements, failure)?,
            Shape::Scalar(_) | Shape::Map { .. } => {
                return Err(failure.stop(Fault::mismatch("a list", &node.name())));
            }
        }
        node.pushed();
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        let Self { node, failure } = self;
        match &mut node.shape {
            Shape::Map { offsets, key, value, keys } => {
                keys.clear();
                while let Some(outcome) =
                    fields.next_key_seed(super::keys::IntoKey { key: key.as_mut(), keys })?
                {
                    outcome.map_err(|fault| failure.stop(fault))?;
                    fields.next_value_seed(IntoNode { node: value, failure })?;
                }
                keys.check().map_err(|fault| failure.stop(fault))?;
                close(offsets, value.length).map_err(|fault| failure.stop(fault))?;
            }
            Shape::Tuple(members) => members.fill_by_name(&mut fields, failure)?,
            Shape::Scalar(_) | Shape::List { .. } => {
                return Err(failure.stop(Fault::mismatch("an object", &node.name())));
            }
        }
        node.pushed();
        Ok(())
    }
}
