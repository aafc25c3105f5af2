//! What only tests may see.

#![expect(unsafe_code, reason = "the C ABI: exported names, and pointers")]

use crate::{boundary, error::HeliosError, status::HeliosStatus};

/// Panics as a defect would.
#[unsafe(no_mangle)]
#[expect(clippy::panic, reason = "this is what it is for")]
pub unsafe extern "C" fn helios_test_panic(error: *mut *mut HeliosError) -> HeliosStatus {
    boundary::status(error, || panic!("forced by a test"))
}
