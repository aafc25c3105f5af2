//! JSON numbers.

/// A number as it is written, and as far as a machine number holds it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Number<'a> {
    pub(crate) text: &'a str,
    pub(crate) negative: bool,
    /// Whether it has neither a point nor an exponent.
    pub(crate) integral: bool,
    /// All its digits as an integer, if there are at most 19 of them.
    digits: Option<u64>,
    /// The power of ten the digits are to be multiplied with.
    exponent: i32,
}

/// The powers of ten that a `Float64` holds exactly.
const EXACT_POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
    1e19, 1e20, 1e21, 1e22,
];

/// So many digits always fit into 64 bits.
const MOST_DIGITS: usize = 19;

impl<'a> Number<'a> {
    /// The number that starts at `start`, and where it ends; or else the place where it stops being one.
    #[inline]
    pub(crate) fn read(text: &'a str, start: usize) -> Result<(Self, usize), usize> {
        let bytes = text.as_bytes();
        let negative = bytes.get(start) == Some(&b'-');
        let first = start + usize::from(negative);
        let mut digits = 0_u64;
        let mut at = run(bytes, first, &mut digits);
        let mut count = at - first;
        if count == 0 || (count > 1 && bytes.get(first) == Some(&b'0')) {
            return Err(first + usize::from(count > 1));
        }
        let (mut integral, mut exponent) = (true, 0_i32);
        if bytes.get(at) == Some(&b'.') {
            let end = run(bytes, at + 1, &mut digits);
            let places = end - (at + 1);
            if places == 0 {
                return Err(end);
            }
            count += places;
            exponent = -i32::try_from(places).unwrap_or(i32::MAX);
            (integral, at) = (false, end);
        }
        if matches!(bytes.get(at), Some(b'e' | b'E')) {
            let (power, end) = power(text, at + 1)?;
            exponent = exponent.saturating_add(power);
            (integral, at) = (false, end);
        }
        let text = text.get(start..at).unwrap_or_default();
        let digits = (count <= MOST_DIGITS).then_some(digits);
        Ok((Self { text, negative, integral, digits, exponent }, at))
    }

    /// `NaN`, `Infinity` or `-Infinity`, if it starts at `start`, and where it ends.
    pub(crate) fn non_finite(text: &'a str, start: usize) -> Option<(Self, usize)> {
        let rest = text.get(start..)?;
        let word = ["NaN", "Infinity", "-Infinity"].into_iter().find(|word| rest.starts_with(word))?;
        let end = start + word.len();
        let text = text.get(start..end)?;
        let negative = text.starts_with('-');
        Some((Self { text, negative, integral: false, digits: None, exponent: 0 }, end))
    }

    /// Whether it is a number that JSON has.
    #[inline]
    pub(crate) fn is_finite(&self) -> bool {
        // The last letter of `NaN` and of `Infinity`; a number ends with a digit.
        self.digits.is_some() || !self.text.ends_with(['N', 'y'])
    }

    /// A text that is a number from its first to its last byte.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        Self::read(text, 0).ok().filter(|(_, end)| *end == text.len()).map(|(number, _)| number)
    }

    /// Its magnitude, if it is written as an integer and has at most 64 bits.
    #[inline]
    pub(crate) fn magnitude(&self) -> Option<u64> {
        if !self.integral {
            return None;
        }
        self.digits.or_else(|| self.text.trim_start_matches('-').parse().ok())
    }

    /// Whether it is written as an integer, and is not the negative zero that no integer type has.
    #[inline]
    pub(crate) fn is_integer(&self) -> bool {
        self.integral && !(self.negative && self.digits == Some(0))
    }

    /// Its digits as an integer, without the sign, and the power of ten to multiply it with; `None` for many digits.
    #[inline]
    pub(crate) fn scientific(&self) -> Option<(u64, i32)> {
        self.digits.map(|digits| (digits, self.exponent))
    }

    /// The nearest `Float64`; `None` if that is infinite.
    #[inline]
    pub(crate) fn to_f64(self) -> Option<f64> {
        // Both are exact, so that the one operation rounds as it must (Clinger's fast path).
        if let Some(digits) = self.digits.filter(|digits| *digits <= 1 << 53)
            && let Some(power) = EXACT_POWERS.get(self.exponent.unsigned_abs() as usize)
        {
            #[expect(clippy::cast_precision_loss, reason = "at most 2^53")]
            let digits = digits as f64;
            let magnitude = if self.exponent < 0 { digits / power } else { digits * power };
            return Some(if self.negative { -magnitude } else { magnitude });
        }
        self.text.parse().ok().filter(|value: &f64| value.is_finite())
    }
}

