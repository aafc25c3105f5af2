//! Provenance: columns of a table that say where each row came from.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, StringArray, TimestampMillisecondArray, UInt64Array};
use arrow_schema::{Field, Schema};
use jiff::Timestamp;

use super::batch::Event;
use crate::{Column, Error, Result};

use crate::column_names::ARRIVED_AT;
pub(super) use crate::column_names::{SEQUENCE, SHARD, SUB_SEQUENCE};

/// The columns of provenance, of a table that is made with them.
pub(crate) fn provenance_columns() -> Vec<Column> {
    vec![
        Column::new(SHARD, "LowCardinality(String)"),
        Column::new(SEQUENCE, "String"),
        Column::new(SUB_SEQUENCE, "UInt64"),
        Column::new(ARRIVED_AT, "Nullable(DateTime64(3, 'UTC'))"),
    ]
}

/// A table that knows the identity of its rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Provenance {
    arrived_at: bool,
}

impl Provenance {
    /// Takes the columns of provenance out of a table's. All three of the identity, or none, and of types that hold it.
    pub(crate) fn take(columns: &mut Vec<Column>) -> Option<Self> {
        let has = |name: &str, types: &[&str]| {
            columns.iter().any(|column| column.name == name && types.contains(&column.data_type.as_str()))
        };
        let texts = ["String", "LowCardinality(String)"];
        if !(has(SHARD, &texts) && has(SEQUENCE, &texts) && has(SUB_SEQUENCE, &["UInt64", "UInt32"])) {
            return None;
        }
        let arrived_at = columns.iter().any(|column| {
            let data_type = column.data_type.as_str();
            column.name == ARRIVED_AT && data_type.trim_start_matches("Nullable(").starts_with("DateTime64(")
        });
        columns.retain(|column| {
            let name = column.name.as_str();
            !([SHARD, SEQUENCE, SUB_SEQUENCE].contains(&name) || (arrived_at && name == ARRIVED_AT))
        });
        Some(Self { arrived_at })
    }

    /// Adds the columns to a batch of rows, each made of one of these events, in order.
    pub(super) fn add_to(
        self,
        rows: &RecordBatch,
        shard: &str,
        events: &[&Event<'_>],
    ) -> Result<RecordBatch> {
        let numbers = events.iter().map(|event| event.place.sequence_number);
        let mut added: Vec<(&str, ArrayRef)> = vec![
            (SHARD, Arc::new(StringArray::from_iter_values(events.iter().map(|_| shard)))),
            (SEQUENCE, Arc::new(StringArray::from_iter_values(numbers))),
            (
                SUB_SEQUENCE,
                Arc::new(UInt64Array::from_iter_values(events.iter().map(|event| event.place.sub_sequence))),
            ),
        ];
        if self.arrived_at {
            let times = events.iter().map(|event| event.arrival.map(Timestamp::as_millisecond));
            added.push((ARRIVED_AT, Arc::new(times.collect::<TimestampMillisecondArray>())));
        }
        let mut fields = rows.schema().fields().to_vec();
        let mut arrays = rows.columns().to_vec();
        for (name, array) in added {
            fields.push(Arc::new(Field::new(name, array.data_type().clone(), name == ARRIVED_AT)));
            arrays.push(array);
        }
        RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)
            .map_err(|error| Error::unexpected("the columns of provenance do not fit").caused_by(error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_identity_is_taken_whole_or_not_at_all() {
        let columns = |columns: &[(&str, &str)]| -> Vec<Column> {
            columns.iter().map(|(name, data_type)| Column::new(*name, *data_type)).collect()
        };
        let whole = [
            ("id", "UInt8"),
            ("_shard", "LowCardinality(String)"),
            ("_sequence", "String"),
            ("_subsequence", "UInt64"),
            ("_arrived_at", "DateTime64(3, 'UTC')"),
        ];
        let mut taken = columns(&whole);
        assert_eq!(Provenance::take(&mut taken), Some(Provenance { arrived_at: true }));
        assert_eq!(taken, columns(&whole[..1]));
        for lacks in 1..4 {
            let mut columns = columns(&whole);
            columns.remove(lacks);
            let before = columns.clone();
            assert_eq!(Provenance::take(&mut columns), None);
            assert_eq!(columns, before);
        }
        let mut numeric = columns(&whole);
        numeric[2].data_type = "UInt64".to_owned();
        assert_eq!(Provenance::take(&mut numeric), None, "56 digits do not fit");
    }
}
