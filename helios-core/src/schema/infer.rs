//! What follows from a sample: columns, and their evidence.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::Serialize;

use super::{
    decide::Decision,
    event::{Reader, Token, Unreadable, behind, has_duplicates},
    evidence::{ColumnEvidence, Seen},
    fields::{Field, Fields, First},
    keys::{self, Proposal},
    observe::{Place, Room},
    options::{InferOptions, ObjectTypes},
    split::Split,
};
use crate::{
    Column, FieldPath,
    column_names::{ColumnNames, renamed},
    warehouse::types::DataType,
};

/// More keys than this are data in the place of names: a column each would make a table that nothing can use.
const MAX_COLUMNS: usize = 1_000;

/// Objects within more than so many others are not looked into.
const MAX_DEPTH: usize = 8;

/// More places within objects than this are not looked at: fewer levels are, then.
const MAX_PLACES: usize = 100_000;

/// What was inferred from a sample.
///
/// On the wire in camel case: `{"columns": [{"name", "type"}], "evidence": […], "events": 100, "unreadable": 0,
/// "proposal": {…}, "notes": []}`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Inference {
    /// A column for each top-level key, in the order of first appearance. A column whose key cannot be its name has another
    /// name, and the key as its [`field`](Column::field).
    pub columns: Vec<Column>,
    /// What each column's type rests on, in the same order.
    pub evidence: Vec<ColumnEvidence>,
    /// Events that were read.
    pub events: u64,
    /// Events that were not: no JSON object, not UTF-8, a key twice, half a surrogate pair, nested deeper than 64 levels.
    pub unreadable: u64,
    /// Keys of a table with these columns.
    pub proposal: Proposal,
    /// What was left out and why, in sentences.
    pub notes: Vec<String>,
}

/// Infers columns from events, each one JSON object. What is not one is counted and skipped; no input fails.
pub fn infer<'a>(events: impl IntoIterator<Item = &'a [u8]>) -> Inference {
    let mut observation = Observation::default();
    for event in events {
        observation.add(event);
    }
    observation.conclude(&InferOptions::default())
}

/// The same, by these options, of events that can be read twice: [`ObjectTypes::Flatten`] is done in a second pass, when it is
/// known where there are objects.
///
/// ```
/// use helios_core::schema::{InferOptions, ObjectTypes, infer_with};
///
/// let mut options = InferOptions::default();
/// options.objects = ObjectTypes::Flatten;
/// let inference = infer_with(&[br#"{"user": {"id": 1, "plan": "free"}}"#], &options);
/// let names: Vec<_> = inference.columns.iter().map(|column| column.name.as_str()).collect();
/// assert_eq!(names, ["user.id", "user.plan"]);
/// ```
pub fn infer_with(events: &[impl AsRef<[u8]>], options: &InferOptions) -> Inference {
    let mut observation = Observation::default();
    events.iter().for_each(|event| {
        observation.add(event.as_ref());
    });
    observation.conclude_with(events, options)
}

/// What was observed of a sample, or of a part of it.
///
/// One pass, in bounded memory. Parts can be observed apart, in any order, and merged: the whole is the same, unless the
/// bounds are met: more than 1,000 keys, or 100,000 places within objects.
///
/// ```
/// use helios_core::schema::{InferOptions, Observation};
///
/// let (mut first, mut second) = (Observation::default(), Observation::starting_at(1));
/// first.add(br#"{"id": 1}"#);
/// second.add(br#"{"id": 2.5, "tag": "new"}"#);
/// second.merge(first);
/// let inference = second.conclude(&InferOptions::default());
/// let types: Vec<_> = inference.columns.iter().map(|column| column.data_type.as_str()).collect();
/// assert_eq!(types, ["Float64", "Nullable(String)"]);
/// ```
#[derive(Debug)]
pub struct Observation {
    parts: Parts,
    reader: Reader,
    room: Room,
    /// The number of the next event.
    next: u64,
    /// Objects whose fields are columns of their own.
    split: Split,
}

