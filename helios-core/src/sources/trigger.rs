//! The trigger: the Lambda event source mapping that hands a stream's batches to the delivery function.

use std::{collections::HashMap, num::NonZeroU32, time::Duration};

use aws_sdk_lambda::{
    Client,
    error::ProvideErrorMetadata as _,
    operation::create_event_source_mapping::builders::CreateEventSourceMappingFluentBuilder,
    types::{
        DestinationConfig, EventSourceMappingConfiguration, EventSourcePosition, FunctionResponseType,
        OnFailure,
    },
};
use aws_smithy_types::DateTime;
use jiff::Timestamp;
use serde::Serialize;

use super::{batching::Batching, create::Request, patience::patiently};
use crate::{
    Error, ErrorKind, Result,
    clock::SharedClock,
    streams::{AwsSession, Position, error::from_sdk},
};

/// The delivery function unless the settings say otherwise.
pub const DEFAULT_FUNCTION: &str = "helios-delivery";

/// The most Lambda allows short of "for ever": what cannot be delivered for this long would be lost anyway.
const MAXIMUM_RETRIES: i32 = 10_000;
const MAXIMUM_RECORD_AGE_SECONDS: i32 = 604_800;
/// With fewer attempts, or a shorter time, a trigger gives up batches during an outage of an hour.
const FEW_RETRIES: i32 = 100;
const SHORT_RECORD_AGE_SECONDS: i32 = 3_600;
const STATE_POLL: Duration = Duration::from_secs(1);
/// AWS documents that a change of a trigger takes minutes.
const STATE_LIMIT: Duration = Duration::from_secs(600);
/// For so long a trigger may be said to be in use after it has settled.
const IN_USE_LIMIT: Duration = Duration::from_secs(300);
/// A role that was made a moment ago is not known everywhere yet.
const ROLE_LIMIT: Duration = Duration::from_secs(120);
const THROTTLED_LIMIT: Duration = Duration::from_secs(60);
/// What Lambda says, as an invalid parameter, of a role that is not known everywhere yet.
const ROLE_TEXTS: [&str; 3] = [
    "cannot be assumed by Lambda",
    "execution role does not have permissions",
    "ensure the role can perform",
];

/// The triggers of one delivery function.
#[derive(Clone, Debug)]
pub struct Triggers {
    client: Client,
    function: String,
    clock: SharedClock,
}

/// A trigger that is there, as AWS shows it.
///
/// On the wire: `{"id", "state": "Enabled", "lastResult", "batchSize", "windowSeconds"}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Trigger {
    /// Its UUID in AWS.
    pub id: String,
    /// AWS' word for its state: `"Enabled"`, `"Disabled"`, `"Creating"`, ….
    pub state: String,
    /// AWS' word for what became of the last batch: `"OK"`, `"PROBLEM: …"`, `"No records processed"`.
    pub last_result: Option<String>,
    /// How the records are put together.
    #[serde(flatten)]
    pub batching: Batching,
    #[serde(skip)]
    on_failure: Option<String>,
    /// Why it must not be used.
    #[serde(skip)]
    wrong: Option<&'static str>,
    /// Whether it gives up early on batches that cannot be delivered.
    #[serde(skip)]
    gives_up: bool,
}

impl Trigger {
    fn of(found: EventSourceMappingConfiguration) -> Option<Self> {
        let size = |size: Option<i32>| size.and_then(|size| u32::try_from(size).ok()).unwrap_or_default();
        let reports =
            found.function_response_types().contains(&FunctionResponseType::ReportBatchItemFailures);
        let filters = found.filter_criteria.as_ref().is_some_and(|criteria| !criteria.filters().is_empty());
        let wrong = if !reports {
            Some("does not report batch item failures: events that are not delivered would be lost")
        } else if found.bisect_batch_on_function_error == Some(true) {
            Some("halves batches after an error: events could be doubled")
        } else if found.parallelization_factor.is_some_and(|factor| factor > 1) {
            Some(
                "hands over several batches of a shard at once, in any order: events would pass for delivered",
            )
        } else if filters || found.filter_criteria_error.is_some() {
            Some("has `FilterCriteria`: events that the filter leaves out would be lost silently")
        } else if found.tumbling_window_in_seconds.is_some_and(|seconds| seconds > 0) {
            Some("has a tumbling window: its batches cannot be acknowledged in part")
        } else {
            None
        };
        // -1 means no limit: such a trigger gives up nothing that could still be delivered.
        let limits = |limit: Option<i32>, least: i32| limit.is_some_and(|limit| (0..least).contains(&limit));
        let gives_up = limits(found.maximum_retry_attempts, FEW_RETRIES)
            || limits(found.maximum_record_age_in_seconds, SHORT_RECORD_AGE_SECONDS);
        let destination = found.destination_config.and_then(|destinations| destinations.on_failure);
        Some(Self {
            id: found.uuid?,
            state: found.state.unwrap_or_default(),
            last_result: found.last_processing_result,
            batching: Batching {
                batch_size: size(found.batch_size),
                window_seconds: size(found.maximum_batching_window_in_seconds),
            },
            on_failure: destination.and_then(|on_failure| on_failure.destination),
            wrong,
            gives_up,
        })
    }

