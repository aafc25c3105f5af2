//! The one thread of an engine that stops statements.
//!
//! One for all of them: each `KILL QUERY` looks at every statement of the engine under one lock, so a thread for each
//! statement makes them wait for each other, the more the more there are to stop.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::{Duration, Instant},
};

use crate::{
    engine::Running,
    stuck::{OnStuck, Stuck},
};

/// How long the engine gets to notice a first cancellation before the next: a statement that was not yet registered when
/// the first one came must not escape.
const FIRST_PAUSE: Duration = Duration::from_millis(10);

/// The pause doubles up to this one: who has not noticed by then will not notice sooner for being told more often.
const LONGEST_PAUSE: Duration = Duration::from_millis(250);

/// How long a writer that was woken gets to fill its pipe again. A statement that was cancelled still writes what it has of its
/// block, which can be a hundred megabytes.
const WAKE_PAUSE: Duration = Duration::from_millis(1);

/// Stops what has to stop, until the engine is closed and at rest.
pub(crate) fn run(engine: &Running) {
    let mut pause = FIRST_PAUSE;
    let mut next_kill = Instant::now();
    let mut wait = Duration::ZERO;
    while let Some(round) = engine.work().next_round(wait) {
        for stuck in &round.stuck {
            tell(engine.on_stuck(), stuck);
        }
        if round.fresh {
            pause = FIRST_PAUSE;
        }
        // First: what is woken begins its next block otherwise.
        if round.fresh || Instant::now() >= next_kill {
            engine.kill(&round.tags);
            next_kill = Instant::now() + pause;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        // All of them: each makes room in a pipe that its writer may be waiting for.
        let mut helped = false;
        for wake in &round.wakes {
            helped |= wake();
        }
        wait = if helped { WAKE_PAUSE } else { next_kill.saturating_duration_since(Instant::now()) };
    }
}

fn tell(callback: Option<OnStuck>, stuck: &Stuck) {
    let Stuck { query_id, reason, for_how_long } = stuck;
    tracing::warn!(query_id, ?for_how_long, "A statement does not end although {reason}.");
    if let Some(callback) = callback
        && catch_unwind(AssertUnwindSafe(|| callback(stuck))).is_err()
    {
        tracing::error!(query_id, "What `on_stuck` was given has panicked.");
    }
}
