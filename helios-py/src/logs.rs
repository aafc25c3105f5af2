//! What the library logs, as records of Python's `logging`.
//!
//! `pyo3-log` does the same, but comes into the interpreter wherever something is logged: on the threads that run futures, which
//! do not wait for it, and while it ends, which crashes the process. Here a thread of its own does, and whoever waits for an
//! operation, so that what was logged meanwhile is there when it returns.

use std::{
    cell::Cell,
    collections::VecDeque,
    sync::{
        Condvar, Mutex, MutexGuard, Once, PoisonError,
        atomic::{AtomicU8, Ordering},
    },
    thread,
    time::Duration,
};

use helios_core::{LogLine, take_log_lines};
use pyo3::{
    intern,
    prelude::*,
    types::{PyDict, PyModule},
};
use tracing::{Level, level_filters::LevelFilter};

use crate::{exit, runtime::is_forked};

/// A program that never reads its logs keeps so many, the newest.
const CAPACITY: usize = 10_000;
/// `logging`'s own level as long as nobody has set another.
const WARNING: u8 = 30;

/// What `logging` lets pass of Helios, by its own numbers: less is not even put into words.
static THRESHOLD: AtomicU8 = AtomicU8::new(WARNING);
static QUEUE: Queue = Queue {
    state: Mutex::new(State { records: VecDeque::new(), handing: 0 }),
    came: Condvar::new(),
    handed: Condvar::new(),
};
/// How long an operation waits for a handler that another thread has called.
const PATIENCE: Duration = Duration::from_millis(100);

thread_local! {
    /// Whether this thread hands over records: what is logged meanwhile is for the next time.
    static HANDS_OVER: Cell<bool> = const { Cell::new(false) };
}

struct Queue {
    state: Mutex<State>,
    came: Condvar,
    handed: Condvar,
}

struct State {
    records: VecDeque<Record>,
    /// How many threads hand over records that they have taken.
    handing: usize,
}

struct Record {
    logger: String,
    level: u8,
    text: String,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, record: Record) {
        let records = &mut self.lock().records;
        if records.len() == CAPACITY {
            records.pop_front();
        }
        records.push_back(record);
        self.came.notify_one();
    }

    fn wait(&self) {
        let state = self.lock();
        let waited = self.came.wait_while(state, |state| state.records.is_empty());
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    fn take(&self) -> VecDeque<Record> {
        let mut state = self.lock();
        state.handing += 1;
        std::mem::take(&mut state.records)
    }

    fn is_busy(&self) -> bool {
        self.lock().handing > 0
    }

    fn handed_over(&self) {
        self.lock().handing -= 1;
        self.handed.notify_all();
    }

    /// Waits, but not for ever: a handler may wait for the caller in turn.
    fn wait_for_others(&self) {
        let state = self.lock();
        let waited = self.handed.wait_timeout_while(state, PATIENCE, |state| state.handing > 0);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }
}

/// Begins to collect what is logged, and asks what of it is wanted.
pub(crate) fn begin(py: Python<'_>) {
    static BEGUN: Once = Once::new();
    BEGUN.call_once(|| {
        // Nobody else is in this library to have set another.
        drop(take_log_lines(is_wanted, |LogLine { level, target, text }| {
            QUEUE.push(Record { logger: logger(&target), level: number(level), text });
        }));
        // Without it, what is logged comes with the end of the next operation.
        drop(thread::Builder::new().name("helios-log".into()).spawn(|| {
            loop {
                QUEUE.wait();
                if exit::attach(hand_over).is_none() {
                    return;
                }
            }
        }));
    });
    ask(py);
}

/// Has the end of the interpreter hand over what is left.
pub(crate) fn watch(py: Python<'_>) -> PyResult<()> {
    let hand_over = wrap_pyfunction!(hand_over, py)?;
    py.import("atexit")?.call_method1("register", (hand_over,)).map(drop)
}

/// Hands over what was logged during an operation, and asks what is wanted of the next.
#[pyfunction]
pub(crate) fn hand_over(py: Python<'_>) {
    // A thread of the parent may have the lock for ever.
    if is_forked() {
        return;
    }
    if HANDS_OVER.replace(true) {
        // A handler has called Helios.
        return;
    }
    for Record { logger, level, text } in QUEUE.take() {
        // What a handler raises is for `logging`, and it has its own way with that.
        drop(log(py, &logger, level, &text));
    }
    QUEUE.handed_over();
    if QUEUE.is_busy() {
        py.detach(|| QUEUE.wait_for_others());
    }
    HANDS_OVER.set(false);
    ask(py);
}

fn log(py: Python<'_>, logger: &str, level: u8, text: &str) -> PyResult<()> {
    let logger = py.import(intern!(py, "logging"))?.call_method1(intern!(py, "getLogger"), (logger,))?;
    logger.call_method1(intern!(py, "log"), (level, "%s", text)).map(drop)
}

/// A program that does not use `logging` does not get it for this.
fn ask(py: Python<'_>) {
    let level = || -> PyResult<Option<u8>> {
        let modules =
            py.import(intern!(py, "sys"))?.getattr(intern!(py, "modules"))?.cast_into::<PyDict>()?;
        let Some(logging) = modules.get_item(intern!(py, "logging"))? else { return Ok(None) };
        let logging = logging.cast_into::<PyModule>()?;
        let logger = logging.call_method1(intern!(py, "getLogger"), (intern!(py, "helios"),))?;
        let level: u64 = logger.call_method0(intern!(py, "getEffectiveLevel"))?.extract()?;
        Ok(Some(u8::try_from(level).unwrap_or(u8::MAX)))
    };
    THRESHOLD.store(level().ok().flatten().unwrap_or(WARNING), Ordering::Relaxed);
}

fn is_wanted(level: Level) -> bool {
    number(level) >= THRESHOLD.load(Ordering::Relaxed)
}

/// A level as `logging` counts them. It has none below `DEBUG`.
fn number(level: Level) -> u8 {
    match LevelFilter::from_level(level) {
        LevelFilter::ERROR => 40,
        LevelFilter::WARN => WARNING,
        LevelFilter::INFO => 20,
        LevelFilter::DEBUG => 10,
        _ => 5,
    }
}

/// `helios_core::delivery::worker` is `helios.core.delivery.worker`.
fn logger(target: &str) -> String {
    target.replacen("helios_", "helios.", 1).replace("::", ".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loggers_are_named_as_python_names_them() {
        assert_eq!(logger("helios_core::delivery::worker"), "helios.core.delivery.worker");
        assert_eq!(logger("helios_embedded::engine"), "helios.embedded.engine");
    }

    #[test]
    fn levels_are_those_of_logging() {
        let levels = [Level::ERROR, Level::WARN, Level::INFO, Level::DEBUG, Level::TRACE];
        assert_eq!(levels.map(number), [40, 30, 20, 10, 5]);
    }
}
