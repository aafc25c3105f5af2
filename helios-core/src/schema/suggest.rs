//! What a person who knows the stream may prefer to the type that is certain.

use jiff::Timestamp;
use serde::Serialize;

use super::{
    decide::{Decision, Form, precision},
    evidence::{FEW_NAMES, Seen},
    kind::Kind,
};
use crate::warehouse::types::{DataType, EnumValue};

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
}

/// 2000-01-01 and 2100-01-01 in seconds since 1970: numbers between are likely to be times.
const FIRST: i128 = 946_684_800;
const LAST: i128 = 4_102_444_800;

/// What is read as a unit of time: how many in a second, its name, and the digits it has.
const UNITS: [(i128, &str, u8); 4] = [
    (1, "seconds", 0),
    (1_000, "milliseconds", 3),
    (1_000_000, "microseconds", 6),
    (1_000_000_000, "nanoseconds", 9),
];

pub(super) fn suggestions(
    name: &str,
    seen: &Seen,
    decision: &Decision,
    data_type: &DataType,
) -> Vec<Suggestion> {
    if decision.form != Form::Scalar {
        return Vec::new();
    }
    let found = epoch(seen, decision)
        .or_else(|| local(seen))
        .or_else(|| mail(name, seen))
        .or_else(|| names(seen, decision));
    let found = found.map(|(suggested, why)| {
        let suggested =
            if data_type.is_nullable() { DataType::Nullable(Box::new(suggested)) } else { suggested };
        Suggestion { data_type: suggested.to_string(), why }
    });
    found.into_iter().collect()
}

/// Integers that would be times of this century.
fn epoch(seen: &Seen, decision: &Decision) -> Option<(DataType, String)> {
    if !matches!(decision.data_type, DataType::Int { .. } | DataType::UInt { .. }) {
        return None;
    }
    let (least, greatest) = seen.observed.numbers.integers?;
    let (per_second, unit, digits) = UNITS
        .into_iter()
        .find(|(per_second, ..)| FIRST * per_second <= least && greatest < LAST * per_second)?;
    let shown = |number: i128| {
        let nanoseconds = number * (1_000_000_000 / per_second);
        Timestamp::from_nanosecond(nanoseconds).map_or_else(|_| number.to_string(), |time| time.to_string())
    };
    let timezone = Some("UTC".to_owned());
    let data_type = match digits {
        0 => DataType::DateTime { timezone },
        precision => DataType::DateTime64 { precision, timezone },
    };
    let why = format!(
        "read as {unit} since 1970 the numbers are times from {} to {}; delivery reads them so",
        shown(least),
        shown(greatest)
    );
    Some((data_type, why))
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
    use crate::schema::infer;

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
