//! One Kinesis record, and the user records in it.

use std::fmt;

use bytes::Bytes;

use super::{compression::decompress, kpl::Aggregate};

/// What all user records of one Kinesis record may unpack to. Kinesis takes 10 MiB at most; this is for what expands.
pub const MAX_UNPACKED_BYTES: usize = 64 * 1024 * 1024;

/// What a producer put: one event, unpacked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserRecord {
    /// Its place in the Kinesis record: 0, or counted through an aggregated one. With shard and sequence number its identity.
    pub sub_sequence: u64,
    /// The payload, unpacked.
    pub data: Bytes,
}

/// A user record that could not be unpacked. It is not lost: these are its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnreadableRecord {
    /// As in [`UserRecord`].
    pub sub_sequence: u64,
    /// The payload as it came.
    pub data: Bytes,
    /// What is wrong with it.
    pub defect: Defect,
}

/// Why a user record cannot be unpacked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Defect {
    /// It starts as gzip, and is damaged.
    Gzip,
    /// It starts as zstd, and is damaged.
    Zstd,
    /// It would unpack to more than [`MAX_UNPACKED_BYTES`].
    TooLarge,
    /// It names a partition key or a hash key that its aggregated record does not have.
    KeyIndex,
}

impl Defect {
    /// The stable name: `"too_large"`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::TooLarge => "too_large",
            Self::KeyIndex => "key_index",
        }
    }
}

impl fmt::Display for Defect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gzip => f.write_str("the gzip data are damaged"),
            Self::Zstd => f.write_str("the zstd data are damaged"),
            Self::TooLarge => {
                write!(f, "the record unpacks to more than {} MiB", MAX_UNPACKED_BYTES / (1024 * 1024))
            }
            Self::KeyIndex => f.write_str("the aggregated record lacks the key this user record names"),
        }
    }
}

/// The user records of one Kinesis record: all of an aggregated record, else the one; gzip and zstd unpacked.
///
/// A damaged aggregated record is one user record, unchanged, as for Amazon's own consumers.
/// Nothing is copied but what is compressed; memory is bounded by [`MAX_UNPACKED_BYTES`] however the record is made.
#[must_use]
pub fn unpack(data: Bytes) -> Unpacked {
    let source = Aggregate::parse(&data).map_or_else(|| Source::One(Some(data)), Source::Many);
    Unpacked { source, sub_sequence: 0, budget: MAX_UNPACKED_BYTES }
}

/// The iterator of [`unpack`].
#[derive(Debug)]
pub struct Unpacked {
    source: Source,
    sub_sequence: u64,
    budget: usize,
}

#[derive(Debug)]
enum Source {
    One(Option<Bytes>),
    Many(Aggregate),
}

impl Iterator for Unpacked {
    type Item = Result<UserRecord, UnreadableRecord>;

    fn next(&mut self) -> Option<Self::Item> {
        let packed = match &mut self.source {
            Source::One(data) => Ok(data.take()?),
            Source::Many(records) => records.next()?,
        };
        let sub_sequence = self.sub_sequence;
        self.sub_sequence += 1;
        let unpacked = packed.and_then(|data| match decompress(&data, self.budget) {
            Ok(unpacked) => Ok((data, unpacked)),
            Err(defect) => Err((data, defect)),
        });
        Some(match unpacked {
            Ok((packed, data)) => {
                if packed.as_ptr() != data.as_ptr() {
                    self.budget -= data.len();
                }
                Ok(UserRecord { sub_sequence, data })
            }
            Err((data, defect)) => Err(UnreadableRecord { sub_sequence, data, defect }),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};
    use proptest::prelude::*;

    use super::{super::kpl::encode::aggregate, *};

    fn gzip(data: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(data).unwrap();
        encoder.finish().unwrap()
    }

    fn all(data: Vec<u8>) -> Vec<Result<UserRecord, UnreadableRecord>> {
        unpack(data.into()).collect()
    }

    fn good(sub_sequence: u64, data: &'static str) -> Result<UserRecord, UnreadableRecord> {
        Ok(UserRecord { sub_sequence, data: data.into() })
    }

    #[test]
    fn a_plain_record_is_its_own_user_record() {
        assert_eq!(all(b"{}".to_vec()), [good(0, "{}")]);
        assert_eq!(all(Vec::new()), [good(0, "")]);
    }

    #[test]
    fn aggregated_records_may_be_compressed_each() {
        let payloads = [b"a".to_vec(), gzip(b"b"), zstd::encode_all(&b"c"[..], 1).unwrap()];
        assert_eq!(all(aggregate(&payloads)), [good(0, "a"), good(1, "b"), good(2, "c")]);
    }

    #[test]
    fn a_damaged_user_record_keeps_its_bytes_and_its_place() {
        let cut = gzip(b"hello")[..12].to_vec();
        let out = all(aggregate(&[b"a".to_vec(), cut.clone(), b"c".to_vec()]));
        let unreadable = UnreadableRecord { sub_sequence: 1, data: cut.into(), defect: Defect::Gzip };
        assert_eq!(out, [good(0, "a"), Err(unreadable), good(2, "c")]);
    }

    #[test]
    fn many_small_bombs_are_bounded_together() {
        let bomb = gzip(&vec![0; MAX_UNPACKED_BYTES / 3]);
        let sizes: Vec<_> =
            unpack(aggregate(&[bomb.clone(), bomb.clone(), bomb.clone(), bomb, b"x".to_vec()]).into())
                .map(|record| record.map(|record| record.data.len()).map_err(|record| record.defect))
                .collect();
        let third = Ok(MAX_UNPACKED_BYTES / 3);
        assert_eq!(sizes, [third, third, third, Err(Defect::TooLarge), Ok(1)]);
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_give_one_record_with_nothing_lost(data in prop::collection::vec(any::<u8>(), 0..500)) {
            let out = all(data.clone());
            prop_assert_eq!(out.len(), 1);
            match &out[0] {
                Ok(record) => prop_assert_eq!(&record.data[..], &data[..]),
                Err(record) => prop_assert_eq!(&record.data[..], &data[..]),
            }
        }

        #[test]
        fn damaged_compressed_bytes_never_panic(
            text in prop::collection::vec(any::<u8>(), 0..200),
            at in any::<prop::sample::Index>(),
            bit in 0..8_u32,
            kind in any::<bool>(),
        ) {
            let mut packed = if kind { gzip(&text) } else { zstd::encode_all(&text[..], 3).unwrap() };
            let index = at.index(packed.len());
            packed[index] ^= 1 << bit;
            prop_assert_eq!(all(packed).len(), 1);
        }
    }
}
