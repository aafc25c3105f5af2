//! The mapping: the DynamoDB item that says which stream feeds which table.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::{Timestamp, civil::Date, tz::Offset};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::CreateTable;
use crate::{
    Column, Error, Result,
    delivery::Policy,
    streams::Position,
    warehouse::{TableName, default_database},
};

pub(super) const STREAM_ID: &str = "stream_id";
pub(super) const TABLE_ID: &str = "table_id";
const STATE: &str = "state";
const REMOVAL: &str = "removal";

/// An item of DynamoDB.
pub(super) type Item = HashMap<String, AttributeValue>;

/// A text attribute.
pub(super) fn read<'a>(item: &'a Item, name: &str) -> Option<&'a str> {
    item.get(name)?.as_s().ok().map(String::as_str)
}

/// How far a source has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MappingState {
    /// Being created, or left over from a create that was interrupted. Nothing is delivered.
    Pending,
    /// Its events are delivered.
    Active,
    /// Its events are not delivered until somebody resumes it.
    Paused,
    /// Being removed, or left over from a removal that was interrupted. Nothing is delivered.
    Removing,
}

impl MappingState {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Active => "ACTIVE",
            Self::Paused => "PAUSED",
            Self::Removing => "REMOVING",
        }
    }

    fn parse(text: &str) -> Result<Self> {
        match text {
            "PENDING" => Ok(Self::Pending),
            "ACTIVE" => Ok(Self::Active),
            "PAUSED" => Ok(Self::Paused),
            "REMOVING" => Ok(Self::Removing),
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
    /// Who created it, as AWS knows them.
    pub created_by: Option<String>,
    /// How far it has come.
    pub state: MappingState,
    /// Which operation has written the item last: only that one may change it while it is at it.
    pub operation_id: Uuid,
    /// The schema the table was created with.
    pub schema: Vec<Column>,
    /// Who delivers.
    pub delivery: Delivery,
    /// Where in the stream it begins; never [`Position::Now`], but the time that was now.
    pub start_position: Position,
    /// What is done with events that do not quite fit.
    pub policy: Policy,
    /// What was asked for, without its schema.
    pub request: Option<CreateTable>,
    /// What was made for it: this may be undone, and nothing else.
    pub made: Made,
    /// What is to become of the table, while the source is being removed.
    pub removal: Option<Removal>,
}

/// What is to become of the table of a source that is being removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Removal {
    /// A create has failed: what it made is undone.
    Undo,
    /// The table stays.
    KeepTable,
    /// The table is dropped with its rows.
    DropTable,
}

/// What a create has made, or was about to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Made {
    /// The table: it was not there before.
    pub table: bool,
    /// The trigger: the stream had none.
    pub trigger: bool,
}

/// The namespace of the ids of sources.
const SOURCES: Uuid = Uuid::from_u128(0x5b1f_6d0e_93ab_4c1c_8a57_0c2f_7d64_11e9);

impl Mapping {
    /// The source's id, the same for the same stream and table.
    #[must_use]
    pub fn id(&self) -> Uuid {
        Uuid::new_v5(&SOURCES, format!("{}/{}", self.stream_arn, self.table_uuid).as_bytes())
    }

    /// What was asked for, with its schema.
    pub(super) fn spec(&self) -> Option<CreateTable> {
        let request = self.request.clone()?;
        Some(CreateTable { schema: self.schema.clone(), ..request })
    }

