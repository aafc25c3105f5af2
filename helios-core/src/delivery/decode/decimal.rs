//! Decimals: every digit counts, so they are read from the text of the number.

use std::{cmp::Ordering, sync::Arc};

use arrow_array::{ArrayRef, Decimal128Array, Decimal256Array};
use arrow_buffer::{NullBuffer, i256};
use arrow_schema::{ArrowError, DataType as ArrowType};

use super::{
    fault::{Checked, Fault},
    scalar::{Scalar, compare, take},
};
use crate::json::Number;

/// `Decimal(precision, scale)`. JSON numbers, or the same as a text.
#[derive(Debug)]
pub(super) struct Decimals {
    name: String,
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
        Self { name: format!("Decimal({precision}, {scale})"), precision, scale, values }
    }

    fn push(&mut self, number: &Number<'_>) -> Checked {
        if !number.is_finite() {
            return Err(Fault::range(&self.name));
        }
        let short = self.short(number);
        let digits = || Digits::of(number.text).unscaled(self.precision, self.scale);
        let out_of_range = || Fault::range(&self.name);
        match &mut self.values {
            Values::Narrow(values) => {
                let value = short.or_else(|| digits()?.parse().ok());
                values.push(value.ok_or_else(out_of_range)?);
            }
            Values::Wide(values) => {
                let value = short.map(i256::from_i128).or_else(|| i256::from_string(&digits()?));
                values.push(value.ok_or_else(out_of_range)?);
            }
        }
        Ok(())
    }

    /// The number times 10^scale where few digits make that easy.
    fn short(&self, number: &Number<'_>) -> Option<i128> {
        let (digits, exponent) = number.scientific()?;
        let shift = exponent.checked_add(i32::from(self.scale))?;
        let power = 10_i128.checked_pow(shift.unsigned_abs())?;
        let digits = i128::from(digits);
        let magnitude = if shift >= 0 {
            digits.checked_mul(power)?
        } else if digits % power == 0 {
            digits / power
        } else {
            return None;
        };
        let fits = self.precision > 38 || magnitude < 10_i128.checked_pow(u32::from(self.precision))?;
        fits.then_some(if number.negative { -magnitude } else { magnitude })
    }
}

impl Scalar for Decimals {
    fn text(&mut self, text: &str) -> Checked {
        let number = Number::parse(text).ok_or_else(|| Fault::invalid(&self.name))?;
        self.push(&number)
    }

    fn number(&mut self, number: &Number<'_>) -> Checked {
        self.push(number)
    }

    fn compare(&self, left: usize, right: usize) -> Ordering {
        match &self.values {
            Values::Narrow(values) => compare(values, left, right),
            Values::Wide(values) => compare(values, left, right),
        }
    }

    fn placeholder(&mut self) {
        match &mut self.values {
            Values::Narrow(values) => values.push(0),
            Values::Wide(values) => values.push(i256::ZERO),
        }
    }

    fn name(&self) -> &str {
        &self.name
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
            Values::Narrow(values) => {
                Arc::new(Decimal128Array::try_new(take(values).into(), nulls)?.with_data_type(arrow_type))
            }
            Values::Wide(values) => {
                Arc::new(Decimal256Array::try_new(take(values).into(), nulls)?.with_data_type(arrow_type))
            }
        })
    }
}

/// A number in JSON's grammar, taken apart.
#[derive(Debug)]
struct Digits<'a> {
    negative: bool,
    whole: &'a str,
    fraction: &'a str,
    exponent: i32,
}

impl<'a> Digits<'a> {
    fn of(text: &'a str) -> Self {
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let unsigned = mantissa.strip_prefix('-').unwrap_or(mantissa);
        let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
        // Too large to count is too large for any type: any number far out does. Too small is so too.
        let out = if exponent.starts_with('-') { i32::MIN } else { i32::MAX };
        Self {
            negative: unsigned.len() < mantissa.len(),
            whole,
            fraction,
            exponent: exponent.parse().unwrap_or(out),
        }
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
    use proptest::prelude::*;

    use super::*;

    fn unscaled(text: &str, precision: u8, scale: u8) -> Option<String> {
        let slow = Digits::of(text).unscaled(precision, scale);
        let number = Number::parse(text)?;
        let mut values = Decimals::new(precision, scale);
        let pushed = values.push(&number).is_ok();
        let stored = match &values.values {
            Values::Narrow(values) => values.first().map(ToString::to_string),
            Values::Wide(values) => values.first().map(ToString::to_string),
        };
        assert_eq!((stored.is_some(), &stored), (pushed, &slow), "{text}");
        slow
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

    proptest! {
        /// The quick way and the slow one are of one opinion, and no digit is lost.
        #[test]
        fn what_is_stored_is_what_was_written(
            text in r"-?(0|[1-9][0-9]{0,22})(\.[0-9]{1,22})?([eE][+-]?[0-9]{1,2})?", precision in 1_u8..=76, scale in 0_u8..=76
        ) {
            unscaled(&text, precision, scale.min(precision));
        }
    }
}
