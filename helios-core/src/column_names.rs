//! Names of columns: which ones a table cannot have, and what a column is called instead.
//!
//! A column that Helios chooses, in inference or for a new field, never has a reserved name, and never is `a` beside
//! `a.b`: ClickHouse takes `a.b` for a part of `a`, or for a column of the `Nested` `a`. A schema that a person writes may
//! have such names as far as ClickHouse can store them, see [`check`].

use std::collections::BTreeSet;

use crate::{
    Column, Error, Result,
    warehouse::types::{DataType, TupleField},
};

/// Columns that say where a row came from: the shard.
pub(crate) const SHARD: &str = "_shard";
/// The sequence number.
pub(crate) const SEQUENCE: &str = "_sequence";
/// The number within an aggregated record.
pub(crate) const SUB_SEQUENCE: &str = "_subsequence";
/// The time of arrival.
pub(crate) const ARRIVED_AT: &str = "_arrived_at";
/// The column that names the batch of a row.
pub(crate) const BATCH_COLUMN: &str = "_helios_batch";

/// Columns that Helios fills by itself.
const OWN: [&str; 5] = [SHARD, SEQUENCE, SUB_SEQUENCE, ARRIVED_AT, BATCH_COLUMN];

/// Virtual columns that a `MergeTree` writes to disk: it refuses columns of these names.
const PERSISTENT: [&str; 3] = ["_row_exists", "_block_number", "_block_offset"];

/// Virtual columns that a column of the same name would hide.
const VIRTUAL: [&str; 14] = [
    "_part",
    "_part_index",
    "_part_starting_offset",
    "_part_uuid",
    "_partition_id",
    "_partition_value",
    "_sample_factor",
    "_part_offset",
    "_part_granule_offset",
    "_part_data_version",
    "_disk_name",
    "_distance",
    "_table",
    "_database",
];

/// Further ones of a `Distributed` table, and of older versions.
const OTHERS: [&str; 2] = ["_shard_num", "_part_name"];

/// Whether Helios gives no column this name, whatever other columns there are.
fn is_reserved(name: &str) -> bool {
    let lists: [&[&str]; 4] = [&OWN, &PERSISTENT, &VIRTUAL, &OTHERS];
    // Of `a.null` ClickHouse makes the element `null` of a `Nested`, which it refuses.
    name.is_empty() || lists.iter().any(|list| list.contains(&name)) || is_null_of_nested(name)
}

fn is_null_of_nested(name: &str) -> bool {
    name.split_once('.').is_some_and(|(_, rest)| rest == "null")
}

/// Whether a `Tuple` can have an element of this name.
pub(crate) fn can_be_element(name: &str) -> bool {
    !name.is_empty() && !name.contains('.') && name != "null"
}

/// The names of a table's columns: those it has, and those that are chosen for it.
#[derive(Clone, Debug, Default)]
pub(crate) struct ColumnNames {
    taken: BTreeSet<String>,
    /// The names of fields that are to get a column: no other field's column is renamed to one of these.
    wanted: BTreeSet<String>,
}

impl ColumnNames {
    /// The names of the columns that there are, and of the fields that are to get one.
    pub(crate) fn new<'a>(
        taken: impl IntoIterator<Item = &'a str>,
        wanted: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        Self {
            taken: taken.into_iter().map(str::to_owned).collect(),
            wanted: wanted.into_iter().map(str::to_owned).collect(),
        }
    }

    /// Takes a name: this one, or if the table cannot have it another. Each `.` becomes a `_`, and so many `_` follow as make
    /// the name a new one.
    pub(crate) fn choose(&mut self, name: &str) -> String {
        let chosen = if is_reserved(name) || clashes(&self.taken, name) {
            let mut other = name.replace('.', "_");
            while is_reserved(&other) || clashes(&self.taken, &other) || clashes(&self.wanted, &other) {
                other.push('_');
            }
            other
        } else {
            name.to_owned()
        };
        self.taken.insert(chosen.clone());
        chosen
    }
}

/// Whether one of the names is this one, or begins with it and a dot, or the other way round.
fn clashes(names: &BTreeSet<String>, name: &str) -> bool {
    let within = format!("{name}.");
    let has_within = names.range(within.clone()..).next().is_some_and(|next| next.starts_with(&within));
    let around = name.match_indices('.').filter_map(|(at, _)| name.get(..at));
    names.contains(name) || has_within || around.into_iter().any(|around| names.contains(around))
}

/// What evidence says of a column that has another name than its field.
pub(crate) fn renamed(field: &str, column: &str) -> String {
    format!(
        "the column is named `{column}`, because a table cannot have a column `{field}`, or not beside the others; the field \
         fills it"
    )
}

