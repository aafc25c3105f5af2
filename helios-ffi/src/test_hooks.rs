//! What only tests may see.

#![expect(unsafe_code, reason = "the C ABI: exported names")]

use std::cell::Cell;

thread_local! {
    static PANICS: Cell<bool> = const { Cell::new(false) };
}

/// The next call of this thread panics, as a defect would.
#[unsafe(no_mangle)]
pub extern "C" fn helios_test_panic_next() {
    PANICS.set(true);
}

#[expect(clippy::panic, reason = "this is what it is for")]
pub(crate) fn panic_if_asked() {
    if PANICS.replace(false) {
        panic!("forced by a test");
    }
}
