//! Values of a query's parameters.

use std::collections::BTreeMap;

use clickhouse::query::Query;
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::value::RawValue;

/// Values of a query's parameters, by name: `{name:Type}` in the text. They never become SQL text.
///
/// Each is in ClickHouse's text form: `7`, `2026-01-31`, `[1,2]`. On the wire, `{"user": 42, "day": "2026-01-31",
/// "names": ["Ann", "O'Neill"]}`, a number or a truth value will do too, and a list of all these for an `Array`.
///
/// ```
/// use helios_core::warehouse::Parameters;
///
/// let mut parameters: Parameters = serde_json::from_str(r#"{"user": 18446744073709551615, "premium": true}"#)?;
/// parameters.insert("day", "2026-01-31");
/// let texts: Vec<_> = parameters.iter().collect();
/// assert_eq!(texts, [("day", "2026-01-31"), ("premium", "true"), ("user", "18446744073709551615")]);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parameters(BTreeMap<String, Value>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Value {
    /// A single value: any text, still to be escaped.
    Single(String),
    /// A list as ClickHouse writes one, its texts quoted. It knows no other escapes around it.
    List(String),
}

impl Parameters {
    /// Sets one.
    pub fn insert(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.0.insert(name.into(), Value::Single(value.into()));
    }

    /// Names and values, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| match value {
            Value::Single(text) | Value::List(text) => (name.as_str(), text.as_str()),
        })
    }

    /// The query with these parameters.
    pub(super) fn apply(&self, mut query: Query) -> Query {
        for (name, value) in &self.0 {
            query = match value {
                Value::Single(text) => query.param(name, text),
                Value::List(list) => query.with_setting(format!("param_{name}"), list),
            };
        }
        query
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Parameters {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        let single = |(name, value): (N, V)| (name.into(), Value::Single(value.into()));
        Self(pairs.into_iter().map(single).collect())
    }
}

impl<'de> Deserialize<'de> for Parameters {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let values = BTreeMap::<String, Box<RawValue>>::deserialize(deserializer)?;
        let read = |(name, json): (String, Box<RawValue>)| match read(&json) {
            Ok(value) => Ok((name, value)),
            Err(why) => Err(D::Error::custom(format_args!("the parameter `{name}` {why}"))),
        };
        values.into_iter().map(read).collect::<Result<_, _>>().map(Self)
    }
}

/// So deep may lists be nested. ClickHouse nests types no deeper.
const MAX_DEPTH: usize = 64;

/// Numbers are taken as they are written: one of 256 bits keeps every digit.
fn read(json: &RawValue) -> Result<Value, String> {
    read_within(json, 0)
}

fn read_within(json: &RawValue, depth: usize) -> Result<Value, String> {
    match json.get().as_bytes().first() {
        Some(b'"') => serde_json::from_str(json.get()).map(Value::Single).map_err(|error| error.to_string()),
        Some(b'[') => {
            let mut list = String::new();
            write_list(json, depth, &mut list)?;
            Ok(Value::List(list))
        }
        Some(b'n' | b'{') | None => Err("is no text, number or truth value, nor a list of these".to_owned()),
        Some(_) => Ok(Value::Single(json.get().to_owned())),
    }
}

fn write_list(json: &RawValue, depth: usize, list: &mut String) -> Result<(), String> {
    if depth == MAX_DEPTH {
        return Err(format!("has lists within each other, more than {MAX_DEPTH} levels"));
    }
    let elements: Vec<&RawValue> = serde_json::from_str(json.get()).map_err(|error| error.to_string())?;
    list.push('[');
    for (index, element) in elements.into_iter().enumerate() {
        if index > 0 {
            list.push(',');
        }
        match read_within(element, depth + 1)? {
            Value::Single(text) if element.get().starts_with('"') => {
                list.push('\'');
                list.push_str(&text.replace('\\', "\\\\").replace('\'', "\\'"));
                list.push('\'');
            }
            Value::Single(text) | Value::List(text) => list.push_str(&text),
        }
    }
    list.push(']');
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_value_is_refused_by_its_name() {
        for json in [r#"{"a": null}"#, r#"{"a": [null]}"#, r#"{"a": {}}"#, r#"{"a": [[{}]]}"#] {
            let error = serde_json::from_str::<Parameters>(json).unwrap_err().to_string();
            assert!(error.contains("the parameter `a`"), "{json}: {error}");
        }
        for json in ["[]", "7"] {
            assert!(serde_json::from_str::<Parameters>(json).is_err(), "{json}");
        }
    }

    #[test]
    fn no_depth_overflows_the_stack() {
        let nested = |depth: usize| format!(r#"{{"a": {}1{}}}"#, "[".repeat(depth), "]".repeat(depth));
        assert!(serde_json::from_str::<Parameters>(&nested(64)).is_ok());
        for depth in [65, 6_000, 100_000] {
            let error = serde_json::from_str::<Parameters>(&nested(depth)).unwrap_err().to_string();
            assert!(error.contains("the parameter `a` has lists within each other"), "{error}");
        }
    }

    #[test]
    fn a_list_is_written_as_clickhouse_writes_it() {
        let json = r#"{"a": [1, "x", [true, 0.10], [], "it's \\ \"new\""]}"#;
        let parameters: Parameters = serde_json::from_str(json).unwrap();
        let lists: Vec<_> = parameters.iter().collect();
        assert_eq!(lists, [("a", r#"[1,'x',[true,0.10],[],'it\'s \\ "new"']"#)]);
    }

    #[test]
    fn numbers_keep_their_digits() {
        let parameters: Parameters = serde_json::from_str(
            r#"{"a": -9223372036854775808, "b": 0.10, "c": 340282366920938463463374607431768211456}"#,
        )
        .unwrap();
        let expected =
            [("a", "-9223372036854775808"), ("b", "0.10"), ("c", "340282366920938463463374607431768211456")];
        assert_eq!(parameters, expected.into_iter().collect());
    }
}
