//! What a number that is a time counts.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The unit in which numbers count the time since 1970. On the wire: `"seconds"`, `"milliseconds"`, ….
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum TimeUnit {
    /// 1767225600 is the start of 2026.
    Seconds,
    /// 1767225600000 is.
    Milliseconds,
    /// 1767225600000000 is.
    Microseconds,
    /// 1767225600000000000 is.
    Nanoseconds,
}

/// 2000-01-01 and 2100-01-01 in seconds since 1970. Between them, no number is a time in two units.
const FIRST: i128 = 946_684_800;
const LAST: i128 = 4_102_444_800;

impl TimeUnit {
    pub(crate) const ALL: [Self; 4] =
        [Self::Seconds, Self::Milliseconds, Self::Microseconds, Self::Nanoseconds];

    /// How many of them are a second.
    pub(crate) fn per_second(self) -> i128 {
        10_i128.pow(u32::from(self.digits()))
    }

    /// The digits of a fraction of a second that it counts: 0, 3, 6 or 9.
    pub(crate) fn digits(self) -> u8 {
        match self {
            Self::Seconds => 0,
            Self::Milliseconds => 3,
            Self::Microseconds => 6,
            Self::Nanoseconds => 9,
        }
    }

    /// The first that counts as many digits of a fraction of a second.
    pub(crate) fn of_digits(digits: u8) -> Self {
        Self::ALL.into_iter().find(|unit| digits <= unit.digits()).unwrap_or(Self::Nanoseconds)
    }

    /// The unit in which the number is a time between 2000 and 2100, if there is one.
    pub(crate) fn of_this_century(number: i128) -> Option<Self> {
        Self::ALL.into_iter().find(|unit| (FIRST..LAST).contains(&(number.div_euclid(unit.per_second()))))
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Seconds => "seconds",
            Self::Milliseconds => "milliseconds",
            Self::Microseconds => "microseconds",
            Self::Nanoseconds => "nanoseconds",
        }
    }
}

impl fmt::Display for TimeUnit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_of_this_century_is_of_one_unit() {
        for unit in TimeUnit::ALL {
            let per_second = unit.per_second();
            for (number, expected) in [
                (FIRST * per_second - 1, None),
                (FIRST * per_second, Some(unit)),
                (LAST * per_second - 1, Some(unit)),
                (LAST * per_second, None),
                (-FIRST * per_second, None),
            ] {
                assert_eq!(TimeUnit::of_this_century(number), expected, "{number}");
            }
            assert_eq!(TimeUnit::of_digits(unit.digits()), unit);
            assert_eq!(serde_json::to_string(&unit).unwrap(), format!("\"{unit}\""));
        }
        assert_eq!(TimeUnit::of_digits(1), TimeUnit::Milliseconds);
        assert_eq!(TimeUnit::of_digits(4), TimeUnit::Microseconds);
    }
}
