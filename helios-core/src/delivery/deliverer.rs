//! One batch, end to end.

use std::sync::Arc;

use serde::Serialize;
use tokio::sync::OnceCell;

use super::{
    batch::{Batch, Event},
    decode::{Decoder, Reject, RejectKind},
    insert::Insert,
    quarantine::{self, Origin, Rejects},
    settings::InsertSettings,
    target::Target,
    token::{Kind, Range, token},
};
use crate::{Error, Result, clock::SharedClock, warehouse::Warehouse};

/// What became of a batch. delivered + quarantined = received.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct DeliveryReport {
    /// Kinesis records.
    pub records: u64,
    /// Events in them.
    pub received: u64,
    /// Events that are rows of the table.
    pub delivered: u64,
    /// Events that are in quarantine.
    pub quarantined: u64,
}

/// Delivers batches. A clone shares the connection.
#[derive(Clone, Debug)]
pub struct Deliverer {
    warehouse: Warehouse,
    clock: SharedClock,
    settings: Arc<OnceCell<InsertSettings>>,
}

impl Deliverer {
    /// A deliverer into this ClickHouse.
    #[must_use]
    pub fn new(warehouse: Warehouse, clock: SharedClock) -> Self {
        Self { warehouse, clock, settings: Arc::default() }
    }

    /// The ClickHouse it delivers into.
    #[must_use]
    pub fn warehouse(&self) -> &Warehouse {
        &self.warehouse
    }

    /// Delivers a batch: rejects to quarantine, then rows into the table. When it returns, both are committed.
    ///
    /// It may be repeated with the same batch, here or in another process, after any failure: what is committed is not
    /// committed twice, as long as ClickHouse's deduplication window of the table reaches back to the first attempt.
    ///
    /// # Errors
    ///
    /// What ClickHouse says; then nothing, the rejects, or all may be committed.
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) for a column that events cannot fill.
    #[tracing::instrument(skip_all, fields(table = %target.table.plain(), shard = %batch.shard, records = batch.records.len()))]
    pub async fn deliver(&self, target: &Target, batch: &Batch) -> Result<DeliveryReport> {
        self.deliver_pieces(target, batch).await.map_err(|error| {
            error.at("deliver").with("stream", &batch.stream_arn).with("shard", &batch.shard)
        })
    }

    async fn deliver_pieces(&self, target: &Target, batch: &Batch) -> Result<DeliveryReport> {
        let mut report = DeliveryReport { records: count(batch.records.len()), ..DeliveryReport::default() };
        let mut decoder = target.decoder()?;
        for piece in batch.pieces() {
            self.deliver_piece(target, batch, &mut decoder, &piece, &mut report).await?;
        }
        Ok(report)
    }

    async fn deliver_piece(
        &self,
        target: &Target,
        batch: &Batch,
        decoder: &mut Decoder,
        events: &[Event<'_>],
        report: &mut DeliveryReport,
    ) -> Result<()> {
        let [first, ..] = events else { return Ok(()) };
        let last = events.last().unwrap_or(first);
        let range = Range {
            stream_arn: &batch.stream_arn,
            shard: &batch.shard,
            first: first.place,
            last: last.place,
        };
        let rejects = decode(decoder, events);
        let rows = decoder.finish()?;
        if rows.num_rows() + rejects.len() != events.len() {
            return Err(Error::unexpected("events were lost or doubled while they were decoded")
                .with("received", events.len().to_string())
                .with("rows", rows.num_rows().to_string())
                .with("rejects", rejects.len().to_string()));
        }
        // The rejects first: when the rows are committed and the process dies, nothing else remains to be done.
        if rejects.len() > 0 {
            self.quarantine(target, range, &rejects).await?;
        }
        let insert = Insert {
            table: &target.table,
            from_text: target.has_columns_from_text()?,
            settings: self.settings().await?,
            token: &token(range, target.uuid, Kind::Rows),
        };
        insert.send(&self.warehouse, &rows).await?;
        report.received += count(events.len());
        report.delivered += count(rows.num_rows());
        report.quarantined += count(rejects.len());
        Ok(())
    }

    async fn quarantine(&self, target: &Target, range: Range<'_>, rejects: &Rejects<'_>) -> Result<()> {
        let schema_version = &target.schema_version();
        let origin = Origin {
            table: &target.table,
            stream_arn: range.stream_arn,
            shard: range.shard,
            schema_version,
            now: self.clock.now(),
        };
        let insert = Insert {
            table: &quarantine::table_of(&target.table)?,
            from_text: false,
            settings: self.settings().await?,
            token: &token(range, target.uuid, Kind::Rejects { schema_version }),
        };
        let rows = rejects.to_batch(origin)?;
        match insert.send(&self.warehouse, &rows).await {
            // Its table or database is not there: nobody made the source through us, or somebody dropped it.
            Err(error) if error.kind() == crate::ErrorKind::NotFound => {
                quarantine::ensure(&self.warehouse, &target.table).await?;
                insert.send(&self.warehouse, &rows).await
            }
            sent => sent,
        }
    }

    async fn settings(&self) -> Result<&InsertSettings> {
        self.settings.get_or_try_init(|| InsertSettings::of(&self.warehouse)).await
    }
}

/// Reads events into rows; what does not fit is returned.
fn decode<'a>(decoder: &mut Decoder, events: &[Event<'a>]) -> Rejects<'a> {
    let mut rejects = Rejects::default();
    for event in events {
        let (reject, raw) = match &event.payload {
            Ok(data) => match decoder.decode(data) {
                Ok(()) => continue,
                Err(reject) => (reject, data),
            },
            Err(unreadable) => {
                let reject = Reject::new(RejectKind::UnreadableRecord, unreadable.defect.to_string());
                (reject, &unreadable.data)
            }
        };
        rejects.push(reject, event.place, raw.clone());
    }
    rejects
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
