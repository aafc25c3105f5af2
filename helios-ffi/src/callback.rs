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

#[cfg(test)]
mod tests {
    use std::ffi::CStr;

    use super::*;

    /// What was taken, and how many more are wanted.
    struct Taken {
        rows: Vec<String>,
        wanted: usize,
    }

    unsafe extern "C" fn take(user: *mut c_void, row_json: *const c_char, length: usize) -> c_int {
        // SAFETY: the test gives it one, which nobody else uses meanwhile.
        let taken = unsafe { &mut *user.cast::<Taken>() };
        // SAFETY: a row ends with NUL.
        let row = unsafe { CStr::from_ptr(row_json) }.to_str().unwrap();
        assert_eq!(row.len(), length);
        taken.rows.push(row.to_owned());
        c_int::from(taken.rows.len() == taken.wanted)
    }

    /// The rows of these chunks, and whether more were wanted to the end.
    fn rows(chunks: &[&[u8]], wanted: usize) -> (Vec<String>, bool) {
        let mut taken = Taken { rows: Vec::new(), wanted };
        let mut rows = Rows::new(Some(take), (&raw mut taken).cast()).unwrap();
        let more = chunks.iter().all(|chunk| rows.take(chunk));
        (taken.rows, more)
    }

    #[test]
    fn rows_are_whole_wherever_chunks_end() {
        let lines = "{\"a\":1}\n{\"é\":2}\n{}\n".as_bytes();
        for first in 0..=lines.len() {
            let (one, rest) = lines.split_at(first);
            for second in 0..=rest.len() {
                let (two, three) = rest.split_at(second);
                let (rows, more) = rows(&[one, two, three], usize::MAX);
                assert!(more && rows == ["{\"a\":1}", "{\"é\":2}", "{}"], "{first}, {second}: {rows:?}");
            }
        }
    }

    #[test]
    fn after_the_last_that_is_wanted_comes_none() {
        let (rows, more) = rows(&[b"{\"a\":1}\n{\"a\":2}\n{\"a\":3}\n"], 2);
        assert!(!more && rows == ["{\"a\":1}", "{\"a\":2}"], "{rows:?}");
        assert!(Rows::new(None, std::ptr::null_mut()).is_none());
    }

    unsafe extern "C" fn told(user: *mut c_void, progress_json: *const c_char) -> c_int {
        // SAFETY: the test gives it a number, and progress ends with NUL.
        unsafe {
            *user.cast::<usize>() += CStr::from_ptr(progress_json).count_bytes();
        }
        7
    }

    #[test]
    fn whatever_is_not_0_stops() {
        let mut length = 0_usize;
        let progress = Progress::new(Some(told), (&raw mut length).cast());
        assert!(progress.is_wanted() && !progress.goes_on(&[1, 2, 3]));
        assert_eq!(length, "[1,2,3]".len());
        let nobody = Progress::new(None, std::ptr::null_mut());
        assert!(!nobody.is_wanted() && nobody.goes_on(&1));
    }
}
