//! What the type of a column rests on.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{
    decide::{Decision, Form, decide},
    distinct::Distinct,
    event::Token,
    kind::{Family, Kind},
    observe::{Observed, Place, Room},
    options::{InferOptions, Nullability},
    suggest::{Suggestion, suggestions},
};
use crate::warehouse::types::DataType;

const EXAMPLES: usize = 3;
pub(super) const EXAMPLE_CHARS: usize = 64;

/// From how many strings on it shows whether they repeat.
const CATEGORY_VALUES: u64 = 50;
/// How often each different string of a category occurs, at least and on average.
const CATEGORY_REPEATS: u64 = 10;
/// Beyond about this, ClickHouse's dictionaries cost more than they save.
const CATEGORY_DISTINCT: u64 = 1_000;
/// Longer texts are no names of categories.
const CATEGORY_BYTES: usize = 64;
/// So many different strings are remembered as what they are.
pub(super) const FEW_NAMES: usize = 16;

/// Below so many values a type is a guess.
const FEW_VALUES: u64 = 10;
/// From so many on it is more than that.
const MANY_VALUES: u64 = 100;

/// What was observed of one column, and what follows.
///
/// On the wire: `{"name": "tag", "type": "String", "present": 98, "null": 2, "absent": 0, "kinds": {"string": 98},
/// "min": "\"a\"", "max": "\"z\"", "distinct": 17, "examples": ["\"new\""], "why": "…", "confidence": "medium",
/// "suggestions": [{"type": "…", "why": "…"}]}`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ColumnEvidence {
    /// The column.
    pub name: String,
    /// Its ClickHouse type.
    #[serde(rename = "type")]
    pub data_type: String,
    /// Events with a value other than `null`.
    pub present: u64,
    /// Events with `null`.
    pub null: u64,
    /// Events without the key.
    pub absent: u64,
    /// How many values were of each kind.
    pub kinds: BTreeMap<Kind, u64>,
    /// The least number, or the first string in the order of bytes, as JSON text; cut after 64 characters. None of other
    /// kinds, and of numbers beside strings.
    pub min: Option<String>,
    /// The greatest.
    pub max: Option<String>,
    /// How many different numbers, strings and booleans: exact up to 1,024, else within some percent. None of arrays and
    /// objects.
    pub distinct: Option<u64>,
    /// The first different values as JSON text, at most three, each cut after 64 characters.
    pub examples: Vec<String>,
    /// Why this type, and not a narrower one.
    pub why: String,
    /// How far the sample bears it out.
    pub confidence: Confidence,
    /// What a person who knows the stream may prefer.
    pub suggestions: Vec<Suggestion>,
}

/// How far the sample bears a type out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Confidence {
    /// Fewer than 10 values, or text because the values disagree.
    Low,
    /// Fewer than 100 values, or a shape that another event may not have: `Tuple`, `Map`.
    Medium,
    /// 100 values and more, of one kind.
    High,
}

/// A column while events are read.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    pub(super) observed: Observed,
    /// The first different values, and the events they were in.
    examples: Vec<(u64, String)>,
    distinct: Distinct,
    /// The different strings, as long as there are few.
    names: Names,
    /// The first and the last string, cut.
    texts: Option<(String, String)>,
    longest: usize,
}

#[derive(Clone, Debug)]
enum Names {
    Few(BTreeSet<String>),
    Many,
}

impl Default for Names {
    fn default() -> Self {
        Self::Few(BTreeSet::new())
    }
}

