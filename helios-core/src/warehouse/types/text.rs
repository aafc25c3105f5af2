//! Data types as ClickHouse writes them.

use std::fmt::{Display, Formatter, Result};

use super::data_type::{DataType, EnumValue, TupleField};
use crate::warehouse::identifier::write_quoted;

impl Display for DataType {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Int { bits } => write!(f, "Int{bits}"),
            Self::UInt { bits } => write!(f, "UInt{bits}"),
            Self::Float { bits } => write!(f, "Float{bits}"),
            Self::BFloat16 => f.write_str("BFloat16"),
            Self::Decimal { precision, scale } => write!(f, "Decimal({precision}, {scale})"),
            Self::Bool => f.write_str("Bool"),
            Self::String => f.write_str("String"),
            Self::FixedString { length } => write!(f, "FixedString({length})"),
            Self::Date => f.write_str("Date"),
            Self::Date32 => f.write_str("Date32"),
            Self::DateTime { timezone: None } => f.write_str("DateTime"),
            Self::DateTime { timezone: Some(zone) } => write!(f, "DateTime({})", Quoted(zone)),
            Self::DateTime64 { precision, timezone: None } => write!(f, "DateTime64({precision})"),
            Self::DateTime64 { precision, timezone: Some(zone) } => {
                write!(f, "DateTime64({precision}, {})", Quoted(zone))
            }
            Self::Time => f.write_str("Time"),
            Self::Time64 { precision } => write!(f, "Time64({precision})"),
            Self::Uuid => f.write_str("UUID"),
            Self::Ipv4 => f.write_str("IPv4"),
            Self::Ipv6 => f.write_str("IPv6"),
            Self::Enum8(values) => write!(f, "Enum8({})", Listed(values)),
            Self::Enum16(values) => write!(f, "Enum16({})", Listed(values)),
            Self::LowCardinality(inner) => write!(f, "LowCardinality({inner})"),
            Self::Nullable(inner) => write!(f, "Nullable({inner})"),
            Self::Array(element) => write!(f, "Array({element})"),
            Self::Map(key, value) => write!(f, "Map({key}, {value})"),
            Self::Tuple(fields) => write!(f, "Tuple({})", Listed(fields)),
            Self::Nested(fields) => write!(f, "Nested({})", Listed(fields)),
            Self::Json(None) => f.write_str("JSON"),
            Self::Json(Some(arguments)) => write!(f, "JSON({arguments})"),
            Self::Dynamic { max_types: None } => f.write_str("Dynamic"),
            Self::Dynamic { max_types: Some(limit) } => write!(f, "Dynamic(max_types={limit})"),
            Self::Variant(types) => write!(f, "Variant({})", Listed(types)),
            Self::Object(arguments) => write!(f, "Object({arguments})"),
            Self::AggregateFunction(arguments) => write!(f, "AggregateFunction({arguments})"),
            Self::SimpleAggregateFunction { function, data_type } => {
                write!(f, "SimpleAggregateFunction({function}, {data_type})")
            }
            Self::Point => f.write_str("Point"),
            Self::Ring => f.write_str("Ring"),
            Self::LineString => f.write_str("LineString"),
            Self::MultiLineString => f.write_str("MultiLineString"),
            Self::Polygon => f.write_str("Polygon"),
            Self::MultiPolygon => f.write_str("MultiPolygon"),
            Self::Nothing => f.write_str("Nothing"),
            Self::Other(text) => f.write_str(text),
        }
    }
}

impl Display for EnumValue {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "{} = {}", Quoted(&self.name), self.value)
    }
}

impl Display for TupleField {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match &self.name {
            Some(name) => write!(f, "{} {}", Name(name), self.data_type),
            None => self.data_type.fmt(f),
        }
    }
}

struct Listed<'a, T>(&'a [T]);

impl<T: Display> Display for Listed<'_, T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        for (index, item) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(", ")?;
            }
            item.fmt(f)?;
        }
        Ok(())
    }
}

/// A string literal.
struct Quoted<'a>(&'a str);

impl Display for Quoted<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write_quoted(f, self.0, '\'')
    }
}

/// The name of a tuple's element: quoted unless it is a plain word.
struct Name<'a>(&'a str);

impl Display for Name<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let mut characters = self.0.chars();
        let plain = characters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
            && characters.all(|next| next.is_ascii_alphanumeric() || next == '_');
        if plain { f.write_str(self.0) } else { write_quoted(f, self.0, '`') }
    }
}
