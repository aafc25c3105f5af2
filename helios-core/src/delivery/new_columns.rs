//! Which columns a table lacks for the fields of some events, and of what types.

use super::{
    batch::Event,
    decode::{MAX_COLUMNS, can_be_column},
    schema::TableSchema,
};
use crate::{Column, Result, schema::infer, warehouse::types::DataType};

/// A column for each field that the table has none for, in the order of the fields; of the type that inference finds for
/// all its values, with room for null, as earlier rows lack it. None for a field that only is null, for a name that no
/// column can have, and beyond [`MAX_COLUMNS`].
pub(super) fn new_columns(schema: &TableSchema, events: &[Event<'_>]) -> Result<Vec<Column>> {
    let decoder = schema.decoder()?;
    let payloads = events.iter().filter_map(|event| event.payload.as_ref().ok());
    let unknown: Vec<&[u8]> =
        payloads.map(|event| event.as_ref().as_ref()).filter(|event| decoder.has_unknown(event)).collect();
    if unknown.is_empty() {
        return Ok(Vec::new());
    }
    // An event without any field stands for the rows that are there already.
    let inferred = infer(unknown.into_iter().chain([&b"{}"[..]]));
    let has_values = inferred.evidence.iter().map(|evidence| evidence.present > 0);
    let found =
        inferred.columns.into_iter().zip(has_values).filter_map(|(column, has)| has.then_some(column));
    let is_new = |column: &Column| {
        can_be_column(&column.name) && schema.columns.iter().all(|known| known.name != column.name)
    };
    let room = MAX_COLUMNS.saturating_sub(schema.columns.len());
    found.filter(is_new).take(room).map(|column| beside(schema, column)).collect()
}

/// The same column, of a type that leaves the others as they are.
fn beside(schema: &TableSchema, column: Column) -> Result<Column> {
    let data_type: DataType = column.data_type.parse()?;
    // `a.b` and `a.c` would have to be lists of equal length.
    let joins_lists = column.name.contains('.') && matches!(data_type, DataType::Array(_));
    let mut keeps_types = false;
    for known in &schema.columns {
        keeps_types |= known
            .data_type
            .parse::<DataType>()?
            .has(&|part| matches!(part, DataType::Variant(_) | DataType::Dynamic { .. }));
    }
    // Beside a `JSON` these would become texts.
    let bends_types = keeps_types && data_type.has(&|part| matches!(part, DataType::Json(_)));
    Ok(if joins_lists || bends_types { Column::new(column.name, "Nullable(String)") } else { column })
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use bytes::Bytes;

    use super::{super::place::Place, *};

    fn found(columns: &[(&str, &str)], events: &[&str]) -> Vec<(String, String)> {
        let columns = columns.iter().map(|(name, data_type)| Column::new(*name, *data_type)).collect();
        let schema = TableSchema { columns, unions: true, ..TableSchema::default() };
        let place = Place { sequence_number: "1", sub_sequence: 0 };
        let events: Vec<_> = events
            .iter()
            .map(|event| Event {
                place,
                arrival: None,
                payload: Ok(Cow::Owned(Bytes::copy_from_slice(event.as_bytes()))),
            })
            .collect();
        let found = new_columns(&schema, &events).unwrap();
        found.into_iter().map(|column| (column.name, column.data_type)).collect()
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
        assert_eq!(types(&[r#"{"a":null}"#, r#"{"":1}"#, r#"{"_shard":"x","_sequence":"1"}"#]), []);
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
        assert_eq!(found(&tables, &[r#"{"o":{}}"#]), named(&[("o", "Nullable(String)")]));
        assert_eq!(found(&tables[..1], &[r#"{"o":{}}"#]), named(&[("o", "JSON")]));
    }
}
