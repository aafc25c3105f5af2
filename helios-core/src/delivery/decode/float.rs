//! Floating-point numbers.
//!
//! A number with a fraction or an exponent becomes the nearest the type has, as IEEE 754 means it. An integer must be
//! held exactly: that one was counted, not measured.

use std::{cmp::Ordering, sync::Arc};

use arrow_array::{ArrayRef, Float32Array, Float64Array};
use arrow_buffer::NullBuffer;
use arrow_schema::{ArrowError, DataType as ArrowType};

use super::{
    fault::{Checked, Fault},
    scalar::{Scalar, compare, take},
};
use crate::json::Number;

/// `Float64`. Numbers, and the texts `nan`, `inf` and `-inf`, for which JSON has no number.
#[derive(Debug, Default)]
pub(super) struct Float64s {
    values: Vec<f64>,
}

/// `Float32`, and `BFloat16`, which travels as `Float32`.
#[derive(Debug)]
pub(super) struct Float32s {
    name: &'static str,
    /// Bits of a whole number that are kept: 24 or 8.
    significant: u32,
    values: Vec<f32>,
}

impl Float32s {
    pub(super) fn float32() -> Self {
        Self { name: "Float32", significant: 24, values: Vec::new() }
    }

    pub(super) fn bfloat16() -> Self {
        Self { name: "BFloat16", significant: 8, values: Vec::new() }
    }

    /// The nearest value, ties to even. The engine would cut a `BFloat16` off instead of rounding it.
    fn nearest(&self, number: &Number<'_>) -> Option<f32> {
        if self.significant == 24 {
            // Not by way of Float64: rounding twice may go astray.
            return number.text.parse().ok();
        }
        let bits = to_odd(number.to_f64()?).to_bits();
        let half = 0x7fff + ((bits >> 16) & 1);
        Some(f32::from_bits(bits.wrapping_add(half) & 0xffff_0000))
    }
}

/// Rounded so that rounding once more, to fewer bits, goes where rounding once would have gone.
#[expect(clippy::cast_possible_truncation, reason = "that is what rounding is")]
fn to_odd(value: f64) -> f32 {
    let nearest = value as f32;
    let back = f64::from(nearest);
    if back == value || !nearest.is_finite() {
        return nearest;
    }
    let bits = nearest.to_bits() - u32::from(back.abs() > value.abs());
    f32::from_bits(bits | 1)
}

impl Scalar for Float64s {
    fn number(&mut self, number: &Number<'_>) -> Checked {
        match number.to_f64() {
            Some(value) if is_kept(number, value, 53) => self.values.push(value),
            None if !number.is_finite() => return self.text(number.text),
            _ => return Err(Fault::range(&"Float64")),
        }
        Ok(())
    }

    fn text(&mut self, text: &str) -> Checked {
        self.values.push(special(text).ok_or_else(|| Fault::mismatch("a text", &"Float64"))?);
        Ok(())
    }

    fn compare(&self, left: usize, right: usize) -> Ordering {
        compare(&self.values, left, right)
    }

    fn placeholder(&mut self) {
        self.values.push(0.0);
    }

    fn name(&self) -> &str {
        "Float64"
    }

    fn truncate(&mut self, length: usize) {
        self.values.truncate(length);
    }

    fn arrow_type(&self) -> ArrowType {
        ArrowType::Float64
    }

    fn finish(&mut self, nulls: Option<NullBuffer>) -> Result<ArrayRef, ArrowError> {
        Ok(Arc::new(Float64Array::try_new(take(&mut self.values).into(), nulls)?))
    }
}

impl Scalar for Float32s {
    fn number(&mut self, number: &Number<'_>) -> Checked {
        if !number.is_finite() {
            return self.text(number.text);
        }
        match self.nearest(number) {
            Some(value) if value.is_finite() && is_kept(number, f64::from(value), self.significant) => {
                self.values.push(value);
            }
            _ => return Err(Fault::range(&self.name)),
        }
        Ok(())
    }

    #[expect(clippy::cast_possible_truncation, reason = "these have the same in Float32")]
    fn text(&mut self, text: &str) -> Checked {
        self.values.push(special(text).ok_or_else(|| Fault::mismatch("a text", &self.name))? as f32);
        Ok(())
    }

    fn compare(&self, left: usize, right: usize) -> Ordering {
        compare(&self.values, left, right)
    }

    fn placeholder(&mut self) {
        self.values.push(0.0);
    }

    fn name(&self) -> &str {
        self.name
    }

    fn truncate(&mut self, length: usize) {
        self.values.truncate(length);
    }

    fn arrow_type(&self) -> ArrowType {
        ArrowType::Float32
    }

    fn finish(&mut self, nulls: Option<NullBuffer>) -> Result<ArrayRef, ArrowError> {
        Ok(Arc::new(Float32Array::try_new(take(&mut self.values).into(), nulls)?))
    }
}

fn special(text: &str) -> Option<f64> {
    match text {
        // As ClickHouse writes them, and as proto3's JSON does.
        "nan" | "NaN" => Some(f64::NAN),
        "inf" | "Infinity" => Some(f64::INFINITY),
        "-inf" | "-Infinity" => Some(f64::NEG_INFINITY),
        _ => None,
    }
}

/// Whether the nearest value is good enough: for an integer that it is the same; else that it did not vanish.
#[inline]
fn is_kept(number: &Number<'_>, nearest: f64, significant: u32) -> bool {
    match number.magnitude() {
        Some(magnitude) => significant_bits(magnitude) <= significant,
        None if number.integral => format!("{nearest:.0}") == number.text,
        None => nearest != 0.0 || is_zero(number.text),
    }
}

/// From the first bit that is set to the last.
fn significant_bits(value: u64) -> u32 {
    if value == 0 { 0 } else { u64::BITS - value.leading_zeros() - value.trailing_zeros() }
}

#[cold]
fn is_zero(text: &str) -> bool {
    let mantissa = text.split(['e', 'E']).next().unwrap_or(text);
    mantissa.bytes().all(|byte| matches!(byte, b'0' | b'.' | b'-'))
}
