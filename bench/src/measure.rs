//! Rounds, medians, cores.

use std::time::{Duration, Instant};

use helios_tests::Result;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// How often everything is measured, in turns.
pub(crate) const ROUNDS: usize = 7;

/// Runs this process, and every thread it starts from now on, on so many of its cores; 0: all.
pub(crate) fn pin(cores: usize) -> Result<()> {
    if cores == 0 {
        return Ok(());
    }
    let allowed = sched_getaffinity(None)?;
    let mut chosen = CpuSet::new();
    (0..CpuSet::MAX_CPU).filter(|cpu| allowed.is_set(*cpu)).take(cores).for_each(|cpu| chosen.set(cpu));
    Ok(sched_setaffinity(None, &chosen)?)
}

/// How long it takes.
pub(crate) fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let done = work();
    (done, start.elapsed())
}

/// How long it takes.
pub(crate) async fn timed_async<T>(work: impl Future<Output = T>) -> (T, Duration) {
    let start = Instant::now();
    let done = work.await;
    (done, start.elapsed())
}

/// The middle one, in seconds.
pub(crate) fn median(times: &[Duration]) -> f64 {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).map_or(f64::NAN, Duration::as_secs_f64)
}
