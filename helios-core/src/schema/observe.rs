//! What was observed of the values of one column, or of the elements of its arrays.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{
    kind::Kind,
    number::Number,
    object::Hazard,
    text::{self, Form},
    value::Value,
};

/// What values have in common. Every part is a count, a minimum or a maximum, so the order of the values is no matter.
#[derive(Debug, Default)]
pub(super) struct Observed {
    pub(super) null: u64,
    pub(super) kinds: BTreeMap<Kind, u64>,
    pub(super) numbers: Numbers,
    /// The most digits of a fraction of a second.
    pub(super) fraction_digits: u8,
    /// The first and the last instant of all dates and timestamps.
    pub(super) span: Option<(Timestamp, Timestamp)>,
    /// The elements of all arrays together.
    pub(super) elements: Option<Box<Self>>,
    pub(super) hazard: Option<Hazard>,
}

/// What the numbers need.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    /// The most bits of an integer from 0 up.
    pub(super) bits: u16,
    /// The most bits of a negative integer, without the sign; 0 if there is none.
    pub(super) negative_bits: u16,
    /// An integer is no 64-bit float.
    pub(super) inexact_integer: bool,
    /// The text of a float is not what a 64-bit float would say.
    pub(super) inexact_float: bool,
}

impl Observed {
    /// Adds a value.
    pub(super) fn add(&mut self, value: &Value<'_>) {
        let kind = match value {
            Value::Null => {
                self.null += 1;
                return;
            }
            Value::Bool => Kind::Bool,
            Value::Number(number) => self.numbers.add(*number),
            Value::String(text) => self.string(text),
            Value::Array(elements) => {
                let observed = self.elements.get_or_insert_default();
                elements.iter().for_each(|element| observed.add(element));
                Kind::Array
            }
            Value::Object(hazard) => {
                self.hazard = self.hazard.into_iter().chain(*hazard).min();
                Kind::Object
            }
        };
        *self.kinds.entry(kind).or_default() += 1;
    }

    /// How many values there were, nulls left out.
    pub(super) fn present(&self) -> u64 {
        self.kinds.values().sum()
    }

    fn string(&mut self, text: &str) -> Kind {
        match text::form(text) {
            Form::Empty => Kind::EmptyString,
            Form::Numeric => Kind::NumericString,
            Form::Uuid => Kind::Uuid,
            Form::Ipv4 => Kind::Ipv4,
            Form::Ipv6 => Kind::Ipv6,
            Form::Date(start) => {
                self.stretch(start);
                Kind::Date
            }
            Form::Timestamp(instant, digits) => {
                self.stretch(instant);
                self.fraction_digits = self.fraction_digits.max(digits);
                Kind::Timestamp
            }
            Form::LocalTimestamp => Kind::LocalTimestamp,
            Form::Other => Kind::String,
        }
    }

    fn stretch(&mut self, instant: Timestamp) {
        let (first, last) = self.span.unwrap_or((instant, instant));
        self.span = Some((first.min(instant), last.max(instant)));
    }
}

impl Numbers {
    fn add(&mut self, number: Number) -> Kind {
        match number {
            Number::Integer { negative, bits, exact_as_float } => {
                let most = if negative { &mut self.negative_bits } else { &mut self.bits };
                *most = bits.max(*most);
                self.inexact_integer |= !exact_as_float;
                Kind::Integer
            }
            Number::Float { exact } => {
                self.inexact_float |= !exact;
                Kind::Float
            }
        }
    }
}
