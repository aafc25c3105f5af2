//! What goes wrong, by chance that can be repeated.

use crate::Random;

/// Out of a hundred reads, so many meet each fault.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KinesisFaults {
    /// Decides which.
    pub seed: u64,
    /// Refused as one too many.
    pub throttled: u64,
    /// The iterator has expired.
    pub expired: u64,
    /// Kinesis has an error of its own.
    pub failed: u64,
    /// No records, though there are some.
    pub empty: u64,
    /// Records of the page before come once more.
    pub repeated: u64,
    /// The page is empty and claims to be the last, although there are records.
    pub blank: u64,
    /// The shard is not found.
    pub gone: u64,
    /// Reads whose answer is held for ever.
    pub hung: u64,
    /// How many records a page has at most; 0: as many as are asked for.
    pub page: usize,
}

/// One fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    Throttled,
    Expired,
    Failed,
    Empty,
    Repeated,
    Hung,
    Blank,
    Gone,
}

impl KinesisFaults {
    /// The fault of the next read, if it has one.
    pub(super) fn next(&mut self) -> Option<Fault> {
        let chances = [
            (self.throttled, Fault::Throttled),
            (self.expired, Fault::Expired),
            (self.failed, Fault::Failed),
            (self.empty, Fault::Empty),
            (self.repeated, Fault::Repeated),
            (self.hung, Fault::Hung),
            (self.blank, Fault::Blank),
            (self.gone, Fault::Gone),
        ];
        let mut random = Random::new(self.seed);
        let mut chance = random.below(100);
        self.seed = random.seed();
        for (percent, fault) in chances {
            match chance.checked_sub(percent) {
                Some(rest) => chance = rest,
                None => return Some(fault),
            }
        }
        None
    }
}
