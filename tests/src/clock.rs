//! Clocks that do not wait, that are ahead, that run fast.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use futures_util::future::BoxFuture;
use helios_core::clock::{Clock, SystemClock};
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

/// The computer's clock, ahead by so much.
#[derive(Clone, Copy, Debug)]
pub struct LaterClock(pub Duration);

impl Clock for LaterClock {
    fn now(&self) -> Timestamp {
        let now = SystemClock.now();
        now.saturating_add(self.0).unwrap_or(now)
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        SystemClock.sleep(duration)
    }
}

/// A clock that runs so many times as fast as the computer's, from now on.
#[derive(Clone, Copy, Debug)]
pub struct FastClock {
    started: Timestamp,
    times: u32,
}

impl FastClock {
    /// A clock that runs so many times as fast.
    #[must_use]
    pub fn new(times: u32) -> Self {
        Self { started: SystemClock.now(), times }
    }
}

impl Clock for FastClock {
    fn now(&self) -> Timestamp {
        let since = SystemClock.now().duration_since(self.started).unsigned_abs();
        self.started.saturating_add(since * self.times).unwrap_or(self.started)
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        SystemClock.sleep(duration / self.times)
    }
}
