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

/// What makes a statement's thread go on when it waits for its client.
pub(crate) struct Interrupt {
    /// Called again and again; it must not block, and must not panic.
    pub(crate) wake: Box<dyn FnMut() + Send>,
    /// Whether waking takes from the result. Then what is left of it is no whole one, however the statement ends.
    pub(crate) spoils: bool,
}

/// Why a statement may not begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// No more are taken.
    Closed,
    /// One with the same query id is under way.
    SameId,
}

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
    /// The client's name for it.
    query_id: String,
    abandoned: bool,
    interrupt: Interrupt,
}

impl Work {
    /// Notes a statement.
    pub(crate) fn begin(&self, tag: Uuid, query_id: String, interrupt: Interrupt) -> Result<(), Refused> {
        let mut state = self.lock();
        if state.closed {
            return Err(Refused::Closed);
        }
        if state.statements.values().any(|statement| statement.query_id == query_id) {
            return Err(Refused::SameId);
        }
        state.statements.insert(tag, Statement { query_id, abandoned: false, interrupt });
        Ok(())
    }

    /// Notes the end of a statement. `true` if its result was spoiled by an interruption.
    pub(crate) fn end(&self, tag: &Uuid) -> bool {
        let ended = self.lock().statements.remove(tag);
        self.ended.notify_all();
        // Dropping it may close files: not under the lock.
        ended.is_some_and(|statement| statement.abandoned && statement.interrupt.spoils)
    }

    /// The statement under way that its client calls so.
    pub(crate) fn find(&self, query_id: &str) -> Option<Uuid> {
        let state = self.lock();
        state.statements.iter().find(|(_, statement)| statement.query_id == query_id).map(|(tag, _)| *tag)
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

    /// Takes no more statements, stops all, and waits for their ends, but no longer than `limit`. `false` if one goes on.
    pub(crate) fn stop_all(&self, limit: Duration, kill: impl Fn(&[Uuid])) -> bool {
        let started = Instant::now();
        self.lock().closed = true;
        loop {
            let tags: Vec<Uuid> = self.lock().statements.keys().copied().collect();
            if tags.is_empty() || started.elapsed() > limit {
                return tags.is_empty();
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
        (statement.interrupt.wake)();
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
