//! Which ClickHouse type an Arrow type stands for, where ClickHouse does not tell.

use arrow_schema::{DataType as ArrowType, Field, TimeUnit};

use crate::warehouse::types::{DataType, TupleField};

/// The ClickHouse type that this one transports, as far as it can be known from it.
pub(super) fn transported(arrow: &ArrowType) -> DataType {
    match arrow {
        ArrowType::Null => DataType::Nothing,
        ArrowType::Boolean => DataType::Bool,
        ArrowType::Int8 => DataType::Int { bits: 8 },
        ArrowType::Int16 => DataType::Int { bits: 16 },
        ArrowType::Int32 => DataType::Int { bits: 32 },
        ArrowType::Int64 => DataType::Int { bits: 64 },
        ArrowType::UInt8 => DataType::UInt { bits: 8 },
        ArrowType::UInt16 => DataType::UInt { bits: 16 },
        ArrowType::UInt32 => DataType::UInt { bits: 32 },
        ArrowType::UInt64 => DataType::UInt { bits: 64 },
        ArrowType::Float32 => DataType::Float { bits: 32 },
        ArrowType::Float64 => DataType::Float { bits: 64 },
        ArrowType::Decimal128(precision, scale) | ArrowType::Decimal256(precision, scale) => {
            DataType::Decimal { precision: *precision, scale: scale.unsigned_abs() }
        }
        ArrowType::Binary | ArrowType::Utf8 => DataType::String,
        ArrowType::FixedSizeBinary(length) => DataType::FixedString { length: length.unsigned_abs() },
        ArrowType::Date32 => DataType::Date32,
        ArrowType::Timestamp(unit, zone) => {
            DataType::DateTime64 { precision: digits(*unit), timezone: zone.as_deref().map(str::to_owned) }
        }
        ArrowType::Dictionary(_, values) => DataType::LowCardinality(Box::new(transported(values))),
        ArrowType::List(element) => DataType::Array(Box::new(of_field(element))),
        ArrowType::Struct(fields) => DataType::Tuple(
            fields
                .iter()
                .map(|field| TupleField { name: Some(field.name().clone()), data_type: of_field(field) })
                .collect(),
        ),
        ArrowType::Map(entries, _) => match entries.data_type() {
            ArrowType::Struct(fields) => match fields.as_ref() {
                [key, value] => DataType::Map(Box::new(of_field(key)), Box::new(of_field(value))),
                _ => DataType::Other(arrow.to_string()),
            },
            _ => DataType::Other(arrow.to_string()),
        },
        other => DataType::Other(other.to_string()),
    }
}

fn of_field(field: &Field) -> DataType {
    let data_type = transported(field.data_type());
    if field.is_nullable() { DataType::Nullable(Box::new(data_type)) } else { data_type }
}

fn digits(unit: TimeUnit) -> u8 {
    match unit {
        TimeUnit::Second => 0,
        TimeUnit::Millisecond => 3,
        TimeUnit::Microsecond => 6,
        TimeUnit::Nanosecond => 9,
    }
}
