//! Compressed payloads, told by their first bytes, unpacked up to a limit.

use std::io::{self, Read};

use bytes::Bytes;
use flate2::{bufread::ZlibDecoder, read::MultiGzDecoder};

use super::{defect::Defect, format::is_text};

/// Of 2^26 bytes: a frame may not make the decoder hold more than an unpacked record may have.
const ZSTD_WINDOW_LOG: u32 = 26;

/// What the LZ4 decoders of one record may clear in all: 1,000 blocks of 4 MiB. Each frame has a decoder, which clears as much
/// as the frame says that a block may have, and a frame of 27 bytes may say 4 MiB.
const MAX_CLEARED_BYTES: u64 = 4 << 30;

/// What is left of what unpacking one record may take.
#[derive(Debug)]
pub(super) struct Budget {
    /// How many bytes it may unpack to.
    pub(super) bytes: usize,
    cleared: u64,
}

impl Budget {
    pub(super) fn new(bytes: usize) -> Self {
        Self { bytes, cleared: MAX_CLEARED_BYTES }
    }
}

/// A compression that is unpacked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compression {
    Gzip,
    Zstd,
    Zlib,
    /// Frames, as `lz4` writes them; not blocks alone.
    Lz4,
    /// The framing format; not blocks alone.
    Snappy,
}

impl Compression {
    /// What the first bytes say.
    pub(super) fn of(payload: &[u8]) -> Option<Self> {
        match payload {
            [0x1f, 0x8b, 0x08, ..] => Some(Self::Gzip),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Self::Zstd),
            // Deflate with a window of 32 KiB and no dictionary, at each of the four levels.
            [0x78, 0x01 | 0x5e | 0x9c | 0xda, ..] => Some(Self::Zlib),
            [0x04, 0x22, 0x4d, 0x18, ..] => Some(Self::Lz4),
            [0xff, 0x06, 0x00, 0x00, b's', b'N', b'a', b'P', b'p', b'Y', ..] => Some(Self::Snappy),
            _ => None,
        }
    }

    /// What a payload of this compression unpacks to. The caller takes its bytes from the budget.
    pub(super) fn unpack(self, payload: &Bytes, budget: &mut Budget) -> Result<Bytes, Defect> {
        let limit = budget.bytes;
        match self {
            Self::Gzip => read(MultiGzDecoder::new(&payload[..]), limit, Defect::Gzip),
            Self::Zstd => {
                let decoder = zstd::Decoder::with_buffer(&payload[..]).and_then(|mut decoder| {
                    decoder.window_log_max(ZSTD_WINDOW_LOG)?;
                    Ok(decoder)
                });
                read(decoder.map_err(|_| Defect::Zstd)?, limit, Defect::Zstd)
            }
            Self::Zlib => match zlib(payload, limit) {
                // Text may begin with `x^`.
                Err(Defect::Zlib) if is_text(payload) => Ok(payload.clone()),
                unpacked => unpacked,
            },
            Self::Lz4 => lz4(payload, budget),
            Self::Snappy => snappy(payload, limit),
        }
    }
}

/// What zlib data unpack to, up to their last byte.
pub(super) fn zlib(data: &[u8], limit: usize) -> Result<Bytes, Defect> {
    let mut decoder = ZlibDecoder::new(data);
    let unpacked = read(&mut decoder, limit, Defect::Zlib)?;
    if decoder.into_inner().is_empty() { Ok(unpacked) } else { Err(Defect::Zlib) }
}

/// What frames of Snappy unpack to. A chunk of a kind that the decoder would pass over is an error: nobody knows what is in
/// it, and it may be data.
fn snappy(data: &[u8], limit: usize) -> Result<Bytes, Defect> {
    let mut chunks = data;
    while let [kind, low, middle, high, rest @ ..] = chunks {
        if matches!(kind, 0x02..=0xfd) {
            return Err(Defect::Snappy);
        }
        let length = u32::from_le_bytes([*low, *middle, *high, 0]);
        chunks = usize::try_from(length).ok().and_then(|length| rest.get(length..)).unwrap_or_default();
    }
    read(snap::read::FrameDecoder::new(data), limit, Defect::Snappy)
}

/// What one LZ4 frame after another unpacks to.
fn lz4(mut data: &[u8], budget: &mut Budget) -> Result<Bytes, Defect> {
    let mut unpacked = Vec::new();
    while !data.is_empty() {
        budget.cleared = budget.cleared.checked_sub(largest_block(data)).ok_or(Defect::TooManyFrames)?;
        // The decoder takes the end of the data for the end of a frame.
        let mut decoder = lz4_flex::frame::FrameDecoder::new(Whole { data, is_exhausted: false });
        append(&mut decoder, &mut unpacked, budget.bytes, Defect::Lz4)?;
        let whole = decoder.into_inner();
        if whole.is_exhausted {
            return Err(Defect::Lz4);
        }
        data = whole.data;
    }
    Ok(unpacked.into())
}

