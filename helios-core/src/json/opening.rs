//! The name of a field that is expected.

use super::{Cursor, Text};

/// A name as most writers of JSON put it, up to the value: `"name":`.
#[derive(Clone, Debug)]
pub(crate) struct Opening {
    bytes: Box<[u8]>,
    /// The first 16 bytes, or all there are, as a number: comparing such is quicker than a call.
    head: u128,
    mask: u128,
    /// Whether there are escapes in it.
    escaped: bool,
}

impl Opening {
    pub(crate) fn of(name: &str) -> Self {
        let bytes = format!("{}:", serde_json::Value::from(name)).into_bytes();
        let escaped = bytes.contains(&b'\\');
        let (mut head, mut mask) = ([0; 16], [0; 16]);
        for ((byte, head), mask) in bytes.iter().zip(&mut head).zip(&mut mask) {
            (*head, *mask) = (*byte, 0xff);
        }
        Self {
            bytes: bytes.into(),
            head: u128::from_le_bytes(head),
            mask: u128::from_le_bytes(mask),
            escaped,
        }
    }

    /// Passes over it, up to the value, if it is next; the name as it is written then.
    #[inline]
    pub(crate) fn passes<'a>(&self, cursor: &mut Cursor<'a>) -> Option<Text<'a>> {
        if !self.is_next(cursor.rest()) {
            return None;
        }
        let start = cursor.at();
        cursor.skip(self.bytes.len());
        let raw = cursor.between(start + 1, cursor.at() - 2);
        cursor.space();
        Some(Text::new(raw, self.escaped))
    }

    #[inline]
    fn is_next(&self, rest: &[u8]) -> bool {
        match rest.first_chunk() {
            Some(first) if u128::from_le_bytes(*first) & self.mask != self.head => false,
            Some(_) if self.bytes.len() <= 16 => true,
            _ => rest.starts_with(&self.bytes),
        }
    }
}
