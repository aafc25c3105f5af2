//! The client: every operation, each a few lines that call the modules below it.

mod authentication;
mod builder;
mod cancel;
mod check;
mod consume;
mod drift;
#[cfg(test)]
mod one_reader;
mod plan;
mod progress;
mod quarantine;
mod query;
mod sample;
mod sources;
mod streams;

use std::{fmt, sync::Arc};

use clickhouse::{RowOwned, RowRead};

use crate::{
    HeliosConfig, Result,
    clock::SharedClock,
    delivery::{
        ConsumeOptions, ConsumeReport, Deliverer, DeliveryReport, ReportOptions, delivery_report,
        ledger::DynamoLedger,
    },
    sources::MappingTable,
    streams::{AwsSession, Credentials},
    warehouse::{
        ArrowStream, Databases, EngineInfo, QueryOptions, QueryResult, QueryStream, ResultFormat, RowStream,
        Warehouse,
    },
};

pub use authentication::Authentication;
pub use builder::HeliosClientBuilder;
pub use check::{CheckSchema, check_events};
pub use consume::{Consume, WatchedConsumer};
pub use drift::DriftOptions;
pub use plan::PlanTable;
pub use progress::{Watched, WatchedQuery};
pub use query::Query;
pub use sample::{KinesisSample, KinesisSampleOptions, SampleRecord, StreamSample};

/// All of Helios. Immutable, and cheap to clone: a clone shares the connections.
///
/// ```no_run
/// # async fn example() -> helios_core::Result<()> {
/// use helios_core::{CreateTable, HeliosClient};
///
/// let client = HeliosClient::from_env()?;
/// let sample = client.kinesis_sample("clicks").await?;
/// client.create_table(&CreateTable::new("clicks", "clicks", sample.inferred_schema)).await?;
/// let result = client.query("SELECT count() AS n FROM clicks").await?;
/// println!("{}", result.data[0]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct HeliosClient(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    warehouse: Warehouse,
    session: AwsSession,
    mapping_table: String,
    ledger_table: String,
    function: String,
    clock: SharedClock,
}

impl HeliosClient {
    /// A client to be configured step by step.
    pub fn builder() -> HeliosClientBuilder {
        HeliosClientBuilder::default()
    }

    /// A client with these settings. Opens the embedded engine (blocking, up to half a second) unless a server is set.
    ///
    /// # Errors
    ///
    /// As [`HeliosClientBuilder::build`].
    pub fn from_config(config: HeliosConfig) -> Result<Self> {
        Self::builder().config(config).build()
    }

    /// A client with the settings of the environment: `HELIOS_*`, and for AWS what its SDK reads.
    ///
    /// # Errors
    ///
    /// As [`HeliosClientBuilder::build`].
    pub fn from_env() -> Result<Self> {
        Self::from_config(HeliosConfig::from_env()?)
    }

    /// Another client that speaks to AWS as somebody else. It shares all connections; this one is unchanged.
    #[must_use]
    pub fn with_credentials(&self, credentials: Credentials) -> Self {
        Self(Arc::new(Inner { session: self.0.session.with_credentials(credentials), ..(*self.0).clone() }))
    }

    /// Another client of which no operation takes more of ClickHouse than these limits allow, or writes if they are
    /// read-only. It shares all connections; this one is unchanged.
    #[must_use]
    pub fn with_limits(&self, limits: &QueryOptions) -> Self {
        Self(Arc::new(Inner { warehouse: self.0.warehouse.with_limits(limits), ..(*self.0).clone() }))
    }

    /// Another client that changes nothing of other AWS accounts: no table that a stream of another account fills, and no reject
    /// from one. It shares all connections; this one is unchanged.
    ///
    /// A table says in its comment for which account Helios made it. Queries are not kept within the account.
    #[must_use]
    pub fn within_account(&self, account: &str) -> Self {
        Self(Arc::new(Inner { warehouse: self.0.warehouse.within_account(account), ..(*self.0).clone() }))
    }

    /// Every database the user sees, with its tables, sorted.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](crate::ErrorKind::Unavailable), [`Unauthenticated`](crate::ErrorKind::Unauthenticated): what
    /// keeps ClickHouse from answering.
    #[tracing::instrument(skip_all)]
    pub async fn databases(&self) -> Result<Databases> {
        self.0.warehouse.databases().await.map_err(|error| error.at("databases"))
    }

    /// Which ClickHouse this is: its version, and where the embedded engine was loaded from.
    ///
    /// ```no_run
    /// # async fn example(client: helios_core::HeliosClient) -> helios_core::Result<()> {
    /// let engine = client.engine_info().await?;
    /// println!("ClickHouse {} from {}", engine.version, engine.origin.as_deref().unwrap_or("a server"));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`databases`](Self::databases); the embedded engine always answers.
    #[tracing::instrument(skip_all)]
    pub async fn engine_info(&self) -> Result<EngineInfo> {
        self.0.warehouse.engine_info().await.map_err(|error| error.at("engine"))
    }

