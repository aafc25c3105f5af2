//! What a payload that holds no JSON looks like, so that its reject can say what to do.
//!
//! Nothing of this is certain, and nothing is read by it. But for XML and Base64, only what is not text is looked at: text
//! stays for the decoder, which says where it stops being JSON.

use std::fmt;

use bytes::Bytes;

use super::{encoding, kpl};

/// A format that is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// An Avro file, or one Avro object with its own header.
    Avro,
    /// Avro in the framing of Confluent's schema registry.
    AvroInConfluent,
    /// Protobuf in the framing of Confluent's schema registry.
    ProtobufInConfluent,
    /// Avro or Protobuf in the framing of the Glue Schema Registry.
    BinaryInGlue,
    /// A Protobuf message.
    Protobuf,
    /// A Parquet file.
    Parquet,
    /// An ORC file.
    Orc,
    /// Amazon Ion in its binary form.
    Ion,
    /// MessagePack.
    MessagePack,
    /// CBOR.
    Cbor,
    /// An object that Java serialized.
    Java,
    /// An XML document.
    Xml,
    /// A string in UTF-16.
    Utf16,
    /// A string in UTF-32.
    Utf32,
    /// Base64 of something else than JSON objects, or of damaged ones.
    Base64,
    /// Snappy without its framing format.
    RawSnappy,
    /// LZ4 in the frames of its first versions.
    LegacyLz4,
    /// bzip2.
    Bzip2,
    /// xz.
    Xz,
    /// A ZIP archive.
    Zip,
    /// An aggregated record of the Kinesis Producer Library, damaged.
    Aggregate,
}

impl Format {
    /// What a payload looks like, if it is known.
    pub(super) fn of(payload: &Bytes) -> Option<Self> {
        let magic = |magic: &[u8]| payload.starts_with(magic);
        match payload.trim_ascii_start() {
            [] => return None,
            // JSON, as far as it goes.
            [b'{' | b'[', rest @ ..] if rest.first() != Some(&0) => return None,
            _ if magic(b"<?xml") => return Some(Self::Xml),
            _ if encoding::is_base64_of_data(payload) => return Some(Self::Base64),
            _ if is_text(encoding::without_padding(payload)) => return None,
            _ => {}
        }
        let wide = |at: usize| matches!(payload.get(at), Some(b'{' | b'[' | b'"' | b' '));
        let zeros = |at: usize, count: usize| {
            payload.get(at..at + count).is_some_and(|bytes| bytes.iter().all(|byte| *byte == 0))
        };
        Some(match &payload[..] {
            [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => Self::Utf32,
            _ if (wide(0) && zeros(1, 3)) || (zeros(0, 3) && wide(3)) => Self::Utf32,
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Self::Utf16,
            _ if (wide(0) && zeros(1, 1)) || (zeros(0, 1) && wide(1) && zeros(2, 1)) => Self::Utf16,
            _ if magic(b"Obj\x01") || magic(&[0xc3, 0x01]) => Self::Avro,
            _ if magic(b"PAR1") => Self::Parquet,
            _ if magic(b"ORC") => Self::Orc,
            _ if magic(&[0xe0, 0x01, 0x00, 0xea]) => Self::Ion,
            _ if magic(&[0xac, 0xed, 0x00, 0x05]) => Self::Java,
            _ if magic(&[0x02, 0x21, 0x4c, 0x18]) => Self::LegacyLz4,
            _ if magic(b"BZh") => Self::Bzip2,
            _ if magic(&[0xfd, b'7', b'z', b'X', b'Z', 0]) => Self::Xz,
            _ if magic(b"PK\x03\x04") => Self::Zip,
            _ if magic(&kpl::MAGIC) => Self::Aggregate,
            _ if encoding::is_glue(payload) => Self::BinaryInGlue,
            [0, _, _, _, _, message @ ..] if !is_text(message) => match message {
                // Protobuf has the path of the message's type before the message, nearly always that of the first.
                [0, message @ ..] if kpl::is_message(payload.slice_ref(message)) => Self::ProtobufInConfluent,
                _ => Self::AvroInConfluent,
            },
            _ if is_raw_snappy(payload) => Self::RawSnappy,
            [0x81..=0x8f, key @ ..] | [0xde, _, _, key @ ..] if has_key(key, 0xa0) => Self::MessagePack,
            [0xa1..=0xb7 | 0xbf, key @ ..] if has_key(key, 0x60) => Self::Cbor,
            _ if kpl::is_message(payload.clone()) => Self::Protobuf,
            _ => return None,
        })
    }

    /// What the sender should do instead.
    pub(super) const fn advice(self) -> &'static str {
        match self {
            Self::Utf16 | Self::Utf32 => "send JSON in UTF-8",
            Self::Base64 => "send JSON objects, or Base64 of JSON objects, compressed or not",
            Self::RawSnappy => "send JSON uncompressed, or in Snappy's framing format",
            Self::LegacyLz4 | Self::Bzip2 | Self::Xz | Self::Zip => {
                "send JSON uncompressed, or with gzip, zstd, zlib, LZ4 frames or framed Snappy"
            }
            Self::Aggregate => "check what changes records between the producer and the stream",
            _ => "send JSON objects",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Avro => "Avro",
            Self::AvroInConfluent => "Avro in Confluent framing",
            Self::ProtobufInConfluent => "Protobuf in Confluent framing",
            Self::BinaryInGlue => "Avro or Protobuf in Glue Schema Registry framing",
            Self::Protobuf => "Protobuf",
            Self::Parquet => "Parquet",
            Self::Orc => "ORC",
            Self::Ion => "Amazon Ion",
            Self::MessagePack => "MessagePack",
            Self::Cbor => "CBOR",
            Self::Java => "a serialized Java object",
            Self::Xml => "XML",
            Self::Utf16 => "a UTF-16 string",
            Self::Utf32 => "a UTF-32 string",
            Self::Base64 => "Base64 of data that are not JSON objects, or are damaged",
            Self::RawSnappy => "Snappy without framing",
            Self::LegacyLz4 => "LZ4 in its legacy framing",
            Self::Bzip2 => "bzip2",
            Self::Xz => "xz",
            Self::Zip => "a ZIP archive",
            Self::Aggregate => "a damaged aggregated record of the Kinesis Producer Library",
        })
    }
}

