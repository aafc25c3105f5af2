//! Calls that AWS takes a little later.

use std::time::Duration;

use crate::{Error, Result, backoff::pause, clock::SharedClock};

/// Repeats a call for so long, where its error is one that passes.
pub(super) async fn patiently<T, F: Future<Output = Result<T>>>(
    clock: &SharedClock,
    limit: Duration,
    passes: impl Fn(&Error) -> bool,
    mut call: impl FnMut() -> F,
) -> Result<T> {
    let deadline = clock.now().saturating_add(limit);
    let mut attempts = 0;
    loop {
        match call().await {
            Err(error)
                if passes(&error) && deadline.as_ref().is_ok_and(|deadline| clock.now() < *deadline) =>
            {
                attempts += 1;
                tracing::debug!(%error, attempts, "AWS does not take the call yet.");
                clock.sleep(pause(attempts)).await;
            }
            done => return done,
        }
    }
}
