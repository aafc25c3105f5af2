//! Changes of a table's columns.

use std::fmt;

use super::column::ColumnDefinition;
use crate::{Column, Result, warehouse::TableName};

/// Changes of a table's columns. `Display` is its `ALTER TABLE`; nothing, if there is none.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Alteration {
    table: TableName,
    added: Vec<ColumnDefinition>,
    modified: Vec<ColumnDefinition>,
    if_not_exists: bool,
}

impl Alteration {
    /// Checks the columns to add, and those to give another type.
    ///
    /// # Errors
    ///
    /// As [`TableDefinition::new`].
    pub(crate) fn new(table: TableName, added: &[Column], modified: &[Column]) -> Result<Self> {
        let of = |columns: &[Column]| columns.iter().map(ColumnDefinition::new).collect::<Result<_>>();
        Ok(Self { table, added: of(added)?, modified: of(modified)?, if_not_exists: false })
    }

    /// The same, but columns that exist already stay as they are.
    #[must_use]
    pub(crate) fn if_not_exists(self) -> Self {
        Self { if_not_exists: true, ..self }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.added.is_empty() && self.modified.is_empty()
    }
}

impl fmt::Display for Alteration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let add = if self.if_not_exists { "ADD COLUMN IF NOT EXISTS" } else { "ADD COLUMN" };
        let added = self.added.iter().map(|column| format!("{add} {column}"));
        let modified = self.modified.iter();
        let modified = modified.map(|column| format!("MODIFY COLUMN {} {}", column.name, column.data_type));
        for (at, change) in added.chain(modified).enumerate() {
            if at == 0 {
                write!(f, "ALTER TABLE {}", self.table)?;
            }
            write!(f, "{}\n    {change}", if at == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alteration_adds_and_modifies() {
        let name = TableName::new("shop", "clicks").unwrap();
        let added = [Column::new("a", "Nullable(UInt8)").filled_from("/b/a".parse().unwrap())];
        let modified = [Column::new("c", "String")];
        let alteration = Alteration::new(name.clone(), &added, &modified).unwrap();
        assert_eq!(
            alteration.to_string(),
            "ALTER TABLE `shop`.`clicks`\n    ADD COLUMN `a` Nullable(UInt8) COMMENT 'event field /b/a',\n    MODIFY \
             COLUMN `c` String"
        );
        let addition = Alteration::new(name.clone(), &added, &[]).unwrap().if_not_exists();
        assert_eq!(
            addition.to_string(),
            "ALTER TABLE `shop`.`clicks`\n    ADD COLUMN IF NOT EXISTS `a` Nullable(UInt8) COMMENT 'event field /b/a'"
        );
        assert_eq!(Alteration::new(name, &[], &[]).unwrap().to_string(), "");
    }
}
