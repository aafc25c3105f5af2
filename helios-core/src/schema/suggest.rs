//! What a person who knows the stream may prefer to the type that is certain.

use jiff::Timestamp;
use serde::Serialize;

use super::{
    decide::{Decision, Form, precision},
    evidence::{FEW_NAMES, Seen},
    kind::Kind,
};
use crate::{
    TimeUnit,
    warehouse::types::{DataType, EnumValue},
};

/// Another type that fits the sampled values, and what speaks for it.
///
/// On the wire: `{"type": "DateTime64(3, 'UTC')", "why": "…"}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Suggestion {
    /// The type.
    #[serde(rename = "type")]
    pub data_type: String,
    /// What speaks for it, and what is lost if it is wrong.
    pub why: String,
    /// The unit in which the numbers count the time since 1970, for the column's [`unit`](crate::Column::unit).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<TimeUnit>,
}

/// 1900-01-01 and 2300-01-01 in seconds since 1970: what a `DateTime64` reaches.
const FIRST: i128 = -2_208_988_800;
const LAST: i128 = 10_413_792_000;

pub(super) fn suggestions(
    name: &str,
    seen: &Seen,
    decision: &Decision,
    data_type: &DataType,
) -> Vec<Suggestion> {
    if decision.form != Form::Scalar {
        return Vec::new();
    }
    let epoch = epoch(name, seen, decision).map(|(unit, suggested, why)| (Some(unit), suggested, why));
    let other = || {
        let found = local(seen).or_else(|| mail(name, seen)).or_else(|| names(seen, decision))?;
        Some((None, found.0, found.1))
    };
    let found = epoch.or_else(other).map(|(unit, suggested, why)| {
        let suggested =
            if data_type.is_nullable() { DataType::Nullable(Box::new(suggested)) } else { suggested };
        Suggestion { data_type: suggested.to_string(), why, unit }
    });
    found.into_iter().collect()
}

/// The ends of names of times, in lower case.
const TIME_NAMES: [&str; 11] =
    ["time", "timestamp", "date", "at", "ts", "epoch", "millis", "ms", "birthday", "born", "expires"];

/// Whether a column has the name of a time: `createdAt`, `start_time`, `ts`; not `format`.
fn is_time_name(name: &str) -> bool {
    let is_end = |end: &str| {
        let Some(start) = name.len().checked_sub(end.len()).filter(|start| name.is_char_boundary(*start))
        else {
            return false;
        };
        let (before, last) = name.split_at(start);
        let starts_word = last.starts_with(|first: char| first.is_ascii_uppercase())
            || !before.ends_with(char::is_alphanumeric)
            || end.len() > 2;
        last.eq_ignore_ascii_case(end) && starts_word
    };
    TIME_NAMES.into_iter().any(is_end)
}

/// Integers that would be times: all of this century, or, under the name of a time, the last of them.
fn epoch(name: &str, seen: &Seen, decision: &Decision) -> Option<(TimeUnit, DataType, String)> {
    if !matches!(decision.data_type, DataType::Int { .. } | DataType::UInt { .. }) {
        return None;
    }
    let (least, greatest) = seen.observed.numbers.integers?;
    let unit = TimeUnit::of_this_century(greatest)?;
    let per_second = unit.per_second();
    let is_span_of_times = TimeUnit::of_this_century(least) == Some(unit)
        || (is_time_name(name) && (FIRST * per_second..LAST * per_second).contains(&least));
    if !is_span_of_times {
        return None;
    }
    let shown = |number: i128| {
        let nanoseconds = number * (1_000_000_000 / per_second);
        Timestamp::from_nanosecond(nanoseconds).map_or_else(|_| number.to_string(), |time| time.to_string())
    };
    let timezone = Some("UTC".to_owned());
    let data_type = match unit.digits() {
        0 if least >= 0 => DataType::DateTime { timezone },
        precision => DataType::DateTime64 { precision, timezone },
    };
    let why = format!(
        "read as {unit} since 1970 the numbers are times from {} to {}; set the column's unit, too, so that all are read so",
        shown(least),
        shown(greatest)
    );
    Some((unit, data_type, why))
}

fn only(seen: &Seen, kind: Kind) -> bool {
    seen.observed.present() > 0 && seen.observed.of_kind(kind) == seen.observed.present()
}

fn local(seen: &Seen) -> Option<(DataType, String)> {
    let timezone = Some("UTC".to_owned());
    only(seen, Kind::LocalTimestamp).then(|| {
        let why = "if the producer's clock shows UTC; name its zone if it shows another";
        (
            DataType::DateTime64 { precision: precision(seen.observed.fraction_digits), timezone },
            why.to_owned(),
        )
    })
}

