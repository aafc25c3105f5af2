//! The server's life: settings, engine, socket, requests, end.

use std::{io::Write as _, sync::Arc};

use helios_core::{Error, ErrorKind, HeliosClient, Result, clock::SystemClock};
use helios_embedded::process::{EngineProcess, ProcessListener};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};

use crate::{
    AppState, ServerConfig, app, config::EngineAccess, engine_process, logging, open_files, serve::serve,
};

/// Runs the server until the process is told to end (SIGINT, SIGTERM).
///
/// Says on standard output where it serves, as soon as it does: `Helios is serving on http://127.0.0.1:8080`.
///
/// # Errors
///
/// [`ErrorKind::ConfigInvalid`] for settings that are wrong, an address that is taken, or a ClickHouse on which SQL that
/// shall only read can do more,
/// [`ErrorKind::EngineUnavailable`] if the embedded engine cannot be opened.
pub async fn run(config: ServerConfig) -> Result<()> {
    config.validate()?;
    let access = config.engine.access()?;
    if access.is_some() && config.backend.helios_config()?.clickhouse_url.is_some() {
        let message = "`--engine-listen` needs the embedded engine, but the ClickHouse URL names a server";
        return Err(Error::new(ErrorKind::ConfigInvalid, message));
    }
    let tokens = config.access.tokens()?;
    logging::start(&config.log, config.log_format)?;
    if config.access.allow_anonymous && !config.is_local() {
        tracing::warn!(
            address = %config.addr,
            "`--allow-anonymous` is set: every machine that reaches this address may log in with the AWS credentials of any account, \
             read every table and create sources."
        );
    }
    open_files::raise();
    // From here on, not from when it is first awaited.
    let stop = stop_signal()?;
    let socket = TcpListener::bind(config.addr).await.map_err(|error| unusable(&config, error))?;
    let address = socket.local_addr().map_err(|error| unusable(&config, error))?;

    let (client, process) = open_client(&config, access.as_ref()).await?;
    let listener = match (&process, access) {
        (Some(process), Some(access)) => Some(open_engine(process, access).await?),
        (None, _) | (_, None) => None,
    };
    let limits = config.request.clone();
    let state = AppState::new(client, config, Arc::new(SystemClock)).with_tokens(tokens);
    check(&state).await?;
    announce(&format!("Helios is serving on http://{address}"));
    tokio::select! {
        () = serve(socket, app(state.clone()), &limits, stop) => {}
        () = state.sweep_sessions() => {}
    }
    if let Some(listener) = listener {
        listener.shutdown().await;
    }
    if let Some(process) = process {
        process.shutdown().await;
    }
    Ok(())
}

/// The client, with the engine's process unless ClickHouse is a server.
async fn open_client(
    config: &ServerConfig,
    access: Option<&EngineAccess>,
) -> Result<(HeliosClient, Option<EngineProcess>)> {
    let settings = config.backend.helios_config()?;
    let builder = HeliosClient::builder().config(settings.clone());
    builder.check()?;
    if settings.clickhouse_url.is_some() {
        return Ok((builder.build()?, None));
    }
    let process = engine_process::start(config, &settings, access).await?;
    Ok((builder.engine_process(process.clone()).build()?, Some(process)))
}

/// Sees what callers' SQL may do. If ClickHouse cannot say yet, the first query asks again.
async fn check(state: &AppState) -> Result<()> {
    let Err(trouble) = state.check_itself().await else { return Ok(()) };
    match trouble.at_start() {
        Ok(error) => Err(error),
        Err(error) => {
            let error = format!("{error:#}");
            tracing::warn!(
                error,
                "What callers' SQL may do could not be checked; no query runs before it is."
            );
            Ok(())
        }
    }
}

/// Lets the delivery function and ClickHouse clients into the embedded engine.
async fn open_engine(process: &EngineProcess, access: EngineAccess) -> Result<ProcessListener> {
    // The text has its causes in it.
    let listener = process.listen(access.address).await.map_err(|error| {
        Error::new(ErrorKind::ConfigInvalid, format!("`--engine-listen` cannot be used: {error}"))
    })?;
    announce(&format!("The embedded engine is serving on http://{}", listener.local_addr()));
    Ok(listener)
}

fn stop_signal() -> Result<impl Future<Output = ()>> {
    let listen = |kind| {
        signal(kind)
            .map_err(|error| Error::new(ErrorKind::Unexpected, "signals cannot be received").caused_by(error))
    };
    let (mut interrupt, mut terminate) = (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
    // A terminal that is closed, and who wants it to end now.
    let (mut hangup, mut quit) = (listen(SignalKind::hangup())?, listen(SignalKind::quit())?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
            _ = quit.recv() => {}
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
