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
                let text = cursor.string()?;
                if text.is_escaped() {
                    text.decoded().map_err(|_| refused("JSON with an escape that is no character"))?;
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
        let mut numbers = Numbers::default();
        let (mut nulls, mut lists, mut objects, mut others) = (false, false, false, false);
        let mut more = cursor.enter(b']')?;
        self.path.push(Step::Element);
        while more {
            match self.value(cursor)? {
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
            more = cursor.more(b']')?;
        }
        self.path.pop();
        // In a list of lists the engine looks for one type, too.
        if numbers.large && numbers.fractions {
            return Err(refused("JSON with a list of fractions and of integers beyond 2^53"));
        }
        if nulls && lists && !objects && !others {
            return Err(refused("JSON with a null beside a list"));
        }
        let found = Lists {
            fractions: numbers.fractions,
            large: numbers.large,
            nested: (lists || objects) && !nulls && !others,
            nulls: nulls && !others,
        };
        if found != Lists::default() {
            self.note(cursor, found)?;
        }
        Ok(numbers)
    }

    /// Keeps what a list has, unless another list of the same event excludes it.
    fn note(&mut self, cursor: &Cursor<'_>, found: Lists) -> Checked {
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
            return Err(refused("JSON with lists on one path that its column would change"));
        }
        self.lists.push((path, found));
        Ok(())
    }

    fn fields(&mut self, cursor: &mut Cursor<'_>) -> Checked {
        let outer = self.names.len();
        let mut escaped = false;
        let mut more = cursor.enter(b'}')?;
        while more {
            let start = cursor.at() + 1;
            let name = cursor.name()?;
            escaped |= name.is_escaped();
            if has_dot(name)? {
                return Err(refused("JSON with a dot in the name of a field"));
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
            if !(may_be_typed && self.typed.pass(&self.dotted, cursor)?) {
                self.value(cursor)?;
            }
            self.dotted.truncate(around);
            self.path.pop();
            more = cursor.more(b'}')?;
        }
        let names = self.names.get(outer..).unwrap_or_default();
        if !are_distinct(cursor, names, escaped)? {
            return Err(Fault::new(RejectKind::DuplicateField, "JSON with a field named twice"));
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
            _ if !number.is_finite() => Err(refused("JSON with a NaN or an Infinity, which it has not")),
            _ if number.integral => Err(refused("JSON with an integer beyond 64 bits")),
            None => Err(refused("JSON with a number beyond Float64")),
            Some(_) => Ok(Kind::Fraction),
        };
    };
    if number.negative && magnitude == 0 {
        return Err(refused("JSON with the integer -0"));
    }
    if number.negative && magnitude > 1 << 63 {
        return Err(refused("JSON with an integer beyond 64 bits"));
    }
    Ok(if magnitude > 1 << 53 { Kind::LargeInteger } else { Kind::Other })
}

#[cold]
fn refused(message: &str) -> Box<Fault> {
    Fault::new(RejectKind::NotRepresentable, message)
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
