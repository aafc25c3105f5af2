//! A type for the values of two.

use crate::warehouse::types::{DataType, TupleField};

/// Every integer to so many bits is a 64-bit float.
const FLOAT_BITS: u16 = 32;
/// The precision of a time to the nanosecond.
const NANOSECONDS: u8 = 9;
/// The most digits of a `Decimal`.
const DECIMAL_DIGITS: u8 = 76;

/// A type that a column of the type `old` can be given, as ClickHouse converts what is stored to it without change, and
/// that takes values of the type `new` too; but for a [`risk`] that most stored values do not run. None if there is no such
/// type.
pub(crate) fn widen(old: &DataType, new: &DataType) -> Option<DataType> {
    if old == new {
        return Some(old.clone());
    }
    let (old_inner, new_inner) = (bare(old), bare(new));
    let nullable = old.is_nullable() || new.is_nullable();
    let inner = match (old_inner, new_inner) {
        (DataType::Array(old), DataType::Array(new)) => DataType::Array(Box::new(widen(old, new)?)),
        (DataType::Map(old_key, old), DataType::Map(new_key, new)) => {
            DataType::Map(Box::new(widen(old_key, new_key)?), Box::new(widen(old, new)?))
        }
        (DataType::Tuple(old), DataType::Tuple(new)) => DataType::Tuple(tuple(old, new)?),
        (old, new) if !is_scalar(old) || !is_scalar(new) => {
            return (old == new).then(|| old.clone());
        }
        (old, new) if old == new => old.clone(),
        // The zeros that fill it up would go, a time would be another one in another zone's clock, or digits would come.
        (DataType::FixedString { .. } | DataType::Float { bits: 32 }, new) if new != old_inner => {
            return None;
        }
        (
            DataType::DateTime { timezone: Some(zone) } | DataType::DateTime64 { timezone: Some(zone), .. },
            new,
        ) if zone != "UTC" && scalar(old_inner, new) == DataType::String => {
            return None;
        }
        (old, new) => scalar(old, new),
    };
    let is_low = matches!(old, DataType::LowCardinality(_)) && inner == DataType::String;
    let inner = if nullable && is_scalar(&inner) { DataType::Nullable(Box::new(inner)) } else { inner };
    Some(if is_low { DataType::LowCardinality(Box::new(inner)) } else { inner })
}

/// What may become of stored values on the way to a wider type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Risk {
    /// An integer beyond 2^53 would be rounded to a float.
    Rounding,
    /// A time beyond the year 2261 would not fit: to the nanosecond they end there.
    Range,
}

/// What may become of stored values between these types, the second of which is the wider.
pub(crate) fn risk(old: &DataType, wide: &DataType) -> Option<Risk> {
    match (bare(old), bare(wide)) {
        (DataType::Int { bits } | DataType::UInt { bits }, DataType::Float { .. }) if *bits > FLOAT_BITS => {
            Some(Risk::Rounding)
        }
        (
            DataType::DateTime64 { precision: ..NANOSECONDS, .. },
            DataType::DateTime64 { precision: NANOSECONDS, .. },
        ) => Some(Risk::Range),
        (DataType::Array(old), DataType::Array(wide)) => risk(old, wide),
        (DataType::Map(_, old), DataType::Map(_, wide)) => risk(old, wide),
        // What is new stands behind the others.
        (DataType::Tuple(old), DataType::Tuple(wide)) => {
            old.iter().zip(wide).find_map(|(old, wide)| risk(&old.data_type, &wide.data_type))
        }
        _ => None,
    }
}

/// The same type, without its null and its dictionary.
fn bare(data_type: &DataType) -> &DataType {
    match data_type {
        DataType::Nullable(inner) | DataType::LowCardinality(inner) => bare(inner),
        other => other,
    }
}

/// Whether a `Nullable` can be around it, and ClickHouse's text of it is the one that events have.
fn is_scalar(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Int { .. }
            | DataType::UInt { .. }
            | DataType::Float { .. }
            | DataType::Decimal { .. }
            | DataType::Bool
            | DataType::String
            | DataType::FixedString { .. }
            | DataType::Date
            | DataType::Date32
            | DataType::DateTime { .. }
            | DataType::DateTime64 { .. }
            | DataType::Uuid
            | DataType::Ipv4
            | DataType::Ipv6
            | DataType::Enum8(_)
            | DataType::Enum16(_)
    )
}

