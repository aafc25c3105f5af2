//! Which columns a table lacks for the fields of some events, and of what types.

use super::{
    decode::{MAX_COLUMNS, can_be_column, nested_parts},
    schema::TableSchema,
};
use crate::{
    Column, FieldPath, Result,
    column_names::{ColumnNames, renamed},
    schema::{ColumnEvidence, infer},
    warehouse::types::DataType,
};

/// A column that a table lacks, and what its type rests on.
#[derive(Clone, Debug)]
pub(crate) struct NewColumn {
    pub(crate) column: Column,
    pub(crate) evidence: ColumnEvidence,
}

/// A column for each top-level field that the table has none for, in the order of the fields; of the type that inference
/// finds for all its values, with room for null, as earlier rows lack it. It has another name where the table cannot have
/// one of the field's name; `others` are names in the table beyond the schema. None for a field that only is null, for an
/// empty or too long name, and beyond [`MAX_COLUMNS`].
pub(super) fn new_columns<'a>(
    schema: &TableSchema,
    others: &[String],
    events: impl IntoIterator<Item = &'a [u8]>,
) -> Result<Vec<NewColumn>> {
    let decoder = schema.decoder()?;
    let unknown: Vec<&[u8]> = events.into_iter().filter(|event| decoder.has_unknown(event)).collect();
    if unknown.is_empty() { Ok(Vec::new()) } else { new_columns_within(schema, others, None, unknown) }
}

/// The same for the fields of objects that are all in one place of the events; at the top without one.
pub(crate) fn new_columns_within<'a>(
    schema: &TableSchema,
    others: &[String],
    place: Option<&FieldPath>,
    objects: impl IntoIterator<Item = &'a [u8]>,
) -> Result<Vec<NewColumn>> {
    // An event without any field stands for the rows that are there already.
    let inferred = infer(objects.into_iter().chain([&b"{}"[..]]));
    let has_values = inferred.evidence.into_iter().zip(inferred.columns).filter(|(seen, _)| seen.present > 0);
    let sources: Vec<FieldPath> = schema.columns.iter().map(Column::source).collect();
    let nested = nested_parts(&schema.columns);
    let found = has_values.filter_map(|(evidence, column)| {
        let keys = column.source();
        let field = match place {
            Some(place) => keys.keys().iter().fold(place.clone(), |path, key| path.within(key)),
            None => keys,
        };
        let is_nested = field.only().is_some_and(|field| nested.iter().any(|(name, _)| *name == field));
        let is_known = is_nested || sources.iter().any(|source| source.keys().starts_with(field.keys()));
        let name = field.keys().join(".");
        (!is_known && can_be_column(&name)).then_some((name, field, column.data_type, evidence))
    });
    let room = MAX_COLUMNS.saturating_sub(schema.columns.len());
    let found: Vec<_> = found.take(room).collect();
    let taken = schema.columns.iter().map(|column| &column.name).chain(others);
    let mut names = ColumnNames::new(taken.map(String::as_str), found.iter().map(|(name, ..)| name.as_str()));
    let mut columns = Vec::with_capacity(found.len());
    for (name, field, data_type, mut evidence) in found {
        let chosen = names.choose(&name);
        if chosen != name {
            evidence.why = format!("{}; {}", evidence.why, renamed(&name, &chosen));
        }
        evidence.name.clone_from(&chosen);
        let column = beside(schema, Column::new(chosen, data_type).filled_from(field))?;
        columns.push(NewColumn { column, evidence });
    }
    Ok(columns)
}

