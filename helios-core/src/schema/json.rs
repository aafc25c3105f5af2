//! JSON, one level at a time, every value as its own text: so a number keeps all its digits.

use std::{borrow::Cow, collections::HashSet, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;

/// The members of an object in their order: each key and its value's text, a repeated key as often as it occurs.
pub(super) type Members<'a> = Vec<(String, &'a str)>;

struct Object<'a>(Members<'a>);

impl<'de> Deserialize<'de> for Object<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor)
    }
}

struct ObjectVisitor;

impl<'de> Visitor<'de> for ObjectVisitor {
    type Value = Object<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(key) = map.next_key()? {
            members.push((key, map.next_value::<&RawValue>()?.get()));
        }
        Ok(Object(members))
    }
}

/// The members of one whole object, or nothing if `json` is anything else, not UTF-8, or has more behind the object.
pub(super) fn members(json: &[u8]) -> Option<Members<'_>> {
    serde_json::from_slice(json).ok().map(|Object(members)| members)
}

/// The elements' texts of an array.
pub(super) fn elements(json: &str) -> Option<Vec<&str>> {
    let elements: Vec<&RawValue> = serde_json::from_str(json).ok()?;
    Some(elements.into_iter().map(RawValue::get).collect())
}

/// What a JSON string says; nothing if it holds half a surrogate pair, which no UTF-8 text can say.
pub(super) fn text(json: &str) -> Option<Cow<'_, str>> {
    match json.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(plain) if !plain.contains('\\') => Some(Cow::Borrowed(plain)),
        _ => serde_json::from_str(json).ok().map(Cow::Owned),
    }
}

/// Whether a key occurs twice.
pub(super) fn has_duplicates(members: &Members<'_>) -> bool {
    let mut seen = HashSet::with_capacity(members.len());
    !members.iter().all(|(key, _)| seen.insert(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_keep_order_repetition_and_every_digit() {
        assert_eq!(
            members(br#" {"b" : 18446744073709551616.10 , "a":[1, {"x":2}],"b":null} "#),
            Some(vec![
                ("b".into(), "18446744073709551616.10"),
                ("a".into(), r#"[1, {"x":2}]"#),
                ("b".into(), "null")
            ])
        );
        assert_eq!(members(br#"{"\u00e4\n":1}"#), Some(vec![("ä\n".into(), "1")]));
        assert_eq!(members(b"{}"), Some(vec![]));
    }

    #[test]
    fn what_is_not_one_whole_object_has_no_members() {
        let deep = [vec![b'['; 100_000], vec![b']'; 100_000]].concat();
        for json in [
            b"".as_slice(),
            b"null",
            b"[]",
            b"1",
            b"\"{}\"",
            b"{",
            b"{}{}",
            b"{} x",
            b"{\"a\":}",
            b"{\"a\":007}",
            b"{\"a\":NaN}",
            b"{'a':1}",
            b"{\"a\":1,}",
            b"{\"a\":\"\n\"}",
            b"\xef\xbb\xbf{}",
            b"{\"a\":\"\xff\"}",
            b"{\"\xff\":1}",
            &deep,
        ] {
            assert_eq!(members(json), None, "{:?}", String::from_utf8_lossy(json));
        }
    }

    #[test]
    fn text_is_unescaped() {
        assert_eq!(text(r#""plain ü""#).as_deref(), Some("plain ü"));
        assert_eq!(text(r#""a\"\\\u00e4\ud83d\ude00""#).as_deref(), Some("a\"\\ä😀"));
        assert_eq!(text(r#""""#).as_deref(), Some(""));
        assert_eq!(text(r#""\ud83d""#), None);
    }

    #[test]
    fn duplicates_are_compared_unescaped() {
        let duplicated = |json: &[u8]| members(json).map(|members| has_duplicates(&members));
        assert_eq!(duplicated(br#"{"a":1,"\u0061":2}"#), Some(true));
        assert_eq!(duplicated(br#"{"a":1,"A":2}"#), Some(false));
    }
}