#[derive(Debug, Default)]
struct Parts {
    columns: Fields<Seen>,
    events: u64,
    unreadable: u64,
    /// Events with a key without a name.
    unnamed: u64,
    /// Events with a key for which there was no column any more.
    too_many: u64,
    /// The fields within objects that fill columns.
    fields: HashMap<String, FieldPath>,
}

impl Default for Observation {
    fn default() -> Self {
        Self::starting_at(0)
    }
}

impl Observation {
    /// The observation of a part whose first event has this number in the sample. The order of columns, and which examples
    /// are shown, goes by these numbers.
    #[must_use]
    pub fn starting_at(event: u64) -> Self {
        Self {
            parts: Parts::default(),
            reader: Reader::default(),
            room: Room { depth: MAX_DEPTH, places: 0 },
            next: event,
            split: Split::default(),
        }
    }

    /// Adds an event, and says whether it is one. What is no JSON object, or one that delivery would reject whatever its
    /// table, is only counted.
    pub fn add(&mut self, event: &[u8]) -> bool {
        let added = self.reader.read(event, Some(&self.parts.columns)).and_then(|tokens| {
            let added = self.parts.add(&tokens, self.next, &self.split, &mut self.room);
            self.reader.keep(tokens);
            added
        });
        match added {
            Ok(()) => self.parts.events += 1,
            Err(Unreadable) => self.parts.unreadable += 1,
        }
        self.next += 1;
        if self.room.places > MAX_PLACES {
            self.make_room();
        }
        added.is_ok()
    }

    /// Adds what was observed of another part.
    pub fn merge(&mut self, other: Self) {
        self.next = self.next.max(other.next);
        self.room.depth = self.room.depth.min(other.room.depth);
        let more = other.parts;
        self.parts.events += more.events;
        self.parts.unreadable += more.unreadable;
        self.parts.unnamed += more.unnamed;
        self.parts.too_many += more.too_many;
        self.parts.columns.merge(more.columns, Seen::merge);
        self.parts.keep_first(MAX_COLUMNS);
        self.make_room();
    }

    /// Looks into fewer levels until there are few enough places.
    fn make_room(&mut self) {
        loop {
            let depth = self.room.depth;
            let columns = self.parts.columns.iter_mut();
            columns.for_each(|column| column.seen.observed.forget_beyond(depth));
            self.room.places = self.parts.columns.iter().map(|column| column.seen.observed.places()).sum();
            if self.room.places <= MAX_PLACES || depth == 0 {
                return;
            }
            self.room.depth -= 1;
        }
    }

    /// The same, where all of the events are at hand.
    pub(crate) fn conclude_with(self, events: &[impl AsRef<[u8]>], options: &InferOptions) -> Inference {
        if options.objects != ObjectTypes::Flatten {
            return self.conclude(options);
        }
        let (split, kept) = Split::of(&self.parts.columns, options);
        let mut inference = if split.is_empty() {
            self.conclude(options)
        } else {
            let mut again = Self { split, ..Self::default() };
            events.iter().for_each(|event| {
                again.add(event.as_ref());
            });
            again.conclude(options)
        };
        inference.notes.extend(kept.into_iter().map(|name| {
            format!(
                "{name} is not parted into its fields: a column of one would have the name of another column."
            )
        }));
        inference
    }

    /// The columns that every event fits. Objects stay whole: to flatten them is a matter of [`infer_with`].
    #[must_use]
    pub fn conclude(self, options: &InferOptions) -> Inference {
        self.parts.conclude(options)
    }
}

