//! ClickHouse's own frames of compressed data, as `decompress=1` announces them.

use bytes::{Buf, Bytes, BytesMut};

use super::exception::{Code, Exception};

/// A checksum (CityHash128, version 1.0.2) over all that follows it; then the method; then the compressed length with
/// this header, and the plain length.
const CHECKSUM: usize = 16;
const HEADER: usize = 9;

/// What a frame may hold. ClickHouse and its clients write frames of about 1 MiB.
const LIMIT: usize = 256 * 1024 * 1024;

const LZ4: u8 = 0x82;
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
        if compressed < HEADER || compressed > LIMIT || plain > LIMIT {
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
            LZ4 => match lz4_flex::block::decompress(&content, plain) {
                Ok(content) if content.len() == plain => Ok(Some(content.into())),
                Ok(_) => Err(Exception::new(Code::CannotDecompress, "A frame is shorter than it says")),
                Err(error) => {
                    Err(Exception::new(Code::CannotDecompress, format!("Cannot decompress: {error}")))
                }
            },
            STORED if content.len() == plain => Ok(Some(content)),
            STORED => {
                Err(Exception::new(Code::CannotDecompress, "A stored frame has another length than it says"))
            }
            method => Err(Exception::new(
                Code::UnknownCompressionMethod,
                format!("Compression method {method:#04x} is not supported: use LZ4 or none"),
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
