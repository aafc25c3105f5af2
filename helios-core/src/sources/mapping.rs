//! The mapping: the DynamoDB item that says which stream feeds which table.

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    Client,
    error::ProvideErrorMetadata as _,
    operation::put_item::{PutItemError, builders::PutItemFluentBuilder},
    types::{AttributeValue, ReturnValuesOnConditionCheckFailure},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    Column, Error, ErrorKind, Result,
    clock::SharedClock,
    delivery::Policy,
    dynamo::DynamoTable,
    streams::{AwsSession, Position, error::from_sdk},
    warehouse::TableName,
};

/// Where mappings are kept unless the settings say otherwise.
pub const DEFAULT_MAPPING_TABLE: &str = "helios-sources";

const STREAM_ID: &str = "stream_id";
const TABLE_ID: &str = "table_id";

/// How far a source has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MappingState {
    /// Being created, or left over from a create that was interrupted. Nothing is delivered.
    Pending,
    /// Its events are delivered.
    Active,
}

impl MappingState {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Active => "ACTIVE",
        }
    }

    fn parse(text: &str) -> Result<Self> {
        match text {
            "PENDING" => Ok(Self::Pending),
            "ACTIVE" => Ok(Self::Active),
            other => Err(Error::unexpected(format!("a mapping has the unknown state {other:?}"))),
        }
    }
}

/// Who delivers a source's events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Delivery {
    /// The delivery function, by a trigger.
    #[default]
    Function,
    /// A consumer in somebody's process; there is no trigger. See [`HeliosClient::consume`](crate::HeliosClient::consume).
    Consumer,
}

impl Delivery {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Function => "function",
            Self::Consumer => "consumer",
        }
    }

    fn parse(text: &str) -> Result<Self> {
        match text {
            "function" => Ok(Self::Function),
            "consumer" => Ok(Self::Consumer),
            other => Err(Error::unexpected(format!("a mapping has the unknown delivery {other:?}"))),
        }
    }
}

/// One mapping: its key is the stream's ARN and the table's UUID.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Mapping {
    /// The stream's ARN (`stream_id`).
    pub stream_arn: String,
    /// The table's UUID (`table_id`).
    pub table_uuid: Uuid,
    /// The stream's name.
    pub stream_name: String,
    /// The table.
    pub table: TableName,
    /// When the source was created.
    pub created_on: Timestamp,
    /// How far it has come.
    pub state: MappingState,
    /// Which create call made the item: only that one may change it while it is pending.
    pub operation_id: Uuid,
    /// The schema the table was created with.
    pub schema: Vec<Column>,
    /// Who delivers.
    pub delivery: Delivery,
    /// Where in the stream it begins; never [`Position::Now`], but the time that was now.
    pub start_position: Position,
    /// What is done with events that do not quite fit.
    pub policy: Policy,
}

