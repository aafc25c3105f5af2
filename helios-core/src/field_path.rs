//! Where in an event a column's field is.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{Error, Result, json::MAX_DEPTH};

/// The keys that lead to a field of an event. In text a JSON Pointer (RFC 6901): `/user/id`.
///
/// ```
/// let path: helios_core::FieldPath = "/user/a~1b".parse()?;
/// assert_eq!(path.keys(), ["user", "a/b"]);
/// # Ok::<(), helios_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FieldPath(Vec<String>);

impl FieldPath {
    /// A top-level field.
    pub fn top(key: impl Into<String>) -> Self {
        Self(vec![key.into()])
    }

    /// The field of this key in the object that this one is.
    #[must_use]
    pub fn within(&self, key: impl Into<String>) -> Self {
        let mut keys = self.0.clone();
        keys.push(key.into());
        Self(keys)
    }

    /// The objects that it is in, outermost first.
    pub(crate) fn around(&self) -> impl Iterator<Item = Self> {
        (1..self.0.len()).filter_map(|depth| self.0.get(..depth)).map(|keys| Self(keys.to_vec()))
    }

    /// The keys, outermost first.
    #[must_use]
    pub fn keys(&self) -> &[String] {
        &self.0
    }

    /// The key of a top-level field.
    pub(crate) fn only(&self) -> Option<&str> {
        match self.0.as_slice() {
            [key] => Some(key),
            _ => None,
        }
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|key| write!(f, "/{}", key.replace('~', "~0").replace('/', "~1")))
    }
}

impl FromStr for FieldPath {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = |why: &str| {
            let message = format!("a field is named by a JSON Pointer to it, such as /user/id; {why}");
            Err(Error::invalid_input(message).with("field", text))
        };
        let Some(keys) = text.strip_prefix('/') else { return wrong("this does not begin with /") };
        let is_escape = |rest: &str| rest.starts_with('0') || rest.starts_with('1');
        if !keys.split('~').skip(1).all(is_escape) {
            return wrong("in this a ~ is neither ~0, which is ~, nor ~1, which is /");
        }
        let keys: Vec<_> = keys.split('/').map(|key| key.replace("~1", "/").replace("~0", "~")).collect();
        if keys.len() > MAX_DEPTH {
            return wrong("this leads deeper than events may be nested");
        }
        Ok(Self(keys))
    }
}

impl TryFrom<String> for FieldPath {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<FieldPath> for String {
    fn from(path: FieldPath) -> Self {
        path.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_is_read_and_written_alike() {
        for (text, keys) in [
            ("/id", &["id"][..]),
            ("/user/id", &["user", "id"]),
            ("/a~1b/m~0n/~01", &["a/b", "m~n", "~1"]),
            ("/a.b/ /ä\"`", &["a.b", " ", "ä\"`"]),
            ("/", &[""]),
        ] {
            let path: FieldPath = text.parse().unwrap();
            assert_eq!(path.keys(), keys);
            assert_eq!(path.to_string(), text);
        }
    }

    #[test]
    fn a_field_is_in_the_objects_around_it() {
        let around = |text: &str| -> Vec<_> {
            text.parse::<FieldPath>().unwrap().around().map(|path| path.to_string()).collect()
        };
        assert_eq!(around("/a/b/c"), ["/a", "/a/b"]);
        assert_eq!(around("/a"), Vec::<String>::new());
    }

    #[test]
    fn what_is_no_pointer_is_refused() {
        for (text, says) in
            [("", "begin"), ("user.id", "begin"), ("/a~", "~0"), ("/a~2", "~0"), (&"/a".repeat(65), "deeper")]
        {
            let error = text.parse::<FieldPath>().unwrap_err().to_string();
            assert!(error.contains(says), "{text}: {error}");
        }
    }
}
