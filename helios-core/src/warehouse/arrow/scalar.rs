//! Single values: what ClickHouse's Arrow carries in another type.

use std::{
    net::{Ipv4Addr, Ipv6Addr},
    sync::Arc,
};

use arrow_array::{
    Array as _, ArrayRef, ArrowPrimitiveType, BinaryArray, Decimal256Array, DictionaryArray,
    FixedSizeBinaryArray, Float32Array, Int32Array, PrimitiveArray, StringArray,
    builder::StringBuilder,
    cast::AsArray as _,
    types::{
        Date32Type, DurationMicrosecondType, DurationMillisecondType, DurationNanosecondType,
        DurationSecondType, Int8Type, Int16Type, Int32Type, Time32MillisecondType, Time32SecondType,
        Time64MicrosecondType, Time64NanosecondType, TimestampSecondType, UInt16Type, UInt32Type,
    },
};
use arrow_buffer::i256;
use arrow_schema::{ArrowError, DataType as ArrowType, TimeUnit};
use uuid::Uuid;

use super::integer::digits;
use crate::warehouse::{
    WideIntegers,
    types::{DataType, EnumValue},
};

/// The zone of a time whose type names none: the instant is the same in each.
const UTC: &str = "UTC";

/// Converts a column of single values.
pub(super) fn convert(
    array: &ArrayRef,
    data_type: &DataType,
    wide: WideIntegers,
) -> Result<ArrayRef, ArrowError> {
    use ArrowType as Arrow;
    Ok(match (data_type, array.data_type()) {
        (
            DataType::String
            | DataType::FixedString { .. }
            | DataType::Json(_)
            | DataType::Object(_)
            | DataType::Dynamic { .. },
            Arrow::Binary,
        ) => text(array.as_binary()),
        (DataType::FixedString { .. }, Arrow::FixedSizeBinary(_)) => {
            written(array.as_fixed_size_binary(), |bytes| Some(String::from_utf8_lossy(bytes).into_owned()))
        }
        (DataType::Int { .. } | DataType::UInt { .. }, Arrow::FixedSizeBinary(length))
            if wide == WideIntegers::Decimal =>
        {
            let signed = matches!(data_type, DataType::Int { .. });
            if *length == 16 { decimals(array.as_fixed_size_binary(), signed)? } else { Arc::clone(array) }
        }
        (DataType::Int { .. }, Arrow::FixedSizeBinary(_)) => {
            written(array.as_fixed_size_binary(), |bytes| Some(digits(bytes, true)))
        }
        (DataType::UInt { .. }, Arrow::FixedSizeBinary(_)) => {
            written(array.as_fixed_size_binary(), |bytes| Some(digits(bytes, false)))
        }
        (DataType::Uuid, Arrow::FixedSizeBinary(_)) => {
            written(array.as_fixed_size_binary(), |bytes| Some(Uuid::from_slice(bytes).ok()?.to_string()))
        }
        (DataType::Ipv6, Arrow::FixedSizeBinary(_)) => written(array.as_fixed_size_binary(), |bytes| {
            Some(Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?).to_string())
        }),
        (DataType::Ipv4, Arrow::UInt32) => {
            let addresses = array.as_primitive::<UInt32Type>();
            let texts = addresses.iter().map(|address| Some(Ipv4Addr::from(address?).to_string()));
            Arc::new(texts.collect::<StringArray>())
        }
        (DataType::BFloat16, Arrow::Binary) => Arc::new(widened(array.as_binary())),
        (DataType::Date, Arrow::UInt16) => {
            Arc::new(array.as_primitive::<UInt16Type>().unary::<_, Date32Type>(i32::from))
        }
        (DataType::DateTime { timezone }, Arrow::UInt32) => {
            let seconds = array.as_primitive::<UInt32Type>().unary::<_, TimestampSecondType>(i64::from);
            Arc::new(seconds.with_timezone(timezone.as_deref().unwrap_or(UTC)))
        }
        (DataType::DateTime64 { timezone, .. }, Arrow::Timestamp(unit, _)) => {
            in_zone(array, *unit, timezone.as_deref().unwrap_or(UTC))?
        }
        // A time of ClickHouse goes beyond a day, and below zero.
        (DataType::Time | DataType::Time64 { .. }, Arrow::Time32(TimeUnit::Second)) => {
            Arc::new(array.as_primitive::<Time32SecondType>().unary::<_, DurationSecondType>(i64::from))
        }
        (DataType::Time | DataType::Time64 { .. }, Arrow::Time32(TimeUnit::Millisecond)) => Arc::new(
            array.as_primitive::<Time32MillisecondType>().unary::<_, DurationMillisecondType>(i64::from),
        ),
        (DataType::Time64 { .. }, Arrow::Time64(TimeUnit::Microsecond)) => {
            reinterpreted::<Time64MicrosecondType, DurationMicrosecondType>(array)
        }
        (DataType::Time64 { .. }, Arrow::Time64(TimeUnit::Nanosecond)) => {
            reinterpreted::<Time64NanosecondType, DurationNanosecondType>(array)
        }
        (DataType::Enum8(values), Arrow::Int8) => names(array.as_primitive::<Int8Type>(), values)?,
        (DataType::Enum16(values), Arrow::Int16) => names(array.as_primitive::<Int16Type>(), values)?,
        _ => Arc::clone(array),
    })
}

