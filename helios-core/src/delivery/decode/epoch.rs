//! The time since 1970 as a number.

use crate::{iso8601::Instant, json::Number};

/// Below this a number counts seconds, which then are before the year 5138; from there on milliseconds, a thousand
/// times further on microseconds, then nanoseconds. Nobody's clock is so far off that two of them could be meant:
/// read as milliseconds, the same numbers end in March 1973.
const SECONDS_END: u64 = 100_000_000_000;

/// The instant a number means; `None` if it has digits beyond nanoseconds, or lies beyond what any column holds.
pub(super) fn epoch(number: &Number<'_>) -> Option<Instant> {
    let (digits, exponent) = number.scientific()?;
    if !number.integral {
        return fraction(digits, exponent, number.negative);
    }
    let per_second = match digits {
        0..SECONDS_END => 1,
        SECONDS_END..100_000_000_000_000 => 1_000,
        100_000_000_000_000..100_000_000_000_000_000 => 1_000_000,
        _ => 1_000_000_000,
    };
    nanoseconds(i128::from(digits) * (1_000_000_000 / per_second), number.negative)
}

/// Seconds with a fraction, or an exponent.
fn fraction(digits: u64, exponent: i32, negative: bool) -> Option<Instant> {
    let shift = exponent.checked_add(9)?;
    let power = 10_i128.checked_pow(shift.unsigned_abs())?;
    let digits = i128::from(digits);
    let total = if shift >= 0 {
        digits.checked_mul(power)?
    } else if digits % power == 0 {
        digits / power
    } else {
        return None;
    };
    (total < i128::from(SECONDS_END) * 1_000_000_000).then(|| nanoseconds(total, negative))?
}

fn nanoseconds(magnitude: i128, negative: bool) -> Option<Instant> {
    let total = if negative { -magnitude } else { magnitude };
    Some(Instant {
        seconds: i64::try_from(total.div_euclid(1_000_000_000)).ok()?,
        nanoseconds: i64::try_from(total.rem_euclid(1_000_000_000)).ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<(i64, i64)> {
        epoch(&Number::parse(text)?).map(|instant| (instant.seconds, instant.nanoseconds))
    }

    #[test]
    fn the_unit_is_told_by_the_size() {
        for text in [
            "1718452800",
            "1718452800000",
            "1718452800000000",
            "1718452800000000000",
            "1718452800.0",
            "1.7184528e9",
        ] {
            assert_eq!(read(text), Some((1_718_452_800, 0)), "{text}");
        }
        assert_eq!(read("0"), Some((0, 0)));
        assert_eq!(read("-1"), Some((-1, 0)));
        assert_eq!(read("-1718452800001"), Some((-1_718_452_801, 999_000_000)));
        assert_eq!(read("99999999999"), Some((99_999_999_999, 0)));
        assert_eq!(read("100000000000"), Some((100_000_000, 0)));
    }

    #[test]
    fn no_digit_is_lost() {
        assert_eq!(read("1718452800.123456789"), Some((1_718_452_800, 123_456_789)));
        assert_eq!(read("-0.5"), Some((-1, 500_000_000)));
        assert_eq!(read("1718452800.1234567891"), None);
        assert_eq!(read("1e-10"), None);
        // A fraction says that seconds are meant, and so many there are not.
        assert_eq!(read("1718452800000.5"), None);
        assert_eq!(read("1e400"), None);
    }
}
