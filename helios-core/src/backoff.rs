//! How long to wait before the next attempt.

use std::time::Duration;

use uuid::Uuid;

const FIRST: Duration = Duration::from_millis(200);
const LONGEST: Duration = Duration::from_secs(5);
/// Then whoever handed over the batch has to hand it over again.
pub(crate) const MAX_ATTEMPTS: u32 = 5;

/// The pause after so many attempts: twice as long each time, and somewhere in its upper half, so that those who failed
/// together do not come back together.
pub(crate) fn pause(attempts: u32) -> Duration {
    let longest = FIRST.saturating_mul(1 << attempts.saturating_sub(1).min(16)).min(LONGEST);
    let chance = Uuid::new_v4().as_u128() % 1000;
    longest / 2 + longest / 2 * u32::try_from(chance).unwrap_or(0) / 1000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_limit_and_differ() {
        for (attempts, longest) in [(1, 200), (2, 400), (3, 800), (20, 5000), (u32::MAX, 5000)] {
            let longest = Duration::from_millis(longest);
            let pauses: std::collections::BTreeSet<_> = (0..100).map(|_| pause(attempts)).collect();
            assert!(pauses.len() > 10);
            assert!(pauses.iter().all(|pause| (longest / 2..=longest).contains(pause)), "{pauses:?}");
        }
    }
}
