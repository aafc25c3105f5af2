//! From a column's type to the node that holds its values.

use arrow_array::types::{
    Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};

use super::{
    decimal::Decimals,
    fixed::{FixedBytes, Meaning as Fixed},
    float::{Float32s, Float64s},
    integer::{Booleans, Enums, Integers},
    members::Members,
    node::{Absent, Node, Shape},
    scalar::Scalar,
    temporal::{self, Meaning as Temporal},
    text::{Taking, Texts},
    typed::TypedPaths,
    union::Union,
};
use crate::{
    TimeUnit,
    warehouse::types::{DataType, TupleField},
};

/// Makes nodes for the types of one table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Nodes {
    /// Whether a `Variant` or a `Dynamic` travels as a union. If not, as a text.
    pub(super) unions: bool,
    /// The unit of numbers that are times, if the column says it.
    unit: Option<TimeUnit>,
}

impl Nodes {
    pub(super) fn new(unions: bool) -> Self {
        Self { unions, unit: None }
    }

    /// Those of a column that says the unit of its times.
    pub(super) fn counted_in(self, unit: Option<TimeUnit>) -> Self {
        Self { unit, ..self }
    }

    /// A node for values of a type; `None` for a type that JSON events cannot fill.
    pub(super) fn node(self, data_type: &DataType) -> Option<Node> {
        let name = data_type.to_string();
        Some(match data_type {
            DataType::Nullable(inner) => self.node(inner)?.nullable(name),
            DataType::LowCardinality(inner) => self.node(inner)?,
            DataType::SimpleAggregateFunction { data_type, .. } => self.node(data_type)?,
            DataType::Array(element) => Node::list(name, self.node(element)?),
            DataType::Map(key, value) => Node::map(name, self.scalar(unwrapped(key))?, self.node(value)?),
            DataType::Tuple(fields) => self.tuple(name, fields)?,
            DataType::Nested(fields) => Node::list(name.clone(), self.tuple(name, fields)?),
            DataType::Point => point(),
            DataType::Ring | DataType::LineString => Node::list(name, point()),
            DataType::Polygon | DataType::MultiLineString => Node::list(name, self.node(&DataType::Ring)?),
            DataType::MultiPolygon => Node::list(name, self.node(&DataType::Polygon)?),
            DataType::Json(_) => {
                Node::new(name, Shape::Scalar(self.scalar(data_type)?)).when_absent(Absent::Empty)
            }
            DataType::Variant(types) if self.unions => variant(name, types)?,
            DataType::Dynamic { .. } if self.unions => dynamic(name)?,
            other => Node::new(name, Shape::Scalar(self.scalar(other)?)),
        })
    }

    fn tuple(self, name: String, fields: &[TupleField]) -> Option<Node> {
        let members = fields.iter().enumerate().map(|(at, field)| {
            let name = field.name.clone().unwrap_or_else(|| (at + 1).to_string());
            Some((name, self.node(&field.data_type)?))
        });
        Some(Node::new(name, Shape::Tuple(Members::new(members.collect::<Option<_>>()?))))
    }

    fn scalar(self, data_type: &DataType) -> Option<Box<dyn Scalar>> {
        let name = data_type.to_string();
        let fixed = |name, meaning| Box::new(FixedBytes::new(name, meaning)) as Box<dyn Scalar>;
        Some(match data_type {
            DataType::Int { bits: 8 } => Box::new(Integers::<Int8Type>::new(name)),
            DataType::Int { bits: 16 } => Box::new(Integers::<Int16Type>::new(name)),
            DataType::Int { bits: 32 } => Box::new(Integers::<Int32Type>::new(name)),
            DataType::Int { bits: 64 } => Box::new(Integers::<Int64Type>::new(name)),
            DataType::Int { bits } => fixed(name, Fixed::Int(usize::from(bits / 8))),
            DataType::UInt { bits: 8 } => Box::new(Integers::<UInt8Type>::new(name)),
            DataType::UInt { bits: 16 } => Box::new(Integers::<UInt16Type>::new(name)),
            DataType::UInt { bits: 32 } => Box::new(Integers::<UInt32Type>::new(name)),
            DataType::UInt { bits: 64 } => Box::new(Integers::<UInt64Type>::new(name)),
            DataType::UInt { bits } => fixed(name, Fixed::UInt(usize::from(bits / 8))),
            DataType::Float { bits: 32 } => Box::new(Float32s::float32()),
            DataType::Float { .. } => Box::<Float64s>::default(),
            DataType::BFloat16 => Box::new(Float32s::bfloat16()),
            DataType::Decimal { precision, scale } => Box::new(Decimals::new(*precision, *scale)),
            DataType::Bool => Box::<Booleans>::default(),
            DataType::String | DataType::Dynamic { .. } => Box::new(Texts::new(name, Taking::Anything)),
            DataType::Variant(types) if types.contains(&DataType::String) => {
                Box::new(Texts::new(name, Taking::Text))
            }
            DataType::Json(arguments) => {
                let typed = TypedPaths::of(arguments.as_deref().unwrap_or_default()).ok()?;
                Box::new(Texts::documents(name, typed))
            }
            DataType::FixedString { length } => {
                fixed(name, Fixed::FixedString(usize::try_from(*length).ok()?))
            }
            DataType::Uuid => fixed(name, Fixed::Uuid),
            DataType::Ipv6 => fixed(name, Fixed::Ipv6),
            DataType::Ipv4 => temporal::scalar(name, Temporal::Ipv4, None, None),
            DataType::Date => temporal::scalar(name, Temporal::Date, None, None),
            DataType::Date32 => temporal::scalar(name, Temporal::Date32, None, None),
            DataType::DateTime { timezone } => {
                temporal::scalar(name, Temporal::DateTime, timezone.as_deref(), self.unit)
            }
            DataType::DateTime64 { precision, timezone } => {
                temporal::scalar(name, Temporal::DateTime64(*precision), timezone.as_deref(), self.unit)
            }
            DataType::Time => temporal::scalar(name, Temporal::Time, None, None),
            DataType::Time64 { precision } => {
                temporal::scalar(name, Temporal::Time64(*precision), None, None)
            }
            DataType::Enum8(values) => Box::new(Enums::<Int8Type>::new("Enum8", values)?),
            DataType::Enum16(values) => Box::new(Enums::<Int16Type>::new("Enum16", values)?),
            _ => return None,
        })
    }
}