fn scalar(old: &DataType, new: &DataType) -> DataType {
    use DataType::{DateTime64, Decimal, Float, Int, UInt};

    if let (Some(old), Some(new)) = (Bits::of(old), Bits::of(new)) {
        return old.with(new);
    }
    match (old, new) {
        (Float { .. }, Float { .. } | Int { .. } | UInt { .. })
        | (Int { .. } | UInt { .. }, Float { .. }) => Float { bits: 64 },
        (Decimal { precision, scale }, Decimal { precision: new_precision, scale: new_scale }) => {
            let whole = (precision - scale).max(new_precision - new_scale);
            let scale = *scale.max(new_scale);
            let precision = whole.saturating_add(scale);
            if precision > DECIMAL_DIGITS { DataType::String } else { Decimal { precision, scale } }
        }
        (DateTime64 { precision, timezone }, DateTime64 { precision: new, .. }) => {
            DateTime64 { precision: *precision.max(new), timezone: timezone.clone() }
        }
        (DataType::DateTime { timezone }, DateTime64 { precision, .. }) => {
            DateTime64 { precision: *precision, timezone: timezone.clone() }
        }
        (DataType::Date, DataType::Date32) => DataType::Date32,
        (old, new) if old == new => old.clone(),
        _ => DataType::String,
    }
}

/// What integers need.
#[derive(Clone, Copy)]
struct Bits {
    signed: bool,
    /// Of the greatest, without a sign.
    most: u16,
}

impl Bits {
    fn of(data_type: &DataType) -> Option<Self> {
        match data_type {
            DataType::Int { bits } => Some(Self { signed: true, most: bits - 1 }),
            DataType::UInt { bits } => Some(Self { signed: false, most: *bits }),
            _ => None,
        }
    }

    /// The narrowest type for these and others; text if there is none.
    fn with(self, other: Self) -> DataType {
        let (signed, most) = (self.signed || other.signed, self.most.max(other.most));
        let bits = [8, 16, 32, 64, 128, 256].into_iter().find(|bits| bits - u16::from(signed) >= most);
        match bits {
            Some(bits) if signed => DataType::Int { bits },
            Some(bits) => DataType::UInt { bits },
            None => DataType::String,
        }
    }
}

/// The elements of both: those of the old one first, as that is what ClickHouse can convert.
fn tuple(old: &[TupleField], new: &[TupleField]) -> Option<Vec<TupleField>> {
    let names = |fields: &[TupleField]| fields.iter().all(|field| field.name.is_some());
    if !names(old) || !names(new) {
        return None;
    }
    let find = |fields: &[TupleField], name: &Option<String>| {
        fields.iter().find(|field| field.name == *name).map(|field| field.data_type.clone())
    };
    let mut fields = Vec::with_capacity(old.len());
    for TupleField { name, data_type } in old {
        let data_type = match find(new, name) {
            Some(new) => widen(data_type, &new)?,
            // What is new has none of it.
            None => or_null(data_type),
        };
        fields.push(TupleField { name: name.clone(), data_type });
    }
    let added = new.iter().filter(|field| find(old, &field.name).is_none());
    // What is stored has none of them.
    fields.extend(
        added.map(|field| TupleField { name: field.name.clone(), data_type: or_null(&field.data_type) }),
    );
    Some(fields)
}

