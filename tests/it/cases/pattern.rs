//! Comparing an answer with what a case expects of it.
//!
//! Everything has to be equal, but for the texts `<any>` (there is a value), `<uuid>`, `<MM-DD-YYYY>`, and `<… text …>` (a
//! text that holds `text`), for objects with the key `*`, which may have more fields, and arrays that begin with `*`, which may have
//! more items.

use jiff::civil::Date;
use serde_json::{Map, Value};
use uuid::Uuid;

/// Says where and how the answer differs.
pub(super) fn compare(pattern: &Value, answer: &Value) -> Result<(), String> {
    at("answer", pattern, answer)
}

fn at(path: &str, pattern: &Value, answer: &Value) -> Result<(), String> {
    match (pattern, answer) {
        (Value::String(pattern), _) if is_wildcard(pattern) => wildcard(path, pattern, answer),
        (Value::Object(pattern), Value::Object(answer)) => object(path, pattern, answer),
        (Value::Array(pattern), Value::Array(answer)) => match pattern.split_first() {
            Some((Value::String(star), wanted)) if star == "*" => {
                match wanted.iter().find(|wanted| !answer.iter().any(|item| compare(wanted, item).is_ok())) {
                    Some(wanted) => Err(format!("{path} lacks {wanted}: {}", Value::from(answer.clone()))),
                    None => Ok(()),
                }
            }
            _ if pattern.len() != answer.len() => {
                Err(format!("{path} has {} items instead of {}: {answer:?}", answer.len(), pattern.len()))
            }
            _ => {
                pattern.iter().zip(answer).enumerate().try_for_each(|(index, (pattern, answer))| {
                    at(&format!("{path}[{index}]"), pattern, answer)
                })
            }
        },
        _ if pattern == answer => Ok(()),
        _ => Err(format!("{path} is {answer} instead of {pattern}")),
    }
}

fn object(path: &str, pattern: &Map<String, Value>, answer: &Map<String, Value>) -> Result<(), String> {
    for (name, wanted) in pattern.iter().filter(|(name, _)| *name != "*") {
        let found = answer.get(name).ok_or_else(|| format!("{path} has no `{name}`: {answer:?}"))?;
        at(&format!("{path}.{name}"), wanted, found)?;
    }
    match answer.keys().find(|name| !pattern.contains_key(*name)) {
        Some(name) if !pattern.contains_key("*") => {
            Err(format!("{path} has `{name}`, which was not expected"))
        }
        _ => Ok(()),
    }
}

fn is_wildcard(pattern: &str) -> bool {
    pattern.starts_with('<') && pattern.ends_with('>')
}

fn wildcard(path: &str, pattern: &str, answer: &Value) -> Result<(), String> {
    let text = answer.as_str();
    let fits = match pattern {
        "<any>" => !answer.is_null(),
        "<uuid>" => text.is_some_and(|text| text.parse::<Uuid>().is_ok_and(|uuid| !uuid.is_nil())),
        "<MM-DD-YYYY>" => {
            text.is_some_and(|text| Date::strptime("%m-%d-%Y", text).is_ok() && text.len() == 10)
        }
        _ => {
            let Some(held) = pattern.strip_prefix("<… ").and_then(|rest| rest.strip_suffix(" …>")) else {
                panic!("{path}: `{pattern}` is no pattern");
            };
            text.is_some_and(|text| text.contains(held))
        }
    };
    if fits { Ok(()) } else { Err(format!("{path} is {answer}, which is no {pattern}")) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn differences_are_seen() {
        for (pattern, answer) in [
            (json!(1), json!(2)),
            (json!(1), json!("1")),
            (json!([1]), json!([1, 2])),
            (json!(["*", 3]), json!([1, 2])),
            (json!({"a": 1}), json!({})),
            (json!({"a": 1}), json!({"a": 1, "b": 2})),
            (json!({"a": 1, "*": ""}), json!({"b": 2})),
            (json!("<any>"), json!(null)),
            (json!("<uuid>"), json!("x")),
            (json!("<uuid>"), json!("00000000-0000-0000-0000-000000000000")),
            (json!("<MM-DD-YYYY>"), json!("2026-11-23")),
            (json!("<MM-DD-YYYY>"), json!("13-01-2026")),
            (json!("<… b …>"), json!("ac")),
        ] {
            assert!(compare(&pattern, &answer).is_err(), "{pattern} {answer}");
        }
    }

    #[test]
    fn what_fits_passes() {
        for (pattern, answer) in [
            (json!({"a": [1, {"b": null}]}), json!({"a": [1, {"b": null}]})),
            (json!({"a": 1, "*": ""}), json!({"b": 2, "a": 1})),
            (json!(["*", 2]), json!([1, 2])),
            (json!("<any>"), json!(false)),
            (json!("<uuid>"), json!("61f0c404-5cb3-11e7-907b-a6006ad3dba0")),
            (json!("<MM-DD-YYYY>"), json!("11-23-2026")),
            (json!("<… b …>"), json!("abc")),
        ] {
            assert_eq!(compare(&pattern, &answer), Ok(()));
        }
    }
}