impl Mapping {
    fn to_item(&self) -> Result<HashMap<String, AttributeValue>> {
        let json = |value: serde_json::Result<String>| {
            let cannot = |error| Error::unexpected("the mapping cannot be written").caused_by(error);
            value.map(AttributeValue::S).map_err(cannot)
        };
        let text = |value: &str| AttributeValue::S(value.to_owned());
        Ok([
            (STREAM_ID, text(&self.stream_arn)),
            (TABLE_ID, text(&self.table_uuid.to_string())),
            ("stream_name", text(&self.stream_name)),
            ("stream_type", text("kinesis")),
            ("database_name", text(self.table.database().as_str())),
            ("table_name", text(self.table.table().as_str())),
            ("created_on", text(&self.created_on.to_string())),
            ("state", text(self.state.as_str())),
            ("operation_id", text(&self.operation_id.to_string())),
            ("table_schema", json(serde_json::to_string(&self.schema))?),
            ("delivery", text(self.delivery.as_str())),
            ("start_position", text(&self.start_position.to_string())),
            ("policy", json(serde_json::to_string(&self.policy))?),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into())
    }

    fn from_item(item: &HashMap<String, AttributeValue>) -> Result<Self> {
        let text = |name: &str| {
            item.get(name)
                .and_then(|value| value.as_s().ok())
                .ok_or_else(|| Error::unexpected(format!("a mapping has no attribute `{name}`")))
        };
        // Attributes that older mappings lack.
        let later = |name: &str| item.get(name).and_then(|value| value.as_s().ok());
        let unreadable =
            |name: &str| Error::unexpected(format!("the attribute `{name}` of a mapping cannot be read"));
        let stream_arn = text(STREAM_ID)?.clone();
        let created_on: Timestamp = text("created_on")?.parse().map_err(|_| unreadable("created_on"))?;
        Ok(Self {
            stream_arn,
            table_uuid: text(TABLE_ID)?.parse().map_err(|_| unreadable(TABLE_ID))?,
            stream_name: text("stream_name")?.clone(),
            table: TableName::new(text("database_name")?, text("table_name")?)?,
            created_on,
            state: MappingState::parse(text("state")?)?,
            operation_id: text("operation_id")?.parse().map_err(|_| unreadable("operation_id"))?,
            schema: serde_json::from_str(text("table_schema")?).map_err(|_| unreadable("table_schema"))?,
            delivery: later("delivery").map_or(Ok(Delivery::default()), |text| Delivery::parse(text))?,
            start_position: later("start_position")
                .map_or(Ok(Position::At(created_on)), |text| text.parse())
                .map_err(|_| unreadable("start_position"))?,
            policy: later("policy")
                .map_or(Ok(Policy::default()), |text| serde_json::from_str(text))
                .map_err(|_| unreadable("policy"))?,
        })
    }
}

/// The one of a table's mappings, or of several the one of that stream, given by name or ARN.
///
/// # Errors
///
/// [`ErrorKind::NotFound`] if there is none, [`ErrorKind::Conflict`] if there are several: it names their streams.
pub(crate) fn the_one(
    mut mappings: Vec<Mapping>,
    table: &TableName,
    stream: Option<&str>,
) -> Result<Mapping> {
    if let Some(stream) = stream {
        mappings.retain(|mapping| mapping.stream_name == stream || mapping.stream_arn == stream);
    }
    if mappings.len() > 1 {
        let streams: Vec<&str> = mappings.iter().map(|mapping| mapping.stream_name.as_str()).collect();
        let message = format!("several streams fill this table: name one of {}", streams.join(", "));
        return Err(Error::new(ErrorKind::Conflict, message).with("table", table.plain()));
    }
    mappings.pop().ok_or_else(|| {
        let message = "no source fills this table; `sources` lists those there are";
        let error = Error::new(ErrorKind::NotFound, message).with("table", table.plain());
        stream.into_iter().fold(error, |error, stream| error.with("stream", stream))
    })
}

/// The DynamoDB table of all mappings.
#[derive(Clone, Debug)]
pub struct MappingTable(DynamoTable);

impl MappingTable {
    /// The table of that name, which need not exist yet.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ConfigInvalid`] if the session has no region, [`ErrorKind::Unauthenticated`] if it has no
    /// credentials.
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
    /// [`ErrorKind::PermissionDenied`], [`ErrorKind::Timeout`] if it does not become ready within two minutes.
    pub async fn ensure(&self) -> Result<()> {
        self.0.ensure().await
    }

    /// Writes a pending mapping where there is none. Returns the one that is there already, if it is another's.
    ///
    /// # Errors
    ///
    /// What DynamoDB says.
    pub async fn claim(&self, mapping: &Mapping) -> Result<Option<Mapping>> {
        let put = self.put(mapping)?.condition_expression("attribute_not_exists(stream_id)");
        self.put_unless_held(put, mapping).await
    }

    /// Takes over a mapping that `holder`'s create left pending.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Conflict`] if it has changed meanwhile.
    pub async fn take_over(&self, holder: &Mapping, mapping: &Mapping) -> Result<()> {
        let put = self
            .put(mapping)?
            .condition_expression("operation_id = :operation AND #state = :pending")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":operation", AttributeValue::S(holder.operation_id.to_string()))
            .expression_attribute_values(
                ":pending",
                AttributeValue::S(MappingState::Pending.as_str().to_owned()),
            );
        match self.put_unless_held(put, mapping).await? {
            None => Ok(()),
            Some(_) => {
                let message = "another create of this source was quicker to take over the interrupted one";
                Err(self.about(Error::new(ErrorKind::Conflict, message).with("table", mapping.table.plain())))
            }
        }
    }

