//! The Python package beside its peers: the same rows as frames of pandas and polars, small queries, its import.

use std::{
    collections::HashMap,
    path::PathBuf,
    process::{Command, Stdio},
    time::Duration,
};

use helios_tests::Result;

use super::service::{Service, TABLE, USER, fill};
use crate::{
    measure::{ROUNDS, median},
    results::Row,
};

const ROWS: u64 = 1_000_000;

pub(crate) async fn rows() -> Result<Vec<Row>> {
    let service = Service::embedded().await?;
    let fill = fill(ROWS);
    let statements = ["CREATE DATABASE bench", TABLE, &fill];
    for statement in statements {
        service.engine(statement).await?;
    }
    let data = tempfile::tempdir()?;
    let output = Command::new(interpreter()?)
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/python/peers.py"))
        .args([&service.engine_url(), USER, service.password()])
        .arg(data.path())
        .arg(ROUNDS.to_string())
        .args(statements)
        // In process both have one engine, the package's: libchdb is not to be found.
        .env("XDG_CACHE_HOME", data.path())
        .env_remove("HELIOS_CHDB_LIB")
        .stderr(Stdio::inherit())
        .output()?;
    if !output.status.success() {
        return Err(format!("the Python peers ended with {}", output.status).into());
    }
    let times: HashMap<String, Vec<f64>> = serde_json::from_slice(&output.stdout)?;
    let seconds = |name: &str| {
        let times = times.get(name).ok_or_else(|| format!("no times of {name}"))?;
        Ok::<f64, String>(median(
            &times.iter().map(|time| Duration::from_secs_f64(*time)).collect::<Vec<_>>(),
        ))
    };
    let row = |work: &str, ours: &str, peer: &str, target: Option<f64>| {
        let (our, their) = (seconds(ours)?, seconds(peer)?);
        let name = format!("Python, {work}, {ours}, beside {peer}");
        let told = (format!("{:.0} ms", our * 1e3), format!("{:.0} ms", their * 1e3));
        Ok::<Row, String>(match target {
            Some(target) => Row::times(&name, told, their / our, target),
            None => Row::told(&name, told, their / our),
        })
    };
    let frame = "1 M rows × 5";
    Ok(vec![
        row(frame, "helios to pandas", "clickhouse-connect query_df", Some(3.0))?,
        row(frame, "helios to pandas", "clickhouse-connect query_df_arrow", Some(1.0))?,
        row(frame, "helios to polars", "clickhouse-connect query_arrow, from_arrow", Some(1.0))?,
        row(frame, "helios in process", "chdb in process", None)?,
        row("a tenth of", "helios, 10 k × SELECT 1", "clickhouse-connect, 10 k × SELECT 1", Some(2.0))?,
        row("a tenth of", "helios, 10 k × SELECT 1", "the engine's HTTP, 10 k × SELECT 1", None)?,
        Row::at_most("Python, import helios", seconds("import helios")? * 1e3, "ms", 50.0),
    ])
}

/// The environment that `make bench` makes beside this program.
fn interpreter() -> Result<PathBuf> {
    let own = std::env::current_exe()?;
    let target = own.ancestors().nth(2).ok_or("this program is in no target folder")?;
    let path = target.join("peers/venv/bin/python");
    if path.is_file() {
        return Ok(path);
    }
    Err("the peers in Python are not there: run `make bench`".into())
}
