//! Settings and where they come from.

use std::{fmt, path::PathBuf, str::FromStr};

use secrecy::SecretString;

use crate::{Error, ErrorKind, Result, warehouse::ServerUrl};

/// The name of a setting: one list for the environment, C, Python and JSON.
///
/// In the environment a key is written in capitals behind `HELIOS_`: `clickhouse_url` is `HELIOS_CLICKHOUSE_URL`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConfigKey {
    /// `clickhouse_url`: where the server's HTTP interface is, `http://host:8123`. Default: the embedded engine.
    ClickHouseUrl,
    /// `clickhouse_user`. Default: the server's `default`.
    ClickHouseUser,
    /// `clickhouse_password`.
    ClickHousePassword,
    /// `clickhouse_database`: the database of queries that name none. Default: `default`.
    ClickHouseDatabase,
    /// `clickhouse_compression`: `lz4`, `zstd` or `none`, of what goes between this process and a server. Default: `lz4`.
    ClickHouseCompression,
    /// `data_path`: the folder of the embedded engine. Default: `helios-data` in the working directory.
    DataPath,
    /// `chdb_lib`: the path of `libchdb.so`. Default: see `helios_embedded`.
    ChdbLib,
    /// `aws_region`. Default: what the AWS SDK finds (`AWS_REGION`, the profile).
    AwsRegion,
    /// `aws_endpoint_url`: an emulator or a private endpoint. Default: `AWS_ENDPOINT_URL`, then AWS.
    AwsEndpointUrl,
    /// `aws_access_key_id`. Default: the AWS SDK's credential chain.
    AwsAccessKeyId,
    /// `aws_secret_access_key`.
    AwsSecretAccessKey,
    /// `aws_session_token`.
    AwsSessionToken,
    /// `aws_profile`: a profile of the shared AWS configuration.
    AwsProfile,
    /// `aws_role_arn`: a role to assume with whatever credentials there are.
    AwsRoleArn,
    /// `aws_external_id`: the external id that role asks for.
    AwsExternalId,
    /// `mapping_table`: the DynamoDB table that maps streams to tables. Default: `helios-sources`.
    MappingTable,
    /// `ledger_table`: the DynamoDB table of what was delivered. Default: `helios-ledger`.
    LedgerTable,
    /// `delivery_function`: name or ARN of the Lambda function that delivers. Default: `helios-delivery`.
    DeliveryFunction,
}

impl ConfigKey {
    /// Every key.
    pub const ALL: [Self; 18] = [
        Self::ClickHouseUrl,
        Self::ClickHouseUser,
        Self::ClickHousePassword,
        Self::ClickHouseDatabase,
        Self::ClickHouseCompression,
        Self::DataPath,
        Self::ChdbLib,
        Self::AwsRegion,
        Self::AwsEndpointUrl,
        Self::AwsAccessKeyId,
        Self::AwsSecretAccessKey,
        Self::AwsSessionToken,
        Self::AwsProfile,
        Self::AwsRoleArn,
        Self::AwsExternalId,
        Self::MappingTable,
        Self::LedgerTable,
        Self::DeliveryFunction,
    ];

    /// The key's text.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClickHouseUrl => "clickhouse_url",
            Self::ClickHouseUser => "clickhouse_user",
            Self::ClickHousePassword => "clickhouse_password",
            Self::ClickHouseDatabase => "clickhouse_database",
            Self::ClickHouseCompression => "clickhouse_compression",
            Self::DataPath => "data_path",
            Self::ChdbLib => "chdb_lib",
            Self::AwsRegion => "aws_region",
            Self::AwsEndpointUrl => "aws_endpoint_url",
            Self::AwsAccessKeyId => "aws_access_key_id",
            Self::AwsSecretAccessKey => "aws_secret_access_key",
            Self::AwsSessionToken => "aws_session_token",
            Self::AwsProfile => "aws_profile",
            Self::AwsRoleArn => "aws_role_arn",
            Self::AwsExternalId => "aws_external_id",
            Self::MappingTable => "mapping_table",
            Self::LedgerTable => "ledger_table",
            Self::DeliveryFunction => "delivery_function",
        }
    }

    /// The name of the environment variable: `HELIOS_CLICKHOUSE_URL`.
    #[must_use]
    pub fn env_name(self) -> String {
        format!("HELIOS_{}", self.as_str().to_ascii_uppercase())
    }
}

