//! The statements under way, and which of them have to stop.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::oneshot;
use uuid::Uuid;

use crate::stuck::{GRACE, StopReason, Stuck};

/// How long after a statement's time limit it is stopped from here. The engine, which stops it at the limit, has the better
/// message; but it does not look at the limit while it waits for a reader.
const LIMIT_LEEWAY: Duration = Duration::from_millis(500);

/// Makes a statement's thread go on when it waits for its client.
///
/// Called again and again; it must not block, and must not panic. `true` if it helped, so that it may soon help again.
pub(crate) type Wake = Arc<dyn Fn() -> bool + Send + Sync>;

/// How a statement's thread is interrupted.
pub(crate) struct Interrupt {
    pub(crate) wake: Wake,
    /// Whether waking takes from the result. Then what is left of it is no whole one, however the statement ends.
    pub(crate) spoils: bool,
}

/// A statement that is about to begin.
pub(crate) struct NewStatement {
    /// The client's name for it.
    pub(crate) query_id: String,
    pub(crate) interrupt: Interrupt,
    /// From its beginning.
    pub(crate) time_limit: Option<Duration>,
}

/// Why a statement may not begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// No more are taken.
    Closed,
    /// One with the same query id is under way.
    SameId,
}

/// How a statement has ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ending {
    /// Why it had to, if it had to.
    pub(crate) stopped: Option<StopReason>,
    /// Whether its result was spoiled by that.
    pub(crate) spoiled: bool,
}

/// What the control thread has to do.
#[derive(Default)]
pub(crate) struct Round {
    /// The statements that have to stop.
    pub(crate) tags: Vec<Uuid>,
    /// What wakes them.
    pub(crate) wakes: Vec<Wake>,
    /// Whether one of them was not in the round before.
    pub(crate) fresh: bool,
    /// Those that have just turned out to be stuck. Each is told once.
    pub(crate) stuck: Vec<Stuck>,
}

/// The statements under way.
#[derive(Default)]
pub(crate) struct Work {
    state: Mutex<State>,
    /// Something has ended: a statement, or the control thread.
    ended: Condvar,
    /// There is news for the control thread.
    changed: Condvar,
}

#[derive(Default)]
struct State {
    statements: HashMap<Uuid, Statement>,
    /// Whether the control thread runs.
    controlled: bool,
    /// Whether the control thread has to look before it is time to.
    news: bool,
    /// Until when it sleeps; without end if `None`.
    sleeps_until: Option<Instant>,
    /// Until when everything has to end. No more statements are taken.
    closing: Option<Instant>,
}

struct Statement {
    query_id: String,
    interrupt: Interrupt,
    time_limit: Option<Instant>,
    stop: Option<Stop>,
    /// Dropped at its end.
    waiting: Vec<oneshot::Sender<()>>,
}

/// That a statement has to stop.
struct Stop {
    reason: StopReason,
    since: Instant,
    /// Whether the control thread knows of it.
    seen: bool,
    /// Whether it was told to be stuck.
    told: bool,
}

impl Work {
    /// Notes a statement.
    pub(crate) fn begin(&self, tag: Uuid, new: NewStatement) -> Result<(), Refused> {
        let NewStatement { query_id, interrupt, time_limit } = new;
        let time_limit = time_limit.and_then(|limit| Instant::now().checked_add(limit));
        let mut state = self.lock();
        if state.closing.is_some() {
            return Err(Refused::Closed);
        }
        if state.statements.values().any(|statement| statement.query_id == query_id) {
            return Err(Refused::SameId);
        }
        let statement = Statement { query_id, interrupt, time_limit, stop: None, waiting: Vec::new() };
        let sleeps_on =
            statement.look_at().is_none_or(|at| state.sleeps_until.is_some_and(|until| until <= at));
        state.statements.insert(tag, statement);
        if !sleeps_on {
            self.announce(&mut state);
        }
        Ok(())
    }

    /// Notes the end of a statement.
    pub(crate) fn end(&self, tag: &Uuid) -> Ending {
        let mut state = self.lock();
        let ended = state.statements.remove(tag);
        if state.closing.is_some() {
            self.announce(&mut state);
        }
        drop(state);
        self.ended.notify_all();
        // Dropping it may close files: not under the lock.
        ended.map_or_else(Ending::default, |statement| {
            let stopped = statement.stop.map(|stop| stop.reason);
            Ending { stopped, spoiled: stopped.is_some() && statement.interrupt.spoils }
        })
    }

    /// The statement under way that its client calls so.
    pub(crate) fn find(&self, query_id: &str) -> Option<Uuid> {
        let state = self.lock();
        state.statements.iter().find(|(_, statement)| statement.query_id == query_id).map(|(tag, _)| *tag)
    }

    /// Why the statement has to stop, if it has to.
    pub(crate) fn stopped(&self, tag: &Uuid) -> Option<StopReason> {
        self.lock().statements.get(tag)?.stop.as_ref().map(|stop| stop.reason)
    }

