//! The ledger in DynamoDB: an item for each source and shard, written under a condition, and one for each schema that an
//! entry names.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use aws_sdk_dynamodb::{
    Client,
    error::{BuildError, ProvideErrorMetadata as _},
    operation::{put_item::PutItemError, transact_write_items::TransactWriteItemsError},
    primitives::Blob,
    types::{AttributeValue, Delete, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem},
};
use futures_util::future::{BoxFuture, FutureExt as _};
use serde_json::Value;
use uuid::Uuid;

use super::{
    Entry, Ledger, LedgerKey, Written,
    schemas::{Schemas, missing, put_back, take_out},
};
use crate::{
    Error, ErrorKind, Result,
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
/// The prefix of a schema's sort key; no shard id starts with it.
const SCHEMA_ID: &str = "schema ";
const SCHEMA: &str = "schema";
/// Conditions of a write.
const IS_NEW: &str = "attribute_not_exists(source_id)";
const IS_EXPECTED: &str = "version = :expected";
const EXPECTED: &str = ":expected";

type Item = HashMap<String, AttributeValue>;

/// Entries in a DynamoDB table.
#[derive(Clone, Debug)]
pub struct DynamoLedger {
    table: DynamoTable,
    /// Schemas that are in the table, by the source's id and their version.
    known: Arc<Mutex<HashMap<(String, String), Value>>>,
}

impl DynamoLedger {
    /// The ledger in the table of that name, which is made by the first write if it does not exist.
    ///
    /// # Errors
    ///
    /// [`ConfigInvalid`](crate::ErrorKind::ConfigInvalid) if the session has no region,
    /// [`Unauthenticated`](crate::ErrorKind::Unauthenticated) if it has no credentials.
    pub async fn open(session: &AwsSession, name: impl Into<String>, clock: SharedClock) -> Result<Self> {
        let table = DynamoTable {
            client: Client::new(&session.sdk_config().await?),
            name: name.into(),
            role: "ledger table",
            keys: [SOURCE_ID, SHARD_ID],
            clock,
        };
        Ok(Self { table, known: Arc::default() })
    }

    /// Makes the table unless it exists, and waits until it is ready.
    ///
    /// # Errors
    ///
    /// [`PermissionDenied`](crate::ErrorKind::PermissionDenied), [`Timeout`](crate::ErrorKind::Timeout) if it does not
    /// become ready within two minutes.
    pub async fn ensure(&self) -> Result<()> {
        self.table.ensure().await
    }

    pub(crate) fn table(&self) -> &DynamoTable {
        &self.table
    }

    /// Deletes the entries of a source whose table is dropped, and their schemas.
    pub(crate) async fn forget(&self, stream_arn: &str, table: Uuid) -> Result<()> {
        let source = source_id(stream_arn, table);
        for item in self.items(&source).await? {
            let key = item_key(&source, text(&item, SHARD_ID)?);
            let delete = self.table.client.delete_item().table_name(&self.table.name).set_key(Some(key));
            delete.send().await.map_err(|error| self.table.about(from_sdk(error)))?;
        }
        self.known().retain(|(of, _), _| *of != source);
        Ok(())
    }

    /// Notes that a source is removed while its table is kept: whoever counts the table's rows has to know of its stream.
    pub(crate) async fn keep_stream(&self, stream_arn: &str, table: Uuid) -> Result<()> {
        let has_rows = !self.items(&source_id(stream_arn, table)).await?.is_empty();
        let key = LedgerKey::of_quarantine(table);
        let mut entry = self.get(&key).await?;
        while has_rows && entry.former_streams.iter().all(|former| former != stream_arn) {
            let former_streams =
                entry.former_streams.iter().cloned().chain([stream_arn.to_owned()]).collect();
            let noted =
                Entry { version: entry.version + 1, writer: Uuid::new_v4(), former_streams, ..entry.clone() };
            entry = match self.write(&key, &noted).await? {
                Written::Done => noted,
                Written::Conflict(other) => *other,
            };
        }
        Ok(())
    }

    async fn get(&self, key: &LedgerKey) -> Result<Entry> {
        let source = source_id(&key.stream_arn, key.table);
        match self.item(item_key(&source, &key.shard)).await? {
            Some(item) => self.entry(&source, &item).await,
            None => Ok(Entry::default()),
        }
    }

    async fn item(&self, key: Item) -> Result<Option<Item>> {
        let request = self.table.client.get_item().table_name(&self.table.name).consistent_read(true);
        match request.set_key(Some(key)).send().await {
            Ok(answer) => Ok(answer.item),
            Err(error) if error.code() == Some("ResourceNotFoundException") => Ok(None),
            Err(error) => Err(self.table.about(from_sdk(error))),
        }
    }

    /// `None` if the table does not exist.
    async fn put(&self, key: &LedgerKey, entry: &Entry) -> Result<Option<Written>> {
        let source = source_id(&key.stream_arn, key.table);
        let NewItem { item, schemas } = new_item(key, entry)?;
        for (version, schema) in schemas {
            if !self.put_schema(&source, version, schema).await? {
                return Ok(None);
            }
        }
        let request = self
            .table
            .client
            .put_item()
            .table_name(&self.table.name)
            .set_item(Some(item))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let request = match entry.version.saturating_sub(1) {
            0 => request.condition_expression(IS_NEW),
            expected => request
                .condition_expression(IS_EXPECTED)
                .expression_attribute_values(EXPECTED, AttributeValue::N(expected.to_string())),
        };
        let Err(error) = request.send().await else { return Ok(Some(Written::Done)) };
        if error.code() == Some("ResourceNotFoundException") {
            return Ok(None);
        }
        let stored = match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(failed)) => failed.item().cloned(),
            _ => return Err(self.table.about(from_sdk(error))),
        };
        let Some(stored) = stored else { return Err(self.deleted(key)) };
        let stored = self.entry(&source, &stored).await?;
        if stored.version == entry.version && stored.writer == entry.writer {
            // The SDK repeats a call whose answer was lost: then it meets its own write.
            return Ok(Some(Written::Done));
        }
        Ok(Some(Written::Conflict(Box::new(stored))))
    }

    /// Helios never deletes the entry of an existing source. Starting over here would deliver events a second time.
    fn deleted(&self, key: &LedgerKey) -> Error {
        let message = "the ledger entry of a shard was deleted by hand while events were being delivered; restart the \
                       consumer or redeploy the function to start over with what comes next, then run `delivery_report`";
        self.table.about(Error::new(ErrorKind::Conflict, message).with("shard", &key.shard))
    }

    /// Writes a schema unless it is there. `false` if the table does not exist.
    async fn put_schema(&self, source: &str, version: String, schema: Value) -> Result<bool> {
        let place = (source.to_owned(), version);
        if self.known().contains_key(&place) {
            return Ok(true);
        }
        let packed = zstd::encode_all(schema.to_string().as_bytes(), 0)
            .map_err(|error| Error::unexpected("a schema cannot be compressed").caused_by(error))?;
        let mut item = item_key(source, &format!("{SCHEMA_ID}{}", place.1));
        item.insert(SCHEMA.to_owned(), AttributeValue::B(Blob::new(packed)));
        let request = self.table.client.put_item().table_name(&self.table.name).set_item(Some(item));
        match request.send().await {
            Ok(_) => {
                self.known().insert(place, schema);
                Ok(true)
            }
            Err(error) if error.code() == Some("ResourceNotFoundException") => Ok(false),
            Err(error) => Err(self.table.about(from_sdk(error))),
        }
    }

    /// Reads an entry, with the schemas that it names.
    async fn entry(&self, source: &str, item: &Item) -> Result<Entry> {
        let unreadable = |error: serde_json::Error| {
            self.table.about(Error::unexpected("a ledger entry cannot be read").caused_by(error))
        };
        let mut value: Value = serde_json::from_str(text(item, ENTRY)?).map_err(unreadable)?;
        let mut schemas = Schemas::new();
        for version in missing(&mut value) {
            let place = (source.to_owned(), version);
            let known = self.known().get(&place).cloned();
            let schema = match known {
                Some(schema) => schema,
                None => {
                    let key = item_key(source, &format!("{SCHEMA_ID}{}", place.1));
                    let Some(item) = self.item(key).await? else { continue };
                    let schema = schema(&item)?;
                    self.known().insert(place.clone(), schema.clone());
                    schema
                }
            };
            schemas.insert(place.1, schema);
        }
        put_back(&mut value, &schemas).map_err(|error| self.table.about(error))?;
        serde_json::from_value(value).map_err(unreadable)
    }

    /// All items of a source.
    async fn items(&self, source: &str) -> Result<Vec<Item>> {
        let mut pages = self
            .table
            .client
            .query()
            .table_name(&self.table.name)
            .key_condition_expression("source_id = :source")
            .expression_attribute_values(":source", AttributeValue::S(source.to_owned()))
            .consistent_read(true)
            .into_paginator()
            .items()
            .send();
        let mut found = Vec::new();
        while let Some(item) = pages.next().await {
            match item {
                Ok(item) => found.push(item),
                Err(error) if error.code() == Some("ResourceNotFoundException") => break,
                Err(error) => return Err(self.table.about(from_sdk(error))),
            }
        }
        Ok(found)
    }

    async fn fold_all(&self, sum_key: &LedgerKey, entries: &[(String, Entry)], sum: &Entry) -> Result<bool> {
        let unexpected =
            |error: BuildError| Error::unexpected("a fold of entries cannot be described").caused_by(error);
        let source = source_id(&sum_key.stream_arn, sum_key.table);
        let put = Put::builder().table_name(&self.table.name).set_item(Some(new_item(sum_key, sum)?.item));
        let put = match sum.version.saturating_sub(1) {
            0 => put.condition_expression(IS_NEW),
            expected => put
                .condition_expression(IS_EXPECTED)
                .expression_attribute_values(EXPECTED, AttributeValue::N(expected.to_string())),
        };
        let mut items = vec![TransactWriteItem::builder().put(put.build().map_err(unexpected)?).build()];
        for (shard, entry) in entries {
            let delete = Delete::builder()
                .table_name(&self.table.name)
                .set_key(Some(item_key(&source, shard)))
                .condition_expression(IS_EXPECTED)
                .expression_attribute_values(EXPECTED, AttributeValue::N(entry.version.to_string()));
            items.push(TransactWriteItem::builder().delete(delete.build().map_err(unexpected)?).build());
        }
        let Err(error) =
            self.table.client.transact_write_items().set_transact_items(Some(items)).send().await
        else {
            return Ok(true);
        };
        match error.as_service_error() {
            Some(TransactWriteItemsError::TransactionCanceledException(canceled))
                if canceled
                    .cancellation_reasons()
                    .iter()
                    .any(|reason| reason.code() == Some("ConditionalCheckFailed")) =>
            {
                Ok(false)
            }
            _ => Err(self.table.about(from_sdk(error))),
        }
    }

    async fn query(&self, stream_arn: &str, table: Uuid) -> Result<Vec<(String, Entry)>> {
        let source = source_id(stream_arn, table);
        let items = self.items(&source).await?;
        let mut found = Vec::new();
        for item in &items {
            let id = text(item, SHARD_ID)?;
            match id.strip_prefix(SCHEMA_ID) {
                Some(version) => {
                    let schema = schema(item)?;
                    self.known().insert((source.clone(), version.to_owned()), schema);
                }
                None => found.push((id, item)),
            }
        }
        let mut entries = Vec::with_capacity(found.len());
        for (id, item) in found {
            entries.push((id.clone(), self.entry(&source, item).await?));
        }
        Ok(entries)
    }

    fn known(&self) -> MutexGuard<'_, HashMap<(String, String), Value>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
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
            // The schemas are gone together with the table.
            self.known().clear();
            self.ensure().await?;
            let gone = || self.table.about(Error::unexpected("the ledger table was created and is missing"));
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

    fn fold<'a>(
        &'a self,
        sum_key: &'a LedgerKey,
        entries: &'a [(String, Entry)],
        sum: &'a Entry,
    ) -> BoxFuture<'a, Result<bool>> {
        self.fold_all(sum_key, entries, sum).boxed()
    }
}

