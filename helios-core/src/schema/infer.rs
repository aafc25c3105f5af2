//! Events in, columns and their evidence out.

use std::collections::HashMap;

use serde::Serialize;

use super::{
    decide::{Decision, decide},
    evidence::{ColumnEvidence, Seen},
    json, keys,
    value::{Unreadable, Value},
};
use crate::Column;

/// More keys than this are data in the place of names: a column each would make a table that nothing can use.
const MAX_COLUMNS: usize = 1_000;

/// What was inferred from a sample.
///
/// On the wire in camel case: `{"columns": [{"name", "type"}], "evidence": […], "events": 100, "unreadable": 0,
/// "orderBy": ["event_type", "at"], "partitionBy": "toYYYYMM(`at`)", "representative": 3, "notes": []}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Inference {
    /// A column for each top-level key, in the order of first appearance.
    pub columns: Vec<Column>,
    /// What each column's type rests on, in the same order.
    pub evidence: Vec<ColumnEvidence>,
    /// Events that were read.
    pub events: u64,
    /// Events that were not: no JSON object, not UTF-8, a key twice, half a surrogate pair.
    pub unreadable: u64,
    /// The proposed sorting key: columns that are never null; empty for none.
    pub order_by: Vec<String>,
    /// The proposed partition expression.
    pub partition_by: Option<String>,
    /// The most typical event: the first, counted from 0 over all events given, with the most of the columns that most
    /// events have. None if no event was read.
    pub representative: Option<usize>,
    /// What was left out and why, in sentences.
    pub notes: Vec<String>,
}

/// Infers columns from events, each one JSON object. What is not one is counted and skipped; no input fails.
pub fn infer<'a>(events: impl IntoIterator<Item = &'a [u8]>) -> Inference {
    let mut sample = Sample::default();
    for (index, event) in events.into_iter().enumerate() {
        if sample.add(index, event).is_err() {
            sample.unreadable += 1;
        }
    }
    sample.finish()
}

#[derive(Debug, Default)]
struct Sample {
    columns: Vec<Seen>,
    by_name: HashMap<String, usize>,
    events: u64,
    unreadable: u64,
    /// The columns that events have in common, and the first event with just these.
    shapes: HashMap<Vec<usize>, usize>,
    unnamed: u64,
    too_many: u64,
}

impl Sample {
    fn add(&mut self, index: usize, event: &[u8]) -> Result<(), Unreadable> {
        let members = json::members(event).ok_or(Unreadable)?;
        if json::has_duplicates(&members) {
            return Err(Unreadable);
        }
        // An event counts in whole or not at all, so all its values are read before the first is added.
        let values = members.iter().map(|(_, json)| Value::read(json)).collect::<Result<Vec<_>, _>>()?;
        let mut shape = Vec::with_capacity(values.len());
        let mut left_out = false;
        for ((name, json), value) in members.into_iter().zip(&values) {
            if name.is_empty() {
                self.unnamed += 1;
            } else if let Some(column) = self.column(name) {
                self.columns[column].add(value, json);
                if !value.is_null() {
                    shape.push(column);
                }
            } else {
                left_out = true;
            }
        }
        shape.sort_unstable();
        self.shapes.entry(shape).or_insert(index);
        self.too_many += u64::from(left_out);
        self.events += 1;
        Ok(())
    }

    fn column(&mut self, name: String) -> Option<usize> {
        if let Some(column) = self.by_name.get(&name) {
            return Some(*column);
        }
        let column = self.columns.len();
        (column < MAX_COLUMNS).then(|| {
            self.columns.push(Seen::new(name.clone()));
            self.by_name.insert(name, column);
            column
        })
    }

