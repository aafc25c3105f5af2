//! Values of a fixed number of bytes: wide integers, UUIDs, IPv6 addresses, fixed strings.

use std::{cmp::Ordering, net::Ipv6Addr, sync::Arc};

use arrow_array::{ArrayRef, FixedSizeBinaryArray};
use arrow_buffer::NullBuffer;
use arrow_schema::{ArrowError, DataType as ArrowType};

use super::{
    fault::{Checked, Fault, RejectKind},
    scalar::{Scalar, take},
};
use crate::json::Number;

/// What the bytes mean, and how many there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// `Int128`, `Int256`: little-endian, two's complement.
    Int(usize),
    /// `UInt128`, `UInt256`: little-endian.
    UInt(usize),
    /// `UUID`: with its four hyphens, in either case.
    Uuid,
    /// `IPv6`, not an IPv4 address.
    Ipv6,
    /// `FixedString`: exactly so many bytes; ClickHouse would fill up a shorter one with zeros.
    FixedString(usize),
}

/// Values of one width.
#[derive(Debug)]
pub(super) struct FixedBytes {
    name: String,
    meaning: Meaning,
    bytes: Vec<u8>,
    length: usize,
}

impl FixedBytes {
    pub(super) fn new(name: String, meaning: Meaning) -> Self {
        Self { name, meaning, bytes: Vec::new(), length: 0 }
    }

    fn width(&self) -> usize {
        match self.meaning {
            Meaning::Int(width) | Meaning::UInt(width) | Meaning::FixedString(width) => width,
            Meaning::Uuid | Meaning::Ipv6 => 16,
        }
    }

    fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        self.length += 1;
    }

    fn integer(&mut self, number: &Number<'_>, width: usize, signed: bool) -> Checked {
        if !number.is_integer() {
            return Err(if number.integral {
                Fault::range(&self.name)
            } else {
                Fault::mismatch("a number with a fraction or an exponent", &self.name)
            });
        }
        let mut bytes = magnitude(number).ok_or_else(|| Fault::range(&self.name))?;
        if number.negative {
            negate(&mut bytes);
        }
        // What is cut off must repeat the sign, and a signed value's highest bit is its sign.
        let fill = if number.negative { 0xff } else { 0 };
        let (kept, cut) = bytes.split_at_checked(width).unwrap_or((&bytes, &[]));
        let sign_kept = !signed || kept.last().is_some_and(|highest| (*highest >= 0x80) == number.negative);
        if (number.negative && !signed) || !sign_kept || cut.iter().any(|byte| *byte != fill) {
            return Err(Fault::range(&self.name));
        }
        self.push(kept);
        Ok(())
    }
}

impl Scalar for FixedBytes {
    fn text(&mut self, text: &str) -> Checked {
        match self.meaning {
            Meaning::Int(_) | Meaning::UInt(_) => match Number::parse(text) {
                Some(number) if number.is_integer() => self.number(&number)?,
                _ => return Err(Fault::invalid(&self.name)),
            },
            Meaning::Uuid => match uuid::Uuid::try_parse(text) {
                Ok(uuid) if text.len() == 36 => self.push(uuid.as_bytes()),
                _ => return Err(Fault::invalid(&self.name)),
            },
            Meaning::Ipv6 => match text.parse::<Ipv6Addr>() {
                Ok(address) => self.push(&address.octets()),
                Err(_) => return Err(Fault::invalid(&self.name)),
            },
            Meaning::FixedString(width) if text.len() == width => self.push(text.as_bytes()),
            Meaning::FixedString(width) => {
                let message =
                    format!("expected a string of exactly {width} bytes, found {} bytes", text.len());
                return Err(Fault::new(RejectKind::OutOfRange, message));
            }
        }
        Ok(())
    }

    fn number(&mut self, number: &Number<'_>) -> Checked {
        match self.meaning {
            Meaning::Int(width) => self.integer(number, width, true),
            Meaning::UInt(width) => self.integer(number, width, false),
            _ => Err(Fault::mismatch("a number", &self.name)),
        }
    }

