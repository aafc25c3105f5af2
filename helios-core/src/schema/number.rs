//! What a JSON number needs to be kept: from its text, for no machine number holds them all.

use crate::json;

/// The largest numbers of 63 bits, 64 bits and so on. JSON writes no leading zeros, so the longer number is the larger.
const LARGEST: [(u16, &str); 6] = [
    (63, "9223372036854775807"),
    (64, "18446744073709551615"),
    (127, "170141183460469231731687303715884105727"),
    (128, "340282366920938463463374607431768211455"),
    (255, "57896044618658097711785492504343953926634992332820282019728792003956564819967"),
    (256, "115792089237316195423570985008687907853269984665640564039457584007913129639935"),
];

/// The magnitudes of the smallest numbers of two's complement.
const SMALLEST: [(u16, &str); 3] = [
    (63, "9223372036854775808"),
    (127, "170141183460469231731687303715884105728"),
    (255, "57896044618658097711785492504343953926634992332820282019728792003956564819968"),
];

/// More bits than any type of ClickHouse has.
const TOO_MANY: u16 = u16::MAX;

/// Digits that a 64-bit float can have at most; longer texts are no float's.
const MOST_DIGITS: usize = 800;

/// Digits after which a decimal number is what its 64-bit float says, whatever they are.
const SURE_DIGITS: u64 = 1_000_000_000_000_000;

/// The powers of ten for which that is so, too.
const SURE_POWERS: std::ops::RangeInclusive<i32> = -290..=290;

/// A number, by what it needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Needs {
    /// Digits only, with a sign or without.
    Integer {
        negative: bool,
        /// The bits it needs, without the sign, in steps of ClickHouse's types.
        bits: u16,
        /// Whether a 64-bit float is exactly this integer.
        exact_as_float: bool,
    },
    /// With a point or an exponent.
    Float {
        /// Whether the nearest 64-bit float, written with as many digits, reads the same.
        exact: bool,
    },
}

impl Needs {
    /// What a number needs.
    #[inline]
    pub(super) fn of(number: &json::Number<'_>) -> Self {
        if !number.is_finite() {
            return Self::Float { exact: true };
        }
        if !number.is_integer() {
            // An integer type would lose the sign of a negative zero.
            let sure = number
                .scientific()
                .is_some_and(|(digits, exponent)| digits < SURE_DIGITS && SURE_POWERS.contains(&exponent));
            return Self::Float { exact: sure || survives_as_float(number.text) };
        }
        let Some(magnitude) = number.magnitude() else { return Self::of_large(number) };
        let bits = match (number.negative, magnitude) {
            (false, ..=SIGNED_MAX) | (true, ..=SIGNED_MIN) => 63,
            (false, _) => 64,
            (true, _) => 127,
        };
        let exact_as_float = magnitude <= 1 << 53 || is_float(number.text);
        Self::Integer { negative: number.negative, bits, exact_as_float }
    }

    #[cold]
    fn of_large(number: &json::Number<'_>) -> Self {
        let negative = number.negative;
        let digits = number.text.trim_start_matches('-');
        let limits = if negative { SMALLEST.as_slice() } else { LARGEST.as_slice() };
        let fits = |limit: &str| (digits.len(), digits) <= (limit.len(), limit);
        let bits = limits.iter().find(|(_, limit)| fits(limit)).map_or(TOO_MANY, |(bits, _)| *bits);
        Self::Integer { negative, bits, exact_as_float: bits != TOO_MANY && is_float(number.text) }
    }
}

const SIGNED_MAX: u64 = i64::MAX as u64;
const SIGNED_MIN: u64 = 1 << 63;

/// Whether a 64-bit float is exactly this integer, and says the same.
#[cold]
fn is_float(text: &str) -> bool {
    text.parse::<f64>().is_ok_and(|float| format!("{float:.0}") == text)
}