impl fmt::Display for ConfigKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A longer name is near to no key.
const LONGEST_NAME: usize = 64;

impl FromStr for ConfigKey {
    type Err = Error;

    /// # Errors
    ///
    /// [`ErrorKind::ConfigInvalid`] for a name that is no key; it names the nearest one.
    fn from_str(name: &str) -> Result<Self> {
        if let Some(key) = Self::ALL.into_iter().find(|key| key.as_str() == name) {
            return Ok(key);
        }
        // Comparing takes its time, and an error shall be read.
        if name.len() > LONGEST_NAME {
            let start: String = name.chars().take(LONGEST_NAME).collect();
            let message = format!("there is no setting `{start}…`, a name of {} bytes", name.len());
            return Err(Error::new(ErrorKind::ConfigInvalid, message));
        }
        let nearest = Self::ALL
            .into_iter()
            .max_by(|a, b| {
                strsim::jaro_winkler(a.as_str(), name).total_cmp(&strsim::jaro_winkler(b.as_str(), name))
            })
            .unwrap_or(Self::ClickHouseUrl);
        Err(Error::new(
            ErrorKind::ConfigInvalid,
            format!("there is no setting `{name}`; did you mean `{nearest}`?"),
        ))
    }
}

/// All settings of a client. Absent ones take the default that [`ConfigKey`] names.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct HeliosConfig {
    /// See [`ConfigKey::ClickHouseUrl`].
    pub clickhouse_url: Option<ServerUrl>,
    /// See [`ConfigKey::ClickHouseUser`].
    pub clickhouse_user: Option<String>,
    /// See [`ConfigKey::ClickHousePassword`].
    pub clickhouse_password: Option<SecretString>,
    /// See [`ConfigKey::ClickHouseDatabase`].
    pub clickhouse_database: Option<String>,
    /// See [`ConfigKey::ClickHouseCompression`].
    pub clickhouse_compression: Option<String>,
    /// See [`ConfigKey::DataPath`].
    pub data_path: Option<PathBuf>,
    /// See [`ConfigKey::ChdbLib`].
    pub chdb_lib: Option<PathBuf>,
    /// See [`ConfigKey::AwsRegion`].
    pub aws_region: Option<String>,
    /// See [`ConfigKey::AwsEndpointUrl`].
    pub aws_endpoint_url: Option<String>,
    /// See [`ConfigKey::AwsAccessKeyId`].
    pub aws_access_key_id: Option<String>,
    /// See [`ConfigKey::AwsSecretAccessKey`].
    pub aws_secret_access_key: Option<SecretString>,
    /// See [`ConfigKey::AwsSessionToken`].
    pub aws_session_token: Option<SecretString>,
    /// See [`ConfigKey::AwsProfile`].
    pub aws_profile: Option<String>,
    /// See [`ConfigKey::AwsRoleArn`].
    pub aws_role_arn: Option<String>,
    /// See [`ConfigKey::AwsExternalId`].
    pub aws_external_id: Option<SecretString>,
    /// See [`ConfigKey::MappingTable`].
    pub mapping_table: Option<String>,
    /// See [`ConfigKey::LedgerTable`].
    pub ledger_table: Option<String>,
    /// See [`ConfigKey::DeliveryFunction`].
    pub delivery_function: Option<String>,
}

impl HeliosConfig {
    /// Reads every `HELIOS_*` variable that is a key. An empty variable counts as absent.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ConfigInvalid`] for a variable that is not UTF-8.
    pub fn from_env() -> Result<Self> {
        let mut config = Self::default();
        for key in ConfigKey::ALL {
            match std::env::var(key.env_name()) {
                Ok(value) if value.is_empty() => {}
                Ok(value) => config.set(key, value),
                Err(std::env::VarError::NotPresent) => {}
                Err(std::env::VarError::NotUnicode(_)) => {
                    let message = format!("the environment variable {} is not UTF-8", key.env_name());
                    return Err(Error::new(ErrorKind::ConfigInvalid, message));
                }
            }
        }
        Ok(config)
    }

