//! What must hold for any events.

use std::collections::BTreeMap;

use proptest::{
    collection::vec,
    option,
    prelude::{Just, Strategy, any, prop_oneof},
    prop_assert, prop_assert_eq, proptest,
    sample::select,
};
use serde_json::value::RawValue;

use super::{InferOptions, Inference, Observation, infer};
use crate::warehouse::types::DataType;

/// Values near every border between types, as JSON text.
const BORDERS: &[&str] = &[
    "null",
    "true",
    "false",
    "0",
    "-0",
    "-1",
    "255",
    "9007199254740993",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "-9223372036854775809",
    "18446744073709551615",
    "18446744073709551616",
    "340282366920938463463374607431768211456",
    "0.1",
    "1e2",
    "1e400",
    "1e-400",
    "3.14159265358979323846",
    "\"\"",
    "\"007\"",
    "\"12\"",
    "\"word\"",
    "\"\\u00e4\\n\"",
    "\"0190b7c5-8a3e-7c21-9d4f-2b6f0e1a9c33\"",
    "\"0190B7C5-8A3E-7C21-9D4F-2B6F0E1A9C33\"",
    "\"10.0.0.1\"",
    "\"2001:db8::1\"",
    "\"::102:304\"",
    "\"1900-01-01\"",
    "\"1899-12-31\"",
    "\"2026-01-31\"",
    "\"2026-01-31T23:59:59Z\"",
    "\"2026-01-31 23:59:59.123456+05:30\"",
    "\"2026-01-31T23:59:59.123456789Z\"",
    "\"2299-12-31T23:59:59Z\"",
    "\"2026-01-31T23:59:59\"",
    "[]",
    "{}",
    "{\"a\":1}",
    "{\"a.b\":1}",
    "{\"a\":1,\"a\":2}",
    "{\"a\":[true,1]}",
];

