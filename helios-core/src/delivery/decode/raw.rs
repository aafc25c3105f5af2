//! JSON values as they are written.

use std::borrow::Cow;

use super::fault::{Fault, RejectKind};

/// A value the parser only passed over.
pub(super) enum Value<'a> {
    Null,
    /// A string, without quotes and escapes.
    Text(Cow<'a, str>),
    /// Anything else, as it is written.
    Other(&'a str),
}

impl<'a> Value<'a> {
    pub(super) fn of(raw: &'a str) -> Result<Self, Fault> {
        if raw == "null" {
            return Ok(Self::Null);
        }
        let escaped = raw.contains('\\');
        let Some(inside) = raw.strip_prefix('"').and_then(|raw| raw.strip_suffix('"')) else {
            if escaped {
                check_escapes(raw)?;
            }
            return Ok(Self::Other(raw));
        };
        if !escaped {
            return Ok(Self::Text(Cow::Borrowed(inside)));
        }
        let text: String = sonic_rs::from_str(raw).map_err(|_| bad_escape())?;
        Ok(Self::Text(Cow::Owned(text)))
    }
}

/// What the parser does not look at when it passes over a value: that four hexadecimal digits follow each `\u`.
pub(super) fn check_escapes(raw: &str) -> Result<(), Fault> {
    let mut rest = raw.as_bytes();
    while let Some(at) = rest.iter().position(|byte| *byte == b'\\') {
        let escape = rest.get(at + 1..).unwrap_or_default();
        rest = match escape {
            [b'u', a, b, c, d, rest @ ..] if [a, b, c, d].iter().all(|byte| byte.is_ascii_hexdigit()) => rest,
            [b'u', ..] | [] => return Err(bad_escape()),
            [_, rest @ ..] => rest,
        };
    }
    Ok(())
}

fn bad_escape() -> Fault {
    Fault::new(RejectKind::MalformedJson, "not valid JSON: an escape that is no character")
}
