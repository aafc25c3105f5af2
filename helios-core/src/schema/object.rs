//! Objects: whether ClickHouse's `JSON` type would keep one as it is.

use std::fmt;

use super::{
    json,
    number::Number,
    value::{MAX_DEPTH, Unreadable},
};

/// Why the `JSON` type would refuse or alter a value. What it does was tried on ClickHouse 26.7.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Hazard {
    /// Refused.
    DuplicateKey,
    /// `{"a.b": 1}` becomes `{"a": {"b": 1}}`, and beside an `a` gives the same key twice.
    DottedKey,
    /// Refused beyond 64 bits.
    WideInteger,
    /// Rounded, or refused if infinite.
    LossyFloat,
    /// `[true, 1]` becomes `[1, 1]`, `[true, "a"]` becomes `["true", "a"]`.
    MixedBooleans,
    /// Integers beside floats become floats, rounded where they are large.
    MixedNumbers,
    /// Nested so deep that it was not looked at.
    TooDeep,
}

impl fmt::Display for Hazard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DuplicateKey => "an object has the same key twice",
            Self::DottedKey => "a key contains a dot, which JSON would read as a path",
            Self::WideInteger => "an object holds an integer beyond 64 bits",
            Self::LossyFloat => "an object holds a number that a 64-bit float would alter",
            Self::MixedBooleans => {
                "an object holds an array of booleans and other values, which JSON would convert"
            }
            Self::MixedNumbers => {
                "an object holds an array of floats and integers that a 64-bit float would alter"
            }
            Self::TooDeep => "the nesting is too deep",
        })
    }
}

/// Looks through a whole object, `depth` levels below its column.
pub(super) fn hazard(object: &str, depth: usize) -> Result<Option<Hazard>, Unreadable> {
    let mut walk = Walk::default();
    walk.object(object, depth)?;
    Ok(walk.worst)
}

#[derive(Default)]
struct Walk {
    worst: Option<Hazard>,
}

/// What stands at one path, or in one array with the arrays in it.
#[derive(Default)]
struct Scalars {
    boolean: bool,
    not_boolean: bool,
    float: bool,
    inexact_integer: bool,
}

impl Walk {
    fn found(&mut self, hazard: Hazard) {
        self.worst = Some(self.worst.map_or(hazard, |worst| worst.min(hazard)));
    }

    fn object(&mut self, object: &str, depth: usize) -> Result<(), Unreadable> {
        if depth > MAX_DEPTH {
            self.found(Hazard::TooDeep);
            return Ok(());
        }
        let members = json::members(object.as_bytes()).ok_or(Unreadable)?;
        if json::has_duplicates(&members) {
            self.found(Hazard::DuplicateKey);
        }
        for (key, value) in members {
            if key.contains('.') {
                self.found(Hazard::DottedKey);
            }
            let mut scalars = Scalars::default();
            self.value(value, depth, &mut scalars)?;
            if scalars.boolean && scalars.not_boolean {
                self.found(Hazard::MixedBooleans);
            }
            if scalars.float && scalars.inexact_integer {
                self.found(Hazard::MixedNumbers);
            }
        }
        Ok(())
    }

    fn value(&mut self, value: &str, depth: usize, scalars: &mut Scalars) -> Result<(), Unreadable> {
        match value.as_bytes().first() {
            Some(b'{') => self.object(value, depth + 1)?,
            Some(b'[') if depth >= MAX_DEPTH => self.found(Hazard::TooDeep),
            Some(b'[') => {
                for element in json::elements(value).ok_or(Unreadable)? {
                    self.value(element, depth + 1, scalars)?;
                }
            }
            Some(b'"') => {
                json::text(value).ok_or(Unreadable)?;
                scalars.not_boolean = true;
            }
            Some(b't' | b'f') => scalars.boolean = true,
            Some(b'n') | None => {}
            Some(_) => self.number(Number::read(value), scalars),
        }
        Ok(())
    }

    fn number(&mut self, number: Number, scalars: &mut Scalars) {
        scalars.not_boolean = true;
        match number {
            Number::Integer { negative, bits, exact_as_float } => {
                if bits > if negative { 63 } else { 64 } {
                    self.found(Hazard::WideInteger);
                }
                scalars.inexact_integer |= !exact_as_float;
            }
            Number::Float { exact } => {
                if !exact {
                    self.found(Hazard::LossyFloat);
                }
                scalars.float = true;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_keeps_ordinary_objects() {
        for object in [
            "{}",
            r#"{"a":{"b":{"c":[1,2,{"d":"x"}]}},"e":null,"f":[true,null,false],"":1}"#,
            r#"{"a":18446744073709551615,"b":-9223372036854775808,"c":0.1,"d":-0}"#,
            r#"{"a":[1,2.5],"b":[9007199254740993,1],"c":true,"d":1}"#,
            r#"{"a":[{"b":true},{"b":1}]}"#,
            r#"{"a":{"b":1},"b":{"b":2}}"#,
        ] {
            assert_eq!(hazard(object, 0), Ok(None), "{object}");
        }
    }

    #[test]
    fn json_would_alter_these() {
        for (object, expected) in [
            (r#"{"a":1,"a":1}"#, Hazard::DuplicateKey),
            (r#"{"x":[{"a":1,"\u0061":1}]}"#, Hazard::DuplicateKey),
            (r#"{"a.b":1}"#, Hazard::DottedKey),
            (r#"{"x":{"y":{"a.b":1}}}"#, Hazard::DottedKey),
            (r#"{"a":18446744073709551616}"#, Hazard::WideInteger),
            (r#"{"a":[[-9223372036854775809]]}"#, Hazard::WideInteger),
            (r#"{"a":1e400}"#, Hazard::LossyFloat),
            (r#"{"a":3.14159265358979323846}"#, Hazard::LossyFloat),
            (r#"{"a":[true,1]}"#, Hazard::MixedBooleans),
            (r#"{"a":[[true],["x"]]}"#, Hazard::MixedBooleans),
            (r#"{"a":[9007199254740993,2.5]}"#, Hazard::MixedNumbers),
            (r#"{"a":[[9007199254740993],[2.5]]}"#, Hazard::MixedNumbers),
        ] {
            assert_eq!(hazard(object, 0), Ok(Some(expected)), "{object}");
        }
    }

    #[test]
    fn the_depth_is_bounded() {
        let nested = |open: &str, close: &str, levels: usize| {
            format!(r#"{{"a":{}1{}}}"#, open.repeat(levels), close.repeat(levels))
        };
        for (open, close) in [("[", "]"), (r#"{"a":"#, "}")] {
            assert_eq!(hazard(&nested(open, close, MAX_DEPTH), 0), Ok(None));
            assert_eq!(hazard(&nested(open, close, MAX_DEPTH + 1), 0), Ok(Some(Hazard::TooDeep)));
            assert_eq!(hazard(&nested(open, close, 50_000), 0), Ok(Some(Hazard::TooDeep)));
        }
    }

    #[test]
    fn half_a_surrogate_pair_is_unreadable_anywhere() {
        for object in [r#"{"a":"\ud800"}"#, r#"{"\udc00":1}"#, r#"{"x":[{"a":["\ud800"]}]}"#] {
            assert_eq!(hazard(object, 0), Err(Unreadable), "{object}");
        }
    }
}
