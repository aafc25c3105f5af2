//! Which objects a `JSON` column gives back as they were.
//!
//! Measured on 26.7: a field named twice and an integer beyond 64 bits are refused together with the whole insert; a
//! dot in a name becomes a level; in a list with fractions whole numbers become `Float64`. `null` and `{}` inside an
//! object are the same as an absent path: that is what the type means, and no reason to refuse.

use std::{collections::HashSet, fmt};

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use super::fault::{Fault, RejectKind};

/// Checks the text of one object.
pub(super) fn check(raw: &str) -> Result<(), Fault> {
    let mut fault = None;
    let mut parser = sonic_rs::Deserializer::from_str(raw);
    let checked = Check { fault: &mut fault }.deserialize(&mut parser).map(drop);
    match (checked, fault) {
        (_, Some(fault)) => Err(fault),
        (Ok(()), None) => Ok(()),
        (Err(_), None) => Err(Fault::new(
            RejectKind::NotRepresentable,
            "JSON with a number beyond Float64, or an escape that is no character",
        )),
    }
}

struct Check<'a> {
    fault: &'a mut Option<Fault>,
}

/// What a list needs to know of its elements.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// An integer that is no exact Float64.
    LargeInteger,
    Fraction,
    Other,
}

impl Check<'_> {
    fn stop<T, E: serde::de::Error>(self, message: &str) -> Result<T, E> {
        *self.fault = Some(Fault::new(RejectKind::NotRepresentable, message));
        Err(E::custom("rejected"))
    }
}

impl<'de> DeserializeSeed<'de> for Check<'_> {
    type Value = Kind;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Kind, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Check<'_> {
    type Value = Kind;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Kind, E> {
        Ok(Kind::Other)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Kind, E> {
        Ok(Kind::Other)
    }

    fn visit_u64<E>(self, value: u64) -> Result<Kind, E> {
        Ok(if value > 1 << 53 { Kind::LargeInteger } else { Kind::Other })
    }

    fn visit_i64<E>(self, value: i64) -> Result<Kind, E> {
        Ok(if value.unsigned_abs() > 1 << 53 { Kind::LargeInteger } else { Kind::Other })
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Kind, E> {
        // 2^63: the parser gives integers beyond 64 bits as Float64, and the engine refuses those.
        if value.fract() == 0.0 && value.abs() >= 9_223_372_036_854_775_808.0 {
            return self.stop("JSON with a number that may be an integer beyond 64 bits");
        }
        Ok(Kind::Fraction)
    }

    fn visit_str<E>(self, _: &str) -> Result<Kind, E> {
        Ok(Kind::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Kind, A::Error> {
        let (mut large, mut fraction) = (false, false);
        while let Some(kind) = elements.next_element_seed(Check { fault: self.fault })? {
            large |= kind == Kind::LargeInteger;
            fraction |= kind == Kind::Fraction;
        }
        if large && fraction {
            return self.stop("JSON with a list of fractions and of integers beyond 2^53");
        }
        // In a list of lists the engine looks for one type too.
        Ok(match (large, fraction) {
            (true, _) => Kind::LargeInteger,
            (_, true) => Kind::Fraction,
            _ => Kind::Other,
        })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Kind, A::Error> {
        let mut names = HashSet::new();
        while let Some(name) = fields.next_key::<String>()? {
            if name.contains('.') {
                return self.stop("JSON with a dot in the name of a field");
            }
            if !names.insert(name) {
                *self.fault = Some(Fault::new(RejectKind::DuplicateField, "JSON with a field named twice"));
                return Err(A::Error::custom("rejected"));
            }
            fields.next_value_seed(Check { fault: self.fault })?;
        }
        Ok(Kind::Other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            (r#"{"a":"\ud800"}"#, RejectKind::NotRepresentable),
            (r#"{"a":[1.5,9007199254740993]}"#, RejectKind::NotRepresentable),
        ] {
            assert_eq!(check(raw).map_err(|fault| fault.kind), Err(kind), "{raw}");
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
