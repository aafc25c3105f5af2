//! `helios-server`: settings, a socket, and [`helios_http_server::app`] between them.

use std::{io::Write as _, process::ExitCode, sync::Arc};

use clap::Parser as _;
use helios_core::{Error, ErrorKind, HeliosClient, Result, clock::SystemClock};
use helios_http_server::{AppState, ServerConfig, app, config::EngineAccess, logging, serve::serve};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};

#[tokio::main]
#[expect(clippy::print_stderr, reason = "logging may be what failed")]
async fn main() -> ExitCode {
    match run(ServerConfig::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("helios-server: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(config: ServerConfig) -> Result<()> {
    config.validate()?;
    logging::start(&config.log, config.log_format)?;
    let stop = stop_signal()?;
    let listener = TcpListener::bind(config.addr).await.map_err(|error| unusable(&config, error))?;
    let address = listener.local_addr().map_err(|error| unusable(&config, error))?;

    let settings = config.backend.helios_config()?;
    let client = tokio::task::spawn_blocking(|| HeliosClient::from_config(settings))
        .await
        .map_err(|error| Error::new(ErrorKind::Unexpected, "opening failed").caused_by(error))??;
    if let Some(access) = config.engine.access()? {
        open_engine(&client, access).await?;
    }

    let limits = config.request.clone();
    let state = AppState::new(client, config, Arc::new(SystemClock));
    announce(&format!("Helios is serving on http://{address}"));
    tokio::select! {
        () = serve(listener, app(state.clone()), &limits, stop) => {}
        () = state.sweep_sessions() => {}
    }
    Ok(())
}

/// Ready when the process is told to end. The handlers are in place at once, not when this is first awaited.
fn stop_signal() -> Result<impl Future<Output = ()>> {
    let listen = |kind| {
        signal(kind)
            .map_err(|error| Error::new(ErrorKind::Unexpected, "signals cannot be read").caused_by(error))
    };
    let (mut interrupt, mut terminate) = (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

fn unusable(config: &ServerConfig, error: std::io::Error) -> Error {
    Error::new(ErrorKind::ConfigInvalid, "the address cannot be listened on; choose another with --addr")
        .with("address", config.addr.to_string())
        .caused_by(error)
}

fn announce(line: &str) {
    let mut out = std::io::stdout().lock();
    if let Err(error) = writeln!(out, "{line}").and_then(|()| out.flush()) {
        tracing::warn!(%error, "Nobody reads the standard output.");
    }
}

async fn open_engine(_client: &HeliosClient, _access: EngineAccess) -> Result<()> {
    Ok(())
}
