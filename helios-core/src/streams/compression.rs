//! Compressed payloads, told by their first bytes, unpacked up to a limit.

use std::io::{self, Read};

use bytes::Bytes;
use flate2::read::MultiGzDecoder;

use super::record::Defect;

const GZIP: [u8; 3] = [0x1f, 0x8b, 0x08];
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// Of 2^26 bytes: a frame may not make the decoder hold more than an unpacked record may have.
const ZSTD_WINDOW_LOG: u32 = 26;

/// The payload itself if it is not compressed, else what it unpacks to, at most `limit` bytes.
pub(super) fn decompress(data: &Bytes, limit: usize) -> Result<Bytes, Defect> {
    if data.starts_with(&GZIP) {
        return read(MultiGzDecoder::new(&data[..]), limit, Defect::Gzip);
    }
    if data.starts_with(&ZSTD) {
        let decoder = zstd::Decoder::with_buffer(&data[..]).and_then(|mut decoder| {
            decoder.window_log_max(ZSTD_WINDOW_LOG)?;
            Ok(decoder)
        });
        return read(decoder.map_err(|_| Defect::Zstd)?, limit, Defect::Zstd);
    }
    Ok(data.clone())
}

fn read(decoder: impl Read, limit: usize, broken: Defect) -> Result<Bytes, Defect> {
    let mut unpacked = Vec::new();
    // One byte past the limit tells "as long as allowed" from "longer".
    let read: io::Result<usize> = decoder.take(limit as u64 + 1).read_to_end(&mut unpacked);
    match read {
        Ok(length) if length > limit => Err(Defect::TooLarge),
        Ok(_) => Ok(unpacked.into()),
        Err(_) => Err(broken),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    fn gzip(data: &[u8]) -> Bytes {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(data).unwrap();
        encoder.finish().unwrap().into()
    }

    fn zstd(data: &[u8]) -> Bytes {
        zstd::encode_all(data, 3).unwrap().into()
    }

    #[test]
    fn plain_bytes_pass_untouched() {
        let data = Bytes::from_static(b"{\"a\": 1}");
        let out = decompress(&data, 4).unwrap();
        assert_eq!(out.as_ptr(), data.as_ptr());
    }

    #[test]
    fn both_kinds_unpack() {
        for packed in [gzip(b"hello"), zstd(b"hello")] {
            assert_eq!(decompress(&packed, 5).unwrap(), "hello");
        }
        assert_eq!(decompress(&gzip(b""), 0).unwrap(), "");
    }

    #[test]
    fn members_and_frames_one_after_another_are_one_payload() {
        for pack in [gzip, zstd] {
            let both = [pack(b"hello, "), pack(b"world")].concat();
            assert_eq!(decompress(&both.into(), 100).unwrap(), "hello, world");
        }
    }

    #[test]
    fn a_bomb_stops_at_the_limit() {
        let zeros = vec![0; 1 << 20];
        for packed in [gzip(&zeros), zstd(&zeros)] {
            assert!(packed.len() < 10_000);
            assert_eq!(decompress(&packed, (1 << 20) - 1).unwrap_err(), Defect::TooLarge);
            assert_eq!(decompress(&packed, 1 << 20).unwrap().len(), 1 << 20);
        }
    }

    #[test]
    fn a_damaged_payload_is_an_error() {
        let text: Vec<u8> = (0_u32..1000).flat_map(u32::to_le_bytes).collect();
        for (packed, defect) in [(gzip(&text), Defect::Gzip), (zstd(&text), Defect::Zstd)] {
            assert_eq!(decompress(&packed.slice(..packed.len() / 2), 1 << 20).unwrap_err(), defect);
            assert_eq!(decompress(&packed.slice(..4), 1 << 20).unwrap_err(), defect);
        }
    }
}
