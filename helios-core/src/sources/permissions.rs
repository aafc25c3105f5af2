//! The AWS permissions that Helios needs, each tried without an effect.

use std::{collections::HashMap, error::Error as StdError};

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_kinesis::types::ShardIteratorType;
use aws_sdk_sts::{
    config::http::HttpResponse,
    error::{ProvideErrorMetadata, SdkError},
};
use uuid::Uuid;

use super::{Check, CheckStatus, Delivery, Sources};
use crate::{Error, ErrorKind, Result, dynamo::DynamoTable, streams::error::from_sdk};

/// A stream, a function, an item that nobody has: whether one may ask for it is answered before whether it is there.
const NOBODYS: &str = "helios-permission-check";

/// Permissions, and what AWS said when they were tried.
#[derive(Default)]
struct Tried(Vec<Check>);

impl Tried {
    fn call<T, E>(&mut self, permission: &str, needed_for: &str, answer: Result<T, SdkError<E, HttpResponse>>)
    where
        E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
    {
        let check = match answer.map_err(from_sdk) {
            Ok(_) => Check::ok(permission, needed_for),
            Err(error) => refused(permission, needed_for, &error),
        };
        self.0.push(check);
    }

    fn untried(&mut self, permission: &str, needed_for: &str, why: &str) {
        let remedy = format!("{needed_for}; see the operator's policy in examples/deploy/template.yaml");
        self.0.push(Check::new(permission, CheckStatus::Unknown, why).remedy(remedy));
    }
}

/// What it means for a permission that a call with it was refused.
fn refused(permission: &str, needed_for: &str, error: &Error) -> Check {
    match error.kind() {
        ErrorKind::PermissionDenied => {
            let action = permission.split(' ').next().unwrap_or(permission);
            let remedy = format!(
                "allow {action} to whoever runs Helios; it is in the operator's policy of examples/deploy/template.yaml"
            );
            let what = format!("it is missing: {needed_for}");
            Check::new(permission, CheckStatus::Missing, what).remedy(remedy)
        }
        // It was let in, and asked for what is not there.
        ErrorKind::NotFound | ErrorKind::InvalidInput | ErrorKind::Conflict | ErrorKind::AlreadyExists => {
            Check::ok(permission, needed_for)
        }
        _ => Check::new(permission, CheckStatus::Unknown, error.text()).remedy("try again"),
    }
}

impl Tried {
    /// What is denied on a stream that nobody has may be allowed on those that there are.
    fn doubt_denials(&mut self) {
        for check in self.0.iter_mut().filter(|check| check.status == CheckStatus::Missing) {
            if check.check.starts_with("kinesis:") && check.check != "kinesis:ListStreams" {
                let why = "it is denied on a stream that is not there, which says nothing if it is allowed on some streams only";
                *check = Check::new(&check.check, CheckStatus::Unknown, why)
                    .remedy("`plan` a table of the stream that you mean: that tries it there");
            }
        }
    }
}

impl Sources {
    /// Whether a create needs this permission: of the ledger it needs the table only, and without a trigger nothing of Lambda.
    pub(super) fn is_for_create(&self, check: &Check, delivery: Delivery) -> bool {
        let permission = &*check.check;
        if let Some((action, table)) = permission.split_once(" on ") {
            let of_table = ["dynamodb:DescribeTable", "dynamodb:CreateTable"];
            return table == self.mappings.table().name || of_table.contains(&action);
        }
        permission == "kinesis:DescribeStreamSummary"
            || delivery == Delivery::Function && permission.starts_with("lambda:")
    }

    /// Tries the permission for each AWS call of Helios; for those of Kinesis on a stream, if one is named, by name or ARN.
    ///
    /// # Errors
    ///
    /// If there are no credentials or no region, so that nothing can be tried.
    pub(super) async fn permissions(&self, stream: Option<&str>) -> Result<Vec<Check>> {
        let mut tried = Tried::default();
        self.try_kinesis(&mut tried, stream.unwrap_or(NOBODYS)).await?;
        if stream.is_none() {
            tried.doubt_denials();
        }
        let mappings = self.mappings.table();
        try_table(&mut tried, mappings).await;
        let scanned = mappings.client.scan().table_name(&mappings.name).limit(1).send().await;
        tried.call(&format!("dynamodb:Scan on {}", mappings.name), "to create and list sources", scanned);
        try_table(&mut tried, self.ledger.table()).await;
        self.try_lambda(&mut tried).await;
        Ok(tried.0)
    }

