//! What a source does with events that do not quite fit its table.

use serde::{Deserialize, Serialize};

/// What a source does with events that do not quite fit its table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[non_exhaustive]
pub struct Policy {
    /// Fields that the table has no column for.
    pub unknown_fields: UnknownFields,
    /// Absent fields of columns that have neither a `DEFAULT` nor a null.
    pub missing_fields: MissingFields,
}

impl Policy {
    /// A policy for fields too many and fields too few.
    #[must_use]
    pub fn new(unknown_fields: UnknownFields, missing_fields: MissingFields) -> Self {
        Self { unknown_fields, missing_fields }
    }
}

/// What becomes of an event with a field that the table has no column for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum UnknownFields {
    /// The field is passed over, the event is a row.
    #[default]
    Ignore,
    /// The event is rejected.
    Quarantine,
    /// The table gets a column, of a type that fits the field's values in the batch.
    AddColumn,
}

/// What becomes of an event without a field that the table has, and for which there is neither a default nor a null.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum MissingFields {
    /// The event is rejected.
    #[default]
    Reject,
    /// The column gets the zero value of its type: 0, an empty text, 1970-01-01, the first name of an enum.
    ZeroValue,
}
