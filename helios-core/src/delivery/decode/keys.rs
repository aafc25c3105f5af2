//! The keys of a map: no two alike.

use super::fault::{Checked, Fault, RejectKind};

/// Up to so many keys are compared each with each.
const FEW: usize = 12;

/// The keys of the map being read. ClickHouse would keep both of two equal ones.
#[derive(Debug, Default)]
pub(super) struct Keys {
    text: String,
    ends: Vec<usize>,
}

impl Keys {
    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.ends.clear();
    }

    pub(super) fn add(&mut self, key: &str) {
        self.text.push_str(key);
        self.ends.push(self.text.len());
    }

    fn get(&self, at: usize) -> &str {
        let start = at.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or_default();
        let end = self.ends.get(at).copied().unwrap_or_default();
        self.text.get(start..end).unwrap_or_default()
    }

    /// That no key was there twice.
    pub(super) fn check(&self) -> Checked {
        let count = self.ends.len();
        let twice = if count <= FEW {
            (1..count).any(|at| (0..at).any(|before| self.get(before) == self.get(at)))
        } else {
            let mut keys: Vec<_> = (0..count).map(|at| self.get(at)).collect();
            keys.sort_unstable();
            keys.windows(2).any(|pair| matches!(pair, [first, second] if first == second))
        };
        if twice {
            return Err(Fault::new(RejectKind::DuplicateField, "the same key twice in a map"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn equal_keys_are_found(names in prop::collection::vec("[ab]{0,4}", 0..30)) {
            let mut keys = Keys::default();
            keys.add("of the last map");
            keys.clear();
            names.iter().for_each(|name| keys.add(name));
            let distinct: HashSet<_> = names.iter().collect();
            prop_assert_eq!(keys.check().is_ok(), distinct.len() == names.len());
        }
    }
}
