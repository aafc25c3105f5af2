//! The table a batch goes to.

use clickhouse::Row;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::decode::Decoder;
use crate::{
    Column, Error, ErrorKind, Result,
    warehouse::{TableName, Warehouse, from_clickhouse, types::DataType},
};

/// A table that events go to, as it was when it was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Target {
    /// Its name.
    pub table: TableName,
    /// Its identity.
    pub uuid: Uuid,
    /// The columns that events fill, in order.
    pub columns: Vec<Column>,
    /// Those of them that have a `DEFAULT`, which an absent field gets.
    pub defaults: Vec<String>,
}

#[derive(Row, Deserialize)]
struct ColumnRow {
    name: String,
    r#type: String,
    default_kind: String,
}

const COLUMNS: &str = "\
    SELECT name, type, default_kind FROM system.columns \
    WHERE database = {database:String} AND table = {table:String} \
    AND default_kind NOT IN ('MATERIALIZED', 'ALIAS', 'EPHEMERAL') ORDER BY position";

impl Target {
    /// Looks at a table. `uuid` is the one its mapping knows it by, and part of every token.
    ///
    /// # Errors
    ///
    /// [`NotFound`](ErrorKind::NotFound) if there is no such table, and whatever keeps ClickHouse from answering.
    pub async fn describe(warehouse: &Warehouse, table: &TableName, uuid: Uuid) -> Result<Self> {
        let rows: Vec<ColumnRow> = warehouse
            .client()
            .query_raw(COLUMNS)
            .param("database", table.database().as_str())
            .param("table", table.table().as_str())
            .fetch_all()
            .await
            .map_err(|error| from_clickhouse(error).with("table", table.plain()))?;
        if rows.is_empty() {
            let message = "the table does not exist, or has no column that events could fill";
            return Err(Error::new(ErrorKind::NotFound, message).with("table", table.plain()));
        }
        let defaults =
            rows.iter().filter(|row| !row.default_kind.is_empty()).map(|row| row.name.clone()).collect();
        let columns = rows.into_iter().map(|row| Column::new(row.name, row.r#type)).collect();
        Ok(Self { table: table.clone(), uuid, columns, defaults })
    }

    /// Which schema this is: equal for equal columns.
    #[must_use]
    pub fn schema_version(&self) -> String {
        let mut hash = Sha256::new();
        for column in &self.columns {
            let defaulted = self.defaults.contains(&column.name);
            let default = if defaulted { "default" } else { "" };
            for part in [column.name.as_str(), column.data_type.as_str(), default] {
                hash.update((part.len() as u64).to_le_bytes());
                hash.update(part.as_bytes());
            }
        }
        hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    }

    pub(super) fn decoder(&self) -> Result<Decoder> {
        Decoder::with_defaults(&self.columns, &self.defaults)
            .map_err(|error| error.with("table", self.table.plain()))
    }

    /// Whether ClickHouse makes some column from the text that is sent for it.
    pub(super) fn has_columns_from_text(&self) -> Result<bool> {
        for column in &self.columns {
            if is_from_text(&column.data_type.parse()?) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

fn is_from_text(data_type: &DataType) -> bool {
    match data_type {
        DataType::Json(_) | DataType::Dynamic { .. } | DataType::Variant(_) => true,
        DataType::Nullable(inner) | DataType::Array(inner) => is_from_text(inner),
        DataType::Map(_, value) => is_from_text(value),
        DataType::Tuple(fields) | DataType::Nested(fields) => {
            fields.iter().any(|field| is_from_text(&field.data_type))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(columns: &[(&str, &str)], defaults: &[&str]) -> Target {
        Target {
            table: TableName::new("d", "t").unwrap(),
            uuid: Uuid::nil(),
            columns: columns.iter().map(|(name, data_type)| Column::new(*name, *data_type)).collect(),
            defaults: defaults.iter().map(|name| (*name).to_owned()).collect(),
        }
    }

    #[test]
    fn text_is_found_on_every_level() {
        let from_text =
            |data_type| target(&[("a", "UInt8"), ("b", data_type)], &[]).has_columns_from_text().unwrap();
        assert!(!from_text("Map(String, Tuple(a Array(String)))"));
        for data_type in
            ["JSON", "Nullable(JSON(a UInt8))", "Map(String, Tuple(a Array(Dynamic)))", "Variant(String)"]
        {
            assert!(from_text(data_type), "{data_type}");
        }
    }

    #[test]
    fn the_version_follows_names_types_and_defaults() {
        let versions = [
            target(&[("a", "UInt8")], &[]),
            target(&[("a", "UInt8")], &["a"]),
            target(&[("a", "UInt16")], &[]),
            target(&[("b", "UInt8")], &[]),
            target(&[("aU", "Int8")], &[]),
        ]
        .map(|target| target.schema_version());
        let distinct: std::collections::BTreeSet<_> = versions.iter().collect();
        assert_eq!(distinct.len(), versions.len());
        assert_eq!(versions[0], target(&[("a", "UInt8")], &[]).schema_version());
        assert_eq!(versions[0].len(), 16);
    }
}
