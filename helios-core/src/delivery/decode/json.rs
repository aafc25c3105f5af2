//! Which objects a `JSON` column gives back as they were.
//!
//! Measured on 26.7 and 26.9: a field named twice and an integer beyond 64 bits are refused together with the whole insert; a
//! dot in a name becomes a level; the integer `-0` becomes 0; in a list with fractions whole numbers become `Float64`; a null
//! beside lists becomes an empty list. `null` and `{}` inside an object are the same as an absent path: that is what the type
//! means, and no reason to refuse.
//!
//! Within one insert a list also takes the type of an earlier list on its path, if that holds it in some way: integers beyond
//! 2^53 behind fractions are rounded, nulls behind lists or objects become empty ones. Such lists must not be in one insert.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash as _, Hasher as _},
};

use super::{
    fault::{Checked, Fault, RejectKind},
    typed::TypedPaths,
};
use crate::json::{Cursor, Text};

/// Up to so many names are compared each with each.
const FEW: usize = 12;

/// Checks objects; keeps its memory between them.
#[derive(Debug, Default)]
pub(super) struct Check {
    /// Where the names of the objects that are open start and end.
    names: Vec<(usize, usize)>,
    /// The paths that have a type of their own, and the names around the value that is read, if there are such paths.
    typed: TypedPaths,
    dotted: String,
    /// The way to the value that is read.
    path: Vec<Step>,
    /// The lists of the current event that change, or are changed by, others on their paths.
    lists: Vec<(u64, Lists)>,
    /// Those of the events before, by the path's hash.
    before: HashMap<u64, Lists>,
}

#[derive(Clone, Copy, Debug)]
enum Step {
    /// A name: where it starts and ends, and whether it has escapes.
    Field(usize, usize, bool),
    Element,
}

/// What the lists on one path have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Lists {
    /// Fractions.
    fractions: bool,
    /// Integers that a Float64 does not hold exactly.
    large: bool,
    /// Lists or objects, and nothing else.
    nested: bool,
    /// Nulls, with objects or alone.
    nulls: bool,
}

impl Lists {
    /// Whether lists behind these, in the same insert, come back otherwise.
    fn change(self, later: Self) -> bool {
        (self.fractions && later.large) || (self.nested && later.nulls)
    }

    fn and(self, other: Self) -> Self {
        Self {
            fractions: self.fractions || other.fractions,
            large: self.large || other.large,
            nested: self.nested || other.nested,
            nulls: self.nulls || other.nulls,
        }
    }
}

/// What a list needs to know of its elements.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Null,
    List(Numbers),
    Object,
    /// An integer that a Float64 does not hold exactly.
    LargeInteger,
    Fraction,
    Other,
}

/// Which of the numbers that exclude each other a list has, also in lists within.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Numbers {
    fractions: bool,
    large: bool,
}

impl Check {
    pub(super) fn new(typed: TypedPaths) -> Self {
        Self { typed, ..Self::default() }
    }