#[cold]
fn survives_as_float(text: &str) -> bool {
    let Ok(float) = text.parse::<f64>() else { return false };
    let (digits, exponent) = scientific(text);
    if digits.is_empty() {
        return float == 0.0;
    }
    if !float.is_finite() || float == 0.0 || digits.len() > MOST_DIGITS {
        return false;
    }
    let written = format!("{float:.*e}", digits.len() - 1);
    scientific(&written) == (digits, exponent)
}

/// The significant digits, without zeros at either end, and the power of ten of the first; no digits for zero.
fn scientific(text: &str) -> (String, Option<i64>) {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all: String = whole.chars().chain(fraction.chars()).filter(char::is_ascii_digit).collect();
    let significant = all.trim_start_matches('0');
    let leading_zeros = all.len() - significant.len();
    let whole_digits = whole.trim_start_matches('-').len();
    let power = || {
        let shift = i64::try_from(whole_digits).ok()? - i64::try_from(leading_zeros).ok()? - 1;
        exponent.parse::<i64>().ok()?.checked_add(shift)
    };
    (significant.trim_end_matches('0').to_owned(), power())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needs(text: &str) -> Needs {
        Needs::of(&json::Number::parse(text).unwrap())
    }

    fn bits(text: &str) -> (bool, u16) {
        match needs(text) {
            Needs::Integer { negative, bits, .. } => (negative, bits),
            Needs::Float { .. } => panic!("{text} is read as a float"),
        }
    }

    #[test]
    fn integers_know_the_bits_they_need() {
        for (text, expected) in [
            ("0", (false, 63)),
            ("9223372036854775807", (false, 63)),
            ("9223372036854775808", (false, 64)),
            ("18446744073709551615", (false, 64)),
            ("18446744073709551616", (false, 127)),
            ("170141183460469231731687303715884105728", (false, 128)),
            ("340282366920938463463374607431768211456", (false, 255)),
            ("57896044618658097711785492504343953926634992332820282019728792003956564819968", (false, 256)),
            (
                "115792089237316195423570985008687907853269984665640564039457584007913129639936",
                (false, TOO_MANY),
            ),
            ("-1", (true, 63)),
            ("-9223372036854775808", (true, 63)),
            ("-9223372036854775809", (true, 127)),
            ("-170141183460469231731687303715884105729", (true, 255)),
            (
                "-57896044618658097711785492504343953926634992332820282019728792003956564819969",
                (true, TOO_MANY),
            ),
        ] {
            assert_eq!(bits(text), expected, "{text}");
        }
    }

    #[test]
    fn integers_know_whether_a_float_is_the_same() {
        for (text, expected) in [
            ("0", true),
            ("-7", true),
            ("9007199254740992", true),
            ("9007199254740993", false),
            ("-9007199254740993", false),
            ("9007199254740994", true),
            ("18446744073709551616", true),
            ("10000000000000000000000", true),
            ("100000000000000000000000", false),
        ] {
            let Needs::Integer { exact_as_float, .. } = needs(text) else { panic!("{text}") };
            assert_eq!(exact_as_float, expected, "{text}");
        }
    }

    #[test]
    fn floats_know_whether_their_text_survives() {
        for (text, expected) in [
            ("0.0", true),
            ("-0", true),
            ("-0.0e-999", true),
            ("0.1", true),
            ("1.50", true),
            ("-19.99", true),
            ("1e2", true),
            ("1E+2", true),
            ("120e-1", true),
            ("0.30000000000000004", true),
            ("0.10000000000000001", true),
            ("0.1000000000000000055511151231257827", true),
            ("9007199254740992.0", true),
            ("9007199254740993.0", false),
            ("3.141592653589793238", false),
            ("0.12345678901234567890123", false),
            ("1.7976931348623157e308", true),
            ("1e400", false),
            ("-1e400", false),
            ("1e-400", false),
            ("5e-324", true),
            ("4e-324", false),
            ("1e99999999999999999999999", false),
            ("1e-99999999999999999999999", false),
        ] {
            assert_eq!(needs(text), Needs::Float { exact: expected }, "{text}");
        }
        let long = format!("0.{}", "1".repeat(100_000));
        assert_eq!(needs(&long), Needs::Float { exact: false });
    }
}
