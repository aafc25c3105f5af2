//! From what was observed to a type, and why it is not a narrower one.

use std::fmt;

use super::{
    fields::{Field, Fields},
    hazard::Hazard,
    kind::{Family, Kind},
    observe::{Digits, Numbers, Objects, Observed},
    options::{Decimals, InferOptions, Integers, ObjectTypes},
    text,
};
use crate::{
    column_names::can_be_element,
    warehouse::types::{DataType, TupleField},
};

/// From how many objects on, all of the same keys, their shape counts as stable.
const STABLE_OBJECTS: u64 = 50;
/// A wider object is no tuple: its parts could hardly be written by hand.
const TUPLE_FIELDS: usize = 64;
/// From how many different keys on they may be data.
const DATA_KEYS: usize = 20;
/// Keys are data if an object has at most this part of them.
const DATA_SHARE: u64 = 4;

/// Lists within lists, at most: what is nested deeper is no table's type.
const MAX_LISTS: usize = 16;

/// A type, before nulls are considered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Decision {
    pub(super) data_type: DataType,
    pub(super) form: Form,
    pub(super) why: String,
}

/// How a type holds its values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Scalars, each in one way.
    Scalar,
    /// An array, a map or a `JSON`, which is empty where the value is missing.
    Nested,
    /// A tuple, which cannot be missing.
    Tuple,
    /// A `String` with the values' own text, as no other type holds them all.
    Text,
    /// A `String` with the JSON text of what is not a scalar.
    JsonText,
}

impl Decision {
    fn scalar(data_type: DataType, why: impl Into<String>) -> Self {
        Self { data_type, form: Form::Scalar, why: why.into() }
    }

    fn nested(data_type: DataType, why: impl Into<String>) -> Self {
        Self { data_type, form: Form::Nested, why: why.into() }
    }

    fn text(why: impl fmt::Display) -> Self {
        Self { data_type: DataType::String, form: Form::Text, why: format!("{why}: kept as text") }
    }

    pub(super) fn json_text(why: impl fmt::Display) -> Self {
        Self { data_type: DataType::String, form: Form::JsonText, why: format!("{why}: kept as JSON text") }
    }

    /// The type with room for nulls, where ClickHouse has it.
    pub(super) fn nullable(&self) -> DataType {
        match self.form {
            Form::Scalar | Form::Text | Form::JsonText => {
                DataType::Nullable(Box::new(self.data_type.clone()))
            }
            Form::Nested | Form::Tuple => self.data_type.clone(),
        }
    }
}

/// The type that every observed value fits without change. `missing` says whether there was none in some events.
pub(super) fn decide(observed: &Observed, missing: bool, options: &InferOptions) -> Decision {
    let mut families: Vec<Family> = observed.kinds().map(|(kind, _)| kind.family()).collect();
    families.dedup();
    match families.as_slice() {
        [] => Decision::scalar(DataType::String, "no value was seen"),
        [Family::Bool] => Decision::scalar(DataType::Bool, "only true and false"),
        [Family::Number] => number(observed, options),
        [Family::String] => string(observed, options),
        [Family::Array] => array(observed, options),
        [Family::Object] => object(observed, missing, options),
        mixed if mixed.contains(&Family::Array) || mixed.contains(&Family::Object) => {
            Decision::json_text(format_args!("no other type holds {}", Mix(observed)))
        }
        _ => Decision::text(format_args!("no other type holds {}", Mix(observed))),
    }
}

fn number(observed: &Observed, options: &InferOptions) -> Decision {
    let numbers = &observed.numbers;
    let integers = observed.of_kind(Kind::Integer);
    if observed.of_kind(Kind::Float) == 0 {
        return integer(numbers, options);
    }
    if options.decimals == Decimals::Decimal
        && let Some(decision) = decimal(numbers.digits, integers > 0, numbers)
    {
        return decision;
    }
    if numbers.inexact_float {
        return Decision::text("a 64-bit float would alter some of the numbers");
    }
    match integers {
        0 => Decision::scalar(DataType::Float { bits: 64 }, "numbers with a point or an exponent"),
        _ if numbers.inexact_integer => {
            Decision::text("floats, and integers that a 64-bit float would alter")
        }
        count => Decision::scalar(
            DataType::Float { bits: 64 },
            format!("floats, and {count} integers that a float holds exactly"),
        ),
    }
}