    async fn try_kinesis(&self, tried: &mut Tried, stream: &str) -> Result<()> {
        let kinesis = self.session.kinesis().await?;
        let is_arn = stream.starts_with("arn:");
        let name = || (!is_arn).then(|| stream.to_owned());
        let arn = || is_arn.then(|| stream.to_owned());
        tried.call(
            "kinesis:ListStreams",
            "to list the streams there are",
            kinesis.list_streams().limit(1).send().await,
        );
        let call = kinesis.describe_stream_summary().set_stream_name(name()).set_stream_arn(arn());
        let why = "to find a stream, for all that is done with one";
        tried.call("kinesis:DescribeStreamSummary", why, call.send().await);
        let call = kinesis.list_shards().set_stream_name(name()).set_stream_arn(arn()).max_results(1);
        let listed = call.send().await;
        let shards = listed.as_ref().map_or(&[][..], |answer| answer.shards());
        let shard = shards.first().map_or("shardId-000000000000", |shard| shard.shard_id()).to_owned();
        tried.call("kinesis:ListShards", "to sample, consume, and report", listed);
        let why = "to sample, consume, and report";
        let call = kinesis.get_shard_iterator().set_stream_name(name()).set_stream_arn(arn()).shard_id(shard);
        let iterator = call.shard_iterator_type(ShardIteratorType::TrimHorizon).send().await;
        let position = iterator.as_ref().ok().and_then(|answer| answer.shard_iterator.clone());
        tried.call("kinesis:GetShardIterator", why, iterator);
        match position {
            Some(position) => {
                let call = kinesis.get_records().shard_iterator(position).limit(1);
                tried.call("kinesis:GetRecords", why, call.send().await);
            }
            None => {
                tried.untried(
                    "kinesis:GetRecords",
                    why,
                    "it takes a shard of a stream, and none was at hand",
                );
            }
        }
        Ok(())
    }

    async fn try_lambda(&self, tried: &mut Tried) {
        let (lambda, function) = (self.triggers.client(), self.triggers.function());
        let nobodys = Uuid::nil().to_string();
        let call = lambda.get_function_configuration().function_name(function);
        tried.call("lambda:GetFunctionConfiguration", "to find the delivery function", call.send().await);
        let call = lambda.list_event_source_mappings().function_name(function).max_items(1);
        tried.call("lambda:ListEventSourceMappings", "to find the trigger of a stream", call.send().await);
        let call = lambda.get_event_source_mapping().uuid(&nobodys);
        tried.call("lambda:GetEventSourceMapping", "to wait for a trigger", call.send().await);
        let call = lambda.update_event_source_mapping().uuid(&nobodys).enabled(false);
        tried.call("lambda:UpdateEventSourceMapping", "to start and stop a trigger", call.send().await);
        let call = lambda.delete_event_source_mapping().uuid(&nobodys);
        tried.call("lambda:DeleteEventSourceMapping", "to delete a trigger", call.send().await);
        // Of no stream AWS makes none, but it says first whether one may be made for this function.
        let call = lambda.create_event_source_mapping().function_name(function).enabled(false).send().await;
        let made = call.as_ref().ok().and_then(|made| made.uuid.clone());
        tried.call("lambda:CreateEventSourceMapping", "to make a trigger", call);
        if let Some(made) = made {
            // An emulator does make one.
            let deleted = lambda.delete_event_source_mapping().uuid(&made).send().await;
            if let Err(error) = deleted.map_err(from_sdk) {
                tracing::warn!(%error, trigger = made, "A trigger that was made to try it could not be deleted.");
            }
        }
    }
}

/// The permissions that are needed on both tables.
async fn try_table(tried: &mut Tried, table: &DynamoTable) {
    let (client, name) = (&table.client, &table.name);
    let on = |action: &str| format!("dynamodb:{action} on {name}");
    let described = client.describe_table().table_name(name).send().await;
    let exists = described.is_ok();
    tried.call(&on("DescribeTable"), "to create sources", described);
    let why = "to create the first source, unless the table is there";
    if exists {
        // What exists is not made again.
        match table.request() {
            Ok(call) => tried.call(&on("CreateTable"), why, call.send().await),
            Err(error) => tried.untried(&on("CreateTable"), why, &error.text()),
        }
    } else {
        tried.untried(&on("CreateTable"), why, "the table is not there yet, and trying would make it");
    }
    let call = client.get_item().table_name(name).set_key(Some(nobodys(table))).send().await;
    tried.call(&on("GetItem"), "to create, change and consume sources", call);
    let [first, _] = table.keys;
    let call = client
        .query()
        .table_name(name)
        .key_condition_expression(format!("{first} = :nobodys"))
        .expression_attribute_values(":nobodys", AttributeValue::S(NOBODYS.to_owned()))
        .limit(1);
    tried.call(&on("Query"), "to create, change, list and consume sources", call.send().await);
    let call = client.put_item().table_name(name).set_item(Some(nobodys(table)));
    let call = call.condition_expression(never(table)).send().await;
    tried.call(&on("PutItem"), "to create, change and consume sources", call);
    let call = client.delete_item().table_name(name).set_key(Some(nobodys(table)));
    let call = call.condition_expression(never(table)).send().await;
    tried.call(&on("DeleteItem"), "to remove sources, and to undo what fails", call);
}

/// The key of an item that nobody has.
fn nobodys(table: &DynamoTable) -> HashMap<String, AttributeValue> {
    table.keys.map(|key| (key.to_owned(), AttributeValue::S(NOBODYS.to_owned()))).into()
}

/// A condition that never holds.
fn never(table: &DynamoTable) -> String {
    let [first, _] = table.keys;
    format!("attribute_exists({first}) AND attribute_not_exists({first})")
}