/// Whether some bytes are text: UTF-8 without control characters other than white space.
pub(super) fn is_text(bytes: &[u8]) -> bool {
    let is_control = |byte: &u8| matches!(byte, 0..=8 | 11 | 12 | 14..=31 | 127);
    simdutf8::basic::from_utf8(bytes).is_ok() && !bytes.iter().any(is_control)
}

/// Whether the bytes begin as a block of Snappy that holds JSON: its length, and a literal that begins with a bracket. The
/// first element of a block is always a literal, as there is nothing to copy yet.
fn is_raw_snappy(payload: &[u8]) -> bool {
    let Ok(length) = snap::raw::decompress_len(payload) else { return false };
    let of_length = payload.iter().position(|byte| *byte < 0x80).map_or(payload.len(), |last| last + 1);
    let (literal, data) = match payload.get(of_length..) {
        Some([tag, data @ ..]) if tag & 3 == 0 && tag >> 2 < 60 => (usize::from(tag >> 2) + 1, data),
        Some([tag, less, data @ ..]) if tag & 3 == 0 && tag >> 2 == 60 => (usize::from(*less) + 1, data),
        Some([tag, low, high, data @ ..]) if tag & 3 == 0 && tag >> 2 == 61 => {
            (usize::from(u16::from_le_bytes([*low, *high])) + 1, data)
        }
        _ => return false,
    };
    literal <= length && literal <= data.len() && matches!(data.first(), Some(b'{' | b'['))
}

/// Whether a map's first key is a short string: its length is added to this tag.
fn has_key(key: &[u8], tag: u8) -> bool {
    let Some((first, rest)) = key.split_first() else { return false };
    let length = first.wrapping_sub(tag);
    (1..0x18).contains(&length) && rest.get(..usize::from(length)).is_some_and(is_text)
}

#[cfg(test)]
mod tests {
    use super::{
        super::framings::{base64, confluent, glue, gzip},
        *,
    };

    fn of(payload: &[u8]) -> Option<Format> {
        Format::of(&Bytes::copy_from_slice(payload))
    }

    fn wide(text: &str, from: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(from).collect()
    }

