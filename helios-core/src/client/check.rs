//! A schema, edited and looked at, before anything is made of it.

use bytes::Bytes;
use futures_util::FutureExt as _;
use serde::Deserialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::{HeliosClient, KinesisSampleOptions};
use crate::{
    Error, Result,
    delivery::{MissingFields, UnknownFields},
    schema::{Schema, SchemaEdit, infer_with},
    sources::{Sampled, SchemaCheck, check_schema},
    streams,
    warehouse::{TableDefinition, TableName, TableOptions, default_database},
};

/// What to check: the events of a stream's sample, or events that are at hand, and the columns they should fit.
///
/// On the wire: `{"streamName": "clicks", "edits": [{"rename": {"column": "userId", "to": "user_id"}}]}`, or with
/// `"events": [{…}, …]` in place of the stream; each of the others is optional, and means what it means where a table is
/// created.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[non_exhaustive]
pub struct CheckSchema {
    /// The stream to sample, by name or ARN.
    pub stream_name: Option<String>,
    /// The events, as JSON, in place of a sample.
    pub events: Option<Vec<Box<RawValue>>>,
    /// The columns. Default: those that are inferred from the events.
    pub schema: Option<Schema>,
    /// What to change of the columns first.
    pub edits: Vec<SchemaEdit>,
    /// The table. Default: the name of the stream, or `events`.
    pub table_name: Option<String>,
    /// Its database. Default: `default`.
    pub database_name: Option<String>,
    /// The sorting key. Default: the first column that is a time and never null, else none.
    pub order_by: Option<Vec<String>>,
    /// The partition key. Default: none.
    pub partition_by: Option<String>,
    /// What becomes of events with fields that the table has not. Default: the fields are ignored.
    pub unknown_fields: UnknownFields,
    /// What becomes of events that lack a field which cannot be null. Default: they are rejected.
    pub missing_fields: MissingFields,
    /// How to sample the stream, and how types are inferred.
    pub sample: KinesisSampleOptions,
}

impl CheckSchema {
    /// A check with a sample of a stream.
    pub fn of_stream(stream: impl Into<String>) -> Self {
        Self { stream_name: Some(stream.into()), ..Self::default() }
    }

    /// A check with these events.
    #[must_use]
    pub fn of_events(events: Vec<Box<RawValue>>) -> Self {
        Self { events: Some(events), ..Self::default() }
    }

    /// Sets the columns.
    #[must_use]
    pub fn schema(mut self, schema: impl Into<Schema>) -> Self {
        self.schema = Some(schema.into());
        self
    }

    /// Sets what to change of them first.
    #[must_use]
    pub fn edits(mut self, edits: Vec<SchemaEdit>) -> Self {
        self.edits = edits;
        self
    }
}

/// The events to look at: those that are given, else those of a sample, with the ARN of its stream.
pub(super) async fn events(
    client: &HeliosClient,
    given: Option<Vec<Box<RawValue>>>,
    stream: Option<&str>,
    options: &KinesisSampleOptions,
) -> Result<(Sampled, Option<String>)> {
    if let Some(given) = given {
        let events = given.into_iter().map(|event| Bytes::from(String::from(Box::<str>::from(event))));
        return Ok((events.collect::<Vec<_>>().into(), None));
    }
    let Some(stream) = stream else {
        return Err(Error::invalid_input("there is nothing to check with: name a stream, or give events"));
    };
    let sample = streams::sample(&client.0.session, stream, &options.reading, &client.0.clock).await?;
    let stream_arn = sample.stream_arn.clone();
    Ok((sample.into(), Some(stream_arn)))
}

impl HeliosClient {
    /// Says which sampled events a table with these columns would not take, and why, and what statement would make it.
    /// Nothing is made.
    ///
    /// ```no_run
    /// # async fn example(client: helios_core::HeliosClient) -> helios_core::Result<()> {
    /// use helios_core::{CheckSchema, CreateTable, schema::SchemaEdit};
    ///
    /// let edits = vec![SchemaEdit::Retype { column: "id".to_owned(), data_type: "UInt32".to_owned() }];
    /// let check = client.check_schema(&CheckSchema::of_stream("clicks").edits(edits)).await?;
    /// for reject in &check.rejects {
    ///     println!("event {}: {}", reject.event, reject.message);
    /// }
    /// println!("{}", check.create_table_query);
    /// client.create_table(&CreateTable::new("clicks", "clicks", check.schema)).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) for an edit that cannot be made and for columns that no table can
    /// have, naming the column; as [`kinesis_sample`](Self::kinesis_sample) if a stream is sampled.
    #[tracing::instrument(skip_all, fields(stream = spec.stream_name))]
    pub async fn check_schema(&self, spec: &CheckSchema) -> Result<SchemaCheck> {
        // Boxed, as whoever awaits it would have all of its states within theirs.
        let check = async {
            let mut spec = spec.clone();
            let given = spec.events.take();
            let (events, _) = events(self, given, spec.stream_name.as_deref(), &spec.sample).await?;
            // Not on the thread that others' requests wait for.
            tokio::task::spawn_blocking(move || check_sampled(&spec, &events)).await.map_err(|error| {
                Error::unexpected("the events could not be looked through").caused_by(error)
            })?
        };
        check.boxed().await.map_err(|error| error.at("check_schema"))
    }
}

/// [`HeliosClient::check_schema`] without a client, with the events of a sample or others that are at hand; the stream of `spec`
/// gives the table its name, and no more.
///
/// # Errors
///
/// [`InvalidInput`](crate::ErrorKind::InvalidInput) for an edit that cannot be made and for columns that no table can have,
/// naming the column.
pub fn check_events(spec: &CheckSchema, events: &[Bytes]) -> Result<SchemaCheck> {
    check_sampled(spec, &events.to_vec().into())
}

pub(super) fn check_sampled(spec: &CheckSchema, sampled: &Sampled) -> Result<SchemaCheck> {
    let mut schema = match &spec.schema {
        Some(schema) => schema.clone(),
        None => infer_with(&sampled.events, &spec.sample.inference).columns.into(),
    };
    schema.edit(&spec.edits)?;
    let of_stream = spec.stream_name.as_deref().map(|stream| stream.rsplit('/').next().unwrap_or(stream));
    let table = spec.table_name.as_deref().or(of_stream).unwrap_or("events");
    let database = spec.database_name.clone().unwrap_or_else(default_database);
    let name = TableName::new(database, table)?;
    let (order_by, partition_by) = (spec.order_by.clone(), spec.partition_by.clone());
    let options = TableOptions { order_by, partition_by, ..TableOptions::default() };
    let definition = TableDefinition::new(name, Uuid::nil(), &schema, &options)?;
    check_schema(&definition, (spec.unknown_fields, spec.missing_fields), sampled)
}
