//! What a create would do, and what would keep it from that. Nothing is made.

use serde::Serialize;

use super::{
    Batching, Check, CheckStatus, CreateTable, Delivery, SchemaCheck, Sources,
    create::{Request, check_found},
    saga::fits,
    trigger::TriggerOrder,
};
use crate::{
    ErrorKind, Result,
    delivery::{BATCH_COLUMN, BATCH_TYPE, add_batch_column, ownership, quarantine},
    streams,
    warehouse::{TableDefinition, TableDescription},
};

/// What a create would do.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CreatePlan {
    /// Whether nothing is known that would make it fail.
    pub possible: bool,
    /// What would make it fail, and what to do, for a person.
    pub obstacles: Vec<String>,
    /// What it would do, in order.
    pub steps: Vec<PlanStep>,
    /// The table's statement: the one that would be run, or the one of the table that is there.
    pub create_table_query: String,
    /// The stream's ARN. `null` if it may not be described.
    #[serde(rename = "streamARN")]
    pub stream_arn: Option<String>,
    /// How many open shards the stream has.
    pub shards: Option<u32>,
    /// How the stream's records would be put together for the function. `null` if a consumer delivers.
    pub batching: Option<Batching>,
    /// How many inserts back the table would recognise a repeated one.
    pub deduplication_window: u64,
    /// What the table would make of the stream's present events. `null` if they could not be sampled.
    pub sample: Option<SchemaCheck>,
    /// The AWS permissions that are missing, or of which that could not be found out.
    pub permissions: Vec<Check>,
    /// What puts the delivery at risk, for a person.
    pub warnings: Vec<String>,
}

/// One step of a create.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct PlanStep {
    /// What it is about: `"database"`, `"table"`, `"batchColumn"`, `"quarantine"`, `"mapping"`, `"trigger"`.
    pub what: String,
    /// What becomes of it.
    pub action: PlanAction,
    /// In words.
    pub detail: String,
}

/// Whether the rows of an insert into a table can be counted.
pub(super) fn is_counted(table: &TableDescription) -> bool {
    table.materialized.iter().any(|(name, data_type)| name == BATCH_COLUMN && data_type == BATCH_TYPE)
}

/// The warning for a table whose rows cannot be counted, if the request does not add the column.
fn uncounted(request: &Request, found: &TableDescription) -> Option<String> {
    let has_another = found.columns.iter().map(|column| &column.name).any(|name| name == BATCH_COLUMN)
        || found.materialized.iter().any(|(name, _)| name == BATCH_COLUMN);
    if has_another && !is_counted(found) {
        return Some(format!(
            "the table has a column `{BATCH_COLUMN}` that is not {BATCH_TYPE} MATERIALIZED, so the rows of an insert cannot be \
             counted: if ClickHouse crashes, or the table changes during an insert, rows may be missing or doubled. Rename it, \
             and set `addBatchColumn`"
        ));
    }
    let is_safe = is_counted(found) || request.spec.add_batch_column;
    (!is_safe).then(|| {
        format!(
            "the table has no column `{BATCH_COLUMN}`, so the rows of an insert cannot be counted: if ClickHouse \
             crashes, or the table changes during an insert, rows may be missing or doubled. Set `addBatchColumn` to \
             add the column"
        )
    })
}

/// What a step does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum PlanAction {
    /// It is made.
    Create,
    /// It is there, and taken as it is.
    Use,
}

impl PlanStep {
    fn new(what: &str, is_there: bool, detail: impl Into<String>) -> Self {
        let action = if is_there { PlanAction::Use } else { PlanAction::Create };
        Self { what: what.to_owned(), action, detail: detail.into() }
    }
}

/// A plan in the making.
struct Draft {
    obstacles: Vec<String>,
    steps: Vec<PlanStep>,
    warnings: Vec<String>,
}

impl Draft {
    /// Takes what was found; an error is an obstacle.
    fn take<T>(&mut self, found: Result<T>) -> Option<T> {
        found.map_err(|error| self.obstacles.push(error.text().into_owned())).ok()
    }
}

