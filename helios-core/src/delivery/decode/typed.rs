//! What a path of a `JSON` that has a type of its own keeps.
//!
//! Measured on 26.7 and 26.9: ClickHouse converts whatever it can. In a `JSON(a UInt8)`, 1.5 and "7" become 1 and 7 and a null
//! becomes 0; in a `JSON(a Date)`, "2024-02-30" becomes the first of March.

use std::collections::HashMap;

use super::{
    column::Nodes,
    fault::{Checked, Fault, RejectKind},
    node::Node,
};
use crate::{
    Result,
    json::{Cursor, Number},
    warehouse::types::{DataType, typed_paths},
};

/// The paths, by their names joined by dots.
#[derive(Debug, Default)]
pub(super) struct TypedPaths(HashMap<String, (String, Typed)>);

/// The values of one path.
#[derive(Debug)]
enum Typed {
    Nullable(Box<Self>),
    List(Box<Self>),
    One(DataType, Box<Node>),
    /// Of a type with values that would be read back otherwise, or of which that is not known.
    Nothing,
}

impl TypedPaths {
    pub(super) fn of(arguments: &str) -> Result<Self> {
        let paths = typed_paths(arguments)?;
        let typed = |(path, data_type): (String, DataType)| {
            let name = data_type.to_string();
            (path, (name, Typed::of(data_type)))
        };
        Ok(Self(paths.into_iter().map(typed).collect()))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a path is above one that has a type: there ClickHouse has an object, whatever else is sent.
    pub(super) fn is_above(&self, path: &str) -> bool {
        let is_below = |typed: &String| typed.strip_prefix(path).is_some_and(|rest| rest.starts_with('.'));
        self.0.keys().any(is_below)
    }

    /// Passes over the value of a path. `false` if the path has no type of its own.
    pub(super) fn pass(&mut self, path: &str, cursor: &mut Cursor<'_>) -> Checked<bool> {
        let Some((name, typed)) = self.0.get_mut(path) else { return Ok(false) };
        let value = cursor.value()?;
        if typed.keeps(value)? {
            return Ok(true);
        }
        let message = if typed.is_unknown() {
            format!(
                "the path `{path}` of the JSON has the type {name}, of which Helios does not know what it keeps; give the path \
                 another type, or a column of its own"
            )
        } else {
            format!("the path `{path}` of the JSON has the type {name}, which would change the value")
        };
        Err(Fault::new(RejectKind::NotRepresentable, message).expecting(name, Some(value)))
    }
}

impl Typed {
    fn of(data_type: DataType) -> Self {
        match data_type {
            DataType::Nullable(inner) => Self::Nullable(Box::new(Self::of(*inner))),
            DataType::LowCardinality(inner) => Self::of(*inner),
            DataType::Array(element) => Self::List(Box::new(Self::of(*element))),
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
            | DataType::Enum16(_) => match Nodes::new(false).node(&data_type) {
                Some(node) => Self::One(data_type, Box::new(node)),
                None => Self::Nothing,
            },
            _ => Self::Nothing,
        }
    }

    fn is_unknown(&self) -> bool {
        match self {
            Self::Nullable(inner) | Self::List(inner) => inner.is_unknown(),
            Self::One(..) => false,
            Self::Nothing => true,
        }
    }

