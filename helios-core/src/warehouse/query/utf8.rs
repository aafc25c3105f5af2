//! Text that arrives in pieces.

use bytes::Bytes;

/// Makes pieces of text valid UTF-8: what is none becomes U+FFFD. A character that a read has parted stays whole.
#[derive(Debug, Default)]
pub(super) struct Utf8 {
    /// The beginning of a character.
    begun: Vec<u8>,
}

impl Utf8 {
    /// The whole characters of this piece, and of what is left of the one before.
    pub(super) fn feed(&mut self, piece: Bytes) -> Bytes {
        if self.begun.is_empty() && simdutf8::basic::from_utf8(&piece).is_ok() {
            return piece;
        }
        let mut bytes = std::mem::take(&mut self.begun);
        bytes.extend_from_slice(&piece);
        let begun = unfinished(&bytes);
        self.begun = bytes.split_off(bytes.len() - begun);
        valid_utf8(bytes)
    }

    /// What is left at the end.
    pub(super) fn finish(&mut self) -> Bytes {
        valid_utf8(std::mem::take(&mut self.begun))
    }
}

/// How many bytes at the end begin a character that is not there yet.
fn unfinished(bytes: &[u8]) -> usize {
    let last = bytes.utf8_chunks().last();
    last.map_or(0, |chunk| {
        // It is cut, rather than wrong, if more bytes could mend it.
        let invalid = chunk.invalid();
        let is_cut = matches!(std::str::from_utf8(invalid), Err(error) if error.error_len().is_none());
        if is_cut { invalid.len() } else { 0 }
    })
}

/// These bytes, with U+FFFD for what is no UTF-8.
pub(super) fn valid_utf8(bytes: Vec<u8>) -> Bytes {
    match simdutf8::basic::from_utf8(&bytes) {
        Ok(_) => Bytes::from(bytes),
        Err(_) => Bytes::from(String::from_utf8_lossy(&bytes).into_owned()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fed(pieces: &[&[u8]]) -> String {
        let mut utf8 = Utf8::default();
        let mut text = Vec::new();
        for piece in pieces {
            let valid = utf8.feed(Bytes::copy_from_slice(piece));
            assert!(std::str::from_utf8(&valid).is_ok());
            text.extend_from_slice(&valid);
        }
        text.extend_from_slice(&utf8.finish());
        String::from_utf8(text).unwrap()
    }

    proptest! {
        #[test]
        fn where_it_is_parted_does_not_matter(
            text in "[aé€😀]{0,8}",
            noise in proptest::collection::vec(any::<u8>(), 0..6),
            cuts in proptest::collection::vec(0..40_usize, 0..5),
        ) {
            let bytes = [text.as_bytes(), &noise, text.as_bytes()].concat();
            let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let pieces: Vec<_> = cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
            prop_assert_eq!(fed(&pieces), String::from_utf8_lossy(&bytes));
        }
    }
}