    /// Reads pairs of a key's text and a value.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ConfigInvalid`] for a name that is no key; it names the nearest one.
    pub fn from_map<K: AsRef<str>, V: Into<String>>(pairs: impl IntoIterator<Item = (K, V)>) -> Result<Self> {
        let mut config = Self::default();
        for (name, value) in pairs {
            config.set(name.as_ref().parse()?, value);
        }
        Ok(config)
    }

    /// Sets one key.
    pub fn set(&mut self, key: ConfigKey, value: impl Into<String>) {
        let value = value.into();
        match key {
            ConfigKey::ClickHouseUrl => self.clickhouse_url = Some(value.into()),
            ConfigKey::ClickHouseUser => self.clickhouse_user = Some(value),
            ConfigKey::ClickHousePassword => self.clickhouse_password = Some(value.into()),
            ConfigKey::ClickHouseDatabase => self.clickhouse_database = Some(value),
            ConfigKey::ClickHouseCompression => self.clickhouse_compression = Some(value),
            ConfigKey::DataPath => self.data_path = Some(value.into()),
            ConfigKey::ChdbLib => self.chdb_lib = Some(value.into()),
            ConfigKey::AwsRegion => self.aws_region = Some(value),
            ConfigKey::AwsEndpointUrl => self.aws_endpoint_url = Some(value),
            ConfigKey::AwsAccessKeyId => self.aws_access_key_id = Some(value),
            ConfigKey::AwsSecretAccessKey => self.aws_secret_access_key = Some(value.into()),
            ConfigKey::AwsSessionToken => self.aws_session_token = Some(value.into()),
            ConfigKey::AwsProfile => self.aws_profile = Some(value),
            ConfigKey::AwsRoleArn => self.aws_role_arn = Some(value),
            ConfigKey::AwsExternalId => self.aws_external_id = Some(value.into()),
            ConfigKey::MappingTable => self.mapping_table = Some(value),
            ConfigKey::LedgerTable => self.ledger_table = Some(value),
            ConfigKey::DeliveryFunction => self.delivery_function = Some(value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_reads_its_own_text() {
        for key in ConfigKey::ALL {
            assert_eq!(key.as_str().parse::<ConfigKey>().unwrap(), key);
        }
    }

    #[test]
    fn an_unknown_key_names_the_nearest() {
        let error = "clickhouse_uri".parse::<ConfigKey>().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConfigInvalid);
        assert_eq!(error.message(), "there is no setting `clickhouse_uri`; did you mean `clickhouse_url`?");
    }

    #[test]
    fn a_name_without_end_is_not_repeated_whole() {
        let error = "x".repeat(1 << 20).parse::<ConfigKey>().unwrap_err();
        let start = "x".repeat(LONGEST_NAME);
        assert_eq!(error.message(), format!("there is no setting `{start}…`, a name of 1048576 bytes"));
    }

    #[test]
    fn debug_holds_no_secret() {
        let config = HeliosConfig::from_map([
            ("clickhouse_password", "canary-1"),
            ("aws_secret_access_key", "canary-2"),
            ("aws_session_token", "canary-3"),
            ("aws_external_id", "canary-4"),
            ("clickhouse_url", "http://ann:canary-5@localhost:8123"),
        ])
        .unwrap();
        let text = format!("{config:?}");
        assert!(!text.contains("canary"), "{text}");
    }

    #[test]
    fn every_key_sets_its_own_field() {
        let config = HeliosConfig::from_map(ConfigKey::ALL.map(|key| (key.as_str(), key.as_str()))).unwrap();
        let text = format!("{config:?}");
        for key in ConfigKey::ALL {
            let field = format!("{key}: Some(");
            assert!(text.contains(&field), "{field} missing in {text}");
        }
    }
}
