//! A column of a table: what a schema is a list of.

use serde::{Deserialize, Serialize};

/// One column: its name and its ClickHouse type.
///
/// On the wire: `{"name": "user_id", "type": "UInt64"}`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Column {
    /// The name, any text but the empty one.
    pub name: String,
    /// The ClickHouse type in ClickHouse's own words: `"Array(Nullable(String))"`.
    #[serde(rename = "type")]
    pub data_type: String,
}

impl Column {
    /// A column.
    pub fn new(name: impl Into<String>, data_type: impl Into<String>) -> Self {
        Self { name: name.into(), data_type: data_type.into() }
    }
}
