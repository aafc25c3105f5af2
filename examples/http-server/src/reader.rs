//! `helios-server reader`: a ClickHouse user who can read some databases, and nothing else.

use std::io::{self, Write as _};

use clap::Args;
use helios_core::{
    Error, ErrorKind, HeliosClient, QueryOptions, Result,
    warehouse::{Ident, TableName},
};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::config::{BackendArgs, QueryLimits};

const PASSWORD: &str = "HELIOS_READER_PASSWORD";

/// Print the SQL that makes a ClickHouse user for this server: one who reads some databases under the query limits, and
/// nothing else. The password is read from HELIOS_READER_PASSWORD; what is printed holds its salted hash.
#[derive(Args, Clone, Debug)]
#[non_exhaustive]
pub struct ReaderArgs {
    /// The user to be made.
    #[arg(long, value_name = "NAME")]
    pub user: String,

    /// A database that the user may read; can be given more than once.
    #[arg(long = "database", value_name = "NAME", required = true)]
    pub databases: Vec<String>,

    /// Run the SQL on the configured server, as the configured user, instead of printing it.
    #[arg(long)]
    pub apply: bool,

    /// ClickHouse and AWS.
    #[command(flatten)]
    pub backend: BackendArgs,

    /// What one query may cost.
    #[command(flatten)]
    pub query: QueryLimits,
}

/// Makes the user, or says how.
///
/// # Errors
///
/// [`ErrorKind::ConfigInvalid`] without a password or, to apply it, without a server; what ClickHouse says.
pub async fn reader(args: ReaderArgs) -> Result<()> {
    let password = std::env::var(PASSWORD).ok().filter(|password| !password.is_empty()).ok_or_else(|| {
        Error::new(ErrorKind::ConfigInvalid, format!("`reader` needs the environment variable {PASSWORD}"))
    })?;
    let salt = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
    let statements = args.statements(&password.into(), &salt)?;
    if !args.apply {
        return print(statements.iter().map(|statement| format!("{statement};\n")));
    }
    let settings = args.backend.helios_config()?;
    if settings.clickhouse_url.is_none() {
        let message = "the embedded engine has no users; on it the settings of each query are the boundary. \
                       `--apply` needs `--clickhouse-url`";
        return Err(Error::new(ErrorKind::ConfigInvalid, message));
    }
    let client = HeliosClient::from_config(settings)?;
    for statement in &statements {
        client.warehouse().execute(statement).await.map_err(|error| error.at("reader"))?;
    }
    print([format!("The user {} may read {}.\n", args.user, args.databases.join(", "))])
}

impl ReaderArgs {
    /// The profile may be made again, with other limits; a user of this name that is there already is left alone.
    fn statements(&self, password: &SecretString, salt: &str) -> Result<Vec<String>> {
        let user = Ident::new(&self.user)?;
        let profile = Ident::new(format!("{}_reader", self.user))?;
        let hash = hash(password, salt);
        let mut statements = vec![
            format!(
                "CREATE SETTINGS PROFILE OR REPLACE {profile} SETTINGS\n    {}",
                self.settings().join(",\n    ")
            ),
            format!(
                "CREATE USER {user} IDENTIFIED WITH sha256_hash BY '{hash}' SALT '{salt}' SETTINGS PROFILE {profile}"
            ),
        ];
        for database in &self.databases {
            statements.push(format!("GRANT SELECT ON {}.* TO {user}", Ident::new(database)?));
        }
        // For the progress of queries. A user sees their own.
        statements.push(format!("GRANT SELECT ON {} TO {user}", TableName::new("system", "processes")?));
        Ok(statements)
    }

    /// `readonly`, and leave to change what queries are sent with; the limits only downwards. Zero would lift them.
    fn settings(&self) -> Vec<String> {
        let limits = &self.query;
        let (seconds, memory) =
            (limits.query_timeout.as_secs_f64(), u64::from(limits.query_max_memory_mib) << 20);
        let (rows, bytes) = (limits.query_max_rows, u64::from(limits.query_max_result_mib) << 20);
        let of = |name: &str| match name {
            "max_execution_time" => format!(" = {seconds} MIN 0.001 MAX {seconds}"),
            "max_memory_usage" => format!(" = {memory} MIN 1 MAX {memory}"),
            "max_result_rows" => format!(" = {rows} MIN 1 MAX {rows}"),
            "max_result_bytes" => format!(" = {bytes} MIN 1 MAX {bytes}"),
            "result_overflow_mode" | "timeout_overflow_mode" => " = 'throw'".to_owned(),
            _ => String::new(),
        };
        let sent = QueryOptions::SETTINGS.iter();
        let sent = sent.map(|name| format!("{name}{} CHANGEABLE_IN_READONLY", of(name)));
        std::iter::once("readonly = 1".to_owned()).chain(sent).collect()
    }
}

