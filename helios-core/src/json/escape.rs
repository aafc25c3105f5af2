//! Escapes in JSON strings.

use super::Malformed;

/// The place after the escape at `at`, a backslash; `None` if it is none of JSON's.
pub(super) fn escape_end(bytes: &[u8], at: usize) -> Option<usize> {
    match bytes.get(at + 1)? {
        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(at + 2),
        b'u' => {
            let digits = bytes.get(at + 2..at + 6)?;
            digits.iter().all(u8::is_ascii_hexdigit).then_some(at + 6)
        }
        _ => None,
    }
}

/// Appends what a string means, of which every escape is one of JSON's; fails on half a surrogate pair.
pub(super) fn decode(raw: &str, bytes: &mut Vec<u8>) -> Result<(), Malformed> {
    let mut rest = raw;
    while let Some((plain, escape)) = rest.split_once('\\') {
        bytes.extend_from_slice(plain.as_bytes());
        let Some((kind, after)) = escape.split_at_checked(1) else { return Err(Malformed::ESCAPE) };
        rest = after;
        bytes.push(match kind {
            "b" => 0x08,
            "f" => 0x0c,
            "n" => b'\n',
            "r" => b'\r',
            "t" => b'\t',
            "u" => {
                let (character, after) = unicode(after).ok_or(Malformed::ESCAPE)?;
                bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                rest = after;
                continue;
            }
            other => other.as_bytes().first().copied().unwrap_or_default(),
        });
    }
    bytes.extend_from_slice(rest.as_bytes());
    Ok(())
}

/// The character of the four digits that follow `\u`, or of a pair of them, and what comes after it.
fn unicode(text: &str) -> Option<(char, &str)> {
    let (first, rest) = four_digits(text)?;
    if !(0xd800..0xdc00).contains(&first) {
        return Some((char::from_u32(first)?, rest));
    }
    let (second, rest) = four_digits(rest.strip_prefix("\\u")?)?;
    let low = second.checked_sub(0xdc00).filter(|low| *low < 0x400)?;
    Some((char::from_u32(0x1_0000 + ((first - 0xd800) << 10) + low)?, rest))
}

fn four_digits(text: &str) -> Option<(u32, &str)> {
    let (digits, rest) = text.split_at_checked(4)?;
    Some((u32::from_str_radix(digits, 16).ok()?, rest))
}
