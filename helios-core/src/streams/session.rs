//! A connection to AWS: settings and credentials in, clients out.

use std::{fmt, sync::Arc, time::Duration};

use aws_config::{
    BehaviorVersion, ConfigLoader, Region, SdkConfig,
    environment::EnvironmentVariableRegionProvider,
    meta::region::RegionProviderChain,
    profile::{ProfileFileCredentialsProvider, ProfileFileRegionProvider},
    provider_config::ProviderConfig,
    retry::RetryConfig,
    sts::AssumeRoleProvider,
    timeout::TimeoutConfig,
};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_sts::config::{RuntimeComponents, SharedHttpClient};
use aws_smithy_http_client::{
    Builder as HttpClientBuilder, ConnectorBuilder,
    proxy::ProxyConfig,
    tls::{Provider as TlsProvider, rustls_provider::CryptoMode},
};
use secrecy::ExposeSecret;
use tokio::sync::OnceCell;
use url::Url;

use super::credentials::{Base, Credentials, is_region};
use crate::{Error, ErrorKind, Result};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const READ_TIMEOUT: Duration = Duration::from_secs(10);
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(15);
/// All attempts of one call together.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(45);
const ATTEMPTS: u32 = 3;
/// What an assumed role's sessions are called in CloudTrail.
const ROLE_SESSION_NAME: &str = "helios";

/// Where AWS is and who calls it.
#[derive(Clone, Debug, Default)]
pub struct AwsSettings {
    /// The region. Default: `AWS_REGION`, then what the profile or, for the default chain, the instance says.
    pub region: Option<String>,
    /// The address of an emulator or a private endpoint, for all services. Default: `AWS_ENDPOINT_URL`, then AWS itself.
    pub endpoint_url: Option<String>,
    /// Who calls. Default: the AWS SDKs' own chain.
    pub credentials: Credentials,
}

/// A connection to AWS. A clone is the same session; nothing in it is global to the process.
///
/// The configuration is built, and files and environment are read, when it is first needed.
#[derive(Clone)]
pub struct AwsSession(Arc<Inner>);

struct Inner {
    settings: AwsSettings,
    http: SharedHttpClient,
    sdk_config: OnceCell<SdkConfig>,
}

impl AwsSession {
    /// A session of its own connections.
    #[must_use]
    pub fn new(settings: AwsSettings) -> Self {
        Self::over(settings, http_client())
    }

    /// Another caller over the same connections.
    #[must_use]
    pub fn with_credentials(&self, credentials: Credentials) -> Self {
        let settings = AwsSettings { credentials, ..self.0.settings.clone() };
        Self::over(settings, self.0.http.clone())
    }

    fn over(settings: AwsSettings, http: SharedHttpClient) -> Self {
        Self(Arc::new(Inner { settings, http, sdk_config: OnceCell::new() }))
    }

    /// What every AWS client of this session is made from.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for malformed credentials, `ConfigInvalid` for a missing region or a malformed endpoint.
    pub async fn sdk_config(&self) -> Result<SdkConfig> {
        self.0.sdk_config.get_or_try_init(|| self.0.load()).await.cloned()
    }

    /// A Kinesis client.
    ///
    /// # Errors
    ///
    /// As [`AwsSession::sdk_config`].
    pub async fn kinesis(&self) -> Result<aws_sdk_kinesis::Client> {
        Ok(aws_sdk_kinesis::Client::new(&self.sdk_config().await?))
    }

    /// An STS client.
    ///
    /// # Errors
    ///
    /// As [`AwsSession::sdk_config`].
    pub async fn sts(&self) -> Result<aws_sdk_sts::Client> {
        Ok(aws_sdk_sts::Client::new(&self.sdk_config().await?))
    }

    /// The region calls go to.
    ///
    /// # Errors
    ///
    /// As [`AwsSession::sdk_config`].
    pub async fn region(&self) -> Result<String> {
        let config = self.sdk_config().await?;
        config.region().map(ToString::to_string).ok_or_else(no_region)
    }
}

impl fmt::Debug for AwsSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AwsSession").field(&self.0.settings).finish()
    }
}

impl Inner {
    async fn load(&self) -> Result<SdkConfig> {
        let credentials = &self.settings.credentials;
        credentials.validate()?;
        let region = self.region().await?;

        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .http_client(self.http.clone())
            .region(region.clone())
            .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
            .timeout_config(
                TimeoutConfig::builder()
                    .connect_timeout(CONNECT_TIMEOUT)
                    .read_timeout(READ_TIMEOUT)
                    .operation_attempt_timeout(ATTEMPT_TIMEOUT)
                    .operation_timeout(OPERATION_TIMEOUT)
                    .build(),
            );
        if let Some(endpoint) = &self.settings.endpoint_url {
            loader = loader.endpoint_url(checked_endpoint(endpoint)?);
        }
        let config = self.with_base_credentials(loader, region).load().await;

        let Some(role) = &credentials.role else { return Ok(config) };
        let mut provider =
            AssumeRoleProvider::builder(role).configure(&config).session_name(ROLE_SESSION_NAME);
        if let Some(id) = credentials.external_id_text() {
            provider = provider.external_id(id);
        }
        let provider = SharedCredentialsProvider::new(provider.build().await);
        Ok(config.into_builder().credentials_provider(provider).build())
    }