/// Bytes as text, without a copy if they are UTF-8.
fn text(array: &BinaryArray) -> ArrayRef {
    let (offsets, values, nulls) = array.clone().into_parts();
    if let Ok(texts) = StringArray::try_new(offsets, values, nulls) {
        return Arc::new(texts);
    }
    let mut texts = StringBuilder::with_capacity(array.len(), array.values().len());
    for bytes in array {
        texts.append_option(bytes.map(String::from_utf8_lossy));
    }
    Arc::new(texts.finish())
}

/// Each value as text; null where `write` cannot, which a value of the right length never is.
fn written(array: &FixedSizeBinaryArray, write: impl Fn(&[u8]) -> Option<String>) -> ArrayRef {
    Arc::new(array.iter().map(|bytes| write(bytes?)).collect::<StringArray>())
}

/// 128-bit integers, the lowest byte first, as decimals.
fn decimals(array: &FixedSizeBinaryArray, signed: bool) -> Result<ArrayRef, ArrowError> {
    let value = |bytes: &[u8]| {
        let bytes = bytes.try_into().ok()?;
        Some(if signed {
            i256::from_i128(i128::from_le_bytes(bytes))
        } else {
            i256::from_parts(u128::from_le_bytes(bytes), 0)
        })
    };
    let decimals: Decimal256Array = array.iter().map(|bytes| value(bytes?)).collect();
    Ok(Arc::new(decimals.with_precision_and_scale(WIDEST_DIGITS, 0)?))
}

/// How many digits an integer of 128 bits has at most.
const WIDEST_DIGITS: u8 = 39;

/// `BFloat16`, the upper half of a `Float32`.
fn widened(array: &BinaryArray) -> Float32Array {
    let value = |bytes: &[u8]| Some(u16::from_le_bytes(bytes.try_into().ok()?));
    array.iter().map(|bytes| Some(f32::from_bits(u32::from(value(bytes?)?) << 16))).collect()
}

/// The same numbers, of another meaning.
fn reinterpreted<From, To>(array: &ArrayRef) -> ArrayRef
where
    From: ArrowPrimitiveType,
    To: ArrowPrimitiveType<Native = From::Native>,
{
    Arc::new(array.as_primitive::<From>().reinterpret_cast::<To>())
}

fn in_zone(array: &ArrayRef, unit: TimeUnit, zone: &str) -> Result<ArrayRef, ArrowError> {
    let data_type = ArrowType::Timestamp(unit, Some(zone.into()));
    Ok(arrow_array::make_array(array.to_data().into_builder().data_type(data_type).build()?))
}

/// An enum's numbers as its names.
fn names<T>(numbers: &PrimitiveArray<T>, values: &[EnumValue]) -> Result<ArrayRef, ArrowError>
where
    T: ArrowPrimitiveType,
    T::Native: Into<i16>,
{
    let key = |number: T::Native| {
        let found = values.binary_search_by_key(&number.into(), |value| value.value).ok();
        found.and_then(|index| i32::try_from(index).ok())
    };
    let keys: Int32Array = numbers.iter().map(|number| number.and_then(key)).collect();
    let names: StringArray = values.iter().map(|value| Some(value.name.as_str())).collect();
    Ok(Arc::new(DictionaryArray::<Int32Type>::try_new(keys, Arc::new(names))?))
}
