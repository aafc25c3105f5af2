//! The binary.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    process::{Child, Command, Output, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};

/// The server with these variables and no others.
pub(crate) fn server(variables: &[(&str, &str)], args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_helios-server"));
    command.env_clear().envs(variables.iter().copied()).args(args).stdin(Stdio::null());
    command
}

const NO_ENGINE: [(&str, &str); 2] =
    [("HELIOS_CLICKHOUSE_URL", "http://127.0.0.1:9"), ("HELIOS_ADDR", "127.0.0.1:0")];

/// Reads the address from the standard output.
pub(crate) fn served(child: &mut Child) -> String {
    let [address] = announced(child, ["Helios"]);
    address
}

/// The same of several, in the order in which the server says them.
pub(crate) fn announced<const N: usize>(child: &mut Child, names: [&str; N]) -> [String; N] {
    let mut output = BufReader::new(child.stdout.as_mut().unwrap());
    names.map(|name| {
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        let address = line.trim_end().strip_prefix(&format!("{name} is serving on http://"));
        address.unwrap_or_else(|| panic!("{line:?}")).to_owned()
    })
}

#[track_caller]
pub(crate) fn failed(output: &Output, says: &str) {
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && text.contains(says), "{text}");
    assert!(!text.contains("canary"), "{text}");
    // Each thing once.
    let mut said: Vec<&str> =
        text.lines().flat_map(|line| line.split(": ")).filter(|said| said.contains(' ')).collect();
    let count = said.len();
    said.sort_unstable();
    said.dedup();
    assert_eq!(said.len(), count, "{text}");
}

