//! From what was observed to a type, and why it is not a narrower one.

use std::fmt;

use super::{
    kind::{Family, Kind},
    observe::{Numbers, Observed},
};

/// A type, before nulls are considered.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Decision {
    pub(super) data_type: String,
    pub(super) form: Form,
    pub(super) why: String,
}

/// How a type holds its values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Scalars, each in one way.
    Scalar,
    /// An array or object, for which an empty one stands where the value is missing.
    Nested,
    /// A `String` with the JSON text of what is not a scalar.
    JsonText,
}

impl Decision {
    fn scalar(data_type: impl Into<String>, why: impl Into<String>) -> Self {
        Self { data_type: data_type.into(), form: Form::Scalar, why: why.into() }
    }

    fn nested(data_type: impl Into<String>, why: impl Into<String>) -> Self {
        Self { data_type: data_type.into(), form: Form::Nested, why: why.into() }
    }

    pub(super) fn json_text(why: impl fmt::Display) -> Self {
        Self { data_type: "String".into(), form: Form::JsonText, why: format!("{why}: kept as JSON text") }
    }

    /// The type with room for nulls, where ClickHouse has it.
    pub(super) fn nullable(&self) -> String {
        match self.form {
            Form::Scalar | Form::JsonText => format!("Nullable({})", self.data_type),
            Form::Nested => self.data_type.clone(),
        }
    }
}

/// The type that every observed value fits without change.
pub(super) fn decide(observed: &Observed) -> Decision {
    let mut families: Vec<Family> = observed.kinds.keys().map(|kind| kind.family()).collect();
    families.dedup();
    match families.as_slice() {
        [] => Decision::scalar("String", "no value was seen"),
        [Family::Bool] => Decision::scalar("Bool", "only true and false"),
        [Family::Number] => number(observed),
        [Family::String] => string(observed),
        [Family::Array] => array(observed),
        [Family::Object] => object(observed),
        mixed if mixed.contains(&Family::Array) || mixed.contains(&Family::Object) => {
            Decision::json_text(format_args!("no other type holds {}", Mix(observed)))
        }
        _ => Decision::scalar("String", format!("no other type holds {}: kept as text", Mix(observed))),
    }
}

fn number(observed: &Observed) -> Decision {
    let numbers = &observed.numbers;
    if !observed.kinds.contains_key(&Kind::Float) {
        return integer(numbers);
    }
    if numbers.inexact_float {
        return Decision::scalar("String", "a 64-bit float would alter some of the numbers: kept as text");
    }
    match observed.kinds.get(&Kind::Integer) {
        None => Decision::scalar("Float64", "numbers with a point or an exponent"),
        Some(_) if numbers.inexact_integer => {
            Decision::scalar("String", "floats, and integers that a 64-bit float would alter: kept as text")
        }
        Some(count) => {
            Decision::scalar("Float64", format!("floats, and {count} integers that a float holds exactly"))
        }
    }
}

/// At least 64 bits: the sample does not show the largest value to come.
fn integer(numbers: &Numbers) -> Decision {
    let signed = numbers.negative_bits > 0;
    let types = if signed {
        [(63, "Int64"), (127, "Int128"), (255, "Int256")]
    } else {
        [(64, "UInt64"), (128, "UInt128"), (256, "UInt256")]
    };
    let sign = if signed { "integers, some negative" } else { "integers, none negative" };
    let bits = numbers.bits.max(numbers.negative_bits);
    match types.iter().position(|(room, _)| bits <= *room).map(|index| (index, types[index].1)) {
        Some((0, name)) => {
            Decision::scalar(name, format!("{sign}; not narrower, for the next may be larger"))
        }
        Some((_, name)) => Decision::scalar(name, format!("{sign}; 64 bits do not hold all")),
        None => Decision::scalar("String", format!("{sign}; 256 bits do not hold all: kept as text")),
    }
}

fn string(observed: &Observed) -> Decision {
    let mut kinds = observed.kinds.keys();
    match (kinds.next(), kinds.next()) {
        (Some(Kind::Uuid), None) => Decision::scalar("UUID", "all canonical UUIDs"),
        (Some(Kind::Ipv4), None) => Decision::scalar("IPv4", "all canonical IPv4 addresses"),
        (Some(Kind::Ipv6), None) => Decision::scalar("IPv6", "all canonical IPv6 addresses"),
        (Some(Kind::Date), None) => {
            Decision::scalar("Date32", "all ISO 8601 dates; Date would begin at 1970")
        }
        (Some(Kind::Timestamp), None) => timestamp(observed),
        // `DateTime64(3, 'UTC')` would hold the digits and claim an instant that the producer never named; answers
        // would then carry an offset that is wrong wherever the producer's clock was not UTC. Whoever knows that it
        // was has one word to change.
        (Some(Kind::LocalTimestamp), None) => Decision::scalar(
            "String",
            "timestamps without a zone name no instant; if they are UTC, DateTime64 with 'UTC' fits",
        ),
        (Some(Kind::NumericString), None) => {
            Decision::scalar("String", "numbers in quotes stay text: \"007\" is not 7")
        }
        (Some(Kind::String | Kind::EmptyString), None) => {
            Decision::scalar("String", "strings of no narrower form")
        }
        _ => Decision::scalar("String", format!("no narrower type holds {}", Mix(observed))),
    }
}

