//! Statements that do not end when they should.

use std::{fmt, sync::Arc, time::Duration};

/// How long a statement may take to end once it has been told to.
pub(crate) const GRACE: Duration = Duration::from_secs(2);

/// Why a statement has to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "process",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "snake_case")
)]
#[non_exhaustive]
pub enum StopReason {
    /// Nobody waits for it: its client has gone, it was killed by its `query_id`, or the engine is closing.
    Abandoned,
    /// The `max_execution_time` of its request has passed.
    TimeLimit,
}

impl fmt::Display for StopReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Abandoned => "nobody waits for it",
            Self::TimeLimit => "its time limit has passed",
        })
    }
}

/// A statement that still runs two seconds after it had to end.
///
/// ClickHouse looks for cancellation between blocks, and a single call of some functions takes minutes. Such a statement
/// can only be ended with its process.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stuck {
    /// The client's name for the statement.
    pub query_id: String,
    /// Why it has to end.
    pub reason: StopReason,
    /// How long ago it had to.
    pub for_how_long: Duration,
}

/// What is called with a stuck statement.
pub(crate) type OnStuck = Arc<dyn Fn(&Stuck) + Send + Sync>;
