//! Floating-point numbers.
//!
//! A number with a fraction or an exponent becomes the nearest the type has, as IEEE 754 means it. An integer must be
//! held exactly: that one was counted, not measured.

use std::sync::Arc;

use arrow_array::{ArrayRef, Float32Array, Float64Array};
use arrow_buffer::NullBuffer;
use arrow_schema::{ArrowError, DataType as ArrowType};

use super::{decimal::Digits, fault::Fault, integer::is_canonical_integer, scalar::Scalar};

/// `Float64`. Numbers, the same as a text, and the texts `nan`, `inf` and `-inf`.
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
    #[expect(clippy::cast_possible_truncation, reason = "rounding to the nearest is what a float does")]
    fn nearest(&self, value: f64) -> f32 {
        let value = value as f32;
        if self.significant == 24 || !value.is_finite() {
            return value;
        }
        let bits = value.to_bits();
        let half = 0x7fff + ((bits >> 16) & 1);
        f32::from_bits(bits.wrapping_add(half) & 0xffff_0000)
    }
}

impl Scalar for Float64s {
    #[expect(clippy::cast_precision_loss, reason = "checked to be exact")]
    fn unsigned(&mut self, value: u64) -> Result<(), Fault> {
        if significant_bits(value) > 53 {
            return Err(Fault::range(&"Float64"));
        }
        self.values.push(value as f64);
        Ok(())
    }

    #[expect(clippy::cast_precision_loss, reason = "checked to be exact")]
    fn signed(&mut self, value: i64) -> Result<(), Fault> {
        if significant_bits(value.unsigned_abs()) > 53 {
            return Err(Fault::range(&"Float64"));
        }
        self.values.push(value as f64);
        Ok(())
    }

    fn float(&mut self, value: f64) -> Result<(), Fault> {
        self.values.push(value);
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(), Fault> {
        number_in(text, self, "Float64")
    }

    fn placeholder(&mut self) {
        self.values.push(0.0);
    }

    fn name(&self) -> String {
        "Float64".to_owned()
    }

    fn truncate(&mut self, length: usize) {
        self.values.truncate(length);
    }

    fn arrow_type(&self) -> ArrowType {
        ArrowType::Float64
    }

    fn finish(&mut self, nulls: Option<NullBuffer>) -> Result<ArrayRef, ArrowError> {
        Ok(Arc::new(Float64Array::try_new(std::mem::take(&mut self.values).into(), nulls)?))
    }
}

impl Scalar for Float32s {
    #[expect(clippy::cast_precision_loss, reason = "checked to be exact")]
    fn unsigned(&mut self, value: u64) -> Result<(), Fault> {
        if significant_bits(value) > self.significant {
            return Err(Fault::range(&self.name));
        }
        self.values.push(value as f32);
        Ok(())
    }

    #[expect(clippy::cast_precision_loss, reason = "checked to be exact")]
    fn signed(&mut self, value: i64) -> Result<(), Fault> {
        if significant_bits(value.unsigned_abs()) > self.significant {
            return Err(Fault::range(&self.name));
        }
        self.values.push(value as f32);
        Ok(())
    }

    fn float(&mut self, value: f64) -> Result<(), Fault> {
        let nearest = self.nearest(value);
        let lost = (value.is_finite() && !nearest.is_finite()) || (value != 0.0 && nearest == 0.0);
        if lost {
            return Err(Fault::range(&self.name));
        }
        self.values.push(nearest);
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(), Fault> {
        let name = self.name;
        number_in(text, self, name)
    }

    fn placeholder(&mut self) {
        self.values.push(0.0);
    }

    fn name(&self) -> String {
        self.name.to_owned()
    }

    fn truncate(&mut self, length: usize) {
        self.values.truncate(length);
    }

    fn arrow_type(&self) -> ArrowType {
        ArrowType::Float32
    }

    fn finish(&mut self, nulls: Option<NullBuffer>) -> Result<ArrayRef, ArrowError> {
        Ok(Arc::new(Float32Array::try_new(std::mem::take(&mut self.values).into(), nulls)?))
    }
}

/// From the first bit that is set to the last.
fn significant_bits(value: u64) -> u32 {
    if value == 0 { 0 } else { u64::BITS - value.leading_zeros() - value.trailing_zeros() }
}

/// A number written as a text.
fn number_in(text: &str, values: &mut dyn Scalar, name: &'static str) -> Result<(), Fault> {
    match text {
        "nan" => return values.float(f64::NAN),
        "inf" => return values.float(f64::INFINITY),
        "-inf" => return values.float(f64::NEG_INFINITY),
        _ => {}
    }
    if is_canonical_integer(text) {
        if let Ok(value) = text.parse() {
            return values.unsigned(value);
        }
        if let Ok(value) = text.parse() {
            return values.signed(value);
        }
    }
    if Digits::parse(text).is_none() {
        return Err(Fault::invalid(&name));
    }
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() => values.float(value),
        _ => Err(Fault::range(&name)),
    }
}
