//! What JSON is wrapped in: the framings of schema registries, and Base64.
//!
//! A wrapping is taken off only where there is no doubt, so that text never becomes something else:
//!
//! - *Confluent's framing*: a zero byte and four bytes of an id, and behind them text that begins with `{`.
//! - *The Glue Schema Registry's*: the bytes 3 and 0, and 16 bytes of an id, and behind them text that begins with `{`; or
//!   3 and 5, the id, and zlib data that unpack to such text.
//! - *Base64*: the whole record is Base64 with its padding, perhaps with line breaks, of JSON objects that all are valid, or
//!   of compressed data that unpack to such objects. The first has a field.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE},
};
use bytes::Bytes;

use super::{
    compression::{self, Budget, Compression},
    defect::Defect,
    events::events,
    format::is_text,
};
use crate::json::Cursor;

/// The version of the Glue Schema Registry's header.
const GLUE: u8 = 3;
/// Its header: the version, the compression, and the id of a schema version.
const GLUE_HEADER: usize = 18;
/// Confluent's header: a zero byte and the id of a schema.
const CONFLUENT_HEADER: usize = 5;

/// What a payload holds, within the budget if it has to be unpacked; the payload itself if it is not wrapped.
pub(super) fn unwrap(payload: &Bytes, budget: &mut Budget) -> Result<Bytes, Defect> {
    match payload.first() {
        // Nearly always.
        None | Some(b'{' | b'[') => Ok(payload.clone()),
        Some(0) => Ok(after(payload, CONFLUENT_HEADER).unwrap_or_else(|| payload.clone())),
        Some(&GLUE) if is_glue(payload) => glue(payload, budget.bytes),
        _ if let Some(compression) = Compression::of(payload) => compression.unpack(payload, budget),
        Some(b'e' | b'W' | b'H' | b'K' | b'B' | b'/' | b'_') => base64(payload, budget),
        _ => Ok(payload.clone()),
    }
}

/// The JSON text behind a header, if there is any.
fn after(payload: &Bytes, header: usize) -> Option<Bytes> {
    let rest = payload.get(header..).filter(|rest| is_object(rest))?;
    Some(payload.slice_ref(rest))
}

/// Whether some bytes are text that begins with `{`; padding may follow.
fn is_object(bytes: &[u8]) -> bool {
    bytes.trim_ascii_start().starts_with(b"{") && is_text(without_padding(bytes))
}

/// Some bytes without the zeros that end them.
pub(super) fn without_padding(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    bytes.get(..end).unwrap_or_default()
}

/// Whether a payload begins with a header of the Glue Schema Registry.
pub(super) fn is_glue(payload: &[u8]) -> bool {
    payload.len() > GLUE_HEADER && matches!(payload, [GLUE, 0 | 5, ..])
}

fn glue(payload: &Bytes, limit: usize) -> Result<Bytes, Defect> {
    if payload.get(1) == Some(&0) {
        return Ok(after(payload, GLUE_HEADER).unwrap_or_else(|| payload.clone()));
    }
    let unpacked = compression::zlib(payload.get(GLUE_HEADER..).unwrap_or_default(), limit)?;
    Ok(if is_object(&unpacked) { unpacked } else { payload.clone() })
}

fn base64(payload: &Bytes, budget: &mut Budget) -> Result<Bytes, Defect> {
    let limit = budget.bytes;
    let Some(decoded) = decoded(payload) else { return Ok(payload.clone()) };
    let unpacked = match Compression::of(&decoded) {
        None => Ok(decoded),
        Some(compression) => compression.unpack(&decoded, budget),
    };
    match unpacked {
        Ok(unpacked) if is_objects(&unpacked) && unpacked.len() > limit => Err(Defect::TooLarge),
        Ok(unpacked) if is_objects(&unpacked) => Ok(unpacked),
        Err(defect @ (Defect::TooLarge | Defect::TooManyFrames)) => Err(defect),
        _ => Ok(payload.clone()),
    }
}

/// What a payload is the Base64 of, if it begins as JSON or as compressed data.
fn decoded(payload: &[u8]) -> Option<Bytes> {
    let is_alphabet = |byte: &u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_' | b'=' | b'\r' | b'\n')
    };
    if !payload.iter().all(is_alphabet) {
        return None;
    }
    let lines: Vec<u8> = payload.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let decoded = STANDARD.decode(&lines).or_else(|_| URL_SAFE.decode(&lines)).ok()?;
    let is_one = matches!(decoded.first(), Some(b'{' | b'[')) || Compression::of(&decoded).is_some();
    is_one.then(|| decoded.into())
}

/// Whether a payload is Base64 of what begins as JSON or as compressed data.
pub(super) fn is_base64_of_data(payload: &[u8]) -> bool {
    matches!(payload.first(), Some(b'e' | b'W' | b'H' | b'K' | b'B' | b'/' | b'_'))
        && decoded(payload).is_some_and(|decoded| decoded.starts_with(b"{\"") || !is_text(&decoded))
}

/// Whether a payload is JSON objects and nothing else, the first of them with a field.
fn is_objects(payload: &Bytes) -> bool {
    let has_field = |event: &[u8]| {
        let rest = event.trim_ascii_start().strip_prefix(b"{");
        rest.is_some_and(|rest| rest.trim_ascii_start().starts_with(b"\""))
    };
    let is_json = |event: &[u8]| {
        let Ok(text) = simdutf8::basic::from_utf8(event) else { return false };
        let mut cursor = Cursor::new(text);
        cursor.space();
        cursor.peek() == b'{' && cursor.value().and_then(|_| cursor.end()).is_ok()
    };
    let mut events = events(payload.clone());
    events.next().is_some_and(|first| has_field(&first) && is_json(&first))
        && events.all(|event| is_json(&event))
}

