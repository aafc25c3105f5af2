//! The Kinesis Producer Library's aggregated records: many user records in one Kinesis record.
//!
//! Four magic bytes, a protocol buffers message, and the message's MD5. Read from the bytes as they lie, without tables:
//! the smallest user record takes six bytes, and a decoded message would take twenty times that.
//!
//! <https://github.com/awslabs/amazon-kinesis-producer/blob/master/aggregation-format.md>

use bytes::{Buf, Bytes};
use md5::{Digest, Md5};

use super::defect::Defect;

pub(super) const MAGIC: [u8; 4] = [0xf3, 0x89, 0x9a, 0xc2];
const MD5_LENGTH: usize = 16;

/// Whether some bytes are a whole message of protocol buffers, whatever its fields mean.
pub(super) fn is_message(bytes: Bytes) -> bool {
    let is_field = |field: Option<(u64, Value)>| field.is_some_and(|(tag, _)| (1..1 << 29).contains(&tag));
    !bytes.is_empty() && Fields(bytes).all(is_field)
}

/// The fields of `AggregatedRecord`, and of its `Record`s.
mod tag {
    pub(super) const PARTITION_KEYS: u64 = 1;
    pub(super) const EXPLICIT_HASH_KEYS: u64 = 2;
    pub(super) const RECORDS: u64 = 3;
    pub(super) const PARTITION_KEY_INDEX: u64 = 1;
    pub(super) const EXPLICIT_HASH_KEY_INDEX: u64 = 2;
    pub(super) const DATA: u64 = 3;
}

/// An aggregated record that was found to be whole. Iterates over its user records.
#[derive(Debug)]
pub(super) struct Aggregate {
    message: Fields,
    partition_keys: u64,
    explicit_hash_keys: u64,
}

impl Aggregate {
    /// `None` if the bytes are not an aggregated record, or a damaged one: then they are one user record, as they are.
    /// Amazon's consumer library has the same rule.
    pub(super) fn parse(data: &Bytes) -> Option<Self> {
        let length = data.len().checked_sub(MAGIC.len() + MD5_LENGTH)?;
        if !data.starts_with(&MAGIC) {
            return None;
        }
        let message = data.slice(MAGIC.len()..MAGIC.len() + length);
        if data.slice(MAGIC.len() + length..) != Md5::digest(&message)[..] {
            return None;
        }
        let message = Fields(message);
        let (mut partition_keys, mut explicit_hash_keys) = (0, 0);
        for field in message.clone() {
            match field? {
                (tag::PARTITION_KEYS, Value::Bytes(_)) => partition_keys += 1,
                (tag::EXPLICIT_HASH_KEYS, Value::Bytes(_)) => explicit_hash_keys += 1,
                (tag::RECORDS, Value::Bytes(record)) => drop(UserRecordFields::parse(record)?),
                _ => {}
            }
        }
        Some(Self { message, partition_keys, explicit_hash_keys })
    }

    fn checked(&self, record: UserRecordFields) -> Result<Bytes, (Bytes, Defect)> {
        let in_tables = record.partition_key < self.partition_keys
            && record.explicit_hash_key.is_none_or(|index| index < self.explicit_hash_keys);
        if in_tables { Ok(record.data) } else { Err((record.data, Defect::KeyIndex)) }
    }
}

impl Iterator for Aggregate {
    type Item = Result<Bytes, (Bytes, Defect)>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            // `parse` has seen every field: nothing malformed is left to find.
            if let (tag::RECORDS, Value::Bytes(record)) = self.message.next()?? {
                return UserRecordFields::parse(record).map(|record| self.checked(record));
            }
        }
    }
}

#[derive(Debug)]
struct UserRecordFields {
    partition_key: u64,
    explicit_hash_key: Option<u64>,
    data: Bytes,
}

