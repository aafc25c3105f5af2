//! What a string looks like: only forms that a ClickHouse type holds and writes back as the same value.

use std::{
    net::{Ipv4Addr, Ipv6Addr},
    ops::Range,
    str::FromStr,
};

use jiff::{Timestamp, civil, tz::Offset};

/// 1900-01-01 up to 2300-01-01 in UTC: what `Date32` and `DateTime64` hold.
const NANOSECONDS: Range<i128> = -2_208_988_800_000_000_000..10_413_792_000_000_000_000;

/// The form of a string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Empty,
    /// Reads like a number: `"007"`, `"-1.5"`.
    Numeric,
    Uuid,
    Ipv4,
    Ipv6,
    /// `2026-01-31`; with the day's start in UTC.
    Date(Timestamp),
    /// `2026-01-31T23:59:59.123Z`, or with an offset; with the digits of its fraction of a second.
    Timestamp(Timestamp, u8),
    /// The same without `Z` or offset, so that nobody can say which instant it is.
    LocalTimestamp,
    /// Anything else.
    Other,
}

/// What `text` looks like.
pub(super) fn form(text: &str) -> Form {
    if text.is_empty() {
        Form::Empty
    } else if is_uuid(text) {
        Form::Uuid
    } else if is_ipv4(text) {
        Form::Ipv4
    } else if is_ipv6(text) {
        Form::Ipv6
    } else if is_numeric(text) {
        Form::Numeric
    } else {
        moment(text).unwrap_or(Form::Other)
    }
}

/// Lower case only: ClickHouse would write capitals back as small letters.
fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
        })
}

fn is_ipv4(text: &str) -> bool {
    text.parse::<Ipv4Addr>().is_ok_and(|address| address.to_string() == text)
}

fn is_ipv6(text: &str) -> bool {
    text.parse::<Ipv6Addr>().is_ok_and(|address| {
        // ClickHouse writes these, as `inet_ntop` does, with an IPv4 address at the end: `::102:304` as `::1.2.3.4`.
        let ipv4_compatible = matches!(address.segments(), [0, 0, 0, 0, 0, 0, seventh, _] if seventh != 0);
        !ipv4_compatible && address.to_string() == text
    })
}

fn is_numeric(text: &str) -> bool {
    text.bytes().any(|byte| byte.is_ascii_digit())
        && text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'+' | b'e' | b'E'))
        && text.parse::<f64>().is_ok()
}

/// A date or a time of ISO 8601's extended format, with a space in place of the `T` allowed.
fn moment(text: &str) -> Option<Form> {
    let date = date(text.get(..10)?)?;
    let rest = text.get(10..)?;
    if rest.is_empty() {
        let start = Offset::UTC.to_timestamp(date.at(0, 0, 0, 0)).ok()?;
        return in_range(start).then_some(Form::Date(start));
    }
    let rest = rest.strip_prefix(['T', ' '])?;
    let [hour, minute, second] = split(rest.get(..8)?, ":")?;
    let (fraction, zone) = fraction(rest.get(8..)?)?;
    let nanosecond = number(&format!("{fraction:0<9}"))?;
    let time = civil::Time::new(number(hour)?, number(minute)?, number(second)?, nanosecond).ok()?;
    if zone.is_empty() {
        return Some(Form::LocalTimestamp);
    }
    let instant = offset(zone)?.to_timestamp(date.to_datetime(time)).ok()?;
    let digits = u8::try_from(fraction.len()).ok()?;
    in_range(instant).then_some(Form::Timestamp(instant, digits))
}

/// The digits of the fraction of a second, at most nine, and what follows.
fn fraction(text: &str) -> Option<(&str, &str)> {
    let Some(rest) = text.strip_prefix('.') else { return Some(("", text)) };
    let (digits, rest) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len()));
    (1..=9).contains(&digits.len()).then_some((digits, rest))
}

fn in_range(instant: Timestamp) -> bool {
    NANOSECONDS.contains(&instant.as_nanosecond())
}

fn date(text: &str) -> Option<civil::Date> {
    let (year, rest) = (text.get(..4)?, text.get(4..)?);
    let [month, day] = split(rest.strip_prefix('-')?, "-")?;
    civil::Date::new(number(year)?, number(month)?, number(day)?).ok()
}

/// `Z` or `+hh:mm`.
fn offset(text: &str) -> Option<Offset> {
    if text == "Z" {
        return Some(Offset::UTC);
    }
    let sign = match text.get(..1)? {
        "+" => 1,
        "-" => -1,
        _ => return None,
    };
    let [hours, minutes] = split(text.get(1..)?, ":")?;
    let (hours, minutes) = (number::<i32>(hours)?, number::<i32>(minutes)?);
    (hours < 24 && minutes < 60)
        .then(|| Offset::from_seconds(sign * (hours * 3600 + minutes * 60)).ok())
        .flatten()
}

/// Exactly `N` parts of two bytes each.
fn split<'a, const N: usize>(text: &'a str, separator: &str) -> Option<[&'a str; N]> {
    let parts: Vec<_> = text.split(separator).collect();
    <[&str; N]>::try_from(parts).ok().filter(|parts| parts.iter().all(|part| part.len() == 2))
}

