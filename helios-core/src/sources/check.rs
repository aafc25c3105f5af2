//! A schema and sampled events: which of them a table with it would not take, and why.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::Serialize;

use crate::{
    Column, FieldPath, Result,
    delivery::{Decoder, MissingFields, Reject, RejectKind, UnknownFields, nested_parts},
    schema::{Schema, infer},
    streams::{Defect, Sample},
    warehouse::TableDefinition,
};

/// So many rejects are shown.
const MAX_SHOWN: usize = 100;

/// What a table would make of sampled events.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SchemaCheck {
    /// The columns, as they were edited, their types in ClickHouse's own spelling.
    pub schema: Schema,
    /// How many events were looked at.
    pub events: u64,
    /// How many of them would be rows.
    pub fitting: u64,
    /// How many would be rejected.
    pub rejected: u64,
    /// The first 100 of these.
    pub rejects: Vec<SampleReject>,
    /// Top-level fields of the events for which there is no column, and how many events have each.
    pub unknown_fields: BTreeMap<String, u64>,
    /// The statement that `create_table` would run.
    pub create_table_query: String,
}

/// Why a sampled event would be rejected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SampleReject {
    /// Which event, counted from 0. Records that could not be unpacked come last.
    pub event: u64,
    /// The word for what is wrong, as in the quarantine: `"out_of_range"`.
    pub error_type: String,
    /// What is wrong, for a person.
    pub message: String,
    /// The column that it does not fit into, if it is one column's fault.
    pub column: Option<String>,
    /// Where in the event: `$.place.tags[2]`.
    pub path: Option<String>,
    /// The ClickHouse type that was wanted there.
    pub wanted: Option<String>,
    /// The JSON value that was there, cut at 256 bytes.
    pub value: Option<String>,
}

/// Sampled events, and records that could not be unpacked, of which delivery makes rejects, too.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sampled {
    pub(crate) events: Vec<Bytes>,
    unreadable: u64,
    /// What is wrong with the first of these.
    defects: Vec<Defect>,
}

impl From<Sample> for Sampled {
    fn from(sample: Sample) -> Self {
        Self {
            events: sample.events.into_iter().map(|event| event.data).collect(),
            unreadable: sample.unreadable as u64,
            defects: sample.defects.into_iter().map(|record| record.defect).collect(),
        }
    }
}

impl From<Vec<Bytes>> for Sampled {
    fn from(events: Vec<Bytes>) -> Self {
        Self { events, ..Self::default() }
    }
}

impl Sampled {
    /// How many events, and records that have none that can be read.
    pub(super) fn count(&self) -> u64 {
        self.events.len() as u64 + self.unreadable
    }

    /// The rejects of an event decoder, and those of the records that could not be unpacked: how many, and the first.
    pub(super) fn rejects(&self, decoder: &mut Decoder) -> (u64, Vec<SampleReject>) {
        let unreadable =
            self.defects.iter().map(|defect| Reject::new(RejectKind::UnreadableRecord, defect.to_string()));
        let (mut rejected, mut rejects) = (self.unreadable, Vec::new());
        for (at, event) in self.events.iter().enumerate() {
            if let Err(reject) = decoder.decode(event) {
                rejected += 1;
                if rejects.len() < MAX_SHOWN {
                    rejects.push(SampleReject::new(at, reject));
                }
            }
        }
        rejects
            .extend((self.events.len()..).zip(unreadable).map(|(at, reject)| SampleReject::new(at, reject)));
        rejects.truncate(MAX_SHOWN);
        (rejected, rejects)
    }
}

impl SampleReject {
    fn new(event: usize, reject: Reject) -> Self {
        Self {
            event: event as u64,
            error_type: reject.error_type.to_string(),
            message: reject.message,
            column: reject.column,
            path: reject.path.map(Into::into),
            wanted: reject.wanted.map(Into::into),
            value: reject.value.map(Into::into),
        }
    }
}

/// Reads events as delivery would for a table of this definition.
///
/// # Errors
///
/// `InvalidInput` for a column that events cannot fill, naming it.
pub(crate) fn check_schema(
    definition: &TableDefinition,
    (unknown, missing): (UnknownFields, MissingFields),
    sampled: &Sampled,
) -> Result<SchemaCheck> {
    let columns = definition.columns();
    // The columns that the table would get are none that it lacks.
    let unknown = if unknown == UnknownFields::AddColumn { UnknownFields::Ignore } else { unknown };
    let mut decoder = Decoder::new(&columns)?.when_unknown(unknown).when_missing(missing);
    let (rejected, rejects) = sampled.rejects(&mut decoder);
    let count = sampled.count();
    Ok(SchemaCheck {
        unknown_fields: unknown_fields(&columns, &sampled.events),
        schema: columns.into(),
        events: count,
        fitting: count - rejected,
        rejected,
        rejects,
        create_table_query: definition.to_string(),
    })
}

/// The top-level fields that fill no column, nor have one within.
pub(super) fn unknown_fields(columns: &[Column], events: &[Bytes]) -> BTreeMap<String, u64> {
    let fields: Vec<FieldPath> = columns.iter().map(Column::source).collect();
    let nested = nested_parts(columns);
    let is_nested = |name: &str| nested.iter().any(|(known, _)| *known == name);
    let is_known = |name: &str| {
        is_nested(name) || fields.iter().any(|field| field.keys().first().is_some_and(|key| key == name))
    };
    let inferred = infer(events.iter().map(|event| &**event));
    let found = inferred.columns.iter().zip(inferred.evidence);
    let found = found.filter_map(|(column, seen)| {
        let name = column.source().keys().first()?.clone();
        (!is_known(&name)).then_some((name, seen.present + seen.null))
    });
    found.collect()
}