    /// A query: await it for the whole result, or read it in one of its other ways.
    ///
    /// # Errors
    ///
    /// [`InvalidQuery`](crate::ErrorKind::InvalidQuery), [`NotFound`](crate::ErrorKind::NotFound) and whatever else
    /// ClickHouse says, with its number in [`server_code`](crate::Error::server_code).
    pub fn query(&self, sql: impl Into<String>) -> Query {
        Query::new(self.clone(), sql.into())
    }

    /// [`query`](Self::query) with its options in one value.
    ///
    /// # Errors
    ///
    /// As [`query`](Self::query).
    #[tracing::instrument(skip_all)]
    pub async fn query_with(&self, sql: &str, options: &QueryOptions) -> Result<QueryResult> {
        self.0.warehouse.query(sql, options).await
    }

    /// The documented JSON of a query's result, in chunks. See [`Warehouse::query_json`].
    ///
    /// # Errors
    ///
    /// As [`query`](Self::query) before the first row; later ones come through the stream.
    #[tracing::instrument(skip_all)]
    pub async fn query_json(&self, sql: &str, options: &QueryOptions) -> Result<QueryStream> {
        self.0.warehouse.query_json(sql, options).await
    }

    /// A query's result as bytes of this form, in chunks. See [`Warehouse::query_bytes`].
    ///
    /// # Errors
    ///
    /// As [`query`](Self::query) before the first row; later ones come through the stream.
    #[tracing::instrument(skip_all)]
    pub async fn query_bytes(
        &self,
        sql: &str,
        options: &QueryOptions,
        format: ResultFormat,
    ) -> Result<QueryStream> {
        self.0.warehouse.query_bytes(sql, options, format).await
    }