impl Seen {
    /// Adds the value at `place`; says where the next begins.
    #[inline]
    pub(super) fn add(&mut self, tokens: &[Token<'_>], place: Place, room: &mut Room) -> usize {
        let next = self.observed.add(tokens, place, room);
        let Some(token) = tokens.get(place.first.1) else { return next };
        match token {
            Token::Text(text) if text.is_escaped() => self.text(&text.decoded().unwrap_or_default()),
            Token::Text(text) => self.text(text.raw),
            Token::Number(number) => self.distinct.add(number.text),
            Token::Bool(truth) => self.distinct.add(if *truth { "true" } else { "false" }),
            Token::List { .. } | Token::Object { .. } | Token::Null | Token::Name { .. } => {}
        }
        if self.examples.len() < EXAMPLES {
            self.example(place.first.0, token);
        }
        next
    }

    #[inline]
    fn text(&mut self, text: &str) {
        if let Names::Few(names) = &mut self.names {
            // Nothing new follows from a name that is known.
            if names.contains(text) {
                return;
            }
            if names.len() == FEW_NAMES || text.len() > CATEGORY_BYTES {
                self.names = Names::Many;
            } else {
                names.insert(text.to_owned());
            }
        }
        self.distinct.add(text);
        self.longest = self.longest.max(text.len());
        match &mut self.texts {
            Some((first, last)) => {
                if text < first.as_str() {
                    head(text).clone_into(first);
                } else if text > last.as_str() && head(text) > last.as_str() {
                    head(text).clone_into(last);
                }
            }
            None => self.texts = Some((head(text).to_owned(), head(text).to_owned())),
        }
    }

    fn example(&mut self, event: u64, token: &Token<'_>) {
        let json = match token {
            Token::Number(number) => number.text,
            Token::List { json, .. } | Token::Object { json, .. } => json,
            Token::Bool(true) => "true",
            Token::Bool(false) => "false",
            Token::Text(text) => return self.text_example(event, text.raw),
            Token::Null | Token::Name { .. } => return,
        };
        // Nearly always the same as before.
        if self.examples.iter().all(|(_, known)| known != json) {
            self.new_example(event, cut(json));
        }
    }

    fn text_example(&mut self, event: u64, raw: &str) {
        let is = |known: &str| known.strip_prefix('"').and_then(|known| known.strip_suffix('"')) == Some(raw);
        if !self.examples.iter().any(|(_, known)| is(known)) {
            self.new_example(event, cut(&format!("\"{raw}\"")));
        }
    }

    #[cold]
    fn new_example(&mut self, event: u64, example: String) {
        if self.examples.iter().all(|(_, known)| *known != example) {
            self.examples.push((event, example));
        }
    }

    pub(super) fn merge(&mut self, other: Self) {
        self.observed.merge(other.observed);
        self.distinct.merge(other.distinct);
        self.longest = self.longest.max(other.longest);
        let mut examples = std::mem::take(&mut self.examples);
        examples.extend(other.examples);
        examples.sort();
        for (event, example) in examples {
            if self.examples.len() < EXAMPLES && self.examples.iter().all(|(_, known)| *known != example) {
                self.examples.push((event, example));
            }
        }
        self.names = match (std::mem::take(&mut self.names), other.names) {
            (Names::Few(mut names), Names::Few(more)) => {
                names.extend(more);
                if names.len() > FEW_NAMES { Names::Many } else { Names::Few(names) }
            }
            _ => Names::Many,
        };
        let both = self.texts.take().into_iter().chain(other.texts);
        self.texts = both.reduce(|one, more| (one.0.min(more.0), one.1.max(more.1)));
    }

    /// How many different strings there are, if they are few enough for names of categories.
    pub(super) fn categories(&self) -> Option<u64> {
        let only_strings = self.observed.kinds().all(|(kind, _)| kind.family() == Family::String);
        let values = self.observed.present();
        if !only_strings || values < CATEGORY_VALUES || self.longest > CATEGORY_BYTES {
            return None;
        }
        let distinct = self.distinct.count();
        (distinct <= CATEGORY_DISTINCT && distinct * CATEGORY_REPEATS <= values).then_some(distinct)
    }

    /// How many different values there are.
    pub(super) fn distinct(&self) -> u64 {
        self.distinct.count()
    }

    /// The different strings, if they are few.
    pub(super) fn names(&self) -> Option<&BTreeSet<String>> {
        match &self.names {
            Names::Few(names) => Some(names),
            Names::Many => None,
        }
    }

    /// Events without the key, of `events`.
    fn absent(&self, events: u64) -> u64 {
        events.saturating_sub(self.observed.present() + self.observed.null)
    }

    /// Whether all of `events` have a value.
    pub(super) fn always(&self, events: u64) -> bool {
        self.observed.present() == events
    }

    /// The type, of `events`, before nulls are considered.
    pub(super) fn decide(&self, events: u64, options: &InferOptions) -> Decision {
        decide(&self.observed, !self.always(events), options)
    }

    /// What `decision` becomes with regard to missing and repeated values, of `events`: the type and the reason.
    pub(super) fn conclude(
        &self,
        decision: &Decision,
        events: u64,
        options: &InferOptions,
        in_key: bool,
    ) -> (DataType, String) {
        let always = self.always(events);
        let nullable = match options.nullable {
            Nullability::WhereMissing => !always,
            Nullability::Never => false,
            Nullability::Always => !in_key,
        };
        let mut data_type = if nullable { decision.nullable() } else { decision.data_type.clone() };
        let mut why = decision.why.clone();
        if options.low_cardinality
            && decision.data_type == DataType::String
            && let Some(distinct) = self.categories()
        {
            data_type = DataType::LowCardinality(Box::new(data_type));
            why.push_str(&format!("; only {distinct} different"));
        }
        if !always {
            let (null, absent) = (self.observed.null, self.absent(events));
            let becomes = match (decision.form, nullable) {
                (Form::Nested | Form::Tuple, _) => "where it is empty",
                (_, true) => "hence Nullable",
                (_, false) => "yet not Nullable, as was asked for",
            };
            why.push_str(&format!("; null in {null} and absent from {absent} of {events} events, {becomes}"));
        }
        (data_type, why)
    }

    /// The evidence behind `why`, of `events`.
    pub(super) fn evidence(
        self,
        name: String,
        events: u64,
        decision: &Decision,
        (data_type, why): (&DataType, String),
    ) -> ColumnEvidence {
        let (min, max) = self.extremes().unzip();
        ColumnEvidence {
            data_type: data_type.to_string(),
            present: self.observed.present(),
            null: self.observed.null,
            absent: self.absent(events),
            kinds: self.observed.kinds().collect(),
            min,
            max,
            distinct: self.scalars_only().then(|| self.distinct.count()),
            confidence: self.confidence(decision),
            suggestions: suggestions(&name, &self, decision, data_type),
            examples: self.examples.into_iter().map(|(_, example)| example).collect(),
            name,
            why,
        }
    }

    fn scalars_only(&self) -> bool {
        let mut kinds = self.observed.kinds();
        self.observed.present() > 0 && kinds.all(|(kind, _)| !matches!(kind, Kind::Array | Kind::Object))
    }

    fn extremes(&self) -> Option<(String, String)> {
        let mut families: Vec<_> = self.observed.kinds().map(|(kind, _)| kind.family()).collect();
        families.dedup();
        match families.as_slice() {
            [Family::Number] => self.numbers(),
            [Family::String] => {
                let (first, last) = self.texts.as_ref()?;
                let json = |text: &str| cut(&serde_json::Value::from(text).to_string());
                Some((json(first), json(last)))
            }
            _ => None,
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "only to see which is greater")]
    fn numbers(&self) -> Option<(String, String)> {
        let numbers = &self.observed.numbers;
        if numbers.bits.max(numbers.negative_bits) > 64 {
            return None;
        }
        let integers = numbers.integers.map(|(least, greatest)| {
            ((least as f64, least.to_string()), (greatest as f64, greatest.to_string()))
        });
        let text = |value: f64| (value, format!("{value:?}"));
        let floats = numbers.floats.map(|(least, greatest)| (text(least), text(greatest)));
        let both = integers.into_iter().chain(floats);
        let (least, greatest) = both.reduce(|one, other| {
            (
                if one.0.0 <= other.0.0 { one.0 } else { other.0 },
                if one.1.0 >= other.1.0 { one.1 } else { other.1 },
            )
        })?;
        Some((least.1, greatest.1))
    }

    fn confidence(&self, decision: &Decision) -> Confidence {
        let by_count = match self.observed.present() {
            present if present < FEW_VALUES => Confidence::Low,
            present if present < MANY_VALUES => Confidence::Medium,
            _ => Confidence::High,
        };
        let by_form = match decision.form {
            Form::Text | Form::JsonText => Confidence::Low,
            Form::Tuple => Confidence::Medium,
            Form::Nested if matches!(decision.data_type, DataType::Map(..)) => Confidence::Medium,
            Form::Scalar | Form::Nested => Confidence::High,
        };
        by_count.min(by_form)
    }
}

/// The beginning of a text.
fn head(text: &str) -> &str {
    match text.len() {
        ..=EXAMPLE_CHARS => text,
        _ => text.char_indices().nth(EXAMPLE_CHARS).map_or(text, |(end, _)| text.split_at(end).0),
    }
}

pub(super) fn cut(json: &str) -> String {
    let head = head(json);
    if head.len() == json.len() { json.to_owned() } else { format!("{head}…") }
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