    fn finish(self) -> Inference {
        let mut decisions: Vec<_> = self.columns.iter().map(|seen| decide(&seen.observed)).collect();
        part_nested(&self.columns, &mut decisions);
        let concluded =
            self.columns.iter().zip(&decisions).map(|(seen, decision)| seen.conclude(decision, self.events));
        let (types, reasons): (Vec<_>, Vec<_>) = concluded.unzip();
        let columns: Vec<_> = self
            .columns
            .iter()
            .zip(types)
            .map(|(seen, data_type)| Column::new(&seen.name, data_type))
            .collect();

        let candidates = keys::candidates(&self.columns, &columns, self.events);
        let (order_by, partition_by) = (keys::order_by(&candidates), keys::partition_by(&candidates));
        Inference {
            representative: self.representative(),
            notes: self.notes(),
            order_by,
            partition_by,
            events: self.events,
            unreadable: self.unreadable,
            evidence: self
                .columns
                .into_iter()
                .zip(reasons)
                .map(|(seen, why)| seen.evidence(self.events, why))
                .collect(),
            columns,
        }
    }

    fn representative(&self) -> Option<usize> {
        let common: Vec<bool> =
            self.columns.iter().map(|seen| seen.observed.present() * 2 > self.events).collect();
        let score = |shape: &[usize]| shape.iter().filter(|column| common[**column]).count();
        let best = self.shapes.iter().max_by_key(|(shape, index)| (score(shape), std::cmp::Reverse(**index)));
        best.map(|(_, index)| *index)
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if self.unnamed > 0 {
            notes.push(format!(
                "{} events have a key without a name (\"\"), which no column can have: it is left out.",
                self.unnamed
            ));
        }
        if self.too_many > 0 {
            notes.push(format!(
                "There are more than {MAX_COLUMNS} different keys: those that appeared later, in {} events, are left out.",
                self.too_many
            ));
        }
        notes
    }
}

