//! Whether a table that exists can be a source's.

use crate::{
    Column, Error, ErrorKind, Result,
    delivery::Provenance,
    warehouse::{DEDUPLICATION_WINDOW, TableDefinition, TableDescription},
};

/// An existing table is good if an insert of the schema fits it without change and is recognised when repeated. Its engine
/// may be any that recognises it, unless one `is_engine_asked` for.
pub(super) fn check_existing(
    planned: &TableDefinition,
    is_engine_asked: bool,
    existing: &TableDescription,
) -> Result<()> {
    let conflict =
        |message: String| Err(Error::new(ErrorKind::Conflict, message).with("table", planned.name().plain()));
    let differing = differing_columns(planned, existing);
    if !differing.is_empty() {
        return conflict(format!("the table exists with another schema: {}", differing.join("; ")));
    }
    if !existing.engine.contains("MergeTree") {
        return conflict(format!(
            "the table exists with the engine {}, which recognises no repeated insert",
            existing.engine
        ));
    }
    let engine = existing.engine.split([' ', '(']).next().unwrap_or_default();
    if is_engine_asked && engine != planned.engine().name() {
        return conflict(format!(
            "the table exists with the engine {engine}, not {}",
            planned.engine().name()
        ));
    }
    let replicated = existing.engine.starts_with("Replicated") || existing.engine.starts_with("Shared");
    let window = existing.deduplication_window();
    if window.unwrap_or(if replicated { DEDUPLICATION_WINDOW } else { 0 }) < DEDUPLICATION_WINDOW {
        return conflict(format!(
            "the table exists with a deduplication window of {}; events could be doubled. Run ALTER TABLE {} MODIFY \
             SETTING non_replicated_deduplication_window = {DEDUPLICATION_WINDOW}",
            window.unwrap_or(0),
            planned.name()
        ));
    }
    if existing.uuid.is_nil() {
        return conflict("the table exists in a database that keeps no UUIDs; use an Atomic one".to_owned());
    }
    Ok(())
}

fn differing_columns(planned: &TableDefinition, existing: &TableDescription) -> Vec<String> {
    let wanted = planned.columns();
    let mut columns = existing.columns.clone();
    // Columns of provenance are filled wherever they are.
    let has_provenance = Provenance::take(&mut columns).is_some();
    let find = |columns: &[Column], name: &str| columns.iter().find(|column| column.name == name).cloned();
    let mut differing = Vec::new();
    for column in &wanted {
        let name = &column.name;
        match find(&columns, name) {
            None => differing.push(format!("`{name}` is missing")),
            Some(found) if found.data_type != column.data_type => {
                differing.push(format!("`{name}` is {}, not {}", found.data_type, column.data_type));
            }
            Some(found) if found.source() != column.source() => {
                let (found, wanted) = (found.source(), column.source());
                differing.push(format!("`{name}` is filled from {found}, not {wanted}"));
            }
            Some(_) if column.default.is_some() && !existing.defaults.contains(name) => {
                differing.push(format!("`{name}` has no DEFAULT"));
            }
            Some(_) => {}
        }
    }
    let extra = columns.iter().filter(|column| find(&wanted, &column.name).is_none());
    differing.extend(extra.map(|column| format!("`{}` is not in the schema", column.name)));
    if !has_provenance {
        let missing = planned.further_columns().into_iter();
        differing.extend(missing.map(|column| format!("`{}` {} is missing", column.name, column.data_type)));
    }
    differing
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::warehouse::{TableName, TableOptions};

    fn checked(wanted: &[Column], columns: &[Column], defaults: &[&str]) -> Result<()> {
        let name = TableName::new("shop", "clicks").unwrap();
        let planned = TableDefinition::new(name, Uuid::nil(), wanted, &TableOptions::default()).unwrap();
        let existing = TableDescription {
            uuid: Uuid::from_u128(7),
            engine: "MergeTree ORDER BY tuple() SETTINGS non_replicated_deduplication_window = 10000"
                .to_owned(),
            columns: columns.to_vec(),
            defaults: defaults.iter().map(|name| (*name).to_owned()).collect(),
            keys: Vec::new(),
            materialized: Vec::new(),
            create_statement: String::new(),
        };
        check_existing(&planned, false, &existing)
    }

    #[test]
    fn an_existing_table_must_be_filled_alike() {
        let plain = || Column::new("a", "UInt8");
        let from = |field: &str| plain().filled_from(field.parse().unwrap());
        for (wanted, existing, defaults, says) in [
            (plain(), plain(), &[][..], None),
            (plain(), plain(), &["a"][..], None),
            (from("/b/a"), from("/b/a"), &[], None),
            (plain().default_value(1), plain(), &["a"], None),
            (from("/b"), plain(), &[], Some("`a` is filled from /a, not /b")),
            (plain(), from("/b/a"), &[], Some("`a` is filled from /b/a, not /a")),
            (plain().default_value(1), plain(), &[], Some("`a` has no DEFAULT")),
            (plain(), Column::new("a", "UInt16"), &[], Some("`a` is UInt16, not UInt8")),
            (plain(), Column::new("b", "UInt8"), &[], Some("`a` is missing; `b` is not in the schema")),
        ] {
            let error = checked(&[wanted], &[existing], defaults).err().map(|error| error.to_string());
            match (says, error) {
                (None, None) => {}
                (Some(says), Some(error)) => assert!(error.contains(says), "{error}"),
                (says, error) => assert_eq!(says.map(str::to_owned), error),
            }
        }
    }
}
