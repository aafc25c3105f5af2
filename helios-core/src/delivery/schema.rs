//! The columns of a table that decide which events are rows and which are rejects.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{
    decode::{Decoder, has_json},
    policy::{MissingFields, Policy, UnknownFields},
};
use crate::{Column, Result};

/// What of a table events are read by.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct TableSchema {
    /// The columns that events fill, in order.
    pub columns: Vec<Column>,
    /// Those of them that have a `DEFAULT`, which an absent field gets.
    pub defaults: Vec<String>,
    /// Those defaults that no null can ask for, as far as they are literals: column and value, as JSON.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub literals: BTreeMap<String, String>,
    /// Whether this ClickHouse takes Arrow's unions: a `Variant` or `Dynamic` of more than texts.
    pub unions: bool,
    /// What becomes of events with fields too many or too few.
    pub policy: Policy,
}

impl TableSchema {
    /// Which schema this is: equal for equal columns.
    #[must_use]
    pub fn version(&self) -> String {
        let mut hash = Sha256::new();
        let mut part = |part: &str| {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part.as_bytes());
        };
        for column in &self.columns {
            let defaulted = self.defaults.contains(&column.name);
            let default = if defaulted { "default" } else { "" };
            [column.name.as_str(), column.data_type.as_str(), default].into_iter().for_each(&mut part);
        }
        // An entry of the ledger that has no fields is of columns filled by their names.
        for (column, field) in self.columns.iter().filter_map(|column| Some((column, column.field.as_ref()?)))
        {
            ["field", &column.name, &field.to_string()].into_iter().for_each(&mut part);
        }
        for (column, unit) in self.columns.iter().filter_map(|column| Some((column, column.unit?))) {
            ["unit", &column.name, unit.as_str()].into_iter().for_each(&mut part);
        }
        // An entry of the ledger that has no literals is of none.
        for (column, value) in &self.literals {
            ["literal", column, value].into_iter().for_each(&mut part);
        }
        if self.unions {
            hash.update("unions");
        }
        // An entry of the ledger that has no policy is of the default one.
        match self.policy.unknown_fields {
            UnknownFields::Ignore => {}
            UnknownFields::Quarantine => hash.update("quarantine"),
            UnknownFields::AddColumn => hash.update("addColumn"),
        }
        match self.policy.missing_fields {
            MissingFields::Reject => {}
            MissingFields::ZeroValue => hash.update("zeroValue"),
        }
        short(hash)
    }

    /// The same, of one of the columns.
    pub(crate) fn only(&self, column: &str) -> Self {
        let mut only = self.clone();
        only.columns.retain(|known| known.name == column);
        only.defaults.retain(|known| known == column);
        only.literals.retain(|known, _| known == column);
        only
    }

    pub(crate) fn decoder(&self) -> Result<Decoder> {
        let Policy { unknown_fields, missing_fields } = self.policy;
        let decoder = Decoder::build(&self.columns, &self.defaults, self.unions)?;
        let decoder = decoder.with_literals(&self.literals)?;
        Ok(decoder.when_unknown(unknown_fields).when_missing(missing_fields))
    }

    /// Whether ClickHouse makes some column from the text that is sent for it.
    pub(super) fn has_columns_from_text(&self) -> Result<bool> {
        for column in &self.columns {
            if has_json(&column.data_type.parse()?) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Enough of a hash to tell what differs.
pub(super) fn short(hash: Sha256) -> String {
    hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema(columns: &[(&str, &str)], defaults: &[&str]) -> TableSchema {
        TableSchema {
            columns: columns.iter().map(|(name, data_type)| Column::new(*name, *data_type)).collect(),
            defaults: defaults.iter().map(|name| (*name).to_owned()).collect(),
            ..TableSchema::default()
        }
    }

    #[test]
    fn text_is_found_on_every_level() {
        let from_text =
            |data_type| schema(&[("a", "UInt8"), ("b", data_type)], &[]).has_columns_from_text().unwrap();
        for data_type in ["Map(String, Tuple(a Array(String)))", "Dynamic", "Variant(JSON, UInt8)"] {
            assert!(!from_text(data_type), "{data_type}");
        }
        for data_type in ["JSON", "Nullable(JSON(a UInt8))", "Map(String, Tuple(a Array(JSON)))"] {
            assert!(from_text(data_type), "{data_type}");
        }
    }

    #[test]
    fn a_schema_from_before_there_were_policies_is_read_back() {
        let old = r#"{"columns":[{"name":"a","type":"UInt8"}],"defaults":[]}"#;
        assert_eq!(serde_json::from_str::<TableSchema>(old).unwrap(), schema(&[("a", "UInt8")], &[]));
    }

    /// What an entry of the ledger, and a token, were made of before there were literals.
    #[test]
    fn a_schema_without_literals_is_what_it_was() {
        let schema = schema(&[("a", "UInt8"), ("b", "Nullable(UInt8)")], &["a", "b"]);
        assert_eq!(schema.version(), "4880aeca804fbcbd");
        let text = serde_json::to_string(&schema).unwrap();
        assert!(!text.contains("literals"), "{text}");
    }

    #[test]
    fn another_field_is_another_schema() {
        let with = |field: Option<&str>| {
            let mut schema = schema(&[("a", "UInt8"), ("b", "Nullable(UInt8)")], &["a", "b"]);
            schema.columns[1].field = field.map(|field| field.parse().unwrap());
            schema
        };
        assert_eq!(with(None).version(), "4880aeca804fbcbd");
        assert_ne!(with(Some("/c")).version(), with(None).version());
        assert_ne!(with(Some("/c")).version(), with(Some("/d")).version());
        let text = serde_json::to_string(&with(Some("/c/d"))).unwrap();
        assert_eq!(serde_json::from_str::<TableSchema>(&text).unwrap(), with(Some("/c/d")));
    }

    #[test]
    fn literals_stay_what_they_were() {
        let with = |value: &str| TableSchema {
            literals: [("a".to_owned(), value.to_owned())].into(),
            ..schema(&[("a", "Nullable(UInt8)")], &["a"])
        };
        let text = serde_json::to_string(&with("5")).unwrap();
        assert_eq!(serde_json::from_str::<TableSchema>(&text).unwrap(), with("5"));
        assert!(with("5").decoder().is_ok());
        let error = with("256").decoder().unwrap_err();
        assert_eq!(error.context().collect::<Vec<_>>(), [("column", "a")]);
        let others = TableSchema { defaults: Vec::new(), ..with("5") };
        assert!(others.decoder().is_err(), "a value for a column without a default");
    }

    #[test]
    fn the_version_follows_all_that_the_split_depends_on() {
        let with_policy = |unknown, missing| TableSchema {
            policy: Policy::new(unknown, missing),
            ..schema(&[("a", "UInt8")], &[])
        };
        let with_literals = |literals: &[(&str, &str)]| TableSchema {
            literals: literals
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            ..schema(&[("a", "Nullable(UInt8)")], &["a"])
        };
        let versions = [
            schema(&[("a", "UInt8")], &[]),
            schema(&[("a", "UInt8")], &["a"]),
            schema(&[("a", "UInt16")], &[]),
            schema(&[("b", "UInt8")], &[]),
            schema(&[("aU", "Int8")], &[]),
            TableSchema { unions: true, ..schema(&[("a", "UInt8")], &[]) },
            schema(&[("a", "Nullable(UInt8)")], &["a"]),
            with_literals(&[("a", "1")]),
            with_literals(&[("a", "2")]),
            with_literals(&[("a", "1"), ("b", "1")]),
            with_literals(&[("a", "null")]),
            with_policy(UnknownFields::Quarantine, MissingFields::Reject),
            with_policy(UnknownFields::AddColumn, MissingFields::Reject),
            with_policy(UnknownFields::Ignore, MissingFields::ZeroValue),
            with_policy(UnknownFields::AddColumn, MissingFields::ZeroValue),
        ]
        .map(|schema| schema.version());
        let distinct: std::collections::BTreeSet<_> = versions.iter().collect();
        assert_eq!(distinct.len(), versions.len());
        assert_eq!(versions[0], schema(&[("a", "UInt8")], &[]).version());
        assert_eq!(versions[0].len(), 16);
    }
}
