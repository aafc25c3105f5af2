//! Exactly which rejects: whatever comes into quarantine later is not among them.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// The hash of a reject's identity, in SQL.
pub(super) const HASH: &str = "sipHash64(stream, shard, sequence_number, toUInt64(sub_sequence))";

/// A set of rejects, as a hash of each one's identity.
///
/// The ledger has room for these, and not for the identities. That a reject which arrives later has the hash of one of
/// ten thousand is as likely as one in 10¹⁵.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RejectSet(Vec<u64>);

impl RejectSet {
    pub(super) fn new(mut hashes: Vec<u64>) -> Self {
        hashes.sort_unstable();
        hashes.dedup();
        Self(hashes)
    }

    /// How many rejects.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none, or it is unknown which.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn contains(&self, hash: u64) -> bool {
        self.0.binary_search(&hash).is_ok()
    }

    /// The condition that a reject is one of these.
    pub(super) fn condition(&self) -> String {
        let hashes: Vec<_> = self.0.iter().map(u64::to_string).collect();
        format!("{HASH} IN ({})", hashes.join(","))
    }

    /// A part of the condition that no other set has.
    pub(super) fn mark(&self) -> String {
        self.0.first().map(u64::to_string).unwrap_or_default()
    }
}

/// Base64: as numbers they would take twice the room.
impl Serialize for RejectSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let bytes: Vec<u8> = self.0.iter().flat_map(|hash| hash.to_le_bytes()).collect();
        serializer.serialize_str(&BASE64_STANDARD.encode(bytes))
    }
}

impl<'de> Deserialize<'de> for RejectSet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = BASE64_STANDARD.decode(String::deserialize(deserializer)?).map_err(D::Error::custom)?;
        let (hashes, []) = bytes.as_chunks::<8>() else {
            return Err(D::Error::custom("expected hashes of 8 bytes each"));
        };
        Ok(Self::new(hashes.iter().map(|hash| u64::from_le_bytes(*hash)).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_thousand_fit_into_a_ledger_entry_and_are_read_back() {
        let set = RejectSet::new(
            (0..10_000).map(|number: u64| number.wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect(),
        );
        let kept = serde_json::to_string(&set).unwrap();
        assert!(kept.len() < 110_000, "an item of DynamoDB has at most 400 KB");
        assert_eq!(serde_json::from_str::<RejectSet>(&kept).unwrap(), set);
        assert!(set.contains(0) && !set.contains(1));
        assert!(serde_json::from_str::<RejectSet>("\"AAAA\"").is_err());
        assert_eq!(RejectSet::new(vec![2, 1, 2]).condition(), format!("{HASH} IN (1,2)"));
    }
}
