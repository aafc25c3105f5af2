//! Why a part of a record cannot be unpacked.

use std::fmt;

use super::{format::Format, record::MAX_UNPACKED_BYTES};

/// Why a part of a record cannot be unpacked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Defect {
    /// It starts as gzip, and is damaged or cut off.
    Gzip,
    /// It starts as zstd, and is damaged or cut off.
    Zstd,
    /// It starts as zlib, and is damaged or cut off.
    Zlib,
    /// It starts as an LZ4 frame, and is damaged, cut off, or needs a dictionary.
    Lz4,
    /// It starts as framed Snappy, and is damaged or cut off.
    Snappy,
    /// It would unpack to more than [`MAX_UNPACKED_BYTES`].
    TooLarge,
    /// It has more frames of LZ4 than are unpacked: 1,000 with blocks of 4 MiB, 65,536 with blocks of 64 KiB.
    TooManyFrames,
    /// It names a partition key or a hash key that its aggregated record does not have.
    KeyIndex,
    /// It looks like a format that is not taken.
    Format(Format),
}

impl Defect {
    /// The stable name: `"too_large"`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Zlib => "zlib",
            Self::Lz4 => "lz4",
            Self::Snappy => "snappy",
            Self::TooLarge => "too_large",
            Self::TooManyFrames => "too_many_frames",
            Self::KeyIndex => "key_index",
            Self::Format(_) => "format",
        }
    }
}

impl fmt::Display for Defect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gzip | Self::Zstd | Self::Zlib | Self::Lz4 | Self::Snappy => {
                write!(f, "the {} data are damaged or cut off; check how the producer compresses records", self.as_str())
            }
            Self::TooLarge => {
                let most = MAX_UNPACKED_BYTES / (1024 * 1024);
                write!(f, "the record unpacks to more than {most} MiB; send smaller records")
            }
            Self::TooManyFrames => {
                f.write_str("the record has too many LZ4 frames; send fewer, or frames with blocks of 64 KiB")
            }
            Self::KeyIndex => f.write_str(
                "the aggregated record lacks the key that this user record names; check how the producer aggregates records",
            ),
            Self::Format(format) => write!(f, "the record looks like {format}; {}", format.advice()),
        }
    }
}
