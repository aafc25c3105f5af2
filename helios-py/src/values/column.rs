//! A column, whatever its type.
//!
//! Arrow says how a value is held, ClickHouse's type what it means: whether a text is JSON or the digits of a large
//! integer, whether a tuple has names. Without that type the values are what Arrow says.

use arrow_array::{
    Array,
    cast::AsArray as _,
    types::{
        Decimal128Type, Decimal256Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
        UInt8Type, UInt16Type, UInt32Type, UInt64Type,
    },
};
use arrow_schema::DataType as ArrowType;
use helios_core::warehouse::types::DataType;
use pyo3::{exceptions::PyTypeError, prelude::*};

use super::{nested, scalar, time};

/// The values of a column, in order.
pub(crate) type Values<'py> = PyResult<Vec<Bound<'py, PyAny>>>;

/// Every value of `array`.
pub(crate) fn column<'py>(py: Python<'py>, array: &dyn Array, data_type: Option<&DataType>) -> Values<'py> {
    match array.data_type() {
        _ if let Some(inner) = data_type.and_then(wrapped) => column(py, array, Some(inner)),
        ArrowType::Null => Ok(vec![py.None().into_bound(py); array.len()]),
        ArrowType::Boolean => scalar::each(py, array.as_boolean()),
        ArrowType::Int8 => scalar::each(py, array.as_primitive::<Int8Type>()),
        ArrowType::Int16 => scalar::each(py, array.as_primitive::<Int16Type>()),
        ArrowType::Int32 => scalar::each(py, array.as_primitive::<Int32Type>()),
        ArrowType::Int64 => scalar::each(py, array.as_primitive::<Int64Type>()),
        ArrowType::UInt8 => scalar::each(py, array.as_primitive::<UInt8Type>()),
        ArrowType::UInt16 => scalar::each(py, array.as_primitive::<UInt16Type>()),
        ArrowType::UInt32 => scalar::each(py, array.as_primitive::<UInt32Type>()),
        ArrowType::UInt64 => scalar::each(py, array.as_primitive::<UInt64Type>()),
        ArrowType::Float32 => scalar::each(py, array.as_primitive::<Float32Type>()),
        ArrowType::Float64 => scalar::each(py, array.as_primitive::<Float64Type>()),
        ArrowType::Decimal256(..) | ArrowType::FixedSizeBinary(_)
            if let Some(signed) = integer(data_type) =>
        {
            scalar::integers(py, array, signed)
        }
        ArrowType::Decimal128(..) => scalar::decimals(py, array.as_primitive::<Decimal128Type>()),
        ArrowType::Decimal256(..) => scalar::decimals(py, array.as_primitive::<Decimal256Type>()),
        ArrowType::Utf8 => scalar::texts(py, array.as_string(), data_type),
        ArrowType::Binary => scalar::each(py, array.as_binary::<i32>()),
        ArrowType::FixedSizeBinary(_) => scalar::each(py, array.as_fixed_size_binary()),
        ArrowType::Date32 => time::dates(py, array.as_primitive()),
        ArrowType::Timestamp(unit, zone) => time::timestamps(py, array, *unit, zone.as_deref()),
        ArrowType::Duration(unit) => time::durations(py, array, *unit),
        ArrowType::Dictionary(..) => nested::dictionary(py, array.as_any_dictionary(), data_type),
        ArrowType::List(_) => nested::lists(py, array.as_list(), data_type),
        ArrowType::Map(..) => nested::maps(py, array.as_map(), data_type),
        ArrowType::Struct(_) => nested::tuples(py, array.as_struct(), data_type),
        ArrowType::Union(..) => nested::variants(py, array.as_union(), data_type),
        other => {
            let message = format!(
                "the Arrow type {other} has no Python value; use toString(…) in the query, or read the result as Arrow"
            );
            Err(PyTypeError::new_err(message))
        }
    }
}

/// For an integer, whether it has a sign.
fn integer(data_type: Option<&DataType>) -> Option<bool> {
    match data_type? {
        DataType::Int { .. } => Some(true),
        DataType::UInt { .. } => Some(false),
        _ => None,
    }
}

/// The type inside one that says nothing of how a value is shown.
fn wrapped(data_type: &DataType) -> Option<&DataType> {
    match data_type {
        DataType::Nullable(inner)
        | DataType::LowCardinality(inner)
        | DataType::SimpleAggregateFunction { data_type: inner, .. } => Some(inner),
        _ => None,
    }
}
