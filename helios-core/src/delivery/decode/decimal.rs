//! Decimals: every digit counts, so they are read from the text of the number.

use std::sync::Arc;

use arrow_array::{ArrayRef, Decimal128Array, Decimal256Array};
use arrow_buffer::{NullBuffer, i256};
use arrow_schema::{ArrowError, DataType as ArrowType};

use super::{
    fault::Fault,
    scalar::{Reading, Scalar, kind_of},
};

/// `Decimal(precision, scale)`. JSON numbers, or the same as a text.
#[derive(Debug)]
pub(super) struct Decimals {
    precision: u8,
    scale: u8,
    values: Values,
}

#[derive(Debug)]
enum Values {
    /// To 38 digits.
    Narrow(Vec<i128>),
    Wide(Vec<i256>),
}

impl Decimals {
    pub(super) fn new(precision: u8, scale: u8) -> Self {
        let values = if precision <= 38 { Values::Narrow(Vec::new()) } else { Values::Wide(Vec::new()) };
        Self { precision, scale, values }
    }

    fn number(&mut self, text: &str) -> Result<(), Fault> {
        let digits = Digits::parse(text).ok_or_else(|| Fault::invalid(&self.name()))?;
        let unscaled =
            digits.unscaled(self.precision, self.scale).ok_or_else(|| Fault::range(&self.name()))?;
        match &mut self.values {
            Values::Narrow(values) => unscaled.parse().map(|value| values.push(value)).ok(),
            Values::Wide(values) => i256::from_string(&unscaled).map(|value| values.push(value)),
        }
        .ok_or_else(|| Fault::range(&self.name()))
    }
}

impl Scalar for Decimals {
    fn reading(&self) -> Reading {
        Reading::Raw
    }

    fn text(&mut self, text: &str) -> Result<(), Fault> {
        self.number(text)
    }

    fn json(&mut self, raw: &str) -> Result<(), Fault> {
        match kind_of(raw) {
            "a number" => self.number(raw),
            other => Err(Fault::mismatch(other, &self.name())),
        }
    }

    fn placeholder(&mut self) {
        match &mut self.values {
            Values::Narrow(values) => values.push(0),
            Values::Wide(values) => values.push(i256::ZERO),
        }
    }

    fn name(&self) -> String {
        format!("Decimal({}, {})", self.precision, self.scale)
    }

    fn truncate(&mut self, length: usize) {
        match &mut self.values {
            Values::Narrow(values) => values.truncate(length),
            Values::Wide(values) => values.truncate(length),
        }
    }

    fn arrow_type(&self) -> ArrowType {
        let scale = i8::try_from(self.scale).unwrap_or(i8::MAX);
        match self.values {
            Values::Narrow(_) => ArrowType::Decimal128(self.precision, scale),
            Values::Wide(_) => ArrowType::Decimal256(self.precision, scale),
        }
    }

    fn finish(&mut self, nulls: Option<NullBuffer>) -> Result<ArrayRef, ArrowError> {
        let arrow_type = self.arrow_type();
        Ok(match &mut self.values {
            Values::Narrow(values) => Arc::new(
                Decimal128Array::try_new(std::mem::take(values).into(), nulls)?.with_data_type(arrow_type),
            ),
            Values::Wide(values) => Arc::new(
                Decimal256Array::try_new(std::mem::take(values).into(), nulls)?.with_data_type(arrow_type),
            ),
        })
    }
}

/// A number in JSON's grammar, taken apart.
#[derive(Debug)]
pub(super) struct Digits<'a> {
    negative: bool,
    whole: &'a str,
    fraction: &'a str,
    exponent: i32,
}

impl<'a> Digits<'a> {
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, Some(exponent)),
            None => (text, None),
        };
        let (unsigned, negative) = match mantissa.strip_prefix('-') {
            Some(unsigned) => (unsigned, true),
            None => (mantissa, false),
        };
        let (whole, fraction) = match unsigned.split_once('.') {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (unsigned, None),
        };
        let all_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let plain = all_digits(whole)
            && (whole.len() == 1 || !whole.starts_with('0'))
            && fraction.is_none_or(all_digits);
        let exponent = match exponent {
            None => 0,
            Some(text) if all_digits(text.strip_prefix(['+', '-']).unwrap_or(text)) => {
                // Too large to count is too large for any type: any number far out does.
                text.parse().unwrap_or(i32::MAX)
            }
            Some(_) => return None,
        };
        plain.then(|| Self { negative, whole, fraction: fraction.unwrap_or_default(), exponent })
    }

    /// The number times 10^scale, if that is an integer of at most `precision` digits.
    fn unscaled(&self, precision: u8, scale: u8) -> Option<String> {
        let digits = format!("{}{}", self.whole, self.fraction);
        let significant = digits.trim_start_matches('0').trim_end_matches('0');
        if significant.is_empty() {
            return Some("0".to_owned());
        }
        let trailing = i64::try_from(digits.len() - digits.trim_end_matches('0').len()).ok()?;
        let fraction = i64::try_from(self.fraction.len()).ok()?;
        // The power of ten of the last significant digit, counted from the last digit the type has.
        let zeros = i64::from(self.exponent) - fraction + trailing + i64::from(scale);
        let zeros = usize::try_from(zeros).ok()?;
        if significant.len().checked_add(zeros)? > usize::from(precision) {
            return None;
        }
        let sign = if self.negative { "-" } else { "" };
        Some(format!("{sign}{significant}{}", "0".repeat(zeros)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unscaled(text: &str, precision: u8, scale: u8) -> Option<String> {
        Digits::parse(text)?.unscaled(precision, scale)
    }

    #[test]
    fn no_digit_is_lost() {
        assert_eq!(unscaled("1.23", 9, 2).as_deref(), Some("123"));
        assert_eq!(unscaled("1.230000", 9, 2).as_deref(), Some("123"));
        assert_eq!(unscaled("1.234", 9, 2), None);
        assert_eq!(unscaled("-9999999.99", 9, 2).as_deref(), Some("-999999999"));
        assert_eq!(unscaled("10000000", 9, 2), None);
        assert_eq!(unscaled("1e2", 5, 2).as_deref(), Some("10000"));
        assert_eq!(unscaled("125e-2", 5, 2).as_deref(), Some("125"));
        assert_eq!(unscaled("1e-3", 5, 2), None);
        assert_eq!(unscaled("0.000", 1, 0).as_deref(), Some("0"));
        assert_eq!(unscaled("-0", 1, 0).as_deref(), Some("0"));
        assert_eq!(unscaled("1e99999999999", 76, 0), None);
        assert_eq!(unscaled("0e99999999999", 76, 0).as_deref(), Some("0"));
    }

    #[test]
    fn only_json_numbers_are_numbers() {
        for text in
            ["", "-", ".5", "1.", "01", "+1", "1e", "1e+", " 1", "1 ", "0x1", "1_0", "nan", "1e1.0", "--1"]
        {
            assert!(Digits::parse(text).is_none(), "{text}");
        }
    }
}
