//! How fast passwords may be tried at a listener.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Mutex as Queue, MutexGuard},
    time::{Instant, sleep_until},
};

/// Each wrong password counts for this long: 20 a second.
const INTERVAL: Duration = Duration::from_millis(50);
/// So many may be given in quick succession before attempts wait.
const BURST: u32 = 20;

/// Slows attempts down after many wrong passwords, of all clients together: they share one address.
///
/// Attempts then wait for each other, those with the right password, too: a quicker answer would tell which one is right. The
/// queue is fair, so a client with the right password waits until those before it are done, and no longer.
#[derive(Debug, Default)]
pub(crate) struct Attempts {
    queue: Queue<()>,
    failures: Mutex<Failures>,
}

/// Leave for one attempt. Others wait for its end if it had to wait itself.
#[derive(Debug)]
pub(crate) struct Turn<'a>(#[expect(dead_code, reason = "held")] Option<MutexGuard<'a, ()>>);

impl Attempts {
    /// Waits until an attempt may be made.
    pub(crate) async fn turn(&self) -> Turn<'_> {
        if self.opens() <= Some(Instant::now()) {
            return Turn(None);
        }
        let turn = self.queue.lock().await;
        if let Some(opens) = self.opens() {
            sleep_until(opens).await;
        }
        Turn(Some(turn))
    }

    /// Counts a wrong password.
    pub(crate) fn failed(&self) {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).add(Instant::now());
    }

    fn opens(&self) -> Option<Instant> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).open_at()
    }
}

/// Until when all wrong passwords so far count, one after the other.
#[derive(Debug, Default)]
struct Failures {
    counted_until: Option<Instant>,
}

impl Failures {
    fn add(&mut self, now: Instant) {
        let from = self.counted_until.map_or(now, |until| until.max(now));
        self.counted_until = Some(from + INTERVAL);
    }

    /// From when on the next attempt may be made; `None`, or a time in the past: at once.
    fn open_at(&self) -> Option<Instant> {
        self.counted_until.and_then(|until| until.checked_sub(INTERVAL * BURST))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_then_one_an_interval() {
        let now = Instant::now() + Duration::from_secs(3600);
        let mut failures = Failures::default();
        assert_eq!(failures.open_at(), None);
        for _ in 0..BURST {
            assert!(failures.open_at() <= Some(now));
            failures.add(now);
        }
        assert_eq!(failures.open_at(), Some(now));
        failures.add(now);
        assert_eq!(failures.open_at(), Some(now + INTERVAL));
        failures.add(now + INTERVAL);
        assert_eq!(failures.open_at(), Some(now + INTERVAL * 2));
        // All of them are forgotten after a while.
        let later = now + Duration::from_secs(60);
        failures.add(later);
        assert!(failures.open_at() <= Some(later));
    }

    #[tokio::test]
    async fn after_many_wrong_passwords_attempts_wait_for_each_other() {
        let attempts = Attempts::default();
        for _ in 0..BURST + 10 {
            attempts.failed();
        }
        let first = attempts.turn().await;
        attempts.failed();
        assert!(attempts.queue.try_lock().is_err(), "the first one is at its attempt");
        drop(first);
        drop(attempts.turn().await);
    }
}
