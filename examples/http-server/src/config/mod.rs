//! Settings: flags first, then the environment, then defaults.

mod access;
mod backend;
mod engine_access;
mod limits;

use std::{net::SocketAddr, time::Duration};

use clap::{ArgAction, Parser, Subcommand, ValueEnum, builder::BoolishValueParser};
use helios_core::{Error, ErrorKind, Result};

pub use access::AccessArgs;
pub use backend::BackendArgs;
pub use engine_access::{EngineAccess, EngineArgs};
pub use limits::{QueryLimits, RequestLimits};

use crate::{EngineProcessArgs, ReaderArgs};

const SECRETS: &str = "\
Secrets are read from the environment only, never from flags, which every user of the machine can see:
  HELIOS_CLICKHOUSE_PASSWORD      the ClickHouse user's password
  HELIOS_ENGINE_USER              who may enter through --engine-listen
  HELIOS_ENGINE_PASSWORD          and that user's password
  HELIOS_READER_PASSWORD          the password of the user that `reader` makes
  HELIOS_TOKENS                   who may call, as the lines of a file of --tokens
  HELIOS_AWS_ACCESS_KEY_ID        the server's own AWS credentials, used with --run-as-operator only;
  HELIOS_AWS_SECRET_ACCESS_KEY    without them the AWS SDK looks in its usual places
  HELIOS_AWS_SESSION_TOKEN
  HELIOS_AWS_PROFILE
  HELIOS_AWS_ROLE_ARN
  HELIOS_AWS_EXTERNAL_ID";

/// Kinesis streams as ClickHouse tables, over HTTP.
#[derive(Clone, Debug, Parser)]
#[command(name = "helios-server", version, after_help = SECRETS, args_conflicts_with_subcommands = true)]
#[non_exhaustive]
pub struct ServerConfig {
    /// What to do instead of serving.
    #[command(subcommand)]
    pub command: Option<Command>,

    /// Where to listen; port 0 takes a free one.
    #[arg(long, env = "HELIOS_ADDR", default_value = "127.0.0.1:8080", value_name = "IP:PORT")]
    pub addr: SocketAddr,

    /// A name under which browsers may reach the server, beside `localhost` and loopback addresses. On an address that
    /// is no loopback, giving none allows all.
    #[arg(
        long = "allowed-host",
        env = "HELIOS_ALLOWED_HOSTS",
        value_delimiter = ',',
        value_name = "NAME",
        value_parser = host_name
    )]
    pub allowed_hosts: Vec<String>,

    /// Requests arrive through HTTPS (a proxy in front): cookies are sent over HTTPS only.
    #[arg(long, env = "HELIOS_BEHIND_HTTPS", action = ArgAction::SetTrue, value_parser = BoolishValueParser::new())]
    pub behind_https: bool,

    /// Run SQL that writes. The limits below then bind only those who do not override them in their SQL.
    #[arg(long, env = "HELIOS_ALLOW_WRITES", action = ArgAction::SetTrue, value_parser = BoolishValueParser::new())]
    pub allow_writes: bool,

    /// Serve every request that comes without a session with the server's own AWS credentials.
    #[arg(long, env = "HELIOS_RUN_AS_OPERATOR", action = ArgAction::SetTrue, value_parser = BoolishValueParser::new())]
    pub run_as_operator: bool,

    /// ClickHouse and AWS.
    #[command(flatten)]
    pub backend: BackendArgs,

    /// The embedded engine's own HTTP interface.
    #[command(flatten)]
    pub engine: EngineArgs,

    /// Who may call.
    #[command(flatten)]
    pub access: AccessArgs,

    /// What one query may cost.
    #[command(flatten)]
    pub query: QueryLimits,

    /// What one request may cost.
    #[command(flatten)]
    pub request: RequestLimits,

    /// What to log: a level, or a filter such as `info,helios_core=debug`.
    #[arg(long, env = "RUST_LOG", default_value = "info", value_name = "FILTER", help_heading = "Logging")]
    pub log: String,

    /// How to log, on standard error.
    #[arg(
        long,
        env = "HELIOS_LOG_FORMAT",
        default_value = "text",
        value_name = "FORMAT",
        help_heading = "Logging"
    )]
    pub log_format: LogFormat,
}

/// What the binary does beside serving.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Make a ClickHouse user who can only read.
    Reader(Box<ReaderArgs>),
    /// Run the engine for a server that has started this process.
    #[command(hide = true)]
    Engine(EngineProcessArgs),
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

