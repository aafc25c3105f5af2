//! One invocation: an event in, what is not committed out.

use std::{panic::AssertUnwindSafe, sync::Arc};

use aws_lambda_events::event::streams::KinesisEventResponse;
use futures_util::FutureExt as _;
use helios_core::{
    ConfigKey, Error, ErrorKind, HeliosClient, HeliosConfig, Result,
    clock::SharedClock,
    delivery::{Batch, BatchReport, Deliverer, Targets, Undelivered},
    sources::{Delivery, Mapping, MappingTable},
};
use jiff::Timestamp;

use crate::{
    event::{KinesisEvent, batches},
    failure::Failure,
    sequence::SequenceNumber,
};

/// What lives as long as the process: connections, and what is known of the tables.
#[derive(Debug)]
pub(crate) struct Function {
    deliverer: Deliverer,
    mappings: MappingTable,
    targets: Targets,
    clock: SharedClock,
}

impl Function {
    /// # Errors
    ///
    /// `ConfigInvalid` for a setting that is wrong or missing, naming its variable, and what AWS's SDK says of its own.
    pub(crate) async fn new(config: HeliosConfig) -> Result<Self> {
        if config.clickhouse_url.is_none() {
            let variable = ConfigKey::ClickHouseUrl.env_name();
            let message =
                format!("the environment variable {variable} is not set; it names the ClickHouse server");
            return Err(Error::new(ErrorKind::ConfigInvalid, message));
        }
        let client = HeliosClient::from_config(config)?;
        let (warehouse, clock) = (client.warehouse().clone(), Arc::clone(client.clock()));
        Ok(Self {
            deliverer: client.deliverer().await?,
            mappings: client.mappings().await?,
            targets: Targets::new(warehouse, Arc::clone(&clock)),
            clock,
        })
    }

    /// Delivers an event's records. The answer names the first record that is not committed, or none when all are.
    ///
    /// # Errors
    ///
    /// For an event that cannot be understood, and for a stream that has no source: an answer would acknowledge it.
    pub(crate) async fn handle(
        &self,
        event: KinesisEvent,
        deadline: Timestamp,
    ) -> Result<KinesisEventResponse, Failure> {
        // If the batch were only reported as not delivered, Lambda would repeat it without end, and no metric would show it.
        if deadline <= self.clock.now() {
            let message = "the function's timeout leaves no time to deliver; set it to at least 60 seconds, preferably 300";
            return Err(Error::new(ErrorKind::ConfigInvalid, message).into());
        }
        let mut uncommitted = Vec::new();
        for batch in batches(event)? {
            let mappings = self.mappings_of(&batch.stream_arn).await?;
            for number in self.deliver(&batch, &mappings, deadline).await {
                uncommitted.push(SequenceNumber::new(number)?);
            }
        }
        Ok(answer(uncommitted))
    }

    async fn mappings_of(&self, stream_arn: &str) -> Result<Vec<Mapping>> {
        let mut mappings = self.mappings.of_stream(stream_arn).await?;
        mappings.retain(|mapping| mapping.delivery == Delivery::Function);
        if mappings.is_empty() {
            let message = "the stream has no active source that the function delivers; create one, or remove its trigger";
            return Err(Error::new(ErrorKind::NotFound, message).with("stream", stream_arn));
        }
        Ok(mappings)
    }

