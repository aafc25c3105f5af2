//! The order of records.

use std::cmp::Ordering;

/// Compares two sequence numbers as what they are: decimal numbers of up to 128 digits. As texts, 10 would come before 9.
#[must_use]
pub fn compare_sequence_numbers(a: &str, b: &str) -> Ordering {
    let (a, b) = (a.trim_start_matches('0'), b.trim_start_matches('0'));
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequence_numbers_compare_as_numbers() {
        for (a, b, order) in [
            ("9", "10", Ordering::Less),
            ("0010", "10", Ordering::Equal),
            ("49590338271490256608559692538361571095921575989136588898", "5", Ordering::Greater),
            ("", "0", Ordering::Equal),
        ] {
            assert_eq!(compare_sequence_numbers(a, b), order, "{a} {b}");
        }
    }
}
