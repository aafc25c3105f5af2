//! A client in the making.

use std::{path::PathBuf, sync::Arc};

use secrecy::SecretString;

use super::{HeliosClient, Inner};
use crate::{
    ConfigKey, Error, ErrorKind, HeliosConfig, Result,
    clock::{SharedClock, SystemClock},
    delivery::ledger::DEFAULT_LEDGER_TABLE,
    sources::{DEFAULT_FUNCTION, DEFAULT_MAPPING_TABLE},
    streams::{AwsSession, AwsSettings, Credentials},
    warehouse::{Compression, Warehouse, WarehouseSettings},
};

/// Settings, then [`build`](Self::build). Nothing is checked before that.
#[derive(Clone, Debug, Default)]
#[must_use = "a builder does nothing until `build`"]
pub struct HeliosClientBuilder {
    config: HeliosConfig,
    credentials: Option<Credentials>,
    clock: Option<SharedClock>,
    #[cfg(feature = "embedded")]
    engine: Option<helios_embedded::Engine>,
    #[cfg(feature = "engine-process")]
    engine_process: Option<helios_embedded::process::EngineProcess>,
}

impl HeliosClientBuilder {
    /// Takes all settings from `config`, in place of those set before.
    pub fn config(mut self, config: HeliosConfig) -> Self {
        self.config = config;
        self
    }

    /// Sets one setting.
    pub fn set(mut self, key: ConfigKey, value: impl Into<String>) -> Self {
        self.config.set(key, value);
        self
    }

    /// Sets the ClickHouse server: `http://host:8123`. Default: the embedded engine.
    pub fn clickhouse_url(self, url: impl Into<String>) -> Self {
        self.set(ConfigKey::ClickHouseUrl, url)
    }

    /// Sets the ClickHouse user and password.
    pub fn clickhouse_user(mut self, user: impl Into<String>, password: impl Into<SecretString>) -> Self {
        self.config.clickhouse_user = Some(user.into());
        self.config.clickhouse_password = Some(password.into());
        self
    }

    /// Sets the folder of the embedded engine. Default: `helios-data` in the working directory.
    pub fn data_path(mut self, path: impl Into<PathBuf>) -> Self {
        self.config.data_path = Some(path.into());
        self
    }

    /// Sets an embedded engine that is open already, in place of one to be opened at `data_path`.
    #[cfg(feature = "embedded")]
    pub fn engine(mut self, engine: helios_embedded::Engine) -> Self {
        self.engine = Some(engine);
        self
    }

    /// Sets an engine that runs in a process of its own, in place of one to be opened at `data_path`.
    #[cfg(feature = "engine-process")]
    pub fn engine_process(mut self, process: helios_embedded::process::EngineProcess) -> Self {
        self.engine_process = Some(process);
        self
    }

    /// Sets the AWS region. Default: what the AWS SDK finds.
    pub fn region(self, region: impl Into<String>) -> Self {
        self.set(ConfigKey::AwsRegion, region)
    }

    /// Sets an endpoint in AWS's place: an emulator, or a private one.
    pub fn endpoint_url(self, url: impl Into<String>) -> Self {
        self.set(ConfigKey::AwsEndpointUrl, url)
    }

    /// Sets the AWS credentials, in place of those in the settings.
    pub fn credentials(mut self, credentials: Credentials) -> Self {
        self.credentials = Some(credentials);
        self
    }