    /// Whether the value, which is JSON, is read back as it is written.
    fn keeps(&mut self, value: &str) -> Checked<bool> {
        match self {
            Self::Nullable(inner) => Ok(value == "null" || inner.keeps(value)?),
            Self::List(element) => {
                let mut cursor = Cursor::new(value);
                if cursor.peek() != b'[' {
                    return Ok(false);
                }
                let mut more = cursor.enter(b']')?;
                while more {
                    if !element.keeps(cursor.value()?)? {
                        return Ok(false);
                    }
                    more = cursor.more(b']')?;
                }
                Ok(true)
            }
            Self::One(data_type, node) => Ok(is_canonical(data_type, value) && node.only(value).is_some()),
            Self::Nothing => Ok(false),
        }
    }
}

/// Whether a value of the type is written as ClickHouse reads it, unchanged, in a `JSON`. Its range is another question.
fn is_canonical(data_type: &DataType, value: &str) -> bool {
    // Of -0 only a float with a fraction keeps the sign.
    let is_number = Number::parse(value).is_some_and(|number| {
        !number.negative || number.text.bytes().any(|byte| matches!(byte, b'1'..=b'9'))
    });
    let text = value.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    match data_type {
        DataType::Float { bits: 32 } => Number::parse(value).is_some_and(|number| is_float32(&number)),
        DataType::Int { .. } | DataType::UInt { .. } | DataType::Float { .. } | DataType::Decimal { .. } => {
            is_number
        }
        DataType::Bool => matches!(value, "true" | "false"),
        // With seconds: the same instant, as in a column of the type.
        DataType::DateTime { .. } | DataType::DateTime64 { .. } => {
            text.is_some_and(|text| text.len() >= 19 && matches!(text.as_bytes()[10], b' ' | b'T'))
        }
        DataType::Ipv6 => text.is_some_and(|text| {
            text.parse::<std::net::Ipv6Addr>().is_ok_and(|address| address.to_string() == text)
        }),
        DataType::Uuid => text.is_some_and(|text| !text.contains(|letter: char| letter.is_ascii_uppercase())),
        _ => text.is_some(),
    }
}

/// Whether the number is the one that its nearest Float32 is written as.
#[expect(clippy::cast_possible_truncation, reason = "that is the question")]
fn is_float32(number: &Number<'_>) -> bool {
    let Some(value) = number.to_f64() else { return false };
    let nearest = value as f32;
    nearest.is_finite() && nearest.to_string().parse() == Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_be_changed_is_refused() {
        for (data_type, kept, changed) in [
            ("UInt8", &["0", "255"][..], &["1.5", r#""7""#, "null", "300", "-1", "-0", "true", "[1]"][..]),
            ("Nullable(Int8)", &["null", "-1"], &[r#""x""#, "128"]),
            ("Float64", &["1", "0.1", "1e300"], &["9007199254740993", r#""nan""#, "NaN", "-Infinity", "-0"]),
            ("IPv6", &[r#""::1""#], &[r#""::0001""#, r#""2001:DB8::1""#, "1"]),
            ("Float32", &["1", "0.1", "-2.5"], &["0.123456789", "16777217", "1e300"]),
            ("Decimal(9, 2)", &["1.5", "-3"], &["1.555", r#""1.5""#, "-0.00"]),
            ("Bool", &["true"], &["1", r#""true""#]),
            ("String", &[r#""x""#, r#""""#], &["1", "{}", "null"]),
            ("Date", &[r#""2024-01-31""#], &[r#""2024-02-30""#, r#""2024-1-1""#, "19000", r#""1960-01-01""#]),
            (
                "DateTime('UTC')",
                &[r#""2024-01-31 10:00:00""#, r#""2024-01-31T10:00:00Z""#],
                &[r#""2024-01-31T10:00:00.5Z""#, "1700000000", r#""2024-01-31""#, r#""1700000000.00000000""#],
            ),
            (
                "DateTime64(3, 'UTC')",
                &[r#""2024-01-31 10:00:00.500""#, r#""2024-01-31T10:00:00.5+02:00""#],
                &[r#""2024-01-31 10:00:00.5001""#, r#""2024-02-31T10:00:00.500""#, "1700000000000"],
            ),
            (
                "UUID",
                &[r#""61f0c404-5cb3-11e7-907b-a6006ad3dba0""#],
                &[r#""61F0C404-5CB3-11E7-907B-A6006AD3DBA0""#, r#""x""#],
            ),
            ("Enum8('a' = 1)", &[r#""a""#], &[r#""b""#, "1"]),
            ("Array(Nullable(UInt8))", &["[]", "[1, null]"], &["1", "[1.5]", "null"]),
            ("Map(String, UInt8)", &[], &["{}"]),
        ] {
            let mut paths = TypedPaths::of(&format!("a.b {data_type}")).unwrap();
            let mut keeps = |value: &str| paths.pass("a.b", &mut Cursor::new(value));
            for value in kept {
                assert!(keeps(value).unwrap(), "{data_type}: {value}");
            }
            for value in changed {
                assert_eq!(
                    keeps(value).unwrap_err().kind,
                    RejectKind::NotRepresentable,
                    "{data_type}: {value}"
                );
            }
        }
        let paths = TypedPaths::of("a.b.c UInt8").unwrap();
        assert!(
            paths.is_above("a")
                && paths.is_above("a.b")
                && !paths.is_above("a.b.c")
                && !paths.is_above("a.x")
        );
        let mut paths = TypedPaths::of("a UInt8, SKIP b").unwrap();
        assert!(!paths.pass("b", &mut Cursor::new("1")).unwrap());
    }
}