    /// A warning, if its limits put events at risk.
    pub(crate) fn warning(&self) -> Option<String> {
        self.gives_up.then(|| {
            format!(
                "the trigger gives up a batch after fewer than {FEW_RETRIES} attempts or less than \
                 {SHORT_RECORD_AGE_SECONDS} s: in a longer outage of ClickHouse, events are lost once they have left the \
                 stream; set `MaximumRetryAttempts` to {MAXIMUM_RETRIES} and \
                 `MaximumRecordAgeInSeconds` to {MAXIMUM_RECORD_AGE_SECONDS}"
            )
        })
    }

    fn is_changing(&self) -> bool {
        matches!(&*self.state, "Creating" | "Deleting" | "Disabling" | "Enabling" | "Updating")
    }

    /// Whether it runs, or is about to.
    pub(super) fn is_enabled(&self) -> bool {
        matches!(&*self.state, "Enabled" | "Enabling")
    }

    /// Fails for a trigger under which a batch that was not delivered would pass for delivered, or be cut.
    pub(crate) fn check(&self) -> Result<()> {
        let Some(wrong) = self.wrong else { return Ok(()) };
        let message = format!("the stream has a trigger that {wrong}; change it or delete it");
        Err(Error::new(ErrorKind::Conflict, message).with("trigger", &self.id))
    }

    /// How it differs from what is asked for. The tables of a stream share it.
    pub(super) fn differences(&self, order: &TriggerOrder) -> Vec<String> {
        let mut differences = Vec::new();
        let Batching { batch_size, window_seconds } = self.batching;
        if order.asked_batch_size.is_some_and(|asked| asked != batch_size) {
            differences.push(format!(
                "it hands over at most {batch_size} records, not {}",
                order.batching.batch_size
            ));
        }
        if order.asked_window_seconds.is_some_and(|asked| asked != window_seconds) {
            let asked = order.batching.window_seconds;
            differences.push(format!("it gathers records for {window_seconds} seconds, not {asked}"));
        }
        if order.on_failure.is_some() && self.on_failure != order.on_failure {
            let own = self.on_failure.as_deref().unwrap_or("nowhere");
            differences.push(format!("what it gives up goes to {own}"));
        }
        differences
    }
}

/// How a trigger is to be made.
#[derive(Clone, Debug)]
pub(super) struct TriggerOrder {
    /// [`Position::Now`] is when the source's creation began.
    pub(super) position: Position,
    pub(super) created_on: Timestamp,
    pub(super) batching: Batching,
    /// What of that somebody wants so.
    pub(super) asked_batch_size: Option<u32>,
    pub(super) asked_window_seconds: Option<u32>,
    pub(super) on_failure: Option<String>,
}

impl TriggerOrder {
    /// The trigger of a source that is created then.
    pub(super) fn of(request: &Request, created_on: Timestamp) -> Self {
        let Request { spec, batching, .. } = request;
        Self {
            position: spec.start_position,
            created_on,
            batching: *batching,
            asked_batch_size: spec.batch_size.map(NonZeroU32::get),
            asked_window_seconds: spec.batching_window_seconds,
            on_failure: spec.on_failure.clone(),
        }
    }
}