    /// A query's rows as values of a type that derives [`clickhouse::Row`]. See [`Warehouse::query_as`].
    ///
    /// # Errors
    ///
    /// As [`query`](Self::query) before the first row; later ones come through the stream.
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) if the type does not fit the columns.
    #[tracing::instrument(skip_all)]
    pub async fn query_as<T: RowOwned + RowRead>(
        &self,
        sql: &str,
        options: &QueryOptions,
    ) -> Result<RowStream<T>> {
        self.0.warehouse.query_as(sql, options).await
    }

    /// A query's result as Arrow record batches of real types. See [`Warehouse::query_arrow`].
    ///
    /// # Errors
    ///
    /// As [`query`](Self::query) before the first row; later ones come through the stream.
    #[tracing::instrument(skip_all)]
    pub async fn query_arrow(&self, sql: &str, options: &QueryOptions) -> Result<ArrowStream> {
        self.0.warehouse.query_arrow(sql, options).await
    }

    /// Checks the AWS credentials and lists the streams they see.
    ///
    /// # Errors
    ///
    /// [`Unauthenticated`](crate::ErrorKind::Unauthenticated) for credentials that are missing or wrong,
    /// [`PermissionDenied`](crate::ErrorKind::PermissionDenied) if they may not list streams.
    #[tracing::instrument(skip_all)]
    pub async fn authenticate(&self) -> Result<Authentication> {
        authentication::authenticate(&self.0.session).await.map_err(|error| error.at("authenticate"))
    }

    /// Reads a few events of a stream and infers the schema that fits them all.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::ErrorKind::NotFound) for the stream, and what else AWS says.
    pub fn kinesis_sample(&self, stream: impl Into<String>) -> KinesisSample {
        KinesisSample::new(self.clone(), stream.into())
    }

    /// [`kinesis_sample`](Self::kinesis_sample) with its options in one value.
    ///
    /// # Errors
    ///
    /// As [`kinesis_sample`](Self::kinesis_sample).
    #[tracing::instrument(skip_all, fields(stream))]
    pub async fn kinesis_sample_with(
        &self,
        stream: &str,
        options: &KinesisSampleOptions,
    ) -> Result<StreamSample> {
        self.kinesis_sample(stream).options(options.clone()).await
    }

    /// Delivers a stream from this process, to all its tables: a consumer to be awaited, or started. By default it goes on
    /// with what arrives, until it is stopped; [`until_caught_up`](Consume::until_caught_up) ends it at the present end.
    ///
    /// ```no_run
    /// # async fn example(client: helios_core::HeliosClient) -> helios_core::Result<()> {
    /// let report = client.consume("clicks").until_caught_up().await?;
    /// println!("{} events, {} of them in quarantine", report.received, report.quarantined);
    ///
    /// let consumer = client.consume("clicks").on_progress(|so_far| println!("{}", so_far.delivered)).start().await?;
    /// // …
    /// consumer.stop().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// It goes on where the last delivery has ended, whoever made it: a consumer, or the delivery function. That a source is
    /// paused, resumed or removed it sees within seconds; sources that are created while it runs are delivered by the next one.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::ErrorKind::NotFound) if there is no such stream, or it has no source;
    /// [`PermissionDenied`](crate::ErrorKind::PermissionDenied): it needs `kinesis:DescribeStreamSummary`, `ListShards`,
    /// `GetShardIterator` and `GetRecords`, `dynamodb:Query`, `GetItem` and `PutItem`. If it was to run until it has
    /// caught up: what keeps a shard from being delivered for good. Otherwise that is in its progress, and tried again.
    pub fn consume(&self, stream: impl Into<String>) -> Consume {
        Consume::new(self.clone(), stream.into())
    }

    /// [`consume`](Self::consume) with its options in one value, to its end: by [their default](ConsumeOptions::new) when it
    /// has caught up.
    ///
    /// # Errors
    ///
    /// As [`consume`](Self::consume).
    pub async fn consume_with(&self, options: &ConsumeOptions) -> Result<ConsumeReport> {
        self.consume(&options.stream_name).options(options.clone()).await
    }

    /// What became of the events of a source: for each shard how many came, where they are, what is still to come, and
    /// whether any are missing.
    ///
    /// ```no_run
    /// # async fn example(client: helios_core::HeliosClient) -> helios_core::Result<()> {
    /// let report = client.delivery_report(&helios_core::ReportOptions::new("clicks")).await?;
    /// report.check()?;
    /// println!("{} events, and none missing", report.received);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::ErrorKind::NotFound) if no source fills this table,
    /// [`Conflict`](crate::ErrorKind::Conflict) if several do and none of them was named, and what AWS and ClickHouse say.
    #[tracing::instrument(skip_all, fields(table = options.table_name))]
    pub async fn delivery_report(&self, options: &ReportOptions) -> Result<DeliveryReport> {
        let report = async {
            let crate::sources::Sources { session, warehouse, mappings, ledger, triggers, clock } =
                self.open_sources().await?;
            delivery_report(&session, &warehouse, (&mappings, &ledger, &triggers), &clock, options).await
        };
        report.await.map_err(|error| error.at("delivery_report"))
    }

    /// The connection to ClickHouse, for what is not offered here.
    #[must_use]
    pub fn warehouse(&self) -> &Warehouse {
        &self.0.warehouse
    }

    /// The table of mappings.
    ///
    /// # Errors
    ///
    /// [`ConfigInvalid`](crate::ErrorKind::ConfigInvalid) without a region,
    /// [`Unauthenticated`](crate::ErrorKind::Unauthenticated) without credentials.
    pub async fn mappings(&self) -> Result<MappingTable> {
        MappingTable::open(&self.0.session, &self.0.mapping_table, Arc::clone(&self.0.clock)).await
    }

    /// The ledger: what was delivered.
    ///
    /// # Errors
    ///
    /// As [`mappings`](Self::mappings).
    pub async fn ledger(&self) -> Result<DynamoLedger> {
        DynamoLedger::open(&self.0.session, &self.0.ledger_table, Arc::clone(&self.0.clock)).await
    }

    /// A deliverer of events into the tables, with the ledger in DynamoDB.
    ///
    /// # Errors
    ///
    /// As [`mappings`](Self::mappings).
    pub async fn deliverer(&self) -> Result<Deliverer> {
        let (warehouse, clock) = (self.0.warehouse.clone(), Arc::clone(&self.0.clock));
        let kinesis = aws_sdk_kinesis::Client::new(&self.0.session.sdk_config().await?);
        Ok(Deliverer::new(warehouse, Arc::new(self.ledger().await?), clock).reading_from(kinesis))
    }

    /// The clock.
    #[must_use]
    pub fn clock(&self) -> &SharedClock {
        &self.0.clock
    }
}

impl fmt::Debug for HeliosClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HeliosClient")
            .field("warehouse", &self.0.warehouse)
            .field("mapping_table", &self.0.mapping_table)
            .field("ledger_table", &self.0.ledger_table)
            .field("function", &self.0.function)
            .finish_non_exhaustive()
    }
}

const _: () = {
    const fn assert_send_sync<T: Send + Sync>() {}
    assert_send_sync::<HeliosClient>();
    assert_send_sync::<crate::Error>();
    assert_send_sync::<QueryStream>();
    assert_send_sync::<ArrowStream>();
    assert_send_sync::<Watched<QueryStream>>();
    assert_send_sync::<RowStream<u8>>();
};