impl UserRecordFields {
    /// `None` if malformed, or without one of the two required fields.
    fn parse(message: Bytes) -> Option<Self> {
        let (mut partition_key, mut explicit_hash_key, mut data) = (None, None, None);
        for field in Fields(message) {
            match field? {
                (tag::PARTITION_KEY_INDEX, Value::Number(index)) => partition_key = Some(index),
                (tag::EXPLICIT_HASH_KEY_INDEX, Value::Number(index)) => explicit_hash_key = Some(index),
                (tag::DATA, Value::Bytes(bytes)) => data = Some(bytes),
                _ => {}
            }
        }
        Some(Self { partition_key: partition_key?, explicit_hash_key, data: data? })
    }
}

/// The fields of a protocol buffers message, each a tag and a value; `None` in place of the first malformed one.
#[derive(Clone, Debug)]
struct Fields(Bytes);

enum Value {
    Number(u64),
    Bytes(Bytes),
    /// Of a fixed length: nothing in these messages.
    Other,
}

impl Iterator for Fields {
    type Item = Option<(u64, Value)>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_none() {
            self.0.clear();
        }
        Some(field)
    }
}

impl Fields {
    fn field(&mut self) -> Option<(u64, Value)> {
        let key = self.varint()?;
        let value = match key & 7 {
            0 => Value::Number(self.varint()?),
            1 => self.take(8).map(|_| Value::Other)?,
            2 => {
                let length = self.varint()?;
                Value::Bytes(self.take(length)?)
            }
            5 => self.take(4).map(|_| Value::Other)?,
            _ => return None,
        };
        Some((key >> 3, value))
    }

    fn take(&mut self, length: u64) -> Option<Bytes> {
        let length = usize::try_from(length).ok().filter(|length| *length <= self.0.len())?;
        Some(self.0.split_to(length))
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.0.try_get_u8().ok()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                return None;
            }
            value |= bits << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }
}

/// An encoder by Google's rules, from the published message definition.
#[cfg(test)]
pub(super) mod encode {
    use super::{Digest, MAGIC, Md5};
    use prost::Message;

    #[derive(Clone, PartialEq, Message)]
    pub(crate) struct AggregatedRecord {
        #[prost(string, repeated, tag = "1")]
        pub(crate) partition_key_table: Vec<String>,
        #[prost(string, repeated, tag = "2")]
        pub(crate) explicit_hash_key_table: Vec<String>,
        #[prost(message, repeated, tag = "3")]
        pub(crate) records: Vec<Record>,
    }

    #[derive(Clone, PartialEq, Message)]
    pub(crate) struct Record {
        #[prost(uint64, required, tag = "1")]
        pub(crate) partition_key_index: u64,
        #[prost(uint64, optional, tag = "2")]
        pub(crate) explicit_hash_key_index: Option<u64>,
        #[prost(bytes = "vec", required, tag = "3")]
        pub(crate) data: Vec<u8>,
        #[prost(message, repeated, tag = "4")]
        pub(crate) tags: Vec<Tag>,
    }

    #[derive(Clone, PartialEq, Message)]
    pub(crate) struct Tag {
        #[prost(string, required, tag = "1")]
        pub(crate) key: String,
        #[prost(string, optional, tag = "2")]
        pub(crate) value: Option<String>,
    }

    pub(crate) fn framed(message: &[u8]) -> Vec<u8> {
        [&MAGIC[..], message, &Md5::digest(message)[..]].concat()
    }

