//! The name of a query that runs.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Error, Result};

/// The name by which a query can be cancelled and watched while it runs: 1 to 100 of `A-Z a-z 0-9 _ . : -`.
///
/// No two queries may run under one name at a time, whoever runs them.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct QueryId(String);

/// How long a name may be, in characters.
const MAX_LENGTH: usize = 100;

impl QueryId {
    /// A name.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) if it is empty, too long, or has other characters.
    pub fn new(name: impl Into<String>) -> Result<Self> {
        let name = name.into();
        let is_good = |byte: u8| byte.is_ascii_alphanumeric() || b"_.:-".contains(&byte);
        if (1..=MAX_LENGTH).contains(&name.len()) && name.bytes().all(is_good) {
            return Ok(Self(name));
        }
        let message = format!("`queryId` is 1 to {MAX_LENGTH} of the characters A-Z a-z 0-9 _ . : -");
        Err(Error::invalid_input(message))
    }

    /// A name that no other query has.
    #[must_use]
    pub fn random() -> Self {
        Self(Uuid::new_v4().to_string())
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for QueryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for QueryId {
    type Error = Error;

    fn try_from(name: String) -> Result<Self> {
        Self::new(name)
    }
}

impl From<QueryId> for String {
    fn from(id: QueryId) -> Self {
        id.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_be_more_than_a_name() {
        for name in ["a", "report-7", "0190a0b1-5cb3-7000-907b-000000000001", "a.b:c_d", &"x".repeat(100)] {
            assert_eq!(QueryId::new(name).unwrap().as_str(), name);
        }
        for name in ["", "a b", "a'b", "a\\", "é", "a\nb", &"x".repeat(101)] {
            assert!(QueryId::new(name).is_err(), "{name:?}");
        }
        assert_ne!(QueryId::random(), QueryId::random());
    }
}
