//! How the engine's process ended.

use std::{fmt, io};

use crate::stuck::StopReason;

/// The engine's process ended. The effect of the request that it was executing is unknown.
#[derive(Clone, Debug)]
pub struct EngineEnded {
    why: String,
    restarts: bool,
    stuck: Option<StuckStatement>,
}

/// The statement that did not stop, because of which the engine's process was ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StuckStatement {
    /// The client's name for the statement.
    pub query_id: String,
    /// Why the statement had to stop.
    pub reason: StopReason,
}

impl EngineEnded {
    pub(super) fn new(why: impl Into<String>) -> Self {
        Self { why: why.into(), restarts: true, stuck: None }
    }

    /// The end that [`EngineProcess::shutdown`](super::EngineProcess::shutdown) brings.
    pub(super) fn by_shutdown() -> Self {
        Self { restarts: false, ..Self::new("it was shut down") }
    }

    pub(super) fn because_of(self, stuck: Option<StuckStatement>) -> Self {
        Self { stuck, ..self }
    }

    /// The reason, such as `signal 11`.
    #[must_use]
    pub fn why(&self) -> &str {
        &self.why
    }

    /// Whether the engine is being restarted.
    #[must_use]
    pub fn restarts(&self) -> bool {
        self.restarts
    }

    /// The statement that did not stop, if that is the reason. Executed again, it will not stop either.
    #[must_use]
    pub fn stuck_statement(&self) -> Option<&StuckStatement> {
        self.stuck.as_ref()
    }

    /// Looks for this error in another one and its sources.
    #[must_use]
    pub fn find<'error>(error: &'error (dyn std::error::Error + 'static)) -> Option<&'error Self> {
        let this = |error: &'error (dyn std::error::Error + 'static)| {
            // What an I/O error holds is not its source.
            let held = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
            error.downcast_ref().or_else(|| held.and_then(|held| held.downcast_ref()))
        };
        std::iter::successors(Some(error), |error| error.source()).find_map(this)
    }
}

impl fmt::Display for EngineEnded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the engine's process has ended ({})", self.why)
    }
}

impl std::error::Error for EngineEnded {}

impl From<EngineEnded> for io::Error {
    fn from(ended: EngineEnded) -> Self {
        Self::new(io::ErrorKind::ConnectionReset, ended)
    }
}
