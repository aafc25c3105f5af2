//! Stores schemas apart from the entries that need them: an entry names each by its version, and each is stored once.
//!
//! An entry with the schemas of its open range in it would cost a write unit for each kilobyte of them, twice a batch, and
//! with a thousand columns it would be larger than an item may be.

use std::collections::HashMap;

use serde_json::Value;

use super::super::schema::TableSchema;
use crate::{Error, Result};

/// Schemas by their versions.
pub(super) type Schemas = HashMap<String, Value>;

/// Takes the schemas out of an entry, and leaves their versions in their places.
pub(super) fn take_out(entry: &mut Value) -> Result<Schemas> {
    let mut found = Schemas::new();
    for place in places(entry) {
        if place.is_object() {
            let schema: TableSchema = serde_json::from_value(place.clone())
                .map_err(|error| Error::unexpected("a schema cannot be read back").caused_by(error))?;
            let version = schema.version();
            let whole = std::mem::replace(place, Value::String(version.clone()));
            found.insert(version, whole);
        }
    }
    Ok(found)
}

/// The versions that an entry names.
pub(super) fn missing(entry: &mut Value) -> Vec<String> {
    places(entry).into_iter().filter_map(|place| place.as_str().map(str::to_owned)).collect()
}

/// Puts schemas back where an entry names their versions.
pub(super) fn put_back(entry: &mut Value, known: &Schemas) -> Result<()> {
    for place in places(entry) {
        let Some(version) = place.as_str() else { continue };
        let lost = || {
            let message = "the ledger does not have the schema that an open range was opened with";
            Error::unexpected(message).with("schema version", version)
        };
        *place = known.get(version).ok_or_else(lost)?.clone();
    }
    Ok(())
}

/// Where an entry has schemas, or the versions of some.
fn places(entry: &mut Value) -> Vec<&mut Value> {
    let mut places = Vec::new();
    let Value::Object(members) = entry else { return places };
    for (name, value) in members {
        match name.as_str() {
            "open" => of_range(value, &mut places),
            "remainders" => {
                value.as_array_mut().into_iter().flatten().for_each(|range| of_range(range, &mut places));
            }
            "rework" => {
                if let Some(replay) = value.get_mut("replay") {
                    of_range(replay, &mut places);
                }
            }
            _ => {}
        }
    }
    places
}

fn of_range<'a>(range: &'a mut Value, places: &mut Vec<&'a mut Value>) {
    let Value::Object(members) = range else { return };
    for (name, value) in members {
        match name.as_str() {
            "schema" => places.push(value),
            "settled" => places.extend(value.as_array_mut().into_iter().flatten()),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Entry, OpenRange, Remainder},
        *,
    };
    use crate::Column;

    fn schema(column: &str) -> TableSchema {
        TableSchema { columns: vec![Column::new(column, "UInt8")], ..TableSchema::default() }
    }

    #[test]
    fn an_entry_is_what_it_was() {
        let open = OpenRange { schema: schema("a"), settled: vec![schema("b")], ..OpenRange::for_test() };
        let remainder = Remainder { settled: vec![schema("c"), schema("a")], ..Remainder::default() };
        let entry = Entry { open: Some(open), remainders: vec![remainder], ..Entry::default() };
        let mut value = serde_json::to_value(&entry).unwrap();
        let taken = take_out(&mut value).unwrap();
        assert_eq!(taken.len(), 3);
        assert!(!value.to_string().contains("UInt8"), "{value}");
        assert_eq!(missing(&mut value).len(), 4);
        assert!(put_back(&mut value.clone(), &Schemas::new()).is_err());
        put_back(&mut value, &taken).unwrap();
        assert_eq!(serde_json::from_value::<Entry>(value).unwrap(), entry);
    }
}
