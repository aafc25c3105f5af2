//! The trigger: the Lambda event source mapping that hands a stream's batches to the delivery function.

use std::time::Duration;

use aws_sdk_lambda::{
    Client,
    error::ProvideErrorMetadata as _,
    types::{EventSourceMappingConfiguration, EventSourcePosition, FunctionResponseType},
};
use aws_smithy_types::DateTime;
use jiff::Timestamp;

use crate::{
    Error, ErrorKind, Result,
    clock::SharedClock,
    streams::{AwsSession, Position, error::from_sdk},
};

/// The delivery function unless the settings say otherwise.
pub const DEFAULT_FUNCTION: &str = "helios-delivery";

/// As many as Lambda allows: the payload, 6 MB, is the narrower limit.
const BATCH_SIZE: i32 = 10_000;
/// AWS asks for at least one second where a batch may have more than ten records.
const BATCHING_WINDOW_SECONDS: i32 = 1;
/// The most Lambda allows short of "for ever": what cannot be delivered for this long would be lost anyway.
const MAXIMUM_RETRIES: i32 = 10_000;
const MAXIMUM_RECORD_AGE_SECONDS: i32 = 604_800;
const STATE_POLL: Duration = Duration::from_secs(1);
/// AWS documents that a change of a trigger takes minutes.
const STATE_LIMIT: Duration = Duration::from_secs(600);

/// The triggers of one delivery function.
#[derive(Clone, Debug)]
pub struct Triggers {
    client: Client,
    function: String,
    clock: SharedClock,
}