/// Offsets are turned into UTC: the instant is kept, the wall clock of the producer is not.
fn timestamp(observed: &Observed) -> Decision {
    let precision = match observed.fraction_digits {
        0..=3 => 3,
        4..=6 => 6,
        _ => 9,
    };
    // Nanoseconds are counted in 64 bits, which end in the year 2262.
    let fits = |instant: jiff::Timestamp| precision < 9 || i64::try_from(instant.as_nanosecond()).is_ok();
    if observed.span.is_some_and(|(first, last)| fits(first) && fits(last)) {
        let why =
            format!("all ISO 8601 timestamps with their offset, to {} digits", observed.fraction_digits);
        Decision::scalar(format!("DateTime64({precision}, 'UTC')"), why)
    } else {
        Decision::scalar("String", "timestamps to the nanosecond, some beyond the year 2262: kept as text")
    }
}

fn array(observed: &Observed) -> Decision {
    let Some(elements) = &observed.elements else {
        return Decision::nested("Array(String)", "only empty arrays");
    };
    let element = decide(elements);
    match element.form {
        Form::Scalar if elements.null > 0 => Decision::nested(
            format!("Array({})", element.nullable()),
            format!("some elements null, else {}", element.why),
        ),
        Form::Nested if elements.null > 0 => {
            Decision::json_text("some elements are null, which no array of arrays or objects holds")
        }
        Form::Scalar | Form::Nested => {
            Decision::nested(format!("Array({})", element.data_type), format!("elements: {}", element.why))
        }
        Form::JsonText => Decision { why: format!("elements: {}", element.why), ..element },
    }
}

fn object(observed: &Observed) -> Decision {
    match observed.hazard {
        Some(hazard) => Decision::json_text(hazard),
        None => Decision::nested("JSON", "objects, whatever their keys"),
    }
}

/// `3 × integer, 1 × string`.
struct Mix<'a>(&'a Observed);