    pub(super) fn to_item(&self) -> Result<Item> {
        let json = |value: serde_json::Result<String>| {
            let cannot = |error| Error::unexpected("the mapping cannot be written").caused_by(error);
            value.map(AttributeValue::S).map_err(cannot)
        };
        let text = |value: &str| AttributeValue::S(value.to_owned());
        let mut item: Item = [
            (STREAM_ID, text(&self.stream_arn)),
            (TABLE_ID, text(&self.table_uuid.to_string())),
            ("stream_name", text(&self.stream_name)),
            ("stream_type", text("kinesis")),
            ("database_name", text(self.table.database().as_str())),
            ("table_name", text(self.table.table().as_str())),
            ("created_on", text(&self.created_on.to_string())),
            (STATE, text(self.state.as_str())),
            ("operation_id", text(&self.operation_id.to_string())),
            ("table_schema", json(serde_json::to_string(&self.schema))?),
            ("delivery", text(self.delivery.as_str())),
            ("start_position", text(&self.start_position.to_string())),
            ("policy", json(serde_json::to_string(&self.policy))?),
            ("made", json(serde_json::to_string(&self.made))?),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        if let Some(by) = &self.created_by {
            item.insert("created_by".to_owned(), text(by));
        }
        if let Some(removal) = &self.removal {
            item.insert(REMOVAL.to_owned(), json(serde_json::to_string(removal))?);
        }
        if let Some(request) = &self.request {
            item.insert("request".to_owned(), json(serde_json::to_string(request))?);
        }
        let size: usize =
            item.iter().map(|(name, value)| name.len() + value.as_s().map_or(0, String::len)).sum();
        if size > MAX_ITEM {
            let message = format!(
                "the schema is too large to be kept: with it the mapping has {size} bytes, and DynamoDB takes {MAX_ITEM}"
            );
            return Err(Error::invalid_input(message).with("columns", self.schema.len().to_string()));
        }
        Ok(item)
    }

    /// Reads an item. Most attributes may be missing: it may be of an earlier version, or of somebody else's making.
    pub(super) fn from_item(item: &Item) -> Result<Self> {
        let text = |name: &str| {
            read(item, name).ok_or_else(|| Error::unexpected(format!("a mapping has no attribute `{name}`")))
        };
        let unreadable =
            |name: &str| Error::unexpected(format!("the attribute `{name}` of a mapping cannot be read"));
        fn json<T: serde::de::DeserializeOwned>(item: &Item, name: &str) -> Result<Option<T>> {
            let parsed = read(item, name).map(serde_json::from_str).transpose();
            parsed
                .map_err(|_| Error::unexpected(format!("the attribute `{name}` of a mapping cannot be read")))
        }
        let stream_arn = text(STREAM_ID)?.to_owned();
        let created_on = time(text("created_on")?).ok_or_else(|| unreadable("created_on"))?;
        let name = |arn: &str| arn.rsplit('/').next().unwrap_or_default().to_owned();
        Ok(Self {
            table_uuid: text(TABLE_ID)?.parse().map_err(|_| unreadable(TABLE_ID))?,
            stream_name: read(item, "stream_name").map_or_else(|| name(&stream_arn), str::to_owned),
            table: TableName::new(
                read(item, "database_name").map_or_else(default_database, str::to_owned),
                text("table_name")?,
            )?,
            created_on,
            created_by: read(item, "created_by").map(str::to_owned),
            state: read(item, STATE).map_or(Ok(MappingState::Active), MappingState::parse)?,
            operation_id: read(item, "operation_id")
                .map_or(Ok(Uuid::nil()), str::parse)
                .map_err(|_| unreadable("operation_id"))?,
            request: json(item, "request")?,
            schema: json(item, "table_schema")?.unwrap_or_default(),
            delivery: read(item, "delivery").map_or(Ok(Delivery::default()), Delivery::parse)?,
            start_position: read(item, "start_position")
                .map_or(Ok(Position::At(created_on)), str::parse)
                .map_err(|_| unreadable("start_position"))?,
            policy: json(item, "policy")?.unwrap_or_default(),
            made: json(item, "made")?.unwrap_or_default(),
            removal: json(item, REMOVAL)?,
            stream_arn,
        })
    }
}

/// What DynamoDB takes: 400 KB, of which something is left for what it counts besides.
const MAX_ITEM: usize = 400 * 1024 - 1024;

/// A time as we write it, or a day as the documented answers show it.
fn time(text: &str) -> Option<Timestamp> {
    let day = || {
        let day = Date::strptime("%m-%d-%Y", text).ok()?;
        Offset::UTC.to_timestamp(day.to_datetime(jiff::civil::Time::midnight())).ok()
    };
    text.parse().ok().or_else(day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;
    use crate::delivery::{MissingFields, UnknownFields};

    #[test]
    fn an_item_reads_back() {
        let mapping = Mapping {
            stream_arn: "arn:aws:kinesis:eu-west-1:111122223333:stream/clicks".to_owned(),
            table_uuid: Uuid::from_u128(7),
            stream_name: "clicks".to_owned(),
            table: TableName::new("shop", "weird `name`").unwrap(),
            created_on: "2026-11-23T10:00:00.5Z".parse().unwrap(),
            created_by: Some("arn:aws:iam::111122223333:user/ann".to_owned()),
            state: MappingState::Pending,
            operation_id: Uuid::from_u128(8),
            schema: vec![Column::new("id", "UInt64")],
            delivery: Delivery::Consumer,
            start_position: Position::Oldest,
            policy: Policy::new(UnknownFields::AddColumn, MissingFields::ZeroValue),
            request: Some(CreateTable::new("clicks", "weird `name`", []).ttl("x")),
            made: Made { table: true, trigger: false },
            removal: Some(Removal::KeepTable),
        };
        let mut item = mapping.to_item().unwrap();
        assert_eq!(Mapping::from_item(&item).unwrap(), mapping);
        assert_eq!(mapping.spec().unwrap().schema, mapping.schema);

        // As little as an item of somebody else's making has.
        item.retain(|name, _| [STREAM_ID, TABLE_ID, "table_name", "created_on"].contains(&name.as_str()));
        item.insert("created_on".to_owned(), AttributeValue::S("11-23-2026".to_owned()));
        let created_on = "2026-11-23T00:00:00Z".parse().unwrap();
        let least = Mapping {
            table: TableName::new("default", "weird `name`").unwrap(),
            created_on,
            created_by: None,
            state: MappingState::Active,
            operation_id: Uuid::nil(),
            schema: Vec::new(),
            delivery: Delivery::Function,
            start_position: Position::At(created_on),
            policy: Policy::default(),
            request: None,
            made: Made::default(),
            removal: None,
            ..mapping
        };
        assert_eq!(Mapping::from_item(&item).unwrap(), least);
    }

    #[test]
    fn a_schema_that_is_too_large_for_an_item_is_refused() {
        let columns: Vec<_> =
            (0..10_000).map(|at| Column::new(format!("a_column_{at}"), "Nullable(String)")).collect();
        let mut item =
            HashMap::from([(STREAM_ID, "arn:s"), (TABLE_ID, "6f1c0a52-9f7f-4d0e-8f25-1f4ff13cbb37")]);
        item.extend([("table_name", "t"), ("created_on", "2026-11-23T00:00:00Z")]);
        let item = item
            .into_iter()
            .map(|(name, text)| (name.to_owned(), AttributeValue::S(text.to_owned())))
            .collect();
        let mapping = Mapping { schema: columns, ..Mapping::from_item(&item).unwrap() };
        let error = mapping.to_item().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains("columns: 10000"), "{error}");
    }

    #[test]
    fn a_foreign_item_names_what_it_lacks() {
        let error = Mapping::from_item(&HashMap::new()).unwrap_err();
        assert_eq!(error.message(), "a mapping has no attribute `stream_id`");
    }
}
