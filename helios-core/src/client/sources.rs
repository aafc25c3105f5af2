//! Sources: made, listed, paused, resumed, removed, repaired.

use std::sync::Arc;

use futures_util::FutureExt as _;

use super::{HeliosClient, Inner};
use crate::{
    CreateTable, Error, PlanTable, Result, Source, TableCreated,
    sources::{CreatePlan, Diagnosis, RemoveSource, Repair, SourceRemoved, Sources, Triggers},
};

impl HeliosClient {
    /// Makes a table and lets a stream fill it. All or nothing.
    ///
    /// # Errors
    ///
    /// See [`Sources::create_table`].
    #[tracing::instrument(skip_all, fields(stream = spec.stream_name, table = spec.table_name))]
    pub async fn create_table(&self, spec: &CreateTable) -> Result<TableCreated> {
        // Boxed, as whoever awaits it would have all of its states within theirs.
        let done = async { self.open_sources().await?.create_table(spec).await };
        done.boxed().await.map_err(|error| error.at("create_table"))
    }

    /// Says what a create with this request would do, what would keep it from that, and which of the stream's events the table
    /// would not take. Nothing is made.
    ///
    /// ```no_run
    /// # async fn example(client: helios_core::HeliosClient) -> helios_core::Result<()> {
    /// use helios_core::{CreateTable, PlanTable};
    ///
    /// let sample = client.kinesis_sample("clicks").await?;
    /// let create = CreateTable::new("clicks", "clicks", sample.inferred_schema);
    /// let plan = client.plan(&PlanTable::new(create.clone())).await?;
    /// println!("{}", plan.create_table_query);
    /// for obstacle in &plan.obstacles {
    ///     println!("{obstacle}");
    /// }
    /// if plan.possible {
    ///     client.create_table(&create).await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// See [`Sources::plan`].
    #[tracing::instrument(skip_all, fields(stream = plan.create.stream_name, table = plan.create.table_name))]
    pub async fn plan(&self, plan: &PlanTable) -> Result<CreatePlan> {
        super::plan::plan(self, plan).boxed().await.map_err(|error| error.at("plan"))
    }

    /// Looks at all that Helios needs, and says what is missing and what to do: ClickHouse and the rights there, AWS and the
    /// permissions, the delivery function. Nothing is changed.
    ///
    /// # Errors
    ///
    /// If there is no region and there are no credentials at all.
    #[tracing::instrument(skip_all)]
    pub async fn doctor(&self) -> Result<Diagnosis> {
        let done = async { Ok(self.open_sources().await?.doctor().await) };
        done.boxed().await.map_err(|error: Error| error.at("doctor"))
    }

    /// Every source as it stands, in the order of creation.
    ///
    /// # Errors
    ///
    /// See [`Sources::list`].
    #[tracing::instrument(skip_all)]
    pub async fn sources(&self) -> Result<Vec<Source>> {
        let done = async { self.open_sources().await?.list().await };
        done.boxed().await.map_err(|error| error.at("sources"))
    }

    /// Delivers the events of a source no more, until it is [resumed](Self::resume). A source is named by its id, or by its
    /// table: `clicks` in `default`, or `shop.clicks`.
    ///
    /// # Errors
    ///
    /// See [`Sources::pause`].
    #[tracing::instrument(skip_all, fields(source = source.as_ref()))]
    pub async fn pause(&self, source: impl AsRef<str> + Send + Sync) -> Result<Source> {
        let source = source.as_ref();
        let done = async { self.open_sources().await?.pause(source).await };
        done.boxed().await.map_err(|error| error.at("pause"))
    }

    /// Goes on with a source where it was [paused](Self::pause).
    ///
    /// # Errors
    ///
    /// See [`Sources::resume`].
    #[tracing::instrument(skip_all, fields(source = source.as_ref()))]
    pub async fn resume(&self, source: impl AsRef<str> + Send + Sync) -> Result<Source> {
        let source = source.as_ref();
        let done = async { self.open_sources().await?.resume(source).await };
        done.boxed().await.map_err(|error| error.at("resume"))
    }

    /// Removes a source; its table stays unless it is to be dropped.
    ///
    /// # Errors
    ///
    /// See [`Sources::remove`].
    #[tracing::instrument(skip_all, fields(source = removal.source))]
    pub async fn remove(&self, removal: &RemoveSource) -> Result<SourceRemoved> {
        let done = async { self.open_sources().await?.remove(removal).await };
        done.boxed().await.map_err(|error| error.at("remove"))
    }

    /// Finishes or undoes what was interrupted, and mends what was changed by hand.
    ///
    /// # Errors
    ///
    /// See [`Sources::repair`].
    #[tracing::instrument(skip_all)]
    pub async fn repair(&self) -> Result<Repair> {
        let done = async { self.open_sources().await?.repair().await };
        done.boxed().await.map_err(|error| error.at("repair"))
    }

    pub(super) async fn open_sources(&self) -> Result<Sources> {
        let Inner { warehouse, session, function, clock, .. } = &*self.0;
        Ok(Sources {
            warehouse: warehouse.clone(),
            session: session.clone(),
            mappings: self.mappings().await?,
            ledger: self.ledger().await?,
            triggers: Triggers::open(session, function, Arc::clone(clock)).await?,
            clock: Arc::clone(clock),
        })
    }
}