    /// Passes over the object the cursor is at, and gives it as it is written.
    pub(super) fn object<'a>(&mut self, cursor: &mut Cursor<'a>) -> Checked<&'a str> {
        self.names.clear();
        self.path.clear();
        self.dotted.clear();
        let start = cursor.at();
        self.fields(cursor)?;
        Ok(cursor.between(start, cursor.at()))
    }

    /// Ends an event. Whether it has a list that an earlier event's would change.
    pub(super) fn end_event(&mut self) -> bool {
        let mut is_changed = false;
        for (path, lists) in self.lists.drain(..) {
            let before = self.before.entry(path).or_default();
            is_changed |= before.change(lists);
            *before = before.and(lists);
        }
        is_changed
    }

    /// Forgets the current event.
    pub(super) fn forget_event(&mut self) {
        self.lists.clear();
    }

    /// Forgets all events: the next ones are another insert.
    pub(super) fn forget(&mut self) {
        self.lists.clear();
        self.before.clear();
    }

    fn value(&mut self, cursor: &mut Cursor<'_>) -> Checked<Kind> {
        match cursor.peek() {
            b'"' => {
                let start = cursor.at();
                let text = cursor.string()?;
                if text.is_escaped() && text.decoded().is_err() {
                    let found = cursor.between(start, cursor.at());
                    return Err(refused("an escape sequence of the string is not a character", found));
                }
                Ok(Kind::Other)
            }
            b'{' => self.fields(cursor).map(|()| Kind::Object),
            b'[' => self.elements(cursor).map(Kind::List),
            b'-' | b'0'..=b'9' | b'N' | b'I' => number(cursor),
            b'n' => cursor.value().map(|_| Kind::Null).map_err(Into::into),
            _ => {
                cursor.value()?;
                Ok(Kind::Other)
            }
        }
    }

    fn elements(&mut self, cursor: &mut Cursor<'_>) -> Checked<Numbers> {
        let start = cursor.at();
        let mut numbers = Numbers::default();
        let (mut nulls, mut lists, mut objects, mut others) = (false, false, false, false);
        let mut index = 0;
        let mut more = cursor.enter(b']')?;
        self.path.push(Step::Element);
        while more {
            match self.value(cursor).map_err(|fault| in_element(fault, index))? {
                Kind::Null => nulls = true,
                Kind::List(within) => {
                    lists = true;
                    numbers.fractions |= within.fractions;
                    numbers.large |= within.large;
                }
                Kind::Object => objects = true,
                Kind::LargeInteger => (others, numbers.large) = (true, true),
                Kind::Fraction => (others, numbers.fractions) = (true, true),
                Kind::Other => others = true,
            }
            index += 1;
            more = cursor.more(b']')?;
        }
        self.path.pop();
        // In a list of lists the engine looks for one type, too.
        if numbers.large && numbers.fractions {
            let found = cursor.between(start, cursor.at());
            return Err(refused("JSON would round the integers beyond 2^53 in a list with fractions", found));
        }
        if nulls && lists && !objects && !others {
            let found = cursor.between(start, cursor.at());
            return Err(refused("JSON would make a null beside lists an empty list", found));
        }
        let found = Lists {
            fractions: numbers.fractions,
            large: numbers.large,
            nested: (lists || objects) && !nulls && !others,
            nulls: nulls && !others,
        };
        if found != Lists::default() {
            self.note(cursor, found, start)?;
        }
        Ok(numbers)
    }

    /// Keeps what a list, which begins at `start`, has, unless another list of the same event excludes it.
    fn note(&mut self, cursor: &Cursor<'_>, found: Lists, start: usize) -> Checked {
        let mut path = DefaultHasher::new();
        for step in &self.path {
            match *step {
                Step::Element => 0_u8.hash(&mut path),
                Step::Field(start, end, false) => cursor.between(start, end).hash(&mut path),
                Step::Field(start, end, true) => {
                    Text::new(cursor.between(start, end), true).decoded()?.hash(&mut path);
                }
            }
        }
        let path = path.finish();
        let others = self.lists.iter().filter(|(other, _)| *other == path);
        let others = others.fold(Lists::default(), |all, (_, lists)| all.and(*lists));
        if others.change(found) || found.change(others) {
            let found = cursor.between(start, cursor.at());
            return Err(refused("JSON would change this list or another one on its path", found));
        }
        self.lists.push((path, found));
        Ok(())
    }

    fn fields(&mut self, cursor: &mut Cursor<'_>) -> Checked {
        let object = cursor.at();
        let outer = self.names.len();
        let mut escaped = false;
        let mut more = cursor.enter(b'}')?;
        while more {
            let start = cursor.at() + 1;
            let name = cursor.name()?;
            escaped |= name.is_escaped();
            if has_dot(name)? {
                let value = cursor.value()?;
                return Err(in_field(
                    refused("JSON would take the dot in the name of the field for a path", value),
                    name,
                ));
            }
            let end = start + name.raw.len();
            self.names.push((start, end));
            self.path.push(Step::Field(start, end, name.is_escaped()));
            let around = self.dotted.len();
            // Within a list there are no typed paths.
            let may_be_typed =
                !self.typed.is_empty() && self.path.iter().all(|step| matches!(step, Step::Field(..)));
            if may_be_typed {
                if around > 0 {
                    self.dotted.push('.');
                }
                self.dotted.push_str(&name.decoded()?);
            }
            let is_typed = may_be_typed
                && self.typed.pass(&self.dotted, cursor).map_err(|fault| in_field(fault, name))?;
            if !is_typed
                && may_be_typed
                && !matches!(cursor.peek(), b'{' | b'n')
                && self.typed.is_above(&self.dotted)
            {
                let value = cursor.value()?;
                let message = "a path within this one has a type, so that only an object can be here";
                return Err(in_field(refused(message, value), name));
            }
            if !is_typed {
                self.value(cursor).map_err(|fault| in_field(fault, name))?;
            }
            self.dotted.truncate(around);
            self.path.pop();
            more = cursor.more(b'}')?;
        }
        let names = self.names.get(outer..).unwrap_or_default();
        if !are_distinct(cursor, names, escaped)? {
            let found = cursor.between(object, cursor.at());
            return Err(twice(found));
        }
        self.names.truncate(outer);
        Ok(())
    }
}

