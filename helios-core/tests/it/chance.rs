//! Chance that can be repeated.

/// A sequence of numbers that its seed decides (SplitMix64).
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from `least` to `greatest`.
    pub(crate) fn from(&mut self, least: i128, greatest: i128) -> i128 {
        least + i128::from(self.next()) % (greatest - least + 1)
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.from(0, limit as i128 - 1)).unwrap()
    }

    pub(crate) fn percent(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub(crate) fn of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }

    /// So many characters of these.
    pub(crate) fn text(&mut self, of: &str, length: usize) -> String {
        let of: Vec<char> = of.chars().collect();
        (0..length).map(|_| *self.of(&of)).collect()
    }

    pub(crate) fn hex(&mut self, length: usize) -> String {
        self.text("0123456789abcdef", length)
    }

    pub(crate) fn digits(&mut self, length: usize) -> String {
        let first = self.text("123456789", length.min(1));
        first + &self.text("0123456789", length.saturating_sub(1))
    }

    pub(crate) fn uuid(&mut self) -> String {
        uuid::Uuid::from_u64_pair(self.next(), self.next()).to_string()
    }

    pub(crate) fn ipv4(&mut self) -> String {
        std::net::Ipv4Addr::from_bits(u32::try_from(self.next() >> 32).unwrap()).to_string()
    }
}