/// Appends a run of digits, wrapping beyond 64 bits, and says where it ends.
#[inline]
fn run(bytes: &[u8], mut at: usize, digits: &mut u64) -> usize {
    while let Some(digit) = bytes.get(at).map(|byte| byte.wrapping_sub(b'0')).filter(|digit| *digit < 10) {
        *digits = digits.wrapping_mul(10).wrapping_add(u64::from(digit));
        at += 1;
    }
    at
}

/// An exponent, and where it ends. One too large to count is as large as can be.
#[cold]
fn power(text: &str, start: usize) -> Result<(i32, usize), usize> {
    let bytes = text.as_bytes();
    let sign = bytes.get(start).filter(|byte| matches!(byte, b'+' | b'-'));
    let first = start + usize::from(sign.is_some());
    let end = run(bytes, first, &mut 0);
    if end == first {
        return Err(end);
    }
    let magnitude = text.get(first..end).and_then(|digits| digits.parse().ok()).unwrap_or(i32::MAX);
    Ok((if sign == Some(&b'-') { -magnitude } else { magnitude }, end))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn floats_are_the_nearest(text in r"-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?") {
            let expected: f64 = text.parse().unwrap();
            let number = Number::parse(&text).unwrap();
            prop_assert_eq!(number.to_f64().map(f64::to_bits), expected.is_finite().then_some(expected.to_bits()));
        }

        #[test]
        fn every_float_comes_back(value in any::<f64>().prop_filter("finite", |value| value.is_finite())) {
            let text = format!("{value:?}");
            let text = text.strip_suffix(".0").unwrap_or(&text);
            prop_assert_eq!(Number::parse(text).and_then(Number::to_f64).map(f64::to_bits), Some(value.to_bits()));
        }

        #[test]
        fn integers_to_64_bits_are_exact(value: u64) {
            let text = value.to_string();
            prop_assert_eq!(Number::parse(&text).and_then(|number| number.magnitude()), Some(value));
        }
    }

    #[test]
    fn only_json_numbers_are_numbers() {
        for text in [
            "", "-", ".5", "1.", "01", "-01", "+1", "1e", "1e+", " 1", "1 ", "0x1", "1_0", "nan", "1e1.0",
            "--1",
        ] {
            assert!(Number::parse(text).is_none(), "{text}");
        }
        for text in ["0", "-0", "0.0", "1e5", "1E-05", "-1.5e+3", "123456789012345678901234567890"] {
            assert!(Number::parse(text).is_some(), "{text}");
        }
    }

    #[test]
    fn more_than_64_bits_have_no_magnitude() {
        let magnitude = |text| Number::parse(text).and_then(|number| number.magnitude());
        assert_eq!(magnitude("18446744073709551615"), Some(u64::MAX));
        assert_eq!(magnitude("18446744073709551616"), None);
        assert_eq!(magnitude("-18446744073709551615"), Some(u64::MAX));
        assert_eq!(magnitude("1.0"), None);
        assert_eq!(Number::parse("1e999999999999").and_then(Number::to_f64), None);
        assert_eq!(Number::parse("1e-999999999999").and_then(Number::to_f64), Some(0.0));
    }
}
