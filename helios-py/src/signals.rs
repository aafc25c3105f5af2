//! The process's handlers of signals that mean a crash, kept over a library that installs its own.

#![expect(unsafe_code, reason = "handlers are C's, and there is no safe way to them")]

use std::{mem::MaybeUninit, ptr};

/// Those that ClickHouse installs handlers for.
const SIGNALS: [libc::c_int; 8] = [
    libc::SIGILL,
    libc::SIGTRAP,
    libc::SIGABRT,
    libc::SIGBUS,
    libc::SIGFPE,
    libc::SIGSEGV,
    libc::SIGTSTP,
    libc::SIGSYS,
];

/// What the process does on the signals: often nothing of its own, or `faulthandler`.
pub(crate) struct Handlers(Vec<(libc::c_int, libc::sigaction)>);

impl Handlers {
    pub(crate) fn current() -> Self {
        let mut handlers = Vec::with_capacity(SIGNALS.len());
        for signal in SIGNALS {
            let mut action = MaybeUninit::uninit();
            // SAFETY: `action` is valid for writes; a null pointer changes no handler.
            if unsafe { libc::sigaction(signal, ptr::null(), action.as_mut_ptr()) } == 0 {
                // SAFETY: the call has succeeded, and so has filled it.
                handlers.push((signal, unsafe { action.assume_init() }));
            }
        }
        Self(handlers)
    }

    pub(crate) fn restore(&self) {
        for (signal, action) in &self.0 {
            // SAFETY: the action was the signal's own a moment ago; what it calls belongs to Python, which is still there.
            unsafe { libc::sigaction(*signal, action, ptr::null_mut()) };
        }
    }
}