impl Sources {
    /// Looks at all that a create with this request would, and says what it would do.
    ///
    /// # Errors
    ///
    /// For a request that no stream and no ClickHouse could meet: [`ErrorKind::InvalidInput`]; and without credentials. What
    /// else would keep the create from its end is among the plan's obstacles.
    pub async fn plan(&self, spec: &CreateTable, sample: Option<SchemaCheck>) -> Result<CreatePlan> {
        Request::check(spec)?;
        let mut draft = Draft { obstacles: Vec::new(), steps: Vec::new(), warnings: Vec::new() };
        let stream = match streams::describe(&self.session, &spec.stream_name).await {
            Err(error) if matches!(error.kind(), ErrorKind::Unauthenticated | ErrorKind::InvalidInput) => {
                return Err(error);
            }
            described => draft.take(described),
        };
        let permissions = self.permissions(Some(&spec.stream_name)).await?;
        let permissions: Vec<_> =
            permissions.into_iter().filter(|check| check.status != CheckStatus::Ok).collect();
        let missing = permissions
            .iter()
            .filter(|check| check.status == CheckStatus::Missing && self.is_for_create(check, spec.delivery));
        draft.obstacles.extend(missing.map(|check| format!("the permission {} is missing", check.check)));
        let shards = stream.as_ref().map(|stream| stream.open_shards);
        let batching = Batching::of(spec, shards.unwrap_or(1))?;
        let deduplication_window = batching.deduplication_window(shards.unwrap_or(1));
        let definition = spec.definition(deduplication_window)?;
        let found = self.plan_table(&mut draft, spec, &definition).await;
        let create_table_query =
            found.as_ref().map_or_else(|| definition.to_string(), |found| found.create_statement.clone());
        let stream_arn = stream.as_ref().map(|stream| stream.arn.clone());
        let mut warnings = Vec::new();
        if let Some(stream) = stream {
            let request = Request::new(spec, stream)?;
            warnings = request.warnings();
            warnings.extend(found.as_ref().and_then(|found| uncounted(&request, found)));
            self.plan_source(&mut draft, &request, found.as_ref()).await;
            warnings.append(&mut draft.warnings);
        }
        // It was looked at before the shards were known.
        let query = create_table_query.clone();
        let sample = sample.map(|sample| SchemaCheck { create_table_query: query, ..sample });
        Ok(CreatePlan {
            possible: draft.obstacles.is_empty(),
            obstacles: draft.obstacles,
            steps: draft.steps,
            create_table_query,
            stream_arn,
            shards,
            batching: (spec.delivery == Delivery::Function).then_some(batching),
            deduplication_window,
            sample,
            permissions,
            warnings,
        })
    }

    /// The database and the table, which may be there.
    async fn plan_table(
        &self,
        draft: &mut Draft,
        spec: &CreateTable,
        definition: &TableDefinition,
    ) -> Option<TableDescription> {
        let name = definition.name();
        let database = name.database();
        let has_database = draft.take(self.warehouse.has_database(database).await)?;
        draft.steps.push(PlanStep::new("database", has_database, database.as_str()));
        if !has_database && !spec.create_database {
            let obstacle = format!(
                "the database {} does not exist; create it, or ask for it with `createDatabase`",
                database.as_str()
            );
            draft.obstacles.push(obstacle);
        }
        let found = draft.take(self.warehouse.describe_table(name).await)?;
        draft.steps.push(PlanStep::new("table", found.is_some(), name.plain()));
        if let Some(found) = found.as_ref().filter(|_| spec.add_batch_column) {
            let statement = add_batch_column(name, spec.on_cluster.as_deref());
            draft.steps.push(PlanStep::new("batchColumn", is_counted(found), statement));
        }
        found
    }

    /// What is kept of a source beside its table.
    async fn plan_source(&self, draft: &mut Draft, request: &Request, found: Option<&TableDescription>) {
        draft.take(ownership::check_stream(&self.warehouse, &request.stream.arn));
        draft.take(ownership::refuse_foreign(&self.warehouse, &request.table).await);
        let existing = draft.take(self.source_of(request).await).flatten();
        match &existing {
            Some(mapping) if request.is_of(mapping) => {}
            Some(_) => {
                let obstacle = "the stream feeds this table already, and was asked to in another way; `remove` its source first";
                draft.obstacles.push(obstacle.to_owned());
            }
            None => {
                draft.take(check_found(request, found));
            }
        }
        if let Some(Some(holder)) = draft.take(self.mappings.claim_on(&request.table).await)
            && !holder.is_abandoned(self.clock.now())
        {
            draft.obstacles.push("somebody else is at this table: try again in a minute".to_owned());
        }
        let detail = format!("{} into {}", request.stream.name, request.table.plain());
        draft.steps.push(PlanStep::new("mapping", existing.is_some(), detail));
        let quarantine = format!("{}.{}", quarantine::DATABASE, request.table.table().as_str());
        draft.steps.push(PlanStep::new("quarantine", existing.is_some(), quarantine));
        if request.spec.delivery == Delivery::Consumer {
            return;
        }
        draft.take(self.triggers.check_function().await);
        let Some(trigger) = draft.take(self.triggers.find(&request.stream.arn).await) else { return };
        let order = TriggerOrder::of(request, self.clock.now());
        let is_there = trigger.is_some();
        if let Some(trigger) = trigger {
            draft.take(trigger.check());
            draft.warnings.extend(trigger.warning());
            if existing.is_none() {
                draft.take(fits(&trigger, &order));
            }
        }
        let Batching { batch_size, window_seconds } = order.batching;
        let detail = format!(
            "from {} to {}, from {} on, at most {batch_size} records every {window_seconds} s",
            request.stream.name,
            self.triggers.function(),
            request.spec.start_position
        );
        draft.steps.push(PlanStep::new("trigger", is_there, detail));
    }
}
