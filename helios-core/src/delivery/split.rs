//! The events of a range, parted into rows and rejects.

use std::collections::HashMap;

use arrow_array::{BooleanArray, RecordBatch};
use arrow_select::filter::filter_record_batch;

use super::{
    batch::Event,
    decode::{Decoder, Reject, RejectKind},
    ledger::RefusedEvents,
    quarantine::Rejects,
    schema::TableSchema,
};
use crate::{Error, Result};

/// By what events are parted: it makes the same split of the same events, whenever and wherever.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rule<'a> {
    /// What fits it is a row.
    pub(super) schema: &'a TableSchema,
    /// What does not fit one of these is in quarantine already.
    pub(super) settled: &'a [TableSchema],
    /// Events whose rows ClickHouse refuses.
    pub(super) refused: &'a [RefusedEvents],
}

/// Rows and rejects.
#[derive(Debug)]
pub(super) struct Split<'e, 'r> {
    pub(super) rows: RecordBatch,
    /// The events that the rows are made of, in order.
    pub(super) row_events: Vec<&'e Event<'r>>,
    pub(super) rejects: Rejects<'r>,
    /// How many rejects are in quarantine already.
    pub(super) settled: usize,
    /// The first row that must not be in one insert with all before it.
    pub(super) clash: Option<usize>,
    pub(super) digest: String,
}

impl Rule<'_> {
    pub(super) fn split<'e, 'r>(self, events: &'e [Event<'r>]) -> Result<Split<'e, 'r>> {
        let mut decoder = self.schema.decoder()?;
        let mut others = Vec::new();
        for schema in self.settled.iter().filter(|schema| *schema != self.schema) {
            others.push(schema.decoder()?);
        }
        let own_settled = self.settled.contains(self.schema);
        let (mut rejects, mut row_events, mut settled) = (Rejects::default(), Vec::new(), 0);
        let mut digest = Digest::default();
        let refusals: HashMap<u32, &RefusedEvents> = self
            .refused
            .iter()
            .flat_map(|refused| refused.events.0.iter().map(move |offset| (*offset, refused)))
            .collect();
        let mut kept = Vec::new();
        for (offset, event) in (0_u32..).zip(events) {
            let verdict = if others.iter_mut().any(|decoder| decode(decoder, event).is_err()) {
                Verdict::Settled
            } else {
                match decode(&mut decoder, event) {
                    Ok(()) => Verdict::Row,
                    Err(_) if own_settled => Verdict::Settled,
                    Err(reject) => Verdict::Reject(reject),
                }
            };
            digest.add(event, &verdict);
            let refused = refusals.get(&offset);
            if matches!(verdict, Verdict::Row) {
                kept.push(refused.is_none());
            }
            match (verdict, refused) {
                // Refused before, so it is in quarantine, whatever its verdict is now.
                (Verdict::Settled, _) | (_, Some(RefusedEvents { settled: true, .. })) => settled += 1,
                (Verdict::Row, None) => row_events.push(event),
                (Verdict::Row, Some(refused)) => rejects.push(refused.reject(), event),
                (Verdict::Reject(reject), _) => rejects.push(reject, event),
            }
        }
        // Rows that are left out only make the insert shorter than it need be.
        let clash = decoder.clash().map(|row| kept.iter().take(row).filter(|is_kept| **is_kept).count());
        let clash = clash.filter(|row| *row > 0 && *row < row_events.len());
        let mut rows = decoder.finish()?;
        if row_events.len() < kept.len() {
            let cannot = |error| Error::unexpected("failed to leave out refused rows").caused_by(error);
            rows = filter_record_batch(&rows, &BooleanArray::from(kept)).map_err(cannot)?;
        }
        let split = Split { rows, row_events, rejects, settled, clash, digest: digest.text() };
        split.check(events.len())?;
        Ok(split)
    }
}

impl Split<'_, '_> {
    /// Conservation: what is neither row nor reject would be lost.
    fn check(&self, received: usize) -> Result<()> {
        let (rows, rejects) = (self.rows.num_rows(), self.rejects.len() + self.settled);
        if rows == self.row_events.len() && rows + rejects == received {
            return Ok(());
        }
        Err(Error::unexpected("events were lost or doubled while they were decoded")
            .with("received", received.to_string())
            .with("rows", rows.to_string())
            .with("rejects", rejects.to_string()))
    }
}

enum Verdict {
    Row,
    Reject(Reject),
    Settled,
}

fn decode(decoder: &mut Decoder, event: &Event<'_>) -> Result<(), Reject> {
    match &event.payload {
        Ok(data) => decoder.decode(data),
        Err(unreadable) => Err(Reject::new(RejectKind::UnreadableRecord, unreadable.defect.to_string())),
    }
}

impl RefusedEvents {
    /// The reject of one of these events.
    pub(super) fn reject(&self) -> Reject {
        let reject = Reject::new(RejectKind::Refused, self.reason.clone());
        Reject { column: self.column.clone(), ..reject }
    }
}

/// What events and their verdicts come to. Not against an adversary: against ourselves.
#[derive(Default)]
struct Digest(u128);

impl Digest {
    fn add(&mut self, event: &Event<'_>, verdict: &Verdict) {
        let verdict = match verdict {
            Verdict::Row => 1,
            Verdict::Reject(_) | Verdict::Settled => 2,
        };
        let data = cityhash_rs::cityhash_102_128(event.data());
        // The golden ratio's bits: what was added before is spread over all of them.
        self.0 =
            (self.0.rotate_left(29) ^ data ^ verdict).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
    }

    fn text(&self) -> String {
        format!("{:032x}", self.0)
    }
}

/// What delivery makes of records.
#[cfg(test)]
pub(crate) struct Parted {
    /// How many events they have.
    pub(crate) received: u64,
    /// How many of these are rows.
    pub(crate) rows: u64,
    /// How many records, or parts of them, could not be unpacked.
    pub(crate) unreadable: usize,
    /// The events: sequence number and place in the record, and bytes.
    pub(crate) events: Vec<((String, u64), bytes::Bytes)>,
}

/// Parts records as a delivery into a table with these columns does.
#[cfg(test)]
pub(crate) fn part_for_tests(
    columns: &[crate::Column],
    records: Vec<crate::streams::ShardRecord>,
) -> Result<Parted> {
    let records: Vec<_> = records.into_iter().map(super::batch::Record::from).collect();
    let events = super::batch::first_events(&records, 0).events;
    let schema = TableSchema { columns: columns.to_vec(), ..TableSchema::default() };
    let split = Rule { schema: &schema, settled: &[], refused: &[] }.split(&events)?;
    let place = |event: &Event<'_>| (event.place.sequence_number.to_owned(), event.place.sub_sequence);
    let readable = events.iter().filter(|event| event.payload.is_ok());
    Ok(Parted {
        received: events.len() as u64,
        rows: split.rows.num_rows() as u64,
        unreadable: events.iter().filter(|event| event.payload.is_err()).count(),
        events: readable.map(|event| (place(event), event.data().clone())).collect(),
    })
}
