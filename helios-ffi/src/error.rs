//! Why a call failed.

#![expect(unsafe_code, reason = "the C ABI: exported names, and pointers")]

use std::{
    ffi::{CStr, CString, c_char},
    ptr,
    sync::Arc,
};

use helios_core::{Error, SqlPosition};

use crate::{boundary, pointer::MAX_TEXT, runtime::Forked, status::HeliosStatus, text::c_text};

/// Why a body failed, before it is put into words for C.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Core's own error.
    Operation(Error),
    /// A pointer that must not be NULL is.
    NullArgument(&'static str),
    /// A handle that is none, or is not any more.
    InvalidHandle { argument: &'static str, wanted: &'static str },
    /// There is no number left for a handle of this type.
    TooManyHandles(&'static str),
    /// A text that is longer than any may be.
    TextTooLong(&'static str),
    /// A text that is not UTF-8, from this byte on.
    InvalidUtf8 { argument: &'static str, offset: usize },
    /// The process is a fork of the one that the handles belong to.
    Forked(Forked),
    /// It panicked, and said this.
    Panic(String),
    /// What ended something in the background, told to each who asks.
    Told(Arc<HeliosError>),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Operation(error)
    }
}

/// Why a call failed: what happened, to which thing, and what to do next. Holds no secret.
///
/// Free it with `helios_error_free`. The texts it gives live as long as it does.
#[derive(Clone, Debug)]
pub struct HeliosError {
    status: HeliosStatus,
    message: CString,
    operation: CString,
    retryable: bool,
    server_code: u32,
    server_error_name: Option<CString>,
    position: Option<HeliosSqlPosition>,
    aws_code: Option<CString>,
}

/// A place in the SQL text of a query.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeliosSqlPosition {
    /// In bytes from the beginning of the text, from 0.
    pub offset: usize,
    /// The line, from 1.
    pub line: usize,
    /// The character in its line, from 1.
    pub column: usize,
}

impl From<SqlPosition> for HeliosSqlPosition {
    fn from(at: SqlPosition) -> Self {
        Self { offset: at.offset, line: at.line, column: at.column }
    }
}

impl HeliosError {
    fn of_caller(status: HeliosStatus, message: String) -> Self {
        Self {
            status,
            message: c_text(message),
            operation: CString::default(),
            retryable: false,
            server_code: 0,
            server_error_name: None,
            position: None,
            aws_code: None,
        }
    }

    pub(crate) fn status(&self) -> HeliosStatus {
        self.status
    }

    /// All of it in one line: `not_found at query: the table does not exist`.
    pub(crate) fn describe(&self) -> String {
        let [kind, operation, message] =
            [self.status.name(), &self.operation, &self.message].map(|text| text.to_string_lossy());
        let at = if operation.is_empty() { "" } else { " at " };
        format!("{kind}{at}{operation}: {message}")
    }
}

impl From<Failure> for HeliosError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Operation(error) => Self {
                status: error.kind().into(),
                message: c_text(error.text()),
                operation: c_text(error.operation()),
                retryable: error.is_retryable(),
                server_code: error.server_code().unwrap_or(0),
                server_error_name: error.server_error_name().map(c_text),
                position: error.position().map(HeliosSqlPosition::from),
                aws_code: error.aws_code().map(c_text),
            },
            Failure::NullArgument(argument) => {
                Self::of_caller(HeliosStatus::NullArgument, format!("`{argument}` is NULL"))
            }
            Failure::InvalidHandle { argument, wanted } => Self::of_caller(
                HeliosStatus::InvalidHandle,
                format!("`{argument}` is no `{wanted}`, or one that was freed"),
            ),
            Failure::TooManyHandles(kind) => Self::of_caller(
                HeliosStatus::LimitExceeded,
                format!("there are too many `{kind}`; free those that are not used any more"),
            ),
            Failure::TextTooLong(argument) => Self::of_caller(
                HeliosStatus::LimitExceeded,
                format!("`{argument}` is longer than {MAX_TEXT} bytes, or does not end with NUL"),
            ),
            Failure::Told(error) => Self::clone(&error),
            Failure::InvalidUtf8 { argument, offset } => Self::of_caller(
                HeliosStatus::InvalidUtf8,
                format!("`{argument}` is not UTF-8: the byte at offset {offset}"),
            ),
            Failure::Forked(forked) => Self::of_caller(HeliosStatus::Unavailable, forked.to_string()),
            Failure::Panic(message) => Self::of_caller(
                HeliosStatus::Panic,
                format!("Helios panicked, which is a defect of Helios; please report it: {message}"),
            ),
        }
    }
}

/// Reads something of an error; `none` for NULL.
unsafe fn read<'a, T: Copy>(
    error: *const HeliosError,
    none: T,
    read: impl FnOnce(&'a HeliosError) -> T,
) -> T {
    boundary::value(none, || {
        // SAFETY: NULL, or an error that the caller has not freed.
        unsafe { error.as_ref() }.map_or(none, read)
    })
}

/// What sort of thing went wrong: the status that the call answered. `HELIOS_STATUS_OK` for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn helios_error_status(error: *const HeliosError) -> HeliosStatus {
    // SAFETY: the caller's promise.
    unsafe { read(error, HeliosStatus::Ok, |error| error.status) }
}

