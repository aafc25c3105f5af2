//! The statements under way, and how they are stopped.

use std::{
    collections::HashMap,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use uuid::Uuid;

/// How long the engine gets to notice one cancellation before the next: a statement that was not yet registered when
/// the first one came must not escape.
const RETRY: Duration = Duration::from_millis(10);

/// What makes a statement's thread go on when it waits for its client: it is called again and again, must not block,
/// and must not panic.
pub(crate) type Interrupt = Box<dyn FnMut() + Send>;

/// The statements under way.
#[derive(Default)]
pub(crate) struct Work {
    state: Mutex<State>,
    ended: Condvar,
}

#[derive(Default)]
struct State {
    closed: bool,
    statements: HashMap<Uuid, Statement>,
}

struct Statement {
    abandoned: bool,
    interrupt: Interrupt,
}

impl Work {
    /// Notes a statement. `false` if no more are taken.
    pub(crate) fn begin(&self, tag: Uuid, interrupt: Interrupt) -> bool {
        let mut state = self.lock();
        if !state.closed {
            state.statements.insert(tag, Statement { abandoned: false, interrupt });
        }
        !state.closed
    }

    pub(crate) fn end(&self, tag: &Uuid) {
        let ended = self.lock().statements.remove(tag);
        self.ended.notify_all();
        // It may close files: not under the lock.
        drop(ended);
    }

    /// Whether the statement has not ended.
    pub(crate) fn is_under_way(&self, tag: &Uuid) -> bool {
        self.lock().statements.contains_key(tag)
    }

    /// Whether somebody still waits for the statement.
    pub(crate) fn is_wanted(&self, tag: &Uuid) -> bool {
        self.lock().statements.get(tag).is_some_and(|statement| !statement.abandoned)
    }

    /// Stops a statement and waits for its end. `kill` tells the engine.
    pub(crate) fn stop(&self, tag: &Uuid, kill: impl Fn()) {
        while self.interrupt(tag) {
            kill();
            self.wait(|state| state.statements.contains_key(tag));
        }
    }

    /// Takes no more statements, stops all, and waits for their ends, but no longer than `limit`.
    pub(crate) fn stop_all(&self, limit: Duration, kill: impl Fn(&[Uuid])) {
        let started = Instant::now();
        self.lock().closed = true;
        loop {
            let tags: Vec<Uuid> = self.lock().statements.keys().copied().collect();
            if tags.is_empty() || started.elapsed() > limit {
                return;
            }
            for tag in &tags {
                self.interrupt(tag);
            }
            kill(&tags);
            self.wait(|state| !state.statements.is_empty());
        }
    }

    /// Marks the statement as abandoned and wakes its thread. `false` if it has ended.
    fn interrupt(&self, tag: &Uuid) -> bool {
        let mut state = self.lock();
        let Some(statement) = state.statements.get_mut(tag) else { return false };
        statement.abandoned = true;
        (statement.interrupt)();
        true
    }

    /// Waits while `condition` holds, but only until it is time to try again.
    fn wait(&self, mut condition: impl FnMut(&State) -> bool) {
        let state = self.lock();
        let outcome = self.ended.wait_timeout_while(state, RETRY, |state| condition(state));
        drop(outcome.unwrap_or_else(PoisonError::into_inner));
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
