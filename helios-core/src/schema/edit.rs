//! A change of a schema.

use serde::{Deserialize, Serialize};

use crate::{Column, TimeUnit};

/// A change of a schema; see [`Schema::edit`](super::Schema::edit).
///
/// On the wire one of `{"rename": {"column", "to"}}`, `{"retype": {"column", "type"}}`, `{"default": {"column", "value"}}`,
/// `{"unit": {"column", "value"}}`,
/// `{"drop": {"column"}}`, `{"add": {"column": {"name", "type", …}}}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub enum SchemaEdit {
    /// Gives a column another name; it is still filled from the same field.
    Rename {
        /// Which.
        column: String,
        /// Its new name.
        to: String,
    },
    /// Gives a column another type.
    Retype {
        /// Which.
        column: String,
        /// Its new type.
        #[serde(rename = "type")]
        data_type: String,
    },
    /// Sets the unit in which numbers count the time since 1970.
    Unit {
        /// Which.
        column: String,
        /// The unit; if it is not given, the column does not say it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        value: Option<TimeUnit>,
    },
    /// Sets what stands in for an absent field.
    Default {
        /// Which.
        column: String,
        /// The default; if it is not given, the type decides again.
        #[serde(
            default,
            skip_serializing_if = "Option::is_none",
            deserialize_with = "crate::column::present"
        )]
        value: Option<serde_json::Value>,
    },
    /// Takes a column away.
    Drop {
        /// Which.
        column: String,
    },
    /// Adds a column, as the last.
    Add {
        /// It.
        column: Column,
    },
}