/// The same type, with room for null where it can have it.
pub(crate) fn or_null(data_type: &DataType) -> DataType {
    match data_type {
        DataType::LowCardinality(inner) => DataType::LowCardinality(Box::new(or_null(inner))),
        // An absent one is one whose elements are absent.
        DataType::Tuple(fields) => {
            let field = |field: &TupleField| TupleField {
                name: field.name.clone(),
                data_type: or_null(&field.data_type),
            };
            DataType::Tuple(fields.iter().map(field).collect())
        }
        scalar if is_scalar(scalar) => DataType::Nullable(Box::new(scalar.clone())),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn widened(old: &str, new: &str) -> String {
        let widened = widen(&old.parse().unwrap(), &new.parse().unwrap());
        widened.map_or_else(|| "none".to_owned(), |data_type| data_type.to_string())
    }

    #[test]
    fn a_type_holds_what_both_hold() {
        for (old, new, wide) in [
            ("UInt8", "UInt64", "UInt64"),
            ("UInt64", "UInt8", "UInt64"),
            ("UInt64", "Int64", "Int128"),
            ("Int64", "UInt64", "Int128"),
            ("Int64", "UInt32", "Int64"),
            ("UInt256", "Int8", "String"),
            ("Int32", "Float64", "Float64"),
            ("UInt64", "Float64", "Float64"),
            ("Float32", "Float64", "none"),
            ("Float32", "Nullable(Float32)", "Nullable(Float32)"),
            ("FixedString(2)", "String", "none"),
            ("DateTime('Europe/Berlin')", "String", "none"),
            ("DateTime('UTC')", "String", "String"),
            ("UInt64", "Nullable(String)", "Nullable(String)"),
            ("Nullable(UInt8)", "UInt16", "Nullable(UInt16)"),
            ("UInt8", "Nullable(UInt8)", "Nullable(UInt8)"),
            ("Decimal(9, 2)", "Decimal(18, 6)", "Decimal(18, 6)"),
            ("Decimal(20, 2)", "Decimal(10, 9)", "Decimal(27, 9)"),
            ("Decimal(76, 0)", "Decimal(10, 9)", "String"),
            ("DateTime64(3, 'Asia/Tokyo')", "DateTime64(6)", "DateTime64(6, 'Asia/Tokyo')"),
            ("DateTime", "DateTime64(3)", "DateTime64(3)"),
            ("Date", "DateTime64(3)", "String"),
            ("UUID", "String", "String"),
            ("Bool", "UInt8", "String"),
            ("LowCardinality(String)", "UInt8", "LowCardinality(String)"),
            ("LowCardinality(String)", "Nullable(UInt8)", "LowCardinality(Nullable(String))"),
            ("Enum8('a' = 1)", "String", "String"),
            ("Array(UInt8)", "Array(Nullable(Int8))", "Array(Nullable(Int16))"),
            ("Map(String, UInt8)", "Map(String, String)", "Map(String, String)"),
            (
                "Tuple(a UInt8, b String)",
                "Tuple(b Nullable(String), c Array(UInt8), d Bool)",
                "Tuple(a Nullable(UInt8), b Nullable(String), c Array(UInt8), d Nullable(Bool))",
            ),
            (
                "Array(Tuple(a UInt8, t Tuple(x Array(UInt8), y LowCardinality(String))))",
                "Array(Tuple(a UInt8))",
                "Array(Tuple(a UInt8, t Tuple(x Array(UInt8), y LowCardinality(Nullable(String)))))",
            ),
            ("Tuple(UInt8)", "Tuple(a UInt8)", "none"),
            ("Array(UInt8)", "String", "none"),
            ("JSON", "Nullable(String)", "none"),
            ("UInt8", "Array(UInt8)", "none"),
            ("Map(String, UInt8)", "Map(String, Array(UInt8))", "none"),
        ] {
            assert_eq!(widened(old, new), wide, "{old} and {new}");
        }
    }

    #[test]
    fn what_may_be_lost_on_the_way_is_known() {
        for (old, wide, expected) in [
            ("UInt64", "Float64", Some(Risk::Rounding)),
            ("Nullable(Int64)", "Nullable(Float64)", Some(Risk::Rounding)),
            ("Array(UInt64)", "Array(Float64)", Some(Risk::Rounding)),
            ("Map(String, Int128)", "Map(String, Float64)", Some(Risk::Rounding)),
            ("Tuple(a UInt8, b UInt64)", "Tuple(a UInt8, b Float64, c UInt8)", Some(Risk::Rounding)),
            ("DateTime64(3)", "DateTime64(9)", Some(Risk::Range)),
            ("DateTime64(3)", "DateTime64(6)", None),
            ("DateTime64(9)", "DateTime64(9)", None),
            ("DateTime", "DateTime64(9)", None),
            ("Int32", "Float64", None),
            ("Float32", "Float64", None),
            ("UInt64", "String", None),
        ] {
            assert_eq!(risk(&old.parse().unwrap(), &wide.parse().unwrap()), expected, "{old} to {wide}");
        }
    }
}
