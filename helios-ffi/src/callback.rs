//! Functions of the caller's that a call calls.

#![expect(unsafe_code, reason = "the C ABI: the caller's functions are called")]

use std::ffi::{c_char, c_int, c_void};

use serde::Serialize;
use tokio::task::block_in_place;

use crate::{pointer::User, text::c_text};

/// What a call tells on the way: the pointer that was given to the call, and all that was done so far as JSON, which lives
/// until it returns. 0: go on. Anything else: stop.
///
/// It is called on the thread that waits, and may itself call Helios. It must return: no `longjmp`, no exception of C++.
pub type HeliosOnProgress =
    Option<unsafe extern "C" fn(user: *mut c_void, progress_json: *const c_char) -> c_int>;

/// What a call gives the rows of a result to: the pointer that was given to the call, and one row as a JSON object, which ends
/// with NUL, has this length without it, and lives until it returns. 0: go on. Anything else: stop.
///
/// As for `helios_on_progress`, it is called on the thread that waits, may itself call Helios, and must return.
pub type HeliosOnRow =
    Option<unsafe extern "C" fn(user: *mut c_void, row_json: *const c_char, length: usize) -> c_int>;

/// What a call gives its bytes to: the pointer that was given to the call, and the next bytes of a result, which live until
/// it returns. 0: go on. Anything else: stop.
///
/// As for `helios_on_progress`, it is called on the thread that waits, may itself call Helios, and must return.
pub type HeliosOnBytes =
    Option<unsafe extern "C" fn(user: *mut c_void, bytes: *const u8, length: usize) -> c_int>;

/// Whoever is told how far a call is.
pub(crate) struct Progress {
    call: HeliosOnProgress,
    user: User,
}

impl Progress {
    pub(crate) fn new(call: HeliosOnProgress, user: *mut c_void) -> Self {
        Self { call, user: User(user) }
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
        block_in_place(|| unsafe { call(self.user.0, progress.as_ptr()) }) == 0
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

/// Whoever is given the rows of a result, one by one, from chunks that end anywhere.
pub(crate) struct Rows {
    call: unsafe extern "C" fn(user: *mut c_void, row_json: *const c_char, length: usize) -> c_int,
    user: *mut c_void,
    /// The row that is not whole yet, or, with its NUL, the one that is handed over.
    row: Vec<u8>,
}

impl Rows {
    /// `None` if there is no function.
    pub(crate) fn new(call: HeliosOnRow, user: *mut c_void) -> Option<Self> {
        call.map(|call| Self { call, user, row: Vec::new() })
    }

    /// Whether they want more than the rows that end in these bytes, which are JSON lines.
    pub(crate) fn take(&mut self, lines: &[u8]) -> bool {
        let mut rest = lines;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            let (end_of_row, next) = rest.split_at(end);
            rest = next.get(1..).unwrap_or_default();
            self.row.extend_from_slice(end_of_row);
            let length = self.row.len();
            // JSON escapes the NULs of its texts, so this is the only one.
            self.row.push(0);
            // SAFETY: as for `Progress::goes_on`.
            let goes_on =
                block_in_place(|| unsafe { (self.call)(self.user, self.row.as_ptr().cast(), length) }) == 0;
            self.row.clear();
            if !goes_on {
                return false;
            }
        }
        self.row.extend_from_slice(rest);
        true
    }
}
