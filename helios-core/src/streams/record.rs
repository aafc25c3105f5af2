//! One Kinesis record, and the events in it.
//!
//! A record has one payload, or many if it is an aggregated one; a payload may be compressed, and has one event or many.
//! The events of all payloads are counted through from 0.

use std::borrow::Cow;

use bytes::Bytes;

use super::{
    compression::Budget,
    defect::Defect,
    encoding::unwrap,
    events::{events, is_plain},
    format::Format,
    kpl::Aggregate,
};

/// What all user records of one Kinesis record may unpack to. Kinesis takes 10 MiB at most; this is for what expands.
pub const MAX_UNPACKED_BYTES: usize = 64 * 1024 * 1024;

/// A part of a record that could not be unpacked. It is not lost: these are its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UnreadableRecord {
    /// The payload as it came.
    pub(crate) data: Bytes,
    /// What is wrong with it.
    pub(crate) defect: Defect,
}

/// The events of one Kinesis record, each with its sub-sequence number: its place in the record, counted from 0.
///
/// This is the only reader of records: delivery, samples and all that look at samples call it. What it finds depends on
/// the bytes of the record alone. A record that is one JSON object is its event, without a copy.
pub(crate) fn events_of(
    record: &Bytes,
) -> impl Iterator<Item = (u64, Result<Cow<'_, Bytes>, UnreadableRecord>)> {
    let is_plain = is_plain(record);
    let whole = is_plain.then_some(Ok(Cow::Borrowed(record)));
    let payloads = (!is_plain).then(|| payloads(record.clone())).into_iter().flatten();
    let parts = payloads.flat_map(|payload| {
        let (readable, unreadable) = match payload {
            Ok(payload) => (Some(events(payload)), None),
            Err(unreadable) => (None, Some(Err(unreadable))),
        };
        readable.into_iter().flatten().map(|event| Ok(Cow::Owned(event))).chain(unreadable)
    });
    (0..).zip(whole.into_iter().chain(parts))
}

/// The payloads of one Kinesis record: all of an aggregated record, else the one; each unpacked and without the framing
/// that it came in.
///
/// Nothing is copied but what is compressed; memory is bounded by [`MAX_UNPACKED_BYTES`] however the record is made.
pub(crate) fn payloads(record: Bytes) -> impl Iterator<Item = Result<Bytes, UnreadableRecord>> {
    let source = Aggregate::parse(&record).map_or_else(|| Source::One(Some(record)), Source::Many);
    Payloads { source, budget: Budget::new(MAX_UNPACKED_BYTES) }
}

/// The iterator of [`payloads`].
#[derive(Debug)]
struct Payloads {
    source: Source,
    budget: Budget,
}

#[derive(Debug)]
enum Source {
    One(Option<Bytes>),
    Many(Aggregate),
}

impl Iterator for Payloads {
    type Item = Result<Bytes, UnreadableRecord>;

    fn next(&mut self) -> Option<Self::Item> {
        let packed = match &mut self.source {
            Source::One(data) => Ok(data.take()?),
            Source::Many(records) => records.next()?,
        };
        let unpacked = packed.and_then(|data| match unpack(&data, &mut self.budget) {
            Ok(unpacked) => Ok(unpacked),
            Err(defect) => Err((data, defect)),
        });
        Some(unpacked.map_err(|(data, defect)| UnreadableRecord { data, defect }))
    }
}

