//! The one way to ClickHouse: its HTTP interface, on a server or in this process.

use std::{fmt, path::PathBuf, sync::Arc, time::Duration};

use clickhouse::Client;
use hyper_rustls::ConfigBuilderExt as _;
use hyper_util::{client::legacy, rt::TokioExecutor};
use secrecy::{ExposeSecret as _, SecretString};

use super::{Compression, QueryOptions, ServerUrl, from_clickhouse, query::FunctionNames};
use crate::{Error, ErrorKind, Result};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const KEEPALIVE: Duration = Duration::from_secs(30);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);
const KEEPALIVE_RETRIES: u32 = 3;
/// Shorter than the server's own, 3 s by default, so that a request never meets a connection about to be closed.
const POOL_IDLE_TIMEOUT: Duration = Duration::from_secs(2);

/// The folder of the embedded engine, unless another is set.
#[cfg(feature = "embedded")]
pub const DEFAULT_DATA_PATH: &str = "helios-data";

/// Which ClickHouse to speak to.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct WarehouseSettings {
    /// The server's HTTP interface. Default: the embedded engine.
    pub url: Option<ServerUrl>,
    /// Default: the user in the URL, then the server's `default`.
    pub user: Option<String>,
    /// Default: the password in the URL, then none.
    pub password: Option<SecretString>,
    /// The database of queries that name none. Default: `default`.
    pub database: Option<String>,
    /// Of what goes between this process and a server.
    pub compression: Compression,
    /// The folder of the embedded engine. Default: `helios-data` in the working directory.
    pub data_path: Option<PathBuf>,
    /// The path of `libchdb.so`.
    pub chdb_lib: Option<PathBuf>,
    /// An embedded engine that is open already, in place of one to be opened.
    #[cfg(feature = "embedded")]
    pub engine: Option<helios_embedded::Engine>,
    /// An engine that runs in a process of its own, in place of one to be opened.
    #[cfg(feature = "engine-process")]
    pub engine_process: Option<helios_embedded::process::EngineProcess>,
}

/// A connection to ClickHouse. A clone shares the connection pool.
#[derive(Clone)]
pub struct Warehouse {
    client: Client,
    #[cfg(feature = "embedded")]
    engine: Option<helios_embedded::Engine>,
    #[cfg(feature = "engine-process")]
    engine_process: Option<helios_embedded::process::EngineProcess>,
    pub(super) functions: FunctionNames,
    /// The only AWS account whose tables it may change.
    account: Option<Arc<str>>,
}

impl Warehouse {
    /// Opens the embedded engine (blocking, up to half a second the first time) or prepares a client for a server,
    /// without connecting yet.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ConfigInvalid`] for a URL that is none or for settings that contradict each other,
    /// [`ErrorKind::EngineUnavailable`] if the embedded engine cannot be opened.
    pub fn connect(settings: &WarehouseSettings) -> Result<Self> {
        let mut warehouse = match &settings.url {
            Some(url) => Self::remote(url, settings)?,
            None => Self::embedded(settings)?,
        };
        if let Some(database) = &settings.database {
            warehouse.client = warehouse.client.with_database(database);
        }
        Ok(warehouse)
    }

    fn remote(url: &ServerUrl, settings: &WarehouseSettings) -> Result<Self> {
        if settings.data_path.is_some() {
            let message =
                "`clickhouse_url` and `data_path` are both set; choose the server or the embedded engine";
            return Err(Error::new(ErrorKind::ConfigInvalid, message));
        }
        #[cfg(feature = "embedded")]
        if settings.engine.is_some() {
            let message = "`clickhouse_url` is set, and an open engine was given; choose one";
            return Err(Error::new(ErrorKind::ConfigInvalid, message));
        }
        let address = url.address()?;
        let mut connector = legacy::connect::HttpConnector::new();
        connector.enforce_http(false);
        connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
        connector.set_nodelay(true);
        // A server that has vanished is noticed after a minute, also in the middle of an answer.
        connector.set_keepalive(Some(KEEPALIVE));
        connector.set_keepalive_interval(Some(KEEPALIVE_INTERVAL));
        connector.set_keepalive_retries(Some(KEEPALIVE_RETRIES));
        let tls =
            rustls::ClientConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
                .with_safe_default_protocol_versions()
                .map_err(|error| Error::unexpected("TLS cannot be set up").caused_by(error))?
                .with_webpki_roots()
                .with_no_client_auth();
        let connector = hyper_rustls::HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_http1()
            .wrap_connector(connector);
        let http = legacy::Client::builder(TokioExecutor::new())
            .pool_idle_timeout(POOL_IDLE_TIMEOUT)
            .build(connector);
        let mut client = Client::with_http_client(http)
            .with_url(address.url)
            .with_compression(settings.compression.of_client());
        if settings.compression != Compression::None {
            // Servers before 25.10 compress nothing unless they are told so.
            client = client.with_setting("enable_http_compression", "1");
        }
        if let Some(user) = settings.user.clone().or(address.user) {
            check_header("user", &user)?;
            client = client.with_user(user);
        }
        if let Some(password) = settings.password.clone().or(address.password) {
            check_header("password", password.expose_secret())?;
            client = client.with_password(password.expose_secret());
        }
        Ok(Self {
            client,
            #[cfg(feature = "embedded")]
            engine: None,
            #[cfg(feature = "engine-process")]
            engine_process: None,
            functions: FunctionNames::default(),
            account: None,
        })
    }

