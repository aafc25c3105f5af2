//! A delivery function in the emulator.

use std::{
    collections::HashMap,
    fs,
    io::{Cursor, Write},
    path::Path,
};

use aws_sdk_lambda::{
    primitives::Blob,
    types::{Environment, FunctionCode, Runtime, State},
};
use tokio::time::{self, Duration};
use zip::{ZipWriter, write::SimpleFileOptions};

use crate::{Account, Result};

const POLL: Duration = Duration::from_millis(50);

/// A function to deploy.
#[derive(Clone, Debug)]
pub struct Function<'a> {
    /// Its name.
    pub name: &'a str,
    /// The compiled `bootstrap` binary, built for this machine: the emulator runs it as it is.
    pub bootstrap: &'a Path,
    /// Its environment variables. The emulator adds region, credentials of the account and its own address.
    pub environment: HashMap<String, String>,
    /// After how many seconds an invocation is ended.
    pub timeout_seconds: i32,
}

/// Creates the function, waits until it can be invoked, and returns its ARN.
///
/// # Errors
///
/// If the binary cannot be read, or whatever Lambda says.
pub async fn deploy(account: &Account, function: Function<'_>) -> Result<String> {
    let lambda = account.lambda();
    let created = lambda
        .create_function()
        .function_name(function.name)
        .runtime(Runtime::Providedal2023)
        .handler("bootstrap")
        .role(format!("arn:aws:iam::{}:role/{}", account.id(), function.name))
        .timeout(function.timeout_seconds)
        .environment(Environment::builder().set_variables(Some(function.environment)).build())
        .code(FunctionCode::builder().zip_file(Blob::new(package(function.bootstrap)?)).build())
        .send()
        .await?;
    loop {
        let configuration = lambda.get_function_configuration().function_name(function.name).send().await?;
        match configuration.state {
            Some(State::Active) => return Ok(created.function_arn.unwrap_or_default()),
            Some(State::Failed) => {
                let reason = configuration.state_reason.unwrap_or_default();
                return Err(format!("the function {} failed to start: {reason}", function.name).into());
            }
            _ => time::sleep(POLL).await,
        }
    }
}

fn package(bootstrap: &Path) -> Result<Vec<u8>> {
    let binary =
        fs::read(bootstrap).map_err(|error| format!("{} cannot be read: {error}", bootstrap.display()))?;
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    // The fastest level: a debug binary has a hundred megabytes, and lives for one test.
    let options = SimpleFileOptions::default().unix_permissions(0o755).compression_level(Some(1));
    zip.start_file("bootstrap", options)?;
    zip.write_all(&binary)?;
    Ok(zip.finish()?.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_package_holds_an_executable() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("anything");
        fs::write(&path, b"binary").unwrap();
        let mut archive = zip::ZipArchive::new(Cursor::new(package(&path).unwrap())).unwrap();
        let file = archive.by_name("bootstrap").unwrap();
        assert_eq!((file.size(), file.unix_mode().map(|mode| mode & 0o777)), (6, Some(0o755)));
    }

    #[test]
    fn a_missing_binary_is_named() {
        assert!(
            package(Path::new("/nowhere/bootstrap")).unwrap_err().to_string().contains("/nowhere/bootstrap")
        );
    }
}
