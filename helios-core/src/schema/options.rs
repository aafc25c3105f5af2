//! How types are chosen, where there is a choice.

use serde::{Deserialize, Serialize};

/// How types are chosen, where there is a choice.
///
/// On the wire: `{"integers": "wide", "decimals": "float", "nullable": "whereMissing", "objects": "auto",
/// "lowCardinality": true}`, each optional, these being the defaults.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[non_exhaustive]
pub struct InferOptions {
    /// How wide integers are.
    pub integers: Integers,
    /// What numbers with a fraction become.
    pub decimals: Decimals,
    /// Which columns may be null.
    pub nullable: Nullability,
    /// What objects become.
    pub objects: ObjectTypes,
    /// Whether strings that repeat become `LowCardinality(String)`. Default: yes.
    pub low_cardinality: bool,
}

impl Default for InferOptions {
    fn default() -> Self {
        Self {
            integers: Integers::default(),
            decimals: Decimals::default(),
            nullable: Nullability::default(),
            objects: ObjectTypes::default(),
            low_cardinality: true,
        }
    }
}

/// How wide integers are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Integers {
    /// 64 bits, or more where some need them: the sample does not show the largest value to come.
    #[default]
    Wide,
    /// The narrowest type that holds the sampled values, from 8 bits on; `Date` and `DateTime` too, where they do.
    Narrow,
}

/// What numbers with a fraction become.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Decimals {
    /// `Float64` where it says the same, else text. Numbers in quotes stay text.
    #[default]
    Float,
    /// `Decimal` with as many places as were seen; for plain decimal numbers in quotes too.
    Decimal,
}

/// Which columns may be null.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Nullability {
    /// Those of which a value was null or absent.
    #[default]
    WhereMissing,
    /// None: the documented plain types. Events in which one is null are then rejected, and those in which one is absent
    /// get what the source's policy for missing fields says.
    Never,
    /// All that can be, but those in the proposed keys.
    Always,
}

/// What objects become.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum ObjectTypes {
    /// `Tuple` where the shape is stable, `Map` where the keys are data, else `JSON`.
    #[default]
    Auto,
    /// Columns of their own for the fields of objects, and of those within, named with dots: `user.id`. Where the keys are
    /// data, or a value is something else, as by `auto`.
    Flatten,
    /// `JSON`, which takes any shape that is to come.
    Json,
    /// Their JSON text, as a `String`.
    Text,
}
