//! Whether a value came back as it was sent, to the last digit.

use std::collections::BTreeMap;

use helios_core::warehouse::types::DataType;
use serde_json::value::RawValue;

/// A JSON value. Numbers are equal if their decimal values are, however they are written.
#[derive(Debug, PartialEq)]
enum Json {
    Null,
    Bool(bool),
    Number(Decimal),
    Text(String),
    List(Vec<Self>),
    Object(BTreeMap<String, Self>),
}

/// A number: its digits without zeros at either end, and the power of ten of the last one. Zero has a sign.
#[derive(Debug, PartialEq)]
struct Decimal {
    is_negative: bool,
    digits: String,
    exponent: i64,
}

impl Decimal {
    fn read(text: &str) -> Self {
        let (is_negative, text) = text.strip_prefix('-').map_or((false, text), |text| (true, text));
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all = format!("{whole}{fraction}");
        let digits = all.trim_end_matches('0');
        let count = |text: &str| i64::try_from(text.len()).unwrap();
        let places = count(fraction) - (count(&all) - count(digits));
        let digits = digits.trim_start_matches('0').to_owned();
        let exponent = if digits.is_empty() { 0 } else { exponent.parse::<i64>().unwrap() - places };
        Self { is_negative, digits, exponent }
    }
}

impl Json {
    fn read(json: &str) -> Self {
        match json.as_bytes()[0] {
            b'n' => Self::Null,
            b't' | b'f' => Self::Bool(json == "true"),
            b'"' => Self::Text(serde_json::from_str(json).unwrap()),
            b'[' => Self::List(elements(json).iter().map(|element| Self::read(element.get())).collect()),
            b'{' => {
                let members = members(json).into_iter().map(|(name, value)| (name, Self::read(value.get())));
                Self::Object(members.collect())
            }
            _ => Self::Number(Decimal::read(json)),
        }
    }

    /// What a `JSON` column keeps of it. In an object it says nothing of a path that is null, or an object of nothing else.
    fn kept(self) -> Option<Self> {
        match self {
            Self::Null => None,
            Self::Object(members) => {
                let members = members.into_iter().filter_map(|(name, value)| Some((name, value.kept()?)));
                let members: BTreeMap<_, _> = members.collect();
                (!members.is_empty()).then_some(Self::Object(members))
            }
            Self::List(elements) => {
                let element = |element| match element {
                    Self::Object(_) => element.kept().unwrap_or_else(|| Self::Object(BTreeMap::new())),
                    other => other.kept().unwrap_or(Self::Null),
                };
                Some(Self::List(elements.into_iter().map(element).collect()))
            }
            other => Some(other),
        }
    }
}

pub(crate) fn members(object: &str) -> BTreeMap<String, Box<RawValue>> {
    serde_json::from_str(object).unwrap()
}

fn elements(list: &str) -> Vec<Box<RawValue>> {
    serde_json::from_str(list).unwrap()
}

/// Whether a `JSON` column gave back what it keeps of a document.
pub(crate) fn is_same_document(sent: &str, back: &str) -> bool {
    Json::read(sent).kept() == Json::read(back).kept()
}

