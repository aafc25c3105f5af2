//! Integers to 64 bits, booleans and enums: a machine number each.

use std::{cmp::Ordering, collections::HashMap, fmt::Debug, sync::Arc};

use arrow_array::{ArrayRef, ArrowPrimitiveType, BooleanArray, PrimitiveArray};
use arrow_buffer::NullBuffer;
use arrow_schema::{ArrowError, DataType as ArrowType};

use super::{
    fault::{Checked, Fault},
    scalar::{Scalar, compare, take},
};
use crate::{
    json::{Cursor, Number},
    warehouse::types::EnumValue,
};

/// `Int8` to `UInt64`. JSON numbers without fraction and exponent; of 64 bits also the same digits as a text, because
/// many writers of JSON have no such numbers.
#[derive(Debug)]
pub(super) struct Integers<P: ArrowPrimitiveType> {
    name: String,
    values: Vec<P::Native>,
}

impl<P> Integers<P>
where
    P: ArrowPrimitiveType,
    P::Native: TryFrom<u64> + TryFrom<i64>,
{
    pub(super) fn new(name: String) -> Self {
        Self { name, values: Vec::new() }
    }

    fn push_text(&mut self, text: &str) -> Checked {
        match Number::parse(text) {
            Some(number) if number.is_integer() => self.push(&number),
            _ => Err(Fault::invalid(&self.name)),
        }
    }

    #[inline]
    fn push(&mut self, number: &Number<'_>) -> Checked {
        let value = match number.magnitude() {
            Some(magnitude) if !number.negative => P::Native::try_from(magnitude).ok(),
            Some(magnitude @ 1..) => {
                0_i64.checked_sub_unsigned(magnitude).and_then(|value| P::Native::try_from(value).ok())
            }
            _ => None,
        };
        match value {
            Some(value) => {
                self.values.push(value);
                Ok(())
            }
            None => Err(self.refused(number)),
        }
    }

    #[cold]
    fn refused(&self, number: &Number<'_>) -> Box<Fault> {
        if number.integral {
            Fault::range(&self.name)
        } else {
            Fault::mismatch("a number with a fraction or an exponent", &self.name)
        }
    }
}

impl<P> Scalar for Integers<P>
where
    P: ArrowPrimitiveType + Debug,
    P::Native: TryFrom<u64> + TryFrom<i64> + Default,
{
    fn number(&mut self, number: &Number<'_>) -> Checked {
        self.push(number)
    }

    fn text(&mut self, text: &str) -> Checked {
        if size_of::<P::Native>() < 8 {
            return Err(Fault::mismatch("a text", &self.name));
        }
        self.push_text(text)
    }

    fn key(&mut self, text: &str) -> Checked {
        self.push_text(text)
    }

    fn compare(&self, left: usize, right: usize) -> Ordering {
        compare(&self.values, left, right)
    }

    fn placeholder(&mut self) {
        self.values.push(P::Native::default());
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn truncate(&mut self, length: usize) {
        self.values.truncate(length);
    }

    fn arrow_type(&self) -> ArrowType {
        P::DATA_TYPE
    }

    fn finish(&mut self, nulls: Option<NullBuffer>) -> Result<ArrayRef, ArrowError> {
        let values = take(&mut self.values).into();
        Ok(Arc::new(PrimitiveArray::<P>::try_new(values, nulls)?))
    }
}

/// `Bool`: `true` and `false`, nothing else.
#[derive(Debug, Default)]
pub(super) struct Booleans {
    values: Vec<bool>,
}

impl Scalar for Booleans {
    fn read(&mut self, cursor: &mut Cursor<'_>) -> Checked {
        let value = cursor.passes(b"true");
        if !value && !cursor.passes(b"false") {
            return Err(Fault::other(cursor, "Bool"));
        }
        self.values.push(value);
        Ok(())
    }

    fn key(&mut self, text: &str) -> Checked {
        match text {
            "true" => self.values.push(true),
            "false" => self.values.push(false),
            _ => return Err(Fault::invalid(&"Bool")),
        }
        Ok(())
    }

    fn compare(&self, left: usize, right: usize) -> Ordering {
        self.values.get(left).cmp(&self.values.get(right))
    }

    fn placeholder(&mut self) {
        self.values.push(false);
    }

    fn name(&self) -> &str {
        "Bool"
    }

    fn truncate(&mut self, length: usize) {
        self.values.truncate(length);
    }

    fn arrow_type(&self) -> ArrowType {
        ArrowType::Boolean
    }

    fn finish(&mut self, nulls: Option<NullBuffer>) -> Result<ArrayRef, ArrowError> {
        let values = take(&mut self.values).into();
        Ok(Arc::new(BooleanArray::new(values, nulls)))
    }
}

/// `Enum8` and `Enum16`: one of the names.
#[derive(Debug)]
pub(super) struct Enums<P: ArrowPrimitiveType> {
    name: &'static str,
    numbers: HashMap<String, P::Native>,
    /// The first name, as ClickHouse's own default. Also behind a null the engine wants a number that has a name.
    placeholder: P::Native,
    /// What was last asked for: events often say the same.
    last: (String, P::Native),
    values: Vec<P::Native>,
}

impl<P: ArrowPrimitiveType> Enums<P>
where
    P::Native: TryFrom<i16>,
{
    pub(super) fn new(name: &'static str, values: &[EnumValue]) -> Option<Self> {
        let numbers = values.iter().map(|one| Some((one.name.clone(), P::Native::try_from(one.value).ok()?)));
        let numbers: HashMap<_, _> = numbers.collect::<Option<_>>()?;
        let first = values.iter().min_by_key(|one| one.value)?;
        let placeholder = P::Native::try_from(first.value).ok()?;
        Some(Self { name, numbers, placeholder, last: (first.name.clone(), placeholder), values: Vec::new() })
    }
}

impl<P: ArrowPrimitiveType + Debug> Scalar for Enums<P> {
    fn text(&mut self, text: &str) -> Checked {
        if self.last.0 != text {
            let Some(number) = self.numbers.get(text) else {
                return Err(Fault::no_name());
            };
            self.last.0.clear();
            self.last.0.push_str(text);
            self.last.1 = *number;
        }
        self.values.push(self.last.1);
        Ok(())
    }

    fn compare(&self, left: usize, right: usize) -> Ordering {
        compare(&self.values, left, right)
    }

    fn placeholder(&mut self) {
        self.values.push(self.placeholder);
    }

    fn name(&self) -> &str {
        self.name
    }

    fn truncate(&mut self, length: usize) {
        self.values.truncate(length);
    }

    fn arrow_type(&self) -> ArrowType {
        P::DATA_TYPE
    }

    fn finish(&mut self, nulls: Option<NullBuffer>) -> Result<ArrayRef, ArrowError> {
        let values = take(&mut self.values).into();
        Ok(Arc::new(PrimitiveArray::<P>::try_new(values, nulls)?))
    }
}