    /// Sets the clock. Default: the computer's.
    pub fn clock(mut self, clock: SharedClock) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Checks the settings, and opens nothing.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ConfigInvalid`] as of [`build`](Self::build).
    pub fn check(&self) -> Result<()> {
        if self.credentials.is_none() {
            credentials(&self.config)?;
        }
        let compression = self.config.clickhouse_compression.as_deref();
        compression.map(str::parse::<Compression>).transpose().map(drop)
    }

    /// The client. Opens the embedded engine (blocking, up to half a second) unless a server is set; connects to
    /// nothing else yet.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ConfigInvalid`] for settings that are wrong or contradict each other,
    /// [`ErrorKind::EngineUnavailable`] if the embedded engine cannot be opened.
    pub fn build(self) -> Result<HeliosClient> {
        let credentials = match self.credentials {
            Some(credentials) => credentials,
            None => credentials(&self.config)?,
        };
        let config = self.config;
        let compression = config.clickhouse_compression.map(|text| text.parse()).transpose()?;
        let warehouse = WarehouseSettings {
            url: config.clickhouse_url,
            user: config.clickhouse_user,
            password: config.clickhouse_password,
            database: config.clickhouse_database,
            compression: compression.unwrap_or_default(),
            data_path: config.data_path,
            chdb_lib: config.chdb_lib,
            #[cfg(feature = "embedded")]
            engine: self.engine,
            #[cfg(feature = "engine-process")]
            engine_process: self.engine_process,
        };
        let aws =
            AwsSettings { region: config.aws_region, endpoint_url: config.aws_endpoint_url, credentials };
        Ok(HeliosClient(Arc::new(Inner {
            warehouse: Warehouse::connect(&warehouse)?,
            session: AwsSession::new(aws),
            mapping_table: config.mapping_table.unwrap_or_else(|| DEFAULT_MAPPING_TABLE.to_owned()),
            ledger_table: config.ledger_table.unwrap_or_else(|| DEFAULT_LEDGER_TABLE.to_owned()),
            function: config.delivery_function.unwrap_or_else(|| DEFAULT_FUNCTION.to_owned()),
            clock: self.clock.unwrap_or_else(|| Arc::new(SystemClock)),
        })))
    }
}

/// The credentials that the settings name.
fn credentials(config: &HeliosConfig) -> Result<Credentials> {
    let invalid = |message: &str| Err(Error::new(ErrorKind::ConfigInvalid, message));
    let base = match (&config.aws_access_key_id, &config.aws_secret_access_key, &config.aws_profile) {
        (Some(_), Some(_), Some(_)) => {
            return invalid("`aws_access_key_id` and `aws_profile` are both set; choose one");
        }
        (Some(key), Some(secret), None) => {
            let keys = Credentials::keys(key, secret.clone());
            match &config.aws_session_token {
                Some(token) => keys.session_token(token.clone()),
                None => keys,
            }
        }
        (Some(_), None, _) => return invalid("`aws_access_key_id` is set without `aws_secret_access_key`"),
        (None, Some(_), _) => return invalid("`aws_secret_access_key` is set without `aws_access_key_id`"),
        (None, None, _) if config.aws_session_token.is_some() => {
            return invalid("`aws_session_token` is set without `aws_access_key_id`");
        }
        (None, None, Some(profile)) => Credentials::profile(profile),
        (None, None, None) => Credentials::default_chain(),
    };
    match (&config.aws_role_arn, &config.aws_external_id) {
        (Some(role), Some(id)) => Ok(base.assume_role(role).external_id(id.clone())),
        (Some(role), None) => Ok(base.assume_role(role)),
        (None, Some(_)) => invalid("`aws_external_id` is set without `aws_role_arn`"),
        (None, None) => Ok(base),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contradictions_are_one_clear_error() {
        for (pairs, says) in [
            (&[("aws_access_key_id", "AKIAX")][..], "without `aws_secret_access_key`"),
            (&[("aws_secret_access_key", "x")], "without `aws_access_key_id`"),
            (&[("aws_session_token", "x")], "`aws_session_token` is set without"),
            (&[("aws_external_id", "x")], "without `aws_role_arn`"),
            // Wherever the data are.
            (&[("clickhouse_compression", "gzip")], "can be `lz4`, `zstd` or `none`"),
            (
                &[("aws_access_key_id", "a"), ("aws_secret_access_key", "b"), ("aws_profile", "c")],
                "choose one",
            ),
        ] {
            let config = HeliosConfig::from_map(pairs.iter().copied()).unwrap();
            let error = HeliosClient::from_config(config).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::ConfigInvalid);
            assert!(error.message().contains(says), "{error}");
        }
    }

    #[test]
    fn debug_holds_no_secret() {
        let client = HeliosClient::builder()
            .clickhouse_url("http://localhost:8123")
            .clickhouse_user("ann", "canary-1")
            .credentials(Credentials::keys("AKIACANARY", "canary-2").session_token("canary-3"));
        let text = format!("{client:?} {:?}", client.clone().build().unwrap());
        assert!(!text.contains("canary"), "{text}");
    }
}
