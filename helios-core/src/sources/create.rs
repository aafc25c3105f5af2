//! Creating a source: what is checked before anything is made, and who makes it.

use std::time::Duration;

use futures_util::FutureExt as _;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::{
    CreateTable, Delivery, ExistingTable, Mapping, MappingState, Sources,
    batching::Batching,
    claim::{Claim, holding},
    existing::check_existing,
    mapping::Made,
    plan::is_counted,
    saga::Saga,
};
use crate::{
    Error, ErrorKind, Result,
    delivery::{Decoder, add_batch_column, ownership, quarantine},
    streams::{self, Position, StreamDescription},
    warehouse::{TableDefinition, TableDescription, TableName},
};

/// Databases that are no place for a source's table.
const RESERVED: [&str; 4] = [quarantine::DATABASE, "system", "information_schema", "INFORMATION_SCHEMA"];
/// How often a create that waits for another one looks whether it has ended.
const WAIT_POLL: Duration = Duration::from_millis(250);
/// For how long it waits: a trigger may take minutes.
const WAIT_LIMIT: Duration = Duration::from_secs(600);

/// What was created.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct TableCreated {
    /// `true`: what fails is an error.
    pub success: bool,
    /// The table's statement.
    pub create_table_query: String,
    /// What was done, for a person.
    pub message: String,
    /// The table's UUID.
    #[serde(rename = "tableUUID")]
    pub table_uuid: Uuid,
    /// The stream's ARN.
    #[serde(rename = "streamARN")]
    pub stream_arn: String,
    /// The source's id.
    pub source_id: Uuid,
    /// What puts the delivery at risk, for a person.
    pub warnings: Vec<String>,
}

/// What is asked for, checked as far as that goes without making anything.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) spec: CreateTable,
    pub(super) table: TableName,
    /// As ClickHouse would choose its identity.
    pub(super) definition: TableDefinition,
    pub(super) batching: Batching,
    pub(super) stream: StreamDescription,
    digest: String,
}

