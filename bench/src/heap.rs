//! How much memory Rust has taken. What the engine takes for itself, in C++, is not in it.

use crate::HEAP;

/// The most that was held at once while this ran, beyond what was held before.
pub(crate) async fn peak_during<T>(work: impl Future<Output = T>) -> (T, usize) {
    let before = HEAP.current_usage();
    HEAP.reset_peak_usage();
    let done = work.await;
    (done, HEAP.peak_usage().saturating_sub(before))
}
