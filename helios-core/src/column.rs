//! A column of a table: what a schema is a list of.

use serde::{Deserialize, Serialize};

use crate::{FieldPath, TimeUnit};

/// One column: its name and its ClickHouse type, and what else is said of it.
///
/// On the wire: `{"name": "user_id", "type": "UInt64"}`, and where there is more to say
/// `{"name": "plan", "type": "String", "default": "free", "field": "/user/plan"}`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Column {
    /// The name, any text but the empty one.
    pub name: String,
    /// The ClickHouse type in ClickHouse's own words: `"Array(Nullable(String))"`.
    #[serde(rename = "type")]
    pub data_type: String,
    /// What stands in for an absent field: `null`, a boolean, a number, a text, or a list of such. Default: the type
    /// decides.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub default: Option<serde_json::Value>,
    /// The field of an event that it is filled from, as a JSON Pointer (RFC 6901): `"/user/id"`. Default: the top-level
    /// field of the column's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<FieldPath>,
    /// In which unit numbers count the time since 1970, of a `DateTime` or `DateTime64`. Default: see
    /// [`Decoder`](crate::delivery::Decoder).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<TimeUnit>,
}

/// A value that is there, `null` too.
pub(crate) fn present<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<serde_json::Value>, D::Error> {
    serde_json::Value::deserialize(deserializer).map(Some)
}

impl Column {
    /// A column, filled from the field of its name.
    pub fn new(name: impl Into<String>, data_type: impl Into<String>) -> Self {
        Self { name: name.into(), data_type: data_type.into(), default: None, field: None, unit: None }
    }

    /// Sets what stands in for an absent field.
    #[must_use]
    pub fn default_value(mut self, value: impl Into<serde_json::Value>) -> Self {
        self.default = Some(value.into());
        self
    }

    /// Sets the field that it is filled from.
    #[must_use]
    pub fn filled_from(mut self, field: FieldPath) -> Self {
        self.field = Some(field).filter(|field| field.only() != Some(&self.name));
        self
    }

    /// Sets the unit in which numbers count the time since 1970.
    #[must_use]
    pub fn counted_in(mut self, unit: TimeUnit) -> Self {
        self.unit = Some(unit);
        self
    }

    /// The field that it is filled from.
    pub(crate) fn source(&self) -> FieldPath {
        self.field.clone().unwrap_or_else(|| FieldPath::top(&self.name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_said_is_not_written() {
        let plain = Column::new("id", "UInt64");
        assert_eq!(serde_json::to_string(&plain).unwrap(), r#"{"name":"id","type":"UInt64"}"#);
        let text = r#"{"name":"plan","type":"Nullable(String)","default":null,"field":"/user/a~1b"}"#;
        let column: Column = serde_json::from_str(text).unwrap();
        assert_eq!(column.default, Some(serde_json::Value::Null));
        assert_eq!(column.field, Some(FieldPath::top("user").within("a/b")));
        assert_eq!(serde_json::to_string(&column).unwrap(), text);
        assert_eq!(Column::new("id", "UInt64").filled_from(FieldPath::top("id")), plain);
        for wrong in [r#"{"name":"a"}"#, r#"{"name":"a","type":"UInt8","nullable":true}"#] {
            assert!(serde_json::from_str::<Column>(wrong).is_err(), "{wrong}");
        }
    }
}
