//! Who may call the server, and in which role.

use std::{net::IpAddr, path::PathBuf};

use axum::http::HeaderName;
use clap::{ArgAction, Args, builder::BoolishValueParser};
use helios_core::{Error, ErrorKind, Result};

use crate::tokens::Tokens;

const TOKENS: &str = "HELIOS_TOKENS";

/// Who may call the server. Without tokens and without a trusted proxy, every client that reaches it may do everything.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Access")]
#[non_exhaustive]
pub struct AccessArgs {
    /// A file of lines `role name hash`: callers send `Authorization: Bearer TOKEN`, and each hash is the SHA-256 of a
    /// token in hexadecimal. Roles: read, operate, admin. HELIOS_TOKENS may hold the lines themselves.
    #[arg(long = "tokens", env = "HELIOS_TOKENS_FILE", value_name = "FILE")]
    pub tokens_file: Option<PathBuf>,

    /// A header in which a proxy in front names the caller's role. Needs --trusted-proxy.
    #[arg(long, env = "HELIOS_TRUSTED_ROLE_HEADER", value_name = "NAME")]
    pub trusted_role_header: Option<HeaderName>,

    /// The address of that proxy. It must remove the header from what clients send.
    #[arg(long = "trusted-proxy", env = "HELIOS_TRUSTED_PROXIES", value_delimiter = ',', value_name = "IP")]
    pub trusted_proxies: Vec<IpAddr>,

    /// Listen without tokens on an address that other machines reach: anyone with AWS credentials, of any account, can log in, read
    /// every table and create sources.
    #[arg(long, env = "HELIOS_ALLOW_ANONYMOUS", action = ArgAction::SetTrue, value_parser = BoolishValueParser::new())]
    pub allow_anonymous: bool,
}

impl AccessArgs {
    /// The tokens of the file or of the environment; none if there is neither.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ConfigInvalid`] if they cannot be read, or are in both places.
    pub(crate) fn tokens(&self) -> Result<Tokens> {
        self.tokens_with(|name| std::env::var(name).ok())
    }

    fn tokens_with(&self, variable: impl Fn(&str) -> Option<String>) -> Result<Tokens> {
        match (&self.tokens_file, variable(TOKENS)) {
            (Some(_), Some(_)) => {
                let message = "`--tokens` and HELIOS_TOKENS are both set; choose one";
                Err(Error::new(ErrorKind::ConfigInvalid, message))
            }
            (Some(path), None) => Tokens::read_file(path),
            (None, Some(text)) => Tokens::read(&text),
            (None, None) => Ok(Tokens::default()),
        }
    }

    /// Finds flags that contradict each other, and a server that is open to other machines by mistake.
    pub(super) fn validate(&self, is_local: bool) -> Result<()> {
        let invalid = |message: &str| Err(Error::new(ErrorKind::ConfigInvalid, message));
        if self.trusted_role_header.is_some() == self.trusted_proxies.is_empty() {
            return invalid("`--trusted-role-header` and `--trusted-proxy` need each other");
        }
        let is_guarded = self.trusted_role_header.is_some() || self.tokens_file.is_some();
        let is_guarded = is_guarded || std::env::var_os(TOKENS).is_some();
        if !is_local && !is_guarded && !self.allow_anonymous {
            return invalid(
                "other machines can reach `--addr`, but `--tokens` is not set; set it, listen on a loopback address, or set \
                 `--allow-anonymous` if anyone with AWS credentials, of any account, may read every table",
            );
        }
        if is_guarded && self.allow_anonymous {
            return invalid(
                "`--allow-anonymous` contradicts `--tokens` and `--trusted-role-header`; choose one",
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ServerConfig;
    use clap::Parser as _;

    fn validated(args: &[&str]) -> Result<(), ErrorKind> {
        let config = ServerConfig::try_parse_from(["helios-server"].iter().chain(args)).unwrap();
        config.validate().map_err(|error| error.kind())
    }

    #[test]
    fn other_machines_need_a_token_unless_asked_for_by_name() {
        const INVALID: Result<(), ErrorKind> = Err(ErrorKind::ConfigInvalid);
        let public = ["--addr", "0.0.0.0:8080"];
        let with = |more: &[&'static str]| validated(&[&public, more].concat());
        assert_eq!(validated(&[]), Ok(()));
        assert_eq!(validated(&["--addr", "[::1]:8080"]), Ok(()));
        assert_eq!(with(&[]), INVALID);
        assert_eq!(validated(&["--addr", "[::]:8080"]), INVALID);
        assert_eq!(with(&["--allow-anonymous"]), Ok(()));
        assert_eq!(with(&["--tokens", "/tokens"]), Ok(()));
        assert_eq!(with(&["--tokens", "/tokens", "--allow-anonymous"]), INVALID);
        assert_eq!(with(&["--trusted-role-header", "x-role", "--trusted-proxy", "10.0.0.7"]), Ok(()));
        assert_eq!(with(&["--trusted-role-header", "x-role"]), INVALID);
        assert_eq!(with(&["--trusted-proxy", "10.0.0.7", "--allow-anonymous"]), INVALID);
    }

    #[test]
    fn tokens_are_in_one_place() {
        let variable = |_: &str| Some(format!("read board {}", "0".repeat(64)));
        assert!(!AccessArgs::default().tokens_with(variable).unwrap().is_empty());
        assert!(AccessArgs::default().tokens_with(|_| None).unwrap().is_empty());
        let both = AccessArgs { tokens_file: Some("/tokens".into()), ..AccessArgs::default() };
        for given in [Some(String::new()), None] {
            let error = both.tokens_with(|_| given.clone()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::ConfigInvalid);
        }
    }
}
