//! Everything together: emulator, server with the engine, delivery function.

use std::net::{Ipv4Addr, TcpListener};

use uuid::Uuid;

use crate::{Account, Emulator, Function, Result, Server, ServerOptions, binary, deploy};

/// How to start a [`Lab`].
#[derive(Clone, Debug)]
pub struct LabOptions {
    /// Where the server listens: `127.0.0.1:0` is a free port.
    pub address: String,
    /// Whether SQL over HTTP may write.
    pub allow_writes: bool,
    /// Whether AWS checks keys and permissions. The function that delivers is then left out.
    pub guarded: bool,
}

impl Default for LabOptions {
    fn default() -> Self {
        Self { address: "127.0.0.1:0".to_owned(), allow_writes: false, guarded: false }
    }
}

/// An emulator with an account of its own, the server with the engine in a temporary folder, and the delivery function.
#[derive(Debug)]
pub struct Lab {
    server: Server,
    account: Account,
    emulator: Emulator,
    options: ServerOptions,
    clickhouse: Vec<(String, String)>,
    _data: tempfile::TempDir,
}

impl Lab {
    /// Starts all of it.
    ///
    /// # Errors
    ///
    /// If a part was not set up or built, or does not come up.
    pub async fn start(options: LabOptions) -> Result<Self> {
        let emulator = Emulator::start(options.guarded).await?;
        let account = emulator.account();
        let data = tempfile::tempdir()?;
        // The function reaches the engine through a loopback port of the server, with a password nobody else knows.
        let engine = format!("127.0.0.1:{}", free_port()?);
        let password = Uuid::new_v4().simple().to_string();
        let guarded = options.guarded;
        let options = ServerOptions::new(data.path())
            .set("HELIOS_ADDR", options.address)
            .set("HELIOS_ALLOW_WRITES", options.allow_writes.to_string())
            .set("HELIOS_ENGINE_LISTEN", &engine)
            .set("HELIOS_ENGINE_USER", "delivery")
            .set("HELIOS_ENGINE_PASSWORD", &password)
            .set("AWS_ENDPOINT_URL", emulator.endpoint())
            .set("AWS_REGION", account.region())
            .set("RUST_LOG", "warn");
        let clickhouse = [
            ("HELIOS_CLICKHOUSE_URL", format!("http://{engine}")),
            ("HELIOS_CLICKHOUSE_USER", "delivery".to_owned()),
            ("HELIOS_CLICKHOUSE_PASSWORD", password),
        ]
        .map(|(name, value)| (name.to_owned(), value));
        if !guarded {
            let logging = [("RUST_LOG".to_owned(), "warn".to_owned())];
            let function = Function {
                name: "helios-delivery",
                bootstrap: &binary("bootstrap")?,
                environment: clickhouse.iter().cloned().chain(logging).collect(),
                timeout_seconds: 60,
            };
            deploy(&account, function).await?;
        }
        let server = start(options.clone()).await?;
        Ok(Self { server, account, emulator, options, clickhouse: clickhouse.into(), _data: data })
    }

    /// The HTTP server.
    #[must_use]
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// The HTTP server, to wait for.
    pub fn server_mut(&mut self) -> &mut Server {
        &mut self.server
    }

    /// The AWS account.
    #[must_use]
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// The AWS emulator.
    #[must_use]
    pub fn emulator(&self) -> &Emulator {
        &self.emulator
    }

    /// The settings, as environment variables, of a client of this engine and of this account as its root.
    #[must_use]
    pub fn client_environment(&self) -> Vec<(String, String)> {
        let aws = [
            ("HELIOS_AWS_REGION", self.account.region()),
            ("HELIOS_AWS_ENDPOINT_URL", self.emulator.endpoint()),
            ("HELIOS_AWS_ACCESS_KEY_ID", self.account.id()),
            ("HELIOS_AWS_SECRET_ACCESS_KEY", self.account.secret_key()),
        ];
        let aws = aws.map(|(name, value)| (name.to_owned(), value.to_owned()));
        self.clickhouse.iter().cloned().chain(aws).collect()
    }

    /// Ends the server and starts it again on the same data.
    ///
    /// # Errors
    ///
    /// If it does not end or does not come up.
    pub async fn restart_server(self) -> Result<Self> {
        let Self { server, account, emulator, options, clickhouse, _data } = self;
        tokio::task::spawn_blocking(move || server.stop()).await??;
        let server = start(options.clone()).await?;
        Ok(Self { server, account, emulator, options, clickhouse, _data })
    }
}

async fn start(options: ServerOptions) -> Result<Server> {
    tokio::task::spawn_blocking(move || Server::start(&options)).await?
}

/// A loopback port that was free a moment ago.
///
/// # Errors
///
/// If there is none.
pub fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}
