//! Integers of more than 64 bits as text.

/// The digits of an integer, `bytes` being its two's complement, the lowest byte first.
pub(super) fn digits(bytes: &[u8], signed: bool) -> String {
    let negative = signed && bytes.last().is_some_and(|last| last & 0x80 != 0);
    let mut limbs: Vec<u64> = bytes
        .chunks(8)
        .map(|chunk| chunk.iter().rev().fold(0, |limb, byte| (limb << 8) | u64::from(*byte)))
        .collect();
    if negative {
        negate(&mut limbs);
    }
    let mut groups = Vec::new();
    while limbs.iter().any(|limb| *limb != 0) {
        groups.push(divide(&mut limbs));
    }
    let mut text = if negative { "-".to_owned() } else { String::new() };
    text.push_str(&groups.pop().unwrap_or_default().to_string());
    for group in groups.iter().rev() {
        text.push_str(&format!("{group:019}"));
    }
    text
}

/// Divides by 10^19, the largest power of ten in a limb, and returns the remainder.
fn divide(limbs: &mut [u64]) -> u64 {
    const POWER: u128 = 10_000_000_000_000_000_000;
    let mut remainder: u128 = 0;
    for limb in limbs.iter_mut().rev() {
        let part = (remainder << 64) | u128::from(*limb);
        *limb = u64::try_from(part / POWER).unwrap_or(u64::MAX);
        remainder = part % POWER;
    }
    u64::try_from(remainder).unwrap_or(u64::MAX)
}

fn negate(limbs: &mut [u64]) {
    let mut carry = true;
    for limb in limbs {
        (*limb, carry) = (!*limb).overflowing_add(u64::from(carry));
    }
}

#[cfg(test)]
mod tests {
    use arrow_buffer::i256;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn agrees_with_the_standard_library(signed: i128, unsigned: u128) {
            prop_assert_eq!(digits(&signed.to_le_bytes(), true), signed.to_string());
            prop_assert_eq!(digits(&unsigned.to_le_bytes(), false), unsigned.to_string());
        }

        #[test]
        fn agrees_with_arrow(bytes: [u8; 32]) {
            prop_assert_eq!(digits(&bytes, true), i256::from_le_bytes(bytes).to_string());
        }
    }

    #[test]
    fn the_ends_of_the_range() {
        assert_eq!(digits(&[0; 32], false), "0");
        assert_eq!(
            digits(&[0xFF; 32], false),
            "115792089237316195423570985008687907853269984665640564039457584007913129639935"
        );
        assert_eq!(digits(&i128::MIN.to_le_bytes(), true), i128::MIN.to_string());
    }
}