/// ClickHouse takes arrays named `n.a` and `n.b` for parts of one `Nested` and refuses rows where their lengths differ.
fn part_nested(columns: &[Seen], decisions: &mut [Decision]) {
    let prefix = |seen: &Seen, decision: &Decision| {
        let is_array = decision.data_type.starts_with("Array(");
        seen.name.split_once('.').filter(|_| is_array).map(|(prefix, _)| prefix.to_owned())
    };
    let mut count = HashMap::<String, usize>::new();
    for prefix in columns.iter().zip(&*decisions).filter_map(|(seen, decision)| prefix(seen, decision)) {
        *count.entry(prefix).or_default() += 1;
    }
    for (seen, decision) in columns.iter().zip(decisions) {
        if prefix(seen, decision).is_some_and(|prefix| count.get(&prefix) > Some(&1)) {
            *decision = Decision::json_text(
                "another array shares the name up to the dot, and ClickHouse would want both of one length",
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(events: &[&str]) -> Inference {
        infer(events.iter().map(|event| event.as_bytes()))
    }

    #[test]
    fn columns_come_in_order_of_first_appearance_with_their_evidence() {
        let long = format!(r#"{{"b":2,"c":"{}"}}"#, "ü".repeat(100));
        let inference =
            sample(&[r#"{"b":1,"a":null}"#, &long, r#"{"b":1,"d.e":[]}"#, r#"{"b":"x"}"#, r#"{"b":7}"#]);
        let names: Vec<_> = inference.columns.iter().map(|column| column.name.as_str()).collect();
        assert_eq!(names, ["b", "a", "c", "d.e"]);
        let [b, a, c, _] = inference.evidence.as_slice() else { panic!("{inference:?}") };
        assert_eq!((b.present, b.null, b.absent), (5, 0, 0));
        assert_eq!(serde_json::json!(b.kinds), serde_json::json!({"integer": 4, "string": 1}));
        assert_eq!(b.examples, ["1", "2", "\"x\""]);
        assert_eq!(b.why, "no other type holds 4 × integer, 1 × string: kept as text");
        assert_eq!((a.present, a.null, a.absent), (0, 1, 4));
        assert_eq!(a.why, "no value was seen; null in 1 and absent from 4 of 5 events, hence Nullable");
        assert_eq!(c.examples, [format!("\"{}…", "ü".repeat(63))]);
    }

    #[test]
    fn what_is_no_object_is_counted_and_skipped() {
        let events: [&[u8]; 8] = [
            b"",
            b"[]",
            b"{\"a\":1",
            b"{\"a\":1,\"a\":1}",
            b"{\"a\":\"\xff\"}",
            b"{\"new\":1,\"a\":[\"\\ud800\"]}",
            b"{\"a\":{\"b\":\"\\ud800\"}}",
            b"{\"a\":1}",
        ];
        let inference = infer(events);
        assert_eq!((inference.events, inference.unreadable), (1, 7));
        assert_eq!(inference.columns, [Column::new("a", "UInt64")]);
        assert_eq!(inference.representative, Some(7));
    }

    #[test]
    fn nothing_gives_nothing() {
        let inference = sample(&[]);
        assert_eq!((inference.events, inference.unreadable, inference.representative), (0, 0, None));
        assert!(
            inference.columns.is_empty() && inference.order_by.is_empty() && inference.partition_by.is_none()
        );
        let inference = sample(&["{}"]);
        assert_eq!((inference.events, inference.columns.len(), inference.representative), (1, 0, Some(0)));
    }

    #[test]
    fn the_representative_has_most_of_the_common_columns() {
        for (events, expected) in [
            (&[r#"{"a":1}"#, r#"{"a":1,"b":1}"#, r#"{"b":1,"a":2}"#][..], 1),
            (&["x", r#"{"a":1,"rare":1,"rarer":2}"#, r#"{"a":1,"b":1}"#, r#"{"a":1,"b":1}"#], 2),
            (&[r#"{"a":1,"b":null}"#, r#"{"a":1,"b":2}"#, r#"{"a":1,"b":2}"#], 1),
            (&[r#"{"a":1}"#, r#"{"b":1}"#], 0),
        ] {
            assert_eq!(sample(events).representative, Some(expected), "{events:?}");
        }
    }

    #[test]
    fn a_key_without_a_name_is_left_out_and_said() {
        let inference = sample(&[r#"{"":1,"a":1}"#, r#"{"a":1}"#]);
        assert_eq!(inference.columns, [Column::new("a", "UInt64")]);
        assert_eq!(inference.notes.len(), 1);
        assert!(
            inference.notes[0].starts_with("1 events have a key without a name"),
            "{:?}",
            inference.notes
        );
    }

    #[test]
    fn the_number_of_columns_is_bounded() {
        let members = |range: std::ops::Range<usize>| {
            range.map(|index| format!(r#""k{index}":1"#)).collect::<Vec<_>>().join(",")
        };
        let full = sample(&[&format!("{{{}}}", members(0..1_000))]);
        assert_eq!((full.columns.len(), full.notes.len()), (1_000, 0));
        let more = sample(&[&format!("{{{}}}", members(0..1_200)), r#"{"k0":1,"k1199":1}"#]);
        assert_eq!((more.columns.len(), more.notes.len()), (1_000, 1));
        assert_eq!(more.columns[999].name, "k999");
        assert_eq!(more.evidence[0].present, 2);
        assert!(more.notes[0].contains("in 2 events"), "{:?}", more.notes);
    }

    #[test]
    fn arrays_that_clickhouse_would_join_are_kept_apart() {
        let types = |event: &str| -> Vec<String> {
            sample(&[event, "{}"]).columns.into_iter().map(|column| column.data_type).collect()
        };
        assert_eq!(types(r#"{"n.a":[1],"n.b":[1,2]}"#), ["Nullable(String)", "Nullable(String)"]);
        assert_eq!(types(r#"{"n.a":[1],"n.b":1}"#), ["Array(UInt64)", "Nullable(UInt64)"]);
        assert_eq!(types(r#"{"n.a":[1],"m.a":[1],"n":[1]}"#), ["Array(UInt64)"; 3]);
    }

    #[test]
    fn the_wire_form_is_camel_case() {
        let json = serde_json::to_value(sample(&[r#"{"at":"2026-01-31T00:00:00Z"}"#])).unwrap();
        assert_eq!(json["orderBy"], serde_json::json!(["at"]));
        assert_eq!(json["partitionBy"], "toYYYYMM(`at`)");
        assert_eq!(json["columns"][0], serde_json::json!({"name": "at", "type": "DateTime64(3, 'UTC')"}));
        assert_eq!(json["evidence"][0]["kinds"], serde_json::json!({"timestamp": 1}));
    }
}
