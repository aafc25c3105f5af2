//! ISO 8601, read by position.

/// An instant: seconds since 1970 in UTC, and nanoseconds after them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Instant {
    pub(crate) seconds: i64,
    pub(crate) nanoseconds: i64,
}

/// What a clock showed: seconds since 1970 as that clock counts, nanoseconds after them, and how far it was ahead of
/// UTC, if that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    pub(crate) seconds: i64,
    pub(crate) nanoseconds: i64,
    pub(crate) offset: Option<i64>,
}

/// The day that was last asked for: events of one batch mostly are of one.
#[derive(Clone, Debug, Default)]
pub(crate) struct LastDay {
    text: [u8; 10],
    days: i64,
}

impl LastDay {
    #[inline]
    fn days(&mut self, text: &[u8; 10]) -> Option<i64> {
        if self.text != *text {
            *self = Self { days: days(text)?, text: *text };
        }
        Some(self.days)
    }
}

impl Moment {
    /// `2024-06-15T12:34:56.789+02:00`: date, `T` or a space, time, an optional fraction, an optional offset
    /// (`Z`, `±hh:mm`, `±hhmm` or `±hh`).
    pub(crate) fn parse(text: &str, last: &mut LastDay) -> Option<Self> {
        let (day, rest) = text.as_bytes().split_first_chunk::<10>()?;
        let (clock, rest) = rest.split_first_chunk::<9>()?;
        let [b'T' | b't' | b' ', h0, h1, b':', m0, m1, b':', s0, s1] = *clock else { return None };
        let day = last.days(day)?;
        let (hour, minute, second) = (two(h0, h1)?, two(m0, m1)?, two(s0, s1)?);
        if hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        let seconds = day * 86_400 + hour * 3600 + minute * 60 + second;
        if rest == b"Z" {
            return Some(Self { seconds, nanoseconds: 0, offset: Some(0) });
        }
        let (nanoseconds, rest) = fraction(rest)?;
        let offset = if rest.is_empty() { None } else { Some(offset(rest)?) };
        Some(Self { seconds, nanoseconds, offset })
    }
}

impl Moment {
    /// The same without seconds, which are then 0, or the date alone, which is its midnight.
    pub(crate) fn parse_short(text: &str) -> Option<Self> {
        let (day, rest) = text.as_bytes().split_first_chunk::<10>()?;
        let midnight = days(day)? * 86_400;
        if rest.is_empty() {
            return Some(Self { seconds: midnight, nanoseconds: 0, offset: None });
        }
        let ([b'T' | b't' | b' ', h0, h1, b':', m0, m1], rest) = rest.split_first_chunk::<6>()? else {
            return None;
        };
        let (hour, minute) = (two(*h0, *h1)?, two(*m0, *m1)?);
        if hour > 23 || minute > 59 {
            return None;
        }
        let offset = if rest.is_empty() { None } else { Some(offset(rest)?) };
        Some(Self { seconds: midnight + hour * 3600 + minute * 60, nanoseconds: 0, offset })
    }
}

/// `2024-06-15` in days since 1970.
pub(crate) fn date(text: &str) -> Option<i64> {
    days(text.as_bytes().first_chunk().filter(|_| text.len() == 10)?)
}

/// `[-]h…:mm:ss[.f…]`, one to three digits of hours, as seconds rounded down and nanoseconds after them.
pub(crate) fn clock_time(text: &str) -> Option<(i64, i64)> {
    let (unsigned, negative) = match text.strip_prefix('-') {
        Some(unsigned) => (unsigned, true),
        None => (text, false),
    };
    let (hours, rest) = unsigned.split_once(':')?;
    if !(1..=3).contains(&hours.len()) || !hours.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (clock, rest) = rest.as_bytes().split_at_checked(5)?;
    let [minutes @ .., b':', _, _] = clock else { return None };
    let [_, _, b':', seconds @ ..] = clock else { return None };
    let (minute, second) = (pair(minutes)?, pair(seconds)?);
    let (nanoseconds, rest) = fraction(rest)?;
    if minute > 59 || second > 59 || !rest.is_empty() {
        return None;
    }
    let seconds = hours.parse::<i64>().ok()? * 3600 + minute * 60 + second;
    Some(match (negative, nanoseconds) {
        (false, _) => (seconds, nanoseconds),
        (true, 0) => (-seconds, 0),
        (true, _) => (-seconds - 1, 1_000_000_000 - nanoseconds),
    })
}

fn pair(digits: &[u8]) -> Option<i64> {
    match digits {
        [tens, ones] => two(*tens, *ones),
        _ => None,
    }
}

#[inline]
fn two(tens: u8, ones: u8) -> Option<i64> {
    let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
    (tens < 10 && ones < 10).then(|| i64::from(tens) * 10 + i64::from(ones))
}

fn days(text: &[u8; 10]) -> Option<i64> {
    let [y0, y1, y2, y3, b'-', m0, m1, b'-', d0, d1] = *text else { return None };
    let (year, month, day) = (two(y0, y1)? * 100 + two(y2, y3)?, two(m0, m1)?, two(d0, d1)?);
    let leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    let last = match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=last).contains(&day) {
        return None;
    }
    // Years begin in March, so that the leap day ends them; 400 years have 146,097 days.
    let (year, month) = if month <= 2 { (year - 1, month + 9) } else { (year, month - 3) };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * month + 2) / 5 + day - 1;
    Some(era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468)
}

