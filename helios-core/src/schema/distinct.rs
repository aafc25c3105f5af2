//! How many different values there are, from the least of their hashes.

use std::{
    collections::HashSet,
    hash::{BuildHasher, BuildHasherDefault, Hasher},
};

use foldhash::quality::FixedState;

/// Up to so many different values the count is exact.
pub(super) const EXACT: usize = 1024;

/// The least hashes of what was seen: the same whatever the order, and however it was parted.
#[derive(Clone, Debug)]
pub(super) struct Distinct {
    least: HashSet<u64, BuildHasherDefault<Identity>>,
    /// No hash above it is kept.
    ceiling: u64,
}

impl Default for Distinct {
    fn default() -> Self {
        Self { least: HashSet::default(), ceiling: u64::MAX }
    }
}

impl Distinct {
    /// Counts a value.
    #[inline]
    pub(super) fn add(&mut self, value: &str) {
        self.insert(FixedState::with_seed(0).hash_one(value));
    }

    fn insert(&mut self, hash: u64) {
        if hash <= self.ceiling && self.least.insert(hash) && self.least.len() > 2 * EXACT {
            self.prune();
        }
    }

    /// Keeps the least [`EXACT`].
    fn prune(&mut self) {
        let mut hashes: Vec<u64> = self.least.iter().copied().collect();
        let (_, ceiling, _) = hashes.select_nth_unstable(EXACT - 1);
        self.ceiling = *ceiling;
        self.least.retain(|hash| *hash <= self.ceiling);
    }

    pub(super) fn merge(&mut self, other: Self) {
        self.ceiling = self.ceiling.min(other.ceiling);
        self.least.retain(|hash| *hash <= self.ceiling);
        for hash in other.least {
            self.insert(hash);
        }
    }

    /// How many there are: exact up to [`EXACT`], else within some percent.
    pub(super) fn count(&self) -> u64 {
        let mut hashes: Vec<u64> = self.least.iter().copied().collect();
        if self.ceiling == u64::MAX && hashes.len() <= EXACT {
            return hashes.len() as u64;
        }
        let (_, last, _) = hashes.select_nth_unstable(EXACT - 1);
        // The hashes are spread evenly: so many of them lie in this part of all numbers.
        let spread = u128::from(u64::MAX) * (EXACT as u128 - 1) / u128::from(*last).max(1);
        u64::try_from(spread).unwrap_or(u64::MAX)
    }
}

/// What is hashed already.
#[derive(Clone, Copy, Debug, Default)]
struct Identity(u64);

impl Hasher for Identity {
    /// The least hashes are alike in their first bits, by which the set tells its entries apart.
    fn finish(&self) -> u64 {
        self.0.wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(range: std::ops::Range<u64>) -> Distinct {
        let mut distinct = Distinct::default();
        for value in range {
            distinct.add(&value.to_string());
            distinct.add(&(value / 2 * 2).to_string());
        }
        distinct
    }

    #[test]
    fn few_are_counted_and_many_estimated() {
        for count in [0, 1, 2, 1_000, 1_024] {
            assert_eq!(of(0..count).count(), count);
        }
        for count in [1_025_u64, 2_048, 10_000, 300_000] {
            let estimated = of(0..count).count();
            assert!(estimated.abs_diff(count) * 8 <= count, "{estimated} of {count}");
            assert!(estimated > 1_000);
        }
    }

    #[test]
    fn parts_make_the_whole_in_any_order() {
        for parts in
            [[0..500, 400..900, 100..200], [0..5_000, 4_000..9_000, 8_000..20_000], [0..10, 0..9_000, 5..6]]
        {
            let whole = of(0..parts.iter().map(|part| part.end).max().unwrap()).count();
            for order in [[0, 1, 2], [2, 1, 0], [1, 0, 2]] {
                let mut merged = Distinct::default();
                for part in order {
                    merged.merge(of(parts[part].clone()));
                }
                assert_eq!(merged.count(), whole, "{parts:?} {order:?}");
            }
        }
    }
}
