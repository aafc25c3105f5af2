//! How a report is made: the stream's shards, joined with the ledger's.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use aws_sdk_kinesis::Client;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use jiff::{SignedDuration, Timestamp};

use super::{
    super::{
        ledger::{DynamoLedger, Entry, LedgerKey, Listed, SharedLedger, fold_former},
        ownership,
        sink::WarehouseSink,
        sweep::sweep_idle,
        target::Target,
    },
    count::row_count,
    look::{Next, Seen, look},
    options::ReportOptions,
    quarantine,
    shape::{DeliveryReport, QuarantineCounts, RowCount, ShardReport},
    shard::Facts,
};
use crate::{
    Error, ErrorKind, Result,
    clock::SharedClock,
    sources::{Delivery, Mapping, MappingState, MappingTable, Triggers, the_one},
    streams::{self, AwsSession, Position, Shard, ancestors, is_refused_argument, list_shards},
    warehouse::{TableName, Warehouse},
};

/// How many shards are looked at side by side.
const SHARDS_AT_ONCE: usize = 16;

/// The stream as it is now.
#[derive(Debug, Default)]
struct StreamNow {
    shards: Vec<Shard>,
    retention: Option<SignedDuration>,
    created_at: Option<Timestamp>,
    is_gone: bool,
}

impl StreamNow {
    fn listed(&self, now: Timestamp) -> Option<Listed<'_>> {
        Some(Listed { shards: &self.shards, retention: self.retention?, now })
    }

    /// What is wrong if the stream is not the one that the source was created for.
    fn made_anew(&self, mapping: &Mapping) -> Option<String> {
        is_made_anew(self.created_at?, mapping).then(|| {
            "the stream was deleted and created again under the same name since the source was created: what was delivered \
             before came from the old one; `remove` the source but keep its table, then create it again"
                .to_owned()
        })
    }
}

/// Whether a stream with this creation time is not the one that a source was created for.
pub(crate) fn is_made_anew(created_at: Timestamp, mapping: &Mapping) -> bool {
    created_at > mapping.created_on
}