    #[cfg(feature = "embedded")]
    fn embedded(settings: &WarehouseSettings) -> Result<Self> {
        #[cfg(feature = "engine-process")]
        if let Some(process) = &settings.engine_process {
            // The other end is a socket of this machine: nothing to gain from compression.
            let client = Client::with_http_client(process.http_client())
                .with_url("http://embedded")
                .with_compression(clickhouse::Compression::None);
            let (engine_process, functions) = (Some(process.clone()), FunctionNames::default());
            return Ok(Self { client, engine: None, engine_process, functions, account: None });
        }
        let engine = match &settings.engine {
            Some(engine) => engine.clone(),
            None => open_engine(settings)?,
        };
        // The other end is a pipe in this process: nothing to gain from compression.
        let client = Client::with_http_client(engine.http_client())
            .with_url("http://embedded")
            .with_compression(clickhouse::Compression::None);
        Ok(Self {
            client,
            engine: Some(engine),
            #[cfg(feature = "engine-process")]
            engine_process: None,
            functions: FunctionNames::default(),
            account: None,
        })
    }

    #[cfg(not(feature = "embedded"))]
    fn embedded(_: &WarehouseSettings) -> Result<Self> {
        let message =
            "`clickhouse_url` is not set, and this build has no embedded engine (feature `embedded`)";
        Err(Error::new(ErrorKind::ConfigInvalid, message))
    }

    /// The same connection, on which nothing takes more than these limits allow, or writes if they are read-only.
    #[must_use]
    pub fn with_limits(&self, limits: &QueryOptions) -> Self {
        let mut limited = self.clone();
        for (name, value) in limits.settings() {
            limited.client = limited.client.with_setting(name, value);
        }
        limited
    }

    /// The same connection, for what is done on behalf of one AWS account: tables of another one are not changed.
    pub(crate) fn within_account(&self, account: impl Into<Arc<str>>) -> Self {
        Self { account: Some(account.into()), ..self.clone() }
    }

    /// The AWS account that it is kept within, if it is.
    pub(crate) fn account(&self) -> Option<&str> {
        self.account.as_deref()
    }

    /// The client of the `clickhouse` crate, for what Helios does not offer itself.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The embedded engine, unless this is a connection to a server.
    #[cfg(feature = "embedded")]
    #[must_use]
    pub fn engine(&self) -> Option<&helios_embedded::Engine> {
        self.engine.as_ref()
    }

    /// The engine that runs in a process of its own, if this is a connection to one.
    #[cfg(feature = "engine-process")]
    #[must_use]
    pub fn engine_process(&self) -> Option<&helios_embedded::process::EngineProcess> {
        self.engine_process.as_ref()
    }

    /// Runs a statement that answers nothing.
    ///
    /// # Errors
    ///
    /// What ClickHouse says.
    pub async fn execute(&self, statement: &str) -> Result<()> {
        self.client.query_raw(statement).execute().await.map_err(from_clickhouse)
    }
}

/// User and password are sent as headers: what those cannot hold would fail each request. The message does not repeat it.
fn check_header(what: &str, text: &str) -> Result<()> {
    if text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()) {
        return Ok(());
    }
    let message = format!("the ClickHouse {what} must contain only printable ASCII characters");
    Err(Error::new(ErrorKind::ConfigInvalid, message))
}

#[cfg(feature = "embedded")]
fn open_engine(settings: &WarehouseSettings) -> Result<helios_embedded::Engine> {
    let path = settings.data_path.clone().unwrap_or_else(|| PathBuf::from(DEFAULT_DATA_PATH));
    let mut options = helios_embedded::Options::new(path);
    options.library.clone_from(&settings.chdb_lib);
    helios_embedded::Engine::open(options).map_err(|error| {
        Error::new(ErrorKind::EngineUnavailable, error.to_string())
            .at("open the embedded engine")
            .caused_by(error)
    })
}

impl fmt::Debug for Warehouse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Warehouse").field("database", &self.client.database()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server() -> WarehouseSettings {
        let url = Some("http://ann:canary@localhost:8123".into());
        WarehouseSettings { url, ..WarehouseSettings::default() }
    }

    #[test]
    fn a_server_and_an_engine_contradict_each_other() {
        let settings = WarehouseSettings { data_path: Some("data".into()), ..server() };
        assert_eq!(Warehouse::connect(&settings).unwrap_err().kind(), ErrorKind::ConfigInvalid);
    }

    #[test]
    fn a_password_that_no_header_can_hold_is_refused() {
        for password in ["canary\r\nx: y", "canary\n", "canary\0", "canary\u{7f}", "canäry"] {
            let settings = WarehouseSettings { password: Some(password.into()), ..server() };
            let error = Warehouse::connect(&settings).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::ConfigInvalid);
            assert!(!error.to_string().contains("canary") && !error.to_string().contains("canär"), "{error}");
        }
        let settings = WarehouseSettings { user: Some("ann\n".to_owned()), ..server() };
        assert_eq!(Warehouse::connect(&settings).unwrap_err().kind(), ErrorKind::ConfigInvalid);
        for url in ["http://ann:pass%0Aword@localhost:8123", "http://an%0An:password@localhost:8123"] {
            let settings = WarehouseSettings { url: Some(url.into()), ..WarehouseSettings::default() };
            assert!(Warehouse::connect(&settings).is_err(), "{url}");
        }
        let settings = WarehouseSettings { password: Some("a b:~!".into()), ..server() };
        assert!(Warehouse::connect(&settings).is_ok());
    }

    #[test]
    fn debug_holds_no_secret() {
        let text = format!("{:?} {:?}", server(), Warehouse::connect(&server()).unwrap());
        assert!(!text.contains("canary"), "{text}");
    }
}