/// The same column, of a type that leaves the others as they are.
fn beside(schema: &TableSchema, column: Column) -> Result<Column> {
    let data_type: DataType = column.data_type.parse()?;
    // `a.b` and `a.c` would have to be lists of equal length; a map beside another or a list is refused.
    let joins_lists =
        column.name.contains('.') && matches!(data_type, DataType::Array(_) | DataType::Map(..));
    let mut keeps_types = false;
    for known in &schema.columns {
        keeps_types |= known
            .data_type
            .parse::<DataType>()?
            .has(&|part| matches!(part, DataType::Variant(_) | DataType::Dynamic { .. }));
    }
    // Beside a `JSON` these would become texts.
    let bends_types = keeps_types && data_type.has(&|part| matches!(part, DataType::Json(_)));
    let data_type = if joins_lists || bends_types { "Nullable(String)".to_owned() } else { column.data_type };
    Ok(Column { data_type, ..column })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(columns: &[(&str, &str)], events: &[&str]) -> Vec<(String, String)> {
        let columns = columns.iter().map(|(name, data_type)| Column::new(*name, *data_type)).collect();
        let schema = TableSchema { columns, unions: true, ..TableSchema::default() };
        let found = new_columns(&schema, &[], events.iter().map(|event| event.as_bytes())).unwrap();
        found.into_iter().map(|new| (new.column.name, new.column.data_type)).collect()
    }

    fn types(events: &[&str]) -> Vec<(String, String)> {
        found(&[("id", "UInt64")], events)
    }

    fn named(columns: &[(&str, &str)]) -> Vec<(String, String)> {
        columns.iter().map(|(name, data_type)| ((*name).to_owned(), (*data_type).to_owned())).collect()
    }

    #[test]
    fn a_type_fits_all_values_and_has_room_for_null() {
        assert_eq!(types(&[r#"{"id":1}"#, r#"{"id":"x"}"#, "x", ""]), []);
        assert_eq!(types(&[r#"{"id":1,"a":1}"#, r#"{"a":-1,"id":1}"#]), named(&[("a", "Nullable(Int64)")]));
        assert_eq!(
            types(&[r#"{"a":1,"b":[1]}"#, r#"{"a":"x"}"#]),
            named(&[("a", "Nullable(String)"), ("b", "Array(UInt64)")])
        );
        assert_eq!(types(&[r#"{"a":{"b":1}}"#]), named(&[("a", "JSON")]));
        let many = (0..200).map(|at| format!(r#"{{"a":"{}"}}"#, ["x", "y"][at % 2])).collect::<Vec<_>>();
        let [(_, low)] = types(&many.iter().map(String::as_str).collect::<Vec<_>>()).try_into().unwrap();
        assert!(low.contains("Nullable("), "{low}");
    }

    #[test]
    fn only_events_that_can_be_read_count() {
        assert_eq!(types(&[r#"{"a":1"#, r#"{"a":1}x"#, r#"[{"a":1}]"#, r#"{"a":1,"a":2}"#]), []);
        assert_eq!(types(&[r#"{"a":"x""#, r#"{"a":1}"#]), named(&[("a", "Nullable(UInt64)")]));
    }

    #[test]
    fn what_is_no_column_is_none() {
        assert_eq!(types(&[r#"{"a":null}"#, r#"{"":1}"#]), []);
        let long = format!(r#"{{"{}":1}}"#, "k".repeat(257));
        assert_eq!(types(&[&long]), []);
        assert_eq!(types(&[&long.replacen('k', "", 1)]).len(), 1);
    }

    #[test]
    fn a_table_has_so_many_columns() {
        let many: String = (0..1_200).map(|at| format!(r#","k{at}":1"#)).collect();
        let columns = types(&[&format!(r#"{{"id":1{many}}}"#)]);
        assert_eq!(columns.len(), MAX_COLUMNS - 1);
    }

    #[test]
    fn other_columns_stay_what_they_are() {
        let tables = [("n.a", "Array(UInt8)"), ("d", "Array(Dynamic)")];
        assert_eq!(found(&tables[..1], &[r#"{"n.b":[1]}"#]), named(&[("n.b", "Nullable(String)")]));
        let maps: Vec<_> = (0..40).map(|at| format!(r#"{{"n.b":{{"k{at}":1}}}}"#)).collect();
        let maps: Vec<_> = maps.iter().map(String::as_str).collect();
        assert_eq!(found(&tables[..1], &maps), named(&[("n.b", "Nullable(String)")]));
        assert_eq!(found(&tables, &[r#"{"o":{}}"#]), named(&[("o", "Nullable(String)")]));
        assert_eq!(found(&tables[..1], &[r#"{"o":{}}"#]), named(&[("o", "JSON")]));
    }

    #[test]
    fn a_column_has_another_name_where_its_own_is_impossible() {
        let schema = TableSchema {
            columns: vec![Column::new("foo.bar", "Float64"), Column::new("m", "Map(String, UInt8)")],
            ..TableSchema::default()
        };
        let event = r#"{"foo":2.5,"m.keys":1,"_row_exists":1,"_shard":"x","computed":1,"_shard_":2}"#;
        let found = new_columns(&schema, &["computed".to_owned()], [event.as_bytes()]).unwrap();
        let shown = found.iter().map(|new| (new.column.name.as_str(), new.column.source().to_string()));
        let shown: Vec<_> = shown.collect();
        let expected = [
            ("foo_", "/foo"),
            ("m_keys", "/m.keys"),
            ("_row_exists_", "/_row_exists"),
            ("_shard__", "/_shard"),
            ("computed_", "/computed"),
            ("_shard_", "/_shard_"),
        ];
        assert_eq!(shown, expected.map(|(name, field)| (name, field.to_owned())));
        for new in &found {
            let is_renamed = new.evidence.why.contains("cannot have a column");
            assert_eq!(is_renamed, new.column.field.is_some(), "{}", new.evidence.why);
            assert_eq!(new.evidence.name, new.column.name);
        }
    }

    #[test]
    fn a_field_is_known_by_what_it_fills() {
        let columns = vec![
            Column::new("id", "UInt64").filled_from("/user/id".parse().unwrap()),
            Column::new("at", "String").filled_from(FieldPath::top("time")),
        ];
        let schema = TableSchema { columns, unions: true, ..TableSchema::default() };
        let event = r#"{"user":{"id":1,"name":"x"},"time":"t","at":1,"more":true}"#;
        let names = |found: Vec<NewColumn>| -> Vec<_> {
            found.into_iter().map(|new| (new.column.name.clone(), new.column.source().to_string())).collect()
        };
        let at_the_top = new_columns(&schema, &[], [event.as_bytes()]).unwrap();
        let expected = [("at_", "/at"), ("more", "/more")];
        assert_eq!(names(at_the_top), expected.map(|(name, field)| (name.to_owned(), field.to_owned())));
        let user = FieldPath::top("user");
        let within = new_columns_within(&schema, &[], Some(&user), [&br#"{"id":1,"name":"x"}"#[..]]).unwrap();
        assert_eq!(names(within), [("user.name".to_owned(), "/user/name".to_owned())]);
    }
}
