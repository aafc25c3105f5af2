//! One invocation: an event in, what is not committed out.

use std::sync::Arc;

use aws_lambda_events::event::{kinesis::KinesisEvent, streams::KinesisEventResponse};
use helios_core::{
    ConfigKey, Error, ErrorKind, HeliosClient, HeliosConfig, Result,
    delivery::{Batch, Deliverer},
    sources::{Mapping, MappingTable},
};

use crate::{event::batches, failure::Failure, sequence::SequenceNumber, targets::Targets};

/// What lives as long as the process: connections, and what is known of the tables.
#[derive(Debug)]
pub(crate) struct Function {
    deliverer: Deliverer,
    mappings: MappingTable,
    targets: Targets,
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
            deliverer: Deliverer::new(warehouse.clone(), Arc::clone(&clock)),
            mappings: client.mappings().await?,
            targets: Targets::new(warehouse, clock),
        })
    }

    /// Delivers an event's records. The answer names the first record that is not committed, or none when all are.
    ///
    /// # Errors
    ///
    /// For an event that cannot be understood, and for a stream that has no source: an answer would acknowledge it.
    pub(crate) async fn handle(&self, event: KinesisEvent) -> Result<KinesisEventResponse, Failure> {
        let mut uncommitted = Vec::new();
        for batch in batches(event)? {
            let mappings = self.mappings_of(&batch.stream_arn).await?;
            if let Err(error) = self.deliver(&batch, &mappings).await {
                tracing::error!(error = %format!("{error:#}"), "Batch not delivered; Lambda will send it again.");
                let first = batch.records.into_iter().next().map(|record| record.sequence_number);
                uncommitted.push(SequenceNumber::new(first.unwrap_or_default())?);
            }
        }
        Ok(answer(uncommitted))
    }

    async fn mappings_of(&self, stream_arn: &str) -> Result<Vec<Mapping>> {
        let mappings = self.mappings.of_stream(stream_arn).await?;
        if mappings.is_empty() {
            let message = "the stream has no active source; create one, or remove its trigger";
            return Err(Error::new(ErrorKind::NotFound, message).with("stream", stream_arn));
        }
        Ok(mappings)
    }

    /// Delivers a batch to every table of its stream. If it fails for one, the others still get it; then the whole batch
    /// comes again, and these know it by its token.
    async fn deliver(&self, batch: &Batch, mappings: &[Mapping]) -> Result<()> {
        let mut outcome = Ok(());
        for mapping in mappings {
            if let Err(error) = self.deliver_to(mapping, batch).await {
                self.targets.forget(mapping);
                outcome = outcome.and(Err(error));
            }
        }
        outcome
    }

    async fn deliver_to(&self, mapping: &Mapping, batch: &Batch) -> Result<()> {
        let target = self.targets.of(mapping).await?;
        let report = self.deliverer.deliver(&target, batch).await?;
        tracing::info!(
            table = %mapping.table.plain(),
            shard = %batch.shard,
            received = report.received,
            delivered = report.delivered,
            quarantined = report.quarantined,
            "Batch delivered."
        );
        Ok(())
    }
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
    async fn a_missing_setting_is_named() {
        let error = Function::new(HeliosConfig::default()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConfigInvalid);
        assert!(error.message().contains("HELIOS_CLICKHOUSE_URL"), "{error}");
    }
}
