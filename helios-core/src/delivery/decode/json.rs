//! Which objects a `JSON` column gives back as they were.
//!
//! Measured on 26.7: a field named twice and an integer beyond 64 bits are refused together with the whole insert; a
//! dot in a name becomes a level; the integer `-0` becomes 0; in a list with fractions whole numbers become `Float64`. `null` and `{}` inside an
//! object are the same as an absent path: that is what the type means, and no reason to refuse.

use super::fault::{Checked, Fault, RejectKind};
use crate::json::{Cursor, Text};

/// Up to so many names are compared each with each.
const FEW: usize = 12;

/// Checks objects; keeps its memory between them.
#[derive(Debug, Default)]
pub(super) struct Check {
    /// Where the names of the objects that are open start and end.
    names: Vec<(usize, usize)>,
}

/// What a list needs to know of its elements.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// An integer that is no exact Float64.
    LargeInteger,
    Fraction,
    Other,
}

impl Check {
    /// Passes over the object the cursor is at, and gives it as it is written.
    pub(super) fn object<'a>(&mut self, cursor: &mut Cursor<'a>) -> Checked<&'a str> {
        self.names.clear();
        let start = cursor.at();
        self.fields(cursor)?;
        Ok(cursor.between(start, cursor.at()))
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
            b'{' => self.fields(cursor).map(|()| Kind::Other),
            b'[' => self.elements(cursor),
            b'-' | b'0'..=b'9' => number(cursor),
            _ => {
                cursor.value()?;
                Ok(Kind::Other)
            }
        }
    }

    fn elements(&mut self, cursor: &mut Cursor<'_>) -> Checked<Kind> {
        let (mut large, mut fraction) = (false, false);
        let mut more = cursor.enter(b']')?;
        while more {
            let kind = self.value(cursor)?;
            large |= kind == Kind::LargeInteger;
            fraction |= kind == Kind::Fraction;
            more = cursor.more(b']')?;
        }
        // In a list of lists the engine looks for one type too.
        match (large, fraction) {
            (true, true) => Err(refused("JSON with a list of fractions and of integers beyond 2^53")),
            (true, false) => Ok(Kind::LargeInteger),
            (false, true) => Ok(Kind::Fraction),
            (false, false) => Ok(Kind::Other),
        }
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
            self.names.push((start, start + name.raw.len()));
            self.value(cursor)?;
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
        ] {
            assert_eq!(check(raw), Err(kind), "{raw}");
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