#[test]
fn says_where_it_serves_and_ends_when_told() {
    for signal in [Signal::TERM, Signal::INT] {
        let mut child = server(&NO_ENGINE, &[]).stdout(Stdio::piped()).spawn().unwrap();
        let address = served(&mut child);
        let mut stream = TcpStream::connect(&address).unwrap();
        write!(stream, "GET /healthz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        kill_process(Pid::from_child(&child), signal).unwrap();
        assert!(child.wait().unwrap().success());
    }
}

#[test]
fn a_taken_address_is_named() {
    let mut first = server(&NO_ENGINE, &[]).stdout(Stdio::piped()).spawn().unwrap();
    let address = served(&mut first);
    let second = server(&NO_ENGINE, &["--addr", &address]).output().unwrap();
    failed(
        &second,
        &format!("the address cannot be listened on; choose another with --addr {{address: {address}}}"),
    );
    first.kill().unwrap();
    first.wait().unwrap();
}

#[test]
fn help_shows_no_secret_of_the_environment() {
    let variables = [
        ("HELIOS_CLICKHOUSE_URL", "http://ann:canary@localhost:8123"),
        ("HELIOS_CLICKHOUSE_PASSWORD", "canary"),
        ("HELIOS_ENGINE_PASSWORD", "canary"),
        ("HELIOS_AWS_SECRET_ACCESS_KEY", "canary"),
    ];
    let output = server(&variables, &["--help"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success() && text.contains("HELIOS_ENGINE_PASSWORD") && !text.contains("canary"),
        "{text}"
    );
}

#[test]
fn a_server_that_is_open_to_all_says_so() {
    for (address, flag, warns) in [("0.0.0.0:0", "true", true), ("127.0.0.1:0", "false", false)] {
        let variables = [NO_ENGINE[0], ("HELIOS_ADDR", address), ("HELIOS_ALLOW_ANONYMOUS", flag)];
        let mut child =
            server(&variables, &[]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        served(&mut child);
        child.kill().unwrap();
        let log = String::from_utf8(child.wait_with_output().unwrap().stderr).unwrap();
        assert_eq!(log.contains(" WARN ") && log.contains("`--allow-anonymous` is set"), warns, "{log}");
    }
}

#[test]
fn settings_that_cannot_work_are_one_clear_error() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (tokens, data) = (file("tokens", "# ours\n\nread board canary\n"), file("no folder", ""));
    let engine = ("HELIOS_ENGINE_LISTEN", "127.0.0.1:0");
    for (variables, says) in [
        (&[("HELIOS_ADDR", "nowhere")][..], "invalid value 'nowhere' for '--addr"),
        (&[("RUST_LOG", "=?=")], "the log filter cannot be read"),
        (&[("HELIOS_CLICKHOUSE_URL", "ftp://u:canary@h")], "`clickhouse_url` is neither http nor https"),
        (&[engine], "`--engine-listen` needs the environment variable HELIOS_ENGINE_USER"),
        (&[("HELIOS_ENGINE_LISTEN", "0.0.0.0:1")], "takes a loopback address only"),
        (
            &[engine, ("HELIOS_ENGINE_USER", "u"), ("HELIOS_ENGINE_PASSWORD", "canary"), NO_ENGINE[0]],
            "`--engine-listen` needs the embedded engine",
        ),
        (&[("HELIOS_AWS_ACCESS_KEY_ID", "canary"), NO_ENGINE[0]], "without `aws_secret_access_key`"),
        (
            &[("HELIOS_CLICKHOUSE_PASSWORD", "canary\r\nx: y"), NO_ENGINE[0]],
            "only printable ASCII characters",
        ),
        (
            &[engine, ("HELIOS_ENGINE_USER", "u"), ("HELIOS_ENGINE_PASSWORD", "canary\n")],
            "HELIOS_ENGINE_PASSWORD must contain only printable ASCII characters",
        ),
        (&[("HELIOS_ADDR", "0.0.0.0:0"), NO_ENGINE[0]], "`--tokens` is not set"),
        (&[("HELIOS_TOKENS", "admin canary"), NO_ENGINE[0]], "line 1 does not have three words"),
        (&[("HELIOS_TOKENS_FILE", "/nowhere"), NO_ENGINE[0]], "failed to read the file of tokens"),
        (&[("HELIOS_TOKENS_FILE", &tokens), NO_ENGINE[0]], "line 3 does not end with a SHA-256"),
        (&[("HELIOS_TRUSTED_ROLE_HEADER", "x-role"), NO_ENGINE[0]], "need each other"),
        (&[("HELIOS_DATA_PATH", &data)], "cannot be used"),
        (
            &[("HELIOS_DATA_PATH", folder.path().to_str().unwrap()), ("HELIOS_CHDB_LIB", "/etc/passwd")],
            "is not a usable libchdb",
        ),
        (
            &[("HELIOS_DATA_PATH", folder.path().to_str().unwrap()), ("HELIOS_CHDB_LIB", "/nowhere")],
            "no embedded ClickHouse",
        ),
        (&[("HELIOS_CHDB_LIB", "/etc/passwd"), ("HELIOS_DATA_PATH", "/proc/helios")], "/proc/helios"),
    ] {
        let mut variables = variables.to_vec();
        if !variables.iter().any(|(name, _)| *name == "HELIOS_ADDR") {
            variables.push(NO_ENGINE[1]);
        }
        failed(&server(&variables, &[]).output().unwrap(), says);
    }
}

/// A proxy on the loopback address, which the operator trusts.
#[test]
fn a_trusted_proxy_says_the_role() {
    let variables = [
        NO_ENGINE[0],
        NO_ENGINE[1],
        ("HELIOS_TRUSTED_ROLE_HEADER", "x-role"),
        ("HELIOS_TRUSTED_PROXIES", "127.0.0.1"),
    ];
    let mut child = server(&variables, &[]).stdout(Stdio::piped()).spawn().unwrap();
    let address = served(&mut child);
    for (headers, status) in [
        ("", "401"),
        ("X-Role: operate\r\n", "403"),
        ("X-Role: admin\r\nX-Role: admin\r\n", "401"),
        ("X-Role: admin\r\n", "401"),
    ] {
        let mut stream = TcpStream::connect(&address).unwrap();
        // An admin is let in, and has no session.
        let path = "/api/sources/clicks";
        write!(stream, "DELETE {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{headers}\r\n")
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{headers:?} {answer}");
        assert_eq!(
            answer.contains("www-authenticate"),
            headers != "X-Role: admin\r\n" && status == "401",
            "{answer}"
        );
    }
    child.kill().unwrap();
    child.wait().unwrap();
}