/// As many places as were seen, and room for larger numbers.
fn decimal(digits: Digits, integers: bool, numbers: &Numbers) -> Option<Decision> {
    let whole = match numbers.integers {
        _ if numbers.bits.max(numbers.negative_bits) > 64 => return None,
        Some((least, greatest)) if integers => {
            let most = least.unsigned_abs().max(greatest.unsigned_abs());
            digits.whole.max(most.checked_ilog10().map_or(1, |power| power + 1))
        }
        _ => digits.whole,
    };
    let precision = [18, 38, 76].into_iter().find(|precision| whole + digits.fraction < *precision);
    let (precision, scale) = (u8::try_from(precision?).ok()?, u8::try_from(digits.fraction).ok()?);
    let why = format!("decimal numbers with at most {scale} places");
    (!digits.odd).then(|| Decision::scalar(DataType::Decimal { precision, scale }, why))
}

fn integer(numbers: &Numbers, options: &InferOptions) -> Decision {
    let signed = numbers.negative_bits > 0;
    let sign = if signed { "integers, some negative" } else { "integers, none negative" };
    if options.integers == Integers::Narrow
        && let Some((bits, span)) = narrow(numbers, signed)
    {
        let data_type = if signed { DataType::Int { bits } } else { DataType::UInt { bits } };
        return Decision::scalar(data_type, format!("{sign}; {span}"));
    }
    // At least 64 bits: the sample does not show the largest value to come.
    let widths: [(u16, u16); 3] =
        if signed { [(63, 64), (127, 128), (255, 256)] } else { [(64, 64), (128, 128), (256, 256)] };
    let needed = numbers.bits.max(numbers.negative_bits);
    let Some((_, bits)) = widths.into_iter().find(|(room, _)| needed <= *room) else {
        return Decision::text(format_args!("{sign}; 256 bits do not hold all"));
    };
    let data_type = if signed { DataType::Int { bits } } else { DataType::UInt { bits } };
    let why = if bits == 64 { "not narrower, for the next may be larger" } else { "64 bits do not hold all" };
    Decision::scalar(data_type, format!("{sign}; {why}"))
}

fn narrow(numbers: &Numbers, signed: bool) -> Option<(u16, String)> {
    let (least, greatest) = numbers.integers.filter(|_| numbers.bits.max(numbers.negative_bits) <= 64)?;
    let fits = |bits: &u16| {
        if signed {
            let half = 1_i128 << (bits - 1);
            -half <= least && greatest < half
        } else {
            greatest < 1_i128 << bits
        }
    };
    let bits = [8, 16, 32, 64].into_iter().find(fits)?;
    Some((bits, format!("from {least} to {greatest}")))
}

fn string(observed: &Observed, options: &InferOptions) -> Decision {
    let mut kinds = observed.kinds().map(|(kind, _)| kind);
    let why = match (kinds.next(), kinds.next()) {
        (Some(Kind::Uuid), None) => return Decision::scalar(DataType::Uuid, "all canonical UUIDs"),
        (Some(Kind::Ipv4), None) => return Decision::scalar(DataType::Ipv4, "all canonical IPv4 addresses"),
        (Some(Kind::Ipv6), None) => return Decision::scalar(DataType::Ipv6, "all canonical IPv6 addresses"),
        (Some(Kind::Date), None) => return date(observed, options),
        (Some(Kind::Timestamp), None) => return timestamp(observed, options),
        (Some(Kind::NumericString), None) => {
            if options.decimals == Decimals::Decimal
                && let Some(decision) = decimal(observed.quoted, false, &Numbers::default())
            {
                return decision;
            }
            "numbers in quotes stay text: \"007\" is not 7"
        }
        // `DateTime64(3, 'UTC')` would hold the digits and claim an instant that the producer never named; answers
        // would then carry an offset that is wrong wherever the producer's clock was not UTC.
        (Some(Kind::LocalTimestamp), None) => "timestamps without a zone name no instant",
        (Some(Kind::MailTimestamp), None) => "timestamps of RFC 2822 are kept as they are written",
        (Some(Kind::String | Kind::EmptyString), None) => "strings of no narrower form",
        _ => return Decision::scalar(DataType::String, format!("no narrower type holds {}", Mix(observed))),
    };
    Decision::scalar(DataType::String, why)
}