/// Whether a value came back from a column of this type. One that is missing is null, or empty where the type has no null.
pub(crate) fn is_same(data_type: &DataType, sent: Option<&str>, back: &str) -> bool {
    let sent = sent.filter(|sent| *sent != "null");
    match (data_type, sent) {
        (DataType::LowCardinality(inner), _) => is_same(inner, sent, back),
        (DataType::Nullable(inner), Some(_)) => is_same(inner, sent, back),
        (DataType::Nullable(_), None) => back == "null",
        (DataType::Array(_), None) => back == "[]",
        (DataType::Map(..) | DataType::Json(_), None) => back == "{}",
        (_, None) => false,
        (DataType::Array(element), Some(sent)) => {
            let (sent, back) = (elements(sent), elements(back));
            sent.len() == back.len()
                && sent.iter().zip(&back).all(|(sent, back)| is_same(element, Some(sent.get()), back.get()))
        }
        (DataType::Map(_, value), Some(sent)) => {
            let (sent, back) = (members(sent), members(back));
            let mut both = sent.values().zip(back.values());
            sent.keys().eq(back.keys())
                && both.all(|(sent, back)| is_same(value, Some(sent.get()), back.get()))
        }
        (DataType::Tuple(fields), Some(sent)) => {
            let (sent, back) = (members(sent), members(back));
            let mut fields = fields.iter().map(|field| (field.name.as_ref().unwrap(), &field.data_type));
            sent.keys().all(|name| back.contains_key(name))
                && fields.all(|(name, data_type)| {
                    is_same(data_type, sent.get(name).map(|value| value.get()), back[name].get())
                })
        }
        (DataType::Json(_), Some(sent)) => is_same_document(sent, back),
        (DataType::String, Some(sent)) => {
            // What is not text is kept as its JSON text.
            let sent = serde_json::from_str::<String>(sent).unwrap_or_else(|_| sent.to_owned());
            Json::read(back) == Json::Text(sent)
        }
        (DataType::DateTime { .. } | DataType::DateTime64 { .. }, Some(sent)) => {
            instant(sent).is_some() && instant(sent) == instant(back)
        }
        (DataType::Decimal { .. }, Some(sent)) => {
            Decimal::read(sent.trim_matches('"')) == Decimal::read(back.trim_matches('"'))
        }
        // ClickHouse writes as few digits as tell a float from its neighbours: 9223372036854776000 for 2^63.
        (DataType::Float { .. }, Some(sent)) => {
            let exactly = |back: &str| Decimal::read(&format!("{:.0}", back.parse::<f64>().unwrap()));
            Decimal::read(sent) == Decimal::read(back) || Decimal::read(sent) == exactly(back)
        }
        (_, Some(sent)) => Json::read(sent) == Json::read(back),
    }
}

/// A time in ISO 8601.
fn instant(json: &str) -> Option<jiff::Timestamp> {
    serde_json::from_str::<String>(json).unwrap().replace(' ', "T").parse().ok()
}

#[test]
fn what_is_not_the_same_is_told() {
    for (data_type, sent, back, expected) in [
        ("Float64", "1e2", "100", true),
        ("Float64", "0.10", "0.1", true),
        ("Float64", "0.1", "0.10000000000000001", false),
        ("Float64", "-0", "0", false),
        ("Float64", "-9223372036854775808", "-9223372036854776000", true),
        ("Float64", "-9223372036854775807", "-9223372036854776000", false),
        ("Float64", "1.5", "2", false),
        ("Float64", "-0.0", "-0", true),
        ("UInt64", "9007199254740993", "9007199254740992", false),
        ("UInt64", "1", "\"1\"", false),
        ("Decimal(9, 2)", "\"1.50\"", "1.5", true),
        ("Decimal(18, 2)", "90071992547409.93", "90071992547409.92", false),
        ("String", "1", "\"1\"", true),
        ("String", "[1, 2]", "\"[1,2]\"", false),
        ("UUID", "\"\\u0061\"", "\"a\"", true),
        ("Nullable(String)", "null", "\"\"", false),
        ("Array(UInt8)", "null", "[]", true),
        ("Array(UInt8)", "[1,2]", "[1]", false),
        ("DateTime64(3, 'UTC')", "\"2026-01-31 12:00:00.5+02:00\"", "\"2026-01-31T10:00:00.500Z\"", true),
        ("DateTime64(3, 'UTC')", "\"2026-01-31T12:00:00Z\"", "\"2026-01-31T10:00:00.000Z\"", false),
        ("Map(String, Array(UInt8))", r#"{"a":null,"b":[1]}"#, r#"{"b":[1],"a":[]}"#, true),
        ("Map(String, UInt8)", r#"{"a":1}"#, r#"{"a":1,"b":0}"#, false),
        ("Tuple(a UInt8, b Nullable(UInt8))", r#"{"a":1}"#, r#"{"a":1,"b":null}"#, true),
        ("Tuple(a UInt8)", r#"{"a":1,"c":2}"#, r#"{"a":1}"#, false),
        ("JSON", r#"{"a":null,"b":{"c":{}},"d":[{},null,1]}"#, r#"{"d":[{},null,1.0]}"#, true),
        ("JSON", r#"{"a":[null]}"#, "{}", false),
        ("JSON", r#"{"a":[{}]}"#, r#"{"a":[null]}"#, false),
        ("JSON", r#"{"a":9007199254740993}"#, r#"{"a":9007199254740992}"#, false),
    ] {
        assert_eq!(
            is_same(&data_type.parse().unwrap(), Some(sent), back),
            expected,
            "{data_type}: {sent}, {back}"
        );
    }
}