    /// Has a statement stopped. What is returned is closed at its end; `None` if it has ended.
    pub(crate) fn stop(&self, tag: &Uuid) -> Option<oneshot::Receiver<()>> {
        let mut state = self.lock();
        let statement = state.statements.get_mut(tag)?;
        let (sender, ended) = oneshot::channel();
        statement.waiting.push(sender);
        statement.stop(StopReason::Abandoned, Instant::now());
        self.announce(&mut state);
        Some(ended)
    }

    /// Takes no more statements, and has all of them stopped until `deadline`.
    pub(crate) fn close(&self, deadline: Instant) {
        let mut state = self.lock();
        state.closing = state.closing.max(Some(deadline));
        self.announce(&mut state);
    }

    /// Whether no statement is under way.
    pub(crate) fn is_at_rest(&self) -> bool {
        self.lock().statements.is_empty()
    }

    /// Waits until no statement is under way and the control thread has ended, but no longer than until `deadline`. `false` if
    /// it is not so.
    pub(crate) fn wait_for_rest(&self, deadline: Instant) -> bool {
        let left = deadline.saturating_duration_since(Instant::now());
        let busy = |state: &mut State| state.controlled || !state.statements.is_empty();
        let outcome = self.ended.wait_timeout_while(self.lock(), left, busy);
        let (mut state, _) = outcome.unwrap_or_else(PoisonError::into_inner);
        !busy(&mut state)
    }

    /// Leave to be the control thread, until dropped, unless another is.
    pub(crate) fn control(self: &Arc<Self>) -> Option<Control> {
        let mut state = self.lock();
        let free = !std::mem::replace(&mut state.controlled, true);
        free.then(|| Control(Arc::clone(self)))
    }

    /// Waits for as long as this, unless there is news, and then for something to stop. `None` if there will be nothing
    /// any more, or no time for it.
    pub(crate) fn next_round(&self, pause: Duration) -> Option<Round> {
        let mut state = self.lock();
        let mut until = Some(Instant::now() + pause);
        loop {
            state.sleeps_until = until;
            state = self.sleep(state, until);
            state.news = false;
            let now = Instant::now();
            if state.closing.is_some_and(|deadline| deadline <= now || state.statements.is_empty()) {
                return None;
            }
            let round = state.round(now);
            if !round.tags.is_empty() {
                return Some(round);
            }
            until = state.statements.values().filter_map(Statement::look_at).min();
        }
    }

    fn sleep<'state>(
        &self,
        state: MutexGuard<'state, State>,
        until: Option<Instant>,
    ) -> MutexGuard<'state, State> {
        let Some(until) = until else {
            let outcome = self.changed.wait_while(state, |state| !state.news);
            return outcome.unwrap_or_else(PoisonError::into_inner);
        };
        let left = until.saturating_duration_since(Instant::now());
        let outcome = self.changed.wait_timeout_while(state, left, |state| !state.news);
        outcome.unwrap_or_else(PoisonError::into_inner).0
    }

    fn announce(&self, state: &mut State) {
        state.news = true;
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// What has to stop now.
    fn round(&mut self, now: Instant) -> Round {
        let mut round = Round::default();
        for (tag, statement) in &mut self.statements {
            if self.closing.is_some() {
                statement.stop(StopReason::Abandoned, now);
            }
            if let Some(limit) = statement.time_limit.filter(|limit| *limit + LIMIT_LEEWAY <= now) {
                statement.stop(StopReason::TimeLimit, limit);
            }
            let Some(stop) = &mut statement.stop else { continue };
            round.fresh |= !std::mem::replace(&mut stop.seen, true);
            let for_how_long = now.saturating_duration_since(stop.since);
            if for_how_long >= GRACE && !std::mem::replace(&mut stop.told, true) {
                let query_id = statement.query_id.clone();
                round.stuck.push(Stuck { query_id, reason: stop.reason, for_how_long });
            }
            round.tags.push(*tag);
            round.wakes.push(Arc::clone(&statement.interrupt.wake));
        }
        round
    }
}

impl Statement {
    /// Once: the first reason stays.
    fn stop(&mut self, reason: StopReason, since: Instant) {
        self.stop.get_or_insert(Stop { reason, since, seen: false, told: false });
    }

    /// When its time limit has to be looked at.
    fn look_at(&self) -> Option<Instant> {
        self.time_limit.filter(|_| self.stop.is_none())?.checked_add(LIMIT_LEEWAY)
    }
}

/// Being the control thread.
pub(crate) struct Control(Arc<Work>);

impl Drop for Control {
    fn drop(&mut self) {
        self.0.lock().controlled = false;
        self.0.ended.notify_all();
    }
}

impl fmt::Debug for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Control").finish_non_exhaustive()
    }
}