/// As ClickHouse makes it of a password and its salt.
fn hash(password: &SecretString, salt: &str) -> String {
    let digest = Sha256::new().chain_update(password.expose_secret()).chain_update(salt).finalize();
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn print(lines: impl IntoIterator<Item = String>) -> Result<()> {
    let mut out = io::stdout().lock();
    let written = lines.into_iter().try_for_each(|line| out.write_all(line.as_bytes()));
    written.and_then(|()| out.flush()).map_err(|error| {
        Error::new(ErrorKind::Unexpected, "the standard output cannot be written").caused_by(error)
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::{ServerConfig, config::Command};

    fn args(given: &[&str]) -> ReaderArgs {
        let config = ServerConfig::parse_from(["helios-server", "reader"].iter().chain(given));
        let Some(Command::Reader(args)) = config.command else { panic!("another command") };
        *args
    }

    #[test]
    fn the_sql_is_this() {
        let args = args(&[
            "--user",
            "ann",
            "--database",
            "shop",
            "--database",
            "it's `x`",
            "--query-timeout",
            "2.5",
        ]);
        let statements = args.statements(&"canary".into(), "salt").unwrap();
        assert_eq!(
            statements,
            [
                "CREATE SETTINGS PROFILE OR REPLACE `ann_reader` SETTINGS
    readonly = 1,
    cancel_http_readonly_queries_on_client_close CHANGEABLE_IN_READONLY,
    date_time_output_format CHANGEABLE_IN_READONLY,
    enable_http_compression CHANGEABLE_IN_READONLY,
    format_csv_delimiter CHANGEABLE_IN_READONLY,
    limit CHANGEABLE_IN_READONLY,
    max_execution_time = 2.5 MIN 0.001 MAX 2.5 CHANGEABLE_IN_READONLY,
    max_memory_usage = 4294967296 MIN 1 MAX 4294967296 CHANGEABLE_IN_READONLY,
    max_result_bytes = 268435456 MIN 1 MAX 268435456 CHANGEABLE_IN_READONLY,
    max_result_rows = 1000000 MIN 1 MAX 1000000 CHANGEABLE_IN_READONLY,
    output_format_arrow_compression_method CHANGEABLE_IN_READONLY,
    output_format_arrow_fixed_string_as_fixed_byte_array CHANGEABLE_IN_READONLY,
    output_format_arrow_low_cardinality_as_dictionary CHANGEABLE_IN_READONLY,
    output_format_arrow_string_as_string CHANGEABLE_IN_READONLY,
    output_format_csv_crlf_end_of_line CHANGEABLE_IN_READONLY,
    output_format_json_escape_forward_slashes CHANGEABLE_IN_READONLY,
    output_format_json_map_as_array_of_tuples CHANGEABLE_IN_READONLY,
    output_format_json_named_tuples_as_objects CHANGEABLE_IN_READONLY,
    output_format_json_quote_64bit_integers CHANGEABLE_IN_READONLY,
    output_format_json_quote_decimals CHANGEABLE_IN_READONLY,
    output_format_json_quote_denormals CHANGEABLE_IN_READONLY,
    output_format_parquet_string_as_string CHANGEABLE_IN_READONLY,
    result_overflow_mode = 'throw' CHANGEABLE_IN_READONLY,
    timeout_overflow_mode = 'throw' CHANGEABLE_IN_READONLY",
                // printf canarysalt | sha256sum
                "CREATE USER `ann` IDENTIFIED WITH sha256_hash BY \
                 'ecce7c13c79c2ce11c55f96e70987993dee6d3093a60b86b479c86214230451c' \
                 SALT 'salt' SETTINGS PROFILE `ann_reader`",
                "GRANT SELECT ON `shop`.* TO `ann`",
                r"GRANT SELECT ON `it's \`x\``.* TO `ann`",
                "GRANT SELECT ON `system`.`processes` TO `ann`",
            ]
        );
    }

    #[test]
    fn the_mode_itself_cannot_be_changed() {
        assert!(!QueryOptions::SETTINGS.contains(&"readonly"));
        assert!(QueryOptions::SETTINGS.is_sorted());
    }

    #[test]
    fn names_are_needed() {
        assert_eq!(
            args(&["--user", "", "--database", "x"]).statements(&"p".into(), "s").unwrap_err().kind(),
            ErrorKind::InvalidInput
        );
        assert!(ServerConfig::try_parse_from(["helios-server", "reader", "--user", "ann"]).is_err());
    }
}
