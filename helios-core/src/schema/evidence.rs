//! What the decision on a column rests on.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{
    decide::{Decision, Form},
    kind::{Family, Kind},
    observe::Observed,
    value::Value,
};

const EXAMPLES: usize = 3;
const EXAMPLE_CHARS: usize = 64;

/// From how many strings on it shows whether they repeat.
const CATEGORY_VALUES: u64 = 50;
/// How often each different string of a category occurs, at least and on average.
const CATEGORY_REPEATS: u64 = 10;
/// Beyond about this, ClickHouse's dictionaries cost more than they save.
const CATEGORY_DISTINCT: usize = 1_000;
/// Longer texts are no names of categories; and what is remembered stays small.
const CATEGORY_BYTES: usize = 64;

/// What was observed of one column, and what follows.
///
/// On the wire: `{"name": "tag", "present": 98, "null": 2, "absent": 0, "kinds": {"string": 98}, "examples": ["\"new\""],
/// "why": "…"}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ColumnEvidence {
    /// The column.
    pub name: String,
    /// Events with a value other than `null`.
    pub present: u64,
    /// Events with `null`.
    pub null: u64,
    /// Events without the key.
    pub absent: u64,
    /// How many values were of each kind.
    pub kinds: BTreeMap<Kind, u64>,
    /// The first different values as JSON text, at most three, each cut after 64 characters.
    pub examples: Vec<String>,
    /// Why this type, and not a narrower one.
    pub why: String,
}

/// A column while events are read.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) name: String,
    pub(super) observed: Observed,
    examples: Vec<String>,
    /// The different strings, until there are too many for a category.
    strings: Option<BTreeSet<String>>,
}

impl Seen {
    pub(super) fn new(name: String) -> Self {
        Self { name, observed: Observed::default(), examples: Vec::new(), strings: Some(BTreeSet::new()) }
    }

    /// Adds one event's value; `json` is its text.
    pub(super) fn add(&mut self, value: &Value<'_>, json: &str) {
        self.observed.add(value);
        if let Value::String(text) = value {
            self.remember(text);
        }
        if self.examples.len() < EXAMPLES && !value.is_null() {
            let example = cut(json);
            if !self.examples.contains(&example) {
                self.examples.push(example);
            }
        }
    }

    fn remember(&mut self, text: &str) {
        let Some(strings) = &mut self.strings else { return };
        if !strings.contains(text) {
            strings.insert(text.to_owned());
        }
        if strings.len() > CATEGORY_DISTINCT || text.len() > CATEGORY_BYTES {
            self.strings = None;
        }
    }

    /// How many different strings there are, if they are few enough for names of categories.
    pub(super) fn categories(&self) -> Option<usize> {
        let only_strings = self.observed.kinds.keys().all(|kind| kind.family() == Family::String);
        let (values, distinct) = (self.observed.present(), self.strings.as_ref()?.len());
        let repeat = u64::try_from(distinct).is_ok_and(|distinct| distinct * CATEGORY_REPEATS <= values);
        (only_strings && values >= CATEGORY_VALUES && repeat).then_some(distinct)
    }

    /// Events without the key, of `events`.
    fn absent(&self, events: u64) -> u64 {
        events - self.observed.present() - self.observed.null
    }

    /// Whether all of `events` have a value.
    pub(super) fn always(&self, events: u64) -> bool {
        self.observed.present() == events
    }

    /// What `decision` becomes with regard to missing and repeated values, of `events`: the type and the reason.
    pub(super) fn conclude(&self, decision: &Decision, events: u64) -> (String, String) {
        let always = self.always(events);
        let mut data_type = if always { decision.data_type.clone() } else { decision.nullable() };
        let mut why = decision.why.clone();
        if let Some(distinct) = self.categories().filter(|_| decision.data_type == "String") {
            data_type = format!("LowCardinality({data_type})");
            why.push_str(&format!("; only {distinct} different"));
        }
        if !always {
            let (null, absent) = (self.observed.null, self.absent(events));
            let becomes = match decision.form {
                Form::Scalar | Form::JsonText => "hence Nullable",
                Form::Nested => "where it is empty",
            };
            why.push_str(&format!("; null in {null} and absent from {absent} of {events} events, {becomes}"));
        }
        (data_type, why)
    }

    /// The evidence behind `why`, of `events`.
    pub(super) fn evidence(self, events: u64, why: String) -> ColumnEvidence {
        ColumnEvidence {
            present: self.observed.present(),
            null: self.observed.null,
            absent: self.absent(events),
            name: self.name,
            kinds: self.observed.kinds,
            examples: self.examples,
            why,
        }
    }
}

fn cut(json: &str) -> String {
    match json.char_indices().nth(EXAMPLE_CHARS) {
        Some((end, _)) => format!("{}…", json.split_at(end).0),
        None => json.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use crate::schema::decide::tests::type_of;

    #[test]
    fn strings_that_repeat_have_low_cardinality() {
        let values = |count: usize, distinct: usize| -> Vec<String> {
            (0..count).map(|index| format!("\"word {}\"", index % distinct)).collect()
        };
        let of = |values: &[String]| type_of(&values.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(of(&values(50, 5)), "LowCardinality(String)");
        assert_eq!(of(&values(49, 4)), "String");
        assert_eq!(of(&values(50, 6)), "String");
        assert_eq!(of(&values(10_000, 1_000)), "LowCardinality(String)");
        assert_eq!(of(&values(10_010, 1_001)), "String");
        assert_eq!(of(&[values(50, 5), vec!["null".into()]].concat()), "LowCardinality(Nullable(String))");
        assert_eq!(of(&[values(60, 5), vec!["1".into()]].concat()), "String");
        assert_eq!(of(&vec![format!("\"{}\"", "x".repeat(65)); 60]), "String");
        assert_eq!(of(&vec!["\"10.0.0.1\"".into(); 60]), "IPv4");
        assert_eq!(of(&vec!["[\"a\"]".into(); 60]), "Array(String)");
    }
}
