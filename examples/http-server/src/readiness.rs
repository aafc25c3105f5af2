//! Whether the server can do its work, however often it is asked.

use std::time::{Duration, Instant};

use tokio::sync::Mutex;

/// For how long an answer is given again: everyone may ask, and each look costs a query.
const FRESH: Duration = Duration::from_secs(1);

/// The last answer. While one request looks, the others wait for what it finds.
#[derive(Debug, Default)]
pub(crate) struct Readiness(Mutex<Option<Answer>>);

#[derive(Clone, Copy, Debug)]
struct Answer {
    at: Instant,
    is_ready: bool,
}

impl Readiness {
    /// The last answer, or that of `look` if it is too old. The log has the reason, once.
    pub(crate) async fn ask(
        &self,
        clock: impl Fn() -> Instant,
        look: impl Future<Output = Result<(), String>>,
    ) -> bool {
        let mut last = self.0.lock().await;
        if let Some(Answer { at, is_ready }) = *last
            && clock().saturating_duration_since(at) < FRESH
        {
            return is_ready;
        }
        let was_ready = last.is_none_or(|answer| answer.is_ready);
        let outcome = look.await;
        match &outcome {
            Err(error) if was_ready => tracing::warn!(error, "The server is not ready."),
            Ok(()) if !was_ready => tracing::info!("The server is ready again."),
            _ => {}
        }
        let is_ready = outcome.is_ok();
        *last = Some(Answer { at: clock(), is_ready });
        is_ready
    }
}

#[cfg(test)]
mod tests {
    use std::{
        future,
        sync::atomic::{AtomicU32, Ordering},
    };

    use futures_util::{FutureExt as _, future::join_all};
    use tokio::sync::Notify;

    use super::*;

    #[tokio::test]
    async fn an_answer_is_given_again_for_a_second() {
        let (readiness, begin) = (Readiness::default(), Instant::now());
        let ask = async |millis, found: Result<(), &str>| {
            let clock = || begin + Duration::from_millis(millis);
            readiness.ask(clock, future::ready(found.map_err(str::to_owned))).await
        };
        assert!(ask(0, Ok(())).await);
        assert!(ask(999, Err("gone")).await);
        assert!(!ask(1000, Err("gone")).await);
        assert!(!ask(1999, Ok(())).await);
        assert!(ask(2000, Ok(())).await);
    }

    #[tokio::test]
    async fn one_looks_and_the_others_wait() {
        let (readiness, looks, found) = (Readiness::default(), AtomicU32::new(0), Notify::new());
        let look = async || {
            // A second one would not wait: it must fail the test, not hold it.
            if looks.fetch_add(1, Ordering::Relaxed) == 0 {
                found.notified().await;
            }
            Ok(())
        };
        let all = join_all((0..100).map(|_| readiness.ask(Instant::now, look())));
        let mut all = Box::pin(all);
        assert!((&mut all).now_or_never().is_none());
        assert_eq!(looks.load(Ordering::Relaxed), 1);
        found.notify_one();
        assert!(all.await.into_iter().all(|is_ready| is_ready));
        assert_eq!(looks.load(Ordering::Relaxed), 1);
    }

    /// Its client may have left.
    #[tokio::test]
    async fn a_look_that_is_abandoned_blocks_no_other() {
        let readiness = Readiness::default();
        assert!(readiness.ask(Instant::now, future::pending()).now_or_never().is_none());
        assert!(readiness.ask(Instant::now, future::ready(Ok(()))).await);
    }
}