    /// Delivers a batch to every table of its stream, and returns for each that lacks some of it the first number.
    ///
    /// If delivery fails for one table, the others still get the batch; each has a ledger of its own. A table that does not
    /// accept events that others have accepted does not keep the others waiting: it gets those events from the stream with a
    /// later batch.
    async fn deliver(&self, batch: &Batch, mappings: &[Mapping], deadline: Timestamp) -> Vec<String> {
        let mut failed = Vec::new();
        for mapping in mappings {
            let delivery = guard(batch, self.deliver_to(mapping, batch, deadline)).await;
            if let Err(Undelivered { error, uncommitted: first, .. }) = delivery {
                self.targets.forget(mapping);
                failed.push((mapping, error, first));
            }
        }
        let others_have_it = failed.len() < mappings.len();
        let mut uncommitted = Vec::new();
        for (mapping, error, first) in failed {
            let (table, reason) = (mapping.table.plain(), format!("{error:#}"));
            if others_have_it && !error.is_retryable() {
                tracing::error!(
                    table,
                    error = reason,
                    "Table does not accept the batch; it gets the events from the stream with a later one."
                );
            } else {
                tracing::error!(table, error = reason, "Batch not delivered; Lambda will send it again.");
                uncommitted.extend(first);
            }
        }
        uncommitted
    }

    async fn deliver_to(
        &self,
        mapping: &Mapping,
        batch: &Batch,
        deadline: Timestamp,
    ) -> Result<BatchReport, Undelivered> {
        let target = self.targets.of(mapping).await.map_err(|error| not_at_all(batch, error))?;
        let target = target.beginning_at(mapping.start_position);
        let report = self.deliverer.deliver(&target, batch, Some(deadline)).await?;
        tracing::info!(
            table = %mapping.table.plain(),
            shard = %batch.shard,
            received = report.received,
            delivered = report.delivered,
            quarantined = report.quarantined,
            duplicates = report.duplicates_skipped,
            "Batch delivered."
        );
        Ok(report)
    }
}

/// A delivery that panics has failed: it must neither pass for delivered, nor keep other tables from their events.
async fn guard(
    batch: &Batch,
    delivery: impl Future<Output = Result<BatchReport, Undelivered>>,
) -> Result<BatchReport, Undelivered> {
    AssertUnwindSafe(delivery).catch_unwind().await.unwrap_or_else(|_| {
        let message = "the delivery of a batch panicked; what it said is in the log before this";
        Err(not_at_all(batch, Error::new(ErrorKind::Unexpected, message)))
    })
}

fn not_at_all(batch: &Batch, error: Error) -> Undelivered {
    let first = batch.records.first().map(|record| record.sequence_number.clone());
    Undelivered::new(error, first)
}

/// Lambda takes the lowest of several numbers and repeats from there: so one is enough, and it must be the right one.
fn answer(uncommitted: Vec<SequenceNumber>) -> KinesisEventResponse {
    let mut response = KinesisEventResponse::default();
    if let Some(first) = uncommitted.into_iter().min() {
        response.add_failure(first.into_text());
    }
    response
}

#[cfg(test)]
mod tests {
    use helios_core::delivery::Record;
    use serde_json::json;

    use super::*;

    fn numbers(texts: &[&str]) -> Vec<SequenceNumber> {
        texts.iter().map(|text| SequenceNumber::new((*text).to_owned()).unwrap()).collect()
    }

    #[test]
    fn the_answer_is_the_first_uncommitted_number_and_no_other() {
        let answered = |texts: &[&str]| serde_json::to_value(answer(numbers(texts))).unwrap();
        assert_eq!(answered(&[]), json!({"batchItemFailures": []}));
        assert_eq!(answered(&["10", "9", "100"]), json!({"batchItemFailures": [{"itemIdentifier": "9"}]}));
    }

    #[tokio::test]
    async fn a_panic_is_a_failure_of_the_whole_batch() {
        let record =
            Record { sequence_number: "7".to_owned(), data: Vec::new().into(), approximate_arrival: None };
        let batch = Batch::new("arn", "s", vec![record]);
        let undelivered = guard(&batch, async { panic!("a defect") }).await.unwrap_err();
        assert_eq!(undelivered.error.kind(), ErrorKind::Unexpected);
        assert_eq!(undelivered.uncommitted.as_deref(), Some("7"));
    }

    #[tokio::test]
    async fn a_missing_setting_is_named() {
        let error = Function::new(HeliosConfig::default()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConfigInvalid);
        assert!(error.message().contains("HELIOS_CLICKHOUSE_URL"), "{error}");
    }
}