impl Request {
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`], naming what is wrong.
    pub(super) fn new(spec: &CreateTable, stream: StreamDescription) -> Result<Self> {
        let batching = Batching::of(spec, stream.open_shards)?;
        let definition = spec.definition(batching.deduplication_window(stream.open_shards))?;
        Decoder::new(&definition.columns())?;
        // The same stream and the same types in other words are the same request.
        let spec =
            CreateTable { stream_name: stream.arn.clone(), schema: definition.columns(), ..spec.clone() };
        // So is one that adds the column to a table that is there.
        let text = serde_json::to_vec(&CreateTable { add_batch_column: false, ..spec.clone() })
            .map_err(|error| Error::unexpected("the request cannot be written").caused_by(error))?;
        let digest = Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Self { table: definition.name().clone(), definition, spec, batching, stream, digest })
    }

    /// Fails for what needs no look at anything.
    pub(super) fn check(spec: &CreateTable) -> Result<()> {
        check_database(&spec.table()?)?;
        let definition = spec.definition(0)?;
        Decoder::new(&definition.columns())?;
        Batching::of(spec, 0)?;
        if let Some(arn) = spec.on_failure.as_deref().filter(|arn| !is_destination(arn)) {
            let message = "`onFailure` is the ARN of an SQS queue, an SNS topic or an S3 bucket";
            return Err(Error::invalid_input(message).with("onFailure", arn));
        }
        if spec.delivery == Delivery::Consumer
            && (spec.batch_size.is_some()
                || spec.batching_window_seconds.is_some()
                || spec.on_failure.is_some())
        {
            let message = "`batchSize`, `batchingWindowSeconds` and `onFailure` are of a trigger, and a source that a \
                           consumer delivers has none";
            return Err(Error::invalid_input(message));
        }
        Ok(())
    }

    /// What there is to be warned of, whatever becomes of it.
    pub(super) fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.spec.delivery == Delivery::Function && self.spec.on_failure.is_none() {
            warnings.push(
                "no `onFailure` destination is named: what Lambda gives up after seven days is seen only in \
                 `delivery_report`, as a gap"
                    .to_owned(),
            );
        }
        if self.spec.on_cluster.is_some() {
            warnings.push(
                "the quarantine table is made where the statement is run, not on the cluster".to_owned(),
            );
        }
        warnings
    }

    /// Whether a mapping was made of the same request.
    pub(super) fn is_of(&self, mapping: &Mapping) -> bool {
        let alike = |spec: &CreateTable| CreateTable { add_batch_column: false, ..spec.clone() };
        mapping.spec().as_ref().map(alike) == Some(alike(&self.spec))
    }
}

fn is_destination(arn: &str) -> bool {
    let mut parts = arn.splitn(6, ':');
    let (prefix, _, service) = (parts.next(), parts.next(), parts.next());
    prefix == Some("arn")
        && matches!(service, Some("sqs" | "sns" | "s3"))
        && parts.nth(2).is_some_and(|name| !name.is_empty())
}

fn check_database(name: &TableName) -> Result<()> {
    let database = name.database().as_str();
    if RESERVED.contains(&database) {
        let message = "this database is not for tables of sources; choose another";
        return Err(Error::invalid_input(message).with("database", database));
    }
    Ok(())
}

impl Sources {
    /// Makes a table and lets the stream fill it.
    ///
    /// An existing table of the same columns is taken as it is, whatever its keys. The tables of one stream share its
    /// trigger: only the first may choose where to begin. A failure undoes what this call made, and nothing else. The same
    /// request again, at the same time or later, has the same answer, and makes nothing.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] for a bad name, schema, key or position, [`ErrorKind::NotFound`] for the stream, the
    /// database or the delivery function, [`ErrorKind::AlreadyExists`] if the stream feeds this table already in another
    /// way, [`ErrorKind::Conflict`] if the table exists with another schema, the stream has a trigger that does not fit, or
    /// another create of the table is under way.
    pub async fn create_table(&self, spec: &CreateTable) -> Result<TableCreated> {
        let started = self.clock.now();
        // Everything that can be known to fail is, before anything is made.
        Request::check(spec)?;
        let request = Request::new(spec, streams::describe(&self.session, &spec.stream_name).await?)?;
        ownership::check_stream(&self.warehouse, &request.stream.arn)?;
        ownership::refuse_foreign(&self.warehouse, &request.table).await?;
        if spec.delivery == Delivery::Function {
            self.triggers.check_function().await?;
        }
        // Who it was is nice to know, and no reason to fail.
        let identity = streams::caller_identity(&self.session).await.ok();
        let order = Mapping {
            stream_arn: request.stream.arn.clone(),
            table_uuid: Uuid::new_v4(),
            stream_name: request.stream.name.clone(),
            table: request.table.clone(),
            created_on: started,
            created_by: identity.map(|identity| identity.arn),
            state: MappingState::Pending,
            operation_id: Uuid::nil(),
            schema: request.definition.columns(),
            delivery: spec.delivery,
            start_position: match spec.start_position {
                Position::Now => Position::At(started),
                position => position,
            },
            policy: spec.policy(),
            // The schema stands beside it.
            request: Some(CreateTable { schema: Vec::new(), ..request.spec.clone() }),
            made: Made::default(),
            removal: None,
        };
        // It must be possible to write it down.
        order.to_item()?;
        self.ready_database(&request).await?;
        self.mappings.ensure().await?;
        self.ledger.ensure().await?;
        self.claim_and_create(&request, order).boxed().await
    }

    async fn claim_and_create(&self, request: &Request, order: Mapping) -> Result<TableCreated> {
        let deadline = self.clock.now().saturating_add(WAIT_LIMIT);
        loop {
            let now = self.clock.now();
            let claim = Claim::new(request.table.clone(), request.digest.clone(), now);
            match self.mappings.claim_on(&request.table).await? {
                None => {
                    if let Some(found) = self.source_of(request).await?
                        && matches!(found.state, MappingState::Active | MappingState::Paused)
                    {
                        return self.again(request, &found).await;
                    }
                    if self.mappings.claim(&claim).await? {
                        return self.create_under(&claim, None, request, order).boxed().await;
                    }
                }
                Some(holder) if holder.is_abandoned(now) => {
                    if self.mappings.take_over(&holder, &claim).await? {
                        return self.create_under(&claim, Some(&holder), request, order).boxed().await;
                    }
                }
                // It is making just this.
                Some(holder) if holder.request_digest == request.digest => {
                    if deadline.as_ref().is_ok_and(|deadline| now > *deadline) {
                        let message = "the same create is under way elsewhere, and has not come to its end";
                        return Err(about(request, ErrorKind::Conflict, message).retryable(true));
                    }
                    self.clock.sleep(WAIT_POLL).await;
                }
                Some(_) => {
                    let message = "somebody else is at this table: another create, or a change of its source, is under way, or was \
                                   interrupted less than a minute ago";
                    return Err(about(request, ErrorKind::Conflict, message).retryable(true));
                }
            }
        }
    }

    /// The mapping of this stream and table.
    pub(super) async fn source_of(&self, request: &Request) -> Result<Option<Mapping>> {
        match self.mappings.of_stream_in_any_state(&request.stream.arn).await {
            Ok(mappings) => Ok(mappings.into_iter().find(|mapping| mapping.table == request.table)),
            // Before the first create there is no table of mappings.
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The answer to a request for what is there.
    async fn again(&self, request: &Request, mapping: &Mapping) -> Result<TableCreated> {
        if !request.is_of(mapping) {
            let message = "the stream feeds this table already, and was asked to in another way; `remove` its source first";
            return Err(about(request, ErrorKind::AlreadyExists, message));
        }
        let table = self.warehouse.describe_table(&mapping.table).await?;
        let table = table.filter(|table| table.uuid == mapping.table_uuid).ok_or_else(|| {
            let message = "the source is there, but its table was dropped, detached or renamed: `ATTACH TABLE` it if it is detached, \
                           `repair` it, or `remove` the source, then create it again";
            about(request, ErrorKind::Conflict, message)
        })?;
        // An earlier version recorded no account.
        if let Some(account) = ownership::account_of(&mapping.stream_arn) {
            ownership::adopt(&self.warehouse, &mapping.table, request.spec.on_cluster.as_deref(), account)
                .await?;
        }
        // A source that is there may be given the column later.
        if !is_counted(&table) {
            self.add_batch_column(request).await?;
        }
        Ok(created(request, mapping, Some(&table)))
    }

    /// Adds the batch column to a table that exists, if the request asks for that.
    pub(super) async fn add_batch_column(&self, request: &Request) -> Result<()> {
        if !request.spec.add_batch_column {
            return Ok(());
        }
        let statement = add_batch_column(&request.table, request.spec.on_cluster.as_deref());
        let added = self.warehouse.execute(&statement).await;
        added.map_err(|error| error.at("add the batch column").with("table", request.table.plain()))
    }

    async fn create_under(
        &self,
        claim: &Claim,
        from: Option<&Claim>,
        request: &Request,
        order: Mapping,
    ) -> Result<TableCreated> {
        let order = Mapping { operation_id: claim.operation_id, ..order };
        let create = async {
            // Nobody else can make it now, so what there is stays.
            self.finish_interrupted(claim, from, request).boxed().await?;
            if let Some(found) = self.source_of(request).await? {
                return self.again(request, &found).await;
            }
            let found = self.warehouse.describe_table(&request.table).await?;
            check_found(request, found.as_ref())?;
            let order = ordered(order, found.as_ref());
            let made = Saga::new(self, request, order).run().boxed().await?;
            Ok(created(request, &made, found.as_ref()))
        };
        let done = holding((&self.mappings, &self.clock), claim, create.boxed()).await?;
        self.give_up(claim).await;
        done
    }

    async fn ready_database(&self, request: &Request) -> Result<()> {
        let database = request.table.database();
        if self.warehouse.has_database(database).await? {
            return Ok(());
        }
        if request.spec.create_database {
            return self.warehouse.create_database(database, request.spec.on_cluster.as_deref()).await;
        }
        let message = "the database does not exist; create it, or ask for it with `createDatabase`";
        Err(Error::new(ErrorKind::NotFound, message).with("database", database.as_str()))
    }
}

/// Fails for a table that is there and cannot be taken.
pub(super) fn check_found(request: &Request, found: Option<&TableDescription>) -> Result<()> {
    let Some(found) = found else { return Ok(()) };
    if request.spec.existing_table == ExistingTable::Refuse {
        let message = "the table exists; choose another name, or allow it with `existingTable`";
        return Err(about(request, ErrorKind::AlreadyExists, message));
    }
    check_existing(&request.definition, request.spec.engine.is_some(), found)
}

/// The mapping to the table that is there, or is to be made.
pub(super) fn ordered(order: Mapping, found: Option<&TableDescription>) -> Mapping {
    match found {
        Some(found) => Mapping { table_uuid: found.uuid, ..order },
        None => Mapping { made: Made { table: true, ..order.made }, ..order },
    }
}

fn about(request: &Request, kind: ErrorKind, message: &str) -> Error {
    Error::new(kind, message).with("stream", &request.stream.name).with("table", request.table.plain())
}

/// The answer to whoever made it, and to whoever asks for the same later.
fn created(request: &Request, mapping: &Mapping, table: Option<&TableDescription>) -> TableCreated {
    let (what, create_table_query) = match table {
        Some(table) if !mapping.made.table => ("found", table.create_statement.clone()),
        _ => ("created", request.definition.clone().with_uuid(mapping.table_uuid).to_string()),
    };
    TableCreated {
        success: true,
        create_table_query,
        message: format!(
            "Table {} {what}; the stream {} fills it.",
            mapping.table.plain(),
            mapping.stream_name
        ),
        table_uuid: mapping.table_uuid,
        stream_arn: mapping.stream_arn.clone(),
        source_id: mapping.id(),
        warnings: request.warnings(),
    }
}
