//! libchdb's C functions, found by name in the loaded library.
//!
//! The declarations are written by hand after `chdb.h` of the pinned version: building needs neither the library nor
//! its header.

#![expect(unsafe_code, reason = "a C library can be loaded, and its functions be typed, in no other way")]

use std::{
    ffi::{c_char, c_int, c_void},
    fmt,
    mem::ManuallyDrop,
    path::Path,
};

use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};

/// An open connection, as libchdb knows it.
#[repr(C)]
pub(crate) struct RawConnection {
    _private: [u8; 0],
}

/// The outcome of a statement.
#[repr(C)]
pub(crate) struct RawResult {
    _private: [u8; 0],
}

/// An insert whose data arrive piece by piece.
#[repr(C)]
pub(crate) struct RawInsert {
    _private: [u8; 0],
}

/// `chdb_query_analysis_v1`.
#[repr(C)]
#[derive(Default)]
pub(crate) struct RawAnalysis {
    /// The size of this structure in bytes, set by the caller.
    pub(crate) struct_size: u32,
    pub(crate) statement_count: u32,
    pub(crate) flags: u32,
    pub(crate) query_class: u32,
}

impl RawAnalysis {
    pub(crate) const SIZE: u32 = 16;
}

const _: () = assert!(size_of::<RawAnalysis>() == RawAnalysis::SIZE as usize);

/// A statement with server-side parameters: text and format with their lengths, then names and values with theirs.
pub(crate) type StatementWithParameters<Handle> = unsafe extern "C" fn(
    *mut RawConnection,
    *const u8,
    usize,
    *const u8,
    usize,
    *const *const u8,
    *const usize,
    *const *const u8,
    *const usize,
    usize,
) -> *mut Handle;

type Count = unsafe extern "C" fn(*mut RawResult) -> u64;

/// Declares the table of functions, and the loader that fills it or names the function that is missing.
macro_rules! functions {
    ($($field:ident = $symbol:literal: $signature:ty,)*) => {
        /// The functions in use. What they may be called with is in libchdb's header, and kept by
        /// [`libchdb`](crate::libchdb).
        pub(crate) struct Api {
            $(pub(crate) $field: $signature,)*
            // Never unloaded: the engine's threads run its code until the process ends.
            _library: ManuallyDrop<Library>,
        }

        impl Api {
            fn bind(library: ManuallyDrop<Library>) -> Result<Self, String> {
                $(
                    // SAFETY: the type is the one that libchdb's header declares for this symbol, and the library is
                    // never unloaded, so the copied function pointer stays valid.
                    let $field = *unsafe { library.get::<$signature>(concat!($symbol, "\0").as_bytes()) }
                        .map_err(|_| format!("it has no function `{}`", $symbol))?;
                )*
                Ok(Self { $($field,)* _library: library })
            }
        }
    };
}

functions! {
    connect = "chdb_connect": unsafe extern "C" fn(c_int, *mut *mut c_char) -> *mut *mut RawConnection,
    close = "chdb_close_conn": unsafe extern "C" fn(*mut *mut RawConnection),
    query = "chdb_query_with_params_n": StatementWithParameters<RawResult>,
    stream = "chdb_stream_query_with_params_n": StatementWithParameters<RawResult>,
    cancel = "chdb_stream_cancel_query": unsafe extern "C" fn(*mut RawConnection, *mut RawResult),
    insert = "chdb_stream_insert_with_params_n": StatementWithParameters<RawInsert>,
    append = "chdb_stream_append": unsafe extern "C" fn(*mut RawInsert, *const c_void, usize) -> c_int,
    finish = "chdb_stream_done": unsafe extern "C" fn(*mut RawInsert) -> *mut RawResult,
    insert_error = "chdb_stream_insert_error": unsafe extern "C" fn(*mut RawInsert) -> *const c_char,
    destroy_insert = "chdb_destroy_insert_stream": unsafe extern "C" fn(*mut RawInsert),
    classify = "chdb_classify_query_n":
        unsafe extern "C" fn(*mut RawConnection, *const u8, usize, *const u8, usize, *mut RawAnalysis) -> c_int,
    error = "chdb_result_error": unsafe extern "C" fn(*mut RawResult) -> *const c_char,
    buffer = "chdb_result_buffer": unsafe extern "C" fn(*mut RawResult) -> *const u8,
    length = "chdb_result_length": unsafe extern "C" fn(*mut RawResult) -> usize,
    result_rows = "chdb_result_rows_read": Count,
    result_bytes = "chdb_result_bytes_read": Count,
    read_rows = "chdb_result_storage_rows_read": Count,
    read_bytes = "chdb_result_storage_bytes_read": Count,
    written_rows = "chdb_result_rows_written": Count,
    written_bytes = "chdb_result_bytes_written": Count,
    destroy = "chdb_destroy_query_result": unsafe extern "C" fn(*mut RawResult),
    set_signal_handlers = "chdb_set_signal_handlers_enabled": unsafe extern "C" fn(c_int),
}

impl Api {
    /// Loads the library, binds its functions, and turns its signal handlers off: with them a crash anywhere in the
    /// process, or an abort, hangs the process instead of ending it.
    pub(crate) fn load(file: &Path) -> Result<Self, String> {
        // SAFETY: loading runs the library's initialisers. libchdb's start no threads and need no preparation; a file
        // that is something else altogether is the caller's to answer for, as with any dynamic library.
        let library = unsafe { Library::open(Some(file), RTLD_NOW | RTLD_LOCAL) };
        let library = library.map_err(|error| error.to_string())?;
        let api = Self::bind(ManuallyDrop::new(library))?;
        // SAFETY: takes a flag, and is called before the first connection, as the header asks.
        unsafe { (api.set_signal_handlers)(0) };
        Ok(api)
    }
}

impl fmt::Debug for Api {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Api").finish_non_exhaustive()
    }
}
