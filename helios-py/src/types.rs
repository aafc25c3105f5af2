//! ClickHouse's types, as far as frames have to know them.

use helios_core::warehouse::types::{DataType, EnumValue};
use pyo3::prelude::*;

use crate::error::raise;

/// A type's name, the types its values are made of, the names of an enum in the order of their numbers, and the digits of a
/// decimal.
type Described = (String, Vec<String>, Option<Vec<String>>, Option<u8>);

/// What a type is, whether or not its values may be null and however they are stored.
#[pyfunction]
pub(crate) fn describe_type(py: Python<'_>, text: &str) -> PyResult<Described> {
    text.parse::<DataType>().map(|data_type| described(&data_type)).map_err(|error| raise(py, &error))
}

fn described(data_type: &DataType) -> Described {
    let name = || {
        let text = data_type.to_string();
        text.split('(').next().unwrap_or_default().to_owned()
    };
    let of = |inner: Vec<&DataType>| inner.into_iter().map(ToString::to_string).collect();
    match data_type {
        DataType::Nullable(inner)
        | DataType::LowCardinality(inner)
        | DataType::SimpleAggregateFunction { data_type: inner, .. } => described(inner),
        DataType::Array(inner) => (name(), of(vec![inner.as_ref()]), None, None),
        DataType::Map(key, value) => (name(), of(vec![key.as_ref(), value.as_ref()]), None, None),
        DataType::Tuple(fields) | DataType::Nested(fields) => {
            (name(), of(fields.iter().map(|field| &field.data_type).collect()), None, None)
        }
        DataType::Enum8(values) | DataType::Enum16(values) => (
            name(),
            Vec::new(),
            Some(values.iter().map(|value: &EnumValue| value.name.clone()).collect()),
            None,
        ),
        DataType::Decimal { precision, .. } => (name(), Vec::new(), None, Some(*precision)),
        _ => (name(), Vec::new(), None, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_taken_apart() {
        let of = |text: &str| described(&text.parse().unwrap());
        let none = (Vec::new(), None, None);
        let (name, inner, names, digits) = of("LowCardinality(Nullable(String))");
        assert_eq!((name.as_str(), (inner, names, digits)), ("String", none));
        assert_eq!(of("Map(String, Array(Nullable(UInt8)))").1, ["String", "Array(Nullable(UInt8))"]);
        assert_eq!(of("Nested(a UInt8, `b c` Tuple(x Int8))").1, ["UInt8", "Tuple(x Int8)"]);
        let names = of(r"Nullable(Enum8('b\'(,' = 2, 'a' = -1))").2.unwrap();
        assert_eq!(names, ["a", "b'(,"]);
        assert_eq!(of("Decimal(76, 5)").3, Some(76));
    }
}
