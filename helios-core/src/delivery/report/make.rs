//! How a report is made: the stream's shards, joined with the ledger's.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use aws_sdk_kinesis::Client;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use super::{
    super::{
        ledger::{DynamoLedger, Entry, SharedLedger},
        target::Target,
    },
    look::{Next, Seen, look},
    options::ReportOptions,
    quarantine,
    shape::{DeliveryReport, QuarantineCounts, ShardReport},
    shard::Facts,
};
use crate::{
    Error, ErrorKind, Result,
    clock::SharedClock,
    sources::{Mapping, MappingState, MappingTable},
    streams::{self, AwsSession, Position, Shard, list_shards},
    warehouse::{TableName, Warehouse},
};

/// How many shards are looked at side by side.
const SHARDS_AT_ONCE: usize = 16;

/// The stream as it is now.
#[derive(Debug, Default)]
struct StreamNow {
    shards: Vec<Shard>,
    /// In seconds.
    retention: Option<f64>,
    is_gone: bool,
}

/// Makes the report of a source.
pub(crate) async fn delivery_report(
    session: &AwsSession,
    warehouse: &Warehouse,
    (mappings, ledger): (&MappingTable, &DynamoLedger),
    clock: &SharedClock,
    options: &ReportOptions,
) -> Result<DeliveryReport> {
    let table = TableName::new(&options.database_name, &options.table_name)?;
    let mapping = source_of(mappings.all().await?, &table, options.stream_name.as_deref())?;
    let ledger: SharedLedger = Arc::new(ledger.clone());
    let entries = ledger.of_source(&mapping.stream_arn, mapping.table_uuid).await?;
    let stream = stream_now(session, &mapping).await?;
    let known: HashSet<String> = entries
        .iter()
        .filter(|(_, entry)| entry.committed.is_some())
        .map(|(shard, _)| shard.clone())
        .collect();
    // Each shard of the stream, and each that the ledger knows.
    let mut shards: BTreeMap<String, (Entry, Option<Shard>)> =
        entries.into_iter().map(|(shard, entry)| (shard, (entry, None))).collect();
    for shard in stream.shards {
        let id = shard.id.clone();
        shards.entry(id).or_default().1 = Some(shard);
    }
    let kinesis = session.kinesis().await?;
    let looked: Vec<(String, Entry, bool, Seen)> = stream::iter(shards)
        .map(|(id, (entry, listed))| {
            let (kinesis, mapping, known) = (&kinesis, &mapping, &known);
            async move {
                let seen = match &listed {
                    Some(shard) => seen(kinesis, mapping, (shard, &entry), known, clock).await?,
                    // What the stream does not list any more it has no events of.
                    None => Seen { caught_up: entry.open.is_none(), ..Seen::default() },
                };
                Ok::<_, Error>((id, entry, listed.is_none_or(|shard| shard.closed), seen))
            }
        })
        .buffered(SHARDS_AT_ONCE)
        .try_collect()
        .await?;
    let now = clock.now();
    let facts = looked.iter().map(|(shard, entry, is_closed, seen)| Facts {
        shard,
        entry,
        is_closed: *is_closed,
        seen: *seen,
        now,
        retention: stream.retention,
    });
    let facts: Vec<_> = facts.collect();
    let mut warnings = table_warnings(warehouse, &mapping).await?;
    if stream.is_gone {
        warnings.push("the stream does not exist any more".to_owned());
    }
    warnings.extend(facts.iter().flat_map(|facts| facts.warnings()));
    let (quarantine, doubt) = quarantine::counts(warehouse, &ledger, &mapping).await?;
    let errors = facts.iter().flat_map(|facts| facts.errors()).chain(doubt).collect();
    Ok(assemble(&mapping, &facts, quarantine, (errors, warnings)))
}

