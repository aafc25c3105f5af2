//! Bringing the engine to rest before the process ends.
//!
//! At its end a process destroys ClickHouse's static objects while ClickHouse's threads still run. A statement under way
//! then crashes the process on its way out. So the engine is stopped before, by a handler that is registered later than the
//! static objects are. If a statement cannot be stopped, such as one that waits for another host, the process ends without
//! the rest of its exit handlers.
//!
//! In a fork those threads are not there, and the static objects would wait for them for ever: it ends without.

#![expect(unsafe_code, reason = "the standard library has no way to be called at the end of the process")]

use std::{
    ffi::{c_int, c_void},
    ptr,
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::engine;

// glibc's own, whose handlers are told the status that a fork has to end with.
#[cfg(target_env = "gnu")]
unsafe extern "C" {
    safe fn on_exit(handler: extern "C" fn(c_int, *mut c_void), argument: *mut c_void) -> c_int;
    fn fflush(stream: *mut c_void) -> c_int;
    safe fn _exit(status: c_int) -> !;
}

#[cfg(not(target_env = "gnu"))]
unsafe extern "C" {
    safe fn atexit(handler: extern "C" fn()) -> c_int;
}

/// The process that runs the engine. In a fork of it the engine's threads are not there, and must not be waited for.
static OWNER: OnceLock<u32> = OnceLock::new();

/// Calls of [`note_progress`].
static NOTED: AtomicU64 = AtomicU64::new(0);

thread_local! {
    /// The main thread's destructors run before any exit handler: who registers one there is the last.
    static THREAD: OnThreadEnd = const { OnThreadEnd };
}

struct OnThreadEnd;

impl Drop for OnThreadEnd {
    fn drop(&mut self) {
        if OWNER.get().is_some() && rustix::thread::gettid() == rustix::process::getpid() {
            register();
        }
    }
}

/// Has the engine, whose first connection is open, stopped when the process ends: before its own destructors, as it was
/// loaded earlier.
pub(crate) fn stop_before() {
    OWNER.get_or_init(std::process::id);
    note_thread();
    register();
}

/// To be called where the main thread may come by.
pub(crate) fn note_thread() {
    THREAD.with(|_| ());
}

/// The main thread comes by when this library is loaded, as a rule before `main`. Later it may never do: a program can leave
/// all its queries to other threads.
#[cfg(target_os = "linux")]
#[used]
#[unsafe(link_section = ".init_array")]
static WHEN_LOADED: extern "C" fn() = {
    extern "C" fn note() {
        note_thread();
    }
    note
};

/// To be called when a statement gives its first output, and when it ends: its first use of something may have made
/// static objects, and those are destroyed before the exit handlers that were registered before them. So the handler is
/// registered again, at first each time, later ever more rarely.
pub(crate) fn note_progress() {
    const EACH_TIME: u64 = 32;
    let count = NOTED.fetch_add(1, Ordering::Relaxed) + 1;
    if count <= EACH_TIME || count.is_power_of_two() {
        register();
    }
}

fn register() {
    if register_handler() != 0 {
        tracing::warn!(
            "A process that ends with statements under way may crash: no exit handler could be set."
        );
    }
}

#[cfg(target_env = "gnu")]
fn register_handler() -> c_int {
    extern "C" fn handler(status: c_int, _: *mut c_void) {
        if is_forked() || !engine::stop() {
            // SAFETY: a null pointer stands for all streams; a fork has its own copy of what they hold.
            unsafe { fflush(ptr::null_mut()) };
            _exit(status);
        }
    }
    on_exit(handler, ptr::null_mut())
}

#[cfg(not(target_env = "gnu"))]
fn register_handler() -> c_int {
    extern "C" fn handler() {
        engine::stop_before_exit();
    }
    atexit(handler)
}

/// Ends the process without its exit handlers, which may wait for threads that do not listen any more.
#[cfg(feature = "process")]
pub(crate) fn at_once(status: u8) -> ! {
    #[cfg(target_env = "gnu")]
    _exit(c_int::from(status));
    #[cfg(not(target_env = "gnu"))]
    std::process::abort();
}

/// Whether this process is a fork of the one that has run an engine. A system call, without a lock.
pub(crate) fn is_forked() -> bool {
    OWNER.get().is_some_and(|owner| *owner != std::process::id())
}