/// Makes the report of a source.
pub(crate) async fn delivery_report(
    session: &AwsSession,
    warehouse: &Warehouse,
    (mappings, ledger, triggers): (&MappingTable, &DynamoLedger, &Triggers),
    clock: &SharedClock,
    options: &ReportOptions,
) -> Result<DeliveryReport> {
    let table = TableName::new(&options.database_name, &options.table_name)?;
    let mut found = mappings.all().await?;
    found.retain(|mapping| mapping.state != MappingState::Pending && mapping.table == table);
    let sources = found.clone();
    let mapping = the_one(found, &table, options.stream_name.as_deref())?;
    // Before anything is swept: rows would be deleted by what the ledger says.
    ownership::require_own_identities(warehouse, &[mapping.table_uuid]).await?;
    let ledger: SharedLedger = Arc::new(ledger.clone());
    let entries = ledger.of_source(&mapping.stream_arn, mapping.table_uuid).await?;
    let unswept = sweep_all(warehouse, &ledger, (&mapping, &entries), clock.now()).await?;
    let entries = if entries.iter().all(|(_, entry)| entry.superseded.is_empty()) {
        entries
    } else {
        ledger.of_source(&mapping.stream_arn, mapping.table_uuid).await?
    };
    let stream = stream_now(session, &mapping).await?;
    let entries = match stream.listed(clock.now()) {
        Some(listed) => {
            fold_former(&ledger, (&mapping.stream_arn, mapping.table_uuid), entries, listed).await
        }
        None => entries,
    };
    let known: HashSet<String> = entries
        .iter()
        .filter(|(_, entry)| entry.committed.is_some())
        .map(|(shard, _)| shard.clone())
        .collect();
    // Each shard of the stream, and each that the ledger knows.
    let mut shards: BTreeMap<String, (Entry, Option<Shard>)> =
        entries.into_iter().map(|(shard, entry)| (shard, (entry, None))).collect();
    for shard in &stream.shards {
        shards.entry(shard.id.clone()).or_default().1 = Some(shard.clone());
    }
    let kinesis = session.kinesis().await?;
    let looked: Vec<(String, Entry, bool, Seen)> = stream::iter(shards)
        .map(|(id, (entry, listed))| {
            let (kinesis, mapping, stream_retention) = (&kinesis, &mapping, stream.retention);
            let continues = ancestors(&stream.shards, &id).iter().any(|ancestor| known.contains(ancestor));
            async move {
                let seen = match &listed {
                    Some(shard) => {
                        let is_kept = is_kept(&entry, stream_retention, clock.now());
                        seen(kinesis, mapping, (shard, &entry), (continues, is_kept), clock).await?
                    }
                    // What the stream does not list any more it has no events of.
                    None => gone(&entry),
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
        retention: stream.retention.map(|retention| retention.as_secs_f64()),
    });
    let facts: Vec<_> = facts.collect();
    let (target, gone) = table_now(warehouse, &mapping).await?;
    let mut warnings = target.as_ref().map(Target::warnings).unwrap_or_default();
    if let Some(target) = &target {
        let rejects = ledger.read(&LedgerKey::of_quarantine(mapping.table_uuid)).await?;
        let entries = looked.iter().map(|(_, entry, ..)| entry).chain([&rejects]);
        let taken_back = entries.map(|entry| entry.counters.taken_back).sum();
        warnings.extend(target.views_keep(taken_back));
    }
    let (quarantine, doubt) = quarantine::counts(warehouse, &ledger, &mapping).await?;
    let mut errors: Vec<String> =
        facts.iter().flat_map(|facts| facts.errors()).chain(unswept).chain(doubt).chain(gone).collect();
    let counted = match target.filter(|_| options.count_rows) {
        Some(target) => row_count(warehouse, &ledger, &target, &sources).await?,
        None => None,
    };
    errors.extend(counted.and_then(|counted| counted.error()));
    if stream.is_gone {
        warnings.push("the stream does not exist any more".to_owned());
    }
    errors.extend(stream.made_anew(&mapping));
    let (wrong, at_risk) = trigger_now(triggers, &mapping).await;
    errors.extend(wrong);
    warnings.extend(at_risk);
    warnings.extend(facts.iter().flat_map(|facts| facts.warnings()));
    Ok(assemble(&mapping, &facts, (quarantine, counted), (errors, warnings)))
}

/// Deletes late rows of replaced batches, because a closed shard gets no batch that would do so. Returns a message for
/// each shard where that failed.
async fn sweep_all(
    warehouse: &Warehouse,
    ledger: &SharedLedger,
    (mapping, entries): (&Mapping, &[(String, Entry)]),
    now: Timestamp,
) -> Result<Vec<String>> {
    let sink = WarehouseSink::new(warehouse.clone());
    let rejects = LedgerKey::of_quarantine(mapping.table_uuid);
    let replays = ledger.read(&rejects).await?;
    let shards = entries.iter().map(|(shard, entry)| {
        let key = LedgerKey {
            stream_arn: mapping.stream_arn.clone(),
            shard: shard.clone(),
            table: mapping.table_uuid,
        };
        (key, entry.clone())
    });
    let mut unswept = Vec::new();
    for (key, entry) in shards.chain([(rejects, replays)]) {
        let why = match sweep_idle((&sink, ledger), &key, entry, now).await {
            Ok(None) => continue,
            Ok(Some(error)) | Err(error) => error.text().into_owned(),
        };
        unswept.push(format!(
            "shard {}: failed to delete rows of a replaced batch, which may still be in the table: {why}",
            key.shard
        ));
    }
    Ok(unswept)
}

/// The errors and warnings about the trigger of a source.
async fn trigger_now(triggers: &Triggers, mapping: &Mapping) -> (Vec<String>, Vec<String>) {
    if mapping.delivery != Delivery::Function {
        return (Vec::new(), Vec::new());
    }
    match triggers.find(&mapping.stream_arn).await {
        Ok(Some(trigger)) => {
            let wrong = trigger.check().err().map(|error| error.text().into_owned());
            (wrong.into_iter().collect(), trigger.warning().into_iter().collect())
        }
        Ok(None) => {
            (vec!["the trigger of its stream was deleted: `repair` creates it again".to_owned()], Vec::new())
        }
        Err(error) => (Vec::new(), vec![format!("the trigger could not be looked at: {}", error.text())]),
    }
}

fn assemble(
    mapping: &Mapping,
    facts: &[Facts<'_>],
    (quarantine, counted): (QuarantineCounts, Option<RowCount>),
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
        counted,
        errors,
        warnings,
    }
}

async fn stream_now(session: &AwsSession, mapping: &Mapping) -> Result<StreamNow> {
    let described = async {
        let stream = streams::describe(session, &mapping.stream_arn).await?;
        let retention = Some(stream.retention());
        let shards = list_shards(session, &stream.arn).await?;
        Ok(StreamNow { shards, retention, created_at: Some(stream.created_at), is_gone: false })
    };
    match described.await {
        Err(error) if Error::kind(&error) == ErrorKind::NotFound => {
            Ok(StreamNow { is_gone: true, ..StreamNow::default() })
        }
        described => described,
    }
}

/// What is seen of a shard that is no more.
fn gone(entry: &Entry) -> Seen {
    let is_open_gone = entry.open.is_some();
    Seen { caught_up: !is_open_gone, is_open_gone, ..Seen::default() }
}

/// Whether the stream still has the event that was delivered last: by a margin, as its clock is not ours.
fn is_kept(entry: &Entry, retention: Option<SignedDuration>, now: Timestamp) -> bool {
    let age = entry.counters.last_event_time.map(|last| now.duration_since(last));
    age.zip(retention).is_some_and(|(age, retention)| age < retention * 9 / 10)
}

/// Looks at the first record of a shard that the table has not. The shard `continues` one of which it has something.
async fn seen(
    kinesis: &Client,
    mapping: &Mapping,
    (shard, entry): (&Shard, &Entry),
    (continues, is_kept): (bool, bool),
    clock: &SharedClock,
) -> Result<Seen> {
    let next = match (&entry.open, &entry.committed) {
        (Some(open), _) => Next::With(open.first.clone()),
        (None, Some(committed)) => Next::After(committed.clone()),
        (None, None) if continues => Next::At(Position::Oldest),
        (None, None) => Next::At(mapping.start_position),
    };
    match look(kinesis, (&mapping.stream_arn, &shard.id), (&next, is_kept), clock).await {
        // It went between the list and the look.
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(gone(entry)),
        // The ledger's numbers are those of a stream of the same name, which was deleted.
        Err(error) if is_refused_argument(&error) => {
            look(kinesis, (&mapping.stream_arn, &shard.id), (&Next::At(Position::Oldest), false), clock).await
        }
        seen => seen,
    }
}

/// The table, or why nothing can be delivered into it: the report still shows the rest.
async fn table_now(warehouse: &Warehouse, mapping: &Mapping) -> Result<(Option<Target>, Option<String>)> {
    match Target::describe(warehouse, &mapping.table, mapping.table_uuid).await {
        Ok(target) => Ok((Some(target), None)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Conflict) => {
            Ok((None, Some(error.text().into_owned())))
        }
        Err(error) => Err(error),
    }
}
