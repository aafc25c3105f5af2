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
