//! The keys of a map: no two alike.

use std::{cmp::Ordering, ops::Range};

use super::{
    fault::{Checked, Fault, RejectKind},
    scalar::Scalar,
};

/// Up to so many keys are compared each with each.
const FEW: usize = 12;

/// That no key is there twice, told by what it is stored as: `1:00` and `01:00` may be the same. ClickHouse would keep both.
pub(super) fn check(keys: &dyn Scalar, map: Range<usize>) -> Checked {
    let is_twice = if map.len() <= FEW {
        map.clone().any(|at| (map.start..at).any(|before| keys.compare(before, at).is_eq()))
    } else {
        let mut sorted: Vec<_> = map.collect();
        sorted.sort_unstable_by(|left, right| keys.compare(*left, *right));
        sorted
            .windows(2)
            .any(|pair| matches!(pair, [left, right] if keys.compare(*left, *right) == Ordering::Equal))
    };
    if is_twice {
        Err(Fault::new(RejectKind::DuplicateField, "a key occurs twice in the map"))
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::{
        super::text::{Taking, Texts},
        *,
    };

    proptest! {
        #[test]
        fn equal_keys_are_found(names in prop::collection::vec("[ab]{0,4}", 0..30)) {
            let mut keys = Texts::new(String::new(), Taking::Text);
            keys.text("a").map_err(|_| TestCaseError::fail("of the map before"))?;
            for name in &names {
                keys.text(name).map_err(|_| TestCaseError::fail("a text"))?;
            }
            let distinct: HashSet<_> = names.iter().collect();
            prop_assert_eq!(check(&keys, 1..names.len() + 1).is_ok(), distinct.len() == names.len());
        }
    }
}
