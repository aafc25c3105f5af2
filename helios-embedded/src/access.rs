//! Who may use the service over a socket.

use std::{fmt, net::IpAddr};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use http::{HeaderMap, header, uri::Authority};
use subtle::ConstantTimeEq;

use crate::{
    attempts::Attempts,
    service::{Code, Exception},
};

/// A user and a password that clients of a [`Listener`](crate::Listener) have to give.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The name, in `X-ClickHouse-User` or the `Authorization: Basic` header.
    pub user: String,
    /// The password, in `X-ClickHouse-Key` or the `Authorization: Basic` header. Never printed.
    pub password: String,
}

impl Credentials {
    /// Both as one.
    pub fn new(user: impl Into<String>, password: impl Into<String>) -> Self {
        Self { user: user.into(), password: password.into() }
    }

    /// Compares without telling by the time it takes how much is right.
    fn equals(&self, user: &[u8], password: &[u8]) -> bool {
        bool::from(self.user.as_bytes().ct_eq(user) & self.password.as_bytes().ct_eq(password))
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Credentials").field("user", &self.user).field("password", &"***").finish()
    }
}

/// The rules of a listener.
#[derive(Debug)]
pub(crate) struct Access {
    credentials: Option<Credentials>,
    attempts: Attempts,
}

impl Access {
    pub(crate) fn new(credentials: Option<Credentials>) -> Self {
        Self { credentials, attempts: Attempts::default() }
    }

    /// Lets a request in, or says why not. A `probe` needs no credentials, as on a server.
    ///
    /// A web page that a user of this machine looks at can send requests to loopback ports too. Its browser says so by
    /// `Origin`, or, for a page that had its own name pointed here, by a `Host` that is not this machine.
    pub(crate) async fn check(&self, headers: &HeaderMap, probe: bool) -> Result<(), Exception> {
        if headers.contains_key(header::ORIGIN) {
            return Err(Exception::new(
                Code::AccessDenied,
                "Requests from web pages are refused (Origin header)",
            ));
        }
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
        if !host.is_some_and(is_this_machine) {
            return Err(Exception::new(
                Code::AccessDenied,
                "The Host header must name this machine: localhost, a loopback address or `embedded`",
            ));
        }
        match &self.credentials {
            Some(credentials) if !probe => self.identify(credentials, headers).await,
            Some(_) | None => Ok(()),
        }
    }

    async fn identify(&self, credentials: &Credentials, headers: &HeaderMap) -> Result<(), Exception> {
        let Some((user, password)) = given(headers) else {
            return Err(Exception::new(
                Code::RequiredPassword,
                "Authentication required: send X-ClickHouse-User and X-ClickHouse-Key, or HTTP Basic authentication",
            ));
        };
        let _turn = self.attempts.turn().await;
        if credentials.equals(&user, &password) {
            return Ok(());
        }
        self.attempts.failed();
        let user = String::from_utf8_lossy(&user).into_owned();
        Err(Exception::new(
            Code::AuthenticationFailed,
            format!(
                "{user}: Authentication failed: password is incorrect, or there is no user with such name"
            ),
        ))
    }
}

/// The user and password of a request, if it has any.
fn given(headers: &HeaderMap) -> Option<(Vec<u8>, Vec<u8>)> {
    let header = |name| headers.get(name).map(|value: &http::HeaderValue| value.as_bytes().to_vec());
    let (user, password) = (header("x-clickhouse-user"), header("x-clickhouse-key"));
    if user.is_some() || password.is_some() {
        return Some((user.unwrap_or_else(|| b"default".to_vec()), password.unwrap_or_default()));
    }
    let authorization = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, encoded) = authorization.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = BASE64_STANDARD.decode(encoded.trim()).ok()?;
    let colon = decoded.iter().position(|byte| *byte == b':')?;
    let (user, password) = decoded.split_at(colon);
    Some((user.to_vec(), password.get(1..)?.to_vec()))
}

fn is_this_machine(host: &str) -> bool {
    let Ok(authority) = host.parse::<Authority>() else { return false };
    let host = authority.host();
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    matches!(host.to_ascii_lowercase().as_str(), "localhost" | "embedded")
        || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_hosts_are_this_machine() {
        for host in
            ["localhost", "localhost:8123", "LOCALHOST", "127.0.0.1:1", "127.9.9.9", "[::1]:80", "embedded"]
        {
            assert!(is_this_machine(host), "{host}");
        }
        for host in
            ["", "example.com", "localhost.example.com", "10.0.0.1", "[::2]", "127.0.0.1.nip.io", "a b"]
        {
            assert!(!is_this_machine(host), "{host}");
        }
    }

    #[test]
    fn a_password_is_never_printed() {
        let printed = format!("{:?}", Access::new(Some(Credentials::new("ada", "lovelace"))));
        assert!(printed.contains("ada") && printed.contains("***"), "{printed}");
        assert!(!printed.contains("lovelace"), "{printed}");
    }
}
