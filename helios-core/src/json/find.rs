//! A value by its place.

use super::Cursor;

/// The value to which these keys lead in a text, as it is written; `None` if it has none, or is no JSON up to there. Of
/// equal keys the first counts.
pub(crate) fn find<'a>(text: &'a str, keys: &[impl AsRef<str>]) -> Option<&'a str> {
    let mut cursor = Cursor::new(text);
    cursor.space();
    for key in keys {
        if cursor.peek() != b'{' || !enter(&mut cursor, key.as_ref())? {
            return None;
        }
    }
    cursor.value().ok()
}

/// Passes on to the value of a key of the object that is next, if it is there.
fn enter(cursor: &mut Cursor<'_>, key: &str) -> Option<bool> {
    let mut more = cursor.enter(b'}').ok()?;
    while more {
        if *cursor.name().ok()?.decoded().ok()? == *key {
            return Some(true);
        }
        cursor.value().ok()?;
        more = cursor.more(b'}').ok()?;
    }
    Some(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_found_by_its_keys() {
        let text = r#" {"a": {"x": [1, {}], "\u0062": {"c": "d"}}, "e": null, "e": 1} "#;
        for (keys, value) in [
            (&["a", "x"][..], Some("[1, {}]")),
            (&["a", "b", "c"], Some("\"d\"")),
            (&["e"], Some("null")),
            (&["a", "x", "1"], None),
            (&["a", "c"], None),
            (&["f"], None),
        ] {
            assert_eq!(find(text, keys), value, "{keys:?}");
        }
        assert_eq!(find("[1", &["a"]), None);
        assert_eq!(find(r#"{"a":tru}"#, &["a"]), None);
    }
}
