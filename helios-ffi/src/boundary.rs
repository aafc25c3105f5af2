//! Where Rust ends: no panic crosses into C, where it would end the process.

#![expect(unsafe_code, reason = "the caller's error pointer is written")]

use std::{
    any::Any,
    mem,
    panic::{AssertUnwindSafe, catch_unwind},
};

use crate::{
    error::{Failure, HeliosError},
    status::HeliosStatus,
};

/// Runs what a function does. A failure becomes its status, and an error in `error` unless that is NULL.
///
/// `error` is NULL or can be written.
pub(crate) fn status(
    error: *mut *mut HeliosError,
    body: impl FnOnce() -> Result<(), Failure>,
) -> HeliosStatus {
    let failure = match caught(body) {
        Ok(Ok(())) => return HeliosStatus::Ok,
        Ok(Err(failure)) => failure,
        Err(message) => Failure::Panic(message),
    };
    value(HeliosStatus::Panic, || {
        let failed = HeliosError::from(failure);
        let status = failed.status();
        if !error.is_null() {
            // SAFETY: not NULL, so the caller has room for a pointer there.
            unsafe { error.write(Box::into_raw(Box::new(failed))) };
        }
        status
    })
}

/// Runs what a function without a status does, with a value for the case of a panic.
pub(crate) fn value<T>(fallback: T, body: impl FnOnce() -> T) -> T {
    caught(body).unwrap_or(fallback)
}

/// What `body` returns, or the message it panicked with.
///
/// Unwind safety: what a panic can leave half done is the client, which is immutable, or memory of the caller, which is
/// written last.
pub(crate) fn caught<T>(body: impl FnOnce() -> T) -> Result<T, String> {
    let body = || {
        #[cfg(feature = "test-hooks")]
        crate::test_hooks::panic_if_asked();
        body()
    };
    catch_unwind(AssertUnwindSafe(body)).map_err(|payload| {
        let message = match (payload.downcast_ref::<&str>(), payload.downcast_ref::<String>()) {
            (Some(text), _) => (*text).to_owned(),
            (None, Some(text)) => text.clone(),
            (None, None) => "no message".to_owned(),
        };
        discard(payload);
        message
    })
}

/// Drops what a panic carried. Its destructor may panic as well; then what that carried is left alone.
#[expect(clippy::mem_forget, reason = "one more drop could panic once more")]
fn discard(payload: Box<dyn Any + Send>) {
    if let Err(next) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        mem::forget(next);
    }
}

#[cfg(test)]
mod tests {
    use std::{panic::panic_any, ptr};

    use super::*;

    #[test]
    fn a_panic_is_its_message() {
        assert_eq!(caught(|| panic!("text")), Err::<(), _>("text".to_owned()));
        assert_eq!(caught(|| panic!("{}", 1)), Err::<(), _>("1".to_owned()));
        assert_eq!(caught(|| panic_any(1)), Err::<(), _>("no message".to_owned()));
    }

    #[test]
    #[cfg_attr(miri, ignore = "what panics once more is left alone, which is a leak")]
    fn a_payload_that_panics_when_dropped_is_contained() {
        struct Bomb;
        impl Drop for Bomb {
            fn drop(&mut self) {
                panic!("dropped");
            }
        }
        assert_eq!(status(ptr::null_mut(), || panic_any(Bomb)), HeliosStatus::Panic);
    }
}
