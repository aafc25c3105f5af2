//! Pointers from C that point to something, checked and given a type; handles do not, see [`handle`](crate::handle). Each
//! function is `unsafe` for one reason: a pointer that is not NULL must be what `helios.h` asks for, and stay so until the
//! call returns.

#![expect(unsafe_code, reason = "this is where C's pointers are read")]

use std::{
    ffi::{c_char, c_void},
    mem::MaybeUninit,
    slice, str,
};

use crate::error::Failure;

/// No text is longer, in bytes: one that seems so has lost the NUL at its end.
pub(crate) const MAX_TEXT: usize = 1 << 30;

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
    // SAFETY: not NULL, so it ends with a NUL, and is not read beyond that: the caller's promise.
    let length = unsafe { bounded_length(pointer) };
    if length > MAX_TEXT {
        return Err(Failure::TextTooLong(argument));
    }
    // SAFETY: these bytes were just read.
    let bytes = unsafe { slice::from_raw_parts(pointer.cast::<u8>(), length) };
    let text = str::from_utf8(bytes);
    text.map(Some).map_err(|error| Failure::InvalidUtf8 { argument, offset: error.valid_up_to() })
}

/// The length of a text, or more than [`MAX_TEXT`].
#[cfg(not(miri))]
unsafe fn bounded_length(pointer: *const c_char) -> usize {
    // SAFETY: the caller's promise.
    unsafe { libc::strnlen(pointer, MAX_TEXT + 1) }
}

/// The same for Miri, which has no `strnlen`.
#[cfg(miri)]
unsafe fn bounded_length(pointer: *const c_char) -> usize {
    // SAFETY: the caller's promise.
    unsafe { std::ffi::CStr::from_ptr(pointer) }.count_bytes()
}

/// Room for a result. What is there is not read, and not dropped.
pub(crate) unsafe fn output<'a, T>(
    pointer: *mut T,
    argument: &'static str,
) -> Result<&'a mut MaybeUninit<T>, Failure> {
    // SAFETY: the caller's promise; `MaybeUninit` has the layout of what it may hold.
    unsafe { pointer.cast::<MaybeUninit<T>>().as_mut() }.ok_or(Failure::NullArgument(argument))
}

/// A pointer of the caller's that is handed back to functions of the caller's, and not looked at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct User(pub(crate) *mut c_void);

// SAFETY: Helios does nothing with it, and `helios.h` says on which threads it is handed back.
unsafe impl Send for User {}

#[cfg(test)]
mod tests {
    use std::ptr;

    use super::*;

    #[test]
    fn a_text_is_read_up_to_its_nul() {
        let bytes = b"caf\xc3\xa9\0 and what follows";
        // SAFETY: it holds a NUL.
        assert_eq!(unsafe { text(bytes.as_ptr().cast(), "sql") }.unwrap(), "café");
        // SAFETY: it is nothing but a NUL.
        assert_eq!(unsafe { text(c"".as_ptr(), "sql") }.unwrap(), "");
    }

    #[test]
    fn a_text_that_is_none_is_named() {
        // SAFETY: NULL may be given.
        let [needed, optional] =
            unsafe { [text(ptr::null(), "sql").map(Some), optional_text(ptr::null(), "options_json")] };
        assert!(matches!(needed, Err(Failure::NullArgument("sql"))), "{needed:?}");
        assert!(matches!(optional, Ok(None)), "{optional:?}");
        // SAFETY: it ends with NUL.
        let broken = unsafe { text(c"ab\xff".as_ptr(), "sql") };
        assert!(matches!(broken, Err(Failure::InvalidUtf8 { argument: "sql", offset: 2 })), "{broken:?}");
    }

    #[test]
    fn an_output_is_written_and_what_was_there_is_not_looked_at() {
        let mut room = MaybeUninit::<String>::uninit();
        // SAFETY: there is room for a string.
        unsafe { output(room.as_mut_ptr(), "json") }.unwrap().write("new".to_owned());
        // SAFETY: it was just written.
        assert_eq!(unsafe { room.assume_init() }, "new");
        // SAFETY: NULL may be given.
        let nowhere = unsafe { output(ptr::null_mut::<String>(), "json") };
        assert!(matches!(nowhere, Err(Failure::NullArgument("json"))));
    }
}
