//! The DynamoDB table of all mappings, and of the claims beside them.

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    Client,
    error::ProvideErrorMetadata as _,
    operation::put_item::{PutItemError, builders::PutItemFluentBuilder},
    types::{AttributeValue, ReturnValuesOnConditionCheckFailure},
};
use uuid::Uuid;

use super::{
    Mapping, MappingState,
    claim::Claim,
    mapping::{Item, STREAM_ID, TABLE_ID, read},
};
use crate::{
    Error, Result,
    clock::SharedClock,
    dynamo::DynamoTable,
    streams::{AwsSession, error::from_sdk},
    warehouse::TableName,
};

/// Where mappings are kept unless the settings say otherwise.
pub const DEFAULT_MAPPING_TABLE: &str = "helios-sources";

/// All that is in the table.
#[derive(Debug, Default)]
pub(super) struct Everything {
    /// In the order of their creation.
    pub(super) mappings: Vec<Mapping>,
    pub(super) unreadable: Vec<Unreadable>,
    pub(super) claims: Vec<Claim>,
}

/// An item that is no mapping as we know them.
#[derive(Debug)]
pub(super) struct Unreadable {
    pub(super) stream_arn: String,
    pub(super) table_id: String,
    /// As far as it says so.
    pub(super) table_name: String,
    pub(super) why: Error,
}

/// Whether a write under a condition took effect.
type IsDone = bool;

/// The DynamoDB table of all mappings.
#[derive(Clone, Debug)]
pub struct MappingTable(DynamoTable);

