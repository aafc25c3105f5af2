//! The AWS emulator as a child process.

use std::{
    env,
    ffi::OsString,
    fs::{self, File},
    net::Ipv4Addr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use tokio::{sync::OnceCell, time};

use crate::{Account, Result, lab::free_port};

const VERSION: &str = "1.5.33";
const START_TIMEOUT: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(20);
/// Between choosing a free port and using it, another process may take it.
const ATTEMPTS: usize = 5;

/// Runs the emulator until its standard input ends: when the fixture is dropped, and also when this process dies in
/// any way, as only the pipe's other end tells. Its directory goes with it.
const PROGRAM: &str = "
import os, shutil, sys, threading

def clean_up():
    shutil.rmtree(os.environ['TMPDIR'], ignore_errors=True)

def follow_parent():
    # Not sys.stdin, whose lock an interpreter that ends by itself would wait for.
    while os.read(0, 1):
        pass
    clean_up()
    os._exit(0)

threading.Thread(target=follow_parent, daemon=True).start()
from ministack.app import main
sys.argv = ['ministack']
main()
# Only after a regular end: the log of a failed start is still to be read.
clean_up()
";

/// A running AWS emulator (ministack): Kinesis, DynamoDB, Lambda, IAM, STS, on a port of its own.
#[derive(Debug)]
pub struct Emulator {
    child: Child,
    endpoint: String,
    directory: PathBuf,
}

impl Emulator {
    /// Starts one. With `auth`, signatures and permissions are checked; without, any keys will do.
    ///
    /// # Errors
    ///
    /// If it is not installed, or does not start: with its last words.
    pub async fn start(auth: bool) -> Result<Self> {
        let python = python()?;
        let mut attempt = 1;
        loop {
            match Self::start_on(&python, free_port()?, auth).await {
                Err(error) if attempt < ATTEMPTS && error.to_string().contains("in use") => attempt += 1,
                started => return started,
            }
        }
    }

    /// The one of this process, with or without `auth`. Tests keep apart by [`Emulator::account`].
    ///
    /// # Errors
    ///
    /// As [`Emulator::start`].
    pub async fn shared(auth: bool) -> Result<&'static Self> {
        static OPEN: OnceCell<Emulator> = OnceCell::const_new();
        static GUARDED: OnceCell<Emulator> = OnceCell::const_new();
        let shared = if auth { &GUARDED } else { &OPEN };
        shared.get_or_try_init(|| Self::start(auth)).await
    }

    async fn start_on(python: &Path, port: u16, auth: bool) -> Result<Self> {
        let directory = tempfile::Builder::new().prefix("helios-emulator-").tempdir()?.keep();
        let log_path = directory.join("log");
        let log = File::create(&log_path)?;
        let endpoint = format!("http://{}:{port}", Ipv4Addr::LOCALHOST);
        // Functions inherit this environment, so nothing of ours may be in it. Without the endpoint they would call AWS.
        let child = Command::new(python)
            .args(["-c", PROGRAM])
            .env_clear()
            .env("PATH", env::var_os("PATH").unwrap_or_else(|| OsString::from("/usr/bin:/bin")))
            .env("HOME", &directory)
            .env("TMPDIR", &directory)
            .env("LANG", "C.UTF-8")
            .env("BIND_HOST", Ipv4Addr::LOCALHOST.to_string())
            .env("GATEWAY_PORT", port.to_string())
            .env("AWS_ENDPOINT_URL", &endpoint)
            .env("LAMBDA_EXECUTOR", "local")
            .env("AUTH", auth.to_string())
            .stdin(Stdio::piped())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .map_err(|error| format!("{} does not start: {error}", python.display()))?;
        let mut emulator = Self { child, endpoint, directory };
        match time::timeout(START_TIMEOUT, emulator.ready(&log_path)).await {
            Ok(Ok(())) => Ok(emulator),
            Ok(Err(error)) => Err(error),
            Err(_) => {
                Err(format!("the AWS emulator is not ready after {START_TIMEOUT:?}: {}", tail(&log_path))
                    .into())
            }
        }
    }

    /// Its own log first: on this port another process could answer.
    async fn ready(&mut self, log: &Path) -> Result<()> {
        while !fs::read_to_string(log)?.contains("Running on ") {
            if let Some(status) = self.child.try_wait()? {
                return Err(format!("the AWS emulator ended with {status}: {}", tail(log)).into());
            }
            time::sleep(POLL).await;
        }
        let health = format!("{}/_ministack/health", self.endpoint);
        while !reqwest::get(&health).await.is_ok_and(|answer| answer.status().is_success()) {
            time::sleep(POLL).await;
        }
        Ok(())
    }

    /// Its address, for `AWS_ENDPOINT_URL`.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// An AWS account nobody has used before: its streams, tables and functions are nobody else's.
    #[must_use]
    pub fn account(&self) -> Account {
        Account::new(self.endpoint.clone())
    }

    /// What it has logged, functions included.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.directory.join("log")).unwrap_or_default()
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        // It ends by itself; waiting only spares the system a zombie, so a failure to wait changes nothing.
        self.child.wait().ok();
        // Only still there if it ended before its time.
        fs::remove_dir_all(&self.directory).ok();
    }
}

fn python() -> Result<PathBuf> {
    let path = match env::var_os("HELIOS_EMULATOR_PYTHON") {
        Some(path) => PathBuf::from(path),
        None => cache_directory()?.join(format!("helios/ministack-{VERSION}/bin/python")),
    };
    if path.exists() {
        return Ok(path);
    }
    Err(format!("the AWS emulator is not at {}: run `make emulator`", path.display()).into())
}

fn cache_directory() -> Result<PathBuf> {
    if let Some(path) = env::var_os("XDG_CACHE_HOME").filter(|path| !path.is_empty()) {
        return Ok(path.into());
    }
    let home =
        env::var_os("HOME").ok_or("neither XDG_CACHE_HOME nor HOME is set: set HELIOS_EMULATOR_PYTHON")?;
    Ok(PathBuf::from(home).join(".cache"))
}

fn tail(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines.iter().skip(lines.len().saturating_sub(15)).copied().collect::<Vec<_>>().join("\n")
}