    fn put(&self, mapping: &Mapping) -> Result<PutItemFluentBuilder> {
        Ok(self
            .0
            .client
            .put_item()
            .table_name(&self.0.name)
            .set_item(Some(mapping.to_item()?))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld))
    }

    /// Puts a mapping if its condition holds; returns the other operation's that is there if not.
    async fn put_unless_held(&self, put: PutItemFluentBuilder, mapping: &Mapping) -> Result<Option<Mapping>> {
        let Err(error) = put.send().await else { return Ok(None) };
        let holder = match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(failed)) => {
                failed.item().map(Mapping::from_item).transpose()?
            }
            _ => return Err(self.about(from_sdk(error))),
        };
        match holder {
            // The SDK repeats a call whose answer was lost: then it meets its own write.
            Some(holder) if holder.operation_id == mapping.operation_id => Ok(None),
            Some(holder) => Ok(Some(holder)),
            None => Err(self.about(from_sdk(error))),
        }
    }

    /// Makes this operation's mapping active.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Conflict`] if it is no longer this operation's.
    pub async fn confirm(&self, mapping: &Mapping) -> Result<()> {
        self.0
            .client
            .update_item()
            .table_name(&self.0.name)
            .set_key(Some(Self::key(mapping)))
            .update_expression("SET #state = :active")
            .condition_expression("operation_id = :operation")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(
                ":active",
                AttributeValue::S(MappingState::Active.as_str().to_owned()),
            )
            .expression_attribute_values(":operation", AttributeValue::S(mapping.operation_id.to_string()))
            .send()
            .await
            .map_err(|error| self.about(from_sdk(error)))?;
        Ok(())
    }

    /// Removes this operation's mapping; nothing if it is another's or gone.
    ///
    /// # Errors
    ///
    /// What DynamoDB says.
    pub async fn release(&self, mapping: &Mapping) -> Result<()> {
        let request = self
            .0
            .client
            .delete_item()
            .table_name(&self.0.name)
            .set_key(Some(Self::key(mapping)))
            .condition_expression("operation_id = :operation")
            .expression_attribute_values(":operation", AttributeValue::S(mapping.operation_id.to_string()));
        match request.send().await {
            Ok(_) => Ok(()),
            Err(error) if error.code() == Some("ConditionalCheckFailedException") => Ok(()),
            Err(error) => Err(self.about(from_sdk(error))),
        }
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

    /// The claim that a create of this source has left, or is holding.
    pub(super) async fn pending(&self, stream_arn: &str, table: &TableName) -> Result<Option<Mapping>> {
        let mappings = self.of_stream_in_any_state(stream_arn).await?;
        Ok(mappings
            .into_iter()
            .find(|mapping| mapping.state == MappingState::Pending && mapping.table == *table))
    }

    /// Whether the stream has another mapping than this one, in any state.
    pub(super) async fn is_shared(&self, mapping: &Mapping) -> Result<bool> {
        let mappings = self.of_stream_in_any_state(&mapping.stream_arn).await?;
        Ok(mappings.iter().any(|other| other.table_uuid != mapping.table_uuid))
    }

    async fn of_stream_in_any_state(&self, stream_arn: &str) -> Result<Vec<Mapping>> {
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

    /// All mappings, in the order of their creation. A table that does not exist holds none.
    ///
    /// # Errors
    ///
    /// What DynamoDB says.
    pub async fn all(&self) -> Result<Vec<Mapping>> {
        let mut pages = self
            .0
            .client
            .scan()
            .table_name(&self.0.name)
            .consistent_read(true)
            .into_paginator()
            .items()
            .send();
        let mut mappings = Vec::new();
        while let Some(item) = pages.next().await {
            match item {
                Ok(item) => mappings.push(Mapping::from_item(&item)?),
                Err(error) if error.code() == Some("ResourceNotFoundException") => {
                    break;
                }
                Err(error) => return Err(self.about(from_sdk(error))),
            }
        }
        mappings.sort_by(|a, b| (a.created_on, &a.table).cmp(&(b.created_on, &b.table)));
        Ok(mappings)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::{MissingFields, UnknownFields};

    #[test]
    fn an_item_reads_back() {
        let mapping = Mapping {
            stream_arn: "arn:aws:kinesis:eu-west-1:111122223333:stream/clicks".to_owned(),
            table_uuid: Uuid::from_u128(7),
            stream_name: "clicks".to_owned(),
            table: TableName::new("shop", "weird `name`").unwrap(),
            created_on: "2026-11-23T10:00:00.5Z".parse().unwrap(),
            state: MappingState::Pending,
            operation_id: Uuid::from_u128(8),
            schema: vec![Column::new("id", "UInt64")],
            delivery: Delivery::Consumer,
            start_position: Position::Oldest,
            policy: Policy::new(UnknownFields::AddColumn, MissingFields::ZeroValue),
        };
        let mut item = mapping.to_item().unwrap();
        assert_eq!(Mapping::from_item(&item).unwrap(), mapping);
        for later in ["delivery", "start_position", "policy"] {
            item.remove(later).unwrap();
        }
        let older = Mapping {
            delivery: Delivery::Function,
            start_position: Position::At(mapping.created_on),
            policy: Policy::default(),
            ..mapping
        };
        assert_eq!(Mapping::from_item(&item).unwrap(), older);
    }

    #[test]
    fn a_foreign_item_names_what_it_lacks() {
        let error = Mapping::from_item(&HashMap::new()).unwrap_err();
        assert_eq!(error.message(), "a mapping has no attribute `stream_id`");
    }
}