fn has_dot(name: Text<'_>) -> Checked<bool> {
    Ok(if name.is_escaped() { name.decoded()?.contains('.') } else { name.raw.as_bytes().contains(&b'.') })
}

fn are_distinct(cursor: &Cursor<'_>, names: &[(usize, usize)], escaped: bool) -> Checked<bool> {
    let text = |&(start, end): &(usize, usize)| cursor.between(start, end);
    if names.len() <= FEW && !escaped {
        let is_new = |(at, name)| names.iter().take(at).all(|before| text(before) != text(name));
        return Ok(names.iter().enumerate().all(is_new));
    }
    let decoded = |name| Text::new(text(name), true).decoded();
    let mut names = names.iter().map(decoded).collect::<Result<Vec<_>, _>>()?;
    names.sort_unstable();
    Ok(names.windows(2).all(|pair| !matches!(pair, [first, second] if first == second)))
}

fn number(cursor: &mut Cursor<'_>) -> Checked<Kind> {
    let number = cursor.number()?;
    let Some(magnitude) = number.magnitude() else {
        return match number.to_f64() {
            _ if !number.is_finite() => Err(refused("JSON has no NaN and no Infinity", number.text)),
            _ if number.integral => Err(refused(BEYOND_64_BITS, number.text)),
            None => Err(refused("JSON cannot hold a number beyond Float64", number.text)),
            Some(_) => Ok(Kind::Fraction),
        };
    };
    if number.negative && magnitude == 0 {
        return Err(refused("JSON would make the integer -0 a 0", number.text));
    }
    if number.negative && magnitude > 1 << 63 {
        return Err(refused(BEYOND_64_BITS, number.text));
    }
    Ok(if magnitude > 1 << 53 { Kind::LargeInteger } else { Kind::Other })
}

const BEYOND_64_BITS: &str = "JSON cannot hold an integer beyond 64 bits";

#[cold]
fn refused(message: &str, found: &str) -> Box<Fault> {
    let fault = Fault::new(RejectKind::NotRepresentable, message);
    fault.advising("send it in another form, or make the column a String").expecting("JSON", Some(found))
}

#[cold]
fn twice(object: &str) -> Box<Fault> {
    Fault::new(RejectKind::DuplicateField, "the JSON has a field twice").expecting("JSON", Some(object))
}

/// The same for a value of this field. Where the text ends too early says nothing of the field.
#[cold]
fn in_field(fault: Box<Fault>, name: Text<'_>) -> Box<Fault> {
    if fault.is_of_grammar() { fault } else { fault.in_field(&name.decoded().unwrap_or_default()) }
}

