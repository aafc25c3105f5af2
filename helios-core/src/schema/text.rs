//! What a string looks like: only forms that a ClickHouse type holds and writes back as the same value.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::iso8601::{self, LastDay, Moment};

/// 1900-01-01 up to 2300-01-01 in UTC: what `Date32` and `DateTime64` hold, in seconds since 1970.
const SECONDS: std::ops::Range<i64> = -2_208_988_800..10_413_792_000;

const DAY: i64 = 86_400;

/// Seconds since 1970 in UTC, and nanoseconds after them.
pub(super) type Instant = (i64, i64);

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
    Date(Instant),
    /// `2026-01-31T23:59:59.123Z`, or with an offset; with the digits of its fraction of a second.
    Timestamp(Instant, u8),
    /// The same without `Z` or offset, so that nobody can say which instant it is; with the digits of its fraction.
    LocalTimestamp(u8),
    /// `Sat, 31 Jan 2026 12:00:00 +0000`: RFC 2822, RFC 1123.
    MailTimestamp,
    /// Anything else.
    Other,
}

/// What `text` looks like.
#[inline]
pub(super) fn form(text: &str, last_day: &mut LastDay) -> Form {
    match text.as_bytes() {
        [] => Form::Empty,
        // Most words.
        [b'G'..=b'Z' | b'_' | b'g'..=b'z' | b'/' | 0x80.., ..] => mail(text),
        [first, ..] => told_by(*first, text, last_day),
    }
}

fn told_by(first: u8, text: &str, last_day: &mut LastDay) -> Form {
    if is_uuid(text) {
        return Form::Uuid;
    }
    if matches!(first, b'0'..=b'9' | b'+' | b'-' | b'.') {
        if is_ipv4(text) {
            return Form::Ipv4;
        }
        if is_numeric(text) {
            return Form::Numeric;
        }
        if let Some(form) = moment(text, last_day) {
            return form;
        }
    }
    if matches!(first, b'0'..=b'9' | b'a'..=b'f' | b':') && is_ipv6(text) {
        return Form::Ipv6;
    }
    mail(text)
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
fn moment(text: &str, last_day: &mut LastDay) -> Option<Form> {
    if text.len() == 10 {
        let start = (iso8601::date(text)?.checked_mul(DAY)?, 0);
        return SECONDS.contains(&start.0).then_some(Form::Date(start));
    }
    let moment = Moment::parse(text, last_day)?;
    let seconds = moment.seconds - moment.offset.unwrap_or_default();
    let fraction = text.as_bytes().get(19..)?.strip_prefix(b".").unwrap_or_default();
    let digits = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let digits = u8::try_from(digits.min(9)).ok()?;
    let form = match moment.offset {
        Some(_) => Form::Timestamp((seconds, moment.nanoseconds), digits),
        None => Form::LocalTimestamp(digits),
    };
    SECONDS.contains(&seconds).then_some(form)
}

/// A time of RFC 2822, if it looks like one at all.
fn mail(text: &str) -> Form {
    let is_likely = (20..=40).contains(&text.len()) && memchr::memchr(b':', text.as_bytes()).is_some() && {
        let day = text.split_once(", ").map_or(text, |(_, day)| day);
        day.starts_with(|first: char| first.is_ascii_digit())
    };
    if is_likely && jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).is_ok() {
        Form::MailTimestamp
    } else {
        Form::Other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(text: &str) -> Form {
        super::form(text, &mut LastDay::default())
    }

    fn instant(text: &str) -> Instant {
        let timestamp: jiff::Timestamp = text.parse().unwrap();
        let nanoseconds = timestamp.as_nanosecond();
        let part = |number: i128| i64::try_from(number).unwrap();
        (part(nanoseconds.div_euclid(1_000_000_000)), part(nanoseconds.rem_euclid(1_000_000_000)))
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
            ("2026-01-02t03:04:05z", "2026-01-02T03:04:05Z", 0),
            ("2026-01-02T03:04:05+0100", "2026-01-02T02:04:05Z", 0),
            ("2026-01-02T03:04:05.1230000000Z", "2026-01-02T03:04:05.123Z", 9),
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
            "2026-01-02T03:04:05.1234567891Z",
            "2026-01-02T03:04:05,5Z",
            "2026-01-02T03:04Z",
            "2026-01-02T3:04:05Z",
            "2026-01-02T03:04:05 Z",
            "2026-01-02T03:04:05+24:00",
            "2026-01-02T03:04:05 Europe/Berlin",
            "2026-01-02T03:04:05Zü",
        ] {
            assert_eq!(form(text), Form::Other, "{text}");
        }
    }

    #[test]
    fn timestamps_without_a_zone_are_told_apart() {
        for (text, digits) in [("2026-01-02T03:04:05", 0), ("2026-01-02 03:04:05.123456", 6)] {
            assert_eq!(form(text), Form::LocalTimestamp(digits), "{text}");
        }
        assert_eq!(form("1899-01-02T03:04:05"), Form::Other);
    }

    #[test]
    fn times_of_mail_and_http_are_told_apart() {
        for text in [
            "Sat, 31 Jan 2026 12:00:00 +0000",
            "Sat, 31 Jan 2026 12:00:00 GMT",
            "Fri, 30 Jan 2026 12:00:00 -0530",
            "31 Jan 2026 12:00:00 +0000",
            "1 Feb 2026 12:00 +0000",
        ] {
            assert_eq!(form(text), Form::MailTimestamp, "{text}");
        }
        for text in [
            "Sat, 31 Foo 2026 12:00:00 +0000",
            "Mon, 31 Jan 2026 12:00:00 +0000",
            "Sat, 31 Jan 2026, in the morning",
        ] {
            assert_eq!(form(text), Form::Other, "{text}");
        }
    }
}