/// An entry as an item, and the schemas that it names, by their version.
struct NewItem {
    item: Item,
    schemas: Schemas,
}

fn new_item(key: &LedgerKey, entry: &Entry) -> Result<NewItem> {
    let unwritable =
        |error: serde_json::Error| Error::unexpected("a ledger entry cannot be written").caused_by(error);
    let mut value = serde_json::to_value(entry).map_err(unwritable)?;
    let schemas = take_out(&mut value)?;
    let mut item = item_key(&source_id(&key.stream_arn, key.table), &key.shard);
    item.insert(VERSION.to_owned(), AttributeValue::N(entry.version.to_string()));
    item.insert(ENTRY.to_owned(), AttributeValue::S(value.to_string()));
    Ok(NewItem { item, schemas })
}

fn source_id(stream_arn: &str, table: Uuid) -> String {
    format!("{table} {stream_arn}")
}

fn item_key(source: &str, shard: &str) -> Item {
    [(SOURCE_ID, source), (SHARD_ID, shard)]
        .map(|(name, value)| (name.to_owned(), AttributeValue::S(value.to_owned())))
        .into()
}

fn text<'a>(item: &'a Item, name: &str) -> Result<&'a String> {
    item.get(name)
        .and_then(|value| value.as_s().ok())
        .ok_or_else(|| Error::unexpected(format!("a ledger item has no attribute `{name}`")))
}

fn schema(item: &Item) -> Result<Value> {
    let packed = item.get(SCHEMA).and_then(|value| value.as_b().ok());
    let packed =
        packed.ok_or_else(|| Error::unexpected("a schema in the ledger has no attribute `schema`"))?;
    let unreadable = || Error::unexpected("a schema in the ledger cannot be read");
    let text = zstd::decode_all(packed.as_ref()).map_err(|error| unreadable().caused_by(error))?;
    serde_json::from_slice(&text).map_err(|error| unreadable().caused_by(error))
}