impl fmt::Display for Mix<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (kind, count)) in self.0.kinds.iter().enumerate() {
            write!(f, "{}{count} × {kind}", if index == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use crate::schema::infer;

    /// The type of `v` over events with these values; `-` leaves the key out.
    pub(in crate::schema) fn type_of(values: &[&str]) -> String {
        let event =
            |value: &&str| if *value == "-" { "{}".to_owned() } else { format!(r#"{{"v":{value}}}"#) };
        let events: Vec<_> = values.iter().map(event).collect();
        let inference = infer(events.iter().map(String::as_bytes));
        assert_eq!(inference.unreadable, 0, "{values:?}");
        assert_eq!(inference.columns.len(), 1, "{values:?}");
        assert!(!inference.evidence[0].why.is_empty());
        inference.columns[0].data_type.clone()
    }

    #[test]
    fn scalars() {
        for (values, expected) in [
            (&["true", "false"][..], "Bool"),
            (&["0", "255"], "UInt64"),
            (&["18446744073709551615"], "UInt64"),
            (&["9007199254740993"], "UInt64"),
            (&["1", "-1"], "Int64"),
            (&["-1", "9223372036854775808"], "Int128"),
            (&["-1", "18446744073709551616"], "Int128"),
            (&["18446744073709551616"], "UInt128"),
            (&["340282366920938463463374607431768211456"], "UInt256"),
            (&["-1", "340282366920938463463374607431768211456"], "Int256"),
            (&["1e2", "1.5"], "Float64"),
            (&["1", "1.5", "-3"], "Float64"),
            (&["-0", "1"], "Float64"),
            (&["9007199254740993", "1.5"], "String"),
            (&["1e400"], "String"),
            (&["3.14159265358979323846"], "String"),
            (&["1700000000000"], "UInt64"),
            (&["true", "1"], "String"),
            (&["1", "\"1\""], "String"),
            (&["true", "\"true\""], "String"),
        ] {
            assert_eq!(type_of(values), expected, "{values:?}");
        }
        assert_eq!(type_of(&["1".repeat(90).as_str()]), "String");
        assert_eq!(type_of(&["-1", "1".repeat(77).as_str()]), "Int256");
        assert_eq!(type_of(&["-1", "9".repeat(77).as_str()]), "String");
    }

    #[test]
    fn strings() {
        const UUID: &str = r#""0190b7c5-8a3e-7c21-9d4f-2b6f0e1a9c33""#;
        for (values, expected) in [
            (&[r#""a""#, r#""b""#][..], "String"),
            (&[r#""007""#], "String"),
            (&[r#""12""#, r#""13""#], "String"),
            (&[r#""""#], "String"),
            (&[UUID], "UUID"),
            (&[UUID, r#""""#], "String"),
            (&[UUID, r#""0190B7C5-8A3E-7C21-9D4F-2B6F0E1A9C33""#], "String"),
            (&[r#""10.0.0.1""#], "IPv4"),
            (&[r#""2001:db8::1""#], "IPv6"),
            (&[r#""10.0.0.1""#, r#""2001:db8::1""#], "String"),
            (&[r#""2026-01-31""#], "Date32"),
            (&[r#""2026-01-31""#, r#""2026-01-31T00:00:00Z""#], "String"),
            (&[r#""2026-01-31T00:00:00Z""#], "DateTime64(3, 'UTC')"),
            (&[r#""2026-01-31T00:00:00Z""#, r#""2026-01-31 00:00:00.1234+02:00""#], "DateTime64(6, 'UTC')"),
            (&[r#""2026-01-31T00:00:00.123Z""#, r#""2026-01-31T00:00:00.1234567Z""#], "DateTime64(9, 'UTC')"),
            (&[r#""2290-01-31T00:00:00.123456Z""#], "DateTime64(6, 'UTC')"),
            (&[r#""2290-01-31T00:00:00Z""#, r#""2026-01-31T00:00:00.1234567Z""#], "String"),
            (&[r#""1899-01-31T00:00:00Z""#], "String"),
            (&[r#""2026-01-31T00:00:00""#], "String"),
            (&[r#""2026-01-31T00:00:00Z""#, r#""2026-01-31T00:00:00""#], "String"),
            (&[r#""2026-01-31T00:00:00Z""#, r#""""#], "String"),
            (&[r#""2026-01-31""#, "20260131"], "String"),
        ] {
            assert_eq!(type_of(values), expected, "{values:?}");
        }
    }

    #[test]
    fn nullable_only_where_a_value_was_missing() {
        for (values, expected) in [
            (&["1", "null"][..], "Nullable(UInt64)"),
            (&["1", "-"], "Nullable(UInt64)"),
            (&["null", "null"], "Nullable(String)"),
            (&["true", "null", "1.5"], "Nullable(String)"),
            (&[r#""2026-01-31T00:00:00Z""#, "null"], "Nullable(DateTime64(3, 'UTC'))"),
            (&["[1]", "null"], "Array(UInt64)"),
            (&["[1]", "-"], "Array(UInt64)"),
            (&["{}", "null"], "JSON"),
            (&["{}", "-"], "JSON"),
            (&["{}", "1", "null"], "Nullable(String)"),
        ] {
            assert_eq!(type_of(values), expected, "{values:?}");
        }
    }

    #[test]
    fn arrays_and_objects() {
        for (values, expected) in [
            (&["[]"][..], "Array(String)"),
            (&["[1,2]", "[]"], "Array(UInt64)"),
            (&["[1,2]", "[-1.5]"], "Array(Float64)"),
            (&["[1,null]"], "Array(Nullable(UInt64))"),
            (&["[null]", "[]"], "Array(Nullable(String))"),
            (&[r#"["a",1,true]"#], "Array(String)"),
            (&[r#"["a",null,1]"#], "Array(Nullable(String))"),
            (&["[[1],[]]", "[]"], "Array(Array(UInt64))"),
            (&[r#"[[1,"a"]]"#], "Array(Array(String))"),
            (&["[[]]"], "Array(Array(String))"),
            (&["[[1],null]"], "String"),
            (&["[[1],1]"], "String"),
            (&["[{\"a\":1},{}]"], "Array(JSON)"),
            (&["[{\"a\":1},null]"], "String"),
            (&["[{\"a\":1},1]"], "String"),
            (&["[{\"a.b\":1}]"], "String"),
            (&["[[{\"a\":1,\"a\":2}]]"], "String"),
            (&["[1]", "1"], "String"),
            (&["[1]", "{}"], "String"),
            (&["{}"], "JSON"),
            (&[r#"{"a":1}"#, r#"{"a":{"b":[]}}"#], "JSON"),
            (&[r#"{"a":1}"#, r#"{"a.b":1}"#], "String"),
            (&[r#"{"a":1}"#, r#"{"a":18446744073709551616}"#], "String"),
            (&[r#"{"a":1}"#, "\"x\""], "String"),
        ] {
            assert_eq!(type_of(values), expected, "{values:?}");
        }
        let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert_eq!(type_of(&[&deep(3)]), "Array(Array(Array(String)))");
        assert_eq!(type_of(&[&deep(100_000)]), "String");
    }
}