/// The status by name, the same name in every language: `"not_found"`. `"ok"` for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn helios_error_kind(error: *const HeliosError) -> *const c_char {
    // SAFETY: the caller's promise.
    unsafe { read(error, HeliosStatus::Ok, |error| error.status) }.name().as_ptr()
}

/// What a person reads: what happened, to which thing. Ends with NUL and holds no other (U+FFFD stands for one). Empty
/// for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn helios_error_message(error: *const HeliosError) -> *const c_char {
    // SAFETY: the caller's promise.
    unsafe { read(error, c"", |error| error.message.as_c_str()) }.as_ptr()
}

/// The length of the message in bytes, without the NUL at its end.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn helios_error_message_length(error: *const HeliosError) -> usize {
    // SAFETY: the caller's promise.
    unsafe { read(error, 0, |error| error.message.count_bytes()) }
}

/// The operation that failed: `"query"`. Empty if it failed outside of one, and for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn helios_error_operation(error: *const HeliosError) -> *const c_char {
    // SAFETY: the caller's promise.
    unsafe { read(error, c"", |error| error.operation.as_c_str()) }.as_ptr()
}

/// Whether the same call may succeed later, unchanged.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn helios_error_is_retryable(error: *const HeliosError) -> bool {
    // SAFETY: the caller's promise.
    unsafe { read(error, false, |error| error.retryable) }
}

/// ClickHouse's error number, such as 60 for an unknown table; 0 if the error is none of ClickHouse's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn helios_error_server_code(error: *const HeliosError) -> u32 {
    // SAFETY: the caller's promise.
    unsafe { read(error, 0, |error| error.server_code) }
}

/// ClickHouse's own name of the error, such as `"UNKNOWN_TABLE"`; NULL if it gave none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn helios_error_server_error_name(error: *const HeliosError) -> *const c_char {
    // SAFETY: the caller's promise.
    unsafe { read(error, ptr::null(), |error| pointer_or_null(error.server_error_name.as_deref())) }
}

/// Where in the SQL text the error is. `false`, and `position` as it was, if that is not known; it is of errors of syntax.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn helios_error_position(
    error: *const HeliosError,
    position: *mut HeliosSqlPosition,
) -> bool {
    // SAFETY: the caller's promise.
    let found = unsafe { read(error, None, |error| error.position) };
    // SAFETY: NULL, or room for it: the caller's promise.
    match (found, unsafe { position.as_mut() }) {
        (Some(found), Some(position)) => {
            *position = found;
            true
        }
        _ => false,
    }
}

/// AWS's error code, such as `"ResourceNotFoundException"`; NULL if the error is none of AWS's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn helios_error_aws_code(error: *const HeliosError) -> *const c_char {
    // SAFETY: the caller's promise.
    unsafe { read(error, ptr::null(), |error| pointer_or_null(error.aws_code.as_deref())) }
}

fn pointer_or_null(text: Option<&CStr>) -> *const c_char {
    text.map_or(ptr::null(), CStr::as_ptr)
}

/// Frees an error. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn helios_error_free(error: *mut HeliosError) {
    boundary::value((), || {
        if !error.is_null() {
            // SAFETY: made by `boundary::status`, and freed once: the caller's promise.
            drop(unsafe { Box::from_raw(error) });
        }
    });
}

#[cfg(test)]
mod tests {
    use helios_core::{ErrorCode, ErrorKind};

    use super::*;

    #[test]
    fn core_s_error_is_told_whole() {
        let error = Error::new(ErrorKind::NotFound, "the stream does not exist")
            .at("kinesis_sample")
            .with("stream", "clicks")
            .with_code(ErrorCode::Aws("ResourceNotFoundException".into()))
            .retryable(true);
        let error = HeliosError::from(Failure::from(error));
        assert_eq!(error.status, HeliosStatus::NotFound);
        assert_eq!(error.message.as_c_str(), c"the stream does not exist {stream: clicks}");
        assert_eq!(error.operation.as_c_str(), c"kinesis_sample");
        assert!(error.retryable);
        assert_eq!(error.server_code, 0);
        assert_eq!(error.aws_code.as_deref(), Some(c"ResourceNotFoundException"));
        assert_eq!(
            error.describe(),
            "not_found at kinesis_sample: the stream does not exist {stream: clicks}"
        );
    }

    #[test]
    fn an_error_is_read_by_its_pointer_and_freed() {
        let mut error = ptr::null_mut();
        let status = boundary::status(&raw mut error, || Err(Failure::NullArgument("sql")));
        assert_eq!(status, HeliosStatus::NullArgument);
        // SAFETY: it was just made, its texts are read before it is freed, once.
        unsafe {
            assert_eq!(helios_error_status(error), status);
            assert_eq!(CStr::from_ptr(helios_error_message(error)), c"`sql` is NULL");
            assert_eq!(helios_error_message_length(error), 13);
            assert_eq!(CStr::from_ptr(helios_error_kind(error)), c"null_argument");
            assert!(helios_error_aws_code(error).is_null());
            let mut position = HeliosSqlPosition { offset: 1, line: 2, column: 3 };
            assert!(!helios_error_position(error, &raw mut position));
            helios_error_free(error);
        }
    }

    #[test]
    fn a_nul_does_not_cut_the_message() {
        let error = Error::new(ErrorKind::InvalidQuery, "left\0right\0");
        let error = HeliosError::from(Failure::from(error));
        assert_eq!(error.message.to_str().unwrap(), "left\u{fffd}right\u{fffd}");
    }
}
