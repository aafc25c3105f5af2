//! A clock that does not wait.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use futures_util::future::BoxFuture;
use helios_core::clock::Clock;
use jiff::Timestamp;

/// A clock on which time passes only by waiting, and waiting takes no time.
#[derive(Debug)]
pub struct SteppingClock {
    state: Mutex<(Timestamp, Vec<Duration>)>,
}

impl SteppingClock {
    /// A clock that shows `now`.
    #[must_use]
    pub const fn new(now: Timestamp) -> Self {
        Self { state: Mutex::new((now, Vec::new())) }
    }

    /// All waits so far.
    #[must_use]
    pub fn waits(&self) -> Vec<Duration> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).1.clone()
    }
}

impl Clock for SteppingClock {
    fn now(&self) -> Timestamp {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).0
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.0 = state.0.saturating_add(duration).unwrap_or(state.0);
        state.1.push(duration);
        Box::pin(std::future::ready(()))
    }
}