impl Parts {
    /// An event counts in whole or not at all: one with a key twice does not.
    fn add(
        &mut self,
        tokens: &[Token<'_>],
        number: u64,
        split: &Split,
        room: &mut Room,
    ) -> Result<(), Unreadable> {
        // Most events have the keys that the ones before had, in the same order.
        if !is_in_order(tokens) && has_duplicates(tokens, 0) {
            return Err(Unreadable);
        }
        let (mut unnamed, mut left_out) = (false, false);
        let mut at = 1;
        while let Some(Token::Name { name, known }) = tokens.get(at) {
            let first = (number, at + 1);
            if known.is_none() && !split.is_empty() {
                let name = name.decoded().unwrap_or_default();
                if let Some(within) = split.get(&name) {
                    left_out |= !self.add_fields(tokens, (first, within), &FieldPath::top(&*name), room);
                    at = behind(tokens, at + 1);
                    continue;
                }
            }
            let column = known.or_else(|| {
                let name = name.decoded().unwrap_or_default();
                unnamed |= name.is_empty();
                left_out |= !name.is_empty() && self.columns.len() == MAX_COLUMNS;
                let has_room = !name.is_empty() && self.columns.len() < MAX_COLUMNS;
                has_room.then(|| self.columns.insert(&name, first))
            });
            at = match column.and_then(|column| self.columns.get_mut(column)) {
                Some(column) => {
                    column.first = column.first.min(first);
                    column.seen.add(tokens, Place { first, depth: 0, objects: 0 }, room)
                }
                None => behind(tokens, at + 1),
            };
        }
        self.unnamed += u64::from(unnamed);
        self.too_many += u64::from(left_out);
        Ok(())
    }

    /// Adds the fields of an object as columns of their own; says whether there was one for each.
    fn add_fields(
        &mut self,
        tokens: &[Token<'_>],
        ((number, object), split): (First, &Split),
        path: &FieldPath,
        room: &mut Room,
    ) -> bool {
        let (mut at, end, mut had_room) = (object + 1, behind(tokens, object), true);
        while at < end {
            let Some(Token::Name { name, .. }) = tokens.get(at) else { break };
            let name = name.decoded().unwrap_or_default();
            let (first, field) = ((number, at + 1), path.within(&*name));
            at = behind(tokens, at + 1);
            if let Some(within) = split.get(&name) {
                had_room &= self.add_fields(tokens, (first, within), &field, room);
                continue;
            }
            let column = field.keys().join(".");
            let known = self.columns.find(&column, usize::MAX);
            if known.is_none() && self.columns.len() == MAX_COLUMNS {
                had_room = false;
                continue;
            }
            let known = known.unwrap_or_else(|| {
                self.fields.insert(column.clone(), field);
                self.columns.insert(&column, first)
            });
            if let Some(column) = self.columns.get_mut(known) {
                column.first = column.first.min(first);
                column.seen.add(tokens, Place { first, depth: 0, objects: 0 }, room);
            }
        }
        had_room
    }

    /// Of columns beyond so many the last to appear are left out, as they would have been in one pass.
    fn keep_first(&mut self, most: usize) {
        if self.columns.len() <= most {
            return;
        }
        let mut kept = Fields::default();
        let mut left_out = 0;
        for (at, field) in std::mem::take(&mut self.columns).into_sorted().into_iter().enumerate() {
            if at < most {
                let place = kept.insert(&field.name, field.first);
                if let Some(column) = kept.get_mut(place) {
                    column.seen = field.seen;
                }
            } else {
                left_out = left_out.max(field.seen.observed.present() + field.seen.observed.null);
            }
        }
        self.too_many = self.too_many.max(left_out);
        self.columns = kept;
    }

    fn conclude(self, options: &InferOptions) -> Inference {
        let mut notes = self.notes();
        let events = self.events;
        let mut columns = self.columns.into_sorted();
        let others = rename(&mut columns);
        notes.extend(others.iter().map(|(column, field)| {
            let reason = "a table cannot have a column of its name, or not beside the others";
            format!("The key {field} fills the column {column}: {reason}.")
        }));
        let field_of = |column: &str| {
            let name = others.get(column).map_or(column, String::as_str);
            self.fields.get(name).cloned().unwrap_or_else(|| FieldPath::top(name))
        };
        let mut decisions: Vec<_> =
            columns.iter().map(|column| column.seen.decide(events, options)).collect();
        part_nested(&columns, &mut decisions);
        let types = |in_key: &dyn Fn(&str) -> bool| -> Vec<(DataType, String)> {
            let concluded = columns.iter().zip(&decisions).map(|(column, decision)| {
                column.seen.conclude(decision, events, options, in_key(&column.name))
            });
            concluded.collect()
        };
        // A key holds no null, so what is proposed decides what may be null, if all else is.
        let proposal = keys::propose(&columns, &types(&|_| true), events);
        let concluded = types(&|name| proposal.names(name));
        let columns_and_evidence = columns.into_iter().zip(&decisions).zip(concluded).map(
            |((column, decision), (data_type, why))| {
                let name = column.name.into_string();
                let why = match others.get(&name) {
                    Some(field) => format!("{why}; {}", renamed(field, &name)),
                    None => why,
                };
                let evidence = column.seen.evidence(name, events, decision, (&data_type, why));
                let column = Column::new(&evidence.name, data_type.to_string());
                (column.filled_from(field_of(&evidence.name)), evidence)
            },
        );
        let (columns, evidence) = columns_and_evidence.unzip();
        Inference { columns, evidence, events, unreadable: self.unreadable, proposal, notes }
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
        let mut by_case: HashMap<String, Vec<&str>> = HashMap::new();
        for column in self.columns.sorted() {
            by_case.entry(column.name.to_lowercase()).or_default().push(&column.name);
        }
        let mut alike: Vec<_> = by_case.into_values().filter(|names| names.len() > 1).collect();
        alike.sort_unstable();
        for names in alike {
            notes.push(format!("The keys {} differ in case only: each is a column.", names.join(", ")));
        }
        notes
    }
}

/// Whether all names of an event are known, each behind the one before: then none is there twice.
#[inline]
fn is_in_order(tokens: &[Token<'_>]) -> bool {
    let (mut at, mut expected) = (1, 0);
    while let Some(Token::Name { known, .. }) = tokens.get(at) {
        match known {
            Some(known) if *known >= expected => expected = known + 1,
            _ => return false,
        }
        at = behind(tokens, at + 1);
    }
    true
}

/// The most typical of some events: the first, counted from 0, with the most of the columns that most events have. None if
/// none can be read.
pub fn representative<'a>(
    events: impl IntoIterator<Item = &'a [u8]>,
    inference: &Inference,
) -> Option<usize> {
    let columns = inference.columns.iter().zip(&inference.evidence);
    let common = columns.filter(|(_, evidence)| evidence.present * 2 > inference.events);
    let common: HashSet<_> =
        common.filter_map(|(column, _)| column.source().keys().first().cloned()).collect();
    let mut reader = Reader::default();
    let mut best: Option<(usize, usize)> = None;
    for (index, event) in events.into_iter().enumerate() {
        let Ok(tokens) = reader.read(event, None) else { continue };
        let (mut at, mut score) = (1, 0);
        while let Some(Token::Name { name, .. }) = tokens.get(at) {
            let is_null = matches!(tokens.get(at + 1), Some(Token::Null));
            let name = name.decoded().unwrap_or_default();
            score += usize::from(!is_null && common.contains(&*name));
            at = behind(&tokens, at + 1);
        }
        let is_event = !has_duplicates(&tokens, 0);
        reader.keep(tokens);
        if !is_event {
            continue;
        }
        if best.is_none_or(|(_, most)| score > most) {
            best = Some((index, score));
        }
        if score == common.len() {
            break;
        }
    }
    best.map(|(index, _)| index)
}

/// Gives columns other names where a table cannot have them. Returns these, each with its former name.
fn rename(columns: &mut [Field<Seen>]) -> BTreeMap<String, String> {
    let mut names = ColumnNames::new([], columns.iter().map(|column| &*column.name));
    let mut others = BTreeMap::new();
    for column in columns {
        let chosen = names.choose(&column.name);
        if chosen != *column.name {
            others.insert(chosen.clone(), column.name.to_string());
            column.name = chosen.into();
        }
    }
    others
}

/// ClickHouse takes arrays named `n.a` and `n.b` for parts of one `Nested` and refuses rows where their lengths differ. A map
/// `n.a` beside an array or a map `n.b` it refuses.
fn part_nested(columns: &[Field<Seen>], decisions: &mut [Decision]) {
    let prefix = |column: &Field<Seen>, decision: &Decision| {
        let has_sizes = matches!(decision.data_type, DataType::Array(_) | DataType::Map(..));
        column.name.split_once('.').filter(|_| has_sizes).map(|(prefix, _)| prefix.to_owned())
    };
    let mut count = HashMap::<String, usize>::new();
    for prefix in columns.iter().zip(&*decisions).filter_map(|(column, decision)| prefix(column, decision)) {
        *count.entry(prefix).or_default() += 1;
    }
    for (column, decision) in columns.iter().zip(decisions) {
        if prefix(column, decision).is_some_and(|prefix| count.get(&prefix) > Some(&1)) {
            *decision = Decision::json_text(
                "another array or map shares the name up to the dot, and ClickHouse would want both of one length",
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
    fn objects_are_parted_into_their_fields() {
        let options = InferOptions { objects: ObjectTypes::Flatten, ..InferOptions::default() };
        let of = |events: &[&str]| {
            let inference = infer_with(events, &options);
            let shown = inference
                .columns
                .iter()
                .map(|column| format!("{} {} {}", column.name, column.data_type, column.source()));
            (shown.collect::<Vec<_>>(), inference.notes)
        };
        let (columns, notes) = of(&[
            r#"{"id":1,"user":{"id":7,"home":{"city":"x"}},"tags":{"a":[1]}}"#,
            r#"{"user":{"id":8,"home":{"city":"y"}},"id":2,"tags":{"a":[]}}"#,
        ]);
        assert_eq!(
            columns,
            [
                "id UInt64 /id",
                "user.id UInt64 /user/id",
                "user.home.city String /user/home/city",
                "tags.a Array(UInt64) /tags/a"
            ]
        );
        assert_eq!(notes, Vec::<String>::new());
        // Absent, null and empty: the fields are null. Of varying shape: those that are not there are.
        let (columns, _) =
            of(&[r#"{"a":{"b":1,"c":"x"}}"#, r#"{"a":{"b":2}}"#, r#"{"a":{}}"#, r#"{"a":null}"#, "{}"]);
        assert_eq!(columns, ["a.b Nullable(UInt64) /a/b", "a.c Nullable(String) /a/c"]);
        // Two columns of one name: the object stays whole.
        for event in [r#"{"a":{"b":1},"a.b":2}"#, r#"{"a":{"b":{"c":1},"b.c":2}}"#] {
            let (columns, notes) = of(&[event]);
            assert!(columns[0].starts_with("a ") && columns[0].ends_with(" /a"), "{columns:?}");
            assert!(notes.last().unwrap().starts_with("a is not parted"), "{notes:?}");
        }
        // Not only objects; the same key twice; keys that are data.
        assert_eq!(of(&[r#"{"a":{"b":1}}"#, r#"{"a":[1]}"#]).0, ["a String /a"]);
        assert_eq!(of(&[r#"{"a":{"b":1,"b":2}}"#]).0, ["a String /a"]);
        let keyed: Vec<_> = (0..100).map(|at| format!(r#"{{"a":{{"k{at}":1}}}}"#)).collect();
        let keyed: Vec<_> = keyed.iter().map(String::as_str).collect();
        assert_eq!(of(&keyed).0, ["a Map(String, UInt64) /a"]);
        // A list in two fields of one object is what ClickHouse takes for one Nested.
        let lists = of(&[r#"{"a":{"b":[1],"c":[1,2]}}"#]).0;
        assert_eq!(lists, ["a.b String /a/b", "a.c String /a/c"]);
    }

    #[test]
    fn a_column_has_another_name_where_its_key_is_impossible() {
        let inference = sample(&[r#"{"a.x":[1],"a":5,"_shard":"x","_shard_":"y","o":{"null":1}}"#; 60]);
        let columns: Vec<_> = inference.columns.iter().map(|column| serde_json::json!(column)).collect();
        assert_eq!(
            columns,
            [
                serde_json::json!({"name": "a.x", "type": "Array(UInt64)"}),
                serde_json::json!({"name": "a_", "type": "UInt64", "field": "/a"}),
                serde_json::json!({"name": "_shard__", "type": "LowCardinality(String)", "field": "/_shard"}),
                serde_json::json!({"name": "_shard_", "type": "LowCardinality(String)"}),
                serde_json::json!({"name": "o", "type": "JSON"}),
            ]
        );
        let why: Vec<_> =
            inference.evidence.iter().map(|seen| (seen.name.as_str(), seen.why.as_str())).collect();
        assert!(why[1].0 == "a_" && why[1].1.contains("the column is named `a_`"), "{why:?}");
        assert!(why[2].0 == "_shard__" && why[2].1.contains("cannot have a column `_shard`"), "{why:?}");
        assert!(!why[3].1.contains("is named"), "{why:?}");
        assert_eq!(inference.notes.len(), 2, "{:?}", inference.notes);
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
        assert_eq!(representative(events, &inference), Some(7));
    }

    #[test]
    fn nothing_gives_nothing() {
        let inference = sample(&[]);
        assert_eq!((inference.events, inference.unreadable, inference.columns.len()), (0, 0, 0));
        assert_eq!(inference.proposal, Proposal::default());
        assert_eq!(representative([], &inference), None);
        let inference = sample(&["{}"]);
        assert_eq!((inference.events, inference.columns.len()), (1, 0));
        assert_eq!(representative([&b"{}"[..]], &inference), Some(0));
    }

    #[test]
    fn the_representative_has_most_of_the_common_columns() {
        for (events, expected) in [
            (&[r#"{"a":1}"#, r#"{"a":1,"b":1}"#, r#"{"b":1,"a":2}"#][..], 1),
            (&["x", r#"{"a":1,"rare":1,"rarer":2}"#, r#"{"a":1,"b":1}"#, r#"{"a":1,"b":1}"#], 2),
            (&[r#"{"a":1,"b":null}"#, r#"{"a":1,"b":2}"#, r#"{"a":1,"b":2}"#], 1),
            (&[r#"{"a":1}"#, r#"{"b":1}"#], 0),
        ] {
            let bytes = events.iter().map(|event| event.as_bytes());
            assert_eq!(representative(bytes, &sample(events)), Some(expected), "{events:?}");
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
        assert_eq!(json["proposal"]["orderBy"], serde_json::json!(["at"]));
        assert_eq!(json["proposal"]["partitionBy"], "toYYYYMM(`at`)");
        assert_eq!(json["columns"][0], serde_json::json!({"name": "at", "type": "DateTime64(3, 'UTC')"}));
        assert_eq!(json["evidence"][0]["kinds"], serde_json::json!({"timestamp": 1}));
    }

    #[test]
    fn keys_that_differ_in_case_only_are_noted() {
        let inference = sample(&[r#"{"userId":1,"userid":2,"other":3}"#]);
        assert_eq!(inference.columns.len(), 3);
        assert_eq!(inference.notes, ["The keys userId, userid differ in case only: each is a column."]);
    }

    /// However wild the keys are, what is remembered of them is bounded.
    #[test]
    fn adversarial_keys_meet_a_bound() {
        let mut observation = Observation::default();
        for at in 0..40_000 {
            let event = format!(
                r#"{{"k{}":{{"a{}":{{"b{at}":[{{"c{at}":{{"d{at}":1}}}}]}}}}}}"#,
                at % 1_500,
                at % 251
            );
            assert!(observation.add(event.as_bytes()));
            assert!(observation.room.places <= MAX_PLACES);
        }
        let counted: usize =
            observation.parts.columns.iter().map(|column| column.seen.observed.places()).sum();
        assert!(
            counted <= MAX_PLACES && observation.room.depth < MAX_DEPTH,
            "{counted} {:?}",
            observation.room
        );
        let inference = observation.conclude(&InferOptions::default());
        assert_eq!((inference.columns.len(), inference.events), (MAX_COLUMNS, 40_000));
    }
}
