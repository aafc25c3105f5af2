//! The delivery function in the emulator.

use std::{
    io::{Cursor, Write as _},
    time::Duration,
};

use aws_sdk_lambda::{
    primitives::Blob,
    types::{Environment, FunctionCode, Runtime, State},
};
use zip::write::SimpleFileOptions;

use crate::{Account, Result, binary};

/// A function to deploy: the `bootstrap` that was built, with these variables.
#[derive(Clone, Debug)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// Its environment.
    pub environment: Vec<(String, String)>,
}

/// Deploys the function and waits until it can be invoked.
///
/// # Errors
///
/// If `bootstrap` was not built, and what the emulator says.
pub async fn deploy(account: &Account, function: &Function) -> Result<()> {
    let lambda = account.lambda().await;
    let environment = function
        .environment
        .iter()
        .fold(Environment::builder(), |environment, (name, value)| environment.variables(name, value));
    lambda
        .create_function()
        .function_name(&function.name)
        .runtime(Runtime::Providedal2023)
        .handler("bootstrap")
        .role(format!("arn:aws:iam::{}:role/helios-delivery", account.id()))
        .timeout(60)
        .memory_size(512)
        .code(FunctionCode::builder().zip_file(Blob::new(package()?)).build())
        .environment(environment.build())
        .send()
        .await?;
    loop {
        let found = lambda.get_function_configuration().function_name(&function.name).send().await?;
        match found.state {
            Some(State::Active) => return Ok(()),
            Some(State::Pending) => tokio::time::sleep(Duration::from_millis(50)).await,
            other => return Err(format!("the delivery function became {other:?}").into()),
        }
    }
}

/// The archive that Lambda takes: the executable, under the name that it looks for.
fn package() -> Result<Vec<u8>> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default()
        .compression_method(zip::CompressionMethod::Deflated)
        .unix_permissions(0o755);
    archive.start_file("bootstrap", options)?;
    archive.write_all(&std::fs::read(binary("bootstrap")?)?)?;
    Ok(archive.finish()?.into_inner())
}