/// The fraction of a second in nanoseconds, and what follows. Zeros beyond nine digits say nothing; other digits are
/// refused.
fn fraction(text: &[u8]) -> Option<(i64, &[u8])> {
    let [b'.', rest @ ..] = text else { return Some((0, text)) };
    let end = rest.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len());
    let (digits, rest) = rest.split_at_checked(end)?;
    let (kept, beyond) = digits.split_at_checked(9).unwrap_or((digits, &[]));
    if digits.is_empty() || beyond.iter().any(|digit| *digit != b'0') {
        return None;
    }
    let number = kept.iter().fold(0, |number, digit| number * 10 + i64::from(digit - b'0'));
    let missing = u32::try_from(9 - kept.len()).ok()?;
    Some((number * 10_i64.pow(missing), rest))
}

/// The offset from UTC in seconds.
fn offset(text: &[u8]) -> Option<i64> {
    let (sign, digits) = match text {
        [b'Z' | b'z'] => return Some(0),
        [b'+', digits @ ..] => (1, digits),
        [b'-', digits @ ..] => (-1, digits),
        _ => return None,
    };
    let (hours, minutes) = match digits {
        [_, _] => (digits, &b"00"[..]),
        [hours @ .., b':', _, _] if hours.len() == 2 => (hours, digits.get(3..)?),
        [_, _, _, _] => digits.split_at_checked(2)?,
        _ => return None,
    };
    let (hours, minutes) = (pair(hours)?, pair(minutes)?);
    (hours <= 23 && minutes <= 59).then_some(sign * (hours * 3600 + minutes * 60))
}

#[cfg(test)]
mod tests {
    use jiff::{Timestamp, civil};
    use proptest::prelude::*;

    use super::*;

    fn instant(text: &str) -> Option<Instant> {
        let Moment { seconds, nanoseconds, offset } = Moment::parse(text, &mut LastDay::default())?;
        Some(Instant { seconds: seconds - offset.unwrap_or_default(), nanoseconds })
    }

    #[test]
    fn forms() {
        let noon = Some(Instant { seconds: 1_718_454_896, nanoseconds: 0 });
        for text in [
            "2024-06-15T12:34:56Z",
            "2024-06-15T12:34:56",
            "2024-06-15 12:34:56",
            "2024-06-15t12:34:56z",
            "2024-06-15T12:34:56.000000000000Z",
            "2024-06-15T14:34:56+02:00",
            "2024-06-15T14:34:56+0200",
            "2024-06-15T14:34:56+02",
            "2024-06-15T07:04:56-05:30",
        ] {
            assert_eq!(instant(text), noon, "{text}");
        }
        for text in [
            "",
            "2024-06-15",
            "2024-06-15T12:34",
            "2024-06-15T12:34:60Z",
            "2024-06-15T24:00:00Z",
            "2024-06-15T12:60:00Z",
            "2024-02-30T00:00:00Z",
            "2023-02-29T00:00:00Z",
            "2024-13-01T00:00:00Z",
            "2024-00-01T00:00:00Z",
            "2024-06-00T00:00:00Z",
            "2024-06-15T12:34:56.Z",
            "2024-06-15T12:34:56.0000000001Z",
            "2024-06-15T12:34:56+2:00",
            "2024-06-15T12:34:56+24:00",
            "2024-06-15T12:34:56 Z",
            " 2024-06-15T12:34:56Z",
            "2024/06/15T12:34:56Z",
            "20240615T123456Z",
            "2024-06-15T12:34:56Zé",
            "２024-06-15T12:34:56Z",
            "1718454896",
        ] {
            assert_eq!(instant(text), None, "{text}");
        }
    }

    #[test]
    fn short_forms() {
        let short = |text| Moment::parse_short(text).map(|moment| (moment.seconds, moment.offset));
        assert_eq!(short("2024-06-15T12:34Z"), Some((1_718_454_840, Some(0))));
        assert_eq!(short("2024-06-15 12:34"), Some((1_718_454_840, None)));
        assert_eq!(short("2024-06-15T14:34+02:00"), Some((1_718_462_040, Some(7200))));
        assert_eq!(short("2024-06-15"), Some((1_718_409_600, None)));
        for text in [
            "",
            "2024-06",
            "2024-06-15T",
            "2024-06-15T12",
            "2024-06-15T24:00Z",
            "2024-02-30",
            "2024-06-15T12:34:56",
            "2024-06-15Z",
        ] {
            assert_eq!(short(text), None, "{text}");
        }
    }

    #[test]
    fn clock_times() {
        assert_eq!(clock_time("1:02:03"), Some((3723, 0)));
        assert_eq!(clock_time("999:59:59"), Some((3_599_999, 0)));
        assert_eq!(clock_time("-00:00:01.5"), Some((-2, 500_000_000)));
        for text in
            ["", "12:34", "1234:00:00", "12:60:00", "12:00:60", "+1:00:00", "--1:00:00", "1:0:0", "1:00:00Z"]
        {
            assert_eq!(clock_time(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn agrees_with_a_calendar(seconds in -62_000_000_000_i64..250_000_000_000, nanoseconds in 0..1_000_000_000_i32) {
            let moment = Timestamp::new(seconds, nanoseconds).map_err(|error| TestCaseError::fail(error.to_string()))?;
            let instant = instant(&moment.to_string());
            prop_assert_eq!(instant, Some(Instant { seconds, nanoseconds: i64::from(nanoseconds) }));
        }

        #[test]
        fn only_real_days_are_days(year in 1_i16..9999, month in 0_i8..14, day in 0_i8..33) {
            let text = format!("{year:04}-{month:02}-{day:02}");
            prop_assert_eq!(date(&text).is_some(), civil::Date::new(year, month, day).is_ok());
        }

        #[test]
        fn no_text_panics(text in "[0-9TZ:.+ é-]{0,40}") {
            let _ = (instant(&text), date(&text), clock_time(&text));
        }
    }
}