    #[test]
    fn other_formats_are_named() {
        let json = r#"{"id":1}"#;
        let raw = snap::raw::Encoder::new().compress_vec(json.repeat(20).as_bytes()).unwrap();
        for (payload, format) in [
            (&b"Obj\x01\x04\x14avro.codec"[..], Format::Avro),
            (b"\xc3\x01\x01\x02\x03\x04\x05\x06\x07\x08\x02", Format::Avro),
            (&confluent(b"\x02\x0cfoobar\x01"), Format::AvroInConfluent),
            (&confluent(b"\0\x08\x01\x12\x03abc"), Format::ProtobufInConfluent),
            (&glue(0, b"\x02\x0cfoobar"), Format::BinaryInGlue),
            (b"\x08\x96\x01\x12\x07testing", Format::Protobuf),
            (b"PAR1\x15\x04\x15\x10PAR1", Format::Parquet),
            (b"ORC\x0a\x03\x01\x02", Format::Orc),
            (b"\xe0\x01\x00\xea\xd3\x84\x21\x01", Format::Ion),
            (b"\x82\xa2id\x01\xa4name\xa3Ada", Format::MessagePack),
            (b"\xa2\x62id\x01\x64name\x63Ada", Format::Cbor),
            (b"\xac\xed\x00\x05t\x00\x03abc", Format::Java),
            (b"<?xml version=\"1.0\"?><a/>", Format::Xml),
            (&wide(json, u16::to_le_bytes), Format::Utf16),
            (&wide(json, u16::to_be_bytes), Format::Utf16),
            (&wide("\u{feff}{}", u16::to_le_bytes), Format::Utf16),
            (&wide("\u{feff}{}", u16::to_be_bytes), Format::Utf16),
            (b"{\0\0\0\"\0\0\0", Format::Utf32),
            (b"\0\0\0{\0\0\0\"", Format::Utf32),
            (&base64(&gzip(b"text")), Format::Base64),
            (&base64(&gzip(json.as_bytes())[..20]), Format::Base64),
            (&base64(br#"{"id":"#), Format::Base64),
            (&raw, Format::RawSnappy),
            (b"\x02\x21\x4c\x18\x01", Format::LegacyLz4),
            (b"BZh91AY&SY\xae\x1f", Format::Bzip2),
            (b"\xfd7zXZ\0\0", Format::Xz),
            (b"PK\x03\x04\x14\0", Format::Zip),
            (b"\xf3\x89\x9a\xc2\x0a\x01a", Format::Aggregate),
        ] {
            assert_eq!(of(payload), Some(format), "{}", payload.escape_ascii());
        }
    }

    #[test]
    fn text_and_what_is_nearly_json_are_not() {
        for payload in [
            &b""[..],
            b"text",
            b"{",
            b"{\"a\":\"\xff\"}",
            b"{\"a\":\"\x01\"}",
            b"\n{\"a\":\"\x01\xff\"}",
            b"[1,\x00]",
            b"\"text\"",
            b"1",
            b"null",
            b"PAR1 is a format",
            b"ORC",
            b"Object",
            b"BZh",
            b"\xff",
            b"Wednesday",
            "\u{feff}{}\0".as_bytes(),
            "\u{e4}\u{f6}".as_bytes(),
            b"text\0\0",
        ] {
            assert_eq!(of(payload), None, "{}", payload.escape_ascii());
        }
    }

    #[test]
    fn a_reject_says_what_it_looks_like_and_what_to_do() {
        use super::super::defect::Defect;
        for (format, message) in [
            (Format::AvroInConfluent, "the record looks like Avro in Confluent framing; send JSON objects"),
            (Format::Utf16, "the record looks like a UTF-16 string; send JSON in UTF-8"),
            (
                Format::RawSnappy,
                "the record looks like Snappy without framing; send JSON uncompressed, or in Snappy's framing format",
            ),
        ] {
            assert_eq!(Defect::Format(format).to_string(), message);
        }
        for (defect, text) in [
            (Defect::Lz4, "the lz4 data are damaged or cut off; check how the producer compresses records"),
            (Defect::TooLarge, "the record unpacks to more than 64 MiB; send smaller records"),
            (
                Defect::TooManyFrames,
                "the record has too many LZ4 frames; send fewer, or frames with blocks of 64 KiB",
            ),
            (
                Defect::KeyIndex,
                "the aggregated record lacks the key that this user record names; check how the producer aggregates \
                 records",
            ),
        ] {
            assert_eq!(defect.to_string(), text);
        }
    }
}
