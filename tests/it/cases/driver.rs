//! The cases through another language: a program of that language calls Helios as it is told.
//!
//! A request is a line `operation text_length options_length`, then the text (SQL, or a stream) and the options as JSON. The
//! reply is a line `ok length` or `error length`, then JSON: the answer, or the error as HTTP shows it.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use helios_tests::Lab;
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    process::{Child, ChildStdin, ChildStdout},
};

use super::{
    case::Case,
    face::{Face, Outcome, outcome},
};

pub(super) struct Driver {
    /// It has nothing to clean up, and is killed when this is dropped.
    _child: Child,
    requests: ChildStdin,
    replies: BufReader<ChildStdout>,
}

impl Driver {
    /// The installed Python package, by its sync or its async client.
    pub(super) fn python(kind: &str, lab: &Lab) -> Self {
        let mut command = script("driver.py");
        command.arg(kind);
        Self::start(command, lab)
    }

    /// A compiled program.
    pub(super) fn compiled(name: &str, lab: &Lab) -> Self {
        Self::start(bare(built(name)), lab)
    }

    fn start(command: Command, lab: &Lab) -> Self {
        let mut command = tokio::process::Command::from(command);
        let mut child = command
            .envs(lab.client_environment())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
        let requests = child.stdin.take().unwrap();
        let replies = BufReader::new(child.stdout.take().unwrap());
        Self { _child: child, requests, replies }
    }
}

impl Face for Driver {
    async fn call(&mut self, case: &Case) -> Outcome {
        let (text, options) = case.split();
        let options = if options.is_empty() { String::new() } else { Value::from(options).to_string() };
        let request = format!("{} {} {}\n{text}{options}", case.operation, text.len(), options.len());
        self.requests.write_all(request.as_bytes()).await.unwrap();
        self.requests.flush().await.unwrap();

        let mut head = String::new();
        self.replies.read_line(&mut head).await.unwrap();
        let (verdict, length) = head
            .trim_end()
            .split_once(' ')
            .unwrap_or_else(|| panic!("{}: the driver ended: {head:?}", case.name));
        let mut body = vec![0; length.parse().unwrap()];
        self.replies.read_exact(&mut body).await.unwrap();
        match verdict {
            "ok" => outcome(true, &body),
            "error" => outcome(false, &body),
            other => panic!("{}: the driver answered {other}", case.name),
        }
    }
}

/// A Python program among the drivers.
pub(super) fn script(name: &str) -> Command {
    let mut command = bare(built("venv/bin/python"));
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("cases/drivers").join(name));
    command
}

/// A program without the variables of this process.
fn bare(program: PathBuf) -> Command {
    let mut command = Command::new(program);
    command.env_clear().envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
    command
}

/// What `make faces` puts into the target folder. A face that was not built fails its test.
fn built(name: &str) -> PathBuf {
    let own = std::env::current_exe().unwrap();
    let target = own.ancestors().nth(3).unwrap();
    let path = target.join("faces").join(name);
    assert!(path.exists(), "{} was not built: run `make faces`, or `make test`", path.display());
    path
}
