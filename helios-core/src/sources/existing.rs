//! Whether a table that exists can be a source's.

use crate::{
    Column, Error, ErrorKind, Result, TimeUnit,
    delivery::{Provenance, is_default_filled},
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
    let engine = existing.engine.split([' ', '(']).next().unwrap_or_default();
    if !engine.ends_with("MergeTree") {
        let instead = instead_of(engine);
        return conflict(format!(
            "the table exists with the engine {engine}, which does not recognise a repeated insert; {instead}"
        ));
    }
    let differing = differing_columns(planned, existing);
    if !differing.is_empty() {
        return conflict(format!("the table exists with another schema: {}", differing.join("; ")));
    }
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

/// What to do about a table of this engine.
fn instead_of(engine: &str) -> &'static str {
    match engine {
        "Null" => {
            "use a MergeTree table with a TTL in its place: the materialized views that read it stay as they are"
        }
        "Distributed" => "use the MergeTree table on the nodes that it writes to, or a replicated one",
        "MaterializedView" => {
            "use the table that the view reads, which then feeds the view, or the table that it writes to"
        }
        "View" | "LiveView" | "WindowView" => "use the table that the view reads",
        "Buffer" | "Merge" => "use the MergeTree table behind it",
        _ => "use a table of the MergeTree family",
    }
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
            Some(found) if column.unit.is_some_and(|unit| found.unit != Some(unit)) => {
                let found = found.unit.map_or("no unit", TimeUnit::as_str);
                let wanted = column.unit.map_or("no unit", TimeUnit::as_str);
                differing.push(format!("the comment of `{name}` says {found}, not {wanted}"));
            }
            Some(_) if column.default.is_some() && !existing.defaults.contains(name) => {
                differing.push(format!("`{name}` has no DEFAULT"));
            }
            Some(_) => {}
        }
    }
    let extra = columns.iter().filter(|column| find(&wanted, &column.name).is_none());
    differing.extend(extra.filter_map(|column| unfilled(column, existing)));
    if !has_provenance {
        let missing = planned.further_columns().into_iter();
        differing.extend(missing.map(|column| format!("`{}` {} is missing", column.name, column.data_type)));
    }
    differing
}

/// Why a column that is not in the schema cannot stay out of it: nothing would fill it.
fn unfilled(column: &Column, existing: &TableDescription) -> Option<String> {
    let name = &column.name;
    match existing.expressions.get(name) {
        None => Some(format!(
            "`{name}` is not in the schema and has no DEFAULT: add it to the schema, or give it a DEFAULT"
        )),
        Some(expression) if !is_default_filled(column, expression) => Some(format!(
            "`{name}` is not in the schema, and a column of type {} gets its DEFAULT only if that is a literal; add it to the \
             schema, or change its DEFAULT or its type",
            column.data_type
        )),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::warehouse::{TableName, TableOptions};

    fn checked(wanted: &[Column], columns: &[Column], defaults: &[&str]) -> Result<()> {
        let engine = "MergeTree ORDER BY tuple() SETTINGS non_replicated_deduplication_window = 10000";
        with_engine(engine, wanted, columns, defaults)
    }

    fn with_engine(engine: &str, wanted: &[Column], columns: &[Column], defaults: &[&str]) -> Result<()> {
        let name = TableName::new("shop", "clicks").unwrap();
        let planned = TableDefinition::new(name, Uuid::nil(), wanted, &TableOptions::default()).unwrap();
        let existing = TableDescription {
            uuid: Uuid::from_u128(7),
            engine: engine.to_owned(),
            columns: columns.to_vec(),
            defaults: defaults.iter().map(|name| (*name).to_owned()).collect(),
            expressions: defaults.iter().map(|name| ((*name).to_owned(), "now()".to_owned())).collect(),
            keys: Vec::new(),
            materialized: Vec::new(),
            create_statement: String::new(),
        };
        check_existing(&planned, false, &existing)
    }

    #[test]
    fn columns_beyond_the_schema_need_a_default() {
        let schema = [Column::new("a", "UInt8")];
        for (more, defaults, says) in [
            ("DateTime", &["b"][..], None),
            ("AggregateFunction(sum, UInt64)", &["b"], None),
            ("DateTime", &[], Some("`b` is not in the schema and has no DEFAULT")),
            ("Nullable(DateTime)", &["b"], Some("gets its DEFAULT only if that is a literal")),
        ] {
            let found = [schema[0].clone(), Column::new("b", more)];
            let error = checked(&schema, &found, defaults).err().map(|error| error.to_string());
            match (says, error) {
                (None, None) => {}
                (Some(says), Some(error)) => assert!(error.contains(says), "{error}"),
                (says, error) => assert_eq!(says.map(str::to_owned), error, "{more}"),
            }
        }
    }

    #[test]
    fn only_tables_of_the_merge_tree_family_are_filled() {
        let columns = [Column::new("a", "UInt8")];
        let window = "SETTINGS non_replicated_deduplication_window = 10000";
        for engine in
            ["ReplacingMergeTree", "SummingMergeTree", "CollapsingMergeTree(sign)", "CoalescingMergeTree"]
        {
            with_engine(&format!("{engine} ORDER BY a {window}"), &columns, &columns, &[]).unwrap();
        }
        for (engine, says) in [
            (
                "Null",
                "the engine Null, which does not recognise a repeated insert; use a MergeTree table with a TTL",
            ),
            ("Distributed('c', 'd', 't')", "use the MergeTree table on the nodes"),
            ("MaterializedView", "use the table that the view reads, which then feeds the view"),
            ("View", "use the table that the view reads"),
            (
                "Memory",
                "the engine Memory, which does not recognise a repeated insert; use a table of the MergeTree family",
            ),
            ("Merge('d', 'MergeTree')", "use the MergeTree table behind it"),
        ] {
            let error = with_engine(engine, &columns, &columns, &[]).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
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
