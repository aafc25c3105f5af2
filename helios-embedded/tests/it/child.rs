//! Tests in a process of their own: this test binary, started again for one test.

use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use clickhouse::Client;
use helios_embedded::Engine;

/// Says, in a child, which part of its test it plays, and with what.
const PART: &str = "HELIOS_TEST_PART";

/// The part of this process: `None` in the test itself.
pub(crate) fn part() -> Option<(String, PathBuf)> {
    let part = env::var(PART).ok()?;
    let (name, argument) = part.split_once('=').expect("a part is name=argument");
    Some((name.to_owned(), argument.into()))
}

/// The test of this name, such as `process::a_crash_ends_the_process`, to be started again for a part of it.
pub(crate) fn again(test: &str, part: &str, argument: &Path) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(PART, format!("{part}={}", argument.display()));
    command
}

pub(crate) fn run(mut command: Command) -> Output {
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{}\n{}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

/// What a part printed with [`report`].
pub(crate) fn reported(output: &Output) -> Vec<String> {
    let lines = String::from_utf8(output.stdout.clone()).unwrap();
    lines.lines().filter_map(|line| Some(line.split_once("REPORT ")?.1.to_owned())).collect()
}

pub(crate) fn report(text: impl std::fmt::Display) {
    println!("REPORT {text}");
}

pub(crate) fn client(engine: &Engine) -> Client {
    Client::with_http_client(engine.http_client()).with_url("http://embedded")
}

pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}