    pub(crate) fn aggregate(payloads: &[Vec<u8>]) -> Vec<u8> {
        let record = |data: &Vec<u8>| Record { data: data.clone(), ..Record::default() };
        let message = AggregatedRecord {
            partition_key_table: vec!["key".into()],
            explicit_hash_key_table: Vec::new(),
            records: payloads.iter().map(record).collect(),
        };
        framed(&message.encode_to_vec())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use prost::Message;

    use super::{
        encode::{AggregatedRecord, Record, Tag, aggregate, framed},
        *,
    };

    fn payloads(data: Vec<u8>) -> Option<Vec<Result<Bytes, (Bytes, Defect)>>> {
        Aggregate::parse(&data.into()).map(Iterator::collect)
    }

    #[test]
    fn keys_tags_and_order_are_read() {
        let record = |partition_key_index, explicit_hash_key_index, data: &[u8]| Record {
            partition_key_index,
            explicit_hash_key_index,
            data: data.to_vec(),
            tags: vec![Tag { key: "k".into(), value: Some("v".into()) }],
        };
        let message = AggregatedRecord {
            partition_key_table: vec!["a".into(), "b".into()],
            explicit_hash_key_table: vec!["1".into()],
            records: vec![record(0, None, b"one"), record(1, Some(0), b""), record(0, Some(0), b"three")],
        };
        let expected = [Ok("one".into()), Ok("".into()), Ok("three".into())];
        assert_eq!(payloads(framed(&message.encode_to_vec())).unwrap(), expected);
    }

    #[test]
    fn an_index_outside_of_its_table_rejects_that_record_only() {
        let record = |partition_key_index, explicit_hash_key_index| Record {
            partition_key_index,
            explicit_hash_key_index,
            data: b"x".to_vec(),
            tags: Vec::new(),
        };
        let message = AggregatedRecord {
            partition_key_table: vec!["a".into()],
            explicit_hash_key_table: Vec::new(),
            records: vec![record(0, None), record(1, None), record(0, Some(0)), record(u64::MAX, None)],
        };
        let out = payloads(framed(&message.encode_to_vec())).unwrap();
        let bad = || Err(("x".into(), Defect::KeyIndex));
        assert_eq!(out, [Ok("x".into()), bad(), bad(), bad()]);
    }

    #[test]
    fn what_is_damaged_is_not_an_aggregate() {
        let whole = aggregate(&[b"one".to_vec(), b"two".to_vec()]);
        assert_eq!(payloads(whole.clone()).unwrap().len(), 2);
        for index in 0..whole.len() {
            let mut flipped = whole.clone();
            flipped[index] ^= 1;
            assert!(payloads(flipped).is_none(), "byte {index} was changed");
            assert!(payloads(whole[..index].to_vec()).is_none(), "cut at {index}");
        }
    }

    #[test]
    fn a_right_checksum_over_a_malformed_message_is_not_an_aggregate() {
        let without_data: &[u8] = &[0x1a, 2, 0x08, 0];
        let without_index: &[u8] = &[0x1a, 3, 0x1a, 1, b'x'];
        let too_long: &[u8] = &[0x1a, 100, 0x08, 0];
        let endless_number: &[u8] = &[0x08, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1];
        let group: &[u8] = &[0x0b, 0x0c];
        for message in [without_data, without_index, too_long, endless_number, group, &[0x80]] {
            assert!(payloads(framed(message)).is_none(), "{message:?}");
        }
        assert_eq!(payloads(framed(&[])).unwrap(), []);
    }

    #[test]
    fn unknown_fields_are_passed_over() {
        let mut message = vec![0x21, 1, 2, 3, 4, 5, 6, 7, 8, 0x2d, 1, 2, 3, 4, 0x30, 0xff, 1, 0x3a, 1, 9];
        message.extend_from_slice(&[0x0a, 1, b'k', 0x1a, 5, 0x08, 0, 0x1a, 1, b'x']);
        assert_eq!(payloads(framed(&message)).unwrap(), [Ok("x".into())]);
    }

    proptest! {
        #[test]
        fn what_was_put_in_comes_out(data in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..20)) {
            let expected: Vec<_> = data.iter().cloned().map(|payload| Ok(payload.into())).collect();
            prop_assert_eq!(payloads(aggregate(&data)).unwrap(), expected);
        }

        #[test]
        fn arbitrary_messages_agree_with_an_independent_decoder(message in prop::collection::vec(any::<u8>(), 0..64)) {
            let ours = payloads(framed(&message));
            if let (Some(ours), Ok(theirs)) = (ours, AggregatedRecord::decode(&message[..])) {
                prop_assert_eq!(ours.len(), theirs.records.len());
            }
        }
    }
}
