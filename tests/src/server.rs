//! The HTTP server as a process of its own.

use std::{
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::Duration,
};

use tokio::time;

use crate::Result;

const POLL: Duration = Duration::from_millis(100);

/// Which server to start. It gets these variables and none of this process's.
#[derive(Clone, Debug, Default)]
pub struct ServerOptions {
    environment: Vec<(String, String)>,
    /// Default: `helios-server`.
    program: Option<&'static str>,
}

impl ServerOptions {
    /// A server with the embedded engine in `data_path`, on a free port.
    #[must_use]
    pub fn new(data_path: &Path) -> Self {
        Self::default()
            .set("HELIOS_ADDR", "127.0.0.1:0")
            .set("HELIOS_DATA_PATH", data_path.to_string_lossy())
            .inherit("PATH")
            .inherit("HOME")
            .inherit("XDG_CACHE_HOME")
            .inherit("HELIOS_CHDB_LIB")
            .inherit("HELIOS_ALLOW_ANONYMOUS")
    }

    /// Starts another program, which takes the same variables and says the same line.
    #[must_use]
    pub fn program(self, name: &'static str) -> Self {
        Self { program: Some(name), ..self }
    }

    /// Sets a variable, in place of an earlier value.
    #[must_use]
    pub fn set(mut self, name: &str, value: impl Into<String>) -> Self {
        self.environment.retain(|(known, _)| known != name);
        self.environment.push((name.to_owned(), value.into()));
        self
    }

    fn inherit(self, name: &str) -> Self {
        match std::env::var(name) {
            Ok(value) => self.set(name, value),
            Err(_) => self,
        }
    }
}

/// A running server; dropping it ends the process.
#[derive(Debug)]
pub struct Server {
    child: Child,
    url: String,
}

impl Server {
    /// Starts the server and waits until it serves. What it logs goes to this process's standard error.
    ///
    /// # Errors
    ///
    /// If the binary was not built or ends before it serves.
    pub fn start(options: &ServerOptions) -> Result<Self> {
        let mut child = Command::new(binary(options.program.unwrap_or("helios-server"))?)
            .env_clear()
            .envs(options.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut lines =
            BufReader::new(child.stdout.take().ok_or("the server has no standard output")?).lines();
        let served = lines
            .by_ref()
            .map_while(std::result::Result::ok)
            .find_map(|line| line.strip_prefix("Helios is serving on ").map(str::to_owned));
        let Some(url) = served else {
            return Err(format!("the server ended before it served: {}", child.wait()?).into());
        };
        // Whatever it still prints must not fill the pipe.
        thread::spawn(move || lines.map_while(std::result::Result::ok).for_each(drop));
        Ok(Self { child, url })
    }

    /// `http://127.0.0.1:port`, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until the server ends by itself.
    ///
    /// # Errors
    ///
    /// If the process cannot be waited for.
    pub async fn ended(&mut self) -> Result<ExitStatus> {
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            time::sleep(POLL).await;
        }
    }

    /// Asks the server to end, as the operating system would, and waits until it has.
    ///
    /// # Errors
    ///
    /// If it does not end with success.
    pub fn stop(mut self) -> Result<()> {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM)?;
        let status = self.child.wait()?;
        if status.success() { Ok(()) } else { Err(format!("the server ended with {status}").into()) }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself: then there is nothing left to do.
        if self.child.kill().is_ok() {
            drop(self.child.wait());
        }
    }
}

/// A binary of this workspace, from the folder this one was built into.
///
/// # Errors
///
/// If it was not built.
pub fn binary(name: &str) -> Result<PathBuf> {
    let own = std::env::current_exe()?;
    let folders = own.ancestors().skip(1).take(2);
    let found = folders.map(|folder| folder.join(name)).find(|path| path.is_file());
    found.ok_or_else(|| {
        format!("{name} was not built: run `cargo build --workspace --bins`, or `make test`").into()
    })
}
