//! The end of the interpreter.
//!
//! A thread that comes into the interpreter while it ends crashes the process on its way out, or is ended in the middle of
//! what it does. So the end waits for the threads of Helios that are in, and the others stay out.

use std::{
    cell::Cell,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    thread::{self, ThreadId},
};

use pyo3::prelude::*;

use crate::runtime::is_forked;

static DOOR: Door = Door { state: Mutex::new(State { inside: 0, ending: None }), left: Condvar::new() };

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
        let mut state = DOOR.lock();
        state.ending = Some(thread::current().id());
        while state.inside > 0 {
            state = DOOR.left.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    });
}

/// Whether the end has begun.
pub(crate) fn has_begun() -> bool {
    DOOR.lock().ending.is_some()
}

/// Does something in the interpreter; `None` if that ends.
pub(crate) fn attach<T>(work: impl FnOnce(Python<'_>) -> T) -> Option<T> {
    {
        let mut state = DOOR.lock();
        if state.is_shut() {
            return None;
        }
        state.inside += 1;
    }
    let _inside = Inside::new();
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

struct Inside;

impl Inside {
    fn new() -> Self {
        DEPTH.set(DEPTH.get() + 1);
        Self
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get() - 1);
        DOOR.lock().inside -= 1;
        DOOR.left.notify_all();
    }
}

/// Holds up a thread that has no interpreter to come back to. One that came in, such as a function of the caller's that has called
/// Helios in turn, has one: the end waits for it.
pub(crate) fn stay_out() {
    while DEPTH.get() == 0 && DOOR.lock().is_shut() {
        thread::park();
    }
}