fn date(observed: &Observed, options: &InferOptions) -> Decision {
    let from_1970 = observed.span.is_some_and(|(first, last)| first.0 >= 0 && last.0 < LAST_DATE);
    if options.integers == Integers::Narrow && from_1970 {
        return Decision::scalar(DataType::Date, "all ISO 8601 dates, from 1970 on");
    }
    Decision::scalar(DataType::Date32, "all ISO 8601 dates; Date would begin at 1970")
}

/// 2149-06-06 and 2106-02-07 06:28:15 in seconds.
const LAST_DATE: i64 = 65_536 * 86_400;
const LAST_DATETIME: i64 = 4_294_967_296;

/// Offsets are turned into UTC: the instant is kept, the wall clock of the producer is not.
fn timestamp(observed: &Observed, options: &InferOptions) -> Decision {
    let timezone = Some("UTC".to_owned());
    let (first, last) = observed.span.unwrap_or_default();
    let digits = observed.fraction_digits;
    let why = format!("all ISO 8601 timestamps with their offset, to {digits} digits");
    if options.integers == Integers::Narrow && digits == 0 && first.0 >= 0 && last.0 < LAST_DATETIME {
        return Decision::scalar(DataType::DateTime { timezone }, why);
    }
    let precision = precision(digits);
    // Nanoseconds are counted in 64 bits, which end in the year 2262.
    let fits = |(seconds, nanoseconds): text::Instant| {
        precision < 9
            || seconds.checked_mul(1_000_000_000).and_then(|all| all.checked_add(nanoseconds)).is_some()
    };
    if fits(first) && fits(last) {
        Decision::scalar(DataType::DateTime64 { precision, timezone }, why)
    } else {
        Decision::text("timestamps to the nanosecond, some beyond the year 2262")
    }
}

/// The digits of a second that a `DateTime64` has for so many that were seen.
pub(super) const fn precision(digits: u8) -> u8 {
    match digits {
        0..=3 => 3,
        4..=6 => 6,
        _ => 9,
    }
}

fn array(observed: &Observed, options: &InferOptions) -> Decision {
    let list = |element: DataType| DataType::Array(Box::new(element));
    let Some(elements) = &observed.elements else {
        return Decision::nested(list(DataType::String), "only empty arrays");
    };
    let element = decide(elements, elements.null > 0, options);
    let nulls = elements.null > 0;
    match element.form {
        Form::Scalar | Form::Text if nulls => {
            Decision::nested(list(element.nullable()), format!("some elements null, else {}", element.why))
        }
        Form::Nested | Form::Tuple if nulls => {
            Decision::json_text("some elements are null, which no array of arrays or objects holds")
        }
        _ if levels(&element.data_type) == MAX_LISTS => {
            Decision::json_text(format_args!("lists nested deeper than {MAX_LISTS} levels"))
        }
        Form::Scalar | Form::Text | Form::Nested | Form::Tuple => {
            Decision::nested(list(element.data_type), format!("elements: {}", element.why))
        }
        Form::JsonText => Decision { why: format!("elements: {}", element.why), ..element },
    }
}

/// How many lists within lists a type is.
fn levels(data_type: &DataType) -> usize {
    match data_type {
        DataType::Array(element) => 1 + levels(element),
        _ => 0,
    }
}

fn object(observed: &Observed, missing: bool, options: &InferOptions) -> Decision {
    if options.objects == ObjectTypes::Text {
        return Decision::json_text("objects, as was asked for");
    }
    if matches!(options.objects, ObjectTypes::Auto | ObjectTypes::Flatten)
        && observed.hazard != Some(Hazard::DuplicateKey)
    {
        let count = observed.of_kind(Kind::Object);
        let decision = match observed.objects.as_deref() {
            Some(Objects::Named(fields)) if !missing => {
                tuple(fields, count, options).or_else(|| map(fields, count, options))
            }
            Some(Objects::Named(fields)) => map(fields, count, options),
            Some(Objects::Keyed(values)) => map_of(values, "more keys than names could be", options),
            _ => None,
        };
        if let Some(decision) = decision {
            return decision;
        }
    }
    match observed.hazard {
        Some(hazard) => Decision::json_text(hazard),
        None => Decision::nested(DataType::Json(None), "objects, whatever their keys"),
    }
}