/// Fails for columns that ClickHouse cannot store in one table, or that Helios would overwrite.
///
/// # Errors
///
/// [`InvalidInput`](crate::ErrorKind::InvalidInput), naming the column.
pub(crate) fn check(columns: &[Column]) -> Result<()> {
    let mut types = Vec::with_capacity(columns.len());
    for column in columns {
        let data_type: DataType =
            column.data_type.parse().map_err(|error: Error| error.with("column", &column.name))?;
        types.push((column.name.as_str(), data_type));
    }
    for (name, data_type) in &types {
        if let Some(why) = unstorable(name, data_type, &types) {
            let to = ColumnNames::new(types.iter().map(|(known, _)| *known), []).choose(name);
            let message = format!(
                "{why}; rename the column, for example to `{to}`: it is still filled from the same field"
            );
            return Err(Error::invalid_input(message).with("column", *name));
        }
        if data_type.has(&has_bad_element) {
            let message = "a Tuple cannot have an element named `null`; make the column JSON or String";
            return Err(Error::invalid_input(message)
                .with("column", *name)
                .with("type", data_type.to_string()));
        }
    }
    Ok(())
}

/// Why a table cannot have a column of this name.
fn unstorable(name: &str, data_type: &DataType, types: &[(&str, DataType)]) -> Option<String> {
    let find = |name: &str| types.iter().find(|(known, _)| *known == name).map(|(_, data_type)| data_type);
    if PERSISTENT.contains(&name) {
        return Some("ClickHouse reserves this name".to_owned());
    }
    // All three together are taken for what Helios fills.
    if name == BATCH_COLUMN || (name == SHARD && find(SEQUENCE).is_some() && find(SUB_SEQUENCE).is_some()) {
        return Some("Helios fills this column itself".to_owned());
    }
    let is_array = matches!(data_type, DataType::Array(_));
    if is_array && is_null_of_nested(name) {
        return Some("ClickHouse reserves the part `null` of a Nested".to_owned());
    }
    let around = name.match_indices('.').filter_map(|(at, _)| Some((name.get(..at)?, name.get(at + 1..)?)));
    for (at, (around, rest)) in around.enumerate() {
        let Some(outer) = find(around) else { continue };
        if (at == 0 && is_array) || has_part(outer, rest) {
            return Some(format!("ClickHouse takes this column for a part of the column `{around}`"));
        }
    }
    let beside = types
        .iter()
        .find(|(other, other_type)| *other != name && share_sizes((name, data_type), (other, other_type)));
    beside.map(|(other, _)| {
        format!(
            "ClickHouse cannot store this map beside the column `{other}`, whose name begins in the same way"
        )
    })
}

/// Whether a map with a dot in its name would have the file of its sizes in common with another column: with a list or a map
/// whose name is the same up to its first dot.
fn share_sizes((name, data_type): (&str, &DataType), (other, other_type): (&str, &DataType)) -> bool {
    let is_map = matches!(data_type, DataType::Map(..));
    let has_sizes = matches!(other_type, DataType::Array(_) | DataType::Map(..));
    let stem = |name: &str| name.split_once('.').map_or(name, |(stem, _)| stem).to_owned();
    is_map && has_sizes && name.contains('.') && stem(name) == stem(other)
}

/// Whether ClickHouse reads `column.name` of a column of this type as a part of it.
fn has_part(data_type: &DataType, name: &str) -> bool {
    let in_tuple = |fields: &[TupleField]| {
        fields.iter().enumerate().any(|(at, field)| {
            let element = field.name.clone().unwrap_or_else(|| (at + 1).to_string());
            name.strip_prefix(&element).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })
    };
    let is_size = || {
        let digits = name.strip_prefix("size");
        digits.is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit()))
    };
    let first = name.split('.').next();
    match data_type {
        DataType::Nullable(inner) => name == "null" || has_part(inner, name),
        DataType::Array(inner) => is_size() || has_part(inner, name),
        DataType::Map(..) => is_size() || matches!(first, Some("keys" | "values")),
        DataType::Tuple(fields) => in_tuple(fields),
        DataType::Nested(fields) => is_size() || in_tuple(fields),
        DataType::Variant(types) => types.iter().any(|part| first == Some(&part.to_string())),
        _ => false,
    }
}

