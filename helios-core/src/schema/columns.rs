//! A list of columns that can be changed.

use std::ops::Deref;

use serde::{Deserialize, Serialize};

use super::SchemaEdit;
use crate::{Column, Error, Result, TimeUnit, warehouse::types::DataType};

/// The columns of a table, to be changed before it is made. On the wire: the list of them.
///
/// ```
/// use helios_core::{Column, schema::Schema};
///
/// let mut schema = Schema::from(vec![Column::new("userId", "UInt64"), Column::new("debug", "String")]);
/// schema.rename("userId", "user_id")?.retype("user_id", "UInt32")?.remove("debug")?;
/// schema.add(Column::new("plan", "String").default_value("free"))?;
/// let json = serde_json::to_string(&schema).unwrap();
/// assert_eq!(
///     json,
///     r#"[{"name":"user_id","type":"UInt32","field":"/userId"},{"name":"plan","type":"String","default":"free"}]"#
/// );
/// # Ok::<(), helios_core::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Schema(Vec<Column>);

impl Schema {
    /// Gives a column another name. It is still filled from the same field.
    ///
    /// # Errors
    ///
    /// `InvalidInput` if there is no such column, or one of the new name; so with all of these.
    pub fn rename(&mut self, column: &str, to: &str) -> Result<&mut Self> {
        if to.is_empty() {
            return Err(Error::invalid_input("the new name is empty").with("column", column));
        }
        if column != to {
            self.vacant(to)?;
        }
        let found = self.column(column)?;
        let field = found.source();
        to.clone_into(&mut found.name);
        found.field = Some(field).filter(|field| field.only() != Some(to));
        Ok(self)
    }

    /// Gives a column another type.
    ///
    /// # Errors
    ///
    /// As [`rename`](Self::rename), and if the type is none.
    pub fn retype(&mut self, column: &str, data_type: &str) -> Result<&mut Self> {
        let parsed = data_type.parse::<DataType>().map_err(|error: Error| error.with("column", column))?;
        self.column(column)?.data_type = parsed.to_string();
        Ok(self)
    }

    /// Sets the unit in which numbers count the time since 1970; with `None` the column does not say it.
    ///
    /// # Errors
    ///
    /// As [`rename`](Self::rename).
    pub fn unit(&mut self, column: &str, unit: Option<TimeUnit>) -> Result<&mut Self> {
        self.column(column)?.unit = unit;
        Ok(self)
    }

    /// Sets what stands in for an absent field; with `None` the type decides again.
    ///
    /// # Errors
    ///
    /// As [`rename`](Self::rename).
    pub fn default(&mut self, column: &str, value: Option<serde_json::Value>) -> Result<&mut Self> {
        self.column(column)?.default = value;
        Ok(self)
    }

    /// Takes a column away. Its field is one that the table has no column for then.
    ///
    /// # Errors
    ///
    /// As [`rename`](Self::rename).
    pub fn remove(&mut self, column: &str) -> Result<&mut Self> {
        self.column(column)?;
        self.0.retain(|known| known.name != column);
        Ok(self)
    }

    /// Adds a column, as the last.
    ///
    /// # Errors
    ///
    /// As [`retype`](Self::retype).
    pub fn add(&mut self, column: Column) -> Result<&mut Self> {
        self.vacant(&column.name)?;
        let name = column.name.clone();
        let data_type = column.data_type.clone();
        self.0.push(column);
        self.retype(&name, &data_type)
    }

    /// Does all of these, in their order, or none.
    ///
    /// # Errors
    ///
    /// That of the first that cannot be done, with its number, counted from 1.
    pub fn edit(&mut self, edits: &[SchemaEdit]) -> Result<&mut Self> {
        let mut edited = self.clone();
        for (at, edit) in edits.iter().enumerate() {
            let done = match edit {
                SchemaEdit::Rename { column, to } => edited.rename(column, to),
                SchemaEdit::Retype { column, data_type } => edited.retype(column, data_type),
                SchemaEdit::Unit { column, value } => edited.unit(column, *value),
                SchemaEdit::Default { column, value } => edited.default(column, value.clone()),
                SchemaEdit::Drop { column } => edited.remove(column),
                SchemaEdit::Add { column } => edited.add(column.clone()),
            };
            done.map_err(|error| error.with("edit", (at + 1).to_string()))?;
        }
        *self = edited;
        Ok(self)
    }