fn mail(name: &str, seen: &Seen) -> Option<(DataType, String)> {
    only(seen, Kind::MailTimestamp).then(|| {
        let why = format!(
            "the text stays the column; a further one, MATERIALIZED parseDateTimeBestEffort({}), has the time",
            crate::warehouse::Ident::new(name).map_or_else(|_| String::from("…"), |name| name.to_string())
        );
        (DataType::String, why)
    })
}

fn names(seen: &Seen, decision: &Decision) -> Option<(DataType, String)> {
    let names = seen.names().filter(|names| (2..=FEW_NAMES).contains(&names.len()))?;
    seen.categories().filter(|_| decision.data_type == DataType::String)?;
    let values = names.iter().zip(1..).map(|(name, value)| EnumValue { name: name.clone(), value });
    let why = format!("only {} names were seen; an event with another one would be rejected", names.len());
    Some((DataType::Enum8(values.collect()), why))
}

#[cfg(test)]
mod tests {
    use crate::{TimeUnit, schema::infer};

    fn suggested(values: &[String]) -> Vec<(String, String)> {
        let events: Vec<_> = values.iter().map(|value| format!(r#"{{"v":{value}}}"#)).collect();
        let inference = infer(events.iter().map(String::as_bytes));
        let column = inference.evidence.into_iter().next().unwrap();
        column.suggestions.into_iter().map(|suggestion| (suggestion.data_type, suggestion.why)).collect()
    }

    fn one(value: &str) -> Option<(String, String)> {
        suggested(&[value.to_owned()]).pop()
    }

    #[test]
    fn integers_of_this_century_may_be_times() {
        for (value, data_type, unit) in [
            ("1767225600", "DateTime('UTC')", "seconds"),
            ("1767225600000", "DateTime64(3, 'UTC')", "milliseconds"),
            ("1767225600000000", "DateTime64(6, 'UTC')", "microseconds"),
            ("1767225600000000000", "DateTime64(9, 'UTC')", "nanoseconds"),
        ] {
            let (suggested, why) = one(value).unwrap();
            assert_eq!(suggested, data_type, "{value}");
            assert!(why.contains(unit) && why.contains("2026-01-01T00:00:00Z"), "{why}");
        }
        for value in ["1", "-1767225600", "946684799", "4102444800", "1767225600.5", "true"] {
            assert_eq!(one(value), None, "{value}");
        }
        let (nullable, _) = suggested(&["1767225600".into(), "null".into()]).pop().unwrap();
        assert_eq!(nullable, "Nullable(DateTime('UTC'))");
        assert_eq!(suggested(&["1767225600".into(), "7".into()]), []);
    }

    #[test]
    fn under_the_name_of_a_time_older_ones_are_times_too() {
        let of = |name: &str, least: &str| {
            let events = [least, "1772359200000"].map(|value| format!(r#"{{"{name}":{value}}}"#));
            let inference = infer(events.iter().map(String::as_bytes));
            let found = inference.evidence.into_iter().next().unwrap().suggestions.pop();
            found.map(|suggestion| (suggestion.data_type, suggestion.unit.unwrap()))
        };
        let found = Some(("DateTime64(3, 'UTC')".to_owned(), TimeUnit::Milliseconds));
        for name in ["birthday", "createdAt", "created_at", "at", "eventTime", "ts", "startDate", "updatedMs"]
        {
            for least in ["5184000000", "-86400000", "0"] {
                assert_eq!(of(name, least), found, "{name} {least}");
            }
            assert_eq!(of(name, "-9000000000000000"), None, "{name}");
        }
        for name in ["v", "format", "events", "items", "clusterms"] {
            assert_eq!(of(name, "5184000000"), None, "{name}");
        }
    }

    #[test]
    fn times_that_stay_text_say_what_they_may_be() {
        assert_eq!(one(r#""2026-01-31T00:00:00""#).unwrap().0, "DateTime64(3, 'UTC')");
        assert_eq!(one(r#""2026-01-31T00:00:00.1234567""#).unwrap().0, "DateTime64(9, 'UTC')");
        let (data_type, why) = one(r#""Sat, 31 Jan 2026 12:00:00 +0000""#).unwrap();
        assert_eq!(data_type, "String");
        assert!(why.contains("parseDateTimeBestEffort(`v`)"), "{why}");
    }

    #[test]
    fn few_names_may_be_an_enum() {
        let values =
            |distinct: usize| (0..200).map(|at| format!("\"it's {}\"", at % distinct)).collect::<Vec<_>>();
        assert_eq!(suggested(&values(2)).pop().unwrap().0, r"Enum8('it\'s 0' = 1, 'it\'s 1' = 2)");
        assert_eq!(suggested(&values(16)).len(), 1);
        assert_eq!(suggested(&values(17)), []);
        assert_eq!(suggested(&values(1)), []);
    }
}