#[cold]
fn in_element(fault: Box<Fault>, index: usize) -> Box<Fault> {
    if fault.is_of_grammar() { fault } else { fault.in_element(index) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(raw: &str) -> Result<(), RejectKind> {
        Check::default().object(&mut Cursor::new(raw)).map(drop).map_err(|fault| fault.kind)
    }

    #[test]
    fn what_the_engine_would_change_is_refused() {
        for (raw, kind) in [
            (r#"{"a":1,"a":2}"#, RejectKind::DuplicateField),
            (r#"{"a":[{"b":1,"b":2}]}"#, RejectKind::DuplicateField),
            (r#"{"a.b":1}"#, RejectKind::NotRepresentable),
            (r#"{"a":{"b.c":1}}"#, RejectKind::NotRepresentable),
            (r#"{"a":18446744073709551616}"#, RejectKind::NotRepresentable),
            (r#"{"a":-9223372036854775809}"#, RejectKind::NotRepresentable),
            (r#"{"a":1e400}"#, RejectKind::NotRepresentable),
            (r#"{"a":-0}"#, RejectKind::NotRepresentable),
            (r#"{"a":[{"b":[1,-0]}]}"#, RejectKind::NotRepresentable),
            (r#"{"a":"\ud800"}"#, RejectKind::NotRepresentable),
            (r#"{"a":[1.5,9007199254740993]}"#, RejectKind::NotRepresentable),
            (r#"{"a":[[1],null]}"#, RejectKind::NotRepresentable),
            (r#"{"a":[{"b":[1.5]},{"b":[9007199254740993]}]}"#, RejectKind::NotRepresentable),
            (r#"{"a":[{"b":[9007199254740993]},{"\u0062":[1.5]}]}"#, RejectKind::NotRepresentable),
            (r#"{"a":[[[1]],[null]]}"#, RejectKind::NotRepresentable),
        ] {
            assert_eq!(check(raw), Err(kind), "{raw}");
        }
    }

    #[test]
    fn a_list_that_an_earlier_one_would_change_is_told() {
        for (first, second, is_changed) in [
            ("[1.5]", "[9007199254740993]", true),
            ("[9007199254740993]", "[1.5]", false),
            ("[[1.5]]", "[[9007199254740993]]", true),
            ("[1.5]", "[1]", false),
            (r#"[{"b":[1.5]}]"#, r#"[{"b":[9007199254740993]}]"#, true),
            (r#"[{"b":[1.5]}]"#, r#"[{"c":[9007199254740993]}]"#, false),
            ("[[]]", "[null]", true),
            ("[{}]", "[null,null]", true),
            (r#"[{"b":1}]"#, r#"[{"b":1},null]"#, true),
            (r#"[{"b":1},null]"#, "[null]", false),
            ("[1]", "[null]", false),
            ("[null]", "[[1]]", false),
        ] {
            let mut check = Check::default();
            let mut read = |path: &str, value: &str| {
                let raw = format!(r#"{{"{path}":{value}}}"#);
                check.object(&mut Cursor::new(&raw)).unwrap();
                check.end_event()
            };
            assert!(!read("a", first));
            assert!(!read("b", second), "{second} on another path");
            assert_eq!(read("a", second), is_changed, "{first} then {second}");
            check.forget();
            let raw = format!(r#"{{"a":{second}}}"#);
            check.object(&mut Cursor::new(&raw)).unwrap();
            assert!(!check.end_event(), "in another insert");
        }
    }

    #[test]
    fn what_the_engine_keeps_is_accepted() {
        for raw in [
            "{}",
            r#"{"a":null,"b":{}}"#,
            r#"{"a":[1,"x",null,{"b":[[]]}]}"#,
            r#"{"a":18446744073709551615,"b":-9223372036854775808,"c":0.1}"#,
            r#"{"a":"2024-02-30","b":"20240101"}"#,
            r#"{"":1,"a b":"\ud83e\udd80"}"#,
        ] {
            assert!(check(raw).is_ok(), "{raw}");
        }
    }
}
