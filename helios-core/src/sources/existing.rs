//! Whether a table that exists can be a source's.

use crate::{
    Column, Error, ErrorKind, Result,
    warehouse::{DEDUPLICATION_WINDOW, TableDefinition, TableDescription},
};

/// An existing table is good if an insert of the schema fits it without change and is recognised when repeated.
pub(super) fn check_existing(planned: &TableDefinition, existing: &TableDescription) -> Result<()> {
    let conflict =
        |message: String| Err(Error::new(ErrorKind::Conflict, message).with("table", planned.name().plain()));
    let differing = differing_columns(&planned.columns(), existing);
    if !differing.is_empty() {
        return conflict(format!("the table exists with another schema: {}", differing.join("; ")));
    }
    if !existing.engine.contains("MergeTree") {
        return conflict(format!(
            "the table exists with the engine {}, which recognises no repeated insert",
            existing.engine
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

fn differing_columns(wanted: &[Column], existing: &TableDescription) -> Vec<String> {
    let find = |columns: &[Column], name: &str| columns.iter().find(|column| column.name == name).cloned();
    let mut differing = Vec::new();
    for column in wanted {
        let name = &column.name;
        match find(&existing.columns, name) {
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
    let extra = existing.columns.iter().filter(|column| find(wanted, &column.name).is_none());
    differing.extend(extra.map(|column| format!("`{}` is not in the schema", column.name)));
    differing
}