/// A tuple, if the shape is stable: enough objects, all with the same keys.
fn tuple(fields: &Fields<Observed>, objects: u64, options: &InferOptions) -> Option<Decision> {
    let always = |field: &Field<Observed>| field.seen.present() + field.seen.null == objects;
    let is_stable = objects >= STABLE_OBJECTS
        && (1..=TUPLE_FIELDS).contains(&fields.len())
        && fields.iter().all(|field| always(field) && can_be_element(&field.name));
    if !is_stable {
        return None;
    }
    let element = |field: &&Field<Observed>| {
        let nulls = field.seen.null > 0;
        let decision = decide(&field.seen, nulls, options);
        let data_type = if nulls { decision.nullable() } else { decision.data_type };
        TupleField { name: Some(field.name.to_string()), data_type }
    };
    let elements: Vec<_> = fields.sorted().iter().map(element).collect();
    let why = format!("{objects} objects, all with the same {} keys", elements.len());
    Some(Decision { data_type: DataType::Tuple(elements), form: Form::Tuple, why })
}

/// The fields of objects, if there is nothing but objects, and their keys are names.
pub(super) fn part_names<'a>(
    observed: &'a Observed,
    options: &InferOptions,
) -> Option<Vec<&'a Field<Observed>>> {
    let count = observed.of_kind(Kind::Object);
    match observed.objects.as_deref() {
        Some(Objects::Named(fields))
            if count == observed.present()
                && fields.len() > 0
                && observed.hazard != Some(Hazard::DuplicateKey)
                && map(fields, count, options).is_none() =>
        {
            Some(fields.sorted())
        }
        _ => None,
    }
}

/// A map, if the keys are data: many of them, and few in each object.
fn map(fields: &Fields<Observed>, objects: u64, options: &InferOptions) -> Option<Decision> {
    let keys = fields.len() as u64;
    let members: u64 = fields.iter().map(|field| field.seen.present() + field.seen.null).sum();
    if fields.len() < DATA_KEYS || members * DATA_SHARE > keys * objects {
        return None;
    }
    let mut values = Observed::default();
    for field in fields.sorted() {
        values.merge(field.seen.clone());
    }
    map_of(
        &values,
        &format!("{keys} different keys, but {} in an object", members.div_ceil(objects.max(1))),
        options,
    )
}

fn map_of(values: &Observed, why: &str, options: &InferOptions) -> Option<Decision> {
    let value = decide(values, true, options);
    let data_type = match value.form {
        Form::Scalar if values.null > 0 => value.nullable(),
        Form::Scalar => value.data_type,
        Form::Nested if values.null == 0 && matches!(value.data_type, DataType::Array(_)) => value.data_type,
        // Values of all sorts are no data of one sort.
        Form::Nested | Form::Tuple | Form::Text | Form::JsonText => return None,
    };
    let map = DataType::Map(Box::new(DataType::String), Box::new(data_type));
    Some(Decision::nested(map, format!("{why}: they are data; values: {}", value.why)))
}

/// `3 × integer, 1 × string`.
pub(super) struct Mix<'a>(pub(super) &'a Observed);

impl fmt::Display for Mix<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (kind, count)) in self.0.kinds().enumerate() {
            write!(f, "{}{count} × {kind}", if index == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}
#[cfg(test)]
pub(super) mod tests {
    use crate::schema::{InferOptions, Observation, hazard::Hazard, infer};

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
            (&["1", "NaN"], "Float64"),
            (&["9007199254740993", "-Infinity"], "String"),
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
        assert_eq!(type_of(&[&deep(16)]), format!("{}String{}", "Array(".repeat(16), ")".repeat(16)));
        assert_eq!(type_of(&[&deep(17)]), "String");
        assert_eq!(type_of(&[&deep(63)]), "String");
    }

    #[test]
    fn json_keeps_ordinary_objects() {
        for object in [
            "{}",
            r#"{"a":{"b":{"c":[1,2,{"d":"x"}]}},"e":null,"f":[true,null,false],"":1}"#,
            r#"{"a":18446744073709551615,"b":-9223372036854775808,"c":0.1}"#,
            r#"{"a":[1,2.5],"b":[9007199254740993,1],"c":true,"d":1}"#,
            r#"{"a":[{"b":true},{"b":1}]}"#,
            r#"{"a":{"b":1},"b":{"b":2}}"#,
        ] {
            assert_eq!(type_of(&[object]), "JSON", "{object}");
        }
    }