    fn compare(&self, left: usize, right: usize) -> Ordering {
        let width = self.width();
        let value = |at: usize| self.bytes.get(at * width..(at + 1) * width);
        value(left).cmp(&value(right))
    }

    fn placeholder(&mut self) {
        self.bytes.resize(self.bytes.len() + self.width(), 0);
        self.length += 1;
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn truncate(&mut self, length: usize) {
        self.bytes.truncate(length * self.width());
        self.length = self.length.min(length);
    }

    fn arrow_type(&self) -> ArrowType {
        ArrowType::FixedSizeBinary(i32::try_from(self.width()).unwrap_or(i32::MAX))
    }

    fn finish(&mut self, nulls: Option<NullBuffer>) -> Result<ArrayRef, ArrowError> {
        let width = i32::try_from(self.width()).unwrap_or(i32::MAX);
        let bytes = take(&mut self.bytes).into();
        self.length = 0;
        Ok(Arc::new(FixedSizeBinaryArray::try_new(width, bytes, nulls)?))
    }
}

/// The digits of an integer as 256 bits, little-endian; `None` if there are more.
fn magnitude(number: &Number<'_>) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if let Some(few) = number.magnitude() {
        let (low, _) = bytes.split_at_mut_checked(8)?;
        low.copy_from_slice(&few.to_le_bytes());
        return Some(bytes);
    }
    let mut limbs = [0_u32; 8];
    for digit in number.text.trim_start_matches('-').bytes() {
        let mut carry = u64::from(digit - b'0');
        for limb in &mut limbs {
            let wide = u64::from(*limb) * 10 + carry;
            *limb = u32::try_from(wide & u64::from(u32::MAX)).ok()?;
            carry = wide >> 32;
        }
        if carry != 0 {
            return None;
        }
    }
    for (four, limb) in bytes.chunks_exact_mut(4).zip(limbs) {
        four.copy_from_slice(&limb.to_le_bytes());
    }
    Some(bytes)
}

fn negate(bytes: &mut [u8; 32]) {
    let mut carry = true;
    for byte in bytes {
        let (negated, overflow) = (!*byte).overflowing_add(u8::from(carry));
        *byte = negated;
        carry = overflow;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn stored(meaning: Meaning, text: &str) -> Option<Vec<u8>> {
        let mut values = FixedBytes::new(String::new(), meaning);
        values.text(text).ok()?;
        Some(values.bytes)
    }

    proptest! {
        #[test]
        fn wide_integers_are_little_endian(signed: i128, unsigned: u128) {
            prop_assert_eq!(stored(Meaning::Int(16), &signed.to_string()), Some(signed.to_le_bytes().to_vec()));
            prop_assert_eq!(stored(Meaning::UInt(16), &unsigned.to_string()), Some(unsigned.to_le_bytes().to_vec()));
        }
    }

    #[test]
    fn the_ends_of_the_ranges() {
        let least = "-57896044618658097711785492504343953926634992332820282019728792003956564819968";
        let below = "-57896044618658097711785492504343953926634992332820282019728792003956564819969";
        let greatest = "57896044618658097711785492504343953926634992332820282019728792003956564819967";
        let above = "57896044618658097711785492504343953926634992332820282019728792003956564819968";
        assert!(stored(Meaning::Int(32), least).is_some_and(|bytes| bytes.last() == Some(&0x80)));
        assert!(stored(Meaning::Int(32), greatest).is_some_and(|bytes| bytes.last() == Some(&0x7f)));
        assert_eq!(stored(Meaning::Int(32), below), None);
        assert_eq!(stored(Meaning::Int(32), above), None);
        let greatest = "115792089237316195423570985008687907853269984665640564039457584007913129639935";
        let above = "115792089237316195423570985008687907853269984665640564039457584007913129639936";
        assert_eq!(stored(Meaning::UInt(32), greatest), Some(vec![0xff; 32]));
        assert_eq!(stored(Meaning::UInt(32), above), None);
        assert_eq!(stored(Meaning::UInt(16), "-1"), None);
        assert_eq!(stored(Meaning::Int(16), "170141183460469231731687303715884105728"), None);
        assert_eq!(stored(Meaning::Int(16), "-170141183460469231731687303715884105729"), None);
    }
}
