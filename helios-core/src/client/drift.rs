//! A table beside later events of its stream.

use futures_util::FutureExt as _;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{HeliosClient, KinesisSampleOptions, check};
use crate::{
    Error, ErrorKind, Result,
    delivery::Target,
    sources::{self, MappingState, SchemaDrift, the_one},
    warehouse::{TableName, default_database},
};

/// Which table to compare, and with which events.
///
/// On the wire: `{"tableName": "clicks", "databaseName": "default", "streamName": "clicks", "sample": {…}}`, of which only
/// the table is needed; or with `"events": [{…}, …]` in place of a sample.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct DriftOptions {
    /// The table.
    pub table_name: String,
    /// Its database. Default: `default`.
    #[serde(default = "default_database")]
    pub database_name: String,
    /// The stream, by name or ARN: needed only where several fill the table, or none of Helios'.
    #[serde(default)]
    pub stream_name: Option<String>,
    /// The events, as JSON, in place of a sample.
    #[serde(default)]
    pub events: Option<Vec<Box<RawValue>>>,
    /// How to sample the stream, and how types are inferred.
    #[serde(default)]
    pub sample: KinesisSampleOptions,
}

impl DriftOptions {
    /// A table in the database `default`, and a sample of the stream that fills it.
    pub fn new(table: impl Into<String>) -> Self {
        Self {
            table_name: table.into(),
            database_name: default_database(),
            stream_name: None,
            events: None,
            sample: KinesisSampleOptions::default(),
        }
    }

    /// Sets the database.
    #[must_use]
    pub fn database(mut self, database: impl Into<String>) -> Self {
        self.database_name = database.into();
        self
    }

    /// Sets the stream.
    #[must_use]
    pub fn stream(mut self, stream: impl Into<String>) -> Self {
        self.stream_name = Some(stream.into());
        self
    }

    /// Sets the events, in place of a sample.
    #[must_use]
    pub fn events(mut self, events: Vec<Box<RawValue>>) -> Self {
        self.events = Some(events);
        self
    }

    /// Sets how to sample.
    #[must_use]
    pub fn sample(mut self, options: KinesisSampleOptions) -> Self {
        self.sample = options;
        self
    }
}

impl HeliosClient {
    /// Compares a table with a later sample of the stream that fills it: new fields, changed types, what is lost, and the
    /// `ALTER` that mends it. Nothing is changed: run the statement where tables are changed.
    ///
    /// ```no_run
    /// # async fn example(client: helios_core::HeliosClient) -> helios_core::Result<()> {
    /// let drift = client.schema_drift(&helios_core::DriftOptions::new("clicks")).await?;
    /// for field in &drift.new_fields {
    ///     println!("{} is lost in {} of {} events", field.field, field.events, drift.events);
    /// }
    /// if let Some(statement) = drift.alter {
    ///     println!("{statement}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`NotFound`](ErrorKind::NotFound) for the table, or if no source fills it and no stream is named;
    /// [`Conflict`](ErrorKind::Conflict) if several fill it and none of them was named; as
    /// [`kinesis_sample`](Self::kinesis_sample) for the stream.
    #[tracing::instrument(skip_all, fields(table = options.table_name))]
    pub async fn schema_drift(&self, options: &DriftOptions) -> Result<SchemaDrift> {
        // Boxed, as whoever awaits it would have all of its states within theirs.
        self.drift(options).boxed().await.map_err(|error| error.at("schema_drift"))
    }

    async fn drift(&self, options: &DriftOptions) -> Result<SchemaDrift> {
        let warehouse = &self.0.warehouse;
        let name = TableName::new(&options.database_name, &options.table_name)?;
        let description = warehouse.describe_table(&name).await?.ok_or_else(|| {
            Error::new(ErrorKind::NotFound, "there is no such table").with("table", name.plain())
        })?;
        let mut target = Target::describe(warehouse, &name, description.uuid).await?;
        let mut stream = None;
        if options.events.is_none() {
            let mut found = self.mappings().await?.all().await?;
            found.retain(|mapping| mapping.state == MappingState::Active && mapping.table == name);
            match (the_one(found, &name, options.stream_name.as_deref()), &options.stream_name) {
                (Ok(mapping), _) => {
                    target = target.with_policy(mapping.policy);
                    stream = Some(mapping.stream_arn);
                }
                // A table that something else fills.
                (Err(error), Some(named)) if error.kind() == ErrorKind::NotFound => {
                    stream = Some(named.clone());
                }
                (Err(error), _) => return Err(error),
            }
        }
        let (events, stream_arn) =
            check::events(self, options.events.clone(), stream.as_deref(), &options.sample).await?;
        let found = sources::drift(warehouse, target, &description, events, options.sample.inference).await?;
        Ok(SchemaDrift { stream_arn, ..found })
    }
}