fn number<T: FromStr>(text: &str) -> Option<T> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instant(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn only_canonical_identifiers_and_addresses_count() {
        for (text, expected) in [
            ("", Form::Empty),
            ("0190b7c5-8a3e-7c21-9d4f-2b6f0e1a9c33", Form::Uuid),
            ("00000000-0000-0000-0000-000000000000", Form::Uuid),
            ("0190B7C5-8A3E-7C21-9D4F-2B6F0E1A9C33", Form::Other),
            ("{0190b7c5-8a3e-7c21-9d4f-2b6f0e1a9c3}", Form::Other),
            ("0190b7c58a3e7c219d4f2b6f0e1a9c33", Form::Other),
            ("0190b7c5-8a3e-7c21-9d4f-2b6f0e1a9c3g", Form::Other),
            ("0190b7c5-8a3e-7c21-9d4f-2b6f0e1a9cü", Form::Other),
            ("10.0.0.1", Form::Ipv4),
            ("255.255.255.255", Form::Ipv4),
            ("010.0.0.1", Form::Other),
            ("10.0.0.256", Form::Other),
            ("10.0.0", Form::Other),
            ("::", Form::Ipv6),
            ("::1", Form::Ipv6),
            ("2001:db8::1", Form::Ipv6),
            ("::ffff:1.2.3.4", Form::Ipv6),
            ("1:0:0:2::3", Form::Ipv6),
            ("2001:DB8::1", Form::Other),
            ("2001:0db8::1", Form::Other),
            ("2001:db8:0:0:0:0:0:1", Form::Other),
            ("::102:304", Form::Other),
            ("::1.2.3.4", Form::Other),
            ("fe80::1%eth0", Form::Other),
        ] {
            assert_eq!(form(text), expected, "{text}");
        }
    }

    #[test]
    fn numbers_in_quotes_are_told_from_words() {
        for text in ["007", "12", "-1.5", "+3", "1e10", ".5"] {
            assert_eq!(form(text), Form::Numeric, "{text}");
        }
        for text in ["-", ".", "e", "1-2", "1.2.3", "NaN", "inf", "0x10", " 1", "1 ", "1,000", "٣"] {
            assert_eq!(form(text), Form::Other, "{text}");
        }
    }

    #[test]
    fn dates_are_real_and_in_range() {
        for text in ["1900-01-01", "2024-02-29", "2299-12-31"] {
            assert_eq!(form(text), Form::Date(instant(&format!("{text}T00:00:00Z"))), "{text}");
        }
        for text in [
            "1899-12-31",
            "2300-01-01",
            "2023-02-29",
            "2024-13-01",
            "2024-00-10",
            "2024-1-01",
            "2024/01/01",
            "2024-01-01Z",
            "02024-01-0",
            "+024-01-01",
            "2024-01-0ü",
        ] {
            assert_eq!(form(text), Form::Other, "{text}");
        }
    }

    #[test]
    fn timestamps_are_instants_in_range() {
        for (text, same, digits) in [
            ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z", 0),
            ("2026-01-02 03:04:05.1Z", "2026-01-02T03:04:05.1Z", 1),
            ("2026-01-02T03:04:05.123456789Z", "2026-01-02T03:04:05.123456789Z", 9),
            ("2026-01-02T00:04:05+02:30", "2026-01-01T21:34:05Z", 0),
            ("2026-01-02T23:04:05.250-08:00", "2026-01-03T07:04:05.25Z", 3),
            ("1900-01-01T00:00:00Z", "1900-01-01T00:00:00Z", 0),
            ("1899-12-31T23:00:00-01:00", "1900-01-01T00:00:00Z", 0),
            ("1969-12-31T23:59:59.5Z", "1969-12-31T23:59:59.5Z", 1),
            ("2299-12-31T23:59:59.999999Z", "2299-12-31T23:59:59.999999Z", 6),
        ] {
            assert_eq!(form(text), Form::Timestamp(instant(same), digits), "{text}");
        }
        for text in [
            "1899-12-31T23:59:59.5Z",
            "1900-01-01T00:00:00+01:00",
            "2300-01-01T00:00:00Z",
            "2299-12-31T23:00:00-01:00",
            "2026-01-02T24:00:00Z",
            "2026-01-02T03:60:05Z",
            "2016-12-31T23:59:60Z",
            "2026-01-02T03:04:05.Z",
            "2026-01-02T03:04:05.1234567890Z",
            "2026-01-02T03:04:05,5Z",
            "2026-01-02T03:04Z",
            "2026-01-02T3:04:05Z",
            "2026-01-02T03:04:05z",
            "2026-01-02t03:04:05Z",
            "2026-01-02T03:04:05 Z",
            "2026-01-02T03:04:05+24:00",
            "2026-01-02T03:04:05+0100",
            "2026-01-02T03:04:05 Europe/Berlin",
            "2026-01-02T03:04:05Zü",
        ] {
            assert_eq!(form(text), Form::Other, "{text}");
        }
    }

    #[test]
    fn timestamps_without_a_zone_are_told_apart() {
        for text in ["2026-01-02T03:04:05", "2026-01-02 03:04:05.123456"] {
            assert_eq!(form(text), Form::LocalTimestamp, "{text}");
        }
    }
}
