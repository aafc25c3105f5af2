//! The AWS emulator (ministack) as a process of its own.

use std::{
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use crate::{Account, Result};

/// The region of everything in the emulator.
pub const REGION: &str = "us-east-1";

const VERSION: &str = "1.5.33";
const START_ATTEMPTS: u32 = 5;
const START_LIMIT: Duration = Duration::from_secs(30);

/// Ends the emulator together with the process that started it: the other end of its standard input is there.
const RUN: &str = "\
import os, runpy, sys, threading
def watch():
    sys.stdin.buffer.read()
    os._exit(0)
threading.Thread(target=watch, daemon=True).start()
runpy.run_module('ministack', run_name='__main__')
";

/// Whether the emulator checks signatures and permissions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authorization {
    /// Any key is accepted.
    Off,
    /// Keys, signatures and policies are checked as AWS does.
    On,
}

/// A running emulator; dropping it ends the process.
#[derive(Debug)]
pub struct Emulator {
    child: Child,
    endpoint: String,
    python: PathBuf,
    next_account: AtomicU64,
    _temporary: tempfile::TempDir,
}

impl Emulator {
    /// Starts an emulator on a free loopback port and waits until it answers.
    ///
    /// # Errors
    ///
    /// If it was not set up (`make emulator`) or does not come up.
    pub fn start(authorization: Authorization) -> Result<Self> {
        let python = python()?;
        for _ in 0..START_ATTEMPTS {
            // It must know its port beforehand, so that the functions it runs find it: somebody may take it meanwhile.
            if let Some(emulator) = Self::start_at(&python, free_port()?, authorization)? {
                return Ok(emulator);
            }
        }
        Err(format!("the AWS emulator found no free port in {START_ATTEMPTS} attempts").into())
    }

    /// The emulator of this process, started when first asked for.
    ///
    /// # Panics
    ///
    /// If it cannot be started.
    #[expect(clippy::panic, reason = "a test without its emulator has failed")]
    pub fn shared(authorization: Authorization) -> &'static Self {
        static OFF: OnceLock<Emulator> = OnceLock::new();
        static ON: OnceLock<Emulator> = OnceLock::new();
        let cell = match authorization {
            Authorization::Off => &OFF,
            Authorization::On => &ON,
        };
        cell.get_or_init(|| Self::start(authorization).unwrap_or_else(|error| panic!("{error}")))
    }

    fn start_at(python: &Path, port: u16, authorization: Authorization) -> Result<Option<Self>> {
        let temporary = tempfile::tempdir()?;
        let endpoint = format!("http://127.0.0.1:{port}");
        let log = std::fs::File::create(temporary.path().join("emulator.log"))?;
        let mut child = Command::new(python)
            .args(["-c", RUN])
            // The functions inherit all of it.
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("HOME", temporary.path())
            .env("TMPDIR", temporary.path())
            .env("AWS_ENDPOINT_URL", &endpoint)
            .env("BIND_HOST", "127.0.0.1")
            .env("GATEWAY_PORT", port.to_string())
            .env("LAMBDA_EXECUTOR", "local")
            .env("LOG_LEVEL", "WARNING")
            .env("SERVICES", "dynamodb,iam,kinesis,lambda,sts")
            .env("AUTH", if authorization == Authorization::On { "true" } else { "false" })
            .stdin(Stdio::piped())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        let started = Instant::now();
        while !answers(port) {
            if child.try_wait()?.is_some() {
                return Ok(None);
            }
            if started.elapsed() > START_LIMIT {
                child.kill()?;
                let log = std::fs::read_to_string(temporary.path().join("emulator.log"))?;
                return Err(format!("the AWS emulator did not come up within {START_LIMIT:?}: {log}").into());
            }
            std::thread::yield_now();
        }
        let python = python.to_owned();
        Ok(Some(Self { child, endpoint, python, next_account: AtomicU64::new(0), _temporary: temporary }))
    }

    /// `http://127.0.0.1:port`.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// An account that nobody else uses: what is in one account is not seen from another.
    #[must_use]
    pub fn account(&self) -> Account {
        let number = self.next_account.fetch_add(1, Ordering::Relaxed);
        Account::new(&self.endpoint, &self.python, format!("{:012}", 100_000_000_001 + number))
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        // It may have ended by itself: then there is nothing left to do.
        if self.child.kill().is_ok() {
            drop(self.child.wait());
        }
    }
}

/// The Python that has the emulator.
fn python() -> Result<PathBuf> {
    let path = match std::env::var_os("HELIOS_EMULATOR_PYTHON") {
        Some(path) => PathBuf::from(path),
        None => cache()?.join(format!("helios/ministack-{VERSION}/bin/python")),
    };
    if path.is_file() {
        Ok(path)
    } else {
        Err(format!("the AWS emulator is not at {}: run `make emulator`", path.display()).into())
    }
}

fn cache() -> Result<PathBuf> {
    match (std::env::var_os("XDG_CACHE_HOME"), std::env::var_os("HOME")) {
        (Some(cache), _) if !cache.is_empty() => Ok(cache.into()),
        (_, Some(home)) => Ok(Path::new(&home).join(".cache")),
        _ => Err("neither XDG_CACHE_HOME nor HOME is set".into()),
    }
}

/// A loopback port that was free a moment ago.
pub(crate) fn free_port() -> Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// Whether something at this port answers a health check with success.
fn answers(port: u16) -> bool {
    use std::io::{Read as _, Write as _};
    let ask = || -> std::io::Result<bool> {
        let mut stream = std::net::TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(Duration::from_secs(2)))?;
        stream
            .write_all(b"GET /_ministack/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
        let mut answer = [0; 12];
        stream.read_exact(&mut answer)?;
        Ok(&answer == b"HTTP/1.1 200")
    };
    ask().unwrap_or(false)
}
