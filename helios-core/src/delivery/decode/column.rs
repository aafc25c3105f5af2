//! From a column's type to the node that holds its values.

use arrow_array::types::{
    Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};

use super::{
    decimal::Decimals,
    fixed::{self, FixedBytes},
    float::{Float32s, Float64s},
    integer::{Booleans, Enums, Integers},
    members::Members,
    node::{Node, Shape},
    scalar::Scalar,
    temporal,
    text::{Taking, Texts},
};
use crate::warehouse::types::{DataType, TupleField};

/// A node for values of a type; `None` for a type that JSON events cannot fill.
pub(super) fn node(data_type: &DataType) -> Option<Node> {
    Some(match data_type {
        DataType::Nullable(inner) => node(inner)?.nullable(),
        DataType::LowCardinality(inner) => node(inner)?,
        DataType::SimpleAggregateFunction { data_type, .. } => node(data_type)?,
        DataType::Array(element) => Node::list(node(element)?),
        DataType::Map(key, value) => Node::map(scalar(unwrapped(key))?, node(value)?),
        DataType::Tuple(fields) => tuple(fields)?,
        DataType::Nested(fields) => Node::list(tuple(fields)?),
        DataType::Point => point(),
        DataType::Ring | DataType::LineString => Node::list(point()),
        DataType::Polygon | DataType::MultiLineString => Node::list(Node::list(point())),
        DataType::MultiPolygon => Node::list(Node::list(Node::list(point()))),
        other => Node::new(Shape::Scalar(scalar(other)?)),
    })
}

/// Whether ClickHouse fills a null in a column of this type with the column's default (measured on 26.7): not where the
/// type itself has a null, or where Arrow or the conversion has none.
pub(super) fn null_means_default(data_type: &DataType) -> bool {
    match data_type {
        DataType::SimpleAggregateFunction { data_type, .. } => null_means_default(data_type),
        DataType::Nullable(_)
        | DataType::LowCardinality(_)
        | DataType::Array(_)
        | DataType::Map(..)
        | DataType::Tuple(_)
        | DataType::Nested(_)
        | DataType::Json(_)
        | DataType::Dynamic { .. }
        | DataType::Variant(_)
        | DataType::Point
        | DataType::Ring
        | DataType::LineString
        | DataType::MultiLineString
        | DataType::Polygon
        | DataType::MultiPolygon => false,
        _ => true,
    }
}

fn unwrapped(data_type: &DataType) -> &DataType {
    match data_type {
        DataType::LowCardinality(inner) => inner,
        other => other,
    }
}

fn tuple(fields: &[TupleField]) -> Option<Node> {
    let members = fields.iter().enumerate().map(|(at, field)| {
        let name = field.name.clone().unwrap_or_else(|| (at + 1).to_string());
        Some((name, node(&field.data_type)?))
    });
    Some(Node::new(Shape::Tuple(Members::new(members.collect::<Option<_>>()?))))
}

fn point() -> Node {
    let coordinate = || Node::new(Shape::Scalar(Box::<Float64s>::default()));
    Node::new(Shape::Tuple(Members::new(vec![
        ("1".to_owned(), coordinate()),
        ("2".to_owned(), coordinate()),
    ])))
}

fn scalar(data_type: &DataType) -> Option<Box<dyn Scalar>> {
    let name = data_type.to_string();
    let fixed = |meaning| Box::new(FixedBytes::new(meaning)) as Box<dyn Scalar>;
    Some(match data_type {
        DataType::Int { bits: 8 } => Box::new(Integers::<Int8Type>::new(name)),
        DataType::Int { bits: 16 } => Box::new(Integers::<Int16Type>::new(name)),
        DataType::Int { bits: 32 } => Box::new(Integers::<Int32Type>::new(name)),
        DataType::Int { bits: 64 } => Box::new(Integers::<Int64Type>::new(name)),
        DataType::Int { bits } => fixed(fixed::Meaning::Int(usize::from(bits / 8))),
        DataType::UInt { bits: 8 } => Box::new(Integers::<UInt8Type>::new(name)),
        DataType::UInt { bits: 16 } => Box::new(Integers::<UInt16Type>::new(name)),
        DataType::UInt { bits: 32 } => Box::new(Integers::<UInt32Type>::new(name)),
        DataType::UInt { bits: 64 } => Box::new(Integers::<UInt64Type>::new(name)),
        DataType::UInt { bits } => fixed(fixed::Meaning::UInt(usize::from(bits / 8))),
        DataType::Float { bits: 32 } => Box::new(Float32s::float32()),
        DataType::Float { .. } => Box::<Float64s>::default(),
        DataType::BFloat16 => Box::new(Float32s::bfloat16()),
        DataType::Decimal { precision, scale } => Box::new(Decimals::new(*precision, *scale)),
        DataType::Bool => Box::<Booleans>::default(),
        DataType::String | DataType::Dynamic { .. } => Box::new(Texts::new(name, Taking::Anything)),
        DataType::Variant(types) if types.contains(&DataType::String) => {
            Box::new(Texts::new(name, Taking::Text))
        }
        DataType::Json(_) => Box::new(Texts::new(name, Taking::Object)),
        DataType::FixedString { length } => {
            fixed(fixed::Meaning::FixedString(usize::try_from(*length).ok()?))
        }
        DataType::Uuid => fixed(fixed::Meaning::Uuid),
        DataType::Ipv6 => fixed(fixed::Meaning::Ipv6),
        DataType::Ipv4 => temporal::scalar(temporal::Meaning::Ipv4),
        DataType::Date => temporal::scalar(temporal::Meaning::Date),
        DataType::Date32 => temporal::scalar(temporal::Meaning::Date32),
        DataType::DateTime { .. } => temporal::scalar(temporal::Meaning::DateTime),
        DataType::DateTime64 { precision, .. } => temporal::scalar(temporal::Meaning::DateTime64(*precision)),
        DataType::Time => temporal::scalar(temporal::Meaning::Time),
        DataType::Time64 { precision } => temporal::scalar(temporal::Meaning::Time64(*precision)),
        DataType::Enum8(values) => Box::new(Enums::<Int8Type>::new("Enum8", values)),
        DataType::Enum16(values) => Box::new(Enums::<Int16Type>::new("Enum16", values)),
        _ => return None,
    })
}
