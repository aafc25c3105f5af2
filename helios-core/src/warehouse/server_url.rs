//! A server's address, which may hold a password and never shows it.

use std::fmt;

use percent_encoding::percent_decode_str;
use secrecy::SecretString;
use url::Url;

use crate::{Error, ErrorKind, Result};

/// The URL of a ClickHouse server, `http://host:8123`, possibly with user and password. `Debug` masks the password.
#[derive(Clone, PartialEq, Eq)]
pub struct ServerUrl(String);

impl<T: Into<String>> From<T> for ServerUrl {
    fn from(text: T) -> Self {
        Self(text.into())
    }
}

impl fmt::Debug for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Url::parse(&self.0) {
            Ok(mut url) if url.query().is_none() && url.fragment().is_none() => {
                if url.password().is_some() && url.set_password(Some("***")).is_err() {
                    return f.write_str("***");
                }
                write!(f, "{:?}", url.as_str())
            }
            // What is no such URL may hold the password anywhere.
            Ok(_) | Err(_) => f.write_str("***"),
        }
    }
}

/// The URL, parted into what may be shown and what may not.
pub(super) struct Address {
    pub(super) url: String,
    pub(super) user: Option<String>,
    pub(super) password: Option<SecretString>,
}

impl ServerUrl {
    /// The messages never repeat the URL: it may hold a password.
    pub(super) fn address(&self) -> Result<Address> {
        let invalid = |what: &str| {
            let message = format!("`clickhouse_url` {what}; it should look like `http://host:8123`");
            Error::new(ErrorKind::ConfigInvalid, message)
        };
        let mut url = Url::parse(&self.0).map_err(|error| invalid("is not a URL").caused_by(error))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(invalid("is neither http nor https"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(invalid("has a query or a fragment"));
        }
        let decoded = |text: &str| {
            let decoded = percent_decode_str(text).decode_utf8();
            decoded
                .map(String::from)
                .map_err(|error| invalid("has a user or password that is not UTF-8").caused_by(error))
        };
        let user = (!url.username().is_empty()).then(|| decoded(url.username())).transpose()?;
        let password = url.password().map(decoded).transpose()?.map(SecretString::from);
        url.set_username("").and_then(|()| url.set_password(None)).map_err(|()| invalid("has no host"))?;
        Ok(Address { url: url.to_string(), user, password })
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn credentials_leave_the_url() {
        let address = ServerUrl::from("http://ann:p%40s&s+1=%25@localhost:8123/").address().unwrap();
        assert_eq!(address.url, "http://localhost:8123/");
        assert_eq!(address.user.as_deref(), Some("ann"));
        assert_eq!(address.password.unwrap().expose_secret(), "p@s&s+1=%");
    }

    #[test]
    fn a_bad_url_is_refused_without_repeating_it() {
        for url in
            ["", "localhost:8123", "ftp://u:canary@h", "http://u:canary@h:99999", "http://h/?password=canary"]
        {
            let url = ServerUrl::from(url);
            let error = url.address().err().unwrap();
            assert_eq!(error.kind(), ErrorKind::ConfigInvalid, "{url:?}");
            assert!(!format!("{error:#} {error:?} {url:?}").contains("canary"), "{error:?}");
        }
    }

    #[test]
    fn debug_masks_the_password_only() {
        let url = ServerUrl::from("http://ann:canary@localhost:8123");
        assert_eq!(format!("{url:?}"), r#""http://ann:***@localhost:8123/""#);
    }
}
