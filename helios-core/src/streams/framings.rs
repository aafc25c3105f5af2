//! Every way to put events into records, for tests that hold the readers of records together.

use std::io::Write as _;

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::kpl::encode::aggregate;

/// Records that are framed in one way.
pub(crate) struct Framing {
    pub(crate) name: &'static str,
    pub(crate) records: Vec<Vec<u8>>,
    /// How many events are in them, with those that are rejected.
    pub(crate) events: u64,
    /// How many of these are rows of a table with a column `id`.
    pub(crate) rows: u64,
}

pub(crate) fn gzip(data: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn zstd(data: &[u8]) -> Vec<u8> {
    zstd::encode_all(data, 3).unwrap()
}

pub(crate) fn zlib(data: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

/// With the sum of its content, as `lz4` writes it.
pub(crate) fn lz4(data: &[u8]) -> Vec<u8> {
    let info = lz4_flex::frame::FrameInfo::new().content_checksum(true);
    let mut encoder = lz4_flex::frame::FrameEncoder::with_frame_info(info, Vec::new());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn snappy(data: &[u8]) -> Vec<u8> {
    let mut encoder = snap::write::FrameEncoder::new(Vec::new());
    encoder.write_all(data).unwrap();
    encoder.into_inner().unwrap()
}

pub(crate) fn base64(data: &[u8]) -> Vec<u8> {
    STANDARD.encode(data).into_bytes()
}

pub(crate) fn confluent(data: &[u8]) -> Vec<u8> {
    [&[0, 0, 0, 1, 7], data].concat()
}

/// With the Glue Schema Registry's header; the second byte says how the data are compressed.
pub(crate) fn glue(compression: u8, data: &[u8]) -> Vec<u8> {
    [&[3, compression], &[0x7b; 16][..], data].concat()
}

/// All framings.
pub(crate) fn framings() -> Vec<Framing> {
    let mut all = Vec::new();
    let mut add = |name, events, rows, records: &[&[u8]]| {
        let records = records.iter().map(|record| record.to_vec()).collect();
        all.push(Framing { name, records, events, rows });
    };
    let lines = b"{\"id\":1}\n{\"id\":2}\n";
    add("one object", 2, 2, &[br#"{"id":1}"#, b" {\"id\":2} \n"]);
    add("lines, a list, side by side", 6, 6, &[lines, br#"[{"id":3},{"id":4}]"#, br#"{"id":5}{"id":6}"#]);
    add("lists after one another", 3, 3, &[b"[{\"id\":1}]\n[{\"id\":2},{\"id\":3}]"]);
    add("a damaged line", 3, 2, &[b"{\"id\":1}\n{\"id\":\n{\"id\":3}\n{\"id\":4}"]);
    add("a list without its end", 3, 2, &[br#"[{"id":1},{"id":2}"#]);
    add("no events", 3, 0, &[b"", b"[]", b"text"]);
    add("gzip", 2, 2, &[&gzip(lines)]);
    add("zstd", 2, 2, &[&zstd(lines)]);
    add("damaged gzip", 1, 0, &[&gzip(lines)[..20]]);
    let list = br#"[{"id":1},{"id":2}]"#;
    add("commas", 5, 5, &[br#"{"id":1},{"id":2}"#, b"{\"id\":3},\n", br#"{"id":4},{"id":5},"#]);
    add("padding", 4, 4, &[b"{\"id\":1}\0\0\0", b"{\"id\":2}\n{\"id\":3}\n\0", b"[{\"id\":4}]\0"]);
    add(
        "byte order mark",
        3,
        3,
        &["\u{feff}{\"id\":1}".as_bytes(), "\u{feff}[{\"id\":2},{\"id\":3}]".as_bytes()],
    );
    add("byte order mark, packed", 1, 1, &[&gzip("\u{feff}{\"id\":1}\0".as_bytes())]);
    add("zlib", 4, 4, &[&zlib(lines), &zlib(list)]);
    add("lz4", 4, 4, &[&lz4(lines), &lz4(list)]);
    add("snappy", 4, 4, &[&snappy(lines), &snappy(list)]);
    add("damaged", 3, 0, &[&zlib(lines)[..12], &lz4(lines)[..20], &snappy(lines)[..30]]);
    add("confluent", 3, 3, &[&confluent(br#"{"id":1}"#), &confluent(lines)]);
    add("glue", 3, 3, &[&glue(0, br#"{"id":1}"#), &glue(5, &zlib(lines))]);
    add(
        "schema registries, not JSON",
        3,
        0,
        &[&confluent(b"\x02\x08abcd\x01"), &glue(0, b"\x02\x08"), &glue(5, &zlib(b"\x02\x08"))],
    );
    add(
        "base64",
        6,
        6,
        &[&base64(br#"{"id":1}"#), &base64(lines), &base64(list), &base64(&gzip(br#"{"id":3}"#))],
    );
    let packed: Vec<_> = [zlib, lz4, snappy, zstd].iter().map(|pack| base64(&pack(lines))).collect();
    add("base64, packed", 8, 8, &packed.iter().map(|record| &record[..]).collect::<Vec<_>>());
    add("text", 5, 0, &[b"\"eyJpZCI6MX0=\"", b"e30=", b"eyJpZCI6MX0", b"W10=", b"hello"]);
    add("other formats", 3, 0, &[b"PAR1\x15\x04PAR1", b"{\0\"\0i\0d\0", b"\x0d\x30{\"id\":12345}\n"]);
    let parts =
        [lines.to_vec(), gzip(br#"[{"id":3},{"id":4}]"#), b"{\"id\":5}".to_vec(), gzip(b"x")[..9].to_vec()];
    add("aggregated", 6, 5, &[&aggregate(&parts)]);
    let parts = [
        confluent(lines),
        base64(lines),
        lz4(list),
        b"{\"id\":5},{\"id\":6}".to_vec(),
        b"\xc3\x01\0".to_vec(),
    ];
    add("aggregated, framed", 9, 8, &[&aggregate(&parts)]);
    all
}
