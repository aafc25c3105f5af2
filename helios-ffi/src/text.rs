//! Texts for C.

#![expect(unsafe_code, reason = "the C ABI: exported names, and pointers")]

use std::{
    borrow::Cow,
    ffi::{CString, c_char},
};

use crate::boundary;

/// A text that ends with NUL. U+FFFD takes the place of each NUL in it, which would cut it.
pub(crate) fn c_text<'a>(text: impl Into<Cow<'a, str>>) -> CString {
    let text = text.into();
    let text = if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text.into_owned() };
    CString::new(text).unwrap_or_default()
}

/// Frees a text that a call wrote to a `char **`. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn helios_string_free(text: *mut c_char) {
    boundary::value((), || {
        if !text.is_null() {
            // SAFETY: made by `CString::into_raw` in `json`, and freed once: the caller's promise.
            drop(unsafe { CString::from_raw(text) });
        }
    });
}

#[cfg(test)]
mod tests {
    use std::{ffi::CStr, ptr};

    use super::*;

    #[test]
    fn a_text_goes_out_and_comes_back_to_be_freed() {
        let text = c_text("caf\u{e9}\0!").into_raw();
        // SAFETY: it was just made, and is freed once.
        unsafe {
            assert_eq!(CStr::from_ptr(text).to_str(), Ok("café\u{fffd}!"));
            helios_string_free(text);
            helios_string_free(ptr::null_mut());
        }
    }
}
