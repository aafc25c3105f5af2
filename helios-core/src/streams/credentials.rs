//! Who calls AWS.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

use crate::{Error, Result};

/// Who calls AWS: keys, a profile, or whatever the environment provides; optionally in a role.
///
/// `Debug` shows the first four characters of the access key id, and no secret.
///
/// ```
/// use helios_core::streams::Credentials;
///
/// let credentials = Credentials::keys("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
///     .assume_role("arn:aws:iam::123456789012:role/reader")
///     .region("eu-west-1");
/// assert!(format!("{credentials:?}").contains("AKIA…"));
/// assert!(!format!("{credentials:?}").contains("wJalr"));
/// ```
#[derive(Clone)]
pub struct Credentials {
    pub(super) base: Base,
    session_token: Option<SecretString>,
    pub(super) role: Option<String>,
    external_id: Option<SecretString>,
    pub(super) region: Option<String>,
}

#[derive(Clone)]
pub(super) enum Base {
    DefaultChain,
    Profile(String),
    Keys { access_key: String, secret_key: SecretString },
}

impl Credentials {
    fn new(base: Base) -> Self {
        Self { base, session_token: None, role: None, external_id: None, region: None }
    }

    /// An access key id and its secret. Nothing else is consulted, also when they turn out to be wrong.
    #[must_use]
    pub fn keys(access_key: impl Into<String>, secret_key: impl Into<SecretString>) -> Self {
        Self::new(Base::Keys { access_key: access_key.into(), secret_key: secret_key.into() })
    }

    /// A named profile of the AWS configuration files.
    #[must_use]
    pub fn profile(name: impl Into<String>) -> Self {
        Self::new(Base::Profile(name.into()))
    }

    /// What the AWS SDKs find by themselves: environment, configuration files, container or instance role.
    #[must_use]
    pub fn default_chain() -> Self {
        Self::new(Base::DefaultChain)
    }

    /// The token that comes with temporary keys. Only for [`Credentials::keys`].
    #[must_use]
    pub fn session_token(mut self, token: impl Into<SecretString>) -> Self {
        self.session_token = Some(token.into());
        self
    }

    /// Acts in the role of this ARN.
    #[must_use]
    pub fn assume_role(mut self, arn: impl Into<String>) -> Self {
        self.role = Some(arn.into());
        self
    }

    /// The external id the role asks for. Only with [`Credentials::assume_role`].
    #[must_use]
    pub fn external_id(mut self, id: impl Into<SecretString>) -> Self {
        self.external_id = Some(id.into());
        self
    }

    /// The region of these credentials, instead of the settings'.
    #[must_use]
    pub fn region(mut self, region: impl Into<String>) -> Self {
        self.region = Some(region.into());
        self
    }

    /// Checks the form of every part, without calling AWS.
    ///
    /// # Errors
    ///
    /// `InvalidInput`, naming the part that is empty, holds a character it cannot hold, or contradicts another.
    pub fn validate(&self) -> Result<()> {
        match &self.base {
            Base::DefaultChain => {}
            Base::Profile(name) => {
                if name.trim().is_empty() || name.chars().any(char::is_control) {
                    return Err(malformed("profile", "is empty or holds a control character"));
                }
            }
            Base::Keys { access_key, secret_key } => {
                printable("access_key", access_key, MAX_KEY)?;
                printable("secret_key", secret_key.expose_secret(), MAX_SECRET)?;
            }
        }
        if let Some(token) = &self.session_token {
            printable("session_token", token.expose_secret(), MAX_TOKEN)?;
            if !matches!(self.base, Base::Keys { .. }) {
                return Err(malformed("session_token", "needs access_key and secret_key beside it"));
            }
        }
        if let Some(role) = &self.role {
            printable("role_arn", role, MAX_ROLE)?;
            if !role.starts_with("arn:") {
                return Err(malformed(
                    "role_arn",
                    "is not an ARN, such as arn:aws:iam::123456789012:role/reader",
                ));
            }
        }
        if let Some(id) = &self.external_id {
            printable("external_id", id.expose_secret(), MAX_EXTERNAL_ID)?;
            if self.role.is_none() {
                return Err(malformed("external_id", "needs role_arn beside it"));
            }
        }
        match &self.region {
            Some(region) if !is_region(region) => {
                Err(malformed("region", "is not a region's name, such as eu-west-1")
                    .with("region", region.clone()))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn external_id_text(&self) -> Option<&str> {
        self.external_id.as_ref().map(ExposeSecret::expose_secret)
    }

    pub(super) fn session_token_text(&self) -> Option<&str> {
        self.session_token.as_ref().map(ExposeSecret::expose_secret)
    }
}

impl Default for Credentials {
    fn default() -> Self {
        Self::default_chain()
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Credentials");
        match &self.base {
            Base::DefaultChain => out.field("source", &format_args!("default chain")),
            Base::Profile(name) => out.field("profile", name),
            Base::Keys { access_key, .. } => {
                out.field("access_key", &Masked(access_key)).field("secret_key", &format_args!("***"))
            }
        };
        if self.session_token.is_some() {
            out.field("session_token", &format_args!("***"));
        }
        if let Some(role) = &self.role {
            out.field("role_arn", role);
        }
        if self.external_id.is_some() {
            out.field("external_id", &format_args!("***"));
        }
        if let Some(region) = &self.region {
            out.field("region", region);
        }
        out.finish()
    }
}

struct Masked<'a>(&'a str);

impl fmt::Debug for Masked<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Four characters of a short key would be too much of it.
        if self.0.len() >= 12 {
            f.write_str(&self.0.chars().take(4).collect::<String>())?;
        }
        f.write_str("…")
    }
}

