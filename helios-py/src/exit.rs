//! The end of the interpreter.
//!
//! A thread that comes into the interpreter while it ends crashes the process on its way out, or is ended in the middle of
//! what it does. So the end waits for the threads of Helios that are in, and the others stay out. There are two doors: calls
//! of the engine are needed to stop the engine, so theirs is shut only after that.

use std::{
    cell::Cell,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    thread::{self, ThreadId},
    time::Duration,
};

use helios_embedded::stop_before_exit;
use pyo3::prelude::*;

use crate::runtime::is_forked;

/// Of all but the engine.
static DOOR: Door = Door::open();

/// Of those that call the engine. The package comes back into the interpreter by itself from each call.
static ENGINE: Door = Door::open();

/// How long calls of an engine that was stopped may take.
const ENGINE_LIMIT: Duration = Duration::from_secs(5);

struct Door {
    state: Mutex<State>,
    left: Condvar,
}

struct State {
    /// How many threads are in, or wait for their turn.
    inside: usize,
    /// The thread that ends the interpreter, once it does.
    ending: Option<ThreadId>,
}

impl Door {
    const fn open() -> Self {
        Self { state: Mutex::new(State { inside: 0, ending: None }), left: Condvar::new() }
    }

    /// `None` if it is shut.
    fn enter(&'static self) -> Option<Inside> {
        let mut state = self.lock();
        if state.is_shut() {
            return None;
        }
        state.inside += 1;
        drop(state);
        DEPTH.set(DEPTH.get() + 1);
        Some(Inside { door: self })
    }

    /// For all but this thread.
    fn shut(&self) {
        self.lock().ending = Some(thread::current().id());
    }

    /// Waits until nobody is in, but no longer than `limit`.
    fn wait_for_the_last(&self, limit: Duration) {
        let state = self.lock();
        let empty = self.left.wait_timeout_while(state, limit, |state| state.inside > 0);
        drop(empty.unwrap_or_else(PoisonError::into_inner));
    }

    /// Held for moments only, and never while waiting for the interpreter.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn is_shut(&self) -> bool {
        self.ending.is_some_and(|thread| thread != thread::current().id())
    }
}

/// Has the end noticed.
pub(crate) fn watch(py: Python<'_>) -> PyResult<()> {
    let begin = wrap_pyfunction!(begin, py)?;
    py.import("atexit")?.call_method1("register", (begin,)).map(drop)
}

/// Called by Python once all its threads but the daemons have ended.
#[pyfunction]
pub(crate) fn begin(py: Python<'_>) {
    // The threads of the parent, in or not, are not in its fork.
    if is_forked() {
        return;
    }
    py.detach(|| {
        DOOR.shut();
        DOOR.wait_for_the_last(Duration::MAX);
    });
}

/// Stops the engine, which its door is still open for, and then shuts it.
pub(crate) fn stop_engine(py: Python<'_>) {
    if is_forked() {
        return;
    }
    py.detach(|| {
        let stopped = stop_before_exit();
        ENGINE.shut();
        // A statement that goes on may do so for ever.
        if stopped {
            ENGINE.wait_for_the_last(ENGINE_LIMIT);
        }
    });
}

/// Whether the end has begun.
pub(crate) fn has_begun() -> bool {
    DOOR.lock().ending.is_some()
}

/// Does something in the interpreter; `None` if that ends.
pub(crate) fn attach<T>(work: impl FnOnce(Python<'_>) -> T) -> Option<T> {
    let _inside = DOOR.enter()?;
    Python::try_attach(work)
}

/// As [`attach`], for what calls the engine, or waits for those who do.
pub(crate) fn attach_for_engine<T>(work: impl FnOnce(Python<'_>) -> T) -> Option<T> {
    let _inside = ENGINE.enter()?;
    Python::try_attach(work)
}

/// As [`attach`], for what waits outside of the interpreter meanwhile: the end does not wait for it.
pub(crate) fn visit<T>(work: impl FnOnce(Python<'_>) -> T) -> Option<T> {
    if DOOR.lock().is_shut() {
        return None;
    }
    Python::try_attach(work)
}

thread_local! {
    /// How often the thread has come in, one time within the other.
    static DEPTH: Cell<usize> = const { Cell::new(0) };
}

struct Inside {
    door: &'static Door,
}

impl Drop for Inside {
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get() - 1);
        self.door.lock().inside -= 1;
        self.door.left.notify_all();
    }
}

/// Holds up a thread that has no interpreter to come back to. One that came in, such as a function of the caller's that has called
/// Helios in turn, has one: the end waits for it.
pub(crate) fn stay_out() {
    while DEPTH.get() == 0 && DOOR.lock().is_shut() {
        thread::park();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{self, RecvTimeoutError};

    use super::*;

    fn door() -> &'static Door {
        Box::leak(Box::new(Door::open()))
    }

    #[test]
    fn a_door_that_is_shut_lets_in_only_who_shut_it() {
        let door = door();
        assert!(thread::spawn(|| door.enter().is_some()).join().unwrap());
        door.shut();
        assert!(thread::spawn(|| door.enter().is_none()).join().unwrap());
        assert!(door.enter().is_some());
    }

    #[test]
    fn who_is_in_is_waited_for() {
        let door = door();
        let inside = door.enter();
        let (sender, empty) = mpsc::channel();
        let host = thread::spawn(move || {
            door.shut();
            door.wait_for_the_last(Duration::MAX);
            sender.send(()).unwrap();
        });
        assert_eq!(empty.recv_timeout(Duration::from_millis(100)), Err(RecvTimeoutError::Timeout));
        drop(inside);
        assert_eq!(empty.recv_timeout(Duration::from_secs(60)), Ok(()));
        host.join().unwrap();
    }

    #[test]
    fn who_stays_is_not_waited_for_ever() {
        let door = door();
        let _inside = door.enter();
        door.wait_for_the_last(Duration::from_millis(1));
        assert_eq!(door.lock().inside, 1);
    }
}