fn has_bad_element(part: &DataType) -> bool {
    let (DataType::Tuple(fields) | DataType::Nested(fields)) = part else { return false };
    fields.iter().any(|field| field.name.as_deref() == Some("null"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(taken: &[&str], fields: &[&str]) -> Vec<String> {
        let mut names = ColumnNames::new(taken.iter().copied(), fields.iter().copied());
        fields.iter().map(|field| names.choose(field)).collect()
    }

    #[test]
    fn a_name_that_is_possible_stays() {
        let plain = ["a", "ab", "a b", "b.a", "b.c", "_", "__row_exists", "null", "a_", "A.b", ".", "x..y"];
        assert_eq!(chosen(&["c"], &plain), plain);
    }

    #[test]
    fn another_name_is_chosen_by_one_rule() {
        for (taken, fields, names) in [
            (&[][..], &["_row_exists"][..], &["_row_exists_"][..]),
            (&[], &["_shard", "_helios_batch", "_part"], &["_shard_", "_helios_batch_", "_part_"]),
            (&["a.b"], &["a"], &["a_"]),
            (&["a"], &["a.b"], &["a_b"]),
            (&["a"], &["a"], &["a_"]),
            (&["a.b"], &["a.b.c.d"], &["a_b_c_d"]),
            (&["a.b.c"], &["a", "a.b"], &["a_", "a_b"]),
            (&["x"], &["x.null"], &["x_null"]),
            (&[], &["x.null"], &["x_null"]),
            // The names of other fields are left to them.
            (&[], &["_table", "_table_", "_table__.x"], &["_table___", "_table_", "_table__.x"]),
            (&["a"], &["a.b", "a_b"], &["a_b_", "a_b"]),
            (&["a"], &["a.b", "a_b.c"], &["a_b_", "a_b.c"]),
            (&["a"], &["a.b.c", "a.b_c"], &["a_b_c", "a_b_c_"]),
            (&["a.b"], &["a", "a_.b"], &["a__", "a_.b"]),
        ] {
            assert_eq!(chosen(taken, fields), names, "{taken:?} {fields:?}");
        }
    }

    fn checked(columns: &[(&str, &str)]) -> Result<()> {
        let columns: Vec<_> =
            columns.iter().map(|(name, data_type)| Column::new(*name, *data_type)).collect();
        check(&columns)
    }

    #[test]
    fn what_clickhouse_cannot_store_is_refused() {
        for columns in [
            &[("_row_exists", "UInt8")][..],
            &[("_helios_batch", "String")],
            &[("_shard", "String"), ("_sequence", "String"), ("_subsequence", "UInt64")],
            &[("a.x", "Array(UInt8)"), ("a", "UInt8")],
            &[("a", "Tuple(b UInt8)"), ("a.b", "UInt8")],
            &[("a", "Array(Tuple(b UInt8))"), ("a.b.c", "UInt8")],
            &[("a", "Array(UInt8)"), ("a.size0", "UInt8")],
            &[("m", "Map(String, UInt8)"), ("m.values", "UInt8")],
            &[("x", "Nullable(UInt8)"), ("x.null", "UInt8")],
            &[("x.null", "Array(UInt8)")],
            &[("x", "Array(Tuple(a UInt8, null UInt8))")],
            &[("v", "Variant(String, UInt8)"), ("v.String", "String")],
            &[("n.a", "Array(UInt8)"), ("n.b", "Map(String, UInt8)")],
            &[("n.a", "Map(String, UInt8)"), ("n.b.c", "Map(String, String)")],
            &[("n.a", "Map(String, UInt8)"), ("n", "Array(UInt8)")],
        ] {
            let error = checked(columns).unwrap_err();
            assert_eq!(error.kind(), crate::ErrorKind::InvalidInput);
            assert!(error.context().any(|(key, _)| key == "column"), "{error}");
        }
    }

    #[test]
    fn what_clickhouse_can_store_is_not() {
        for columns in [
            &[("_part", "String"), ("_shard", "String"), ("_table", "String")][..],
            &[("a", "UInt8"), ("a.b", "UInt8")],
            &[("a.b", "Array(UInt8)"), ("a.b.c", "Array(UInt8)")],
            &[("a", "JSON"), ("a.b", "UInt8")],
            &[("m", "Map(String, UInt8)"), ("m.size", "UInt8"), ("m.sizes", "UInt8")],
            &[("x.null", "UInt8"), ("x", "UInt8")],
            &[("t", "Tuple(a UInt8)"), ("t.ab", "UInt8")],
            &[("n.a", "Map(String, UInt8)"), ("n.b", "JSON"), ("n.c", "UInt8"), ("n", "UInt8")],
            &[("n.a", "Map(String, UInt8)"), ("m", "Map(String, UInt8)"), ("l", "Array(UInt8)")],
        ] {
            checked(columns).unwrap();
        }
    }
}