impl Triggers {
    /// The triggers of that function, given by name or ARN.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ConfigInvalid`] if the session has no region, [`ErrorKind::Unauthenticated`] if it has no
    /// credentials.
    pub async fn open(session: &AwsSession, function: impl Into<String>, clock: SharedClock) -> Result<Self> {
        Ok(Self { client: Client::new(&session.sdk_config().await?), function: function.into(), clock })
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    pub(super) fn function(&self) -> &str {
        &self.function
    }

    /// Fails unless the function exists.
    pub(super) async fn check_function(&self) -> Result<()> {
        let get = || async move {
            match self.client.get_function_configuration().function_name(&self.function).send().await {
                Ok(_) => Ok(()),
                Err(error) if error.code() == Some("ResourceNotFoundException") => {
                    let message = "the delivery function does not exist; deploy helios-lambda, \
                                   or name the function in `delivery_function`";
                    Err(Error::new(ErrorKind::NotFound, message))
                }
                Err(error) => Err(from_sdk(error)),
            }
        };
        let found = patiently(&self.clock, THROTTLED_LIMIT, is_throttled, get).await;
        found.map_err(|error| self.about(error))
    }

    /// The trigger from this stream to the function, unless it is being deleted.
    pub(crate) async fn find(&self, stream_arn: &str) -> Result<Option<Trigger>> {
        let found = self.list(Some(stream_arn)).await?.remove(stream_arn);
        Ok(found.filter(|trigger| trigger.state != "Deleting"))
    }

    /// The triggers of the function, by their streams' ARNs.
    pub(super) async fn list(&self, stream_arn: Option<&str>) -> Result<HashMap<String, Trigger>> {
        let list = || self.pages(stream_arn);
        let listed = patiently(&self.clock, THROTTLED_LIMIT, is_throttled, list).await;
        listed.map_err(|error| self.about(error))
    }

    async fn pages(&self, stream_arn: Option<&str>) -> Result<HashMap<String, Trigger>> {
        let mut pages = self
            .client
            .list_event_source_mappings()
            .set_event_source_arn(stream_arn.map(str::to_owned))
            .function_name(&self.function)
            .into_paginator()
            .items()
            .send();
        let mut triggers = HashMap::<String, Trigger>::new();
        while let Some(found) = pages.next().await {
            let found = found.map_err(from_sdk)?;
            let (Some(stream), Some(trigger)) = (found.event_source_arn.clone(), Trigger::of(found)) else {
                continue;
            };
            // Of one that goes and one that comes, the one that comes.
            if triggers.get(&stream).is_none_or(|other| other.state == "Deleting") {
                triggers.insert(stream, trigger);
            }
        }
        Ok(triggers)
    }

    /// Makes a trigger that does not run yet.
    ///
    /// Returns the one that somebody else made meanwhile, if so.
    pub(super) async fn create(&self, stream_arn: &str, order: &TriggerOrder) -> Result<Trigger> {
        let request = self
            .client
            .create_event_source_mapping()
            .event_source_arn(stream_arn)
            .function_name(&self.function)
            .enabled(false)
            .batch_size(signed(order.batching.batch_size))
            .maximum_batching_window_in_seconds(signed(order.batching.window_seconds))
            .maximum_retry_attempts(MAXIMUM_RETRIES)
            .maximum_record_age_in_seconds(MAXIMUM_RECORD_AGE_SECONDS)
            // A halved batch has other boundaries, and these name the insert.
            .bisect_batch_on_function_error(false)
            .function_response_types(FunctionResponseType::ReportBatchItemFailures)
            .set_destination_config(order.on_failure.as_ref().map(|arn| {
                let on_failure = OnFailure::builder().destination(arn).build();
                DestinationConfig::builder().on_failure(on_failure).build()
            }));
        let request = match order.position {
            Position::Oldest => request.starting_position(EventSourcePosition::TrimHorizon),
            // Not LATEST: that is wherever the stream is once the trigger has started, minutes later.
            Position::Now => at(request, order.created_on),
            Position::At(timestamp) => at(request, timestamp),
        };
        let request = &request;
        let create = || async move {
            match request.clone().send().await {
                Ok(made) => made.uuid.ok_or_else(|| Error::unexpected("AWS made a trigger without an id")),
                // There is no token that would make the call repeatable: it may also have met its own first attempt, or one
                // that is being deleted.
                Err(error) if error.code() == Some("ResourceConflictException") => {
                    match self.find(stream_arn).await? {
                        Some(trigger) => Ok(trigger.id),
                        None => Err(from_sdk(error)),
                    }
                }
                Err(error) => Err(from_sdk(error)),
            }
        };
        let passes = |error: &Error| is_role_unknown(error) || is_busy(error);
        let id =
            patiently(&self.clock, ROLE_LIMIT, passes, create).await.map_err(|error| self.about(error))?;
        self.settle(&id).await?.ok_or_else(|| {
            self.about(Error::new(ErrorKind::Conflict, "the trigger was deleted as soon as it was made"))
        })
    }

    /// Starts a trigger, or stops it, and waits until it has settled.
    pub(super) async fn set_enabled(&self, trigger: &Trigger, enabled: bool) -> Result<()> {
        let change = || async move {
            let Some(now) = self.settle(&trigger.id).await? else {
                return Err(Error::new(ErrorKind::NotFound, "the trigger was deleted"));
            };
            if now.is_enabled() == enabled {
                return Ok(());
            }
            let request = self.client.update_event_source_mapping().uuid(&trigger.id).enabled(enabled);
            request.send().await.map_err(from_sdk)?;
            self.settle(&trigger.id).await.map(drop)
        };
        let changed = patiently(&self.clock, IN_USE_LIMIT, is_busy, change).await;
        changed.map_err(|error| self.about(error).with("trigger", &trigger.id))
    }

    /// Deletes a trigger; nothing if it is gone. Waits until AWS has done so.
    pub(super) async fn delete(&self, trigger: &Trigger) -> Result<()> {
        let delete = || async move {
            if self.settle(&trigger.id).await?.is_none() {
                return Ok(());
            }
            match self.client.delete_event_source_mapping().uuid(&trigger.id).send().await {
                Ok(_) => self.settle(&trigger.id).await.map(drop),
                Err(error) if error.code() == Some("ResourceNotFoundException") => Ok(()),
                Err(error) => Err(from_sdk(error)),
            }
        };
        let deleted = patiently(&self.clock, IN_USE_LIMIT, is_busy, delete).await;
        deleted.map_err(|error| self.about(error).with("trigger", &trigger.id))
    }

    /// Waits until no change of the trigger is under way: until then AWS refuses the next. `None` if it is gone.
    pub(super) async fn settle(&self, id: &str) -> Result<Option<Trigger>> {
        let deadline = self.clock.now().saturating_add(STATE_LIMIT);
        loop {
            let get = || async move {
                match self.client.get_event_source_mapping().uuid(id).send().await {
                    Ok(answer) => Ok(Some(answer)),
                    Err(error) if error.code() == Some("ResourceNotFoundException") => Ok(None),
                    Err(error) => Err(from_sdk(error)),
                }
            };
            let Some(answer) = patiently(&self.clock, THROTTLED_LIMIT, is_throttled, get).await? else {
                return Ok(None);
            };
            let found = EventSourceMappingConfiguration::builder()
                .uuid(id)
                .set_state(answer.state)
                .set_batch_size(answer.batch_size)
                .set_maximum_batching_window_in_seconds(answer.maximum_batching_window_in_seconds)
                .set_function_response_types(answer.function_response_types)
                .set_destination_config(answer.destination_config)
                .set_bisect_batch_on_function_error(answer.bisect_batch_on_function_error)
                .set_parallelization_factor(answer.parallelization_factor)
                .set_filter_criteria(answer.filter_criteria)
                .set_filter_criteria_error(answer.filter_criteria_error)
                .set_tumbling_window_in_seconds(answer.tumbling_window_in_seconds)
                .set_maximum_retry_attempts(answer.maximum_retry_attempts)
                .set_maximum_record_age_in_seconds(answer.maximum_record_age_in_seconds)
                .build();
            let Some(trigger) = Trigger::of(found) else { return Ok(None) };
            if !trigger.is_changing() {
                return Ok(Some(trigger));
            }
            if deadline.as_ref().is_ok_and(|deadline| self.clock.now() > *deadline) {
                let message = format!("the trigger is still {} after ten minutes", trigger.state);
                return Err(Error::new(ErrorKind::Timeout, message).retryable(true));
            }
            self.clock.sleep(STATE_POLL).await;
        }
    }

    fn about(&self, error: Error) -> Error {
        error.with("function", &self.function)
    }
}

fn signed(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

fn is_throttled(error: &Error) -> bool {
    error.kind() == ErrorKind::LimitExceeded && error.is_retryable()
}

/// AWS has not come to the end of an earlier change, or wants to be asked less often.
fn is_busy(error: &Error) -> bool {
    is_throttled(error)
        || matches!(error.aws_code(), Some("ResourceInUseException" | "ResourceConflictException"))
}

fn is_role_unknown(error: &Error) -> bool {
    error.aws_code() == Some("InvalidParameterValueException")
        && ROLE_TEXTS.iter().any(|text| error.message().contains(text))
}

fn at(
    request: CreateEventSourceMappingFluentBuilder,
    timestamp: Timestamp,
) -> CreateEventSourceMappingFluentBuilder {
    request.starting_position(EventSourcePosition::AtTimestamp).starting_position_timestamp(
        DateTime::from_nanos(timestamp.as_nanosecond()).unwrap_or(DateTime::from_secs(timestamp.as_second())),
    )
}
