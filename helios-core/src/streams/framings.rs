//! Every way to put events into records, for tests that hold the readers of records together.

use std::io::Write as _;

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
    let parts =
        [lines.to_vec(), gzip(br#"[{"id":3},{"id":4}]"#), b"{\"id\":5}".to_vec(), gzip(b"x")[..9].to_vec()];
    add("aggregated", 6, 5, &[&aggregate(&parts)]);
    all
}