fn assemble(
    mapping: &Mapping,
    facts: &[Facts<'_>],
    quarantine: QuarantineCounts,
    (errors, warnings): (Vec<String>, Vec<String>),
) -> DeliveryReport {
    let shards: Vec<ShardReport> = facts.iter().map(|facts| facts.report()).collect();
    let sum = |part: fn(&ShardReport) -> u64| shards.iter().map(part).sum();
    DeliveryReport {
        stream_name: mapping.stream_name.clone(),
        stream_arn: mapping.stream_arn.clone(),
        table_name: mapping.table.table().as_str().to_owned(),
        database_name: mapping.table.database().as_str().to_owned(),
        table_uuid: mapping.table_uuid,
        balanced: errors.is_empty(),
        received: sum(|shard| shard.received),
        inserted: sum(|shard| shard.inserted),
        quarantined: sum(|shard| shard.quarantined),
        duplicates: sum(|shard| shard.duplicates),
        abandoned: sum(|shard| shard.abandoned),
        shards,
        quarantine,
        errors,
        warnings,
    }
}

/// The source that fills a table; of several, the one of that stream.
fn source_of(mappings: Vec<Mapping>, table: &TableName, stream: Option<&str>) -> Result<Mapping> {
    let is_stream = |mapping: &Mapping| {
        stream.is_none_or(|stream| mapping.stream_name == stream || mapping.stream_arn == stream)
    };
    let mut found: Vec<Mapping> = mappings
        .into_iter()
        .filter(|mapping| mapping.state == MappingState::Active && mapping.table == *table)
        .filter(is_stream)
        .collect();
    if found.len() > 1 {
        let streams: Vec<&str> = found.iter().map(|mapping| mapping.stream_name.as_str()).collect();
        let message = format!("several streams fill this table: name one of {}", streams.join(", "));
        return Err(Error::new(ErrorKind::Conflict, message).with("table", table.plain()));
    }
    found.pop().ok_or_else(|| {
        let message = "no source fills this table; `sources` lists those there are";
        let error = Error::new(ErrorKind::NotFound, message).with("table", table.plain());
        match stream {
            Some(stream) => error.with("stream", stream),
            None => error,
        }
    })
}

async fn stream_now(session: &AwsSession, mapping: &Mapping) -> Result<StreamNow> {
    let described = async {
        let stream = streams::describe(session, &mapping.stream_arn).await?;
        let retention = Some(f64::from(stream.retention_hours) * 3600.0);
        let shards = list_shards(session, &stream.arn).await?;
        Ok(StreamNow { shards, retention, is_gone: false })
    };
    match described.await {
        Err(error) if Error::kind(&error) == ErrorKind::NotFound => {
            Ok(StreamNow { is_gone: true, ..StreamNow::default() })
        }
        described => described,
    }
}

/// Looks at the first record of a shard that the table has not.
async fn seen(
    kinesis: &Client,
    mapping: &Mapping,
    (shard, entry): (&Shard, &Entry),
    known: &HashSet<String>,
    clock: &SharedClock,
) -> Result<Seen> {
    let next = match (&entry.open, &entry.committed) {
        (Some(open), _) => Next::With(open.first.clone()),
        (None, Some(committed)) => Next::After(committed.clone()),
        (None, None) if shard.parents.iter().any(|parent| known.contains(parent)) => {
            Next::At(Position::Oldest)
        }
        (None, None) => Next::At(mapping.start_position),
    };
    match look(kinesis, (&mapping.stream_arn, &shard.id), &next, clock).await {
        // It went between the list and the look.
        Err(error) if error.kind() == ErrorKind::NotFound => {
            Ok(Seen { caught_up: entry.open.is_none(), ..Seen::default() })
        }
        // The ledger's numbers are those of a stream of the same name, which was deleted.
        Err(error) if error.kind() == ErrorKind::InvalidInput => {
            look(kinesis, (&mapping.stream_arn, &shard.id), &Next::At(Position::Oldest), clock).await
        }
        seen => seen,
    }
}

/// What about the table puts exactly-once at risk. A table that is gone is no reason to keep the rest back.
async fn table_warnings(warehouse: &Warehouse, mapping: &Mapping) -> Result<Vec<String>> {
    match Target::describe(warehouse, &mapping.table, mapping.table_uuid).await {
        Ok(target) => Ok(target.warnings()),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Conflict) => {
            Ok(vec![error.text().into_owned()])
        }
        Err(error) => Err(error),
    }
}
