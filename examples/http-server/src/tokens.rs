//! Tokens of an operator's callers, of which only the hashes are known.

use std::{fmt, path::Path};

use helios_core::{Error, ErrorKind, Result};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::role::Role;

/// Who may call, by the SHA-256 of each token.
#[derive(Clone, Default)]
pub(crate) struct Tokens(Vec<Token>);

#[derive(Clone)]
struct Token {
    role: Role,
    name: String,
    hash: [u8; 32],
}

impl Tokens {
    /// Reads lines `role name hash`; the hash is hexadecimal. Empty lines and those that begin with `#` are skipped.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ConfigInvalid`] with the number of the wrong line. The line itself may hold a token and is not repeated.
    pub(crate) fn read(text: &str) -> Result<Self> {
        let mut tokens: Vec<Token> = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let invalid = |what: &str| {
                let message = format!(
                    "the tokens are invalid: line {} {what}; expected `role name hash`, where the role is read, operate or \
                     admin, and the hash is the token's SHA-256 in hexadecimal",
                    index + 1
                );
                Error::new(ErrorKind::ConfigInvalid, message)
            };
            let words: Vec<&str> = line.split_whitespace().collect();
            let &[role, name, hash] = words.as_slice() else {
                return Err(invalid("does not have three words"));
            };
            let role = role.parse().map_err(|_| invalid("names an unknown role"))?;
            let hash = hash_of(hash).ok_or_else(|| invalid("does not end with a SHA-256"))?;
            if tokens.iter().any(|token| token.name == name) {
                return Err(invalid("repeats a name"));
            }
            tokens.push(Token { role, name: name.to_owned(), hash });
        }
        if tokens.is_empty() {
            return Err(Error::new(ErrorKind::ConfigInvalid, "the tokens are invalid: there are none"));
        }
        Ok(Self(tokens))
    }

    /// The same from a file.
    ///
    /// # Errors
    ///
    /// As [`Self::read`], and if the file cannot be read.
    pub(crate) fn read_file(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|error| {
            Error::new(ErrorKind::ConfigInvalid, "failed to read the file of tokens")
                .with("file", path.display().to_string())
                .caused_by(error)
        })?;
        Self::read(&text).map_err(|error| error.with("file", path.display().to_string()))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The role and the name of a token. Every hash is compared, each in constant time.
    pub(crate) fn find(&self, token: &[u8]) -> Option<(Role, &str)> {
        let hash: [u8; 32] = Sha256::digest(token).into();
        let mut found = None;
        for token in &self.0 {
            if bool::from(token.hash.ct_eq(&hash)) {
                found = Some((token.role, token.name.as_str()));
            }
        }
        found
    }
}

fn hash_of(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut hash = [0; 32];
    for (byte, digits) in hash.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = u8::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some(hash)
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|token| (token.role, &token.name))).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(crate) fn line(role: Role, name: &str, token: &str) -> String {
        let hash: String = Sha256::digest(token).iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{role} {name} {hash}\n")
    }

    #[test]
    fn a_token_has_its_role_and_no_other_passes() {
        let text = format!(
            "# of the shop\n\n{}  {}",
            line(Role::Read, "board", "canary-1"),
            line(Role::Admin, "ann", "canary-2")
        );
        let tokens = Tokens::read(&text).unwrap();
        assert_eq!(tokens.find(b"canary-1"), Some((Role::Read, "board")));
        assert_eq!(tokens.find(b"canary-2"), Some((Role::Admin, "ann")));
        for wrong in [&b""[..], b"canary", b"canary-12", b"CANARY-1"] {
            assert_eq!(tokens.find(wrong), None);
        }
        assert_eq!(format!("{tokens:?}"), r#"[(Read, "board"), (Admin, "ann")]"#);
    }

    #[test]
    fn a_wrong_line_is_named_and_not_repeated() {
        let good = line(Role::Read, "board", "x");
        for (text, says) in [
            (String::new(), "there are none"),
            ("# nobody".to_owned(), "there are none"),
            (format!("{good}admin canary"), "line 2 does not have three words"),
            (format!("{good}{}", line(Role::Read, "a b", "x")), "line 2 does not have three words"),
            (good.replace("read", "Read"), "line 1 names an unknown role"),
            ("read board canary".to_owned(), "line 1 does not end with a SHA-256"),
            (format!("read board {}", "é".repeat(32)), "line 1 does not end with a SHA-256"),
            (good.clone() + &good, "line 2 repeats a name"),
        ] {
            let error = Tokens::read(&text).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::ConfigInvalid);
            assert!(error.to_string().contains(says) && !error.to_string().contains("canary"), "{error}");
        }
    }
}