#[cfg(test)]
mod tests {
    use super::{
        super::framings::{base64 as encode, confluent, glue as in_glue, gzip, lz4, snappy, zlib, zstd},
        *,
    };

    const LIMIT: usize = 1 << 20;

    fn unwrapped(payload: &[u8]) -> Result<Vec<u8>, Defect> {
        unwrap(&Bytes::copy_from_slice(payload), &mut Budget::new(LIMIT)).map(|data| data.to_vec())
    }

    #[test]
    fn headers_of_registries_are_taken_off_of_json() {
        let json = br#"{"id":"\u00e4"}"#;
        for text in
            [&json[..], b"{}", b" \n{\"a\":1}\n", b"{\"a\":1}\0\0", b"{\"a\":1}\n{\"a\":2}", b"{\"a\":"]
        {
            for wrapped in [confluent(text), in_glue(0, text), in_glue(5, &zlib(text))] {
                assert_eq!(unwrapped(&wrapped).unwrap(), text);
            }
        }
        let payload = Bytes::from(confluent(json));
        assert_eq!(
            unwrap(&payload, &mut Budget::new(0)).unwrap().as_ptr(),
            payload[5..].as_ptr(),
            "nothing is copied"
        );
    }

    #[test]
    fn headers_of_registries_stay_on_what_is_not_json() {
        for text in [&b""[..], b"x", b"[]", b"\x02{", b"{\x01}", b"{\0}", b"{\xff", b"\0{}"] {
            for wrapped in [confluent(text), in_glue(0, text), in_glue(5, &zlib(text))] {
                assert_eq!(unwrapped(&wrapped).unwrap(), wrapped);
            }
        }
        for short in [
            &b"\0"[..],
            b"\0\0\0\0\0",
            b"\x03",
            b"\x03\0",
            &in_glue(0, b""),
            &in_glue(5, b""),
            &in_glue(1, b"{}"),
        ] {
            assert_eq!(unwrapped(short).unwrap(), short);
        }
        // Glue's compressed data are damaged, cut off, or too much.
        let packed = zlib(br#"{"id":1}"#);
        assert_eq!(unwrapped(&in_glue(5, b"{}")), Err(Defect::Zlib));
        for end in 1..packed.len() {
            assert_eq!(unwrapped(&in_glue(5, &packed[..end])), Err(Defect::Zlib));
        }
        assert_eq!(unwrapped(&in_glue(5, &zlib(&vec![b' '; LIMIT + 1]))), Err(Defect::TooLarge));
    }

    #[test]
    fn base64_of_objects_is_decoded() {
        for json in [
            &br#"{"id":1}"#[..],
            br#"{ "id":12}"#,
            b" {\"a\":1}".trim_ascii(),
            b"{\"a\":1}\n{\"a\":2}\n",
            br#"[{"a":1},{}]"#,
            "{\"a\":\"\u{e4}\u{fc}\u{1f600}???>>>\"}".as_bytes(),
        ] {
            assert_eq!(unwrapped(&encode(json)).unwrap(), json);
            assert_eq!(unwrapped(URL_SAFE.encode(json).as_bytes()).unwrap(), json);
            for pack in [gzip, zstd, zlib, lz4, snappy] {
                assert_eq!(unwrapped(&encode(&pack(json))).unwrap(), json);
            }
            // With its lines broken, as `base64` does it.
            let broken: Vec<u8> = encode(json).chunks(4).flat_map(|line| [line, b"\r\n"].concat()).collect();
            assert_eq!(unwrapped(&broken).unwrap(), json);
        }
        assert_eq!(unwrapped(b"eyJpZCI6MX0=").unwrap(), br#"{"id":1}"#);
    }

    #[test]
    fn text_is_never_decoded() {
        let json = br#"{"id":1}"#;
        let quoted = [b"\"", &encode(json)[..], b"\""].concat();
        for text in [
            &quoted[..],
            // An object without fields, lists without objects, an object cut off, its padding left off: all might be words.
            b"e30=",
            b"W10=",
            b"WzFd",
            b"W10",
            b"eyB9",
            &encode(br#"[1,{"id":1}]"#),
            &encode(br#"{"id":1}{"id":"#),
            &encode(br#"{"id":1}x"#),
            &encode(br#"{"id":01}"#),
            &encode(b"{\"a\":\"\xff\"}"),
            b"eyJpZCI6MX0",
            b"eyJpZCI6MX1=",
            b"eyJhbGciOiJIUzI1NiJ9.eyJpZCI6MX0.c2ln",
            b" eyJpZCI6MX0=",
            b"eyJp ZCI6MX0=",
            b"Hello",
            b"Wednesday",
            b"every",
            b"_",
            b"/",
            &encode(&gzip(b"text")),
            &encode(&gzip(json)[..20]),
            &encode(&encode(json)),
        ] {
            assert_eq!(unwrapped(text).unwrap(), text, "{}", String::from_utf8_lossy(text));
        }
    }

    #[test]
    fn what_base64_unpacks_to_is_bounded() {
        let large = format!("{{\"a\":\"{}\"}}", " ".repeat(LIMIT));
        assert_eq!(unwrapped(&encode(&gzip(large.as_bytes()))), Err(Defect::TooLarge));
        assert_eq!(unwrapped(&encode(large.as_bytes())), Err(Defect::TooLarge));
    }
}
