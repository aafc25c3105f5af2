//! Rejects as they are read to be decoded once more.

use std::borrow::Cow;

use bytes::Bytes;
use clickhouse::Row;
use jiff::Timestamp;
use serde::Deserialize;

use super::super::{
    super::{
        batch::Event,
        ledger::OpenReplay,
        place::{Identity, Place},
        place_sql::{bind, bound, place, within},
    },
    Quarantine, RejectSelection, RejectSet,
    reject_set::HASH,
    table_of,
};
use crate::{ErrorKind, Result, warehouse::from_clickhouse};

/// How many bytes are taken at once, about.
const MAX_BYTES: usize = 32 * 1024 * 1024;

/// One reject's bytes, and where they came from.
#[derive(Debug, Row, Deserialize)]
struct RawRow {
    stream: String,
    shard: String,
    sequence_number: String,
    sub_sequence: u64,
    hash: u64,
    raw_data: Bytes,
    arrived: Option<i64>,
}

impl RawRow {
    fn place(&self) -> Place<'_> {
        Place { sequence_number: &self.sequence_number, sub_sequence: self.sub_sequence }
    }

    fn event(&self) -> Event<'_> {
        Event {
            place: self.place(),
            arrival: self.arrived.and_then(|time| Timestamp::from_millisecond(time).ok()),
            payload: Ok(Cow::Borrowed(&self.raw_data)),
        }
    }
}

const COLUMNS: &str = "raw_data, toUnixTimestamp64Milli(arrived_at) AS arrived";

/// Rejects of one shard, in its order.
#[derive(Debug)]
pub(super) struct Chunk {
    rows: Vec<RawRow>,
}

/// Where in a selection reading has come: behind this reject.
#[derive(Clone, Debug)]
pub(super) struct Behind {
    stream: String,
    shard: String,
    identity: Identity,
}

impl Chunk {
    /// The next rejects, all of one shard; `None` if there are no more.
    pub(super) async fn next(
        quarantine: &Quarantine,
        selection: &RejectSelection,
        behind: Option<&Behind>,
        most: usize,
    ) -> Result<Option<Self>> {
        let place = format!("tuple(stream, shard, {})", place("sequence_number", "sub_sequence"));
        let after = behind.map_or_else(String::new, |_| {
            format!(" AND {place} > tuple({{stream:String}}, {{shard:String}}, {})", bound("first"))
        });
        let tail = format!("{after} ORDER BY {place} LIMIT 1 BY {place} LIMIT {most}");
        let ends = behind.map(|behind| Ends {
            stream: &behind.stream,
            shard: &behind.shard,
            first: &behind.identity,
            last: None,
        });
        let rows = read(quarantine, selection, &tail, ends).await?;
        Ok((!rows.is_empty()).then_some(Self { rows }))
    }

    /// The rejects of a replay that was begun.
    pub(super) async fn of(quarantine: &Quarantine, open: &OpenReplay) -> Result<Self> {
        let place = place("sequence_number", "sub_sequence");
        let tail = format!(
            " AND stream = {{stream:String}} AND shard = {{shard:String}} AND {} ORDER BY {place} LIMIT 1 BY {place}",
            within("sequence_number", "sub_sequence")
        );
        let ends =
            Ends { stream: &open.stream_arn, shard: &open.shard, first: &open.first, last: Some(&open.last) };
        let mut rows = read(quarantine, &open.selection, &tail, Some(ends)).await?;
        // Those that came later are not in the table.
        rows.retain(|row| open.rejects.is_empty() || open.rejects.contains(row.hash));
        Ok(Self { rows })
    }

    pub(super) fn events(&self) -> Vec<Event<'_>> {
        self.rows.iter().map(RawRow::event).collect()
    }

    /// Without the rejects behind this place, and how many these were.
    pub(super) fn up_to(mut self, last: Option<Place<'_>>) -> (Self, usize) {
        let kept = last.map_or(0, |last| self.rows.partition_point(|row| row.place() <= last));
        let left = self.rows.len() - kept;
        self.rows.truncate(kept);
        (self, left)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Exactly which rejects these are.
    pub(super) fn set(&self) -> RejectSet {
        RejectSet::new(self.rows.iter().map(|row| row.hash).collect())
    }

    /// Its stream and its shard.
    pub(super) fn origin(&self) -> (&str, &str) {
        self.rows.first().map_or(("", ""), |row| (&row.stream, &row.shard))
    }

    /// Its first reject and its last.
    pub(super) fn ends(&self) -> Option<(Identity, Identity)> {
        let (first, last) = (self.rows.first()?, self.rows.last()?);
        Some((first.place().to_identity(), last.place().to_identity()))
    }

    pub(super) fn behind(&self) -> Option<Behind> {
        let last = self.rows.last()?;
        Some(Behind {
            stream: last.stream.clone(),
            shard: last.shard.clone(),
            identity: last.place().to_identity(),
        })
    }
}

/// Between which rejects to read.
struct Ends<'a> {
    stream: &'a str,
    shard: &'a str,
    first: &'a Identity,
    last: Option<&'a Identity>,
}

/// Reads rejects of one shard, until there are enough.
async fn read(
    quarantine: &Quarantine,
    selection: &RejectSelection,
    tail: &str,
    ends: Option<Ends<'_>>,
) -> Result<Vec<RawRow>> {
    let table = table_of(&selection.table()?)?;
    let question = format!(
        "SELECT stream, shard, sequence_number, sub_sequence, {HASH} AS hash, {COLUMNS} FROM {table} WHERE {}{tail}",
        selection.condition()
    );
    let mut query = selection.apply(quarantine.warehouse.client().query_raw(&question));
    let is_range = ends.as_ref().is_some_and(|ends| ends.last.is_some());
    if let Some(Ends { stream, shard, first, last }) = ends {
        query = bind(query.param("stream", stream).param("shard", shard), "first", first);
        if let Some(last) = last {
            query = bind(query, "last", last);
        }
    }
    let about = |error| from_clickhouse(error).with("table", table.plain());
    let mut cursor = query.fetch::<RawRow>().map_err(about)?;
    let (mut rows, mut bytes) = (Vec::<RawRow>::new(), 0);
    loop {
        let row = match cursor.next().await.map_err(about) {
            Ok(Some(row)) => row,
            Ok(None) => break,
            Err(error) if error.kind() == ErrorKind::NotFound => break,
            Err(error) => return Err(error),
        };
        let is_other =
            rows.first().is_some_and(|first| (&first.stream, &first.shard) != (&row.stream, &row.shard));
        // A range is read to its end: that is what its digest is about.
        if !is_range && (is_other || bytes > MAX_BYTES) {
            break;
        }
        bytes += row.raw_data.len();
        rows.push(row);
    }
    Ok(rows)
}