/// Whether a column of this type has a `JSON` in it, which travels as a text that ClickHouse reads.
pub(in super::super) fn has_json(data_type: &DataType) -> bool {
    data_type.has(&|part| matches!(part, DataType::Json(_)))
}

/// A `Variant`: of an integer the integer types come first, then what else is a number.
fn variant(name: String, types: &[DataType]) -> Option<Node> {
    let mut types: Vec<_> = types.iter().filter(|data_type| is_member(data_type)).collect();
    types.sort_by_key(|data_type| match data_type {
        DataType::Int { .. } | DataType::UInt { .. } => 0,
        DataType::Float { .. } | DataType::Decimal { .. } => 1,
        _ => 2,
    });
    let text = types.iter().position(|data_type| matches!(data_type, DataType::String));
    let members = types.into_iter().map(|data_type| member(data_type, false)).collect::<Option<_>>()?;
    Some(Node::new(name, Shape::Union(Union::new(members, text)?)))
}

/// A `Dynamic`: the types that ClickHouse finds in JSON, and the JSON text of what is of none.
fn dynamic(name: String) -> Option<Node> {
    let scalars = [
        DataType::Int { bits: 64 },
        DataType::UInt { bits: 64 },
        DataType::Float { bits: 64 },
        DataType::Bool,
    ];
    let list = |inner: DataType| DataType::Array(Box::new(DataType::Nullable(Box::new(inner))));
    let lists = scalars.iter().cloned().chain([DataType::String]).map(list);
    let types: Vec<_> = scalars.iter().cloned().chain(lists).collect();
    let members = types.iter().map(|data_type| member(data_type, false));
    let members: Vec<_> = members.chain([member(&DataType::String, true)]).collect::<Option<_>>()?;
    let text = members.len().checked_sub(1);
    Some(Node::new(name, Shape::Union(Union::new(members, text)?)))
}

fn member(data_type: &DataType, any: bool) -> Option<Node> {
    let mut node = Nodes::new(false).node(data_type)?;
    if !any {
        node.texts_only();
    }
    Some(node)
}

/// Whether a union holds values of this type as what they are. The others arrive as the type they travel as, and are
/// refused (measured on 26.7 and 26.9); so are lists, if not of `Nullable`.
fn is_member(data_type: &DataType) -> bool {
    match data_type {
        DataType::Int { bits } | DataType::UInt { bits } => *bits <= 64,
        DataType::Float { .. }
        | DataType::Decimal { .. }
        | DataType::Bool
        | DataType::String
        | DataType::Date32
        | DataType::DateTime64 { precision: 3 | 6 | 9, .. } => true,
        DataType::Array(element) => match element.as_ref() {
            DataType::Nullable(inner) => is_member(inner),
            _ => false,
        },
        _ => false,
    }
}

/// The same node for a column that has a `DEFAULT`.
///
/// An absent field becomes a null, which ClickHouse replaces (measured on 26.7 and 26.9): of a `LowCardinality` only if
/// it travels as a dictionary, of a `JSON` only by the reader that [`Target`](super::super::Target) asks for. Not where
/// the type has a null of its own, which the event could have meant, or where Arrow's null is an empty list.
pub(super) fn defaulted(node: Node, data_type: &DataType) -> Node {
    match data_type {
        DataType::LowCardinality(inner) if !inner.is_nullable() => node.with_nulls().with_dictionary(),
        DataType::SimpleAggregateFunction { data_type, .. } => defaulted(node, data_type),
        DataType::Nullable(_)
        | DataType::LowCardinality(_)
        | DataType::Array(_)
        | DataType::Map(..)
        | DataType::Tuple(_)
        | DataType::Nested(_)
        | DataType::Dynamic { .. }
        | DataType::Variant(_)
        | DataType::Point
        | DataType::Ring
        | DataType::LineString
        | DataType::MultiLineString
        | DataType::Polygon
        | DataType::MultiPolygon => node.when_absent(Absent::Defaulted),
        _ => node.with_nulls(),
    }
}

fn unwrapped(data_type: &DataType) -> &DataType {
    match data_type {
        DataType::LowCardinality(inner) => inner,
        other => other,
    }
}

fn point() -> Node {
    let coordinate = || Node::new("Float64".to_owned(), Shape::Scalar(Box::<Float64s>::default()));
    let members = vec![("1".to_owned(), coordinate()), ("2".to_owned(), coordinate())];
    Node::new("Point".to_owned(), Shape::Tuple(Members::new(members)))
}