impl MappingTable {
    /// The table of that name, which need not exist yet.
    ///
    /// # Errors
    ///
    /// [`ConfigInvalid`](crate::ErrorKind::ConfigInvalid) if the session has no region,
    /// [`Unauthenticated`](crate::ErrorKind::Unauthenticated) if it has no credentials.
    pub async fn open(session: &AwsSession, name: impl Into<String>, clock: SharedClock) -> Result<Self> {
        Ok(Self(DynamoTable {
            client: Client::new(&session.sdk_config().await?),
            name: name.into(),
            role: "mapping table",
            keys: [STREAM_ID, TABLE_ID],
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

    pub(super) fn table(&self) -> &DynamoTable {
        &self.0
    }

    fn text(value: impl Into<String>) -> AttributeValue {
        AttributeValue::S(value.into())
    }

    /// Takes a claim that nobody has. `false` if somebody has it.
    pub(super) async fn claim(&self, claim: &Claim) -> Result<IsDone> {
        let put = self.put(claim.to_item()).condition_expression("attribute_not_exists(stream_id)");
        self.put_claim(put, claim).await
    }

    /// Takes over a claim that `holder` has left. `false` if somebody else was quicker.
    pub(super) async fn take_over(&self, holder: &Claim, claim: &Claim) -> Result<IsDone> {
        let put = self
            .put(claim.to_item())
            .condition_expression("operation_id = :holder AND lease_until = :until")
            .expression_attribute_values(":holder", Self::text(holder.operation_id.to_string()))
            .expression_attribute_values(":until", Self::text(holder.lease_until.to_string()));
        self.put_claim(put, claim).await
    }

    fn put(&self, item: Item) -> PutItemFluentBuilder {
        self.0.client.put_item().table_name(&self.0.name).set_item(Some(item))
    }

    async fn put_claim(&self, put: PutItemFluentBuilder, claim: &Claim) -> Result<IsDone> {
        let put = put.return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let Err(error) = put.send().await else { return Ok(true) };
        let Some(PutItemError::ConditionalCheckFailedException(failed)) = error.as_service_error() else {
            return Err(self.about(from_sdk(error)));
        };
        let holder = failed.item().map(Claim::from_item).transpose()?;
        // The SDK repeats a call whose answer was lost: then it meets its own write.
        Ok(holder.is_some_and(|holder| holder.operation_id == claim.operation_id))
    }

    /// The claim on a table, if somebody has it.
    pub(super) async fn claim_on(&self, table: &TableName) -> Result<Option<Claim>> {
        let get = self.0.client.get_item().table_name(&self.0.name).set_key(Some(Claim::key(table)));
        match get.consistent_read(true).send().await {
            Ok(answer) => answer.item.as_ref().map(Claim::from_item).transpose(),
            Err(error) if error.code() == Some("ResourceNotFoundException") => Ok(None),
            Err(error) => Err(self.about(from_sdk(error))),
        }
    }

    /// Extends a claim. `false` if it is another's by now, or gone.
    pub(super) async fn extend(&self, claim: &Claim) -> Result<IsDone> {
        self.put_own(claim.to_item(), claim.operation_id).await
    }

    /// Puts an item in place of the one that this operation has written before. With this, and not with an update, as whoever
    /// may create may then undo.
    async fn put_own(&self, item: Item, operation: Uuid) -> Result<IsDone> {
        let put = self
            .put(item)
            .condition_expression("operation_id = :operation")
            .expression_attribute_values(":operation", Self::text(operation.to_string()));
        self.done(put.send().await.map(drop).map_err(from_sdk))
    }

    /// Gives a claim up; nothing if it is another's or gone.
    pub(super) async fn release(&self, claim: &Claim) -> Result<()> {
        self.delete(Claim::key(&claim.table), claim.operation_id).await
    }

    async fn delete(&self, key: Item, operation: Uuid) -> Result<()> {
        let delete = self
            .0
            .client
            .delete_item()
            .table_name(&self.0.name)
            .set_key(Some(key))
            .condition_expression("operation_id = :operation")
            .expression_attribute_values(":operation", Self::text(operation.to_string()));
        self.done(delete.send().await.map(drop).map_err(from_sdk)).map(drop)
    }

    /// Whether a write took effect, or its condition did not hold.
    fn done(&self, written: Result<()>) -> Result<IsDone> {
        match written {
            Ok(()) => Ok(true),
            Err(error) if error.aws_code() == Some("ConditionalCheckFailedException") => Ok(false),
            Err(error) => Err(self.about(error)),
        }
    }

    /// Writes an operation's mapping where there is none, or one that it has written before. `false` if there is another's.
    pub(super) async fn begin(&self, mapping: &Mapping) -> Result<IsDone> {
        let put = self
            .put(mapping.to_item()?)
            .condition_expression("attribute_not_exists(stream_id) OR operation_id = :operation")
            .expression_attribute_values(":operation", Self::text(mapping.operation_id.to_string()));
        self.done(put.send().await.map(drop).map_err(from_sdk))
    }

    /// Writes a mapping as it is, in place of an older one. Only whoever has the claim may.
    ///
    /// # Errors
    ///
    /// What DynamoDB says.
    pub(super) async fn write(&self, mapping: &Mapping) -> Result<()> {
        self.put(mapping.to_item()?).send().await.map_err(|error| self.about(from_sdk(error)))?;
        Ok(())
    }

    /// Writes an operation's mapping in place of what it has written before. `false` if it is no longer this operation's, or
    /// gone.
    pub(super) async fn rewrite(&self, mapping: &Mapping) -> Result<IsDone> {
        self.put_own(mapping.to_item()?, mapping.operation_id).await
    }

    /// Removes an operation's mapping; nothing if it is another's or gone.
    ///
    /// # Errors
    ///
    /// What DynamoDB says.
    pub(super) async fn remove(&self, mapping: &Mapping) -> Result<()> {
        self.delete(Self::key(mapping), mapping.operation_id).await
    }

    /// The active mappings of a stream: where its events go.
    ///
    /// # Errors
    ///
    /// What DynamoDB says.
    pub async fn of_stream(&self, stream_arn: &str) -> Result<Vec<Mapping>> {
        let mut mappings = self.of_stream_in_any_state(stream_arn).await?;
        mappings.retain(|mapping| mapping.state == MappingState::Active);
        Ok(mappings)
    }

    /// All mappings of a stream.
    pub(crate) async fn of_stream_in_any_state(&self, stream_arn: &str) -> Result<Vec<Mapping>> {
        let mut pages = self
            .0
            .client
            .query()
            .table_name(&self.0.name)
            .key_condition_expression("stream_id = :stream")
            .expression_attribute_values(":stream", AttributeValue::S(stream_arn.to_owned()))
            .consistent_read(true)
            .into_paginator()
            .items()
            .send();
        let mut mappings = Vec::new();
        while let Some(item) = pages.next().await {
            mappings.push(Mapping::from_item(&item.map_err(|error| self.about(from_sdk(error)))?)?);
        }
        Ok(mappings)
    }

    /// All mappings that can be read, in the order of their creation. A table that does not exist holds none.
    ///
    /// # Errors
    ///
    /// What DynamoDB says.
    pub async fn all(&self) -> Result<Vec<Mapping>> {
        Ok(self.everything().await?.mappings)
    }

    /// All that is in the table.
    pub(super) async fn everything(&self) -> Result<Everything> {
        let scan = self.0.client.scan().table_name(&self.0.name).consistent_read(true);
        let mut pages = scan.into_paginator().items().send();
        let mut found = Everything::default();
        while let Some(item) = pages.next().await {
            match item {
                Ok(item) => found.add(&item),
                Err(error) if error.code() == Some("ResourceNotFoundException") => break,
                Err(error) => return Err(self.about(from_sdk(error))),
            }
        }
        found.mappings.sort_by(|a, b| (a.created_on, &a.table).cmp(&(b.created_on, &b.table)));
        Ok(found)
    }

    fn key(mapping: &Mapping) -> HashMap<String, AttributeValue> {
        [(STREAM_ID, mapping.stream_arn.clone()), (TABLE_ID, mapping.table_uuid.to_string())]
            .map(|(name, value)| (name.to_owned(), AttributeValue::S(value)))
            .into()
    }

    fn about(&self, error: Error) -> Error {
        self.0.about(error)
    }
}

impl Everything {
    fn add(&mut self, item: &Item) {
        let is_claim = Claim::is_claim(item);
        let parsed = if is_claim {
            Claim::from_item(item).map(|claim| self.claims.push(claim))
        } else {
            Mapping::from_item(item).map(|mapping| self.mappings.push(mapping))
        };
        if let Err(why) = parsed {
            let text = |name| read(item, name).unwrap_or_default().to_owned();
            let (stream_arn, table_id, table_name) = (text(STREAM_ID), text(TABLE_ID), text("table_name"));
            self.unreadable.push(Unreadable { stream_arn, table_id, table_name, why });
        }
    }
}
