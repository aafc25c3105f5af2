//! How many events are in quarantine.

use clickhouse::Row;
use serde::Deserialize;

use super::{
    super::{ledger::SharedLedger, quarantine::table_of},
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

/// What is in quarantine of a table's events now, and what became of the others.
pub(super) async fn counts(
    warehouse: &Warehouse,
    ledger: &SharedLedger,
    mapping: &Mapping,
) -> Result<QuarantineCounts> {
    let (replayed, discarded) = replayed_and_discarded(ledger, mapping).await?;
    Ok(QuarantineCounts { events: events(warehouse, mapping).await?, replayed, discarded })
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

/// A replay keeps its own entry in the ledger; where there is none yet, nothing was replayed.
#[expect(clippy::unused_async, reason = "the entry of replays is still to come")]
async fn replayed_and_discarded(_ledger: &SharedLedger, _mapping: &Mapping) -> Result<(u64, u64)> {
    Ok((0, 0))
}
