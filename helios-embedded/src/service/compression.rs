//! ClickHouse's own frames of compressed data, as `decompress=1` announces them.

use std::fmt::Display;

use bytes::{Buf, Bytes, BytesMut};

use super::exception::{Code, Exception};

/// A checksum (CityHash128, version 1.0.2) over all that follows it; then the method; then the compressed length with
/// this header, and the plain length.
const CHECKSUM: usize = 16;
const HEADER: usize = 9;

/// What a frame may hold. ClickHouse and its clients write frames of about 1 MiB.
const LIMIT: usize = 256 * 1024 * 1024;

const LZ4: u8 = 0x82;
const ZSTD: u8 = 0x90;
const STORED: u8 = 0x02;

/// Takes frames apart, wherever the pieces they arrive in are cut.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    buffer: BytesMut,
}

impl Frames {
    pub(crate) fn push(&mut self, piece: &[u8]) {
        self.buffer.extend_from_slice(piece);
    }

    /// The content of the next frame, if it is whole.
    pub(crate) fn next(&mut self) -> Result<Option<Bytes>, Exception> {
        let Some((method, compressed, plain)) = self.header() else { return Ok(None) };
        if !(HEADER..=LIMIT).contains(&compressed) || plain > LIMIT {
            return Err(Exception::new(
                Code::CannotDecompress,
                format!(
                    "Compressed data are damaged, or their frame is larger than {LIMIT} bytes: \
                     {compressed} bytes compressed, {plain} bytes plain"
                ),
            ));
        }
        if self.buffer.len() < CHECKSUM + compressed {
            return Ok(None);
        }
        let expected = self.buffer.get_u128_le();
        let frame = self.buffer.split_to(compressed).freeze();
        if cityhash_rs::cityhash_102_128(&frame).rotate_left(64) != expected {
            return Err(Exception::new(Code::ChecksumDoesntMatch, "Checksum doesn't match: corrupted data"));
        }
        let content = frame.slice(HEADER..);
        match method {
            LZ4 => unpacked(lz4_flex::block::decompress(&content, plain), plain),
            ZSTD => unpacked(zstd::bulk::decompress(&content, plain), plain),
            STORED if content.len() == plain => Ok(Some(content)),
            STORED => {
                Err(Exception::new(Code::CannotDecompress, "A stored frame has another length than it says"))
            }
            method => Err(Exception::new(
                Code::UnknownCompressionMethod,
                format!("Compression method {method:#04x} is not supported: use LZ4, ZSTD or none"),
            )),
        }
    }

    /// Whether no part of a frame is left.
    pub(crate) fn is_empty(&self) -> bool {
        self.buffer.is_empty()
    }

    fn header(&self) -> Option<(u8, usize, usize)> {
        let mut header = self.buffer.get(CHECKSUM..CHECKSUM + HEADER)?;
        let method = header.get_u8();
        let compressed = usize::try_from(header.get_u32_le()).ok()?;
        let plain = usize::try_from(header.get_u32_le()).ok()?;
        Some((method, compressed, plain))
    }
}

/// What a method made of a frame, if it is as long as the frame says.
fn unpacked(content: Result<Vec<u8>, impl Display>, plain: usize) -> Result<Option<Bytes>, Exception> {
    match content {
        Ok(content) if content.len() == plain => Ok(Some(content.into())),
        Ok(_) => Err(Exception::new(Code::CannotDecompress, "A frame is shorter than it says")),
        Err(error) => Err(Exception::new(Code::CannotDecompress, format!("Cannot decompress: {error}"))),
    }
}

#[cfg(test)]
mod tests {
    use bytes::BufMut;
    use proptest::prelude::*;

    use super::*;

    /// A frame as a client writes it.
    fn frame(method: u8, content: &[u8], plain: usize) -> Vec<u8> {
        let mut rest = vec![method];
        rest.put_u32_le(u32::try_from(HEADER + content.len()).unwrap());
        rest.put_u32_le(u32::try_from(plain).unwrap());
        rest.extend_from_slice(content);
        let mut frame = Vec::new();
        frame.put_u128_le(cityhash_rs::cityhash_102_128(&rest).rotate_left(64));
        frame.extend_from_slice(&rest);
        frame
    }

    fn lz4(data: &[u8]) -> Vec<u8> {
        frame(LZ4, &lz4_flex::block::compress(data), data.len())
    }

    fn code_of(bytes: &[u8]) -> u32 {
        let mut frames = Frames::default();
        frames.push(bytes);
        frames.next().unwrap_err().code
    }

    #[test]
    fn damage_is_noticed() {
        let mut damaged = lz4(b"some data, some data, some data");
        *damaged.last_mut().unwrap() ^= 1;
        assert_eq!(code_of(&damaged), 40);
        assert_eq!(code_of(&frame(0x91, b"DELTA", 4)), 89);
        assert_eq!(code_of(&frame(ZSTD, b"zstd", 4)), 271);
        assert_eq!(code_of(&frame(ZSTD, &zstd::encode_all(&b"abc"[..], 3).unwrap(), 4)), 271);
        assert_eq!(code_of(&frame(ZSTD, &zstd::encode_all(&b"abcde"[..], 3).unwrap(), 4)), 271);
        assert_eq!(code_of(&frame(LZ4, &lz4_flex::block::compress(b"abc"), 4)), 271);
        assert_eq!(code_of(&frame(STORED, b"abc", 4)), 271);
        assert_eq!(code_of(&[0xFF; CHECKSUM + HEADER]), 271);
    }

    proptest! {
        /// Frames come out whole, wherever the stream was cut.
        #[test]
        fn cuts_do_not_matter(
            contents in prop::collection::vec((any::<bool>(), prop::collection::vec(0_u8..4, 0..300)), 0..8),
            cuts in prop::collection::vec(1_usize..60, 1..20),
        ) {
            let encoded: Vec<u8> = contents
                .iter()
                .flat_map(|(stored, data)| if *stored { frame(STORED, data, data.len()) } else { lz4(data) })
                .collect();
            let mut frames = Frames::default();
            let mut decoded = Vec::new();
            let mut rest = encoded.as_slice();
            for cut in cuts.iter().cycle() {
                if rest.is_empty() {
                    break;
                }
                let (piece, after) = rest.split_at((*cut).min(rest.len()));
                frames.push(piece);
                while let Some(content) = frames.next().unwrap() {
                    decoded.push(content.to_vec());
                }
                rest = after;
            }
            prop_assert!(frames.is_empty());
            let expected: Vec<_> = contents.into_iter().map(|(_, data)| data).collect();
            prop_assert_eq!(decoded, expected);
        }
    }
}
