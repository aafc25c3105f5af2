//! The time since 1970 as a number.

use crate::{TimeUnit, iso8601::Instant, json::Number};

/// In which unit the numbers of a column count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// The column says so.
    Said(TimeUnit),
    /// The column does not say it. An integer that is a time of this century in one unit counts in this unit; any other in the
    /// one of the column's type. A fraction counts seconds.
    OfType(TimeUnit),
}

/// The instant a number means; `None` if it has digits beyond nanoseconds, or lies beyond what any column holds.
pub(super) fn epoch(number: &Number<'_>, unit: Unit) -> Option<Instant> {
    let (digits, exponent) = number.scientific()?;
    let unit = match unit {
        Unit::Said(unit) => unit,
        Unit::OfType(_) if !number.integral => TimeUnit::Seconds,
        Unit::OfType(unit) if number.negative => unit,
        Unit::OfType(unit) => TimeUnit::of_this_century(digits.into()).unwrap_or(unit),
    };
    let shift = exponent.checked_add(9 - i32::from(unit.digits()))?;
    let power = 10_i128.checked_pow(shift.unsigned_abs())?;
    let digits = i128::from(digits);
    let magnitude = if shift >= 0 {
        digits.checked_mul(power)?
    } else if digits % power == 0 {
        digits / power
    } else {
        return None;
    };
    let total = if number.negative { -magnitude } else { magnitude };
    Some(Instant {
        seconds: i64::try_from(total.div_euclid(1_000_000_000)).ok()?,
        nanoseconds: i64::try_from(total.rem_euclid(1_000_000_000)).ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use TimeUnit::{Microseconds, Milliseconds, Nanoseconds, Seconds};

    fn read(text: &str, unit: Unit) -> Option<(i64, i64)> {
        epoch(&Number::parse(text)?, unit).map(|instant| (instant.seconds, instant.nanoseconds))
    }

    #[test]
    fn the_column_says_the_unit() {
        for (text, unit, expected) in [
            ("5184000000", Seconds, (5_184_000_000, 0)),
            ("5184000000", Milliseconds, (5_184_000, 0)),
            ("1718452800", Milliseconds, (1_718_452, 800_000_000)),
            ("-86400001", Milliseconds, (-86_401, 999_000_000)),
            ("1718452800000.5", Milliseconds, (1_718_452_800, 500_000)),
            ("1718452800123456", Microseconds, (1_718_452_800, 123_456_000)),
            ("1718452800", Nanoseconds, (1, 718_452_800)),
            ("1.5e3", Milliseconds, (1, 500_000_000)),
        ] {
            assert_eq!(read(text, Unit::Said(unit)), Some(expected), "{text} {unit}");
        }
        assert_eq!(read("0.5", Unit::Said(Nanoseconds)), None);
    }

    #[test]
    fn a_time_of_this_century_says_it_where_the_column_does_not() {
        for unit in TimeUnit::ALL.map(Unit::OfType) {
            for text in [
                "1718452800",
                "1718452800000",
                "1718452800000000",
                "1718452800000000000",
                "1718452800.0",
                "1.7184528e9",
            ] {
                assert_eq!(read(text, unit), Some((1_718_452_800, 0)), "{text} {unit:?}");
            }
            assert_eq!(read("0", unit), Some((0, 0)));
            assert_eq!(read("-0.5", unit), Some((-1, 500_000_000)));
        }
        let milliseconds = Unit::OfType(Milliseconds);
        assert_eq!(read("5184000000", milliseconds), Some((5_184_000, 0)));
        assert_eq!(read("-1718452800001", milliseconds), Some((-1_718_452_801, 999_000_000)));
        assert_eq!(read("-1718452800", milliseconds), Some((-1_718_453, 200_000_000)));
        assert_eq!(read("100000000000", milliseconds), Some((100_000_000, 0)));
        assert_eq!(read("-1", Unit::OfType(Seconds)), Some((-1, 0)));
        assert_eq!(read("5184000000", Unit::OfType(Seconds)), Some((5_184_000_000, 0)));
    }

    #[test]
    fn no_digit_is_lost() {
        let unit = Unit::OfType(Milliseconds);
        assert_eq!(read("1718452800.123456789", unit), Some((1_718_452_800, 123_456_789)));
        assert_eq!(read("1718452800.1234567891", unit), None);
        assert_eq!(read("1e-10", unit), None);
        assert_eq!(read("1e400", unit), None);
        assert_eq!(read("1e39", unit), None);
    }
}
