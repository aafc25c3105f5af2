//! Integers to 64 bits, booleans and enums: a machine number each.

use std::{collections::HashMap, fmt::Debug, sync::Arc};

use arrow_array::{ArrayRef, ArrowPrimitiveType, BooleanArray, PrimitiveArray};
use arrow_buffer::NullBuffer;
use arrow_schema::{ArrowError, DataType as ArrowType};

use super::{fault::Fault, scalar::Scalar};
use crate::warehouse::types::EnumValue;

/// `Int8` to `UInt64`. JSON numbers without fraction and exponent, or the same digits as a text.
#[derive(Debug)]
pub(super) struct Integers<P: ArrowPrimitiveType> {
    name: String,
    values: Vec<P::Native>,
}

impl<P: ArrowPrimitiveType> Integers<P> {
    pub(super) fn new(name: String) -> Self {
        Self { name, values: Vec::new() }
    }
}

impl<P> Scalar for Integers<P>
where
    P: ArrowPrimitiveType + Debug,
    P::Native: TryFrom<u64> + TryFrom<i64> + Default,
{
    fn unsigned(&mut self, value: u64) -> Result<(), Fault> {
        let value = P::Native::try_from(value).map_err(|_| Fault::range(&self.name))?;
        self.values.push(value);
        Ok(())
    }

    fn signed(&mut self, value: i64) -> Result<(), Fault> {
        let value = P::Native::try_from(value).map_err(|_| Fault::range(&self.name))?;
        self.values.push(value);
        Ok(())
    }

    fn float(&mut self, value: f64) -> Result<(), Fault> {
        // 2^63: from there on the parser has no integers left to give.
        if value.abs() >= 9_223_372_036_854_775_808.0 {
            Err(Fault::range(&self.name))
        } else {
            Err(Fault::mismatch("a number with a fraction or an exponent", &self.name))
        }
    }

    fn text(&mut self, text: &str) -> Result<(), Fault> {
        if !is_canonical_integer(text) {
            return Err(Fault::invalid(&self.name));
        }
        if let Ok(value) = text.parse::<u64>() {
            self.unsigned(value)
        } else if let Ok(value) = text.parse::<i64>() {
            self.signed(value)
        } else {
            Err(Fault::range(&self.name))
        }
    }

    fn placeholder(&mut self) {
        self.values.push(P::Native::default());
    }

    fn name(&self) -> String {
        self.name.clone()
    }

    fn truncate(&mut self, length: usize) {
        self.values.truncate(length);
    }

    fn arrow_type(&self) -> ArrowType {
        P::DATA_TYPE
    }

    fn finish(&mut self, nulls: Option<NullBuffer>) -> Result<ArrayRef, ArrowError> {
        let values = std::mem::take(&mut self.values).into();
        Ok(Arc::new(PrimitiveArray::<P>::try_new(values, nulls)?))
    }
}

/// Whether a text is an integer as a computer writes it: no sign but `-`, no leading zero, not `-0`.
pub(super) fn is_canonical_integer(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    match digits.as_bytes() {
        [b'0'] => digits.len() == text.len(),
        [b'1'..=b'9', rest @ ..] => rest.iter().all(u8::is_ascii_digit),
        _ => false,
    }
}

/// `Bool`: `true` and `false`, nothing else.
#[derive(Debug, Default)]
pub(super) struct Booleans {
    values: Vec<bool>,
}

impl Scalar for Booleans {
    fn boolean(&mut self, value: bool) -> Result<(), Fault> {
        self.values.push(value);
        Ok(())
    }

    fn text(&mut self, _: &str) -> Result<(), Fault> {
        Err(Fault::mismatch("a text", &"Bool"))
    }

    fn placeholder(&mut self) {
        self.values.push(false);
    }

    fn name(&self) -> String {
        "Bool".to_owned()
    }

    fn truncate(&mut self, length: usize) {
        self.values.truncate(length);
    }

    fn arrow_type(&self) -> ArrowType {
        ArrowType::Boolean
    }

    fn finish(&mut self, nulls: Option<NullBuffer>) -> Result<ArrayRef, ArrowError> {
        let values = std::mem::take(&mut self.values).into();
        Ok(Arc::new(BooleanArray::new(values, nulls)))
    }
}

/// `Enum8` and `Enum16`: one of the names.
#[derive(Debug)]
pub(super) struct Enums<P: ArrowPrimitiveType> {
    name: &'static str,
    numbers: HashMap<String, P::Native>,
    placeholder: P::Native,
    values: Vec<P::Native>,
}

impl<P: ArrowPrimitiveType> Enums<P>
where
    P::Native: TryFrom<i16>,
{
    pub(super) fn new(name: &'static str, values: &[EnumValue]) -> Self {
        let numbers: HashMap<_, _> = values
            .iter()
            .filter_map(|one| Some((one.name.clone(), P::Native::try_from(one.value).ok()?)))
            .collect();
        // Also behind a null the engine wants a number that has a name.
        let placeholder = numbers.values().next().copied().unwrap_or_default();
        Self { name, numbers, placeholder, values: Vec::new() }
    }
}

impl<P: ArrowPrimitiveType + Debug> Scalar for Enums<P> {
    fn text(&mut self, text: &str) -> Result<(), Fault> {
        let Some(number) = self.numbers.get(text) else {
            return Err(Fault::new(
                super::RejectKind::InvalidValue,
                format!("a text that is no name of the {}", self.name),
            ));
        };
        self.values.push(*number);
        Ok(())
    }

    fn placeholder(&mut self) {
        self.values.push(self.placeholder);
    }

    fn name(&self) -> String {
        self.name.to_owned()
    }

    fn truncate(&mut self, length: usize) {
        self.values.truncate(length);
    }

    fn arrow_type(&self) -> ArrowType {
        P::DATA_TYPE
    }

    fn finish(&mut self, nulls: Option<NullBuffer>) -> Result<ArrayRef, ArrowError> {
        let values = std::mem::take(&mut self.values).into();
        Ok(Arc::new(PrimitiveArray::<P>::try_new(values, nulls)?))
    }
}