/// How many bytes a frame of LZ4 says that its blocks have at most: 64 KiB to 4 MiB.
fn largest_block(frame: &[u8]) -> u64 {
    match frame {
        [0x04, 0x22, 0x4d, 0x18, _, sizes, ..] => 1 << (8 + 2 * (sizes >> 4 & 7)),
        // Frames of other kinds: none larger is known.
        _ => 8 << 20,
    }
}

/// Bytes, and whether more of them were wanted than there are.
struct Whole<'a> {
    data: &'a [u8],
    is_exhausted: bool,
}

impl Read for Whole<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.is_exhausted |= self.data.is_empty() && !buffer.is_empty();
        self.data.read(buffer)
    }
}

fn read(decoder: impl Read, limit: usize, broken: Defect) -> Result<Bytes, Defect> {
    let mut unpacked = Vec::new();
    append(decoder, &mut unpacked, limit, broken)?;
    Ok(unpacked.into())
}

/// Unpacks behind what was unpacked before, up to `limit` bytes together.
fn append(decoder: impl Read, unpacked: &mut Vec<u8>, limit: usize, broken: Defect) -> Result<(), Defect> {
    let left = limit.saturating_sub(unpacked.len());
    // One byte past the limit tells "as long as allowed" from "longer".
    let read: io::Result<usize> = decoder.take(left as u64 + 1).read_to_end(unpacked);
    match read {
        Ok(length) if length > left => Err(Defect::TooLarge),
        Ok(_) => Ok(()),
        Err(_) => Err(broken),
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::framings::{gzip, lz4 as lz4_frame, snappy as snappy_frames, zlib as zlib_stream, zstd},
        *,
    };

    type Pack = fn(&[u8]) -> Vec<u8>;

    const ALL: [(Compression, Pack, Defect); 5] = [
        (Compression::Gzip, gzip, Defect::Gzip),
        (Compression::Zstd, zstd, Defect::Zstd),
        (Compression::Zlib, zlib_stream, Defect::Zlib),
        (Compression::Lz4, lz4_frame, Defect::Lz4),
        (Compression::Snappy, snappy_frames, Defect::Snappy),
    ];

    fn unpacked(packed: Vec<u8>, limit: usize) -> Result<Bytes, Defect> {
        Compression::of(&packed).unwrap().unpack(&packed.into(), &mut Budget::new(limit))
    }

    /// Bytes that no compression makes much shorter.
    fn noise(length: usize) -> Vec<u8> {
        (0_u32..).flat_map(|at| at.wrapping_mul(2_654_435_761).to_le_bytes()).take(length).collect()
    }

    #[test]
    fn every_compression_unpacks() {
        let long = noise(300_000);
        for (compression, pack, _) in ALL {
            assert_eq!(Compression::of(&pack(b"hello")), Some(compression));
            assert_eq!(unpacked(pack(b"hello"), 5).unwrap(), "hello", "{compression:?}");
            assert_eq!(unpacked(pack(&long), 1 << 20).unwrap(), long, "{compression:?}");
        }
        assert_eq!(unpacked(gzip(b""), 0).unwrap(), "");
        for plain in [&b""[..], b"{\"a\": 1}", b"x", b"x=1", b"\x1f\x8b", b"hello"] {
            assert_eq!(Compression::of(plain), None);
        }
    }

    /// As zlib and the command `lz4` write them, with and without sums, and as Snappy's framing format describes it.
    #[test]
    fn what_others_packed_unpacks() {
        let byte = |digits: &[u8]| u8::from_str_radix(std::str::from_utf8(digits).unwrap(), 16).unwrap();
        let hex = |text: &str| -> Vec<u8> { text.as_bytes().chunks(2).map(byte).collect() };
        for packed in [
            "7801010800f7ff7b226964223a317d0b4d0275",
            "7801ab56ca4c51b232ac05000b4d0275",
            "785eab56ca4c51b232ac05000b4d0275",
            "789cab56ca4c51b232ac05000b4d0275",
            "78daab56ca4c51b232ac05000b4d0275",
            "04224d186440a7080000807b226964223a317d000000002ce3be40",
            "04224d187440bd080000807b226964223a317d2ce3be40000000002ce3be40",
            "04224d18604082080000807b226964223a317d00000000",
            "ff060000734e61507059010c0000584c2c5b7b226964223a317d",
        ] {
            assert_eq!(unpacked(hex(packed), 100).unwrap(), r#"{"id":1}"#, "{packed}");
        }
        let lines = "04224d186440a7140000009f7b226964223a317d0a0900ff4850223a317d0a00000000aab054ee";
        assert_eq!(unpacked(hex(lines), 1000).unwrap(), "{\"id\":1}\n".repeat(40));
    }

    #[test]
    fn members_and_frames_one_after_another_are_one_payload() {
        for pack in [gzip, zstd, lz4_frame, snappy_frames] {
            let both = [pack(b"hello, "), pack(b"world")].concat();
            assert_eq!(unpacked(both, 100).unwrap(), "hello, world");
        }
        // A stream of zlib ends.
        let both = [zlib_stream(b"hello, "), zlib_stream(b"world")].concat();
        assert_eq!(unpacked(both, 100).unwrap_err(), Defect::Zlib);
        let frames = lz4_frame(b"x").repeat(20_000);
        assert_eq!(unpacked(frames.clone(), 20_000).unwrap().len(), 20_000);
        assert_eq!(unpacked(frames, 19_999).unwrap_err(), Defect::TooLarge);
    }

    #[test]
    fn a_bomb_stops_at_the_limit() {
        let zeros = vec![0; 1 << 20];
        for (compression, pack, _) in ALL {
            let packed = pack(&zeros);
            assert!(packed.len() < 60_000, "{compression:?}");
            assert_eq!(unpacked(packed.clone(), (1 << 20) - 1).unwrap_err(), Defect::TooLarge);
            assert_eq!(unpacked(packed, 1 << 20).unwrap().len(), 1 << 20);
        }
    }

    #[test]
    fn what_is_cut_off_is_an_error() {
        let text = noise(2_000);
        for (compression, pack, defect) in ALL {
            let packed = pack(&text);
            for end in 10..packed.len() {
                let found = unpacked(packed[..end].to_vec(), 1 << 20);
                // Snappy's frames have no end: none but their own may be missing.
                let is_whole = compression == Compression::Snappy && end == 10;
                assert_eq!(
                    found,
                    if is_whole { Ok(Bytes::new()) } else { Err(defect) },
                    "{compression:?}, {end}"
                );
            }
        }
    }

    #[test]
    fn what_is_damaged_is_an_error_or_the_same() {
        let text = noise(500);
        // Zstd's sum is optional, and left off here.
        for (compression, pack, defect) in ALL.into_iter().filter(|one| one.0 != Compression::Zstd) {
            let packed = pack(&text);
            for bit in 80..packed.len() * 8 {
                let mut damaged = packed.clone();
                damaged[bit / 8] ^= 1 << (bit % 8);
                match unpacked(damaged, 1 << 20) {
                    Err(error) => assert_eq!(error, defect, "{compression:?}"),
                    Ok(unpacked) => assert_eq!(unpacked, text, "{compression:?}, bit {bit}"),
                }
            }
        }
    }

    #[test]
    fn frames_of_lz4_may_have_any_size_of_blocks() {
        use lz4_flex::frame::{BlockMode, BlockSize, FrameEncoder, FrameInfo};
        use std::io::Write as _;
        let text = noise(200_000);
        let mut all = Vec::new();
        for (size, mode) in [
            (BlockSize::Max4MB, BlockMode::Linked),
            (BlockSize::Max64KB, BlockMode::Linked),
            (BlockSize::Max256KB, BlockMode::Independent),
            (BlockSize::Max64KB, BlockMode::Independent),
        ] {
            let info = FrameInfo::new().block_size(size).block_mode(mode).block_checksums(true);
            let mut encoder = FrameEncoder::with_frame_info(info, Vec::new());
            encoder.write_all(&text).unwrap();
            all.extend(encoder.finish().unwrap());
        }
        assert_eq!(unpacked(all, 1 << 20).unwrap(), text.repeat(4));
    }

    #[test]
    fn small_frames_of_lz4_with_large_blocks_are_bounded() {
        let frame = |size| {
            let info = lz4_flex::frame::FrameInfo::new().block_size(size);
            let mut encoder = lz4_flex::frame::FrameEncoder::with_frame_info(info, Vec::new());
            std::io::Write::write_all(&mut encoder, &[b'a'; 32]).unwrap();
            encoder.finish().unwrap()
        };
        let (small, large) =
            (frame(lz4_flex::frame::BlockSize::Max64KB), frame(lz4_flex::frame::BlockSize::Max4MB));
        assert_eq!((largest_block(&small), largest_block(&large)), (64 << 10, 4 << 20));
        let found = |packed: Vec<u8>| lz4(&packed, &mut Budget { bytes: 1 << 20, cleared: 8 << 20 });
        assert_eq!(found(large.repeat(2)).unwrap().len(), 64);
        assert_eq!(found(large.repeat(3)), Err(Defect::TooManyFrames));
        assert_eq!(found(small.repeat(128)).unwrap().len(), 128 * 32);
        assert_eq!(found(small.repeat(129)), Err(Defect::TooManyFrames));
        // All payloads of a record have one budget.
        let mut budget = Budget { bytes: 1 << 20, cleared: 8 << 20 };
        let mut results = (0..3).map(|_| lz4(&large, &mut budget).map(|unpacked| unpacked.len()));
        assert!(results.by_ref().take(2).all(|result| result == Ok(32)));
        assert_eq!(results.next(), Some(Err(Defect::TooManyFrames)));
    }

    #[test]
    fn text_that_begins_as_zlib_is_text() {
        let text = Bytes::from_static(b"x^2 + 1");
        assert_eq!(Compression::Zlib.unpack(&text, &mut Budget::new(100)).unwrap(), text);
    }
}