/// A trigger that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Trigger {
    id: String,
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

    /// Fails unless the function exists.
    pub(super) async fn check_function(&self) -> Result<()> {
        match self.client.get_function_configuration().function_name(&self.function).send().await {
            Ok(_) => Ok(()),
            Err(error) if error.code() == Some("ResourceNotFoundException") => {
                let message = "the delivery function does not exist; deploy helios-lambda, \
                               or name the function in `delivery_function`";
                Err(self.about(Error::new(ErrorKind::NotFound, message)))
            }
            Err(error) => Err(self.about(from_sdk(error))),
        }
    }

    /// The trigger from this stream to the function, unless it is being deleted.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Conflict`] for one that would lose events, as somebody may have made by hand.
    pub(super) async fn find(&self, stream_arn: &str) -> Result<Option<Trigger>> {
        let mut pages = self
            .client
            .list_event_source_mappings()
            .event_source_arn(stream_arn)
            .function_name(&self.function)
            .into_paginator()
            .items()
            .send();
        while let Some(found) = pages.next().await {
            let found = found.map_err(|error| self.about(from_sdk(error)))?;
            if found.state.as_deref() != Some("Deleting") {
                return self.check(found).map(Some);
            }
        }
        Ok(None)
    }

    /// Fails for a trigger under which a batch that was not delivered would pass for delivered, or be cut.
    fn check(&self, found: EventSourceMappingConfiguration) -> Result<Trigger> {
        let reports =
            found.function_response_types().contains(&FunctionResponseType::ReportBatchItemFailures);
        let id =
            found.uuid.ok_or_else(|| self.about(Error::unexpected("AWS listed a trigger without an id")))?;
        let wrong = if !reports {
            "does not report batch item failures: events that are not delivered would be lost"
        } else if found.bisect_batch_on_function_error == Some(true) {
            "halves batches after an error: events could be doubled"
        } else if found.parallelization_factor.is_some_and(|factor| factor > 1) {
            "hands over several batches of a shard at once, in any order: events would pass for delivered"
        } else {
            return Ok(Trigger { id });
        };
        let message = format!("the stream has a trigger that {wrong}; change it or delete it");
        Err(self.about(Error::new(ErrorKind::Conflict, message).with("trigger", id)))
    }

    /// Makes a trigger that does not run yet. [`Position::Now`] is `now`: when the source's creation began.
    ///
    /// Returns the one that somebody else made meanwhile, if so.
    pub(super) async fn create(
        &self,
        stream_arn: &str,
        position: Position,
        now: Timestamp,
    ) -> Result<Trigger> {
        let request = self
            .client
            .create_event_source_mapping()
            .event_source_arn(stream_arn)
            .function_name(&self.function)
            .enabled(false)
            .batch_size(BATCH_SIZE)
            .maximum_batching_window_in_seconds(BATCHING_WINDOW_SECONDS)
            .maximum_retry_attempts(MAXIMUM_RETRIES)
            .maximum_record_age_in_seconds(MAXIMUM_RECORD_AGE_SECONDS)
            // A halved batch has other boundaries, and these name the insert.
            .bisect_batch_on_function_error(false)
            .function_response_types(FunctionResponseType::ReportBatchItemFailures);
        let request = match position {
            Position::Oldest => request.starting_position(EventSourcePosition::TrimHorizon),
            // Not LATEST: that is wherever the stream is once the trigger has started, minutes later.
            Position::Now => at(request, now),
            Position::At(timestamp) => at(request, timestamp),
        };
        match request.send().await {
            Ok(made) => {
                let id = made
                    .uuid
                    .ok_or_else(|| self.about(Error::unexpected("AWS made a trigger without an id")))?;
                Ok(Trigger { id })
            }
            // There is no token that would make the call repeatable: it may also have met its own first attempt.
            Err(error) if error.code() == Some("ResourceConflictException") => {
                match self.find(stream_arn).await? {
                    Some(trigger) => Ok(trigger),
                    None => Err(self.about(from_sdk(error))),
                }
            }
            Err(error) => Err(self.about(from_sdk(error))),
        }
    }

    /// Starts a trigger, if it does not run already.
    pub(super) async fn enable(&self, trigger: &Trigger) -> Result<()> {
        if self.settle(trigger).await?.as_deref() == Some("Enabled") {
            return Ok(());
        }
        let request = self.client.update_event_source_mapping().uuid(&trigger.id).enabled(true);
        request.send().await.map_err(|error| self.about(from_sdk(error)))?;
        Ok(())
    }

    /// Deletes a trigger; nothing if it is gone.
    pub(super) async fn delete(&self, trigger: &Trigger) -> Result<()> {
        if self.settle(trigger).await?.is_none() {
            return Ok(());
        }
        match self.client.delete_event_source_mapping().uuid(&trigger.id).send().await {
            Ok(_) => Ok(()),
            Err(error) if error.code() == Some("ResourceNotFoundException") => Ok(()),
            Err(error) => Err(self.about(from_sdk(error))),
        }
    }

    /// Waits until no change of the trigger is under way: until then AWS refuses the next. Returns its state, `None` if
    /// it is gone.
    pub(super) async fn settle(&self, trigger: &Trigger) -> Result<Option<String>> {
        let deadline = self.clock.now() + STATE_LIMIT;
        loop {
            let state = match self.client.get_event_source_mapping().uuid(&trigger.id).send().await {
                Ok(answer) => answer.state.unwrap_or_default(),
                Err(error) if error.code() == Some("ResourceNotFoundException") => return Ok(None),
                Err(error) => return Err(self.about(from_sdk(error))),
            };
            if !matches!(state.as_str(), "Creating" | "Deleting" | "Disabling" | "Enabling" | "Updating") {
                return Ok(Some(state));
            }
            if self.clock.now() > deadline {
                let message = format!("the trigger is still {state} after ten minutes");
                return Err(self.about(Error::new(ErrorKind::Timeout, message)));
            }
            self.clock.sleep(STATE_POLL).await;
        }
    }

    fn about(&self, error: Error) -> Error {
        error.with("function", &self.function)
    }
}

type CreateRequest =
    aws_sdk_lambda::operation::create_event_source_mapping::builders::CreateEventSourceMappingFluentBuilder;

fn at(request: CreateRequest, timestamp: Timestamp) -> CreateRequest {
    request.starting_position(EventSourcePosition::AtTimestamp).starting_position_timestamp(
        DateTime::from_nanos(timestamp.as_nanosecond()).unwrap_or(DateTime::from_secs(timestamp.as_second())),
    )
}
