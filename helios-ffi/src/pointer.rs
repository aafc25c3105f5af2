//! Pointers from C, checked and given a type. Each function is `unsafe` for one reason: a pointer that is not NULL must be
//! what `helios.h` asks for, and stay so until the call returns.

#![expect(unsafe_code, reason = "this is where C's pointers are read")]

use std::{
    ffi::{CStr, c_char},
    mem::MaybeUninit,
};

use crate::error::Failure;

/// The thing behind a handle.
pub(crate) unsafe fn handle<'a, T>(pointer: *const T, argument: &'static str) -> Result<&'a T, Failure> {
    // SAFETY: the caller's promise.
    unsafe { pointer.as_ref() }.ok_or(Failure::NullArgument(argument))
}

/// The thing behind a handle that nobody else uses meanwhile.
pub(crate) unsafe fn exclusive<'a, T>(pointer: *mut T, argument: &'static str) -> Result<&'a mut T, Failure> {
    // SAFETY: the caller's promise.
    unsafe { pointer.as_mut() }.ok_or(Failure::NullArgument(argument))
}

/// A text that must be there.
pub(crate) unsafe fn text<'a>(pointer: *const c_char, argument: &'static str) -> Result<&'a str, Failure> {
    // SAFETY: the caller's promise.
    unsafe { optional_text(pointer, argument) }?.ok_or(Failure::NullArgument(argument))
}

/// A text, or nothing for NULL.
pub(crate) unsafe fn optional_text<'a>(
    pointer: *const c_char,
    argument: &'static str,
) -> Result<Option<&'a str>, Failure> {
    if pointer.is_null() {
        return Ok(None);
    }
    // SAFETY: not NULL, so it ends with a NUL: the caller's promise.
    let text = unsafe { CStr::from_ptr(pointer) }.to_str();
    text.map(Some).map_err(|error| Failure::InvalidUtf8 { argument, offset: error.valid_up_to() })
}

/// Room for a result. What is there is not read, and not dropped.
pub(crate) unsafe fn output<'a, T>(
    pointer: *mut T,
    argument: &'static str,
) -> Result<&'a mut MaybeUninit<T>, Failure> {
    // SAFETY: the caller's promise; `MaybeUninit` has the layout of what it may hold.
    unsafe { pointer.cast::<MaybeUninit<T>>().as_mut() }.ok_or(Failure::NullArgument(argument))
}