/// How long AWS lets an access key, a role's ARN and an external id be.
const MAX_KEY: usize = 128;
const MAX_ROLE: usize = 2_048;
const MAX_EXTERNAL_ID: usize = 1_224;
/// AWS names no limit of these: far more than they have today, and less than an HTTP header may have.
const MAX_SECRET: usize = 1_024;
const MAX_TOKEN: usize = 16_384;

/// A region becomes part of a host name, so it must be a label of one, and must not be able to name another host.
pub(super) fn is_region(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 63
        && !text.starts_with('-')
        && !text.ends_with('-')
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// Keys and tokens travel in HTTP headers: visible ASCII only. The text itself stays out of the error.
fn printable(field: &'static str, text: &str, most: usize) -> Result<()> {
    if text.is_empty() {
        return Err(malformed(field, "is empty"));
    }
    if text.len() > most {
        return Err(malformed(field, &format!("is longer than {most} characters")));
    }
    if text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(());
    }
    Err(malformed(field, "holds a space, a control character or one outside of ASCII"))
}

fn malformed(field: &'static str, why: &str) -> Error {
    Error::invalid_input(format!("{field} {why}")).with("field", field)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    const SECRET: &str = "canary-secret-canary";

    fn keys() -> Credentials {
        Credentials::keys("AKIACANARYCANARYCANA", SECRET)
    }

    #[test]
    fn debug_masks_every_secret() {
        let credentials = keys()
            .session_token("canary-token")
            .assume_role("arn:aws:iam::123456789012:role/reader")
            .external_id("canary-external")
            .region("eu-west-1");
        assert_eq!(
            format!("{credentials:?}"),
            "Credentials { access_key: AKIA…, secret_key: ***, session_token: ***, role_arn: \
             \"arn:aws:iam::123456789012:role/reader\", external_id: ***, region: \"eu-west-1\" }"
        );
        assert!(format!("{:?}", Credentials::keys("short", "x")).contains("access_key: …"));
    }

    #[test]
    fn well_formed_credentials_pass() {
        for credentials in [
            Credentials::default_chain(),
            Credentials::profile("my profile"),
            keys().session_token("token"),
            Credentials::profile("p").assume_role("arn:aws:iam::123456789012:role/r").external_id("e"),
            keys().region("us-gov-east-1"),
        ] {
            credentials.validate().unwrap();
        }
    }

    #[test]
    fn each_malformed_part_is_named() {
        for (credentials, field) in [
            (Credentials::keys("", SECRET), "access_key"),
            (Credentials::keys(" AKIA", SECRET), "access_key"),
            (Credentials::keys("AKIA\n", SECRET), "access_key"),
            (Credentials::keys("ÅKIA", SECRET), "access_key"),
            (Credentials::keys("AKIA", ""), "secret_key"),
            (Credentials::keys("AKIA", format!("{SECRET}\u{0}")), "secret_key"),
            (keys().session_token("a b"), "session_token"),
            (keys().session_token(""), "session_token"),
            (Credentials::default_chain().session_token("token"), "session_token"),
            (Credentials::profile(" "), "profile"),
            (keys().assume_role("reader"), "role_arn"),
            (keys().external_id("e"), "external_id"),
            (keys().region("eu west 1"), "region"),
            (keys().region("evil.example/"), "region"),
            (keys().region(""), "region"),
            (keys().region("-"), "region"),
            (keys().region("-eu-west-1"), "region"),
            (keys().region("eu-west-1-"), "region"),
            (Credentials::keys("A".repeat(100_000), SECRET), "access_key"),
            (Credentials::keys("AKIA", "x".repeat(100_000)), "secret_key"),
            (keys().session_token("x".repeat(100_000)), "session_token"),
            (keys().assume_role(format!("arn:{}", "x".repeat(100_000))), "role_arn"),
            (keys().assume_role("arn:aws:iam::1:role/r").external_id("x".repeat(100_000)), "external_id"),
        ] {
            let error = credentials.validate().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
            assert!(error.message().starts_with(field), "{error} should name {field}");
            assert!(!format!("{error:?}{error:#}").contains(SECRET), "{error}");
        }
    }
}