fn value() -> impl Strategy<Value = String> {
    let scalar = prop_oneof![
        4 => select(BORDERS).prop_map(str::to_owned),
        1 => any::<i128>().prop_map(|number| number.to_string()),
        1 => any::<f64>().prop_filter("JSON has none", |float| float.is_finite()).prop_map(|float| format!("{float:?}")),
        1 => any::<String>().prop_map(|text| serde_json::to_string(&text).unwrap()),
    ];
    scalar.prop_recursive(3, 16, 4, |inner| {
        let member = (select(&["a", "b", "c.d", ""][..]), inner.clone());
        prop_oneof![
            vec(inner, 0..4).prop_map(|elements| format!("[{}]", elements.join(" , "))),
            vec(member, 0..4).prop_map(|members| {
                let members: Vec<_> =
                    members.iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    })
}

/// Values that often agree, so that narrow types come up too.
fn column() -> impl Strategy<Value = Vec<Option<String>>> {
    let few = vec(value(), 1..4).prop_flat_map(|values| {
        let one = select(values);
        vec(prop_oneof![9 => one.prop_map(Some), 1 => Just(None)], 1..80)
    });
    prop_oneof![few, vec(option::of(value()), 1..8)]
}

fn event(value: &Option<String>) -> String {
    value.as_ref().map_or("{}".to_owned(), |value| format!("{{\"v\":{value}}}"))
}

fn inferred(events: &[String]) -> Inference {
    infer(events.iter().map(String::as_bytes))
}

fn types(inference: &Inference) -> BTreeMap<&str, &str> {
    inference.columns.iter().map(|column| (column.name.as_str(), column.data_type.as_str())).collect()
}

/// What `prefix(…)` holds.
fn inside<'a>(data_type: &'a str, prefix: &str) -> Option<&'a str> {
    data_type.strip_prefix(prefix)?.strip_prefix('(')?.strip_suffix(')')
}

/// Whether ClickHouse would write the value back as it is, told apart from the code under test.
fn fits(data_type: &str, value: &str) -> bool {
    if let Some(inner) = inside(data_type, "LowCardinality") {
        return fits(inner, value);
    }
    if let Some(inner) = inside(data_type, "Nullable") {
        return value == "null" || fits(inner, value);
    }
    if let Some(inner) = inside(data_type, "Array") {
        let elements: Option<Vec<&RawValue>> = serde_json::from_str(value).ok();
        return elements.is_some_and(|elements| elements.iter().all(|element| fits(inner, element.get())));
    }
    if let Some(inner) = inside(data_type, "Map") {
        let values: Option<BTreeMap<String, &RawValue>> = serde_json::from_str(value).ok();
        let inner = inner.strip_prefix("String, ").unwrap();
        return values.is_some_and(|values| values.values().all(|value| fits(inner, value.get())));
    }
    if let Ok(DataType::Tuple(fields)) = data_type.parse() {
        let members: BTreeMap<String, &RawValue> = serde_json::from_str(value).unwrap_or_default();
        return members.len() == fields.len()
            && fields.iter().all(|field| {
                let is_nested =
                    matches!(field.data_type, DataType::Array(_) | DataType::Json(_) | DataType::Map(..));
                members.get(field.name.as_deref().unwrap_or_default()).is_some_and(|value| {
                    (is_nested && value.get() == "null") || fits(&field.data_type.to_string(), value.get())
                })
            });
    }
    let text = || serde_json::from_str::<String>(value).unwrap_or_default();
    let is_integer = value != "-0" && !value.contains(['.', 'e', 'E']);
    let to_the_bit = |range: std::ops::RangeInclusive<i128>| {
        is_integer && value.parse().is_ok_and(|number: i128| range.contains(&number))
    };
    match data_type {
        "String" => value != "null",
        "Bool" => matches!(value, "true" | "false"),
        "UInt64" => to_the_bit(0..=u64::MAX.into()),
        "Int64" => to_the_bit(i64::MIN.into()..=i64::MAX.into()),
        "Int128" => to_the_bit(i128::MIN..=i128::MAX),
        "UInt128" => is_integer && value.parse::<u128>().is_ok(),
        "UInt256" => is_integer && !value.starts_with('-') && value.len() <= 77,
        "Int256" => is_integer && value.len() <= 77,
        "Float64" => value.parse::<f64>().is_ok_and(|float| {
            let again: f64 = format!("{float:?}").parse().unwrap();
            let exact = !is_integer || format!("{float:.0}") == value;
            float.is_finite() && again.to_bits() == float.to_bits() && exact
        }),
        "UUID" => text().parse::<uuid::Uuid>().is_ok_and(|id| id.to_string() == text()),
        "IPv4" => text().parse::<std::net::Ipv4Addr>().is_ok_and(|address| address.to_string() == text()),
        "IPv6" => text().parse::<std::net::Ipv6Addr>().is_ok_and(|address| address.to_string() == text()),
        "Date32" => text()
            .parse::<jiff::civil::Date>()
            .is_ok_and(|date| date.to_string() == text() && (1900..2300).contains(&date.year())),
        "JSON" => serde_json::from_str::<BTreeMap<String, &RawValue>>(value).is_ok(),
        _ => {
            let digits = inside(data_type, "DateTime64").and_then(|inner| inner.strip_suffix(", 'UTC'"));
            let digits: usize = digits.expect("no other type is ever inferred").parse().unwrap();
            let fraction = text()
                .split_once('.')
                .map_or(0, |(_, rest)| rest.bytes().take_while(u8::is_ascii_digit).count());
            text().parse::<jiff::Timestamp>().is_ok() && fraction <= digits
        }
    }
}

proptest! {
    #[test]
    fn every_sampled_value_fits_its_type(values in column()) {
        let events: Vec<_> = values.iter().map(event).collect();
        let inference = inferred(&events);
        prop_assert_eq!(inference.unreadable, 0);
        let Some(column) = inference.columns.first() else { return Ok(()) };
        // An empty array or object stands where there is none.
        let is_nested = ["Array", "Map", "JSON"].iter().any(|name| column.data_type.starts_with(name));
        for value in &values {
            let value = value.as_deref().unwrap_or("null");
            prop_assert!((is_nested && value == "null") || fits(&column.data_type, value), "{}: {value}", column.data_type);
        }
    }

    #[test]
    fn nullable_means_that_a_value_was_missing(values in column()) {
        let events: Vec<_> = values.iter().map(event).collect();
        let inference = inferred(&events);
        let Some(column) = inference.columns.first() else { return Ok(()) };
        let missing = values.iter().any(|value| value.as_deref().is_none_or(|value| value == "null"));
        let nullable = column.data_type.starts_with("Nullable") || column.data_type.starts_with("LowCardinality(Nullable");
        prop_assert!(!nullable || missing);
    }

    #[test]
    fn the_order_of_events_changes_no_type(
        (events, shuffled) in vec((column(), column()), 1..3).prop_flat_map(|columns| {
            let events: Vec<String> = columns
                .into_iter()
                .enumerate()
                .flat_map(|(index, (left, right))| {
                    left.into_iter().zip(right).map(move |(left, right)| {
                        let members = [("l", left), ("r", right)].into_iter().filter_map(|(name, value)| {
                            Some(format!("\"{name}{index}\":{}", value?))
                        });
                        format!("{{{}}}", members.collect::<Vec<_>>().join(","))
                    })
                })
                .collect();
            (Just(events.clone()), Just(events).prop_shuffle())
        })
    ) {
        let (one, other) = (inferred(&events), inferred(&shuffled));
        prop_assert_eq!(types(&one), types(&other));
        prop_assert_eq!(one.proposal.partition_by.is_some(), other.proposal.partition_by.is_some());
        prop_assert_eq!(one.proposal.order_by.len(), other.proposal.order_by.len());
        let mut whys = [&one, &other].map(|inference| {
            inference.evidence.iter().map(|column| (&column.name, &column.why)).collect::<Vec<_>>()
        });
        whys.iter_mut().for_each(|whys| whys.sort());
        prop_assert_eq!(&whys[0], &whys[1]);
    }

    #[test]
    fn parts_in_any_order_make_the_whole(
        columns in vec(column(), 1..3),
        cuts in vec(any::<proptest::sample::Index>(), 0..5),
        order in any::<u64>(),
    ) {
        let events: Vec<_> = columns.iter().enumerate().flat_map(|(at, column)| {
            column.iter().map(move |value| match value {
                Some(value) => format!(r#"{{"k{at}":{value},"both":{value}}}"#),
                None => String::from(r#"{"both":null}"#),
            })
        }).collect();
        let whole = inferred(&events);
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(events.len() + 1)).chain([0, events.len()]).collect();
        cuts.sort_unstable();
        let mut parts: Vec<_> = cuts.windows(2).map(|ends| {
            let mut part = Observation::starting_at(ends[0] as u64);
            for event in &events[ends[0]..ends[1]] {
                part.add(event.as_bytes());
            }
            part
        }).collect();
        let mut random = order;
        while parts.len() > 1 {
            // Neighbours or not, and either into the other.
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let one = parts.swap_remove((random >> 33) as usize % parts.len());
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let at = (random >> 33) as usize % parts.len();
            parts[at].merge(one);
        }
        prop_assert_eq!(parts.remove(0).conclude(&InferOptions::default()), whole);
    }

    #[test]
    fn no_bytes_make_it_fail(events in vec(vec(any::<u8>(), 0..64), 0..8)) {
        let inference = infer(events.iter().map(Vec::as_slice));
        prop_assert_eq!(inference.events + inference.unreadable, u64::try_from(events.len()).unwrap());
    }

    #[test]
    fn no_broken_event_makes_it_fail(value in value(), at in any::<proptest::sample::Index>(), byte in any::<u8>()) {
        let mut event = event(&Some(value)).into_bytes();
        let at = at.index(event.len());
        event[at] = byte;
        let inference = infer([event.as_slice()]);
        prop_assert_eq!(inference.events + inference.unreadable, 1);
        // Whoever reads the event by the rules of JSON must agree that it is an object, unless a key occurs twice.
        let object: Result<BTreeMap<String, &RawValue>, _> = serde_json::from_slice(&event);
        prop_assert!(inference.events == 0 || object.is_ok());
    }

    #[test]
    fn every_column_is_accounted_for(values in column()) {
        let events: Vec<_> = values.iter().map(event).collect();
        let inference = inferred(&events);
        prop_assert_eq!(inference.columns.len(), inference.evidence.len());
        for column in &inference.evidence {
            prop_assert_eq!(column.present + column.null + column.absent, inference.events);
            prop_assert_eq!(column.kinds.values().sum::<u64>(), column.present);
            prop_assert!(column.examples.len() <= 3 && !column.why.is_empty());
        }
    }
}
