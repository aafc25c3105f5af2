//! Which version this is.

#![expect(unsafe_code, reason = "the C ABI: exported names")]

use std::ffi::{CStr, c_char};

const VERSION: &CStr = match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
    Ok(version) => version,
    Err(_) => c"",
};

/// The version of the library, `"0.1.0"`; that of the header is `HELIOS_VERSION`. Not to be freed.
#[unsafe(no_mangle)]
pub extern "C" fn helios_version() -> *const c_char {
    VERSION.as_ptr()
}
