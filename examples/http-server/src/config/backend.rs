//! Which ClickHouse and which AWS.

use std::{ffi::OsStr, path::PathBuf};

use clap::{Args, builder::TypedValueParser};
use helios_core::{HeliosConfig, Result};
use url::Url;

/// Flags in front of the library's own settings, [`HeliosConfig`].
///
/// The environment is read by the library, which is why the variables are named in words here.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "ClickHouse and AWS")]
#[non_exhaustive]
pub struct BackendArgs {
    /// The folder of the embedded engine [env: HELIOS_DATA_PATH; default: helios-data].
    #[arg(long, value_name = "FOLDER")]
    pub data_path: Option<PathBuf>,

    /// The path of libchdb.so [env: HELIOS_CHDB_LIB; default: where the set-up put it].
    #[arg(long, value_name = "FILE")]
    pub chdb_lib: Option<PathBuf>,

    /// A ClickHouse server's HTTP interface, in place of the embedded engine [env: HELIOS_CLICKHOUSE_URL].
    #[arg(long, value_name = "URL", value_parser = UrlWithoutPassword)]
    pub clickhouse_url: Option<String>,

    /// The user of that server [env: HELIOS_CLICKHOUSE_USER; default: default].
    #[arg(long, value_name = "NAME")]
    pub clickhouse_user: Option<String>,

    /// The database of tables named without one [env: HELIOS_CLICKHOUSE_DATABASE; default: default].
    #[arg(long, value_name = "NAME")]
    pub clickhouse_database: Option<String>,

    /// lz4, zstd or none, of what goes between here and that server [env: HELIOS_CLICKHOUSE_COMPRESSION; default: lz4].
    #[arg(long, value_name = "METHOD")]
    pub clickhouse_compression: Option<String>,

    /// The AWS region of sessions that name none [env: HELIOS_AWS_REGION; default: what the AWS SDK finds].
    #[arg(long, value_name = "REGION")]
    pub region: Option<String>,

    /// An emulator or a private endpoint in AWS's place [env: HELIOS_AWS_ENDPOINT_URL, AWS_ENDPOINT_URL].
    #[arg(long, value_name = "URL", value_parser = UrlWithoutPassword)]
    pub aws_endpoint_url: Option<String>,

    /// The DynamoDB table that maps streams to tables [env: HELIOS_MAPPING_TABLE; default: helios-sources].
    #[arg(long, value_name = "NAME")]
    pub mapping_table: Option<String>,

    /// The DynamoDB table of what was delivered [env: HELIOS_LEDGER_TABLE; default: helios-ledger].
    #[arg(long, value_name = "NAME")]
    pub ledger_table: Option<String>,

    /// The Lambda function that delivers, by name or ARN [env: HELIOS_DELIVERY_FUNCTION; default: helios-delivery].
    #[arg(long, value_name = "NAME")]
    pub delivery_function: Option<String>,
}

impl BackendArgs {
    /// The library's settings: its environment, under these flags.
    ///
    /// # Errors
    ///
    /// As [`HeliosConfig::from_env`].
    pub fn helios_config(&self) -> Result<HeliosConfig> {
        Ok(self.over(HeliosConfig::from_env()?))
    }

    fn over(&self, mut config: HeliosConfig) -> HeliosConfig {
        let args = self.clone();
        config.data_path = args.data_path.or(config.data_path);
        config.chdb_lib = args.chdb_lib.or(config.chdb_lib);
        config.clickhouse_url = args.clickhouse_url.map(Into::into).or(config.clickhouse_url);
        config.clickhouse_user = args.clickhouse_user.or(config.clickhouse_user);
        config.clickhouse_database = args.clickhouse_database.or(config.clickhouse_database);
        config.clickhouse_compression = args.clickhouse_compression.or(config.clickhouse_compression);
        config.aws_region = args.region.or(config.aws_region);
        config.aws_endpoint_url = args.aws_endpoint_url.or(config.aws_endpoint_url);
        config.mapping_table = args.mapping_table.or(config.mapping_table);
        config.ledger_table = args.ledger_table.or(config.ledger_table);
        config.delivery_function = args.delivery_function.or(config.delivery_function);
        config
    }
}

/// A flag shows in the process list, so a password may not stand in its URL. No message repeats it: what is no URL may hold a
/// password, too.
#[derive(Clone)]
struct UrlWithoutPassword;

impl TypedValueParser for UrlWithoutPassword {
    type Value = String;

    fn parse_ref(
        &self,
        command: &clap::Command,
        argument: Option<&clap::Arg>,
        value: &OsStr,
    ) -> Result<String, clap::Error> {
        let read = value.to_str().ok_or_else(|| "it is not UTF-8".to_owned()).and_then(url_without_password);
        read.map_err(|why| {
            let flag = argument.and_then(clap::Arg::get_long).unwrap_or_default();
            let message = format!("invalid value for '--{flag}': {why}\n");
            clap::Error::raw(clap::error::ErrorKind::ValueValidation, message).with_cmd(command)
        })
    }
}

fn url_without_password(text: &str) -> Result<String, String> {
    let url = Url::parse(text).map_err(|error| error.to_string())?;
    if url.password().is_some() {
        return Err("a password may not stand in a flag; set HELIOS_CLICKHOUSE_PASSWORD".to_owned());
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[test]
    fn no_message_repeats_a_password() {
        for url in ["http://u:canary@h/", "http//u:canary@h", "canary"] {
            let parsed = crate::ServerConfig::try_parse_from(["helios-server", "--clickhouse-url", url]);
            let message = parsed.unwrap_err().to_string();
            assert!(message.contains("--clickhouse-url") && !message.contains("canary"), "{message}");
        }
    }

    #[test]
    fn flags_win_and_the_environment_stays() {
        let environment = HeliosConfig::from_map([
            ("data_path", "from-env"),
            ("mapping_table", "from-env"),
            ("aws_secret_access_key", "kept"),
        ])
        .unwrap();
        let args = BackendArgs { data_path: Some("from-flag".into()), ..BackendArgs::default() };
        let config = args.over(environment);
        assert_eq!(config.data_path, Some("from-flag".into()));
        assert_eq!(config.mapping_table.as_deref(), Some("from-env"));
        assert!(config.aws_secret_access_key.is_some());
    }
}
