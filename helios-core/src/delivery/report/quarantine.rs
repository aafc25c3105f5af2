//! How many events are in quarantine.

use clickhouse::Row;
use serde::Deserialize;

use super::{
    super::{
        ledger::{Entry, LedgerKey, SharedLedger, TroubleKind},
        quarantine::table_of,
    },
    shape::QuarantineCounts,
};
use crate::{
    ErrorKind, Result,
    sources::Mapping,
    warehouse::{Warehouse, from_clickhouse},
};

#[derive(Row, Deserialize)]
struct CountRow {
    events: u64,
}

/// What is in quarantine of a table's events now, what became of the others, and what of that is in doubt.
pub(super) async fn counts(
    warehouse: &Warehouse,
    ledger: &SharedLedger,
    mapping: &Mapping,
) -> Result<(QuarantineCounts, Option<String>)> {
    let Entry { counters, trouble, .. } = ledger.read(&LedgerKey::of_quarantine(mapping.table_uuid)).await?;
    let events = events(warehouse, mapping).await?;
    let counts = QuarantineCounts { events, replayed: counters.replayed, discarded: counters.discarded };
    let doubt = trouble.filter(|trouble| trouble.kind == TroubleKind::Uncertain).map(|trouble| {
        format!(
            "quarantine: whether the rejects that were being replayed are in the table is UNCERTAIN since {}: look into the \
             table, then settle the range of the shard `quarantine`",
            trouble.since
        )
    });
    Ok((counts, doubt))
}

async fn events(warehouse: &Warehouse, mapping: &Mapping) -> Result<u64> {
    let quarantine = table_of(&mapping.table)?;
    let question = format!(
        "SELECT count() AS events FROM {quarantine} WHERE original_table = {{table:String}} AND stream = {{stream:String}}"
    );
    let query = warehouse.client().query_raw(&question).param("table", mapping.table.plain());
    match query.param("stream", &mapping.stream_arn).fetch_one::<CountRow>().await.map_err(from_clickhouse) {
        Ok(row) => Ok(row.events),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(0),
        Err(error) => Err(error.with("table", quarantine.plain())),
    }
}
