//! Functions of the caller's that a call calls.

#![expect(unsafe_code, reason = "the C ABI: the caller's functions are called")]

use std::ffi::{c_char, c_int, c_void};

use serde::Serialize;
use tokio::task::block_in_place;

use crate::text::c_text;

/// What a call tells on the way: the pointer that was given to the call, and all that was done so far as JSON, which lives
/// until it returns. 0: go on. Anything else: stop.
///
/// It is called on the thread that waits, and may itself call Helios. It must return: no `longjmp`, no exception of C++.
pub type HeliosOnProgress =
    Option<unsafe extern "C" fn(user: *mut c_void, progress_json: *const c_char) -> c_int>;

/// What a call gives its bytes to: the pointer that was given to the call, and the next bytes of a result, which live until
/// it returns. 0: go on. Anything else: stop.
///
/// As for `helios_on_progress`, it is called on the thread that waits, may itself call Helios, and must return.
pub type HeliosOnBytes =
    Option<unsafe extern "C" fn(user: *mut c_void, bytes: *const u8, length: usize) -> c_int>;

/// Whoever is told how far a call is.
pub(crate) struct Progress {
    call: HeliosOnProgress,
    user: *mut c_void,
}

// SAFETY: `runtime::block_on` polls a call on the thread that waits for it, and nothing else calls this.
unsafe impl Send for Progress {}

impl Progress {
    pub(crate) fn new(call: HeliosOnProgress, user: *mut c_void) -> Self {
        Self { call, user }
    }

    /// Whether anybody wants to be told.
    pub(crate) fn is_wanted(&self) -> bool {
        self.call.is_some()
    }

    pub(crate) fn goes_on(&self, so_far: &impl Serialize) -> bool {
        let Some(call) = self.call else { return true };
        // Figures and names: nothing that could not be written.
        let progress = c_text(serde_json::to_string(so_far).unwrap_or_default());
        // SAFETY: the caller's promise. Not within the runtime's sight: it may call Helios, which waits in turn.
        block_in_place(|| unsafe { call(self.user, progress.as_ptr()) }) == 0
    }
}

/// Whoever is given the bytes of a result.
pub(crate) struct Bytes {
    call: unsafe extern "C" fn(user: *mut c_void, bytes: *const u8, length: usize) -> c_int,
    user: *mut c_void,
}

impl Bytes {
    /// `None` if there is no function.
    pub(crate) fn new(call: HeliosOnBytes, user: *mut c_void) -> Option<Self> {
        call.map(|call| Self { call, user })
    }

    /// Whether they want more.
    pub(crate) fn take(&self, bytes: &[u8]) -> bool {
        // SAFETY: as for `Progress::goes_on`.
        block_in_place(|| unsafe { (self.call)(self.user, bytes.as_ptr(), bytes.len()) }) == 0
    }
}