    /// Given keys or a given profile are the only source: somebody else's credentials must never stand in for them.
    fn with_base_credentials(&self, loader: ConfigLoader, region: Region) -> ConfigLoader {
        let credentials = &self.settings.credentials;
        match &credentials.base {
            Base::DefaultChain => loader,
            Base::Profile(name) => {
                let config = ProviderConfig::without_region()
                    .with_region(Some(region))
                    .with_http_client(self.http.clone());
                let provider =
                    ProfileFileCredentialsProvider::builder().configure(&config).profile_name(name).build();
                loader.profile_name(name).credentials_provider(provider)
            }
            Base::Keys { access_key, secret_key } => {
                loader.credentials_provider(aws_credential_types::Credentials::new(
                    access_key,
                    secret_key.expose_secret(),
                    credentials.session_token_text().map(str::to_owned),
                    None,
                    "helios",
                ))
            }
        }
    }

    async fn region(&self) -> Result<Region> {
        if let Some(region) = &self.settings.credentials.region {
            return Ok(Region::new(region.clone()));
        }
        if let Some(region) = &self.settings.region {
            if !is_region(region) {
                let message = "aws_region is not a region's name, such as eu-west-1";
                return Err(Error::new(ErrorKind::ConfigInvalid, message).with("aws_region", region.clone()));
            }
            return Ok(Region::new(region.clone()));
        }
        let chain = match &self.settings.credentials.base {
            Base::DefaultChain => RegionProviderChain::default_provider(),
            Base::Profile(name) => RegionProviderChain::first_try(EnvironmentVariableRegionProvider::new())
                .or_else(ProfileFileRegionProvider::builder().profile_name(name).build()),
            Base::Keys { .. } => RegionProviderChain::first_try(EnvironmentVariableRegionProvider::new()),
        };
        chain.region().await.ok_or_else(no_region)
    }
}

fn no_region() -> Error {
    Error::new(
        ErrorKind::ConfigInvalid,
        "no AWS region is known: give one with the credentials, or set aws_region or AWS_REGION",
    )
}

fn checked_endpoint(text: &str) -> Result<String> {
    let invalid = |why: &str| Error::new(ErrorKind::ConfigInvalid, format!("aws_endpoint_url {why}"));
    let url = Url::parse(text)
        .map_err(|cause| invalid("is not a URL, such as http://127.0.0.1:4566").caused_by(cause))?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err(invalid("must start with http:// or https:// and name a host"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(invalid("must not hold a user or a password: requests are signed with the credentials"));
    }
    Ok(text.to_owned())
}

/// The SDK would make one client, and so one pool of connections, for each service and session.
/// Like its own, this one respects `HTTPS_PROXY` and `NO_PROXY`.
fn http_client() -> SharedHttpClient {
    HttpClientBuilder::new().build_with_connector_fn(|settings, components| {
        let mut connector = ConnectorBuilder::default().tls_provider(TlsProvider::Rustls(CryptoMode::AwsLc));
        connector.set_connector_settings(settings.cloned());
        connector.set_sleep_impl(components.and_then(RuntimeComponents::sleep_impl));
        connector.set_proxy_config(Some(ProxyConfig::from_env()));
        connector.build()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> Credentials {
        Credentials::keys("AKIACANARYCANARYCANA", "canary-secret")
    }

    fn settings() -> AwsSettings {
        AwsSettings { region: Some("eu-west-1".into()), endpoint_url: None, credentials: keys() }
    }

    #[tokio::test]
    async fn the_region_of_the_credentials_wins() {
        let session = AwsSession::new(settings());
        assert_eq!(session.region().await.unwrap(), "eu-west-1");
        let other = session.with_credentials(keys().region("us-east-2"));
        assert_eq!(other.region().await.unwrap(), "us-east-2");
    }

    #[tokio::test]
    async fn settings_reach_the_sdk() {
        let endpoint = "http://127.0.0.1:4566";
        let session = AwsSession::new(AwsSettings { endpoint_url: Some(endpoint.into()), ..settings() });
        let config = session.sdk_config().await.unwrap();
        assert_eq!(config.endpoint_url(), Some(endpoint));
        assert_eq!(config.retry_config().unwrap().max_attempts(), ATTEMPTS);
        let timeouts = config.timeout_config().unwrap();
        assert_eq!(timeouts.connect_timeout(), Some(CONNECT_TIMEOUT));
        assert_eq!(timeouts.read_timeout(), Some(READ_TIMEOUT));
        assert_eq!(timeouts.operation_timeout(), Some(OPERATION_TIMEOUT));
    }

    #[tokio::test]
    async fn malformed_settings_are_named() {
        for (region, endpoint, text) in [
            ("", None, "aws_region"),
            ("EU", None, "aws_region"),
            ("eu-west-1", Some("4566"), "aws_endpoint_url"),
            ("eu-west-1", Some("ftp://host"), "aws_endpoint_url"),
            ("eu-west-1", Some("http://user:canary@host"), "aws_endpoint_url"),
        ] {
            let (region, endpoint_url) = (Some(region.to_owned()), endpoint.map(str::to_owned));
            let session = AwsSession::new(AwsSettings { region, endpoint_url, credentials: keys() });
            let error = session.sdk_config().await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::ConfigInvalid);
            assert!(error.message().starts_with(text), "{error}");
            assert!(!format!("{error:?}").contains("canary"), "{error:?}");
        }
    }

    #[tokio::test]
    async fn malformed_credentials_are_refused_before_any_call() {
        let session = AwsSession::new(settings()).with_credentials(Credentials::keys("", ""));
        assert_eq!(session.kinesis().await.unwrap_err().kind(), ErrorKind::InvalidInput);
    }

    #[test]
    fn debug_holds_no_secret() {
        let text = format!("{:?}", AwsSession::new(settings()));
        assert!(text.contains("eu-west-1") && text.contains("AKIA…") && !text.contains("canary"), "{text}");
    }
}
