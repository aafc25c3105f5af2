//! The embedded engine's own HTTP interface, for the delivery function and for ClickHouse clients.

use std::net::SocketAddr;

use clap::{ArgAction, Args, builder::BoolishValueParser};
use helios_core::{Error, ErrorKind, Result};
use secrecy::SecretString;

const USER: &str = "HELIOS_ENGINE_USER";
const PASSWORD: &str = "HELIOS_ENGINE_PASSWORD";

/// The embedded engine, which runs in a process of its own, and whether it can be reached from outside.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Embedded engine")]
#[non_exhaustive]
pub struct EngineArgs {
    /// A loopback address on which the embedded engine also serves ClickHouse's HTTP interface, reading and writing;
    /// port 0 takes a free one. Needs HELIOS_ENGINE_USER and HELIOS_ENGINE_PASSWORD.
    #[arg(long, env = "HELIOS_ENGINE_LISTEN", value_name = "IP:PORT")]
    pub engine_listen: Option<SocketAddr>,

    /// MiB of memory that the engine's process may take; above, it is ended and started again [default: nine tenths of the
    /// machine's].
    #[arg(long, env = "HELIOS_ENGINE_MAX_MEMORY_MIB", value_name = "MIB", value_parser = clap::value_parser!(u64).range(256..1 << 32))]
    pub engine_max_memory_mib: Option<u64>,

    /// Refuse to start where the kernel cannot confine the engine's process (Landlock and seccomp).
    #[arg(long, env = "HELIOS_REQUIRE_SANDBOX", action = ArgAction::SetTrue, value_parser = BoolishValueParser::new())]
    pub require_sandbox: bool,
}

/// Where the engine listens, and who may enter.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct EngineAccess {
    /// The loopback address.
    pub address: SocketAddr,
    /// The only user.
    pub user: String,
    /// That user's password.
    pub password: SecretString,
}

impl EngineArgs {
    /// The address with the user and password of the environment; `None` if the engine does not listen.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ConfigInvalid`] if user or password is missing.
    pub fn access(&self) -> Result<Option<EngineAccess>> {
        self.access_with(|name| std::env::var(name).ok())
    }

    fn access_with(&self, variable: impl Fn(&str) -> Option<String>) -> Result<Option<EngineAccess>> {
        let Some(address) = self.engine_listen else { return Ok(None) };
        let invalid = |message: String| Error::new(ErrorKind::ConfigInvalid, message);
        let required = |name: &str| {
            let value = variable(name)
                .filter(|value| !value.is_empty())
                .ok_or_else(|| invalid(format!("`--engine-listen` needs the environment variable {name}")))?;
            // Clients send it as a header.
            if !value.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()) {
                return Err(invalid(format!("{name} must contain only printable ASCII characters")));
            }
            Ok(value)
        };
        Ok(Some(EngineAccess { address, user: required(USER)?, password: required(PASSWORD)?.into() }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listening() -> EngineArgs {
        EngineArgs { engine_listen: Some(SocketAddr::from(([127, 0, 0, 1], 0))), ..EngineArgs::default() }
    }

    #[test]
    fn an_engine_that_does_not_listen_needs_no_password() {
        assert!(EngineArgs::default().access_with(|_| None).unwrap().is_none());
    }

    #[test]
    fn an_engine_that_listens_needs_user_and_password() {
        for given in ["", USER, PASSWORD] {
            let error = listening().access_with(|name| (name == given).then(|| "x".to_owned())).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::ConfigInvalid);
        }
        assert!(listening().access_with(|_| Some(String::new())).is_err());
        for value in ["canary\r\n", "canary\0", "canary\t", "canäry"] {
            let error = listening().access_with(|_| Some(value.to_owned())).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::ConfigInvalid);
            assert!(!error.to_string().contains("canary"), "{error}");
        }
    }

    #[test]
    fn debug_holds_no_password() {
        let access = listening().access_with(|_| Some("canary".to_owned())).unwrap().unwrap();
        let text = format!("{:?}", EngineAccess { user: "ann".to_owned(), ..access });
        assert!(!text.contains("canary"), "{text}");
    }
}
