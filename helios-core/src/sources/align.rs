//! The trigger as the mappings of its stream want it.

use super::{
    CreateTable, Delivery, Mapping, MappingState, Sources, batching::Batching, trigger::TriggerOrder,
};
use crate::{
    Error, ErrorKind, Result,
    streams::{self, Position},
};

/// Mappings may change while the trigger does; then it is looked at again, but not for ever.
const ROUNDS: u32 = 8;

/// What a trigger should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    Running,
    Stopped,
    Gone,
}

impl Wanted {
    fn by(mappings: &[Mapping]) -> Self {
        let any = |states: &[MappingState]| {
            mappings
                .iter()
                .any(|mapping| mapping.delivery == Delivery::Function && states.contains(&mapping.state))
        };
        if any(&[MappingState::Active]) {
            Self::Running
        } else if any(&[MappingState::Pending, MappingState::Paused]) {
            Self::Stopped
        } else {
            Self::Gone
        }
    }
}

impl Sources {
    /// Starts, stops or deletes the trigger of a stream: it runs for an active source, and goes with the last.
    pub(super) async fn align(&self, stream_arn: &str) -> Result<()> {
        self.align_unless(stream_arn, |_| false).await
    }

    /// The same, but leaves a trigger without a source where it is not for us to delete.
    pub(super) async fn align_but_keep(&self, stream_arn: &str) -> Result<()> {
        self.align_unless(stream_arn, |wanted| wanted == Wanted::Gone).await
    }

    async fn align_unless(&self, stream_arn: &str, leave: impl Fn(Wanted) -> bool) -> Result<()> {
        for _ in 0..ROUNDS {
            let wanted = Wanted::by(&self.mappings.of_stream_in_any_state(stream_arn).await?);
            if leave(wanted) {
                return Ok(());
            }
            match (wanted, self.triggers.find(stream_arn).await?) {
                (Wanted::Running, Some(trigger)) => self.triggers.set_enabled(&trigger, true).await?,
                (Wanted::Stopped, Some(trigger)) => self.triggers.set_enabled(&trigger, false).await?,
                (Wanted::Gone, Some(trigger)) => self.triggers.delete(&trigger).await?,
                (Wanted::Running, None) => {
                    let message = "the stream has no trigger any more: `repair` makes it again";
                    return Err(Error::new(ErrorKind::Conflict, message).with("stream", stream_arn));
                }
                (Wanted::Stopped | Wanted::Gone, None) => {}
            }
            // A source that was paused or resumed meanwhile may have seen the trigger as it was before.
            if Wanted::by(&self.mappings.of_stream_in_any_state(stream_arn).await?) == wanted {
                return Ok(());
            }
        }
        let message = "the sources of the stream change faster than its trigger";
        Err(Error::new(ErrorKind::Conflict, message).with("stream", stream_arn).retryable(true))
    }

    /// Makes the trigger of a stream again, where it was deleted by hand. `true` if it was made.
    ///
    /// It begins where the first of its tables began: what they have of that is passed over, by the ledger.
    pub(super) async fn replace_trigger(&self, stream_arn: &str) -> Result<bool> {
        let mappings = self.mappings.of_stream_in_any_state(stream_arn).await?;
        if Wanted::by(&mappings) == Wanted::Gone || self.triggers.find(stream_arn).await?.is_some() {
            return Ok(false);
        }
        let triggered = mappings.iter().filter(|mapping| mapping.delivery == Delivery::Function);
        let first = triggered.min_by_key(|mapping| match mapping.start_position {
            Position::At(time) => Some(time),
            Position::Oldest | Position::Now => None,
        });
        let Some(first) = first else { return Ok(false) };
        let stream = streams::describe(&self.session, stream_arn).await?;
        let spec = first
            .request
            .clone()
            .unwrap_or_else(|| CreateTable::new(stream_arn, first.table.table().as_str(), []));
        let order = TriggerOrder {
            position: first.start_position,
            created_on: first.created_on,
            batching: Batching::of(&spec, stream.open_shards)?,
            asked_batch_size: None,
            asked_window_seconds: None,
            on_failure: spec.on_failure,
        };
        self.triggers.create(stream_arn, &order).await?;
        Ok(true)
    }
}