/// What a payload holds; what it unpacks to is taken from the budget.
fn unpack(packed: &Bytes, budget: &mut Budget) -> Result<Bytes, Defect> {
    let data = unwrap(packed, budget)?;
    if let Some(format) = Format::of(&data) {
        return Err(Defect::Format(format));
    }
    if !packed.as_ptr_range().contains(&data.as_ptr()) {
        budget.bytes = budget.bytes.saturating_sub(data.len());
    }
    Ok(data)
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

    type Found = (u64, Result<Bytes, UnreadableRecord>);

    fn all(data: Vec<u8>) -> Vec<Found> {
        let record = data.into();
        events_of(&record).map(|(place, event)| (place, event.map(Cow::into_owned))).collect()
    }

    fn good(place: u64, data: &'static str) -> Found {
        (place, Ok(data.into()))
    }

    #[test]
    fn a_plain_record_is_its_own_event() {
        assert_eq!(all(b"{}".to_vec()), [good(0, "{}")]);
        assert_eq!(all(Vec::new()), [good(0, "")]);
    }

    #[test]
    fn aggregated_records_may_be_compressed_each() {
        let payloads = [b"a".to_vec(), gzip(b"b"), zstd::encode_all(&b"c"[..], 1).unwrap()];
        assert_eq!(all(aggregate(&payloads)), [good(0, "a"), good(1, "b"), good(2, "c")]);
    }

    #[test]
    fn events_are_counted_through_all_payloads() {
        let payloads =
            [b"{\"a\":1}\n{\"a\":2}".to_vec(), gzip(b"[{\"a\":3},{\"a\":4}]"), b"{\"a\":5}".to_vec()];
        let expected = [r#"{"a":1}"#, r#"{"a":2}"#, r#"{"a":3}"#, r#"{"a":4}"#, r#"{"a":5}"#];
        let expected: Vec<_> = (0..).zip(expected).map(|(place, event)| good(place, event)).collect();
        assert_eq!(all(aggregate(&payloads)), expected);
    }

    #[test]
    fn a_damaged_user_record_keeps_its_bytes_and_its_place() {
        let cut = gzip(b"hello")[..12].to_vec();
        let out = all(aggregate(&[b"a".to_vec(), cut.clone(), b"c".to_vec()]));
        let unreadable = UnreadableRecord { data: cut.into(), defect: Defect::Gzip };
        assert_eq!(out, [good(0, "a"), (1, Err(unreadable)), good(2, "c")]);
    }

    #[test]
    fn many_small_bombs_are_bounded_together() {
        let bomb = gzip(&vec![0; MAX_UNPACKED_BYTES / 3]);
        let sizes: Vec<_> =
            payloads(aggregate(&[bomb.clone(), bomb.clone(), bomb.clone(), bomb, b"x".to_vec()]).into())
                .map(|payload| payload.map(|payload| payload.len()).map_err(|record| record.defect))
                .collect();
        let third = Ok(MAX_UNPACKED_BYTES / 3);
        assert_eq!(sizes, [third, third, third, Err(Defect::TooLarge), Ok(1)]);
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_give_one_payload_with_nothing_lost(data in prop::collection::vec(any::<u8>(), 0..500)) {
            let out: Vec<_> = payloads(data.clone().into()).collect();
            prop_assert_eq!(out.len(), 1);
            match &out[0] {
                Ok(payload) => prop_assert_eq!(&payload[..], &data[..]),
                Err(record) => prop_assert_eq!(&record.data[..], &data[..]),
            }
        }

        #[test]
        fn whatever_is_behind_a_signature_has_the_same_events_twice(
            start in prop::sample::select(vec![
                &b"\x78\x9c"[..],
                b"\x04\x22\x4d\x18\x60\x40\x82",
                b"\xff\x06\0\0sNaPpY\0",
                b"\x28\xb5\x2f\xfd",
                b"\x1f\x8b\x08",
                b"\0\0\0\0\x01",
                b"\x03\0aaaaaaaaaaaaaaaa",
                b"\x03\x05aaaaaaaaaaaaaaaa\x78\x9c",
                b"eyJ",
                b"H4sI",
                b"\xef\xbb\xbf",
                b"\xf3\x89\x9a\xc2",
                b"",
            ]),
            rest in prop_oneof![
                prop::collection::vec(any::<u8>(), 0..100),
                r#"[{}\[\]a",: \n\x00]{0,20}"#.prop_map(String::into_bytes),
                "[A-Za-z0-9+/]{0,40}={0,2}".prop_map(String::into_bytes),
            ],
        ) {
            let record = [start, &rest].concat();
            let found = all(record.clone());
            prop_assert!(!found.is_empty());
            prop_assert_eq!(&found, &all(record));
            prop_assert!((0..).zip(&found).all(|(place, event)| event.0 == place));
        }

        #[test]
        fn what_is_packed_holds_what_it_held(text in r#"\{[{}\[\]a",: \n\x00]{0,20}"#) {
            use super::super::framings::{lz4, snappy, zlib};
            let plain = all(text.clone().into_bytes());
            if plain.iter().all(|event| event.1.is_ok()) {
                for pack in [gzip, zlib, lz4, snappy] {
                    let found = all(pack(text.as_bytes()));
                    let is_one_reject = found.len() == 1 && found[0].1.is_err();
                    prop_assert!(found == plain || is_one_reject, "{:?} {:?}", found, plain);
                }
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
            prop_assert_eq!(payloads(packed.into()).count(), 1);
        }
    }
}