    #[test]
    fn json_would_alter_these() {
        let nested = |open: &str, close: &str, levels: usize| {
            format!(r#"{{"a":{}1{}}}"#, open.repeat(levels), close.repeat(levels))
        };
        let (lists, objects) = (nested("[", "]", 33), nested(r#"{"a":"#, "}", 33));
        let wide: Vec<_> = (0..300).map(|at| format!(r#""k{at}":1"#)).collect();
        let wide_twice = format!("{{{},{}}}", wide.join(","), r#""k299":1"#);
        for (object, hazard) in [
            (r#"{"a":1,"a":1}"#, Hazard::DuplicateKey),
            (r#"{"x":[{"a":1,"\u0061":1}]}"#, Hazard::DuplicateKey),
            (&wide_twice, Hazard::DuplicateKey),
            (r#"{"a.b":1}"#, Hazard::DottedKey),
            (r#"{"x":{"y":{"a.b":1}}}"#, Hazard::DottedKey),
            (r#"{"a":18446744073709551616}"#, Hazard::WideInteger),
            (r#"{"a":[[-9223372036854775809]]}"#, Hazard::WideInteger),
            (r#"{"a":1e400}"#, Hazard::LossyFloat),
            (r#"{"a":3.14159265358979323846}"#, Hazard::LossyFloat),
            (r#"{"a":[{"b":-0}]}"#, Hazard::NegativeZero),
            (r#"{"a":[NaN]}"#, Hazard::NotFinite),
            (r#"{"a":[true,1]}"#, Hazard::MixedBooleans),
            (r#"{"a":[[true],["x"]]}"#, Hazard::MixedBooleans),
            (r#"{"a":[[1],null]}"#, Hazard::NullBesideLists),
            (r#"{"a":[9007199254740993,2.5]}"#, Hazard::MixedNumbers),
            (r#"{"a":[[9007199254740993],[2.5]]}"#, Hazard::MixedNumbers),
            (&lists, Hazard::TooDeep),
            (&objects, Hazard::TooDeep),
        ] {
            let event = format!(r#"{{"v":{object}}}"#);
            let inference = infer([event.as_bytes()]);
            let evidence = &inference.evidence[0];
            assert_eq!(evidence.data_type, "String", "{object}");
            assert!(evidence.why.starts_with(&hazard.to_string()), "{object}: {}", evidence.why);
        }
        for levels in [nested("[", "]", 32), nested(r#"{"a":"#, "}", 32)] {
            assert_eq!(type_of(&[&levels]), "JSON", "{levels}");
        }
    }

    #[test]
    fn more_keys_than_names_could_be_are_data() {
        let events: Vec<_> = (0..300).map(|at| format!(r#"{{"v":{{"user.{at}":{at}}}}}"#)).collect();
        let types =
            |events: &[String]| infer(events.iter().map(String::as_bytes)).columns.remove(0).data_type;
        assert_eq!(types(&events), "Map(String, UInt64)");
        let mixed: Vec<_> = events.iter().cloned().chain([r#"{"v":{"x":"y"}}"#.to_owned()]).collect();
        assert_eq!(types(&mixed), "String");
    }

    #[test]
    fn nullability_can_be_asked_for() {
        let of = |nullable: &str, events: [&str; 2]| {
            let options: InferOptions =
                serde_json::from_str(&format!(r#"{{"nullable":"{nullable}"}}"#)).unwrap();
            let mut observation = Observation::default();
            for event in events {
                assert!(observation.add(event.as_bytes()));
            }
            let inference = observation.conclude(&options);
            inference.evidence.into_iter().map(|column| (column.data_type, column.why)).collect::<Vec<_>>()
        };
        let never = of("never", [r#"{"v":1}"#, r#"{"v":null}"#]);
        assert_eq!(never[0].0, "UInt64");
        assert!(never[0].1.ends_with("yet not Nullable, as was asked for"), "{never:?}");
        let always = of("always", [r#"{"id":1,"v":"x","l":[]}"#; 2]);
        let types: Vec<_> = always.iter().map(|(data_type, _)| data_type.as_str()).collect();
        assert_eq!(types, ["UInt64", "Nullable(String)", "Array(String)"]);
    }
}
