//! Values of a query's parameters.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::value::RawValue;

/// Values of a query's parameters, by name: `{name:Type}` in the text. They never become SQL text.
///
/// Each is in ClickHouse's text form: `7`, `2026-01-31`, `[1,2]`. On the wire, `{"user": 42, "day": "2026-01-31"}`, a
/// number or a truth value will do too.
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
pub struct Parameters(BTreeMap<String, String>);

impl Parameters {
    /// Sets one.
    pub fn insert(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.0.insert(name.into(), value.into());
    }

    /// Names and values, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Parameters {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

impl<'de> Deserialize<'de> for Parameters {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Numbers as they are written: one of 256 bits keeps every digit.
        let values = BTreeMap::<String, Box<RawValue>>::deserialize(deserializer)?;
        let text = |(name, value): (String, Box<RawValue>)| match value.get().as_bytes().first() {
            Some(b'"') => match serde_json::from_str(value.get()) {
                Ok(text) => Ok((name, text)),
                Err(error) => Err(D::Error::custom(error)),
            },
            Some(b'n' | b'[' | b'{') | None => Err(D::Error::custom(format_args!(
                "the parameter `{name}` is no text, number or truth value; write a list as text: \"[1,2]\""
            ))),
            Some(_) => Ok((name, value.get().to_owned())),
        };
        values.into_iter().map(text).collect::<Result<_, _>>().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_single_value_is_refused() {
        for json in [r#"{"a": null}"#, r#"{"a": [1]}"#, r#"{"a": {}}"#, "[]", "7"] {
            assert!(serde_json::from_str::<Parameters>(json).is_err(), "{json}");
        }
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