impl ServerConfig {
    /// Finds settings that contradict each other.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ConfigInvalid`].
    pub fn validate(&self) -> Result<()> {
        self.access.validate(self.is_local())?;
        let Some(listen) = self.engine.engine_listen else { return Ok(()) };
        let invalid = |message: &str| Err(Error::new(ErrorKind::ConfigInvalid, message));
        if !listen.ip().is_loopback() {
            return invalid("`--engine-listen` takes a loopback address only, such as 127.0.0.1:8123");
        }
        if self.backend.clickhouse_url.is_some() {
            return invalid(
                "`--engine-listen` needs the embedded engine, but `--clickhouse-url` names a server",
            );
        }
        Ok(())
    }

    /// Whether only programs on this machine can reach the server.
    #[must_use]
    pub fn is_local(&self) -> bool {
        self.addr.ip().is_loopback()
    }
}

fn host_name(text: &str) -> Result<String, String> {
    match url::Host::parse(text) {
        Ok(host) => Ok(host.to_string().trim_matches(['[', ']']).to_owned()),
        Err(error) => Err(format!("{error}; give the name without scheme and port")),
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number of seconds".to_owned())?;
    match Duration::try_from_secs_f64(seconds) {
        Ok(duration) if !duration.is_zero() => Ok(duration),
        _ => Err("not a positive number of seconds".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;
    use helios_core::{ConfigKey, QueryOptions};

    use super::*;

    fn parse(args: &[&str]) -> Result<ServerConfig, clap::Error> {
        ServerConfig::try_parse_from(["helios-server"].iter().chain(args))
    }

    #[test]
    fn the_command_line_is_sound() {
        ServerConfig::command().debug_assert();
    }

    #[test]
    fn defaults_are_the_documented_ones() {
        let config = parse(&[]).unwrap();
        assert_eq!(config.addr.to_string(), "127.0.0.1:8080");
        assert!(config.is_local() && !config.allow_writes && !config.run_as_operator && !config.behind_https);
        let options = config.query.within(QueryOptions::default(), config.allow_writes).unwrap();
        assert!(options.read_only);
        assert_eq!(options.max_execution_time, Some(Duration::from_secs(30)));
        assert_eq!(options.max_result_rows, Some(1_000_000));
        assert_eq!(options.max_result_bytes, Some(256 << 20));
        assert_eq!(options.max_memory_usage, Some(4 << 30));
    }

    #[test]
    fn writes_are_allowed_by_the_operator_only() {
        let config = parse(&["--allow-writes"]).unwrap();
        assert!(!config.query.within(QueryOptions::default(), config.allow_writes).unwrap().read_only);
    }

    #[test]
    fn help_names_every_setting_of_the_library() {
        let help = ServerConfig::command().render_long_help().to_string();
        for key in ConfigKey::ALL {
            assert!(help.contains(&key.env_name()), "{} is missing in\n{help}", key.env_name());
        }
    }

    #[test]
    fn no_flag_takes_a_secret() {
        let command = ServerConfig::command();
        for argument in command.get_subcommands().chain([&command]).flat_map(clap::Command::get_arguments) {
            let flag = argument.get_long().unwrap_or_default();
            // A file of hashes.
            if flag == "tokens" {
                continue;
            }
            for word in ["password", "secret", "token", "key"] {
                assert!(!flag.contains(word), "--{flag}");
            }
        }
    }

    #[test]
    fn bad_values_are_refused() {
        for args in [
            ["--addr", "nowhere"],
            ["--query-timeout", "0"],
            ["--query-timeout", "soon"],
            ["--query-timeout", "inf"],
            ["--query-max-rows", "-1"],
            ["--allowed-host", "http://x/"],
            ["--log-format", "xml"],
            ["--clickhouse-url", "http://ann:canary@localhost:8123"],
        ] {
            let error = parse(&args).unwrap_err();
            assert_eq!(error.exit_code(), 2, "{args:?}");
        }
    }

    #[test]
    fn the_engine_listens_on_loopback_and_only_if_there_is_one() {
        let check = |args: &[&str]| parse(args).unwrap().validate().map_err(|error| error.kind());
        assert_eq!(check(&["--engine-listen", "127.0.0.1:0"]), Ok(()));
        assert_eq!(check(&["--engine-listen", "0.0.0.0:8123"]), Err(ErrorKind::ConfigInvalid));
        assert_eq!(
            check(&["--engine-listen", "127.0.0.1:0", "--clickhouse-url", "http://localhost:8123"]),
            Err(ErrorKind::ConfigInvalid)
        );
    }

    #[test]
    fn several_names_may_be_allowed() {
        let config = parse(&["--allowed-host", "Helios.Example,10.0.0.7,[fd00::7]"]).unwrap();
        assert_eq!(config.allowed_hosts, ["helios.example", "10.0.0.7", "fd00::7"]);
    }
}
