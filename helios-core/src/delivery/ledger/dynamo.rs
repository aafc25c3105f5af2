//! The ledger in DynamoDB: an item for each source and shard, written under a condition.

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    Client,
    error::ProvideErrorMetadata as _,
    operation::put_item::PutItemError,
    types::{AttributeValue, ReturnValuesOnConditionCheckFailure},
};
use futures_util::future::{BoxFuture, FutureExt as _};
use uuid::Uuid;

use super::{Entry, Ledger, LedgerKey, Written};
use crate::{
    Error, Result,
    clock::SharedClock,
    dynamo::DynamoTable,
    streams::{AwsSession, error::from_sdk},
};

/// Where the ledger is kept unless the settings say otherwise.
pub const DEFAULT_LEDGER_TABLE: &str = "helios-ledger";

/// The partition key: table and stream, so that the shards of a source are one query.
const SOURCE_ID: &str = "source_id";
/// The sort key.
const SHARD_ID: &str = "shard_id";
const VERSION: &str = "version";
const ENTRY: &str = "entry";

type Item = HashMap<String, AttributeValue>;

/// Entries in a DynamoDB table.
#[derive(Clone, Debug)]
pub struct DynamoLedger(DynamoTable);

impl DynamoLedger {
    /// The ledger in the table of that name, which is made by the first write if it does not exist.
    ///
    /// # Errors
    ///
    /// [`ConfigInvalid`](crate::ErrorKind::ConfigInvalid) if the session has no region,
    /// [`Unauthenticated`](crate::ErrorKind::Unauthenticated) if it has no credentials.
    pub async fn open(session: &AwsSession, name: impl Into<String>, clock: SharedClock) -> Result<Self> {
        Ok(Self(DynamoTable {
            client: Client::new(&session.sdk_config().await?),
            name: name.into(),
            role: "ledger table",
            keys: [SOURCE_ID, SHARD_ID],
            clock,
        }))
    }

    /// Makes the table unless it exists, and waits until it is ready.
    ///
    /// # Errors
    ///
    /// [`PermissionDenied`](crate::ErrorKind::PermissionDenied), [`Timeout`](crate::ErrorKind::Timeout) if it does not
    /// become ready within two minutes.
    pub async fn ensure(&self) -> Result<()> {
        self.0.ensure().await
    }

    pub(crate) fn table(&self) -> &DynamoTable {
        &self.0
    }

    /// Deletes the entries of a source whose table is dropped.
    pub(crate) async fn forget(&self, stream_arn: &str, table: Uuid) -> Result<()> {
        for (shard, _) in self.query(stream_arn, table).await? {
            let key = LedgerKey { stream_arn: stream_arn.to_owned(), shard, table };
            let delete = self.0.client.delete_item().table_name(&self.0.name).set_key(Some(key_item(&key)));
            delete.send().await.map_err(|error| self.0.about(from_sdk(error)))?;
        }
        Ok(())
    }

    async fn get(&self, key: &LedgerKey) -> Result<Entry> {
        let request = self.0.client.get_item().table_name(&self.0.name).consistent_read(true);
        match request.set_key(Some(key_item(key))).send().await {
            Ok(answer) => answer.item.as_ref().map_or_else(|| Ok(Entry::default()), entry),
            Err(error) if error.code() == Some("ResourceNotFoundException") => Ok(Entry::default()),
            Err(error) => Err(self.0.about(from_sdk(error))),
        }
    }

    /// `None` if the table does not exist.
    async fn put(&self, key: &LedgerKey, entry: &Entry) -> Result<Option<Written>> {
        let text = serde_json::to_string(entry)
            .map_err(|error| Error::unexpected("a ledger entry cannot be written").caused_by(error))?;
        let mut item = key_item(key);
        item.insert(VERSION.to_owned(), AttributeValue::N(entry.version.to_string()));
        item.insert(ENTRY.to_owned(), AttributeValue::S(text));
        let request = self
            .0
            .client
            .put_item()
            .table_name(&self.0.name)
            .set_item(Some(item))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let request = match entry.version.saturating_sub(1) {
            0 => request.condition_expression("attribute_not_exists(source_id)"),
            expected => request
                .condition_expression("version = :expected")
                .expression_attribute_values(":expected", AttributeValue::N(expected.to_string())),
        };
        let Err(error) = request.send().await else { return Ok(Some(Written::Done)) };
        if error.code() == Some("ResourceNotFoundException") {
            return Ok(None);
        }
        let stored = match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(failed)) => failed.item().map(self::entry),
            _ => return Err(self.0.about(from_sdk(error))),
        };
        // An item that is gone was deleted by somebody: there is nothing that could have been read.
        let stored = stored.transpose()?.unwrap_or_default();
        if stored.version == entry.version && stored.writer == entry.writer {
            // The SDK repeats a call whose answer was lost: then it meets its own write.
            return Ok(Some(Written::Done));
        }
        Ok(Some(Written::Conflict(Box::new(stored))))
    }

    async fn query(&self, stream_arn: &str, table: Uuid) -> Result<Vec<(String, Entry)>> {
        let mut pages = self
            .0
            .client
            .query()
            .table_name(&self.0.name)
            .key_condition_expression("source_id = :source")
            .expression_attribute_values(":source", AttributeValue::S(source_id(stream_arn, table)))
            .consistent_read(true)
            .into_paginator()
            .items()
            .send();
        let mut found = Vec::new();
        while let Some(item) = pages.next().await {
            match item {
                Ok(item) => found.push((text(&item, SHARD_ID)?.clone(), entry(&item)?)),
                Err(error) if error.code() == Some("ResourceNotFoundException") => break,
                Err(error) => return Err(self.0.about(from_sdk(error))),
            }
        }
        Ok(found)
    }
}

impl Ledger for DynamoLedger {
    fn read<'a>(&'a self, key: &'a LedgerKey) -> BoxFuture<'a, Result<Entry>> {
        self.get(key).boxed()
    }

    fn write<'a>(&'a self, key: &'a LedgerKey, entry: &'a Entry) -> BoxFuture<'a, Result<Written>> {
        let write = async move {
            if let Some(written) = self.put(key, entry).await? {
                return Ok(written);
            }
            self.ensure().await?;
            let gone = || self.0.about(Error::unexpected("the ledger's table was made and is gone"));
            self.put(key, entry).await?.ok_or_else(gone)
        };
        write.boxed()
    }

    fn of_source<'a>(
        &'a self,
        stream_arn: &'a str,
        table: Uuid,
    ) -> BoxFuture<'a, Result<Vec<(String, Entry)>>> {
        self.query(stream_arn, table).boxed()
    }
}

fn source_id(stream_arn: &str, table: Uuid) -> String {
    format!("{table} {stream_arn}")
}

fn key_item(key: &LedgerKey) -> Item {
    [(SOURCE_ID, source_id(&key.stream_arn, key.table)), (SHARD_ID, key.shard.clone())]
        .map(|(name, value)| (name.to_owned(), AttributeValue::S(value)))
        .into()
}

fn text<'a>(item: &'a Item, name: &str) -> Result<&'a String> {
    item.get(name)
        .and_then(|value| value.as_s().ok())
        .ok_or_else(|| Error::unexpected(format!("a ledger item has no attribute `{name}`")))
}

fn entry(item: &Item) -> Result<Entry> {
    serde_json::from_str(text(item, ENTRY)?)
        .map_err(|error| Error::unexpected("a ledger entry cannot be read").caused_by(error))
}