    fn column(&mut self, name: &str) -> Result<&mut Column> {
        let found = self.0.iter_mut().find(|column| column.name == name);
        found.ok_or_else(|| Error::invalid_input("the schema has no such column").with("column", name))
    }

    fn vacant(&self, name: &str) -> Result<()> {
        if self.0.iter().any(|column| column.name == name) {
            let message = "the schema has a column of this name already";
            return Err(Error::invalid_input(message).with("column", name));
        }
        Ok(())
    }
}

impl Deref for Schema {
    type Target = [Column];

    fn deref(&self) -> &[Column] {
        &self.0
    }
}

impl From<Vec<Column>> for Schema {
    fn from(columns: Vec<Column>) -> Self {
        Self(columns)
    }
}

impl From<Schema> for Vec<Column> {
    fn from(schema: Schema) -> Self {
        schema.0
    }
}

impl IntoIterator for Schema {
    type Item = Column;
    type IntoIter = std::vec::IntoIter<Column>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a Schema {
    type Item = &'a Column;
    type IntoIter = std::slice::Iter<'a, Column>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema() -> Schema {
        vec![Column::new("id", "UInt64"), Column::new("at", "DateTime64(3)")].into()
    }

    #[test]
    fn a_renamed_column_keeps_its_field() {
        let mut edited = schema();
        edited.rename("id", "a").unwrap().rename("a", "b").unwrap();
        assert_eq!(edited[0], Column::new("b", "UInt64").filled_from("/id".parse().unwrap()));
        edited.rename("b", "id").unwrap().rename("at", "at").unwrap();
        assert_eq!(edited, schema());
    }

    #[test]
    fn edits_are_done_in_their_order() {
        let edits = r#"[
            {"rename": {"column": "id", "to": "user_id"}},
            {"retype": {"column": "user_id", "type": "Nullable( INT )"}},
            {"default": {"column": "user_id", "value": null}},
            {"drop": {"column": "at"}},
            {"add": {"column": {"name": "at", "type": "Date", "field": "/day"}}}
        ]"#;
        let edits: Vec<SchemaEdit> = serde_json::from_str(edits).unwrap();
        let mut edited = schema();
        edited.edit(&edits).unwrap();
        let json = r#"[{"name":"user_id","type":"Nullable(Int32)","default":null,"field":"/id"},{"name":"at","type":"Date","field":"/day"}]"#;
        assert_eq!(serde_json::to_string(&edited).unwrap(), json);
        assert_eq!(serde_json::from_str::<Schema>(json).unwrap(), edited);
        assert_eq!(
            serde_json::from_str::<Vec<SchemaEdit>>(&serde_json::to_string(&edits).unwrap()).unwrap(),
            edits
        );
    }

    #[test]
    fn what_cannot_be_done_is_named_and_nothing_is() {
        for (edit, says) in [
            (r#"{"rename": {"column": "x", "to": "y"}}"#, "no such column {column: x, edit: 2}"),
            (r#"{"rename": {"column": "id", "to": "at"}}"#, "already {column: at, edit: 2}"),
            (r#"{"rename": {"column": "id", "to": ""}}"#, "empty"),
            (r#"{"retype": {"column": "id", "type": "Array("}}"#, "{column: id"),
            (r#"{"drop": {"column": "x"}}"#, "no such column"),
            (r#"{"default": {"column": "x", "value": 1}}"#, "no such column"),
            (r#"{"add": {"column": {"name": "id", "type": "UInt8"}}}"#, "already"),
        ] {
            let edits = format!(r#"[{{"default": {{"column": "at", "value": 0}}}}, {edit}]"#);
            let edits: Vec<SchemaEdit> = serde_json::from_str(&edits).unwrap();
            let mut edited = schema();
            let error = edited.edit(&edits).unwrap_err().to_string();
            assert!(error.contains(says), "{edit}: {error}");
            assert_eq!(edited, schema(), "{edit}");
        }
    }
}
